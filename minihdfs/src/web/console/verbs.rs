//! What a console shows and changes beside its server: verbs of the one that runs it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::web::live_body::LiveBody;

/// A file of a console.
///
/// ```
/// use minihdfs::web::ConsoleFile;
///
/// const VIEW: ConsoleFile = ConsoleFile {
///     name: "clock.js",
///     bytes: b"export const title = 'Clock';",
/// };
/// assert_eq!(VIEW.content_type(), "text/javascript; charset=utf-8");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConsoleFile {
    /// The name, by which it is found below `/console/`.
    pub name: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

impl ConsoleFile {
    /// Returns the type that its name says.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

/// Who may use a verb.
///
/// ```
/// use minihdfs::web::ConsoleAccess;
///
/// assert!(ConsoleAccess::Everyone.allows(false));
/// assert!(!ConsoleAccess::Administrators.allows(false));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConsoleAccess {
    /// Every user who authenticates.
    Everyone,
    /// A NameNode's superuser and those whom `dfs.cluster.administrators` names; or those whom a
    /// realm's list names.
    Administrators,
}

impl ConsoleAccess {
    /// Returns whether a user may use the verb.
    #[must_use]
    pub fn allows(self, is_administrator: bool) -> bool {
        self == Self::Everyone || is_administrator
    }
}

/// A call of a verb, whose user is authenticated and may make it.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsoleCall {
    /// The verb, which follows `/console/api/` in the URL.
    pub verb: String,
    /// The number from which a client wants what comes in numbers.
    pub from: Option<u64>,
    /// The wanted change; `None` if the client only reads.
    pub change: Option<Value>,
}

/// The answer to a call.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConsoleAnswer {
    /// It is done; this is what the client sees.
    Done(Value),
    /// It cannot be done, because of what the text says.
    Refused(String),
    /// There is no room for another client now.
    Busy(String),
    /// Server-sent events, until either side ends them.
    Live(LiveBody),
}

/// The verbs of the one that runs the server, and the files with views of them. The name of the
/// first file is that of a module, which the console's page loads.
///
/// ```
/// use std::future::{Future, ready};
/// use std::pin::Pin;
/// use minihdfs::web::{Console, ConsoleAccess, ConsoleAnswer, ConsoleCall};
/// use minihdfs::web::{ConsoleFile, ConsoleVerbs};
///
/// struct Greeter;
///
/// impl ConsoleVerbs for Greeter {
///     fn files(&self) -> &'static [ConsoleFile] {
///         &[]
///     }
///     fn access(&self, verb: &str, is_change: bool) -> Option<ConsoleAccess> {
///         (verb == "hello" && !is_change).then_some(ConsoleAccess::Everyone)
///     }
///     fn answer(&self, _: ConsoleCall) -> Pin<Box<dyn Future<Output = ConsoleAnswer> + Send>> {
///         Box::pin(ready(ConsoleAnswer::Done("hello".into())))
///     }
/// }
/// let console = Console::default();
/// console.attach(std::sync::Arc::new(Greeter)); // GET /console/api/hello
/// ```
pub trait ConsoleVerbs: Send + Sync {
    /// Returns its files.
    fn files(&self) -> &'static [ConsoleFile];

    /// Returns who may use a verb to read, or to change something; `None` if there is no such verb.
    fn access(&self, verb: &str, is_change: bool) -> Option<ConsoleAccess>;

    /// Answers a call.
    fn answer(&self, call: ConsoleCall) -> Pin<Box<dyn Future<Output = ConsoleAnswer> + Send>>;
}

/// The place of a server's [`ConsoleVerbs`], which stays when the server starts again.
#[derive(Default)]
pub struct Console(OnceLock<Arc<dyn ConsoleVerbs>>);

impl Console {
    /// Adds the verbs. Later calls change nothing.
    pub fn attach(&self, verbs: Arc<dyn ConsoleVerbs>) {
        // The first ones stay.
        let _ = self.0.set(verbs);
    }

    /// Returns the verbs, if there are any.
    pub(in crate::web) fn verbs(&self) -> Option<&dyn ConsoleVerbs> {
        self.0.get().map(|verbs| &**verbs)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console")
    }
}
