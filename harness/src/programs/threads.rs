//! The threads of other processes, as the system shows them: whether they sleep.

use std::collections::BTreeMap;
use std::fs;

use super::files::{self, ThreadFiles};

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
    /// The processes that it has started.
    children: Vec<u32>,
}

impl Thread {
    fn see(files: &mut ThreadFiles, process: u32, thread: u32) -> Option<Self> {
        let (stat, schedstat) = files.of(process, thread)?;
        let (name, state) = name_and_state(&stat)?;
        let runs = schedstat.and_then(|text| text.split_whitespace().nth(2)?.parse().ok());
        Some(Self {
            process,
            name,
            state,
            // A kernel without these statistics always says 0.
            runs: runs.unwrap_or(0),
            children: Vec::new(),
        })
    }

    /// Returns whether it waits for something that can take long, is stopped, or has ended.
    pub(crate) fn sleeps(&self) -> bool {
        is_asleep(self.state)
    }

    /// Returns whether it belongs to the Java virtual machine itself. Such threads wake up
    /// regularly, but do nothing for the program.
    pub(crate) fn is_of_jvm(&self) -> bool {
        const NAMES: [&str; 6] = [
            "Finalizer",
            "GC Thread",
            "ParGC Thread",
            "Reference Handl",
            "VM Thread",
            "process reaper",
        ];
        self.is_housekeeper() || NAMES.iter().any(|name| self.name.starts_with(name))
    }

    /// Returns whether it belongs to the Java virtual machine and never holds the program up, so
    /// that time may move while it runs: it compiles, clears up, or counts. Those that stop the
    /// program meanwhile, or run parts of it, are others.
    pub(crate) fn is_housekeeper(&self) -> bool {
        const NAMES: [&str; 20] = [
            "C1 Compiler",
            "C2 Compiler",
            "Common-Cleaner",
            "G1 Conc",
            "G1 Main Marker",
            "G1 Refine",
            "G1 Service",
            "Monitor Deflati",
            "Notification Th",
            "Service Thread",
            "Shenandoah",
            "Signal Dispatch",
            "Sweeper thread",
            "VM Periodic Tas",
            "ZDirector",
            "ZDriver",
            "ZStat",
            "ZUncommitter",
            "ZUnmapper",
            "ZWorker",
        ];
        NAMES.iter().any(|name| self.name.starts_with(name))
    }
}

/// Threads by their ids.
pub(crate) type Threads = BTreeMap<u32, Thread>;

const fn is_asleep(state: char) -> bool {
    !matches!(state, 'R' | 'D')
}

fn name_and_state(stat: &str) -> Option<(String, char)> {
    // The name is in parentheses and may contain any character.
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    Some((name.to_owned(), after.chars().next()?))
}

/// Returns whether a thread runs, or is about to.
pub(crate) fn is_busy(files: &mut ThreadFiles, process: u32, thread: u32) -> bool {
    let seen = files.of(process, thread);
    seen.and_then(|(stat, _)| name_and_state(&stat))
        .is_some_and(|(_, state)| !is_asleep(state))
}

fn entries(folder: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Adds the threads of a process and of its children, except for those seen already. Returns false
/// if there is no such process. `before` is what was seen at the last look.
pub(crate) fn see_process(
    files: &mut ThreadFiles,
    process: u32,
    before: &Threads,
    seen: &mut Threads,
) -> bool {
    let ids: Vec<u32> = entries(&format!("/proc/{process}/task")).collect();
    // The children of a thread that has ended become another's.
    let had = before.values().filter(|thread| thread.process == process);
    let has_lost = had.count() != ids.len() || ids.iter().any(|id| !before.contains_key(id));
    let mut is_alive = false;
    for id in ids {
        if seen.contains_key(&id) {
            return true;
        }
        let Some(mut thread) = Thread::see(files, process, id) else {
            continue;
        };
        // What is left of a process that has ended, until its parent looks.
        is_alive |= thread.state != 'Z';
        match before.get(&id) {
            // A thread that has not run has started nothing.
            Some(old) if !has_lost && old.runs == thread.runs && old.runs != 0 => {
                thread.children.clone_from(&old.children);
            }
            _ => thread.children = files::children(process, id),
        }
        let children = thread.children.clone();
        seen.insert(id, thread);
        for child in children {
            see_process(files, child, before, seen);
        }
    }
    is_alive
}

/// Adds these threads of this process.
pub(crate) fn see_own(
    files: &mut ThreadFiles,
    threads: impl IntoIterator<Item = u32>,
    seen: &mut Threads,
) {
    let process = std::process::id();
    for id in threads {
        if let Some(thread) = Thread::see(files, process, id) {
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
            let mut files = ThreadFiles::default();
            assert!(see_process(&mut files, process, &Threads::new(), &mut seen));
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
        let (mut files, mut seen) = (ThreadFiles::default(), Threads::new());
        assert!(!see_process(
            &mut files,
            process,
            &Threads::new(),
            &mut seen
        ));
    }

    #[test]
    fn threads_of_the_jvm_are_known_by_name() {
        let thread = |name: &str| Thread {
            process: 1,
            name: name.to_owned(),
            state: 'S',
            runs: 0,
            children: Vec::new(),
        };
        for name in [
            "VM Periodic Tas",
            "C2 CompilerThre",
            "G1 Service",
            "ZDirector",
        ] {
            let thread = thread(name);
            assert!(thread.is_of_jvm() && thread.is_housekeeper(), "{name}");
        }
        for name in ["VM Thread", "GC Thread#1", "Finalizer"] {
            let thread = thread(name);
            assert!(thread.is_of_jvm() && !thread.is_housekeeper(), "{name}");
        }
        for name in ["pool-1-thread-1", "java", "Zoe", "main", "ZKWatcher"] {
            assert!(!thread(name).is_of_jvm(), "{name}");
        }
    }
}
