//! The timers of a server: those of its core, and the limits on its idle connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;
use kerbox_net::Gate;

use crate::servers::running::Running;
use crate::world::Timed;

/// The timers of a running server.
pub(crate) struct Timers {
    core: Arc<dyn Timed>,
    /// One for each port.
    gates: Vec<Gate>,
}

impl Timers {
    pub(crate) fn new(core: &Arc<dyn Timed>, ports: &[Running]) -> Self {
        Self {
            core: Arc::clone(core),
            gates: ports.iter().filter_map(Running::gate).collect(),
        }
    }
}

impl Timed for Timers {
    fn next_deadline(&self) -> Option<Timestamp> {
        let ends = self.gates.iter().filter_map(Gate::next_idle_end);
        let ends = ends.map(Timestamp::from_micros);
        self.core.next_deadline().into_iter().chain(ends).min()
    }

    fn tick(&self, now: Timestamp) {
        self.core.tick(now);
        for gate in &self.gates {
            gate.close_idle(now.as_micros());
        }
    }

    fn hurry(&self, now: Timestamp) {
        self.core.hurry(now);
    }
}

/// The limits on idle connections of servers that share a core without timers.
#[derive(Default)]
pub(crate) struct IdleLimits(Mutex<BTreeMap<usize, Gate>>);

impl IdleLimits {
    /// Adds the port of a server, in place of its earlier one.
    pub(crate) fn add(&self, number: usize, port: &Running) {
        if let Some(gate) = port.gate() {
            self.gates().insert(number, gate);
        }
    }

    fn gates(&self) -> MutexGuard<'_, BTreeMap<usize, Gate>> {
        // Entries are inserted in a single step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timed for IdleLimits {
    fn next_deadline(&self) -> Option<Timestamp> {
        let gates = self.gates();
        let ends = gates.values().filter_map(Gate::next_idle_end);
        ends.map(Timestamp::from_micros).min()
    }

    fn tick(&self, now: Timestamp) {
        for gate in self.gates().values() {
            gate.close_idle(now.as_micros());
        }
    }
}
