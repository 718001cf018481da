//! The SASL handshake before the first operation, without the socket (`SaslDataTransferServer`,
//! `SaslDataTransferClient`).
//!
//! ```text
//! C  DEADBEEF, {SUCCESS}
//! S  {SUCCESS, payload: DIGEST-MD5 challenge}
//! C  {SUCCESS, payload: response [, cipherOption: AES/CTR/NoPadding]}
//! S  {SUCCESS, payload: rspauth [, cipherOption with wrapped keys and plain IVs]}
//! ```

use std::sync::Arc;

use bytes::Bytes;
use kerbox_events::SessionFacts;
use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::datanode::stream::{AesCtr, Protection};
use crate::proto::hdfs::data_transfer_encryptor_message_proto::DataTransferEncryptorStatus;
use crate::proto::hdfs::{CipherOptionProto, CipherSuiteProto, DataTransferEncryptorMessageProto};
use crate::sasl::{
    DigestMd5Client, DigestMd5Settings, QualityOfProtection, SaslError, SaslServer, SaslStep,
};
use crate::secret_manager::{BlockTokenSecretManager, EncryptionKeys, SecretManager};
use crate::token::{Token, block_session, encryption_session};

/// The bytes that a client sends before its first message.
pub(crate) const MAGIC: [u8; 4] = 0xDEAD_BEEFu32.to_be_bytes();

/// The protection of data connections that the configuration requires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DataProtection {
    /// The client's credential.
    pub(crate) credential: DataCredential,
    /// The offered qualities of protection, in order of preference.
    pub(crate) qop: Vec<QualityOfProtection>,
    /// The length of AES keys in bytes, if AES may replace the SASL layer.
    pub(crate) aes_key: Option<usize>,
}

/// The credential behind the user name and password of a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DataCredential {
    /// The token of the block that the first operation accesses.
    BlockToken,
    /// A key that the NameNode issued for all blocks (`dfs.encrypt.data.transfer`).
    EncryptionKey,
}

impl DataProtection {
    /// Returns the protection, or `None` if data connections start with the first operation,
    /// unprotected.
    pub(crate) fn new(config: &HdfsConfig) -> Option<Self> {
        let (credential, qop) = if config.encrypt_data_transfer {
            (
                DataCredential::EncryptionKey,
                vec![QualityOfProtection::Privacy],
            )
        } else if config.is_secure() && !config.data_transfer_protection.is_empty() {
            (
                DataCredential::BlockToken,
                config.data_transfer_protection.clone(),
            )
        } else {
            return None;
        };
        Some(Self {
            credential,
            qop,
            aes_key: config
                .encrypt_with_aes
                .then_some(usize::from(config.encryption_key_bits / 8)),
        })
    }

    /// Returns the source of the passwords.
    pub(crate) fn secrets(&self, secrets: Arc<BlockTokenSecretManager>) -> Arc<dyn SecretManager> {
        match self.credential {
            DataCredential::BlockToken => secrets,
            DataCredential::EncryptionKey => Arc::new(EncryptionKeys(secrets)),
        }
    }
}

type Message = DataTransferEncryptorMessageProto;

/// The server's action after a message from the client.
pub(crate) enum HandshakeStep {
    /// Send this and wait for the next message.
    Continue(Message),
    /// Send this unprotected, and protect everything after it.
    Done {
        message: Message,
        protection: Protection,
        user: String,
        /// For the journal.
        facts: SessionFacts,
    },
    /// Send this and close the connection.
    Refused { message: Message, error: HdfsError },
}

/// The server side of a handshake.
pub(crate) struct HandshakeServer {
    /// `None` after the handshake.
    sasl: Option<SaslServer>,
    credential: DataCredential,
    aes_key: Option<usize>,
    qop: Vec<QualityOfProtection>,
    challenged: bool,
}

impl HandshakeServer {
    pub(crate) fn new(
        protection: &DataProtection,
        secrets: Arc<BlockTokenSecretManager>,
        rng: &mut impl Rng,
    ) -> Self {
        let settings = DigestMd5Settings::data_transfer(&protection.qop);
        Self {
            sasl: Some(SaslServer::digest_md5(
                settings,
                protection.secrets(secrets),
                rng,
            )),
            credential: protection.credential,
            aes_key: protection.aes_key,
            qop: protection.qop.clone(),
            challenged: false,
        }
    }

    /// Processes the client's next message.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        message: &Message,
        rng: &mut impl Rng,
    ) -> Result<HandshakeStep, HdfsError> {
        if message.status() != DataTransferEncryptorStatus::Success {
            return Err(HdfsError::io(format!(
                "The client gave the handshake up: {}",
                message.message()
            )));
        }
        // The first message is empty, because DIGEST-MD5 has no initial response.
        let token = if self.challenged {
            message.payload()
        } else {
            &[]
        };
        self.challenged = true;
        let mut sasl = self.sasl.take().ok_or_else(|| {
            HdfsError::sasl("the SASL handshake is over: no further message is expected")
        })?;
        match sasl.step(now, token, rng) {
            Ok(SaslStep::Challenge(challenge)) => {
                self.sasl = Some(sasl);
                Ok(HandshakeStep::Continue(success(challenge)))
            }
            Ok(SaslStep::Success(proof)) => {
                self.finish(sasl, proof.unwrap_or_default(), message, rng)
            }
            Err(error) => Ok(refused(error)),
        }
    }

    fn finish(
        &self,
        mut sasl: SaslServer,
        proof: Vec<u8>,
        message: &Message,
        rng: &mut impl Rng,
    ) -> Result<HandshakeStep, HdfsError> {
        let qop = sasl.qop();
        if !self.qop.contains(&qop) {
            return Ok(refused(SaslError::from(HdfsError::io(format!(
                "SASL handshake completed, but channel does not have acceptable quality of protection, requested = {:?}, negotiated = {qop}",
                self.qop
            )))));
        }
        let user = sasl.user().unwrap_or_default().to_owned();
        let mut reply = success(proof);
        let wants_aes = message
            .cipher_option
            .iter()
            .any(|option| option.suite() == CipherSuiteProto::AesCtrNopadding);
        let protection = match self.aes_key {
            Some(length) if wants_aes && qop == QualityOfProtection::Privacy => {
                let (option, protection) = make_aes(&mut sasl, length, rng)?;
                reply.cipher_option.push(option);
                protection
            }
            _ if qop == QualityOfProtection::Authentication => Protection::None,
            _ => {
                let halves = sasl.into_halves();
                let (wrap, unwrap) =
                    halves.ok_or_else(|| HdfsError::sasl("the SASL handshake is not complete"))?;
                Protection::Sasl(wrap, unwrap)
            }
        };
        let facts = SessionFacts {
            qop: qop.into(),
            cipher: matches!(protection, Protection::Aes(..)).then_some("AES/CTR/NoPadding"),
            ..SessionFacts::default()
        };
        let facts = match self.credential {
            DataCredential::BlockToken => block_session(facts, &user),
            DataCredential::EncryptionKey => encryption_session(facts, &user),
        };
        Ok(HandshakeStep::Done {
            message: reply,
            protection,
            user,
            facts,
        })
    }
}

/// Generates keys, named from the server's side: incoming and outgoing.
fn make_aes(
    sasl: &mut SaslServer,
    length: usize,
    rng: &mut impl Rng,
) -> Result<(CipherOptionProto, Protection), HdfsError> {
    let mut random = |length| {
        let mut bytes = vec![0; length];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let (in_key, in_iv, out_key, out_iv) = (random(length), random(16), random(length), random(16));
    let protection = Protection::Aes(
        AesCtr::new(&out_key, &out_iv)?,
        AesCtr::new(&in_key, &in_iv)?,
    );
    let option = CipherOptionProto {
        suite: CipherSuiteProto::AesCtrNopadding.into(),
        in_key: Some(sasl.wrap(&in_key).into()),
        in_iv: Some(in_iv.into()),
        out_key: Some(sasl.wrap(&out_key).into()),
        out_iv: Some(out_iv.into()),
    };
    Ok((option, protection))
}

fn success(payload: Vec<u8>) -> Message {
    Message {
        status: DataTransferEncryptorStatus::Success.into(),
        payload: Some(payload.into()),
        ..Message::default()
    }
}

fn refused(error: SaslError) -> HandshakeStep {
    let status = if error.is_invalid_encryption_key() {
        DataTransferEncryptorStatus::ErrorUnknownKey
    } else {
        DataTransferEncryptorStatus::Error
    };
    HandshakeStep::Refused {
        message: Message {
            status: status.into(),
            message: Some(error.exception().message().to_owned()),
            access_token_error: error.is_invalid_token().then_some(true),
            ..Message::default()
        },
        error: error.into(),
    }
}

/// The client side of a handshake, for a DataNode that connects to the next one.
pub(crate) struct HandshakeClient {
    sasl: DigestMd5Client,
    aes: bool,
}

impl HandshakeClient {
    /// Creates a client with the token of the connection's block, or with a new encryption key.
    pub(crate) fn new(
        protection: &DataProtection,
        secrets: &BlockTokenSecretManager,
        token: &Token,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Self {
        let (user_name, password) = match protection.credential {
            DataCredential::BlockToken => (token.sasl_user_name(), token.sasl_password()),
            DataCredential::EncryptionKey => {
                let key = secrets.data_encryption_key(now);
                (key.sasl_user_name(), key.sasl_password())
            }
        };
        Self {
            sasl: DigestMd5Client::data_transfer(user_name, password, &protection.qop, rng),
            aes: protection.aes_key.is_some()
                && protection.qop.contains(&QualityOfProtection::Privacy),
        }
    }

    /// Returns the first message, to be sent after [`MAGIC`].
    pub(crate) fn first_message() -> Message {
        success(Vec::new())
    }

    /// Returns the response to the server's challenge.
    pub(crate) fn respond(&mut self, message: &Message) -> Result<Message, HdfsError> {
        let mut reply = success(self.sasl.respond(accepted(message)?)?);
        if self.aes {
            reply.cipher_option.push(CipherOptionProto {
                suite: CipherSuiteProto::AesCtrNopadding.into(),
                ..CipherOptionProto::default()
            });
        }
        Ok(reply)
    }

    /// Processes the server's last message and returns the protection of everything after it.
    pub(crate) fn finish(self, message: &Message) -> Result<Protection, HdfsError> {
        let (qop, wrap, mut unwrap) = self.sasl.finish(accepted(message)?)?;
        if let Some(option) = message.cipher_option.first() {
            let mut open = |sealed: &Option<Bytes>| {
                let mut key = Vec::new();
                unwrap
                    .unwrap_into(sealed.as_deref().unwrap_or_default(), &mut key)
                    .map(|()| key)
            };
            let (outgoing, incoming) = (open(&option.in_key)?, open(&option.out_key)?);
            return Ok(Protection::Aes(
                AesCtr::new(&outgoing, option.in_iv())?,
                AesCtr::new(&incoming, option.out_iv())?,
            ));
        }
        Ok(match qop {
            QualityOfProtection::Authentication => Protection::None,
            QualityOfProtection::Integrity | QualityOfProtection::Privacy => {
                Protection::Sasl(wrap, unwrap)
            }
        })
    }
}

fn accepted(message: &Message) -> Result<&[u8], HdfsError> {
    if message.status() == DataTransferEncryptorStatus::Success {
        return Ok(message.payload());
    }
    Err(HdfsError::io(format!(
        "The next DataNode refused the SASL handshake: {:?}, {}",
        message.status(),
        message.message()
    )))
}

#[cfg(test)]
mod tests;
