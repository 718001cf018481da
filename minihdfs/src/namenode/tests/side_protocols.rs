use super::*;
use crate::proto::common::*;

#[test]
fn anybody_may_ask_for_groups() {
    let fixture = Fixture::new();
    let ask = |user: &str| {
        let request = GetGroupsForUserRequestProto {
            user: user.to_owned(),
        };
        let protocol = "org.apache.hadoop.tools.GetUserMappingsProtocol";
        let response = fixture
            .user("bob")
            .call_of::<GetGroupsForUserResponseProto>(protocol, "getGroupsForUser", &request);
        response.expect("told").groups
    };
    assert_eq!(ask("alice"), ["staff"]);
    assert!(ask("nobody").is_empty());
}

#[test]
fn anybody_has_mappings_refreshed_as_in_hadoop() {
    let fixture = Fixture::new();
    let protocol = "org.apache.hadoop.security.RefreshUserMappingsProtocol";
    let method = "refreshUserToGroupsMappings";
    let request = RefreshUserToGroupsMappingsRequestProto {};
    let refresh = |session: Session<'_>| {
        session.call_of::<RefreshUserToGroupsMappingsResponseProto>(protocol, method, &request)
    };
    refresh(fixture.hdfs()).expect("the superuser may");
    refresh(fixture.user("alice")).expect("anybody may");
}

#[test]
fn a_namenode_by_itself_is_active() {
    let fixture = Fixture::new();
    let request = GetServiceStatusRequestProto {};
    let response = fixture.hdfs().call_of::<GetServiceStatusResponseProto>(
        "org.apache.hadoop.ha.HAServiceProtocol",
        "getServiceStatus",
        &request,
    );
    assert_eq!(response.expect("told").state(), HaServiceStateProto::Active);
}

#[test]
fn an_unknown_protocol_is_told_as_such() {
    let fixture = Fixture::new();
    let request = GetServiceStatusRequestProto {};
    let response = fixture
        .hdfs()
        .call_of::<GetServiceStatusResponseProto>("x.Y", "z", &request);
    refused(
        response,
        "RpcNoSuchProtocolException",
        "Unknown protocol: x.Y",
    );
}
