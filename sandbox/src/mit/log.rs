//! The servers' logs: `[logging]`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use kerbox_krb5::Timestamp;

/// The log targets.
pub(super) struct Log {
    program: &'static str,
    targets: Mutex<Vec<Box<dyn Write + Send>>>,
}

impl Log {
    /// Opens the named targets. Prints a warning for an unsupported kind.
    pub(super) fn open(program: &'static str, relations: &[String]) -> Result<Self, String> {
        let mut targets: Vec<Box<dyn Write + Send>> = Vec::new();
        for relation in relations {
            let (kind, name) =
                relation.split_at(relation.find([':', '=']).unwrap_or(relation.len()));
            let (appended, path) = (name.starts_with(':'), name.get(1..).unwrap_or_default());
            let opened = |file: io::Result<File>| {
                file.map_err(|error| format!("[logging] {relation}: {error}"))
            };
            match kind.to_ascii_uppercase().as_str() {
                "FILE" if !path.is_empty() => {
                    let mut options = OpenOptions::new();
                    options
                        .create(true)
                        .append(appended)
                        .write(true)
                        .truncate(!appended);
                    targets.push(Box::new(opened(options.open(path))?));
                }
                "DEVICE" if !path.is_empty() => {
                    targets.push(Box::new(opened(OpenOptions::new().write(true).open(path))?));
                }
                "STDERR" => targets.push(Box::new(io::stderr())),
                "CONSOLE" => {
                    let console = OpenOptions::new().write(true).open("/dev/console");
                    targets.push(Box::new(opened(console)?));
                }
                "SYSLOG" => eprintln!(
                    "{program}: warning: [logging] {relation} has no effect: there is no log but \
                     FILE, DEVICE, CONSOLE and STDERR"
                ),
                _ => {
                    return Err(format!(
                        "[logging] {relation}: there is no such kind of log"
                    ));
                }
            }
        }
        Ok(Self {
            program,
            targets: Mutex::new(targets),
        })
    }

    /// Writes a line in the format of MIT's servers, with time and process in front.
    pub(super) fn line(&self, now: Timestamp, severity: &str, text: &str) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if targets.is_empty() {
            return;
        }
        let time = jiff::Timestamp::from_second(now.as_secs()).map_or_else(
            |_| now.to_string(),
            |time| {
                time.to_zoned(jiff::tz::TimeZone::system())
                    .strftime("%b %d %H:%M:%S")
                    .to_string()
            },
        );
        // The text may contain a name chosen by a peer, which must not start a new line or send
        // control codes to the terminal.
        let text: String = text
            .chars()
            .flat_map(|c| match c.is_control() {
                true => c.escape_default().collect::<Vec<_>>(),
                false => vec![c],
            })
            .collect();
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let line = format!(
            "{time} {host} {}[{}]({severity}): {text}\n",
            self.program,
            std::process::id()
        );
        for target in targets.iter_mut() {
            // A failing log does not stop the server.
            let _ = target.write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_or_begin_anew_and_controls_are_escaped() {
        let folder = tempfile::tempdir().expect("a folder");
        let (kept, new) = (folder.path().join("kept"), folder.path().join("new"));
        for path in [&kept, &new] {
            std::fs::write(path, "before\n").expect("writable");
        }
        let relations = [
            format!("FILE:{}", kept.display()),
            format!("FILE={}", new.display()),
        ];
        let log = Log::open("krb5kdc", &relations).expect("two files");
        log.line(
            Timestamp::from_secs(1_795_330_501),
            "info",
            "AS a\nb\u{1b}[2J",
        );
        let read = |path| std::fs::read_to_string(path).expect("readable");
        let end = format!(
            " krb5kdc[{}](info): AS a\\nb\\u{{1b}}[2J\n",
            std::process::id()
        );
        assert!(read(&kept).starts_with("before\nNov 2"), "{}", read(&kept));
        assert!(read(&kept).ends_with(&end), "{}", read(&kept));
        assert!(read(&new).starts_with("Nov 2") && read(&new).ends_with(&end));
        for (relation, said) in [
            ("FILE", "no such kind"),
            ("FILE:/nowhere/x", "No such file"),
        ] {
            let refused = Log::open("krb5kdc", &[relation.to_owned()])
                .err()
                .expect(relation);
            assert!(refused.contains(said), "{refused}");
        }
    }
}
