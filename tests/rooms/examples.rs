//! The examples of public types: a user who looks one up sees it in use.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

use super::{Names, Sources, absolute, code, defining, leaves, names, read};

/// The published libraries, and how many of their public types appear in no example. These
/// numbers only go down.
pub(super) const LIBRARIES: [(&str, usize); 6] = [
    ("krb5", 0),
    ("events", 0),
    ("net", 0),
    ("kdc", 0),
    ("minihdfs", 61),
    ("harness", 0),
];

pub(super) fn trials() -> Vec<Trial> {
    let of_crate = |(name, still): (&'static str, usize)| {
        Trial::test(
            format!("rooms::public_types_without_example_of_{name}"),
            move || check(name, still).map_err(|error| Failed::from(error.to_string())),
        )
    };
    let mut trials: Vec<_> = LIBRARIES.into_iter().map(of_crate).collect();
    trials.push(Trial::test(
        "rooms::a_type_without_example_is_found",
        || {
            a_type_without_example_is_found();
            Ok(())
        },
    ));
    trials
}

fn check(name: &str, still: usize) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let mut sources = Sources::new();
    read(&root.join("src"), "", &mut sources)?;
    let found = without_example(&sources);
    if found.len() > still {
        return Err(format!(
            "{} public types appear in no example, {still} did before: {found:#?}",
            found.len()
        )
        .into());
    }
    Ok(())
}

fn without_example(sources: &Sources) -> Vec<String> {
    let shown = words_of_examples(sources);
    let mut types = BTreeSet::new();
    let names = sources
        .iter()
        .map(|(module, source)| (&**module, names(module, source, sources)))
        .collect();
    let crate_of = Crate { sources, names };
    crate_of.visit("", &mut BTreeSet::new(), &mut types);
    types.retain(|path| {
        path.rsplit("::")
            .next()
            .is_some_and(|name| !shown.contains(name))
    });
    types.into_iter().collect()
}

struct Crate<'a> {
    sources: &'a Sources,
    names: BTreeMap<&'a str, Names>,
}

impl Crate<'_> {
    /// Adds the public types of a public module.
    fn visit(&self, module: &str, seen: &mut BTreeSet<String>, types: &mut BTreeSet<String>) {
        let Some(source) = self.sources.get(module) else {
            return;
        };
        if !seen.insert(module.to_owned()) {
            return;
        }
        let inside = |name: &str| match module {
            "" => name.to_owned(),
            module => format!("{module}::{name}"),
        };
        for name in declared(source) {
            types.insert(inside(name));
        }
        for child in public_modules(source) {
            self.visit(&inside(child), seen, types);
        }
        for path in re_exports(source) {
            let Some(path) = absolute(module, &path, self.sources) else {
                continue;
            };
            let whole = path.join("::");
            if self.sources.contains_key(&whole) {
                self.visit(&whole, seen, types);
                continue;
            }
            let (Some(name), of) = (path.last(), defining(&path, &self.names, 0)) else {
                continue;
            };
            if declared(&self.sources[of]).contains(&&**name) {
                types.insert(format!("{of}::{name}"));
            }
        }
    }
}

/// Returns the types that a source declares as public, and that neither are hidden nor have an
/// example in their own documentation.
fn declared(source: &str) -> Vec<&str> {
    let mut is_done = false;
    let mut found = Vec::new();
    for line in source.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("pub"), Some("struct" | "enum" | "trait"), Some(name)) if !is_done => {
                let end = |character: char| !character.is_alphanumeric();
                found.extend(name.split(end).next());
            }
            _ => {}
        }
        let is_before = line.starts_with("///") || line.starts_with("#[");
        is_done = is_before && (is_done || line.contains("```") || line.contains("doc(hidden)"));
    }
    found
}

fn public_modules(source: &str) -> Vec<&str> {
    let mut before = "";
    let mut found = Vec::new();
    for line in source.lines() {
        let is_shown = !before.contains("testing") && !before.contains("doc(hidden)");
        if let Some(name) = line.strip_prefix("pub mod ")
            && is_shown
        {
            found.extend(name.strip_suffix(';'));
        }
        before = line;
    }
    found
}

/// Returns the paths of `pub use`.
fn re_exports(source: &str) -> Vec<String> {
    let source = code(source);
    let trees = source.split("pub use ").skip(1);
    let trees = trees.filter_map(|rest| rest.split(';').next());
    trees
        .flat_map(|tree| {
            let tree: String = tree.replace(" as ", "@").split_whitespace().collect();
            leaves(&tree)
        })
        .map(|leaf| leaf.split('@').next().unwrap_or_default().to_owned())
        .collect()
}

/// Returns all words in the code of doc comments.
fn words_of_examples(sources: &Sources) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for source in sources.values() {
        let mut is_code = false;
        for line in source.lines() {
            let line = line.trim_start();
            let Some(text) = line
                .strip_prefix("///")
                .or_else(|| line.strip_prefix("//!"))
            else {
                is_code = false;
                continue;
            };
            if text.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if is_code {
                let of_line = text.split(|character: char| !character.is_alphanumeric());
                words.extend(of_line.map(str::to_owned));
            }
        }
    }
    words
}

fn a_type_without_example_is_found() {
    let root = "pub mod shown;\n#[cfg(feature = \"testing\")]\npub mod testing;\nmod inner;\npub use inner::{Deep, Other as Renamed};\n";
    let sources = [
        ("", root),
        (
            "shown",
            "/// ```\n/// let a = A::new(Renamed);\n/// ```\npub struct A;\npub(crate) struct Own;\n#[doc(hidden)]\npub struct Hidden;\npub trait B {}\n",
        ),
        ("testing", "pub struct Pair;\n"),
        (
            "inner",
            "pub use crate::deep::Deep;\npub enum Other {}\npub struct Unseen;\n",
        ),
        ("deep", "/// A.\npub struct Deep<T>(T);\n"),
    ];
    let sources = sources.map(|(name, source)| (name.to_owned(), source.to_owned()));
    let found = without_example(&sources.into_iter().collect());
    assert_eq!(found, ["deep::Deep", "inner::Other", "shown::B"]);
}
