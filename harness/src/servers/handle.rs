//! The methods that the handles of all servers have.

/// Adds the methods that the handle of any server has, whose `slot` is its place. As inherent
/// methods they need no import, and stand in the documentation of each handle.
macro_rules! server_methods {
    ($handle:ident) => {
        impl $handle<'_> {
            /// Returns whether it is running and not paused.
            #[must_use]
            pub fn is_running(&self) -> bool {
                self.slot.serves()
            }

            /// Returns whether it is paused.
            #[must_use]
            pub fn is_paused(&self) -> bool {
                self.slot.is_paused()
            }

            /// Shows each of its open connections.
            pub(crate) fn show_connections(&self, see: &mut dyn FnMut(&kerbox_net::Peer<'_>)) {
                self.slot.show(see);
            }

            /// Stops it and waits until its port is closed. Clients are refused at once, and its
            /// timers do not run, until [`restart`](Self::restart).
            pub fn stop(&self) {
                self.slot.shut_down();
            }

            /// Pauses it, as SIGSTOP does: it accepts and answers nothing, sends nothing and runs
            /// no timers, and its connections stay open, until [`resume`](Self::resume). Does
            /// nothing if it is not running.
            pub fn pause(&self) {
                self.slot.pause(kerbox_events::StateChange::Paused);
            }

            /// Resumes it: it answers what has arrived meanwhile. Does nothing if it is not paused.
            pub fn resume(&self) {
                self.slot.resume();
            }

            /// Starts it at its old address with what it has kept. Stops it first if it is running.
            pub fn restart(&self) -> Result<(), crate::Error> {
                self.slot.start_again()
            }
        }
    };
}

pub(crate) use server_methods;
