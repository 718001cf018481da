//! Every message decoder.

use kerbox_krb5::messages::{
    ApRep, ApReq, Authenticator, AuthorizationData, Checksum, EncApRepPart, EncKdcReplyPart,
    EncKrbCredPart, EncKrbPrivPart, EncTicketPart, EncryptedData, EtypeInfo2Entry, KdcReply,
    KdcRequest, KdcRequestBody, KrbCred, KrbError, KrbPriv, KrbSafe, MessageType, PaData,
    PaEncTsEnc, PaForUser, Ticket, decode_pac_request, frame_length,
};

use crate::world::world;

/// Decodes the bytes as each message. A decoded message must encode, and decode again.
pub fn messages(bytes: &[u8]) {
    macro_rules! twice {
        ($($type:ident),*) => {
            $(if let Ok(message) = $type::decode(bytes) {
                let encoded = message.encode();
                assert!($type::decode(&encoded).is_ok(), stringify!($type));
            })*
        };
    }
    twice!(
        ApRep,
        ApReq,
        Authenticator,
        Checksum,
        EncApRepPart,
        EncKrbCredPart,
        EncKrbPrivPart,
        EncTicketPart,
        EncryptedData,
        KdcReply,
        KdcRequest,
        KdcRequestBody,
        KrbCred,
        KrbError,
        KrbPriv,
        KrbSafe,
        PaEncTsEnc,
        PaForUser,
        Ticket
    );
    let _ = EncKdcReplyPart::decode(bytes);
    let _ = AuthorizationData::decode_list(bytes);
    let _ = PaData::decode_list(bytes);
    let _ = EtypeInfo2Entry::decode_list(bytes);
    let _ = decode_pac_request(bytes);
    let _ = MessageType::of(bytes);
    if let Some(header) = bytes.first_chunk() {
        let _ = frame_length(*header);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let world = world();
    let mut seeds = [&world.requests[..], &world.answers[..]].concat();
    seeds.push(world.tgt.ticket.encode());
    seeds
}
