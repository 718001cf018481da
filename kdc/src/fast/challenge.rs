//! The encrypted challenge: pre-authentication inside an armor (RFC 6113, 5.4.6).

use kerbox_krb5::messages::{EncryptedData, PaData, PaDataType, PaEncTsEnc};
use kerbox_krb5::{EncryptionType, ErrorCode, KeyUsage, Timestamp};
use rand::Rng;

use super::armor::{Fast, combine};
use crate::PrincipalEntry;
use crate::database::RealmConfig;
use crate::preauth::{self, KeysOf};

impl Fast {
    /// Verifies an encrypted challenge (RFC 6113, 5.4.6), and returns the KDC's own for the reply.
    pub(crate) fn verify_challenge(
        &self,
        client: &PrincipalEntry,
        enctypes: &[EncryptionType],
        value: &[u8],
        now: Timestamp,
        realm: &RealmConfig,
        rng: &mut impl Rng,
    ) -> Result<(KeysOf, PaData), ErrorCode> {
        let failed = ErrorCode::KDC_ERR_PREAUTH_FAILED;
        let data = EncryptedData::decode(value).map_err(|_| failed)?;
        // Try the keys in the client's order of preference, so that the first one is usually right.
        let keys = enctypes.iter().flat_map(|enctype| {
            client
                .keys_of(None)
                .filter(move |key| key.enctype() == *enctype)
        });
        for key in keys {
            let client_key = combine(
                &self.armor_key,
                "clientchallengearmor",
                key.key(),
                "challengelongterm",
            )?;
            let Ok(plaintext) = data.open(&client_key, KeyUsage::ENC_CHALLENGE_CLIENT) else {
                continue;
            };
            let challenge = PaEncTsEnc::decode(&plaintext).map_err(|_| failed)?;
            preauth::check_skew(challenge.timestamp, now, realm)?;
            let kdc_key = combine(
                &self.armor_key,
                "kdcchallengearmor",
                key.key(),
                "challengelongterm",
            )?;
            let answer = PaEncTsEnc { timestamp: now }.encode();
            let answer =
                EncryptedData::seal(&kdc_key, None, KeyUsage::ENC_CHALLENGE_KDC, &answer, rng);
            let keys_of = if key.is_of_password() {
                KeysOf::Password
            } else {
                KeysOf::Keytab
            };
            return Ok((
                keys_of,
                PaData::new(PaDataType::ENCRYPTED_CHALLENGE, answer.encode()),
            ));
        }
        Err(failed)
    }
}
