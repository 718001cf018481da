//! The small protocols that `hdfs groups`, `hdfs dfsadmin` and `hdfs haadmin` speak with a
//! NameNode.

#![allow(
    clippy::needless_pass_by_value,
    reason = "the tables hand each request over as a value"
)]

use super::NameNode;
use crate::HdfsError;
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
    ListReconfigurablePropertiesRequestProto, ListReconfigurablePropertiesResponseProto,
};
use crate::rpc::{Call, Protocol, protocol};

/// All of them.
pub(super) static SIDE_PROTOCOLS: [Protocol<NameNode>; 7] = [
    protocol! {
        "org.apache.hadoop.tools.GetUserMappingsProtocol", 1,
        "getGroupsForUser" => NameNode::get_groups_for_user,
    },
    protocol! {
        "org.apache.hadoop.security.RefreshUserMappingsProtocol", 1,
        "refreshSuperUserGroupsConfiguration" => |node: &NameNode, call: &Call<'_>, _: RefreshSuperUserGroupsConfigurationRequestProto| {
            node.nothing_to_refresh(call, "refreshSuperUserGroupsConfiguration")?;
            Ok(RefreshSuperUserGroupsConfigurationResponseProto {})
        },
        "refreshUserToGroupsMappings" => |node: &NameNode, call: &Call<'_>, _: RefreshUserToGroupsMappingsRequestProto| {
            node.nothing_to_refresh(call, "refreshUserToGroupsMappings")?;
            Ok(RefreshUserToGroupsMappingsResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.security.authorize.RefreshAuthorizationPolicyProtocol", 1,
        "refreshServiceAcl" => |node: &NameNode, call: &Call<'_>, _: RefreshServiceAclRequestProto| {
            node.check_service_authorization()?;
            node.nothing_to_refresh(call, "refreshServiceAcl")?;
            Ok(RefreshServiceAclResponseProto {})
        },
    },
    protocol! {
        "org.apache.hadoop.ipc.RefreshCallQueueProtocol", 1,
        "refreshCallQueue" => |node: &NameNode, call: &Call<'_>, _: RefreshCallQueueRequestProto| {
            node.nothing_to_refresh(call, "refreshCallQueue")?;
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
        "monitorHealth" => |_: &NameNode, _: &Call<'_>, _: MonitorHealthRequestProto| Ok(MonitorHealthResponseProto {}),
    },
    protocol! {
        "org.apache.hadoop.hdfs.protocol.ReconfigurationProtocol", 1,
        "listReconfigurableProperties" => NameNode::list_reconfigurable_properties,
    },
];

impl NameNode {
    /// The groups of any user, for anybody.
    fn get_groups_for_user(
        &self,
        _call: &Call<'_>,
        request: GetGroupsForUserRequestProto,
    ) -> Result<GetGroupsForUserResponseProto, HdfsError> {
        Ok(GetGroupsForUserResponseProto {
            groups: self.groups_of(&request.user).to_vec(),
        })
    }

    /// Configuration does not change while a NameNode lives, so a superuser's wish to have it read
    /// again is fulfilled already.
    fn nothing_to_refresh(&self, call: &Call<'_>, operation: &str) -> Result<(), HdfsError> {
        self.checker(call.caller).check_superuser(operation)
    }

    fn check_service_authorization(&self) -> Result<(), HdfsError> {
        if self.config.service_authorization {
            return Ok(());
        }
        Err(HdfsError::authorization(
            "Service Level Authorization not enabled!",
        ))
    }

    /// Nothing registers for it.
    fn generic_refresh(
        &self,
        call: &Call<'_>,
        request: GenericRefreshRequestProto,
    ) -> Result<GenericRefreshResponseCollectionProto, HdfsError> {
        self.nothing_to_refresh(call, "refresh")?;
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

    /// A NameNode by itself is active.
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

    /// None.
    fn list_reconfigurable_properties(
        &self,
        call: &Call<'_>,
        _request: ListReconfigurablePropertiesRequestProto,
    ) -> Result<ListReconfigurablePropertiesResponseProto, HdfsError> {
        self.nothing_to_refresh(call, "listReconfigurableProperties")?;
        Ok(ListReconfigurablePropertiesResponseProto { name: Vec::new() })
    }
}
