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

/// The files. The first one is the module that the page loads.
pub(super) static FILES: [ConsoleFile; 7] = [
    file!("fixture.js"),
    file!("fixture.css"),
    file!("clock.js"),
    file!("journal.js"),
    file!("tickets.js"),
    file!("connections.js"),
    file!("faults.js"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_escaped_by_the_browser_and_nothing_comes_from_outside() {
        for file in &FILES {
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
