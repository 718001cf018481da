//! The PAC: what a KDC says about a client, signed (MS-PAC). Ours is the smallest that there is, as MIT's: the client's name and the
//! time of its authentication. Many clients know no PAC, and some refuse such a small one, so a realm must ask for it.

use kerbox_krb5::messages::{AuthorizationData, EncTicketPart, KdcRequest, PaData, PaDataType, decode_pac_request};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal, Timestamp};

/// Which PAC the tickets of a realm carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pac {
    /// None at all.
    #[default]
    None,
    /// The client's name, and the signatures.
    Minimal,
}

/// The types of a PAC's buffers (MS-PAC, 2.4).
const SERVER_CHECKSUM: u32 = 6;
const KDC_CHECKSUM: u32 = 7;
const CLIENT_INFO: u32 = 10;
const TICKET_CHECKSUM: u32 = 16;
const FULL_CHECKSUM: u32 = 19;

/// KERB_NON_KERB_CKSUM_SALT, the usage of all of its checksums.
const USAGE: KeyUsage = KeyUsage(17);

/// Whether the client of an AS request wants a PAC: it does if it does not say otherwise.
pub(crate) fn is_wanted(request: &KdcRequest) -> bool {
    PaData::find(&request.padata, PaDataType::PAC_REQUEST)
        .and_then(|element| decode_pac_request(&element.value))
        .unwrap_or(true)
}

/// Whether the ticket carries a PAC.
pub(crate) fn is_in(part: &EncTicketPart) -> bool {
    part.authorization_data.iter().any(is_pac)
}

fn is_pac(element: &AuthorizationData) -> bool {
    element.ad_type == AuthorizationData::IF_RELEVANT
        && AuthorizationData::decode_list(&element.data)
            .is_ok_and(|list| list.iter().any(|inner| inner.ad_type == AuthorizationData::WIN2K_PAC))
}

/// Takes the PAC out of a list that goes from one ticket into another.
pub(crate) fn remove(list: &mut Vec<AuthorizationData>) {
    list.retain(|element| !is_pac(element));
}

/// Puts a PAC into the ticket, as its first element. It must be the last thing that is done to it.
pub(crate) fn add(part: &mut EncTicketPart, server: &Principal, server_key: &EncryptionKey, kdc_key: &EncryptionKey) {
    remove(&mut part.authorization_data);
    let for_service = !server.is_krbtgt();
    let mut buffers = Vec::new();
    if for_service {
        // The ticket's checksum is over the ticket with a PAC of one zero byte.
        part.authorization_data.insert(0, element(vec![0]));
        buffers.push((TICKET_CHECKSUM, checksum(kdc_key, &part.encode())));
        part.authorization_data.remove(0);
    }
    buffers.push((CLIENT_INFO, client_info(&part.client, part.auth_time)));
    buffers.push((SERVER_CHECKSUM, no_checksum(server_key)));
    buffers.push((KDC_CHECKSUM, no_checksum(kdc_key)));
    if for_service {
        buffers.push((FULL_CHECKSUM, no_checksum(kdc_key)));
        let full = checksum(kdc_key, &encode(&buffers));
        replace(&mut buffers, FULL_CHECKSUM, full);
    }
    let of_server = checksum(server_key, &encode(&buffers));
    let of_kdc = checksum(kdc_key, &of_server[4..]);
    replace(&mut buffers, SERVER_CHECKSUM, of_server);
    replace(&mut buffers, KDC_CHECKSUM, of_kdc);
    part.authorization_data.insert(0, element(encode(&buffers)));
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

type Buffer = (u32, Vec<u8>);

fn replace(buffers: &mut [Buffer], buffer_type: u32, data: Vec<u8>) {
    if let Some((_, place)) = buffers.iter_mut().find(|(known, _)| *known == buffer_type) {
        *place = data;
    }
}

/// `PAC_SIGNATURE_DATA`: the checksum's type, and the checksum.
fn checksum(key: &EncryptionKey, data: &[u8]) -> Vec<u8> {
    let mut bytes = key.checksum_type().0.to_le_bytes().to_vec();
    bytes.extend_from_slice(&key.checksum(USAGE, data));
    bytes
}

/// The same with zeros in the checksum's place.
fn no_checksum(key: &EncryptionKey) -> Vec<u8> {
    let mut bytes = checksum(key, &[]);
    bytes[4..].fill(0);
    bytes
}

/// `PAC_CLIENT_INFO`: the time in hundreds of nanoseconds since 1601, and the name without its realm in UTF-16.
fn client_info(client: &Principal, auth_time: Timestamp) -> Vec<u8> {
    /// Seconds from 1601 to 1970.
    const EPOCH: i64 = 11_644_473_600;
    let time = auth_time.as_secs().saturating_add(EPOCH).saturating_mul(10_000_000);
    let name: Vec<u8> = client.name().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = time.to_le_bytes().to_vec();
    bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(&name);
    bytes
}

/// `PACTYPE`: the buffers' types, lengths and places, then the buffers, each at a multiple of eight bytes.
fn encode(buffers: &[Buffer]) -> Vec<u8> {
    let mut place = 8 + 16 * buffers.len();
    let mut header = Vec::new();
    // A PAC of five short buffers: no number here comes near its limit.
    header.extend_from_slice(&(buffers.len() as u32).to_le_bytes());
    header.extend_from_slice(&0_u32.to_le_bytes());
    let mut body = Vec::new();
    for (buffer_type, data) in buffers {
        header.extend_from_slice(&buffer_type.to_le_bytes());
        header.extend_from_slice(&(data.len() as u32).to_le_bytes());
        header.extend_from_slice(&(place as u64).to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(8), 0);
        place = 8 + 16 * buffers.len() + body.len();
    }
    header.extend_from_slice(&body);
    header
}
