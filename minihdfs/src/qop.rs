//! Qualities of protection, and lists of them in configurations.

use std::fmt;

use kerbox_events::Qop;

use crate::HdfsError;

/// The protection of an established SASL connection. Each level includes the previous ones.
///
/// ```
/// use minihdfs::sasl::QualityOfProtection::{self, Authentication, Privacy};
///
/// let list = QualityOfProtection::parse_list("hadoop.rpc.protection", "privacy,authentication")?;
/// assert_eq!(list, [Privacy, Authentication]);
/// assert!(Privacy > Authentication);
/// assert_eq!(Privacy.sasl_name(), "auth-conf");
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum QualityOfProtection {
    /// `authentication` in Hadoop's configuration, `auth` on the wire: no layer.
    Authentication,
    /// `integrity`, `auth-int`: messages are signed and numbered.
    Integrity,
    /// `privacy`, `auth-conf`: messages are encrypted as well.
    Privacy,
}

impl From<QualityOfProtection> for Qop {
    fn from(qop: QualityOfProtection) -> Self {
        match qop {
            QualityOfProtection::Authentication => Self::Authentication,
            QualityOfProtection::Integrity => Self::Integrity,
            QualityOfProtection::Privacy => Self::Privacy,
        }
    }
}

impl QualityOfProtection {
    /// Returns the name in Hadoop's configuration.
    #[must_use]
    pub const fn hadoop_name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Integrity => "integrity",
            Self::Privacy => "privacy",
        }
    }

    /// Returns the SASL name (RFC 2831, 2.1.1).
    #[must_use]
    pub const fn sasl_name(self) -> &'static str {
        match self {
            Self::Authentication => "auth",
            Self::Integrity => "auth-int",
            Self::Privacy => "auth-conf",
        }
    }

    /// Returns the level with this SASL name.
    #[must_use]
    pub fn from_sasl_name(name: &str) -> Option<Self> {
        [Self::Authentication, Self::Integrity, Self::Privacy]
            .into_iter()
            .find(|qop| qop.sasl_name().eq_ignore_ascii_case(name))
    }

    /// Returns its bit in the security-layer message of RFC 4752, 3.3.
    #[must_use]
    pub const fn layer_bit(self) -> u8 {
        match self {
            Self::Authentication => 1,
            Self::Integrity => 2,
            Self::Privacy => 4,
        }
    }

    /// Parses the value of `hadoop.rpc.protection` or `dfs.data.transfer.protection`: names
    /// separated by commas, in order of preference.
    pub fn parse_list(key: &str, value: &str) -> Result<Vec<Self>, HdfsError> {
        let mut list = Vec::new();
        for name in value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let qop = [Self::Authentication, Self::Integrity, Self::Privacy]
                .into_iter()
                .find(|qop| qop.hadoop_name().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    HdfsError::illegal_argument(format!(
                        "{key} has {name:?}, which is no quality of protection: write authentication, integrity, privacy, or a list of them"
                    ))
                })?;
            if !list.contains(&qop) {
                list.push(qop);
            }
        }
        if list.is_empty() {
            return Err(HdfsError::illegal_argument(format!(
                "{key} is empty: write authentication, integrity, privacy, or a list of them"
            )));
        }
        Ok(list)
    }
}

impl fmt::Display for QualityOfProtection {
    /// Formats Hadoop's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hadoop_name())
    }
}

#[cfg(test)]
mod tests {
    use super::QualityOfProtection::{Authentication, Integrity, Privacy};
    use super::*;

    #[test]
    fn lists_keep_their_order_and_name_what_is_wrong() {
        let list = QualityOfProtection::parse_list(
            "hadoop.rpc.protection",
            "privacy, authentication,privacy",
        );
        assert_eq!(list.expect("well-formed"), [Privacy, Authentication]);
        let error = QualityOfProtection::parse_list("hadoop.rpc.protection", "auth-int")
            .expect_err("a SASL name is not Hadoop's");
        assert!(
            error
                .message()
                .contains("hadoop.rpc.protection has \"auth-int\""),
            "{error}"
        );
        assert!(QualityOfProtection::parse_list("k", " ,").is_err());
    }

    #[test]
    fn a_stronger_protection_compares_greater() {
        assert!(Privacy > Integrity && Integrity > Authentication);
    }
}
