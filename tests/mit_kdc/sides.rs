//! The two KDCs, and their answers.

use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerbox::{EncryptionType, NewPrincipal, Pac, Principal, Realm};
use kerbox_kdc::NewKeys;
use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::messages::{KrbError, MessageType};
use kerbox_krb5::{Clock, ErrorCode, Keytab};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Error;
use crate::support::run;
use kerbox_kdc::testing::corpus::Request;

pub(super) const REALM: &str = "EXAMPLE.COM";
pub(super) const OTHER: &str = "MIDDLE.ORG";

/// A KDC at its address, MIT's or ours.
pub(crate) struct Side {
    pub(super) name: &'static str,
    address: SocketAddr,
    socket: UdpSocket,
    alice: Keytab,
    asked: Cell<u32>,
}

/// A KDC's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Nothing,
    Error(ErrorCode, String),
    Reply,
}

impl Said {
    /// The error number without the text, which is for humans.
    pub(super) fn number(&self) -> Option<ErrorCode> {
        match self {
            Self::Nothing => None,
            Self::Error(code, _) => Some(*code),
            Self::Reply => Some(ErrorCode::KDC_ERR_NONE),
        }
    }
}

impl Side {
    pub(super) fn new(
        name: &'static str,
        address: SocketAddr,
        keytab: &Path,
    ) -> Result<Self, Error> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self {
            name,
            address,
            socket,
            alice: Keytab::read(keytab)?,
            asked: Cell::default(),
        })
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a datagram and returns the answer, or `None` if the answer to the next request comes
    /// first.
    pub(super) fn ask(&self, request: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.socket.send(request)?;
        self.asked.set(self.asked.get() + 1);
        let nobody = format!("nobody-{}", self.asked.get());
        self.socket.send(&Request::new(&nobody, REALM).encode())?;
        let mut before = None;
        loop {
            let mut answer = vec![0; 65_536];
            let length = self
                .socket
                .recv(&mut answer)
                .map_err(|error| format!("{} at {}: {error}", self.name, self.address))?;
            answer.truncate(length);
            let client = KrbError::decode(&answer)
                .ok()
                .and_then(|error| error.client);
            if client.is_some_and(|client| client.components() == [nobody.as_str()]) {
                return Ok(before);
            }
            before = Some(answer);
        }
    }

    pub(super) fn said(&self, request: &[u8]) -> Result<Said, Error> {
        let Some(answer) = self.ask(request)? else {
            return Ok(Said::Nothing);
        };
        if MessageType::of(&answer) != Some(MessageType::KRB_ERROR) {
            return Ok(Said::Reply);
        }
        let error = KrbError::decode(&answer)?;
        Ok(Said::Error(
            error.code,
            error
                .text
                .unwrap_or_default()
                .trim_end_matches('\0')
                .to_owned(),
        ))
    }

    pub(super) fn secret(&self) -> Secret {
        Secret::Keys(
            self.alice
                .entries()
                .filter_map(|entry| entry.key().cloned())
                .collect(),
        )
    }

    /// Returns the KDC's answer to the last request of a login.
    pub(super) fn login(
        &self,
        request: InitialRequest,
    ) -> Result<(Said, Option<Credentials>), Error> {
        let mut rng = StdRng::seed_from_u64(self.asked.get().into());
        let (mut exchange, mut bytes) =
            AsExchange::new(request, self.secret(), Clock::system().now(), &mut rng)?;
        loop {
            let answer = self.ask(&bytes)?.ok_or("an answer")?;
            match exchange.step(&answer, &mut rng) {
                Ok(AsStep::Send(next)) => bytes = next,
                Ok(AsStep::Done(credentials)) => return Ok((Said::Reply, Some(*credentials))),
                Err(kerbox_krb5::Error::Kdc(error)) => {
                    return Ok((
                        Said::Error(error.code, error.text.unwrap_or_default()),
                        None,
                    ));
                }
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Returns the ticket of a TGS request, which must be granted.
    pub(super) fn ticket(
        &self,
        tgt: &Credentials,
        request: TgsRequest,
    ) -> Result<Credentials, Error> {
        let mut rng = StdRng::seed_from_u64(self.asked.get().into());
        let (exchange, bytes) = TgsExchange::new(tgt, request, Clock::system().now(), &mut rng)?;
        Ok(exchange.finish(&self.ask(&bytes)?.ok_or("an answer")?)?)
    }

    /// Returns the KDC's answer to a TGS request: the ticket's server, or the refusal.
    pub(super) fn tgs(
        &self,
        tgt: &Credentials,
        request: TgsRequest,
    ) -> Result<Result<Principal, Said>, Error> {
        let mut rng = StdRng::seed_from_u64(self.asked.get().into());
        let (exchange, bytes) = TgsExchange::new(tgt, request, Clock::system().now(), &mut rng)?;
        let answer = self.ask(&bytes)?.ok_or("an answer")?;
        match exchange.finish(&answer) {
            Ok(credentials) => Ok(Ok(credentials.server)),
            Err(kerbox_krb5::Error::Kdc(error)) => {
                Ok(Err(Said::Error(error.code, error.text.unwrap_or_default())))
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// MIT's KDC, stopped when dropped.
pub(crate) struct Mit(tempfile::TempDir);

impl Mit {
    /// The folder of its krb5.conf and keytabs.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn script(&self, words: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/mit-kdc.sh");
        let mut command = Command::new(script);
        command.arg(words[0]).arg(self.0.path()).args(&words[1..]);
        // Appended to the client's defaults in krb5.conf: the KDC refers by this section.
        command.env(
            "LIBDEFAULTS",
            format!("[domain_realm]\n .middle.org = {OTHER}\n[libdefaults]"),
        );
        command
    }

    /// Builds a kadmin.local command, which reads its queries line by line.
    pub(super) fn kadmin(&self) -> Command {
        let mut command = Command::new("kadmin.local");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        command
            .args(["-r", REALM])
            .env(
                "PATH",
                std::env::join_paths(places).unwrap_or_else(|_| path.clone()),
            )
            .env("KRB5_CONFIG", self.path().join("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path().join("kdc.conf"));
        command
    }

    pub(crate) fn start() -> Result<(Self, Side), Error> {
        Self::start_with("")
    }

    /// Starts MIT's KDC with an additional line in the realm's section of kdc.conf.
    pub(super) fn start_with(line: &str) -> Result<(Self, Side), Error> {
        let mit = Self(tempfile::tempdir()?);
        let words = ["start", "0", REALM, "alice", "bob", "host/localhost"];
        let said = run(mit.script(&words).env("KDC_EXTRA", line), "")?.ok()?;
        run(
            &mut mit.script(&[
                "admin",
                &format!("addprinc -randkey krbtgt/{OTHER}@{REALM}"),
            ]),
            "",
        )?
        .ok()?;
        let address = said
            .split(' ')
            .find(|word| word.contains(':'))
            .ok_or("an address")?
            .parse()?;
        let side = Side::new("MIT's", address, &mit.0.path().join("keytabs/alice.keytab"))?;
        Ok((mit, side))
    }
}

impl Drop for Mit {
    fn drop(&mut self) {
        // Fails if it is not running, which is fine.
        let _ = self.script(&["stop"]).status();
    }
}

pub(super) fn ours() -> Result<(Realm, Side), Error> {
    let realm = Realm::builder()
        .realm_name(REALM)
        // As in the kdc.conf of MIT's KDC.
        .enctypes(EncryptionType::DEFAULT)
        // As MIT's KDC does since 1.20.
        .pac(Pac::Minimal)
        .principal(NewPrincipal::new("alice").password("alice-pw"))
        .principal(NewPrincipal::new("bob").password("bob-pw"))
        .start_blocking()?;
    realm.kdc().update(|database, rng| {
        database
            .realm_mut(REALM)?
            .host_realms
            .insert(".middle.org".to_owned(), OTHER.to_owned());
        database.add_trust(REALM, OTHER, NewKeys::Random, rng)
    })?;
    let side = Side::new("ours", realm.kdc_address(), &realm.keytab("alice")?)?;
    Ok((realm, side))
}
