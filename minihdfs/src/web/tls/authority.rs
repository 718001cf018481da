//! A certificate authority, and the certificates of servers.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use rand::{Rng, RngExt};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use sha1::{Digest, Sha1};

use super::key::{Key, cannot};
use super::{jks, pkcs12};
use crate::{HdfsError, base64};

/// The name of the authority's entry in a trust store.
const ALIAS: &str = "kerbox";
/// The name of the authority.
const AUTHORITY: &str = "Kerbox test authority";
/// The name of the machine that every fixture is on.
const LOCALHOST: &str = "localhost";
/// The length of a line of PEM.
const PEM_LINE: usize = 64;

/// The time in which certificates are valid.
///
/// ```
/// use minihdfs::web::Validity;
///
/// // The clock of a fixture may go anywhere.
/// assert!(Validity::default().until.as_secs() > 200_000_000_000);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub until: Timestamp,
}

impl Validity {
    /// The end of the year 9999, which stands for no end (RFC 5280, section 4.1.2.5).
    const NO_END: Timestamp = Timestamp::from_secs(253_402_300_799);
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            from: Timestamp::EPOCH,
            until: Self::NO_END,
        }
    }
}

/// A certificate authority of a fixture's own.
pub struct CertificateAuthority {
    provider: Arc<CryptoProvider>,
    validity: Validity,
    issuer: Issuer<'static, Key>,
    certificate: CertificateDer<'static>,
}

/// A server's certificate with its key.
#[derive(Clone)]
pub struct ServerCertificate {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) certified: Arc<CertifiedKey>,
}

impl CertificateAuthority {
    /// Creates an authority with a key from `rng`.
    ///
    /// # Errors
    /// Fails if the processor lacks instructions that TLS needs here.
    pub fn new(validity: Validity, rng: &mut impl Rng) -> Result<Self, HdfsError> {
        check_processor()?;
        let provider = Arc::new(rustls_graviola::default_provider());
        let key = Key::draw(&provider, rng)?;
        let mut params = parameters(AUTHORITY, validity, &key, rng);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(|error| cannot("sign the authority's certificate", &error))?;
        Ok(Self {
            provider,
            validity,
            issuer: Issuer::new(params, key),
            certificate: certificate.der().clone(),
        })
    }

    /// Issues a certificate for a server that is reached at `localhost` and at these addresses.
    ///
    /// # Errors
    /// Fails if no key can be made.
    pub fn issue(
        &self,
        addresses: &[IpAddr],
        validity: Validity,
        rng: &mut impl Rng,
    ) -> Result<ServerCertificate, HdfsError> {
        let key = Key::draw(&self.provider, rng)?;
        let mut params = parameters(LOCALHOST, validity, &key, rng);
        let name = LOCALHOST
            .try_into()
            .map_err(|error| cannot("name a server", &error))?;
        params.subject_alt_names = vec![SanType::DnsName(name)];
        let addresses = addresses.iter().copied().map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| cannot("sign a server's certificate", &error))?;
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        Ok(ServerCertificate {
            provider: Arc::clone(&self.provider),
            certified: Arc::new(CertifiedKey::new(chain, key.signing())),
        })
    }

    /// Returns the authority's certificate as text, for `curl --cacert`.
    #[must_use]
    pub fn pem(&self) -> String {
        let text = base64::encode(&self.certificate);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        // Base64 is ASCII, so that every line ends between characters.
        for line in text.as_bytes().chunks(PEM_LINE) {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// Returns a trust store with the authority's certificate, in the format JKS.
    #[must_use]
    pub fn jks(&self, password: &str) -> Vec<u8> {
        jks::store(password, ALIAS, self.validity.from, &self.certificate)
    }

    /// Returns a trust store with the authority's certificate, in the format PKCS #12.
    #[must_use]
    pub fn pkcs12(&self, password: &str) -> Vec<u8> {
        pkcs12::store(password, ALIAS, &self.certificate)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AUTHORITY)
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate of {LOCALHOST}")
    }
}

/// Returns the parts that all certificates have.
fn parameters(name: &str, validity: Validity, key: &Key, rng: &mut impl Rng) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    let date = |time: Timestamp| {
        let seconds = time.as_secs().clamp(0, Validity::NO_END.as_secs());
        date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.cast_unsigned())
    };
    params.not_before = date(validity.from);
    params.not_after = date(validity.until);
    // A positive number of eight octets.
    params.serial_number = Some((rng.random::<u64>() >> 1 | 1 << 62).into());
    let identifier = Sha1::digest(key.der_bytes()).to_vec();
    params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
    params
}

/// Fails if the processor lacks instructions without which the ciphers do not run.
fn check_processor() -> Result<(), HdfsError> {
    #[cfg(target_arch = "x86_64")]
    let (has, needed) = (
        std::arch::is_x86_feature_detected!("aes")
            && std::arch::is_x86_feature_detected!("ssse3")
            && std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("adx")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("pclmulqdq"),
        "AES, SSSE3, AVX2, ADX, BMI2 and PCLMULQDQ",
    );
    #[cfg(not(target_arch = "x86_64"))]
    let (has, needed) = (true, "");
    if has {
        return Ok(());
    }
    Err(HdfsError::io(format!(
        "HTTPS needs a processor with {needed}: set dfs.http.policy to HTTP_ONLY"
    )))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn authority(seed: u64) -> CertificateAuthority {
        let mut rng = StdRng::seed_from_u64(seed);
        CertificateAuthority::new(Validity::default(), &mut rng).expect("an authority")
    }

    #[test]
    fn keys_are_those_of_the_seed() {
        let point = |seed| {
            let provider = rustls_graviola::default_provider();
            let mut rng = StdRng::seed_from_u64(seed);
            let key = Key::draw(&provider, &mut rng).expect("a key");
            key.der_bytes().to_owned()
        };
        assert_eq!(point(1), point(1));
        assert_ne!(point(1), point(2));
        assert_eq!((point(1).len(), point(1)[0]), (65, 4));
    }

    #[test]
    fn a_certificate_as_text_has_short_lines() {
        let pem = authority(1).pem();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\nMII"), "{pem}");
        assert!(pem.ends_with("\n-----END CERTIFICATE-----\n"), "{pem}");
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
    }

    #[test]
    fn a_server_has_a_chain_of_two() {
        let mut rng = StdRng::seed_from_u64(1);
        let issued = authority(1).issue(&[[127, 0, 0, 1].into()], Validity::default(), &mut rng);
        let issued = issued.expect("a certificate");
        assert_eq!(issued.certified.cert.len(), 2);
        assert!(issued.certified.keys_match().is_ok());
    }
}
