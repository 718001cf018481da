//! Detects whether a test's output is shown only if the test fails.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::thread;

/// Returns whether this looks like a test whose output is captured. A fixture cannot see the error
/// that its test returns. With captured output it can always print its journal, because only a
/// failed test's output is shown.
pub(crate) fn is_captured() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| value != "0");
    // cargo-nextest captures output itself, so the settings of libtest do not matter.
    if set("NEXTEST") {
        return true;
    }
    let program = env::current_exe().unwrap_or_default();
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    is_libtest(&program, thread::current().name())
        && !set("RUST_TEST_NOCAPTURE")
        && !arguments.iter().any(|argument| shows_everything(argument))
}

/// Returns whether a program that cargo built for `cargo test` runs on a thread that libtest named
/// after a test. libtest names no thread if it runs one test at a time on the main thread.
fn is_libtest(program: &Path, thread: Option<&str>) -> bool {
    let folder = program.parent().and_then(Path::file_name);
    folder == Some(OsStr::new("deps")) && thread.is_some_and(|name| name != "main")
}

fn shows_everything(argument: &OsStr) -> bool {
    ["--nocapture", "--no-capture", "--show-output"]
        .iter()
        .any(|shows| argument == *shows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_of_cargos_is_known_by_its_folder_and_thread() {
        let thread = thread::current();
        assert!(is_libtest(
            &env::current_exe().expect("this one"),
            thread.name().filter(|name| *name != "main").or(Some("t"))
        ));
        let program = Path::new("/p/target/debug/deps/a-0123");
        assert!(!is_libtest(program, Some("main")));
        assert!(!is_libtest(program, None));
        assert!(!is_libtest(
            Path::new("/p/target/debug/examples/a"),
            Some("t")
        ));
    }
}
