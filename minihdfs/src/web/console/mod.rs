//! The console: a page for people at the NameNode's HTTP address, behind the same authentication.
//!
//! Its files are plain HTML, CSS and ES modules, which are embedded and loaded from nowhere else.
//! They ask WebHDFS, `/jmx` and `/startupProgress`, as any client may. Whoever runs the NameNode can
//! add verbs, and files with views of them: a [`ConsoleVerbs`].
//!
//! - `files`: the embedded files, with entity tags and a strict content security policy
//! - `verbs`: what is asked of the one that runs the NameNode
//! - `guard`: which requests there are, and which are refused

mod files;
mod guard;
mod verbs;

pub(super) use files::{Look, found};
pub(super) use guard::{Door, Target, of_change, refuse_reader, target};
pub use verbs::{
    Console, ConsoleAccess, ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs, LiveBody,
};
