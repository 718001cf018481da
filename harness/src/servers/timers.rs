//! The timers of a server: those of its core, and the limits on its idle connections.

use std::sync::Arc;

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
