//! MIT's profile format: `krb5.conf` and `kdc.conf` as other programs write them.

use std::path::Path;

/// The lines of one or more files, each with the sections that it stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile(Vec<(Vec<String>, String)>);

impl Profile {
    /// Reads a text; what is no line of the format is passed over, as it cannot concern us.
    pub(crate) fn parse(text: &str) -> Self {
        let mut relations = Vec::new();
        let mut place: Vec<String> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line
                .strip_prefix('[')
                .and_then(|rest| rest.split(']').next())
            {
                place = vec![section.trim().to_owned()];
            } else if line.starts_with('}') {
                // The section itself is not ended by a brace.
                place.truncate(place.len().saturating_sub(1).max(1));
            } else if let Some((name, value)) = line.split_once('=') {
                let (name, value) = (name.trim().trim_end_matches('*').to_owned(), value.trim());
                if value == "{" {
                    place.push(name);
                } else {
                    let mut path = place.clone();
                    path.push(name);
                    relations.push((path, value.trim_matches('"').to_owned()));
                }
            }
        }
        Self(relations)
    }

    /// The files of a `:`-separated list, the first of which wins; those that cannot be read are
    /// left out.
    pub(crate) fn read(list: &str) -> Self {
        let files = list.split(':').filter(|path| !path.is_empty());
        let texts = files.filter_map(|path| std::fs::read_to_string(Path::new(path)).ok());
        Self(texts.flat_map(|text| Self::parse(&text).0).collect())
    }

    /// The first value at a path of sections and a name.
    pub(crate) fn value(&self, path: &[&str]) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(place, _)| place.iter().map(String::as_str).eq(path.iter().copied()));
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_sections_are_read_and_the_first_value_wins() {
        let profile = Profile::parse(
            "# a comment\n[libdefaults]\n\tdefault_realm = KRBTEST.COM\n[realms]\n\tKRBTEST.COM = {\n\t\tkdc = h:1\n\t\tkdc = h:2\n\t\tx = {\n\t\t}\n\t\tadmin_server = \"h:3\"\n\t}\n\tOTHER = {\n\t}\n",
        );
        assert_eq!(
            profile.value(&["libdefaults", "default_realm"]),
            Some("KRBTEST.COM")
        );
        assert_eq!(
            profile.value(&["realms", "KRBTEST.COM", "kdc"]),
            Some("h:1")
        );
        assert_eq!(
            profile.value(&["realms", "KRBTEST.COM", "admin_server"]),
            Some("h:3")
        );
        assert_eq!(profile.value(&["realms", "OTHER", "kdc"]), None);
    }

    #[test]
    fn unbalanced_braces_do_no_harm() {
        assert_eq!(
            Profile::parse("}}}\n}\na = b\n[x\n= {\n= {").value(&["a"]),
            Some("b")
        );
    }
}
