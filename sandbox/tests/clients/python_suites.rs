//! The tests of the Python packages `gssapi` 1.12.0 and `krb5` 0.10.0, unchanged, with the drop-in
//! tools. Each test must end as it does with MIT's krb5 1.20.1, whose outcomes are recorded in
//! `python/*.txt`.
//!
//! Each test class creates its own realm with k5test: `kdb5_util`, `kadmin.local` four times,
//! `krb5kdc`. Each of them derives keys from passwords, which takes too long in an unoptimised
//! build.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use crate::peers;

/// A package's tests, and their outcomes with MIT's programs.
struct Suite {
    name: &'static str,
    /// Relative to the peers' folder; `*` stands for one folder of any name.
    tests: &'static str,
    with_mit: &'static str,
}

const SUITES: [Suite; 3] = [
    Suite {
        name: "gssapi_high_level",
        tests: "venv/lib/python3*/site-packages/gssapi/tests/test_high_level.py",
        with_mit: include_str!("python/gssapi_high_level.txt"),
    },
    Suite {
        name: "gssapi_raw",
        tests: "venv/lib/python3*/site-packages/gssapi/tests/test_raw.py",
        with_mit: include_str!("python/gssapi_raw.txt"),
    },
    Suite {
        name: "krb5",
        tests: "sources/krb5-0.10.0/tests",
        with_mit: include_str!("python/krb5.txt"),
    },
];

pub(crate) fn trials() -> Vec<Trial> {
    SUITES.into_iter().map(trial).collect()
}

fn trial(suite: Suite) -> Trial {
    let name = format!("python_suites::{}", suite.name);
    let tests = peers::folder();
    let tests = find(&tests, suite.tests);
    let needs = [
        (
            "python gssapi, krb5 and k5test with their tests",
            tests.is_some(),
        ),
        ("pytest", peers::folder().join("venv/bin/pytest").is_file()),
        (
            "MIT kinit",
            peers::on_path("kinit") && peers::on_path("klist"),
        ),
    ];
    match tests {
        Some(tests) if needs.iter().all(|(_, found)| *found) => {
            let optimised = !cfg!(debug_assertions);
            let kind = if optimised { "" } else { "needs --release" };
            Trial::test(name, move || run(&suite, &tests))
                .with_kind(kind)
                .with_ignored_flag(!optimised)
        }
        _ => peers::trial(&name, &needs, || ()),
    }
}

/// Finds the file at a path in which a folder's name may end with `*`.
fn find(root: &Path, path: &str) -> Option<PathBuf> {
    let mut found = root.to_path_buf();
    for name in path.split('/') {
        found = match name.strip_suffix('*') {
            None => found.join(name),
            Some(prefix) => {
                let begins = |path: &PathBuf| {
                    path.file_name()
                        .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
                };
                std::fs::read_dir(&found)
                    .ok()?
                    .flatten()
                    .map(|entry| entry.path())
                    .find(begins)?
            }
        };
    }
    found.exists().then_some(found)
}

fn run(suite: &Suite, tests: &Path) -> Result<(), Failed> {
    let place = tempfile::TempDir::new()?;
    for name in ["krb5kdc", "kadmind", "kadmin.local", "kdb5_util"] {
        symlink(env!("CARGO_BIN_EXE_kerbox"), place.path().join(name))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::iter::once(place.path().to_path_buf());
    let output = Command::new(peers::folder().join("venv/bin/python"))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/clients/python/suite.py"
        ))
        .arg(tests)
        .env(
            "PATH",
            std::env::join_paths(first.chain(std::env::split_paths(&path)))?,
        )
        .env("TMPDIR", place.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()?;
    let (said, pytest) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let outcomes = |text: &str| {
        text.lines()
            .map(str::to_owned)
            .collect::<BTreeSet<String>>()
    };
    let (ours, mits) = (outcomes(&said), outcomes(suite.with_mit));
    if ours == mits {
        return Ok(());
    }
    let mut text = String::new();
    for (whose, only) in [
        ("only here", ours.difference(&mits)),
        ("only with MIT's programs", mits.difference(&ours)),
    ] {
        for line in only {
            writeln!(text, "{whose}: {line}")?;
        }
    }
    Err(Failed::from(format!("{text}--- pytest said\n{pytest}")))
}
