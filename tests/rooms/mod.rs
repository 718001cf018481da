//! The rooms of the house: the modules of a crate do not import each other in a circle, and neither
//! do its folders, so that a reader has somewhere to begin; a function has no more lines than a
//! reader sees at once; examples show the public types; and public enums can get more variants.

mod enums;
mod examples;
mod folders;
mod lengths;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

/// The crates, and the two programs that the harness's build script compiles.
const CRATES: [&str; 13] = [
    "krb5",
    "events",
    "net",
    "kdc",
    "minihdfs",
    "harness",
    "harness/preload",
    "harness/launcher",
    "sandbox",
    "testing",
    "bench",
    "fuzz/bodies",
    "examples",
];

/// A crate's sources by the paths of their modules. The root's path is empty.
type Sources = BTreeMap<String, String>;

pub(crate) fn trials() -> Vec<Trial> {
    let of_crate = |name: &'static str| {
        Trial::test(format!("rooms::import_circles_of_{name}"), move || {
            check(name).map_err(|error| Failed::from(error.to_string()))
        })
    };
    let mut trials: Vec<_> = CRATES.into_iter().map(of_crate).collect();
    trials.push(Trial::test("rooms::a_circle_is_found", || {
        a_circle_is_found();
        Ok(())
    }));
    trials.extend(folders::trials(&CRATES));
    trials.extend(lengths::trials(&CRATES));
    trials.extend(examples::trials());
    trials.extend(enums::trials());
    trials
}

fn check(name: &str) -> Result<(), Box<dyn Error>> {
    let found = circles(&imports(&sources(name)?));
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("these modules import each other in circles: {found:#?}").into())
}

/// Returns the sources of a crate.
fn sources(name: &str) -> Result<Sources, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let mut sources = Sources::new();
    let inner = root.join("src");
    read(
        if inner.exists() { &inner } else { &root },
        "",
        &mut sources,
    )?;
    Ok(sources)
}

fn read(folder: &Path, path: &str, sources: &mut Sources) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?.path();
        let name = entry.file_stem().and_then(|name| name.to_str());
        let name = name.ok_or("a module's name is UTF-8")?;
        let inner = match path {
            "" => name.to_owned(),
            path => format!("{path}::{name}"),
        };
        // Tests may use what they test from anywhere.
        if name.ends_with("tests") {
            continue;
        }
        if entry.is_dir() {
            read(&entry, &inner, sources)?;
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let is_folders = ["mod", "lib", "main"].contains(&name);
            let module = if is_folders { path.to_owned() } else { inner };
            sources.insert(module, fs::read_to_string(&entry)?);
        }
    }
    Ok(())
}

/// The paths that a module names, from the crate's root.
#[derive(Default)]
struct Names {
    used: Vec<Vec<String>>,
    /// Re-exports by their names. They are not imports: whoever uses one imports the module that
    /// defines it.
    exported: BTreeMap<String, Vec<String>>,
}

/// The modules that each module imports.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn imports(sources: &Sources) -> Imports<'_> {
    let names: BTreeMap<&str, Names> = sources
        .iter()
        .map(|(module, source)| (&**module, names(module, source, sources)))
        .collect();
    names
        .iter()
        .map(|(module, own)| {
            let defining = own.used.iter().map(|path| defining(path, &names, 0));
            // The root only lists modules and re-exports.
            let others = defining.filter(|other| other != module && !other.is_empty());
            (*module, others.collect())
        })
        .collect()
}

/// Returns each set of modules that import each other.
fn circles(imports: &Imports) -> BTreeSet<String> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|module| (*module, reached_from(module, imports)))
        .collect();
    reached
        .iter()
        .filter(|(module, from_here)| from_here.contains(*module))
        .map(|(module, from_here)| {
            let circle = from_here
                .iter()
                .filter(|other| reached[*other].contains(module));
            circle.copied().collect::<Vec<_>>().join(", ")
        })
        .collect()
}

fn reached_from<'a>(module: &str, imports: &Imports<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut ahead: Vec<&str> = imports[module].iter().copied().collect();
    while let Some(next) = ahead.pop() {
        if reached.insert(next) {
            ahead.extend(&imports[next]);
        }
    }
    reached
}

/// Returns the module that defines what a path names.
fn defining<'a>(path: &[String], names: &BTreeMap<&'a str, Names>, depth: usize) -> &'a str {
    for length in (0..=path.len()).rev() {
        let Some((module, own)) = names.get_key_value(&*path[..length].join("::")) else {
            continue;
        };
        return match path.get(length).and_then(|name| own.exported.get(name)) {
            Some(export) if depth < 8 => defining(export, names, depth + 1),
            _ => module,
        };
    }
    ""
}

fn names(module: &str, source: &str, sources: &Sources) -> Names {
    let source = code(source);
    let mut names = Names::default();
    let absolute = |path: &str| absolute(module, path, sources);
    // Imports and code in turn.
    for statement in source.split_inclusive(';') {
        let (before, tree) = match statement.rsplit_once("use ") {
            Some((before, tree)) if before.is_empty() || before.ends_with([' ', '\n']) => {
                (before, tree.trim_end_matches(';'))
            }
            _ => (statement, ""),
        };
        let is_exported = before.trim_end().ends_with("pub")
            || before.trim_end().ends_with(')') && before.contains("pub(");
        let tree: String = tree.replace(" as ", "@").split_whitespace().collect();
        for leaf in leaves(&tree) {
            let (path, renamed) = leaf.split_once('@').unwrap_or((&leaf, ""));
            let Some(path) = absolute(path) else { continue };
            match path.last() {
                Some(last) if is_exported => {
                    let name = if renamed.is_empty() { last } else { renamed };
                    names.exported.insert(name.to_owned(), path.clone());
                }
                _ => names.used.push(path),
            }
        }
        let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
        let words = before.split(|character| !is_path(character));
        let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
        names.used.extend(paths.filter_map(absolute));
    }
    names
}

/// Returns the source without comments, paths of visibilities, and the tests at its end.
fn code(source: &str) -> String {
    let source = match source.find("#[cfg(test)]\nmod tests {") {
        Some(at) => &source[..at],
        None => source,
    };
    let lines = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    // A visibility imports nothing.
    code.replace("pub(in crate::", "pub(in ")
}

/// Returns the paths of `a::{b, c::{d, e}}`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let mut depth = 0;
    let parts = group.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    parts
        .filter(|part| !part.is_empty())
        .flat_map(leaves)
        .map(|leaf| format!("{prefix}{leaf}"))
        .collect()
}

/// Returns a path of a module from the crate's root; `None` for a path into another crate.
fn absolute(module: &str, path: &str, sources: &Sources) -> Option<Vec<String>> {
    let mut place: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    match parts.peek().copied()? {
        "crate" => place.clear(),
        "self" | "super" => {}
        child => {
            place.push(child);
            let is_child = sources.contains_key(&place.join("::"));
            place.pop();
            if !is_child {
                return None;
            }
        }
    }
    for part in parts {
        match part {
            "crate" | "self" => {}
            "super" => {
                place.pop();
            }
            name => place.push(name),
        }
    }
    Some(place.into_iter().map(str::to_owned).collect())
}

fn a_circle_is_found() {
    let circles_of = |list: &[(&str, &str)]| {
        let sources = list
            .iter()
            .map(|(name, source)| (name.to_string(), source.to_string()));
        circles(&imports(&sources.collect()))
    };
    let straight = [
        ("", "mod a;\nmod b;\nmod c;\npub use c::C;\n"),
        ("a", "use crate::b::{self, B};\nuse crate::C;\n"),
        ("b", "use super::c::C;\n// use crate::a::A;\n"),
        (
            "c",
            "pub struct C;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
        ),
    ];
    assert_eq!(circles_of(&straight), BTreeSet::new());
    // By an import of what the root re-exports, and by a path in the code.
    for back in [
        "use crate::{A as Other, C};\n",
        "fn f() -> crate::a::A { todo!() }\n",
    ] {
        let mut round = straight;
        round[0].1 = "mod a;\nmod b;\nmod c;\npub use a::A;\npub use c::C;\n";
        round[3].1 = back;
        assert_eq!(
            circles_of(&round),
            BTreeSet::from(["a, b, c".to_owned()]),
            "{back}"
        );
    }
}
