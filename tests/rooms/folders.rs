//! The rooms of one level: files, and folders with all that is below them. They do not import each
//! other in a circle either.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use libtest_mimic::{Failed, Trial};

use super::{Imports, circles, imports, sources};

pub(super) fn trials(crates: &[&'static str]) -> Vec<Trial> {
    let of_crate = |name: &'static str| {
        Trial::test(format!("rooms::folder_circles_of_{name}"), move || {
            check(name).map_err(|error| Failed::from(error.to_string()))
        })
    };
    let mut trials: Vec<_> = crates.iter().copied().map(of_crate).collect();
    trials.push(Trial::test("rooms::a_circle_of_folders_is_found", || {
        a_circle_of_folders_is_found();
        Ok(())
    }));
    trials
}

fn check(name: &str) -> Result<(), Box<dyn Error>> {
    let sources = sources(name)?;
    let imports = imports(&sources);
    for (level, rooms) in levels(&imports) {
        let place = match &*level {
            "" => name.to_owned(),
            level => format!("{name}::{level}"),
        };
        if let Some(circle) = circles(&rooms).first() {
            let of_circle = imports_within(&imports, &level, circle);
            return Err(format!(
                "in {place}, these import each other in a circle: {circle}; by {of_circle:#?}"
            )
            .into());
        }
    }
    Ok(())
}

/// Returns the imports between the rooms of each level.
fn levels<'a>(imports: &Imports<'a>) -> BTreeMap<String, Imports<'a>> {
    let mut levels: BTreeMap<String, Imports> = BTreeMap::new();
    for (module, others) in imports {
        for other in others {
            if let Some((level, own, its)) = rooms(module, other) {
                let of_level = levels.entry(level).or_default();
                of_level.entry(own).or_default().insert(its);
                of_level.entry(its).or_default();
            }
        }
    }
    levels
}

/// Returns the level at which two modules are in different rooms, and these; `None` if one module
/// is in the other.
fn rooms<'a>(module: &'a str, other: &'a str) -> Option<(String, &'a str, &'a str)> {
    let module: Vec<&str> = module.split("::").collect();
    let other: Vec<&str> = other.split("::").collect();
    let pairs = module.iter().zip(&other);
    let depth = pairs.take_while(|(own, its)| own == its).count();
    let level = module[..depth].join("::");
    Some((level, module.get(depth)?, other.get(depth)?))
}

/// Returns the imports that make a circle.
fn imports_within(imports: &Imports, level: &str, circle: &str) -> Vec<String> {
    let circle: BTreeSet<&str> = circle.split(", ").collect();
    let all = imports
        .iter()
        .flat_map(|(module, others)| others.iter().map(move |other| (module, other)));
    all.filter(|(module, other)| {
        rooms(module, other).is_some_and(|(place, own, its)| {
            place == level && circle.contains(own) && circle.contains(its)
        })
    })
    .map(|(module, other)| format!("{module} uses {other}"))
    .collect()
}

fn a_circle_of_folders_is_found() {
    let sources = [
        ("", "mod a;\nmod b;\n"),
        ("a", "mod c;\nmod f;\npub(crate) mod g;\n"),
        ("a::c::d", "use crate::a::f::F;\n"),
        ("a::c::e", "pub struct E;\n"),
        ("a::f", "pub struct F;\n"),
        ("a::g", "use crate::b::h::H;\n"),
        ("b", "mod h;\nmod i;\nuse h::H;\n"),
        ("b::h", "pub(in crate::b) struct H;\n"),
        ("b::i", "use super::h::H;\n"),
    ];
    let found = |sources: &[(&str, &str)]| {
        let sources = sources.iter().map(|(name, source)| (*name, *source));
        let sources = sources.map(|(name, source)| (name.to_owned(), source.to_owned()));
        let sources = sources.collect();
        let imports = imports(&sources);
        assert_eq!(circles(&imports), BTreeSet::new());
        let levels = levels(&imports).into_iter();
        let circles = levels.flat_map(|(level, rooms)| {
            let of_level = circles(&rooms).into_iter();
            of_level.map(move |circle| format!("{level}: {circle}"))
        });
        circles.collect::<Vec<_>>()
    };
    assert_eq!(found(&sources), [""; 0]);
    // The modules themselves are in no circle.
    let mut round = sources;
    round[4].1 = "use crate::a::c::e::E;\n";
    round[8].1 = "use crate::a::f::F;\n";
    assert_eq!(found(&round), [": a, b", "a: c, f"]);
}
