//! The requests and answers of the control socket.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::KeyKind;

/// A request.
///
/// ```
/// use kerbox::control::Request;
///
/// let request = Request::Login("alice".to_owned());
/// assert_eq!(serde_json::to_string(&request)?, r#"{"login":"alice"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Adds a principal.
    AddPrincipal(PrincipalRequest),
    /// Lists the names of all principals.
    ListPrincipals,
    /// Shows a principal without its keys.
    ShowPrincipal(String),
    /// Changes a principal; what is absent stays.
    ChangePrincipal(PrincipalRequest),
    /// Removes a principal.
    RemovePrincipal(String),
    /// Returns the keys of principals, as a keytab in hexadecimal.
    Keytab(Vec<String>),
    /// Returns a ticket made to order, as a credential cache in hexadecimal.
    Ccache(TicketRequest),
    /// Logs a user in, and returns the name of the new credential cache.
    Login(String),
    /// Issues a delegation token, and returns a token file in hexadecimal.
    Token {
        /// The owner's full or short name.
        user: String,
        /// The short name of the user who may renew it.
        renewer: String,
    },
    /// Replaces keys, and returns the version or number of the new one.
    RollKeys(KeyKind),
    /// Shows or moves the clock.
    Clock(ClockRequest),
    /// Returns the variables that put programs on glibc under the clock.
    ClockEnv,
    /// Returns the events whose number is at least `from`, as [`Entry::to_json`](crate::Entry)
    /// does, each with its line for people in `text`. Without any, waits for the next one.
    Events {
        /// The number of the first entry.
        from: u64,
        /// The longest wait.
        wait: Duration,
    },
    /// Injects a fault, and returns its number.
    AddFault(FaultRequest),
    /// Lists the faults that were added here.
    ListFaults,
    /// Removes a fault that was added here.
    RemoveFault(u64),
    /// Shows the realm's settings and figures.
    ShowRealm,
    /// Shows all principals without their keys, up to a thousand.
    ShowPrincipals,
    /// Lists the newest tickets that the KDC has issued, without their keys.
    ListTickets,
    /// Lists the NameNode's delegation tokens, without their passwords.
    ListTokens,
    /// Lists the open connections with their users and protection.
    ListConnections,
    /// Lists the servers with their states.
    ListNodes,
    /// Changes a server's state, and returns the new one.
    ChangeNode {
        /// Its name: `kdc1`, `namenode`, `datanode1`, …
        name: String,
        /// The change.
        change: NodeChange,
    },
}

/// A change of a server's state.
///
/// ```
/// use kerbox::control::{NodeChange, Request};
///
/// let name = "datanode1".to_owned();
/// let request = Request::ChangeNode { name, change: NodeChange::Pause };
/// let line = r#"{"change_node":{"name":"datanode1","change":"pause"}}"#;
/// assert_eq!(serde_json::to_string(&request)?, line);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeChange {
    /// It ends in order.
    Stop,
    /// It ends at once, with its connections cut.
    Kill,
    /// It is held, as by SIGSTOP.
    Pause,
    /// It goes on.
    Resume,
    /// It starts at its old address; it ends first if it runs.
    Restart,
}

/// The answer to a request, or the reason for refusing it.
///
/// ```
/// use kerbox::control::Answer;
///
/// let line = r#"{"refused":"there is no KDC: the servers run with simple security"}"#;
/// let Answer::Refused(why) = serde_json::from_str(line)? else {
///     panic!("it was refused");
/// };
/// assert!(why.starts_with("there is no KDC"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// The request was carried out.
    Done(Value),
    /// The request was refused.
    Refused(String),
}

/// A principal to add or change. Absent values are as in the realm, or stay.
///
/// ```
/// use kerbox::control::PrincipalRequest;
///
/// let new: PrincipalRequest = serde_json::from_str(r#"{"name":"carol","password":"secret"}"#)?;
/// assert_eq!(new.name, "carol");
/// assert!(new.max_life.is_none() && !new.random_key);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PrincipalRequest {
    /// `alice`, `nn/localhost`, or with `@REALM`.
    pub name: String,
    /// The password that its keys are derived from.
    pub password: Option<String>,
    /// Asks for new random keys.
    pub random_key: bool,
    /// Keeps the older keys beside the new ones.
    pub keep_old: bool,
    /// The numbers of the keys' types, the preferred one first.
    pub enctypes: Vec<i32>,
    /// The version of its keys.
    pub kvno: Option<u32>,
    /// The maximum lifetime of its tickets.
    pub max_life: Option<Duration>,
    /// The maximum renewable lifetime of its tickets.
    pub max_renewable_life: Option<Duration>,
    /// When it expires.
    pub expires: Option<When>,
    /// When its password expires.
    pub password_expires: Option<When>,
    /// Attributes in kadmin's notation.
    pub attributes: Vec<String>,
    /// The services that it may call in a user's name.
    pub delegates_to: Vec<String>,
}

/// A point in time, or never.
///
/// ```
/// use kerbox::control::When;
///
/// let start = When::At(1_700_000_000_000_000);
/// assert_eq!(serde_json::to_string(&start)?, r#"{"at":1700000000000000}"#);
/// assert_eq!(serde_json::to_string(&When::Never)?, r#""never""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum When {
    /// Never.
    Never,
    /// Microseconds since 1970.
    At(i64),
}

/// A ticket made to order.
///
/// ```
/// use kerbox::control::{Request, TicketRequest};
///
/// let request = Request::Ccache(TicketRequest {
///     name: "alice".to_owned(),
///     expired: true,
///     ..TicketRequest::default()
/// });
/// assert!(serde_json::to_string(&request)?.contains(r#""expired":true"#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TicketRequest {
    /// The client.
    pub name: String,
    /// The service; `None`: a ticket-granting ticket.
    pub service: Option<String>,
    /// The lifetime; `None`: 10 hours.
    pub life: Option<Duration>,
    /// The renewable lifetime, from its start; `None`: 7 days.
    pub renewable_life: Option<Duration>,
    /// True if it ended an hour ago.
    pub expired: bool,
    /// True if it begins in an hour.
    pub not_yet_valid: bool,
    /// True if it cannot be renewed.
    pub not_renewable: bool,
    /// True if it cannot be forwarded.
    pub not_forwardable: bool,
    /// The version of the service's key that it claims.
    pub kvno: Option<u32>,
    /// True if it is sealed with a key that is not the service's.
    pub wrong_key: bool,
}

/// A request about the clock.
///
/// ```
/// use std::time::Duration;
/// use kerbox::control::{ClockRequest, Request};
///
/// let request = Request::Clock(ClockRequest::Advance(Duration::from_secs(3600)));
/// let line = r#"{"clock":{"advance":{"secs":3600,"nanos":0}}}"#;
/// assert_eq!(serde_json::to_string(&request)?, line);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClockRequest {
    /// Shows the time.
    Show,
    /// Moves it forward; every timer on the way runs.
    Advance(Duration),
    /// Sets it at once to this many microseconds since 1970.
    Jump(i64),
    /// Stops it.
    Freeze,
    /// Lets it run again.
    Resume,
}

/// A fault to inject.
///
/// ```
/// use kerbox::control::{FaultAction, FaultRequest};
///
/// let twice = FaultRequest {
///     action: FaultAction::KrbError("KDC_ERR_POLICY".to_owned()),
///     of: Some("alice".to_owned()),
///     method: None,
///     after: 0,
///     times: Some(2),
///     probability: None,
/// };
/// assert!(serde_json::to_string(&twice)?.contains(r#""of":"alice""#));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FaultRequest {
    /// The treatment of a request.
    pub action: FaultAction,
    /// Strikes only requests of this user.
    pub of: Option<String>,
    /// Strikes only calls of this method.
    pub method: Option<String>,
    /// The number of matching requests that pass first.
    pub after: u64,
    /// The maximum number of strikes.
    pub times: Option<u64>,
    /// The probability of a strike.
    pub probability: Option<f64>,
}

/// The action of a fault.
///
/// ```
/// use kerbox::control::FaultAction;
///
/// let silence = FaultAction::Silence("namenode".to_owned());
/// assert_eq!(serde_json::to_string(&silence)?, r#"{"silence":"namenode"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// The KDC answers ticket requests with this error, by its name or number.
    KrbError(String),
    /// The NameNode answers calls with this exception.
    Exception {
        /// The Java class.
        class: String,
        /// The message.
        message: String,
    },
    /// A server never answers: `kdc`, `namenode`, or a DataNode's number.
    Silence(String),
    /// A server closes the connection instead of answering.
    Disconnect(String),
    /// A server closes the sending half of the connection instead of answering, and reads on.
    HalfClose(String),
    /// A server waits before it acts, by the fixture's clock.
    Delay(String, Duration),
    /// A server acts, but its answer is lost: `kdc` or `namenode`.
    LoseReply(String),
    /// The KDC changes a field of its replies that no key protects: `client`, `client-realm`,
    /// `service`, `ticket-kvno`, `reply-kvno`.
    Forge(String),
    /// A DataNode sends or stores corrupt bytes.
    Corrupt(usize),
    /// A DataNode's disk fails in the middle of a block.
    DiskError(usize),
}
