//! KDC load: AS and TGS exchanges over UDP, made with our own client core, against any KDC.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::keytab::Keytab;
use kerbox_krb5::{Clock, Principal};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Measured;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A client of one KDC.
struct Client {
    socket: UdpSocket,
    clock: Clock,
    rng: StdRng,
    answer: Vec<u8>,
}

impl Client {
    /// Sends a request and stores the reply in `answer`.
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.socket.send(request)?;
        self.answer.resize(1 << 16, 0);
        let length = self.socket.recv(&mut self.answer)?;
        self.answer.truncate(length);
        Ok(())
    }

    fn login(&mut self, request: InitialRequest, secret: &Secret) -> Result<Credentials> {
        let (mut exchange, mut bytes) =
            AsExchange::new(request, secret.clone(), self.clock.now(), &mut self.rng)?;
        loop {
            self.ask(&bytes)?;
            match exchange.step(&self.answer, &mut self.rng)? {
                AsStep::Send(next) => bytes = next,
                AsStep::Done(credentials) => return Ok(*credentials),
            }
        }
    }

    fn service_ticket(&mut self, tgt: &Credentials, service: &Principal) -> Result<Credentials> {
        let request = TgsRequest::service(service.clone(), tgt);
        let (exchange, bytes) = TgsExchange::new(tgt, request, self.clock.now(), &mut self.rng)?;
        self.ask(&bytes)?;
        Ok(exchange.finish(&self.answer)?)
    }
}

/// Runs `count` AS exchanges with pre-authentication in the first request, then as many TGS
/// exchanges, one at a time.
pub(crate) fn exchanges(
    address: &str,
    keytab: &str,
    principal: &str,
    service: &str,
    count: usize,
    measure: &Measured,
) -> Result<()> {
    let principal: Principal = principal.parse()?;
    let service = Principal::parse(service, principal.realm())?;
    let keytab = Keytab::read(Path::new(keytab))?;
    let keys = keytab
        .entries()
        .filter(|entry| *entry.principal() == principal)
        .filter_map(|entry| entry.key().cloned());
    let secret = Secret::Keys(keys.collect());
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut client = Client {
        socket,
        clock: Clock::system(),
        rng: StdRng::seed_from_u64(1),
        answer: vec![0; 1 << 16],
    };
    let request = InitialRequest {
        preauthenticate: true,
        ..InitialRequest::new(principal)
    };
    let tgt = client.login(request.clone(), &secret)?;
    measure.blocking("AS with pre-authentication", count, || {
        client.login(request.clone(), &secret).map(drop)
    })?;
    measure.blocking("TGS", count, || {
        client.service_ticket(&tgt, &service).map(drop)
    })
}
