//! `kerbox exec`: a sandbox that lives as long as one command.

use std::io::IsTerminal;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::cli::{Child, Exec, variables};
use crate::directory::Directory;
use crate::environment::{here, of_clock};
use crate::failure::Failure;
use crate::ready::ReadyFd;
use crate::sandbox::Sandbox;
use crate::settings::{self, Purpose, Settings, warn};
use crate::signals::{End, Ends};

/// Time that a command has to end after its standard input was closed, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Starts a sandbox, runs the command, and returns its exit code.
pub(crate) fn exec(args: &Exec) -> Result<ExitCode, Failure> {
    let ready_fd = ReadyFd::take(args.ready.ready_fd)?;
    let settings = settings::effective(&args.settings, Purpose::Exec)?;
    warn(&settings, Purpose::Exec, &variables());
    let directory = Directory::open(args.dir.as_deref(), "exec")?;
    let ended = super::serve(serve(args, &settings, &directory, ready_fd));
    directory.close(!matches!(&ended, Ok(status) if status.success()));
    ended.map(exit_code)
}

async fn serve(
    args: &Exec,
    settings: &Settings,
    directory: &Directory,
    ready_fd: Option<ReadyFd>,
) -> Result<ExitStatus, Failure> {
    let mut ends = Ends::watch(args.ready.exit_on_stdin_eof)?;

    let sandbox = Sandbox::start(settings, directory).await?;
    sandbox.announce(ready_fd)?;
    if args.ready.json {
        // Standard output belongs to the command.
        eprint!("{}", sandbox.ready().line());
    }
    let status = tokio::select! {
        status = run(args, &sandbox, &mut ends) => status,
        never = sandbox.tell_events(), if args.ready.verbose => match never {},
    };
    sandbox.stop().await;
    status
}

async fn run(args: &Exec, sandbox: &Sandbox, ends: &mut Ends) -> Result<ExitStatus, Failure> {
    let failed = |error| Failure::io("the command cannot be started", error);
    // `kerbox __child` runs in between, so that the command is killed when this process dies,
    // without a thread or polling.
    let mut command = tokio::process::Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["__child", "--parent", &std::process::id().to_string(), "--"]);
    command.envs(here(&sandbox.ready().env));
    if args.clock || args.clock_children {
        let clocked = sandbox.under_clock(&args.command, args.clock_children)?;
        command.arg(clocked.get_program()).args(clocked.get_args());
        let variables = clocked.get_envs();
        let variables = variables.filter_map(|(name, value)| Some((name, value?)));
        command.envs(variables.filter(|(name, _)| of_clock(name)));
    } else {
        command.args(&args.command);
    }
    if args.ready.exit_on_stdin_eof {
        command.stdin(Stdio::null());
    }
    let mut child = command.spawn().map_err(failed)?;
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let send = |signal| {
        if let Some(pid) = pid {
            // The command may have ended already, which is the goal.
            let _ = rustix::process::kill_process(pid, signal);
        }
    };
    loop {
        tokio::select! {
            status = child.wait() => return status.map_err(|error| Failure::io("the command was lost", error)),
            end = ends.next() => match end {
                // The terminal has sent the signal to the command as well.
                End::Signal(Signal::INT | Signal::QUIT) if std::io::stdin().is_terminal() => {}
                End::Signal(signal) => send(signal),
                End::StdinClosed => {
                    send(Signal::TERM);
                    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
                        return status.map_err(|error| Failure::io("the command was lost", error));
                    }
                    send(Signal::KILL);
                }
            },
        }
    }
}

/// Becomes the command, which dies with the process that started this one.
pub(crate) fn child(args: &Child) -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        let bound = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
        let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
        // The parent may have died before the death signal was set.
        if !bound || parent != Some(args.parent) {
            return ExitCode::FAILURE;
        }
    }
    let (program, arguments) = args
        .command
        .split_first()
        .expect("clap asks for one at least");
    let error = std::process::Command::new(program).args(arguments).exec();
    eprintln!("kerbox: {}: {error}", program.display());
    // The exit codes that shells use.
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
