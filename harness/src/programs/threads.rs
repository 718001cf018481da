//! The threads of other processes, as the system shows them: whether they sleep.

use std::collections::BTreeMap;
use std::fs;

/// A thread of a process, as it was seen once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Thread {
    pub(crate) process: u32,
    /// Its name, cut by the system to 15 bytes.
    pub(crate) name: String,
    /// The system's letter for its state.
    state: char,
    /// The number of times it has run. It distinguishes a thread that has slept since the last
    /// look from one that sleeps again.
    pub(super) runs: u64,
}

impl Thread {
    fn see(process: u32, thread: u32) -> Option<Self> {
        let file = |name| fs::read_to_string(format!("/proc/{process}/task/{thread}/{name}")).ok();
        // The name is in parentheses and may contain any character.
        let text = file("stat")?;
        let (before, after) = text.rsplit_once(") ")?;
        let (_, name) = before.split_once('(')?;
        let runs = file("schedstat").and_then(|text| text.split_whitespace().nth(2)?.parse().ok());
        Some(Self {
            process,
            name: name.to_owned(),
            state: after.chars().next()?,
            // A kernel without these statistics always says 0.
            runs: runs.unwrap_or(0),
        })
    }

    /// Returns whether it waits for something that can take long, is stopped, or has ended.
    pub(crate) fn sleeps(&self) -> bool {
        !matches!(self.state, 'R' | 'D')
    }

    /// Returns whether it belongs to the Java virtual machine itself. Such threads wake up
    /// regularly, but do nothing for the program.
    pub(crate) fn is_of_jvm(&self) -> bool {
        const NAMES: [&str; 16] = [
            "C1 Compiler",
            "C2 Compiler",
            "Common-Cleaner",
            "Finalizer",
            "G1 ",
            "GC Thread",
            "Monitor Deflati",
            "Notification Th",
            "Reference Handl",
            "Service Thread",
            "Shenandoah",
            "Signal Dispatch",
            "VM Periodic Tas",
            "VM Thread",
            "process reaper",
            "Z",
        ];
        NAMES.iter().any(|name| match *name {
            // The collector ZGC: `ZDirector`, `ZStat`, ….
            "Z" => {
                let mut letters = self.name.chars();
                letters.next() == Some('Z') && letters.next().is_some_and(char::is_uppercase)
            }
            name => self.name.starts_with(name),
        })
    }
}

/// Threads by their ids.
pub(crate) type Threads = BTreeMap<u32, Thread>;

fn entries(folder: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Adds the threads of a process and of its children, except for those seen already. Returns false
/// if there is no such process.
pub(crate) fn see_process(process: u32, seen: &mut Threads) -> bool {
    let mut is_alive = false;
    for id in entries(&format!("/proc/{process}/task")) {
        if seen.contains_key(&id) {
            return true;
        }
        let Some(thread) = Thread::see(process, id) else {
            continue;
        };
        // What is left of a process that has ended, until its parent looks.
        is_alive |= thread.state != 'Z';
        seen.insert(id, thread);
        let children = fs::read_to_string(format!("/proc/{process}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Ok(child) = child.parse() {
                see_process(child, seen);
            }
        }
    }
    is_alive
}

/// Adds these threads of this process.
pub(crate) fn see_own(threads: impl IntoIterator<Item = u32>, seen: &mut Threads) {
    let process = std::process::id();
    for id in threads {
        if let Some(thread) = Thread::see(process, id) {
            seen.insert(id, thread);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_that_waits_for_a_sleeping_child_is_seen_with_it() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 100; true"])
            .spawn()
            .expect("a shell");
        let process = shell.id();
        let see = || {
            let mut seen = Threads::new();
            assert!(see_process(process, &mut seen));
            seen
        };
        let seen = loop {
            let seen = see();
            let names: Vec<&str> = seen.values().map(|thread| &*thread.name).collect();
            if names == ["sh", "sleep"] && seen.values().all(Thread::sleeps) && seen == see() {
                break seen;
            }
            std::thread::yield_now();
        };
        for child in seen.values().filter(|thread| thread.process != process) {
            let kill = Command::new("kill").arg(child.process.to_string()).status();
            assert!(kill.is_ok_and(|status| status.success()));
        }
        shell.wait().expect("it ends");
        assert!(!see_process(process, &mut Threads::new()));
    }

    #[test]
    fn threads_of_the_jvm_are_known_by_name() {
        let thread = |name: &str| Thread {
            process: 1,
            name: name.to_owned(),
            state: 'S',
            runs: 0,
        };
        for name in [
            "VM Periodic Tas",
            "C2 CompilerThre",
            "G1 Service",
            "ZDirector",
        ] {
            assert!(thread(name).is_of_jvm(), "{name}");
        }
        for name in ["pool-1-thread-1", "java", "Zoe", "main"] {
            assert!(!thread(name).is_of_jvm(), "{name}");
        }
    }
}
