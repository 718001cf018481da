//! `kerbox up`.

use std::io::IsTerminal;

use crate::cli::Up;
use crate::directory::Directory;
use crate::failure::Failure;
use crate::human;
use crate::ready::ReadyFd;
use crate::sandbox::Sandbox;
use crate::settings::{self, Purpose, warn};
use crate::signals::{End, Ends};

/// Serves until a signal comes.
pub(crate) fn up(args: &Up) -> Result<(), Failure> {
    let ready_fd = ReadyFd::take(args.ready.ready_fd)?;
    super::serve(serve(args, ready_fd))
}

async fn serve(args: &Up, ready_fd: Option<ReadyFd>) -> Result<(), Failure> {
    let settings = settings::effective(&args.settings, Purpose::Up)?;
    warn(&settings);
    let directory = Directory::open(args.dir.as_deref(), "up")?;
    let mut ends = Ends::watch(args.ready.exit_on_stdin_eof)?;

    let sandbox = Sandbox::start(&settings, &directory).await?;
    sandbox.announce(ready_fd)?;
    if args.ready.json || !std::io::stdout().is_terminal() {
        super::print(&sandbox.ready().line());
    } else {
        super::print(&human::welcome(&sandbox, &settings, &directory));
    }

    let end = tokio::select! {
        end = ends.next() => end,
        never = sandbox.answer() => match never {},
        never = sandbox.tell_events(), if args.ready.verbose => match never {},
    };
    // Whoever asks twice does not want to wait.
    tokio::select! {
        () = sandbox.stop() => Ok(()),
        End::Signal(again) = second_signal(&mut ends) => {
            Err(Failure::Failed(format!("stopped at once by {again:?} after {end:?}; what is left is removed at the next start")))
        }
    }
}

async fn second_signal(ends: &mut Ends) -> End {
    loop {
        if let end @ End::Signal(_) = ends.next().await {
            return end;
        }
    }
}
