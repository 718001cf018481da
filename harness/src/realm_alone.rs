//! A realm alone: its start, and what answers questions and changes from outside.

use std::sync::Arc;

use crate::Error;
#[cfg(feature = "web")]
use crate::console::FixtureVerbs;
use crate::control::served::Served;
use crate::control::target::Target;
use crate::realm::{Realm, RealmBuilder};
#[cfg(feature = "web")]
use crate::servers::console::ConsoleService;
use crate::spec::builder::Start;
use crate::spec::checks;
use crate::world::Fixture;

impl Start for Realm {
    fn start_from(builder: RealmBuilder) -> Result<Self, Error> {
        let spec = &builder.spec.realm;
        checks::own_kdc(spec)?;
        checks::realm(spec, &builder.given)?;
        let (fixture, _) = Fixture::start(builder.world)?;
        let mut realm = Self::in_world(&fixture, spec)?;
        #[cfg(feature = "web")]
        if let Some(spec) = &spec.console {
            let service = ConsoleService::start(&fixture, realm.core(), spec)?;
            realm.console = Some(Arc::new(service));
        }
        let served = Arc::new(Served::new(Target::of_realm(&realm)));
        #[cfg(feature = "web")]
        if let Some(console) = &realm.console {
            let verbs = FixtureVerbs::of_realm(&served, fixture.runtime.handle());
            console.service.console.attach(Arc::new(verbs));
        }
        realm.served = Some(served);
        fixture.world.write_env(&realm.env())?;
        realm.fixture = Some(fixture);
        Ok(realm)
    }
}

/// Returns what answers from outside: the one that the console of the realm has, too, or another
/// one if the realm is a cluster's.
pub(crate) fn served(realm: &Realm) -> Arc<Served> {
    let own = realm.served.clone().and_then(|own| own.downcast().ok());
    own.unwrap_or_else(|| Arc::new(Served::new(Target::of_realm(realm))))
}

#[cfg(all(test, feature = "web"))]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::control::request::{FaultAction, FaultRequest, Request};

    #[test]
    fn a_realm_has_a_console_only_if_it_is_asked_for() {
        let bare = Realm::start_blocking().expect("it starts");
        assert!(bare.console_url().is_none() && bare.console_server().is_none());
        let realm = Realm::builder().console_administrators(["alice"]);
        let realm = realm.start_blocking().expect("it starts");
        let console = realm.console_server().expect("there");
        assert_eq!(Some(console.address()), realm.console_address());
        console.stop();
        assert!(!console.is_running() && TcpStream::connect(console.address()).is_err());
        console.restart().expect("its own port");
        assert!(console.is_running() && TcpStream::connect(console.address()).is_ok());
        let refused = Realm::builder().console_administrators(["a@b@c"]);
        assert!(refused.start_blocking().is_err());
    }

    #[test]
    fn the_console_and_the_control_socket_have_the_same_faults() {
        let realm = Realm::builder().console().start_blocking();
        let realm = realm.expect("it starts");
        let control = realm.serve_control(realm.path().join("control.sock"));
        let control = control.expect("a socket");
        let fault = FaultRequest {
            action: FaultAction::Silence("kdc".to_owned()),
            of: None,
            method: None,
            after: 0,
            times: None,
            probability: None,
        };
        control.add_fault(&fault).expect("one");
        let of_console = served(&realm).turn().expect("room");
        let listed = of_console.answer(Request::ListFaults).expect("a list");
        assert_eq!(listed[0]["fault"], "silence kdc");
        let nodes = of_console.answer(Request::ListNodes).expect("a list");
        assert_eq!(nodes[1]["node"], "console");
        assert_eq!(nodes[1]["state"], "running");
    }
}
