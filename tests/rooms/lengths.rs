//! The lengths of functions.

use std::error::Error;
use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

/// The maximum number of lines of a function.
const LINES: usize = 60;

pub(super) fn trials(crates: &[&'static str]) -> Vec<Trial> {
    let of_crate = |name: &'static str| {
        Trial::test(format!("rooms::long_functions_of_{name}"), move || {
            check(name).map_err(|error| Failed::from(error.to_string()))
        })
    };
    let mut trials: Vec<_> = crates.iter().copied().map(of_crate).collect();
    trials.push(Trial::test("rooms::a_long_function_is_found", || {
        a_long_function_is_found();
        Ok(())
    }));
    trials
}

fn check(name: &str) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let mut found = Vec::new();
    let inner = root.join("src");
    read(if inner.exists() { &inner } else { &root }, &mut found)?;
    if found.is_empty() {
        return Ok(());
    }
    Err(
        format!("these functions have more than {LINES} lines, give their parts names: {found:#?}")
            .into(),
    )
}

fn read(folder: &Path, found: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?.path();
        let name = entry.file_stem().and_then(|name| name.to_str());
        let name = name.ok_or("a module's name is UTF-8")?;
        // Tests may have tables, and the messages are generated.
        if name.ends_with("tests") || name == "proto" {
            continue;
        }
        if entry.is_dir() {
            read(&entry, found)?;
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&entry)?;
            let own = long_functions(&source).into_iter();
            found.extend(own.map(|function| format!("{}: {function}", entry.display())));
        }
    }
    Ok(())
}

/// Returns the long functions of a source without the tests at its end, with their lengths. The
/// sources are formatted, so a function ends at the first brace in its own column.
fn long_functions(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next();
    let lines: Vec<&str> = source.unwrap_or_default().lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let column = line.len() - line.trim_start().len();
        let ends = |line: &&str| {
            let rest = line.get(column..).unwrap_or_default();
            line.len() - line.trim_start().len() == column
                && (rest.starts_with('}') || rest.ends_with(';') || rest.ends_with('}'))
        };
        let length = lines[at..].iter().position(ends).map_or(1, |end| end + 1);
        if length > LINES {
            found.push(format!("{name} ({length})"));
        }
    }
    found
}

/// Returns the name of the function that begins in a line.
fn function(line: &str) -> Option<&str> {
    let mut words = line.trim_start().split(' ');
    let is_before = |word: &&str| {
        word.starts_with("pub")
            || ["const", "async", "unsafe", "extern", "\"C\""].contains(word)
            || word.ends_with(')')
    };
    let first = words.by_ref().find(|word| !is_before(word));
    let name = words.next().filter(|_| first == Some("fn"))?;
    name.split(['(', '<']).next()
}

fn a_long_function_is_found() {
    let body = "        let x = 1;\n".repeat(LINES - 2);
    let text = |body: &str| {
        format!(
            "impl A {{\n    /// b\n    pub(in crate::a) const fn b<T>(x: T) {{\n{body}    }}\n\n    fn c(\n        d: u8,\n    ) -> u8;\n}}\n"
        )
    };
    assert_eq!(long_functions(&text(&body)), [""; 0]);
    let long = format!("{body}        let y = 2;\n");
    assert_eq!(long_functions(&text(&long)), [format!("b ({})", LINES + 1)]);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", text(&long));
    assert_eq!(long_functions(&tests), [""; 0]);
}
