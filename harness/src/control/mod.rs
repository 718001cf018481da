//! The control socket: what the `kerbox` command asks a running fixture.
//!
//! A client sends one line of JSON, a [`Request`], and gets one line back, an [`Answer`]. Only the
//! owner can open the socket.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::os::unix::net::UnixStream;
//! use kerbox::control::{Answer, ClockRequest, Request};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let realm = kerbox::Realm::start_blocking()?;
//! let control = realm.serve_control(realm.path().join("control.sock"))?;
//! let mut client = UnixStream::connect(control.path())?;
//! let request = Request::Clock(ClockRequest::Show);
//! writeln!(client, "{}", serde_json::to_string(&request)?)?;
//! let mut answer = String::new();
//! BufReader::new(client).read_line(&mut answer)?;
//! let Answer::Done(shown) = serde_json::from_str(&answer)? else {
//!     panic!("it was refused");
//! };
//! assert_eq!(shown["frozen"], false);
//! # Ok(())
//! # }
//! ```

mod clock;
mod events;
mod faults;
mod nodes;
mod overview;
mod principals;
pub(crate) mod request;
mod seen;
pub(crate) mod served;
mod server;
pub(crate) mod target;
mod tickets;

pub use request::{
    Answer, ClockRequest, FaultAction, FaultRequest, NodeChange, PrincipalRequest, Request,
    TicketRequest, When,
};
pub use server::Control;
use target::Target;
