//! `kerbox up`.

use std::io::IsTerminal;
use std::time::Duration;

use crate::cli::{ReadyArgs, Up, variables};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::human;
use crate::note::note;
use crate::ready::ReadyFd;
use crate::sandbox::Sandbox;
use crate::settings::{self, Purpose, Settings, warn};
use crate::signals::{End, Ends};

/// Time that the servers have to end after a second signal.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until a signal arrives.
pub(crate) fn up(args: &Up) -> Result<(), Failure> {
    up_with(args, |_| {})
}

/// Serves with changed settings.
fn up_with(args: &Up, change: impl FnOnce(&mut Settings)) -> Result<(), Failure> {
    let ready_fd = ReadyFd::take(args.ready.ready_fd)?;
    let mut settings = settings::effective(&args.settings, Purpose::Up)?;
    change(&mut settings);
    let settings = settings;
    warn(&settings, Purpose::Up, &variables());
    let dir = super::env::of_up(args.dir.as_deref());
    let directory = Directory::open(dir.as_deref(), "up")?;
    serve_in(&args.ready, &settings, &directory, ready_fd)
}

/// Serves from a folder, which is closed at the end.
pub(super) fn serve_in(
    args: &ReadyArgs,
    settings: &Settings,
    directory: &Directory,
    ready_fd: Option<ReadyFd>,
) -> Result<(), Failure> {
    let served = super::serve(serve(args, settings, directory, ready_fd));
    directory.close(served.is_err());
    served
}

/// Serves a KDC alone until a signal arrives. Its data is in a folder beside those of the other
/// processes, if the configuration file names one for all.
pub(crate) fn kdc(mut args: Up) -> Result<(), Failure> {
    if args.settings.simple {
        return Err(Failure::Usage(String::from(
            "--simple: without Kerberos no KDC is needed; start `kerbox namenode --simple` alone",
        )));
    }
    args.settings.kdc_only = true;
    up_with(&args, |settings| {
        settings.data_dir_is_shared("kdc", &args.settings);
    })
}

async fn serve(
    args: &ReadyArgs,
    settings: &Settings,
    directory: &Directory,
    ready_fd: Option<ReadyFd>,
) -> Result<(), Failure> {
    let mut ends = Ends::watch(args.exit_on_stdin_eof)?;

    let sandbox = Sandbox::start(settings, directory).await?;
    sandbox.announce(ready_fd)?;
    if args.json || !std::io::stdout().is_terminal() {
        super::print(&sandbox.ready().line());
    } else {
        super::print(&human::welcome(&sandbox, settings, directory));
    }

    let end = tokio::select! {
        end = ends.next() => end,
        never = sandbox.tell_events(), if args.verbose => match never {},
    };
    stop(sandbox, end, &mut ends).await
}

/// Ends the servers. A second signal limits the wait; the files are removed either way.
async fn stop(sandbox: Sandbox, end: End, ends: &mut Ends) -> Result<(), Failure> {
    let stopped = sandbox.stop();
    tokio::pin!(stopped);
    let again = tokio::select! {
        () = &mut stopped => return Ok(()),
        again = second_signal(ends) => again,
    };
    let seconds = PATIENCE.as_secs();
    note(format_args!(
        "{again} after {end}: ending, within {seconds} seconds"
    ));
    match tokio::time::timeout(PATIENCE, stopped).await {
        Ok(()) => Ok(()),
        Err(_) => Err(Failure::Failed(format!(
            "the servers did not end within {seconds} seconds; ended without them"
        ))),
    }
}

async fn second_signal(ends: &mut Ends) -> End {
    loop {
        if let end @ End::Signal(_) = ends.next().await {
            return end;
        }
    }
}
