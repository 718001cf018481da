//! The signatures of a PAC: the server's, the KDC's, and, for service tickets, those over the
//! ticket and over the whole PAC (MS-PAC, 2.8).

use kerbox_krb5::messages::{AuthorizationData, Checksum, EncTicketPart};
use kerbox_krb5::{ChecksumType, EncryptionKey, ErrorCode, KeyUsage, Principal};

use super::buffers::{
    self, Buffer, FULL_CHECKSUM, KDC_CHECKSUM, Parsed, SERVER_CHECKSUM, TICKET_CHECKSUM,
};

/// KERB_NON_KERB_CKSUM_SALT, the key usage of all the checksums.
const USAGE: KeyUsage = KeyUsage(17);

/// Inserts a PAC with these buffers as the ticket's first element. Call it last: a service ticket's
/// checksum covers the rest of the ticket.
pub(crate) fn add(
    part: &mut EncTicketPart,
    contents: Vec<Buffer>,
    server: &Principal,
    server_key: &EncryptionKey,
    kdc_key: &EncryptionKey,
) {
    let for_service = is_signed_whole(server);
    let mut list = Vec::new();
    if for_service {
        // The ticket's checksum covers the ticket with a PAC of one zero byte.
        part.authorization_data.insert(0, element(vec![0]));
        list.push((TICKET_CHECKSUM, checksum(kdc_key, &part.encode())));
        part.authorization_data.remove(0);
    }
    list.extend(contents);
    list.push((SERVER_CHECKSUM, no_checksum(server_key)));
    list.push((KDC_CHECKSUM, no_checksum(kdc_key)));
    if for_service {
        list.push((FULL_CHECKSUM, no_checksum(kdc_key)));
        let full = checksum(kdc_key, &buffers::encode(&list));
        replace(&mut list, FULL_CHECKSUM, full);
    }
    let of_server = checksum(server_key, &buffers::encode(&list));
    let of_kdc = checksum(kdc_key, &of_server[4..]);
    replace(&mut list, SERVER_CHECKSUM, of_server);
    replace(&mut list, KDC_CHECKSUM, of_kdc);
    part.authorization_data
        .insert(0, element(buffers::encode(&list)));
}

/// Reads the PAC of a ticket, if it has one, and verifies the signature made with the key that
/// decrypted the ticket. For a service ticket, also verifies all of the KDC's signatures with one
/// of `kdc_keys`.
pub(crate) fn read<'a, K: Iterator<Item = &'a EncryptionKey>>(
    part: &EncTicketPart,
    server: &Principal,
    server_key: &EncryptionKey,
    kdc_keys: impl FnOnce() -> K,
) -> Result<Option<Parsed>, ErrorCode> {
    let Some((place, list, inner)) = find(part) else {
        return Ok(None);
    };
    // The protocol has no number for an invalid PAC, so MIT's KDC returns a generic error.
    let pac = Parsed::read(&list[inner].data).map_err(|_| ErrorCode::KRB_ERR_GENERIC)?;
    let both = [SERVER_CHECKSUM, KDC_CHECKSUM];
    verify(
        &pac,
        SERVER_CHECKSUM,
        server_key,
        &pac.without_checksums(&both),
    )?;
    if server.is_krbtgt() {
        return Ok(Some(pac));
    }
    let mut unsigned = part.clone();
    let mut list = list;
    list[inner].data = vec![0];
    unsigned.authorization_data[place].data = AuthorizationData::encode_list(&list);
    let ticket = unsigned.encode();
    let whole = pac.without_checksums(&[SERVER_CHECKSUM, KDC_CHECKSUM, FULL_CHECKSUM]);
    let of_server = pac
        .get(SERVER_CHECKSUM)
        .and_then(|buffer| buffer.get(4..))
        .unwrap_or_default();
    let signed_by = |key: &EncryptionKey| {
        if is_signed_whole(server) {
            verify(&pac, TICKET_CHECKSUM, key, &ticket)?;
            verify(&pac, FULL_CHECKSUM, key, &whole)?;
        }
        verify(&pac, KDC_CHECKSUM, key, of_server)
    };
    // A signature does not contain the version of its key.
    let mut refusal = ErrorCode::KRB_AP_ERR_MODIFIED;
    for key in kdc_keys() {
        match signed_by(key) {
            Ok(()) => return Ok(Some(pac)),
            Err(code) => refusal = code,
        }
    }
    Err(refusal)
}

/// Returns whether tickets for this server have the ticket checksum and the full checksum. Those
/// for the password service do not.
fn is_signed_whole(server: &Principal) -> bool {
    !server.is_krbtgt() && server.components() != ["kadmin", "changepw"]
}

/// Finds the authorization data element that contains the PAC. Returns its index, its content, and
/// the PAC's index in it.
pub(super) fn find(part: &EncTicketPart) -> Option<(usize, Vec<AuthorizationData>, usize)> {
    part.authorization_data
        .iter()
        .enumerate()
        .find_map(|(place, element)| {
            let list = in_container(element)?;
            let inner = list
                .iter()
                .position(|element| element.ad_type == AuthorizationData::WIN2K_PAC)?;
            Some((place, list, inner))
        })
}

fn in_container(element: &AuthorizationData) -> Option<Vec<AuthorizationData>> {
    (element.ad_type == AuthorizationData::IF_RELEVANT)
        .then(|| AuthorizationData::decode_list(&element.data).ok())
        .flatten()
}

/// Removes every PAC from a list that is copied from one ticket to another.
pub(crate) fn remove(list: &mut Vec<AuthorizationData>) {
    list.retain(|element| !is_in(element));
}

/// Returns whether an element is a PAC, or the container of one.
pub(crate) fn is_in(element: &AuthorizationData) -> bool {
    match element.ad_type {
        AuthorizationData::WIN2K_PAC => true,
        AuthorizationData::IF_RELEVANT => {
            AuthorizationData::list_has(&element.data, AuthorizationData::WIN2K_PAC)
        }
        _ => false,
    }
}

fn element(pac: Vec<u8>) -> AuthorizationData {
    let pac = AuthorizationData {
        ad_type: AuthorizationData::WIN2K_PAC,
        data: pac,
    };
    AuthorizationData {
        ad_type: AuthorizationData::IF_RELEVANT,
        data: AuthorizationData::encode_list(&[pac]),
    }
}

fn replace(list: &mut [Buffer], kind: u32, data: Vec<u8>) {
    if let Some((_, place)) = list.iter_mut().find(|(known, _)| *known == kind) {
        *place = data;
    }
}

/// Verifies the checksum in this buffer. Rejects unkeyed checksums and types of other keys.
fn verify(pac: &Parsed, kind: u32, key: &EncryptionKey, data: &[u8]) -> Result<(), ErrorCode> {
    let buffer = pac.get(kind).ok_or(ErrorCode::KRB_ERR_GENERIC)?;
    let (checksum_type, bytes) = buffer
        .split_first_chunk()
        .ok_or(ErrorCode::KRB_ERR_GENERIC)?;
    let checksum = Checksum {
        checksum_type: ChecksumType(i32::from_le_bytes(*checksum_type)),
        // A read-only domain controller writes its number behind the checksum.
        bytes: bytes[..bytes.len().min(key.checksum(USAGE, &[]).len())].to_vec(),
    };
    checksum
        .verify(key, USAGE, data)
        .map_err(|error| error.code())
}

/// Returns a `PAC_SIGNATURE_DATA`: the checksum's type and the checksum.
fn checksum(key: &EncryptionKey, data: &[u8]) -> Vec<u8> {
    let mut bytes = key.checksum_type().0.to_le_bytes().to_vec();
    bytes.extend_from_slice(&key.checksum(USAGE, data));
    bytes
}

/// Returns a `PAC_SIGNATURE_DATA` with zeros for the checksum.
fn no_checksum(key: &EncryptionKey) -> Vec<u8> {
    let mut bytes = key.checksum_type().0.to_le_bytes().to_vec();
    bytes.resize(bytes.len() + key.checksum_len(), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::EncryptionType;

    use super::*;

    fn key(enctype: EncryptionType, hex: &str) -> EncryptionKey {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|place| {
                u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).expect("two digits")
            })
            .collect();
        EncryptionKey::new(enctype, &bytes).expect("a key")
    }

    /// Verifies the server's signature; rejects any flipped bit.
    fn assert_signed(pac: &[u8], server: &EncryptionKey) {
        let both = [SERVER_CHECKSUM, KDC_CHECKSUM];
        let signed = |bytes: &[u8]| {
            let pac = Parsed::read(bytes).map_err(|_| ErrorCode::KRB_ERR_GENERIC)?;
            verify(&pac, SERVER_CHECKSUM, server, &pac.without_checksums(&both))
        };
        assert_eq!(signed(pac), Ok(()));
        let mut changed = pac.to_vec();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        assert_eq!(signed(&changed), Err(ErrorCode::KRB_AP_ERR_MODIFIED));
    }

    #[test]
    fn signatures_of_windows_are_verified() {
        // From MIT's lib/krb5/krb/t_pac.c: a PAC of 2005, with the keys of the member and of the
        // KDC.
        let saved = include_bytes!("../../testdata/pac_windows_2003.bin");
        let member = key(EncryptionType::RC4_HMAC, "d217faeae5e6b5f95ccc94077ab8a5fc");
        let kdc = key(EncryptionType::RC4_HMAC, "b286757148af7fd252c53603a150b7e7");
        assert_signed(saved, &member);
        let pac = Parsed::read(saved).expect("Microsoft's");
        let of_server = pac.get(SERVER_CHECKSUM).expect("it is there");
        assert_eq!(verify(&pac, KDC_CHECKSUM, &kdc, &of_server[4..]), Ok(()));
        assert_eq!(
            verify(&pac, KDC_CHECKSUM, &member, &of_server[4..]),
            Err(ErrorCode::KRB_AP_ERR_MODIFIED)
        );
    }

    #[test]
    fn signatures_of_active_directory_with_aes_are_verified() {
        // From gokrb5's test/testdata: a PAC of TEST.GOKRB5 for the account sysHTTP.
        let pac = include_bytes!("../../testdata/pac_active_directory.bin");
        let of_service = "43763702868978d1b6d91a36704b987e27e517250055bdfc40b8a6b3848d9aae";
        assert_signed(
            pac,
            &key(EncryptionType::AES256_CTS_HMAC_SHA1_96, of_service),
        );
    }
}
