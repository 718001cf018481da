//! Files and names.

use kerbox_krb5::{CredentialCache, EncryptionType, Keytab, Principal};

/// Parses a keytab. A valid one must be written back unchanged.
pub fn keytab(bytes: &[u8]) {
    if let Ok(keytab) = Keytab::parse(bytes) {
        assert_eq!(keytab.to_bytes(), bytes);
        for entry in keytab.entries() {
            let _ = keytab.find(entry.principal(), Some(entry.kvno()), Some(entry.enctype()));
        }
    }
}

/// Parses a credential cache. A valid one must be written back unchanged.
pub fn ccache(bytes: &[u8]) {
    if let Ok(mut cache) = CredentialCache::parse(bytes) {
        assert_eq!(cache.to_bytes(), bytes);
        if let Some(micros) = cache.time_offset() {
            cache.set_time_offset(micros);
        }
        let servers: Vec<_> = cache
            .credentials()
            .map(|credential| credential.server.clone())
            .collect();
        for server in servers {
            cache.remove(&server);
        }
        assert_eq!(cache.credentials().count(), 0);
    }
}

/// Parses a name. A valid one must parse again from its text form.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = text.parse::<EncryptionType>();
    if let Ok(principal) = text.parse::<Principal>() {
        assert_eq!(principal.to_string().parse(), Ok(principal));
    }
}

pub(crate) fn keytab_seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../../krb5/testdata/mit.keytab").to_vec(),
        include_bytes!("../../../krb5/testdata/mit-ktutil.keytab").to_vec(),
        include_bytes!("../../../krb5/testdata/heimdal.keytab").to_vec(),
    ]
}

pub(crate) fn ccache_seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../../krb5/testdata/mit.ccache").to_vec(),
        include_bytes!("../../../krb5/testdata/mit-addresses.ccache").to_vec(),
        include_bytes!("../../../krb5/testdata/heimdal.ccache").to_vec(),
    ]
}

pub(crate) fn name_seeds() -> Vec<Vec<u8>> {
    [
        r"a\/b/c\@d@R",
        "alice@EXAMPLE.COM",
        "aes256-cts-hmac-sha1-96",
        r"\n\t\b\0\\@\@",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec()
}
