//! Erasure coding, which is not supported: every file is replicated.
//!
//! The responses are those of a NameNode on which every policy is disabled and users may not define
//! their own.

use super::attributes::found;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::Inode;
use crate::namenode::state::resolve::RESERVED;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::xattr::{REPLICATION, XAttr};
use crate::proto::hdfs::{
    AddErasureCodingPoliciesRequestProto, AddErasureCodingPoliciesResponseProto,
    AddErasureCodingPolicyResponseProto, DisableErasureCodingPolicyRequestProto,
    DisableErasureCodingPolicyResponseProto, EcTopologyVerifierResultProto,
    EnableErasureCodingPolicyRequestProto, EnableErasureCodingPolicyResponseProto,
    GetEcTopologyResultForPoliciesRequestProto, GetEcTopologyResultForPoliciesResponseProto,
    GetErasureCodingCodecsRequestProto, GetErasureCodingCodecsResponseProto,
    GetErasureCodingPoliciesRequestProto, GetErasureCodingPoliciesResponseProto,
    GetErasureCodingPolicyRequestProto, GetErasureCodingPolicyResponseProto,
    RemoveErasureCodingPolicyRequestProto, RemoveErasureCodingPolicyResponseProto,
    SetErasureCodingPolicyRequestProto, SetErasureCodingPolicyResponseProto,
    UnsetErasureCodingPolicyRequestProto, UnsetErasureCodingPolicyResponseProto,
};
use crate::rpc::Call;

/// `dfs.namenode.ec.system.default.policy`: for requests that name no policy.
const SYSTEM_DEFAULT: &str = "RS-6-3-1024k";

impl NameNode {
    /// Returns no policy for any path.
    pub(crate) fn get_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: GetErasureCodingPolicyRequestProto,
    ) -> Result<GetErasureCodingPolicyResponseProto, HdfsError> {
        let replicated = GetErasureCodingPolicyResponseProto { ec_policy: None };
        if request.src == RESERVED {
            return Ok(replicated);
        }
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        match path.last() {
            Some(_) => Ok(replicated),
            None if path.path().ends_with("/.snapshot") => Ok(replicated),
            None => Err(not_found(&request.src)),
        }
    }

    /// Sets the policy of a directory, which can only be replication.
    pub(crate) fn set_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: SetErasureCodingPolicyRequestProto,
    ) -> Result<SetErasureCodingPolicyResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns =
            self.lock_to_write(format_args!("set erasure coding policy on {}", request.src))?;
        let name = match request.ec_policy_name() {
            "" => SYSTEM_DEFAULT,
            name => name,
        };
        if !name.eq_ignore_ascii_case(REPLICATION) {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "Policy '{name}' does not match any enabled erasure coding policies: []. \
                 An erasure coding policy can be enabled by enableErasureCodingPolicy API."
            )));
        }
        let path = ns.namespace().resolve(&request.src)?.not_following();
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        if !directory(&ns, &path)?.is_directory() {
            return Err(HdfsError::io(format!(
                "Attempt to set an erasure coding policy for a file {}",
                path.path()
            )));
        }
        ns.log(&Edit::SetXAttr {
            src: path.path().to_owned(),
            xattr: XAttr::replication_policy(),
            rpc: call.caller.into(),
        })?;
        Ok(SetErasureCodingPolicyResponseProto {})
    }

    /// Removes the policy of a directory. Fails if it has none of its own.
    pub(crate) fn unset_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: UnsetErasureCodingPolicyRequestProto,
    ) -> Result<UnsetErasureCodingPolicyResponseProto, HdfsError> {
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!(
            "unset erasure coding policy on {}",
            request.src
        ))?;
        let path = ns.namespace().resolve(&request.src)?.not_following();
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let inode = directory(&ns, &path)?;
        if !inode.is_directory() {
            return Err(HdfsError::io(format!(
                "Cannot unset an erasure coding policy on a file {}",
                path.path()
            )));
        }
        let xattr = XAttr::replication_policy();
        if !inode.xattrs().iter().any(|known| known.is_same_as(&xattr)) {
            return Err(HdfsError::no_ec_policy_set(format!(
                "No erasure coding policy explicitly set on {}",
                path.path()
            )));
        }
        ns.log(&Edit::RemoveXAttr {
            src: path.path().to_owned(),
            xattr,
            rpc: call.caller.into(),
        })?;
        Ok(UnsetErasureCodingPolicyResponseProto {})
    }

    /// Returns an empty list of policies.
    pub(crate) fn get_erasure_coding_policies(
        &self,
        _call: &Call<'_>,
        _request: GetErasureCodingPoliciesRequestProto,
    ) -> Result<GetErasureCodingPoliciesResponseProto, HdfsError> {
        Ok(GetErasureCodingPoliciesResponseProto {
            ec_policies: Vec::new(),
        })
    }

    /// Returns an empty list of codecs.
    pub(crate) fn get_erasure_coding_codecs(
        &self,
        _call: &Call<'_>,
        _request: GetErasureCodingCodecsRequestProto,
    ) -> Result<GetErasureCodingCodecsResponseProto, HdfsError> {
        Ok(GetErasureCodingCodecsResponseProto { codec: Vec::new() })
    }

    /// Adds none of the policies, and says so for each.
    pub(crate) fn add_erasure_coding_policies(
        &self,
        call: &Call<'_>,
        request: AddErasureCodingPoliciesRequestProto,
    ) -> Result<AddErasureCodingPoliciesResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("addErasureCodingPolicies")?;
        let _writable = self.lock_to_write(format_args!("add erasure coding policy"))?;
        let responses = request.ec_policies.into_iter().map(|policy| {
            let error_msg = "Addition of user defined erasure coding policy is disabled.";
            AddErasureCodingPolicyResponseProto {
                policy,
                succeed: false,
                error_msg: Some(error_msg.to_owned()),
            }
        });
        Ok(AddErasureCodingPoliciesResponseProto {
            responses: responses.collect(),
        })
    }

    /// Fails, because there is no policy of any name.
    pub(crate) fn remove_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: RemoveErasureCodingPolicyRequestProto,
    ) -> Result<RemoveErasureCodingPolicyResponseProto, HdfsError> {
        Err(self.unknown_policy(
            call,
            ("removeErasureCodingPolicy", "remove"),
            &request.ec_policy_name,
        ))
    }

    /// Fails, because there is no policy of any name.
    pub(crate) fn enable_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: EnableErasureCodingPolicyRequestProto,
    ) -> Result<EnableErasureCodingPolicyResponseProto, HdfsError> {
        Err(self.unknown_policy(
            call,
            ("enableErasureCodingPolicy", "enable"),
            &request.ec_policy_name,
        ))
    }

    /// Fails, because there is no policy of any name.
    pub(crate) fn disable_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: DisableErasureCodingPolicyRequestProto,
    ) -> Result<DisableErasureCodingPolicyResponseProto, HdfsError> {
        Err(self.unknown_policy(
            call,
            ("disableErasureCodingPolicy", "disable"),
            &request.ec_policy_name,
        ))
    }

    fn unknown_policy(
        &self,
        call: &Call<'_>,
        (operation, verb): (&str, &str),
        name: &str,
    ) -> HdfsError {
        if let Err(denied) = self.checker(call).check_superuser(operation) {
            return denied;
        }
        match self.lock_to_write(format_args!("{verb} erasure coding policy {name}")) {
            Err(safe_mode) => safe_mode,
            Ok(_) => {
                HdfsError::hadoop_illegal_argument(format!("The policy name {name} does not exist"))
            }
        }
    }

    /// Returns that the cluster suits the enabled policies, since there are none. Fails for any
    /// policy that is named.
    pub(crate) fn get_ec_topology_result_for_policies(
        &self,
        call: &Call<'_>,
        request: GetEcTopologyResultForPoliciesRequestProto,
    ) -> Result<GetEcTopologyResultForPoliciesResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("getECTopologyResultForPolicies")?;
        if let Some(name) = request.policies.first() {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "The given erasure coding policy {name} does not exist."
            )));
        }
        Ok(GetEcTopologyResultForPoliciesResponseProto {
            response: EcTopologyVerifierResultProto {
                result_message: "No erasure coding policy is given.".to_owned(),
                is_supported: true,
            },
        })
    }
}

fn not_found(path: &str) -> HdfsError {
    HdfsError::file_not_found(format!("Path not found: {path}"))
}

fn directory<'a>(ns: &'a Namesystem, path: &ResolvedPath<'_>) -> Result<&'a Inode, HdfsError> {
    let id = found(path).map_err(|_| not_found(path.path()))?;
    Ok(ns.namespace().inode(id))
}
