//! `PAC_DELEGATION_INFO`: `S4U_DELEGATION_INFO` in NDR (MS-PAC, 2.9), the chain of services through
//! which a ticket was delegated.

use super::malformed::Malformed;
use super::ndr::{self, Reader, Writer};

/// The maximum number of services in a chain. No legitimate chain is longer.
const MOST: usize = 64;

/// The service of the last ticket, and the services that acted in the user's name, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DelegationInfo {
    /// Without its realm.
    pub(super) proxy_target: String,
    /// With their realms.
    pub(super) transited_services: Vec<String>,
}

impl DelegationInfo {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.string(&self.proxy_target, 1);
        let count = self.transited_services.len() as u32;
        writer.u32(count);
        writer.pointer();
        writer.deferred().extend_from_slice(&count.to_le_bytes());
        let services: Vec<Vec<u16>> = self
            .transited_services
            .iter()
            .map(|service| ndr::utf16(service))
            .collect();
        for service in &services {
            let pointer = writer.take_pointer();
            writer
                .deferred()
                .extend_from_slice(&ndr::string_header(service, 1, pointer));
        }
        for service in &services {
            ndr::append_string(writer.deferred(), service, 1);
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes)?;
        reader.string_header()?;
        // The number of services and the pointer to them. The number is repeated before the
        // services.
        reader.u32()?;
        reader.u32()?;
        let proxy_target = reader.string()?;
        let count = reader.u32()? as usize;
        if count > MOST || count > reader.remaining() / 8 {
            return Err(Malformed);
        }
        for _ in 0..count {
            reader.string_header()?;
        }
        let transited_services = (0..count)
            .map(|_| reader.string())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            proxy_target,
            transited_services,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from a domain controller in 2019 (MIT's kdc/t_ndr.c).
    const RECORDED: [(&[u8], &str, &[&str]); 3] = [
        (
            include_bytes!("../../testdata/delegation_short.bin"),
            "svc2/adserver.ad.test",
            &["svc1/adserver.ad.test@AD.TEST"],
        ),
        (
            include_bytes!("../../testdata/delegation_long.bin"),
            "longsvc/adserver.ad.test",
            &["svc1/adserver.ad.test@AD.TEST"],
        ),
        (
            include_bytes!("../../testdata/delegation_double.bin"),
            "longsvc/adserver.ad.test",
            &[
                "svc1/adserver.ad.test@AD.TEST",
                "svc2/adserver.ad.test@AD.TEST",
            ],
        ),
    ];

    #[test]
    fn it_is_read_and_written_as_active_directory_does() {
        for (bytes, target, services) in RECORDED {
            let info = DelegationInfo::decode(bytes).expect("Microsoft's");
            assert_eq!(
                (&*info.proxy_target, info.transited_services.len()),
                (target, services.len())
            );
            assert_eq!(info.transited_services, services);
            assert_eq!(info.encode(), bytes);
        }
    }

    #[test]
    fn what_is_cut_or_counts_wrong_is_refused() {
        let (bytes, ..) = RECORDED[2];
        for length in 0..bytes.len() {
            assert_eq!(
                DelegationInfo::decode(&bytes[..length]),
                Err(Malformed),
                "{length}"
            );
        }
        // Inputs that once crashed MIT's decoder (kdc/t_ndr.c).
        for fuzzed in [
            &include_bytes!("../../testdata/delegation_fuzz1.bin")[..],
            include_bytes!("../../testdata/delegation_fuzz2.bin"),
        ] {
            assert_eq!(DelegationInfo::decode(fuzzed), Err(Malformed));
        }
        for place in 0..bytes.len() {
            for value in [0, 0x7F, 0xFF] {
                let mut changed = bytes.to_vec();
                changed[place] = value;
                let _ = DelegationInfo::decode(&changed);
            }
        }
    }
}
