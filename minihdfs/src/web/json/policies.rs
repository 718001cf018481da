//! Policies of storage and of erasure coding.

use serde_json::{Map, Value, json};

use crate::proto::hdfs::{
    BlockStoragePolicyProto, CodecProto, ErasureCodingPolicyProto, ErasureCodingPolicyState,
    StorageTypesProto,
};

/// Returns `{"BlockStoragePolicy": …}`.
pub(in crate::web) fn storage_policy(policy: &BlockStoragePolicyProto) -> Value {
    json!({ "BlockStoragePolicy": fields(policy) })
}

/// Returns `{"BlockStoragePolicies": …}`.
pub(in crate::web) fn storage_policies(policies: &[BlockStoragePolicyProto]) -> Value {
    let policies: Vec<Value> = policies.iter().map(fields).collect();
    json!({ "BlockStoragePolicies": { "BlockStoragePolicy": policies } })
}

fn fields(policy: &BlockStoragePolicyProto) -> Value {
    json!({
        "id": policy.policy_id,
        "name": policy.name,
        "storageTypes": types(Some(&policy.creation_policy)),
        "creationFallbacks": types(policy.creation_fallback_policy.as_ref()),
        "replicationFallbacks": types(policy.replication_fallback_policy.as_ref()),
        "copyOnCreateFile": policy.name == "LAZY_PERSIST",
    })
}

fn types(types: Option<&StorageTypesProto>) -> Vec<&'static str> {
    types
        .into_iter()
        .flat_map(StorageTypesProto::storage_types)
        .map(|kind| kind.as_str_name())
        .collect()
}

/// Returns a policy of erasure coding, which has no key around it.
pub(in crate::web) fn ec_policy(policy: &ErasureCodingPolicyProto) -> Value {
    let schema = policy.schema.as_ref().map(|schema| {
        json!({
            "codecName": schema.codec_name,
            "numDataUnits": schema.data_units,
            "numParityUnits": schema.parity_units,
            "extraOptions": {},
        })
    });
    let units = policy.schema.as_ref();
    json!({
        "id": policy.id,
        "name": policy.name(),
        "cellSize": policy.cell_size(),
        "codecName": units.map(|schema| schema.codec_name.as_str()),
        "numDataUnits": units.map(|schema| schema.data_units),
        "numParityUnits": units.map(|schema| schema.parity_units),
        "replicationPolicy": false,
        "schema": schema,
        "systemPolicy": true,
    })
}

/// Returns `{"ErasureCodingPolicies": …}`.
pub(in crate::web) fn ec_policies(policies: &[ErasureCodingPolicyProto]) -> Value {
    let policies: Vec<Value> = policies
        .iter()
        .map(|policy| {
            let state = match policy.state() {
                ErasureCodingPolicyState::Disabled => "DISABLED",
                ErasureCodingPolicyState::Enabled => "ENABLED",
                ErasureCodingPolicyState::Removed => "REMOVED",
            };
            json!({ "policy": ec_policy(policy), "state": state })
        })
        .collect();
    let policies = (!policies.is_empty()).then_some(policies);
    json!({ "ErasureCodingPolicies": { "ErasureCodingPolicyInfo": policies } })
}

/// Returns `{"ErasureCodingCodecs": …}`.
pub(in crate::web) fn ec_codecs(codecs: &[CodecProto]) -> Value {
    let codecs: Map<String, Value> = codecs
        .iter()
        .map(|codec| (codec.codec.clone(), codec.coders.as_str().into()))
        .collect();
    json!({ "ErasureCodingCodecs": codecs })
}
