//! The small protocols that `hdfs groups`, `hdfs dfsadmin` and `hdfs haadmin` use with a NameNode.

#![allow(
    clippy::needless_pass_by_value,
    reason = "the tables hand each request over as a value"
)]

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::common::{
    GenericRefreshRequestProto, GenericRefreshResponseCollectionProto, GenericRefreshResponseProto,
    GetGroupsForUserRequestProto, GetGroupsForUserResponseProto, GetServiceStatusRequestProto,
    GetServiceStatusResponseProto, HaServiceStateProto, MonitorHealthRequestProto,
    MonitorHealthResponseProto, RefreshCallQueueRequestProto, RefreshCallQueueResponseProto,
    RefreshServiceAclRequestProto, RefreshServiceAclResponseProto,
    RefreshSuperUserGroupsConfigurationRequestProto,
    RefreshSuperUserGroupsConfigurationResponseProto, RefreshUserToGroupsMappingsRequestProto,
    RefreshUserToGroupsMappingsResponseProto,
};
use crate::proto::hdfs::{
    GetReconfigurationStatusRequestProto, GetReconfigurationStatusResponseProto,
    ListReconfigurablePropertiesRequestProto, ListReconfigurablePropertiesResponseProto,
    StartReconfigurationRequestProto, StartReconfigurationResponseProto,
};
use crate::rpc::{Call, Protocol, protocol};

/// The side protocols. As in Hadoop, any user may request a refresh: only the access control lists
/// of `hadoop-policy.xml` restrict it, and by default they restrict no user.
pub(super) static SIDE_PROTOCOLS: [Protocol<NameNode>; 7] = [
    protocol! {
        "org.apache.hadoop.tools.GetUserMappingsProtocol", 1,
        "getGroupsForUser" => NameNode::get_groups_for_user,
    },
    protocol! {
        "org.apache.hadoop.security.RefreshUserMappingsProtocol", 1,
        "refreshSuperUserGroupsConfiguration" => |node: &NameNode, _: &Call<'_>, _: RefreshSuperUserGroupsConfigurationRequestProto| {
            node.authorization.refresh_proxy_users()?;
            Ok(RefreshSuperUserGroupsConfigurationResponseProto {})
        },
        "refreshUserToGroupsMappings" => |node: &NameNode, _: &Call<'_>, _: RefreshUserToGroupsMappingsRequestProto| {
            node.authorization.refresh_groups()?;
            Ok(RefreshUserToGroupsMappingsResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.security.authorize.RefreshAuthorizationPolicyProtocol", 1,
        "refreshServiceAcl" => |node: &NameNode, _: &Call<'_>, _: RefreshServiceAclRequestProto| {
            node.check_service_authorization()?;
            node.authorization.refresh_service_acls()?;
            Ok(RefreshServiceAclResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.ipc.RefreshCallQueueProtocol", 1,
        // There is no queue of calls whose class could change.
        "refreshCallQueue" => |_: &NameNode, _: &Call<'_>, _: RefreshCallQueueRequestProto| {
            Ok(RefreshCallQueueResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.ipc.GenericRefreshProtocol", 1,
        "refresh" => NameNode::generic_refresh,
    },
    protocol! {
        "org.apache.hadoop.ha.HAServiceProtocol", 1,
        "getServiceStatus" => NameNode::get_service_status,
        "monitorHealth" => |node: &NameNode, call: &Call<'_>, _: MonitorHealthRequestProto| {
            node.checker(call).check_superuser("monitorHealth")?;
            Ok(MonitorHealthResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.hdfs.protocol.ReconfigurationProtocol", 1,
        "getReconfigurationStatus" => NameNode::get_reconfiguration_status,
        "listReconfigurableProperties" => NameNode::list_reconfigurable_properties,
        "startReconfiguration" => NameNode::start_reconfiguration,
    },
];

impl NameNode {
    /// Returns the groups of any user, to any caller.
    fn get_groups_for_user(
        &self,
        call: &Call<'_>,
        request: GetGroupsForUserRequestProto,
    ) -> Result<GetGroupsForUserResponseProto, HdfsError> {
        let groups = self.authorization.groups_of(call.now, &request.user);
        Ok(GetGroupsForUserResponseProto {
            groups: groups.to_vec(),
        })
    }

    fn check_service_authorization(&self) -> Result<(), HdfsError> {
        if self.config.service_authorization.enabled {
            return Ok(());
        }
        Err(HdfsError::authorization(
            "Service Level Authorization not enabled!",
        ))
    }

    /// Fails, since no refresh handlers are registered.
    fn generic_refresh(
        &self,
        _call: &Call<'_>,
        request: GenericRefreshRequestProto,
    ) -> Result<GenericRefreshResponseCollectionProto, HdfsError> {
        let identifier = request.identifier();
        Ok(GenericRefreshResponseCollectionProto {
            responses: vec![GenericRefreshResponseProto {
                exit_status: Some(-1),
                user_message: Some(format!(
                    "Identifier '{identifier}' does not exist in RefreshRegistry. Valid options are: "
                )),
                sender_name: None,
            }],
        })
    }

    /// Returns active, as for a NameNode without high availability.
    fn get_service_status(
        &self,
        _call: &Call<'_>,
        _request: GetServiceStatusRequestProto,
    ) -> Result<GetServiceStatusResponseProto, HdfsError> {
        Ok(GetServiceStatusResponseProto {
            state: HaServiceStateProto::Active.into(),
            ready_to_become_active: Some(true),
            not_ready_reason: None,
        })
    }

    /// Starts a reconfiguration, which ends at once.
    fn start_reconfiguration(
        &self,
        call: &Call<'_>,
        _request: StartReconfigurationRequestProto,
    ) -> Result<StartReconfigurationResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("startNamenodeReconfiguration")?;
        self.reconfiguration.start(call.now);
        Ok(StartReconfigurationResponseProto {})
    }

    /// Returns when the last reconfiguration ended.
    fn get_reconfiguration_status(
        &self,
        call: &Call<'_>,
        _request: GetReconfigurationStatusRequestProto,
    ) -> Result<GetReconfigurationStatusResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("getNamenodeReconfigurationStatus")?;
        Ok(self.reconfiguration.status())
    }

    /// Returns an empty list.
    fn list_reconfigurable_properties(
        &self,
        call: &Call<'_>,
        _request: ListReconfigurablePropertiesRequestProto,
    ) -> Result<ListReconfigurablePropertiesResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("listNamenodeReconfigurableProperties")?;
        Ok(ListReconfigurablePropertiesResponseProto { name: Vec::new() })
    }
}
