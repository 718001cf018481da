//! The directives of challenges and responses (RFC 2831, 2.1 and 7.1): `name=value` or
//! `name="value"`, separated by commas.

/// The maximum length of a challenge or response (RFC 2831, 2.1.1 and 2.1.2).
pub(super) const MAX_CHALLENGE: usize = 2048;
pub(super) const MAX_RESPONSE: usize = 4096;

/// Directives in order, with lowercase names and unquoted values.
pub(super) struct Directives(Vec<(String, String)>);

impl Directives {
    /// Parses a message; the error says what is wrong with it.
    pub(super) fn parse(message: &[u8], limit: usize) -> Result<Self, String> {
        if message.len() > limit {
            return Err(format!(
                "{} bytes, but at most {limit} are allowed.",
                message.len()
            ));
        }
        let mut rest = std::str::from_utf8(message).map_err(|_| "It is not UTF-8.".to_owned())?;
        let mut list = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c| is_blank(c) || c == ',');
            if rest.is_empty() {
                return Ok(Self(list));
            }
            let (name, after) = rest
                .split_once('=')
                .ok_or_else(|| format!("Directive without a value: {}", excerpt(rest)))?;
            let name = name.trim_end_matches(is_blank);
            if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
                return Err(format!("Bad directive name: {}", excerpt(name)));
            }
            let (value, after) = value(after.trim_start_matches(is_blank))?;
            rest = after.trim_start_matches(is_blank);
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(format!("Expecting a comma after {name}."));
            }
            list.push((name.to_ascii_lowercase(), value));
        }
    }

    /// Removes and returns the value of a directive that may appear at most once.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, String> {
        let Some(at) = self.0.iter().position(|(have, _)| have == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(at);
        if self.0.iter().any(|(have, _)| have == name) {
            return Err(format!("Duplicate {name} directive."));
        }
        Ok(Some(value))
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Parses the value at the start of `text`. Returns it with the rest of the text.
fn value(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| is_blank(c) || c == ',').unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return Ok((value.to_owned(), after));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next().ok_or("A value ends in a backslash.")?.1),
            other => value.push(other),
        }
    }
    Err("Unmatched quotes.".to_owned())
}

/// Quotes `text`, with escapes where needed.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_bare_and_blank_surrounded_values_are_read() {
        let mut directives =
            Directives::parse(b"a=\"x, \\\"y\\\\\" ,, B = z\t, c=, d-e=\"\"", MAX_RESPONSE)
                .expect("well-formed");
        assert_eq!(directives.take("a"), Ok(Some("x, \"y\\".to_owned())));
        assert_eq!(directives.take("b"), Ok(Some("z".to_owned())));
        assert_eq!(directives.take("c"), Ok(Some(String::new())));
        assert_eq!(directives.take("d-e"), Ok(Some(String::new())));
        assert_eq!(directives.take("f"), Ok(None));
    }

    #[test]
    fn malformed_messages_are_refused() {
        for text in [
            "a",
            "=b",
            "a=\"b",
            "a=\"b\\",
            "a=\"b\"c",
            "a b=c",
            "a=\"b\" c=d",
        ] {
            assert!(
                Directives::parse(text.as_bytes(), MAX_RESPONSE).is_err(),
                "{text}"
            );
        }
        assert!(Directives::parse(b"a=\xff", MAX_RESPONSE).is_err());
        assert!(Directives::parse(&[b','; MAX_RESPONSE + 1], MAX_RESPONSE).is_err());
        let mut twice = Directives::parse(b"a=1,a=2", MAX_RESPONSE).expect("well-formed");
        assert!(twice.take("a").is_err());
    }

    #[test]
    fn quoting_is_undone_by_parsing() {
        let text = r#"a"b\c"#;
        let message = format!("v={}", quote(text));
        let mut directives =
            Directives::parse(message.as_bytes(), MAX_RESPONSE).expect("well-formed");
        assert_eq!(directives.take("v"), Ok(Some(text.to_owned())));
    }
}
