//! SPAKE pre-authentication (RFC 9588), with the group edwards25519 and no second factor. The KDC
//! keeps no state: its private value travels in the cookie, sealed.

use kerbox_krb5::messages::{EncryptedData, PaData, PaDataType, PaSpake, SpakeFactor};
use kerbox_krb5::spake::{EDWARDS25519, Side, Spake, Transcript, Value};
use kerbox_krb5::{EncryptionKey, EncryptionType, KeyUsage, Timestamp};
use rand::Rng;

use crate::{PrincipalEntry, PrincipalKey};

/// The longest time in seconds between a challenge and its response.
const PATIENCE: i64 = 600;

/// The beginning of a cookie's content.
const VERSION: &[u8; 4] = b"SPK1";

/// The client's key for SPAKE, the sealing of cookies, and the current time.
pub(crate) struct Exchange<'a> {
    client: &'a PrincipalEntry,
    key: &'a PrincipalKey,
    cookie_key: &'a EncryptionKey,
    now: Timestamp,
}

/// The answer to a client's message.
pub(crate) enum Answer {
    /// The client must send a response to this challenge; the second element is the cookie.
    Challenge([PaData; 2]),
    /// The client has the key. The reply is encrypted with this one.
    Shown(EncryptionKey),
}

impl<'a> Exchange<'a> {
    /// Prepares an exchange with a client's key. `None` if the client has both a random key and a
    /// password's of its type, because a challenge is made for one of them.
    pub(crate) fn new(
        client: &'a PrincipalEntry,
        key: &'a PrincipalKey,
        cookie_key: &'a EncryptionKey,
        now: Timestamp,
    ) -> Option<Self> {
        let mut same = client
            .keys_of(None)
            .filter(|other| other.enctype() == key.enctype());
        let only = same.next().is_some() && same.next().is_none();
        only.then_some(Self {
            client,
            key,
            cookie_key,
            now,
        })
    }

    /// Makes a challenge. `support` is the client's message, or empty if it has sent none. Returns
    /// it with the cookie.
    pub(crate) fn challenge(&self, support: &[u8], rng: &mut impl Rng) -> Option<[PaData; 2]> {
        let private = Spake::private(rng);
        let public = Spake::new(self.key.key()).public(Side::Kdc, &private)?;
        let message = PaSpake::Challenge {
            group: EDWARDS25519,
            public: public.to_vec(),
            factors: vec![SpakeFactor::NONE],
        };
        let message = message.encode();
        let mut transcript = Transcript::default();
        transcript.add(&[support, &message]);
        let mut cookie = VERSION.to_vec();
        cookie.extend(self.now.as_secs().to_be_bytes());
        cookie.extend(self.key.enctype().0.to_be_bytes());
        cookie.extend(self.key.kvno.to_be_bytes());
        cookie.extend(private);
        cookie.extend(transcript.as_bytes());
        cookie.extend(self.client_hash());
        let cookie =
            EncryptedData::seal(self.cookie_key, None, KeyUsage::PA_FX_COOKIE, &cookie, rng);
        Some([
            PaData::new(PaDataType::SPAKE, message),
            PaData::new(PaDataType::FX_COOKIE, cookie.encode()),
        ])
    }

    /// Answers a client's message; `None` if it proves nothing. `body` is the encoded body of the
    /// request.
    pub(crate) fn answer(
        &self,
        message: &[u8],
        cookie: Option<&[u8]>,
        body: &[u8],
        rng: &mut impl Rng,
    ) -> Option<Answer> {
        match PaSpake::decode(message).ok()? {
            PaSpake::Support(groups) if groups.contains(&EDWARDS25519) => {
                self.challenge(message, rng).map(Answer::Challenge)
            }
            PaSpake::Response { public, factor } => {
                let (private, mut transcript) = self.open(cookie?)?;
                transcript.add(&[&public]);
                let spake = Spake::new(self.key.key());
                let result = spake.result(Side::Kdc, &private, &public)?;
                let derive = |number| spake.derive(&result, &transcript, body, number).ok();
                let plaintext = factor.open(&derive(1)?, KeyUsage::SPAKE).ok()?;
                let factor = SpakeFactor::decode(&plaintext).ok()?;
                if factor.factor_type != SpakeFactor::NONE {
                    return None;
                }
                derive(0).map(Answer::Shown)
            }
            _ => None,
        }
    }

    /// Returns a hash of the client's name.
    fn client_hash(&self) -> [u8; 32] {
        let mut hash = Transcript::default();
        hash.add(&[self.client.principal.to_string().as_bytes()]);
        *hash.as_bytes()
    }

    /// Opens a cookie: our private value and the transcript. `None` if it is not one of ours, not
    /// this client's, or too old.
    fn open(&self, cookie: &[u8]) -> Option<(Value, Transcript)> {
        let data = EncryptedData::decode(cookie).ok()?;
        let content = data.open(self.cookie_key, KeyUsage::PA_FX_COOKIE).ok()?;
        let rest = content.strip_prefix(VERSION)?;
        let (time, rest) = rest.split_first_chunk()?;
        let (enctype, rest) = rest.split_first_chunk()?;
        let (kvno, rest) = rest.split_first_chunk()?;
        let (private, rest) = rest.split_first_chunk()?;
        let (transcript, rest) = rest.split_first_chunk()?;
        // Old types of keys pad what they encrypt.
        let (client, _padding) = rest.split_first_chunk()?;
        let age = self.now.as_secs().checked_sub(i64::from_be_bytes(*time))?;
        let fits = (0..=PATIENCE).contains(&age)
            && EncryptionType(i32::from_be_bytes(*enctype)) == self.key.enctype()
            && u32::from_be_bytes(*kvno) == self.key.kvno
            && *client == self.client_hash();
        fits.then(|| (*private, Transcript::from_bytes(*transcript)))
    }
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::Principal;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const BODY: &[u8] = b"the request's body";

    fn entry(name: &str, keys: Vec<PrincipalKey>) -> PrincipalEntry {
        let mut entry = PrincipalEntry::new(Principal::new("R", [name]));
        entry.set_keys(keys);
        entry
    }

    fn key(rng: &mut StdRng) -> EncryptionKey {
        EncryptionKey::random(EncryptionType::AES256_CTS_HMAC_SHA1_96, rng).expect("supported")
    }

    /// Returns a client's response to a challenge, and the reply key that it expects.
    fn response(key: &EncryptionKey, challenge: &[u8], factor: i32) -> (Vec<u8>, EncryptionKey) {
        let mut rng = StdRng::seed_from_u64(7);
        let Ok(PaSpake::Challenge { public, .. }) = PaSpake::decode(challenge) else {
            panic!("no challenge");
        };
        let (spake, private) = (Spake::new(key), Spake::private(&mut rng));
        let own = spake.public(Side::Client, &private).expect("a point");
        let result = spake.result(Side::Client, &private, &public);
        let mut transcript = Transcript::default();
        transcript.add(&[&PaSpake::Support(vec![EDWARDS25519]).encode(), challenge]);
        transcript.add(&[&own]);
        let derive = |number| {
            let result = result.expect("a point");
            let derived = spake.derive(&result, &transcript, BODY, number);
            derived.expect("supported")
        };
        let factor = SpakeFactor {
            factor_type: factor,
            data: None,
        };
        let factor = factor.encode();
        let factor = EncryptedData::seal(&derive(1), None, KeyUsage::SPAKE, &factor, &mut rng);
        let public = own.to_vec();
        (PaSpake::Response { public, factor }.encode(), derive(0))
    }

    /// Asks for a challenge in one of these groups. Returns it with its cookie.
    fn challenge(exchange: &Exchange<'_>, groups: Vec<i32>) -> [Vec<u8>; 2] {
        let support = PaSpake::Support(groups).encode();
        let answer = exchange.answer(&support, None, BODY, &mut StdRng::seed_from_u64(2));
        let Some(Answer::Challenge(elements)) = answer else {
            panic!("no challenge");
        };
        elements.map(|element| element.value)
    }

    /// Returns the reply key if a client's message shows that it knows its own key.
    fn shown(
        exchange: &Exchange<'_>,
        message: &[u8],
        cookie: Option<&[u8]>,
        body: &[u8],
    ) -> Option<Vec<u8>> {
        match exchange.answer(message, cookie, body, &mut StdRng::seed_from_u64(3)) {
            Some(Answer::Shown(key)) => Some(key.as_bytes().to_vec()),
            _ => None,
        }
    }

    #[test]
    fn only_the_response_of_the_challenged_client_in_time_is_accepted() {
        let mut rng = StdRng::seed_from_u64(1);
        let now = Timestamp::from_secs(1_700_000_000);
        let (own, cookie_key) = (key(&mut rng), key(&mut rng));
        let keys = |kvno| vec![PrincipalKey::given(kvno, own.clone(), "salt".into())];
        let (alice, bob) = (entry("alice", keys(1)), entry("bob", keys(1)));
        let later = entry("alice", keys(2));
        let exchange = |client, now| {
            let of: &PrincipalEntry = client;
            Exchange::new(of, &of.keys()[0], &cookie_key, now).expect("one key")
        };
        challenge(&exchange(&alice, now), vec![4, EDWARDS25519]);
        let [challenge, cookie] = challenge(&exchange(&alice, now), vec![EDWARDS25519]);
        let (good, reply_key) = response(&own, &challenge, SpakeFactor::NONE);
        let expected = Some(reply_key.as_bytes().to_vec());
        let last = Timestamp::from_secs(1_700_000_600);
        for now in [now, last] {
            let exchange = exchange(&alice, now);
            assert_eq!(shown(&exchange, &good, Some(&cookie), BODY), expected);
        }

        let late = Timestamp::from_secs(1_700_000_601);
        let early = Timestamp::from_secs(1_699_999_999);
        let (wrong, _) = response(&cookie_key, &challenge, SpakeFactor::NONE);
        let (factor, _) = response(&own, &challenge, 2);
        let unknown = PaSpake::Support(vec![2, 3]).encode();
        let cut = &cookie[..cookie.len() - 1];
        for (client, now, message, cookie, body) in [
            (&alice, late, &good, Some(cookie.as_slice()), BODY),
            (&alice, early, &good, Some(&cookie), BODY),
            (&bob, now, &good, Some(&cookie), BODY),
            (&later, now, &good, Some(&cookie), BODY),
            (&alice, now, &good, None, BODY),
            (&alice, now, &good, Some(b"KERBOX"), BODY),
            (&alice, now, &good, Some(cut), BODY),
            (&alice, now, &good, Some(&cookie), b"another body"),
            (&alice, now, &wrong, Some(&cookie), BODY),
            (&alice, now, &factor, Some(&cookie), BODY),
            (&alice, now, &challenge, Some(&cookie), BODY),
            (&alice, now, &unknown, None, BODY),
            (&alice, now, &Vec::new(), None, BODY),
        ] {
            let exchange = exchange(client, now);
            assert_eq!(shown(&exchange, message, cookie, body), None);
        }
    }

    #[test]
    fn a_client_with_two_keys_of_a_type_is_not_challenged() {
        let mut rng = StdRng::seed_from_u64(1);
        let keys: Vec<PrincipalKey> = (0..2)
            .map(|_| PrincipalKey::given(1, key(&mut rng), "salt".into()))
            .collect();
        let (client, cookie_key) = (entry("alice", keys), key(&mut rng));
        let now = Timestamp::from_secs(1_700_000_000);
        assert!(Exchange::new(&client, &client.keys()[0], &cookie_key, now).is_none());
    }
}
