//! Public enums: each is `#[non_exhaustive]`, or ARCHITECTURE.md names it as an exception.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

use super::examples::LIBRARIES;
use super::{Sources, read};

/// The paragraph of ARCHITECTURE.md that lists the exceptions begins with this.
const RULE: &str = "- **Public enums are `#[non_exhaustive]`**";

pub(super) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::exhaustive_enums_are_named", || {
            check().map_err(|error| Failed::from(error.to_string()))
        }),
        Trial::test("rooms::an_exhaustive_enum_is_found", || {
            an_exhaustive_enum_is_found();
            Ok(())
        }),
    ]
}

fn check() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeSet::new();
    for (name, _) in LIBRARIES {
        let mut sources = Sources::new();
        read(&root.join(name).join("src"), "", &mut sources)?;
        // The messages are generated.
        sources.retain(|module, _| module.split("::").next() != Some("proto"));
        let own = sources.values().flat_map(|source| exhaustive(source));
        found.extend(own.map(|own| format!("{name}::{own}")));
    }
    let named = exceptions(&fs::read_to_string(root.join("ARCHITECTURE.md"))?)
        .ok_or("ARCHITECTURE.md has no paragraph about public enums")?;
    let not_named: Vec<_> = found.difference(&named).collect();
    if !not_named.is_empty() {
        return Err(format!(
            "make these enums #[non_exhaustive], or say in ARCHITECTURE.md who must handle them \
             to the last variant: {not_named:#?}"
        )
        .into());
    }
    let too_many: Vec<_> = named.difference(&found).collect();
    if !too_many.is_empty() {
        return Err(format!(
            "ARCHITECTURE.md names enums that are #[non_exhaustive] or that do not exist: \
             {too_many:#?}"
        )
        .into());
    }
    Ok(())
}

/// Returns the exceptions that the document lists, as `crate::Name`, where the crate is its folder.
fn exceptions(document: &str) -> Option<BTreeSet<String>> {
    let (_, rest) = document.split_once(RULE)?;
    let paragraph = rest.split("\n- ").next()?;
    // Every second part is inside of backquotes.
    let quoted = paragraph.split('`').skip(1).step_by(2);
    let names = quoted.filter(|text| text.contains("::"));
    Some(names.map(str::to_owned).collect())
}

/// Returns the public enums of a source that have variants and lack `#[non_exhaustive]`. The
/// source is formatted, so what is compiled for tests ends at the first brace in its own column.
fn exhaustive(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_done = false;
    let mut is_test = false;
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("pub enum ")
            && !is_done
            && !is_test
            && !rest.ends_with("{}")
        {
            let end = |character: char| !character.is_alphanumeric() && character != '$';
            found.extend(rest.split(end).next());
        }
        let is_before = text.starts_with("//") || text.starts_with("#[");
        if is_test && !is_before && line.ends_with('{') {
            let column = line.len() - text.len();
            let end = format!("{}}}", &line[..column]);
            lines.find(|line| *line == end);
        }
        is_done = is_before && (is_done || text == "#[non_exhaustive]");
        is_test = is_before && (is_test || text == "#[cfg(test)]");
    }
    found
}

fn an_exhaustive_enum_is_found() {
    let source = "\
/// A.
#[non_exhaustive]
#[derive(Debug)]
pub enum Open {
    A,
}

pub enum Never {}

pub(crate) enum Inside {
    A,
}

macro_rules! words {
    () => {
        #[derive(Debug)]
        pub enum Closed<T> {
            A(T),
        }
    };
}

#[cfg(test)]
mod checks {
    pub enum OfTests {
        A,
    }
}

#[derive(Debug)]
pub enum Late {
    A,
}
";
    assert_eq!(exhaustive(source), ["Closed", "Late"]);
    let document = format!(
        "- **Other**: `a::Not`\n{RULE}, except `b::One` and\n  `c::Two`, as `this`.\n\
         - **More**: `d::Not`\n"
    );
    let named = exceptions(&document).expect("the paragraph is there");
    assert_eq!(Vec::from_iter(named), ["b::One", "c::Two"]);
}
