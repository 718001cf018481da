//! Erasure coding, which is not supported: every file is replicated. These are the responses to
//! clients that ask.

use super::attributes::existing;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::Need;
use crate::proto::hdfs::{
    GetErasureCodingCodecsRequestProto, GetErasureCodingCodecsResponseProto,
    GetErasureCodingPoliciesRequestProto, GetErasureCodingPoliciesResponseProto,
    GetErasureCodingPolicyRequestProto, GetErasureCodingPolicyResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Returns no policy for any path.
    pub(crate) fn get_erasure_coding_policy(
        &self,
        call: &Call<'_>,
        request: GetErasureCodingPolicyRequestProto,
    ) -> Result<GetErasureCodingPolicyResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
        existing(&path)?;
        Ok(GetErasureCodingPolicyResponseProto { ec_policy: None })
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
}
