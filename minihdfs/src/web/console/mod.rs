//! The console: a page for people, behind the authentication of the server whose console it is: a
//! NameNode at its HTTP address, or a realm alone.
//!
//! Its files are plain HTML, CSS and ES modules, which are embedded and loaded from nowhere else.
//! They ask the console's verbs, and of a NameNode WebHDFS, `/jmx` and `/startupProgress`, as any
//! client may. Whoever runs the server can add verbs, and files with views of them: a
//! [`ConsoleVerbs`].
//!
//! - `files`: the embedded files, with entity tags and a strict content security policy
//! - `verbs`: what is asked of the one that runs the server
//! - `guard`: which requests there are, and which are refused
//! - `admission`: a request's way from the authentication to its answer, whosever console it is
//! - `alone`: [`ConsoleWeb`], the port of a realm without a NameNode

mod admission;
mod alone;
mod files;
mod guard;
mod verbs;

pub(super) use admission::{Owner, VerbCall, admit, answer};
pub use alone::{ConsoleWeb, ConsoleWebSettings};
pub(super) use files::OF_NAMENODE;
pub(super) use guard::{Target, target};
pub use verbs::{Console, ConsoleAccess, ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs};
