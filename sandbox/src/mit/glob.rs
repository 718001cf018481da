//! Shell patterns, as listprincs and kadm5.acl have them.

/// Whether a shell pattern with `*` and `?` is `text`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Which prefixes of the text the pattern so far can match.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        for (at, reachable) in reached.iter().enumerate() {
            match token {
                '*' if *reachable => next[at..].fill(true),
                '?' if *reachable && at < text.len() => next[at + 1] = true,
                literal if *reachable && text.get(at) == Some(&literal) => next[at + 1] = true,
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        for (pattern, text, expected) in [
            ("k*", "kadmin/admin", true),
            ("*a?min", "kadmin/admin", true),
            ("k", "kadmin", false),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
