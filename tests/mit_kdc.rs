//! Beside MIT's krb5kdc: the same request to it and to ours, and the same answer.

use std::cell::Cell;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerbox::{NewPrincipal, Principal, Realm};
use kerbox_kdc::{NewKeys, RealmConfig};
use kerbox_krb5::client::{AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{KdcOptions, KrbError, MessageType, PaData, PaDataType};
use kerbox_krb5::{Clock, ErrorCode, Keytab, NameType};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::corpus::{self, Request};
use crate::support::{Peer, TestResult, run, trials};

type Error = Box<dyn std::error::Error + Send + Sync>;

trials! {
    [Peer::MitKdc] =>
        requests_that_nobody_sends_get_the_same_numbers,
        requests_with_pkinit_or_for_anonymous_tickets_get_the_same_numbers,
        cookies_of_any_kind_get_the_same_answers,
        referrals_are_given_to_the_same_requests;
}

const REALM: &str = "EXAMPLE.COM";
const OTHER: &str = "MIDDLE.ORG";

/// A KDC behind its address, MIT's or ours.
struct Side {
    name: &'static str,
    address: SocketAddr,
    socket: UdpSocket,
    alice: Keytab,
    asked: Cell<u32>,
}

/// What a KDC says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Said {
    Nothing,
    Error(ErrorCode, String),
    Reply,
}

impl Said {
    /// Without the text, which is there for people.
    fn number(&self) -> Option<ErrorCode> {
        match self {
            Self::Nothing => None,
            Self::Error(code, _) => Some(*code),
            Self::Reply => Some(ErrorCode::KDC_ERR_NONE),
        }
    }
}

impl Side {
    fn new(name: &'static str, address: SocketAddr, keytab: &Path) -> Result<Self, Error> {
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

    /// The answer to a datagram; `None` if that to the next question comes first.
    fn ask(&self, request: &[u8]) -> Result<Option<Vec<u8>>, Error> {
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
            let client = KrbError::decode(&answer).ok().and_then(|error| error.client);
            if client.is_some_and(|client| client.components() == [nobody.as_str()]) {
                return Ok(before);
            }
            before = Some(answer);
        }
    }

    fn said(&self, request: &[u8]) -> Result<Said, Error> {
        let Some(answer) = self.ask(request)? else {
            return Ok(Said::Nothing);
        };
        if MessageType::of(&answer) != Some(MessageType::KRB_ERROR) {
            return Ok(Said::Reply);
        }
        let error = KrbError::decode(&answer)?;
        Ok(Said::Error(
            error.code,
            error.text.unwrap_or_default().trim_end_matches('\0').to_owned(),
        ))
    }

    fn secret(&self) -> Secret {
        Secret::Keys(self.alice.entries().filter_map(|entry| entry.key().cloned()).collect())
    }

    /// What the KDC says to the last request of a login.
    fn login(&self, request: InitialRequest) -> Result<(Said, Option<Credentials>), Error> {
        let mut rng = StdRng::seed_from_u64(self.asked.get().into());
        let (mut exchange, mut bytes) = AsExchange::new(request, self.secret(), Clock::system().now(), &mut rng)?;
        loop {
            let answer = self.ask(&bytes)?.ok_or("an answer")?;
            match exchange.step(&answer, &mut rng) {
                Ok(AsStep::Send(next)) => bytes = next,
                Ok(AsStep::Done(credentials)) => return Ok((Said::Reply, Some(*credentials))),
                Err(kerbox_krb5::Error::Kdc(error)) => return Ok((Said::Error(error.code, error.text.unwrap_or_default()), None)),
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// What it says to a TGS request; of a ticket, for whom it is.
    fn tgs(&self, tgt: &Credentials, request: TgsRequest) -> Result<Result<Principal, Said>, Error> {
        let mut rng = StdRng::seed_from_u64(self.asked.get().into());
        let (exchange, bytes) = TgsExchange::new(tgt, request, Clock::system().now(), &mut rng)?;
        let answer = self.ask(&bytes)?.ok_or("an answer")?;
        match exchange.finish(&answer) {
            Ok(credentials) => Ok(Ok(credentials.server)),
            Err(kerbox_krb5::Error::Kdc(error)) => Ok(Err(Said::Error(error.code, error.text.unwrap_or_default()))),
            Err(other) => Err(other.into()),
        }
    }
}

/// MIT's KDC, stopped when dropped.
struct Mit(tempfile::TempDir);

impl Mit {
    fn script(&self, words: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/mit-kdc.sh");
        let mut command = Command::new(script);
        command.arg(words[0]).arg(self.0.path()).args(&words[1..]);
        // What follows the client's defaults in krb5.conf: the KDC refers by it.
        command.env("LIBDEFAULTS", format!("[domain_realm]\n .middle.org = {OTHER}\n[libdefaults]"));
        command
    }

    fn start() -> Result<(Self, Side), Error> {
        Self::start_with("")
    }

    /// With a line of the realm's in kdc.conf.
    fn start_with(line: &str) -> Result<(Self, Side), Error> {
        let mit = Self(tempfile::tempdir()?);
        let words = ["start", "0", REALM, "alice", "bob", "host/localhost"];
        let said = run(mit.script(&words).env("KDC_EXTRA", line), "")?.ok()?;
        run(
            &mut mit.script(&["admin", &format!("addprinc -randkey krbtgt/{OTHER}@{REALM}")]),
            "",
        )?
        .ok()?;
        let address = said.split(' ').find(|word| word.contains(':')).ok_or("an address")?.parse()?;
        let side = Side::new("MIT's", address, &mit.0.path().join("keytabs/alice.keytab"))?;
        Ok((mit, side))
    }
}

impl Drop for Mit {
    fn drop(&mut self) {
        // What is not running need not be stopped.
        let _ = self.script(&["stop"]).status();
    }
}

fn ours() -> Result<(Realm, Side), Error> {
    let realm = Realm::builder()
        .realm_name(REALM)
        .principal(NewPrincipal::new("alice").password("alice-pw"))
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

/// What both say to the same, where the numbers are not the same.
fn differences(mit: &Side, ours: &Side, requests: impl IntoIterator<Item = corpus::Case>) -> Result<Vec<String>, Error> {
    let mut differences = Vec::new();
    for (what, request) in requests {
        // A datagram is no longer.
        if request.len() > 65_000 {
            continue;
        }
        let (theirs, answer) = (mit.said(&request)?, ours.said(&request)?);
        if theirs.number() != answer.number() {
            differences.push(format!("{what}: MIT {theirs:?}, ours {answer:?}"));
        }
    }
    Ok(differences)
}

/// What is known to be otherwise, and why it may be.
fn is_known(difference: &str) -> bool {
    const KNOWN: [&str; 5] = [
        // MIT's KDC has no name to put into its error, and cannot send it.
        "without field 3: MIT Nothing",
        // Ours takes nonces for unsigned, too, as clients send them, and times with a fraction or before 1970, which hurt nobody;
        // MIT's takes a thirteenth month.
        "a nonce 2^31: MIT Nothing",
        "time ",
        // MIT's decoder passes over what it does not know at the end of a sequence, ours wants DER.
        "field ",
        // A length in more bytes than it needs is none of DER; ours reads it as BER.
        "a length in the long form: MIT Error(KRB_ERR_GENERIC",
    ];
    // MIT's KDC sends up to 64 KiB by UDP, whatever its documentation says.
    KNOWN.iter().any(|known| difference.starts_with(known)) || difference.contains("ours Error(KRB_ERR_RESPONSE_TOO_BIG")
}

fn requests_that_nobody_sends_get_the_same_numbers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let differences = differences(&mit, &ours, corpus::cases(REALM))?;
    let unknown: Vec<&String> = differences.iter().filter(|line| !is_known(line)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    Ok(())
}

fn requests_with_pkinit_or_for_anonymous_tickets_get_the_same_numbers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let anonymous = Principal::new(REALM, ["WELLKNOWN", "ANONYMOUS"]).with_name_type(NameType::WELLKNOWN);
    for side in [&mit, &ours] {
        let mut request = InitialRequest::new(anonymous.clone());
        request.options |= KdcOptions::REQUEST_ANONYMOUS;
        let (said, _) = side.login(request)?;
        assert_eq!(
            said.number(),
            Some(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN),
            "{} {said:?}",
            side.name
        );
        let element = corpus::padata(&[(16, b"\x30\x00"), (150, b"")]);
        let said = side.said(&Request::new("alice", REALM).outer(3, element).encode())?;
        assert_eq!(said.number(), Some(ErrorCode::KDC_ERR_PREAUTH_REQUIRED), "{} {said:?}", side.name);
    }
    Ok(())
}

fn cookies_of_any_kind_get_the_same_answers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let secure = |kvno: u8| [&b"MIT1\0\0\0"[..], &[kvno], &[0x55; 60]].concat();
    let cookies = [
        b"MIT".to_vec(),
        b"KERBOX".to_vec(),
        Vec::new(),
        b"MIT1".to_vec(),
        secure(1),
        secure(9),
        vec![0; 900],
    ];
    for side in [&mit, &ours] {
        for cookie in &cookies {
            let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
            request.padata = vec![PaData::new(PaDataType::FX_COOKIE, cookie.clone())];
            // One at once, and one after the KDC has given its own.
            for at_once in [true, false] {
                request.preauthenticate = at_once;
                let (said, _) = side.login(request.clone())?;
                assert_eq!(said, Said::Reply, "{}: {cookie:02x?}", side.name);
            }
        }
    }
    Ok(())
}

fn referrals_are_given_to_the_same_requests() -> TestResult {
    let host = "HTTP/www.middle.org";
    let to_hosts = [(NameType::SRV_INST, host.to_owned()), (NameType::SRV_HST, host.to_owned())];
    // Of the clients that we know, MIT's and Heimdal's ask so. The JDK's names are of no type, and are referred where the KDC is told
    // that such a service is a host's; gokrb5 calls its services "principals", and no KDC refers it.
    assert_eq!(referred("", |_| {})?, to_hosts);
    let listed = |realm: &mut RealmConfig| realm.host_based_services = vec!["HTTP".to_owned()];
    let unknown = (NameType::UNKNOWN, host.to_owned());
    assert_eq!(
        referred("host_based_services = HTTP", listed)?,
        [&[unknown][..], &to_hosts].concat()
    );
    let denied = |realm: &mut RealmConfig| realm.no_host_referral = vec!["*".to_owned()];
    assert_eq!(referred("no_host_referral = *", denied)?, []);
    Ok(())
}

/// Which requests both KDCs refer, all of which ask to be; the other answers are the same as well.
fn referred(line: &str, change: impl FnOnce(&mut RealmConfig)) -> Result<Vec<(NameType, String)>, Error> {
    let ((_kdc, mit), (realm, ours)) = (Mit::start_with(line)?, ours()?);
    realm.kdc().update(|database, _| database.realm_mut(REALM).map(change))?;
    let tgt = |side: &Side| -> Result<Credentials, Error> {
        let (said, tgt) = side.login(InitialRequest::new(Principal::new(REALM, ["alice"])))?;
        Ok(tgt.ok_or_else(|| format!("{}: {said:?}", side.name))?)
    };
    let (of_mit, of_ours) = (tgt(&mit)?, tgt(&ours)?);
    let mut referred = Vec::new();
    for name_type in [
        NameType::UNKNOWN,
        NameType::PRINCIPAL,
        NameType::SRV_INST,
        NameType::SRV_HST,
        NameType::SRV_XHST,
        NameType::ENTERPRISE,
    ] {
        for components in [
            &["HTTP", "www.middle.org"][..],
            &["HTTP", "middle.org"],
            &["HTTP", "www.unknown.org"],
            &["HTTP", "www"],
            &["www.middle.org"],
        ] {
            for canonicalize in [false, true] {
                let server = Principal::new(REALM, components.iter().copied()).with_name_type(name_type);
                let request = |tgt: &Credentials| {
                    let mut request = TgsRequest::service(server.clone(), tgt);
                    request.options.set(KdcOptions::CANONICALIZE, canonicalize);
                    request
                };
                let theirs = mit.tgs(&of_mit, request(&of_mit))?;
                let answer = ours.tgs(&of_ours, request(&of_ours))?;
                assert_eq!(theirs, answer, "{components:?} of type {name_type:?}, canonicalize {canonicalize}");
                if theirs.is_ok() {
                    assert!(canonicalize, "{components:?} of type {name_type:?}");
                    referred.push((name_type, components.join("/")));
                }
            }
        }
    }
    Ok(referred)
}
