//! The words of a query.

/// Splits a query as MIT's `ss_parse` does, whose rules are not a shell's: only spaces and tabs
/// separate words, and only double quotes quote, also within a word. Two of them inside of quotes
/// are one. Single quotes and backslashes have no meaning here, so a password may contain them.
pub(super) fn split(query: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut characters = query.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => {
                word.get_or_insert_default().push('"');
            }
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if is_quoted {
        return Err("Unbalanced quotes in command line");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As MIT krb5 1.20.1 reads them.
    #[test]
    fn queries_are_split_as_mit_does() {
        for (query, words) in [
            (
                "addprinc\t-pw \"a b\"  c\"d e\"f ",
                &["addprinc", "-pw", "a b", "cd ef"][..],
            ),
            (r#""a ""b" "u""4" "" "#, &["a \"b", "u\"4", ""]),
            (r"'a b' c\ d\2", &["'a", "b'", r"c\", r"d\2"]),
            ("  ", &[]),
        ] {
            assert_eq!(split(query).expect("the quotes are balanced"), words);
        }
        for query in ["addprinc \"u", "\"\"\""] {
            let refused = split(query).expect_err("a quote is missing");
            assert_eq!(refused, "Unbalanced quotes in command line");
        }
    }
}
