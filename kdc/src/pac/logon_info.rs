//! `PAC_LOGON_INFO`: `KERB_VALIDATION_INFO` in NDR (MS-PAC, 2.5).

use kerbox_krb5::Timestamp;

use super::ndr::{self, Writer};
use crate::Sid;

/// SE_GROUP_MANDATORY, SE_GROUP_ENABLED_BY_DEFAULT, SE_GROUP_ENABLED: the attributes of all groups.
pub(super) const GROUP_ATTRIBUTES: u32 = 7;
/// The user flag for the presence of extra SIDs.
const EXTRA_SIDS: u32 = 0x20;
/// The time "never".
pub(super) const NEVER: u64 = 0x7FFF_FFFF_FFFF_FFFF;

/// The fields that we set; all others are zero or empty. Times are in hundreds of nanoseconds since
/// 1601.
pub(super) struct LogonInfo {
    pub(super) logon_time: u64,
    pub(super) password_last_set: u64,
    pub(super) password_can_change: u64,
    pub(super) password_must_change: u64,
    /// The login name.
    pub(super) effective_name: String,
    pub(super) full_name: String,
    pub(super) logon_count: u16,
    pub(super) user_id: u32,
    pub(super) primary_group_id: u32,
    pub(super) groups: Vec<u32>,
    pub(super) logon_server: String,
    pub(super) logon_domain_name: String,
    pub(super) logon_domain: Sid,
    pub(super) user_account_control: u32,
    pub(super) extra_sids: Vec<Sid>,
}

/// Converts a time to Windows' format.
pub(super) fn file_time(time: Timestamp) -> u64 {
    /// Seconds from 1601 to 1970.
    const EPOCH: i64 = 11_644_473_600;
    let time = time
        .as_secs()
        .saturating_add(EPOCH)
        .saturating_mul(10_000_000);
    u64::try_from(time).unwrap_or(0)
}

impl LogonInfo {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u64(self.logon_time);
        // LogoffTime and KickOffTime: never.
        writer.u64(NEVER);
        writer.u64(NEVER);
        for time in [
            self.password_last_set,
            self.password_can_change,
            self.password_must_change,
        ] {
            writer.u64(time);
        }
        // The last four: script, profile, home directory and home drive.
        for text in [&*self.effective_name, &*self.full_name, "", "", "", ""] {
            writer.string(text, 0);
        }
        writer.u16(self.logon_count);
        // BadPasswordCount.
        writer.u16(0);
        writer.u32(self.user_id);
        writer.u32(self.primary_group_id);
        self.groups(&mut writer);
        writer.u32(if self.extra_sids.is_empty() {
            0
        } else {
            EXTRA_SIDS
        });
        // UserSessionKey: for NTLM, zero here.
        writer.bytes(&[0; 16]);
        writer.string(&self.logon_server, 1);
        writer.string(&self.logon_domain_name, 1);
        writer.sid(&self.logon_domain);
        // Reserved1.
        writer.bytes(&[0; 8]);
        writer.u32(self.user_account_control);
        // SubAuthStatus, LastSuccessfulILogon, LastFailedILogon, FailedILogonCount, Reserved3.
        writer.bytes(&[0; 28]);
        self.extra_sids(&mut writer);
        // ResourceGroupDomainSid, ResourceGroupCount, ResourceGroupIds: empty.
        writer.bytes(&[0; 12]);
        writer.finish()
    }

    fn groups(&self, writer: &mut Writer) {
        let count = self.groups.len() as u32;
        writer.u32(count);
        writer.pointer();
        let deferred = writer.deferred();
        deferred.extend_from_slice(&count.to_le_bytes());
        for group in &self.groups {
            deferred.extend_from_slice(&group.to_le_bytes());
            deferred.extend_from_slice(&GROUP_ATTRIBUTES.to_le_bytes());
        }
    }

    fn extra_sids(&self, writer: &mut Writer) {
        let count = self.extra_sids.len() as u32;
        writer.u32(count);
        if count == 0 {
            writer.u32(0);
            return;
        }
        writer.pointer();
        writer.deferred().extend_from_slice(&count.to_le_bytes());
        for _ in &self.extra_sids {
            let pointer = writer.take_pointer();
            writer.deferred().extend_from_slice(&pointer.to_le_bytes());
            writer
                .deferred()
                .extend_from_slice(&GROUP_ATTRIBUTES.to_le_bytes());
        }
        for sid in &self.extra_sids {
            ndr::append_sid(writer.deferred(), sid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pac::buffers::{LOGON_INFO, Parsed};

    #[test]
    fn it_is_written_as_windows_server_2003_wrote_it() {
        // From MIT's own tests (lib/krb5/krb/t_pac.c): a machine's PAC of 2005.
        let saved = Parsed::read(include_bytes!("../../testdata/pac_windows_2003.bin"))
            .expect("Microsoft's");
        let info = LogonInfo {
            logon_time: 0x01C5_7D4F_CBA6_DF30,
            password_last_set: 0x01C5_7362_594E_3CC0,
            password_can_change: 0x01C5_7362_594E_3CC0,
            password_must_change: NEVER,
            effective_name: "W2003FINAL$".to_owned(),
            full_name: String::new(),
            logon_count: 101,
            user_id: 1005,
            primary_group_id: 516,
            groups: vec![516],
            logon_server: "W2003FINAL".to_owned(),
            logon_domain_name: "WIN2K3THINK".to_owned(),
            logon_domain: "S-1-5-21-3048156945-3961193616-3706469200"
                .parse()
                .expect("a SID"),
            user_account_control: 0x2100,
            extra_sids: vec!["S-1-5-9".parse().expect("a SID")],
        };
        assert_eq!(saved.get(LOGON_INFO), Some(&*info.encode()));
    }
}
