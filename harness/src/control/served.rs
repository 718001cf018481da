//! What the doors of a fixture share: the verbs, the faults that were added, the limit on clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::target::Target;
use super::{
    FaultRequest, Request, clock, events, faults::Faults, nodes, overview, principals, seen,
    tickets,
};
#[cfg(feature = "web")]
use crate::Journal;

/// Maximum number of clients at once. Further ones are turned away.
const MOST: usize = 64;

/// A fixture, and what was added to it from outside. The control socket and the console are doors
/// to the same one.
pub(crate) struct Served {
    target: Target,
    faults: Faults,
    clients: AtomicUsize,
}

/// A client's turn, which ends when it is dropped.
pub(crate) struct Turn(Arc<Served>);

impl Turn {
    /// Answers a request.
    pub(crate) fn answer(&self, request: Request) -> Result<Value, String> {
        self.0.answer(request)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Served {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            faults: Faults::default(),
            clients: AtomicUsize::new(0),
        }
    }

    /// Takes a turn; `None` if there are too many clients.
    pub(crate) fn turn(self: &Arc<Self>) -> Option<Turn> {
        let before = self.clients.fetch_add(1, Ordering::SeqCst);
        let turn = Turn(Arc::clone(self));
        (before < MOST).then_some(turn)
    }

    /// Returns the fixture's journal.
    #[cfg(feature = "web")]
    pub(crate) fn journal(&self) -> Journal {
        self.target.world().journal()
    }

    /// Adds a fault, and returns its number.
    pub(super) fn add_fault(&self, fault: &FaultRequest) -> Result<u64, String> {
        self.faults.add(&self.target, fault)
    }

    fn answer(&self, request: Request) -> Result<Value, String> {
        let target = &self.target;
        match request {
            Request::AddPrincipal(new) => principals::add(target.realm()?, &new),
            Request::ListPrincipals => Ok(principals::list(target.realm()?)),
            Request::ShowRealm => Ok(overview::show(target, target.realm()?)),
            Request::ShowPrincipals => Ok(principals::show_all(target.realm()?)),
            Request::ShowPrincipal(name) => principals::show(target.realm()?, &name),
            Request::ChangePrincipal(change) => principals::change(target.realm()?, &change),
            Request::RemovePrincipal(name) => principals::remove(target.realm()?, &name),
            Request::Keytab(names) => tickets::keytab(target.realm()?, &names),
            Request::Ccache(ticket) => tickets::ccache(target.realm()?, &ticket),
            Request::Login(user) => tickets::login(target.realm()?, &user),
            Request::Token { user, renewer } => tickets::token(target, &user, &renewer),
            Request::RollKeys(keys) => tickets::roll_keys(target, &keys),
            Request::Clock(request) => clock::clock(target, request),
            Request::ClockEnv => clock::env(target),
            Request::Events { from, wait } => Ok(events::events(target, from, wait)),
            Request::AddFault(fault) => self.add_fault(&fault).map(|number| json!(number)),
            Request::ListFaults => Ok(self.faults.list()),
            Request::RemoveFault(number) => self.faults.remove(number),
            Request::ListTickets => Ok(seen::tickets(target)),
            Request::ListTokens => Ok(seen::tokens(target)),
            Request::ListConnections => Ok(seen::connections(target)),
            Request::ListNodes => Ok(nodes::list(&target.nodes())),
            Request::ChangeNode { name, change } => nodes::change(&target.nodes(), &name, change),
        }
    }
}
