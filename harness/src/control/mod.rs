//! The control socket: what the `kerbox` command asks a running fixture.
//!
//! A client sends one line of JSON, a [`Request`], and gets one line back, an [`Answer`]. Only the
//! owner can open the socket.

mod clock;
mod events;
mod faults;
mod principals;
mod request;
mod server;
mod tickets;

pub use request::{
    Answer, ClockRequest, FaultAction, FaultRequest, PrincipalRequest, Request, TicketRequest, When,
};
pub use server::Control;
pub(crate) use server::Target;
