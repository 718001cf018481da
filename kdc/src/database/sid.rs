//! Security identifiers, Windows' identifiers of domains, users and groups (MS-DTYP, 2.4.2).

use std::fmt;
use std::str::FromStr;

use kerbox_krb5::Principal;

/// A security identifier, `S-1-5-21-1-2-3-1104`.
///
/// ```
/// use kerbox_kdc::Sid;
///
/// let domain: Sid = "S-1-5-21-1-2-3".parse()?;
/// assert_eq!(domain.with_rid(1104).to_string(), "S-1-5-21-1-2-3-1104");
/// assert_eq!(Sid::of_realm("EXAMPLE.COM"), Sid::of_realm("EXAMPLE.COM"));
/// # Ok::<(), kerbox_kdc::SidError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    authority: u64,
    sub_authorities: Vec<u32>,
}

/// A text that is not a valid SID.
///
/// ```
/// let error = "S-2-5".parse::<kerbox_kdc::Sid>().expect_err("not a SID");
/// assert!(error.to_string().contains("S-2-5"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no SID; one is written S-1-5-21-1-2-3: at most 15 numbers of 32 bits after S-1 and an authority"
)]
pub struct SidError(String);

impl Sid {
    /// The maximum number of parts.
    const MOST: usize = 15;

    /// Returns the default SID of a realm. It is always the same for the same name.
    #[must_use]
    pub fn of_realm(realm: &str) -> Self {
        let part = |number: u8| hash(&[&[number], realm.as_bytes()].concat()) as u32;
        Self {
            authority: 5,
            sub_authorities: vec![21, part(1), part(2), part(3)],
        }
    }

    /// Returns the SID for "the authentication authority has asserted this identity", for an AS
    /// exchange.
    pub(crate) fn asserted_by_authority() -> Self {
        Self {
            authority: 18,
            sub_authorities: vec![1],
        }
    }

    /// Returns the SID for "a service has asserted this identity", for S4U2Self.
    pub(crate) fn asserted_by_service() -> Self {
        Self {
            authority: 18,
            sub_authorities: vec![2],
        }
    }

    /// Returns the SID of a user or group in this domain, by its relative identifier.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Self {
        let mut sid = self.clone();
        sid.sub_authorities.truncate(Self::MOST - 1);
        sid.sub_authorities.push(rid);
        sid
    }

    pub(crate) fn sub_authorities(&self) -> &[u32] {
        &self.sub_authorities
    }

    /// Encodes it as revision, number of parts, authority (big-endian), parts (little-endian).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // There are at most fifteen.
        let mut bytes = vec![1, self.sub_authorities.len() as u8];
        bytes.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        bytes.extend(
            self.sub_authorities
                .iter()
                .flat_map(|part| part.to_le_bytes()),
        );
        bytes
    }
}

/// Returns the default relative identifier of a principal. It is always the same for the same name,
/// and outside Windows' reserved range.
pub(super) fn rid_of(principal: &Principal) -> u32 {
    /// The first one that Windows gives to users, and the size of the range.
    const FIRST: u64 = 1000;
    const RANGE: u64 = (1 << 30) - FIRST;
    (FIRST + hash(principal.name().as_bytes()) % RANGE) as u32
}

/// Hashes with FNV-1a, which is short and the same on every platform. The inputs are not secret.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub_authorities
            .iter()
            .try_for_each(|part| write!(f, "-{part}"))
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let error = || SidError(text.to_owned());
        let mut numbers = text.strip_prefix("S-1-").ok_or_else(error)?.split('-');
        let authority = numbers.next().and_then(|number| number.parse().ok());
        let authority = authority
            .filter(|number: &u64| *number < 1 << 48)
            .ok_or_else(error)?;
        let sub_authorities = numbers
            .map(str::parse)
            .collect::<Result<Vec<u32>, _>>()
            .map_err(|_| error())?;
        if sub_authorities.is_empty() || sub_authorities.len() > Self::MOST {
            return Err(error());
        }
        Ok(Self {
            authority,
            sub_authorities,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_read_and_written() {
        let sid: Sid = "S-1-5-21-3048156945-3961193616-3706469200"
            .parse()
            .expect("well-formed");
        assert_eq!(sid.to_string(), "S-1-5-21-3048156945-3961193616-3706469200");
        // From the PAC in MIT's tests.
        let bytes = [
            1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x11, 0x2F, 0xAF, 0xB5, 0x90, 4, 0x1B, 0xEC, 0x50,
            0x3B, 0xEC, 0xDC,
        ];
        assert_eq!(sid.to_bytes(), bytes);
        assert_eq!(
            sid.with_rid(1005).to_string(),
            "S-1-5-21-3048156945-3961193616-3706469200-1005"
        );
        for wrong in [
            "",
            "S-1",
            "S-1-",
            "S-1-5",
            "S-2-5-1",
            "S-1-5-4294967296",
            "S-1-5-21-1 2",
            "S-1-281474976710656-1",
        ] {
            assert!(wrong.parse::<Sid>().is_err(), "{wrong}");
        }
        assert!(
            "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"
                .parse::<Sid>()
                .is_err()
        );
    }

    #[test]
    fn what_nobody_tells_is_derived_from_the_name() {
        assert_eq!(Sid::of_realm("EXAMPLE.COM"), Sid::of_realm("EXAMPLE.COM"));
        assert_ne!(Sid::of_realm("EXAMPLE.COM"), Sid::of_realm("EXAMPLE.ORG"));
        let rid = |name: &str| rid_of(&Principal::new("EXAMPLE.COM", [name]));
        assert_eq!(rid("alice"), rid("alice"));
        assert_ne!(rid("alice"), rid("bob"));
        assert!((0..1000).all(|number| (1000..1 << 30).contains(&rid(&number.to_string()))));
    }
}
