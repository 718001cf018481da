//! Summaries, quotas, defaults of the server, tokens.

use serde_json::{Map, Value, json};

use crate::proto::hdfs::{
    ContentSummaryProto, FsServerDefaultsProto, GetFsStatsResponseProto, QuotaUsageProto,
    StorageTypeQuotaInfosProto,
};
use crate::token::Token;

/// Returns `{"ContentSummary": …}`.
pub(in crate::web) fn content_summary(summary: &ContentSummaryProto) -> Value {
    json!({
        "ContentSummary": {
            "length": summary.length,
            "fileCount": summary.file_count,
            "directoryCount": summary.directory_count,
            "ecPolicy": summary.erasure_coding_policy(),
            "quota": summary.quota.cast_signed(),
            "spaceConsumed": summary.space_consumed,
            "spaceQuota": summary.space_quota.cast_signed(),
            "typeQuota": type_quotas(summary.type_quota_infos.as_ref()),
            "snapshotLength": summary.snapshot_length(),
            "snapshotFileCount": summary.snapshot_file_count(),
            "snapshotDirectoryCount": summary.snapshot_directory_count(),
            "snapshotSpaceConsumed": summary.snapshot_space_consumed(),
        }
    })
}

/// Returns `{"QuotaUsage": …}`.
pub(in crate::web) fn quota_usage(usage: &QuotaUsageProto) -> Value {
    json!({
        "QuotaUsage": {
            "fileAndDirectoryCount": usage.file_and_directory_count,
            "quota": usage.quota.cast_signed(),
            "spaceConsumed": usage.space_consumed,
            "spaceQuota": usage.space_quota.cast_signed(),
            "typeQuota": type_quotas(usage.type_quota_infos.as_ref()),
        }
    })
}

/// Returns the quotas by storage type. Types without a quota are left out.
fn type_quotas(infos: Option<&StorageTypeQuotaInfosProto>) -> Value {
    let mut quotas = Map::new();
    for info in infos.into_iter().flat_map(|infos| &infos.type_quota_info) {
        let quota = info.quota.cast_signed();
        if quota >= 0 {
            let value = json!({ "quota": quota, "consumed": info.consumed });
            quotas.insert(info.r#type().as_str_name().to_owned(), value);
        }
    }
    Value::Object(quotas)
}

/// Returns `{"FsServerDefaults": …}`.
pub(in crate::web) fn server_defaults(defaults: &FsServerDefaultsProto) -> Value {
    json!({
        "FsServerDefaults": {
            "blockSize": defaults.block_size,
            "bytesPerChecksum": defaults.bytes_per_checksum,
            "writePacketSize": defaults.write_packet_size,
            "replication": defaults.replication,
            "fileBufferSize": defaults.file_buffer_size,
            "encryptDataTransfer": defaults.encrypt_data_transfer(),
            "trashInterval": defaults.trash_interval(),
            "checksumType": defaults.checksum_type() as i32,
            "keyProviderUri": defaults.key_provider_uri(),
            "defaultStoragePolicyId": defaults.policy_id(),
        }
    })
}

/// Returns `{"FsStatus": …}`.
pub(in crate::web) fn fs_status(stats: &GetFsStatsResponseProto) -> Value {
    json!({
        "FsStatus": {
            "used": stats.used,
            "remaining": stats.remaining,
            "capacity": stats.capacity,
        }
    })
}

/// Returns `{"Token": …}`; null if the server issues none.
pub(in crate::web) fn token(token: Option<&Token>) -> Value {
    match token {
        Some(token) => json!({ "Token": { "urlString": token.to_url_string() } }),
        None => json!({ "Token": null }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_quota_has_minus_one() {
        let summary = ContentSummaryProto {
            length: 24_930,
            file_count: 1,
            directory_count: 2,
            quota: u64::MAX,
            space_consumed: 24_930,
            space_quota: u64::MAX,
            ..ContentSummaryProto::default()
        };
        let expected = json!({
            "ContentSummary": {
                "directoryCount": 2, "ecPolicy": "", "fileCount": 1, "length": 24_930,
                "quota": -1, "spaceConsumed": 24_930, "spaceQuota": -1, "snapshotLength": 0,
                "snapshotFileCount": 0, "snapshotDirectoryCount": 0, "snapshotSpaceConsumed": 0,
                "typeQuota": {},
            }
        });
        assert_eq!(content_summary(&summary), expected);
        assert_eq!(token(None), json!({ "Token": null }));
    }
}
