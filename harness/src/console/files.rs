//! The files with the fixture's views, embedded from `harness/console`.

use minihdfs::web::ConsoleFile;

/// Embeds a file.
macro_rules! file {
    ($name:literal) => {
        ConsoleFile {
            name: $name,
            bytes: include_bytes!(concat!("../../console/", $name)),
        }
    };
}

/// The module with the views of every fixture.
const FIXTURE: ConsoleFile = file!("fixture.js");
/// The module with those of a realm alone, which loads the other one.
const REALM: ConsoleFile = file!("realm.js");
const STYLE: ConsoleFile = file!("fixture.css");
const VIEWS: [ConsoleFile; 5] = [
    file!("clock.js"),
    file!("journal.js"),
    file!("tickets.js"),
    file!("connections.js"),
    file!("faults.js"),
];

/// The files of a cluster's fixture. The first one is the module that the page loads.
pub(super) static OF_CLUSTER: [ConsoleFile; 7] = {
    let [a, b, c, d, e] = VIEWS;
    [FIXTURE, STYLE, a, b, c, d, e]
};

/// The files of a realm alone. The first one is the module that the page loads.
pub(super) static OF_REALM: [ConsoleFile; 8] = {
    let [a, b, c, d, e] = VIEWS;
    [REALM, FIXTURE, STYLE, a, b, c, d, e]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_escaped_by_the_browser_and_nothing_comes_from_outside() {
        for file in &OF_REALM {
            let text = str::from_utf8(file.bytes).expect("text");
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "http://",
                "https://",
            ] {
                let text = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(word), "{word} in {}", file.name);
            }
        }
    }
}
