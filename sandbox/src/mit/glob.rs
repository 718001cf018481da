//! Shell patterns, as used by listprincs and kadm5.acl.

/// One element of a pattern.
enum Place {
    /// `*`
    Any,
    /// `?`
    One,
    /// `[a-z]`: ranges.
    Of(Vec<(char, char)>),
    Literal(char),
}

/// Returns true if a shell pattern with `*`, `?`, `[...]` and backslashes matches `text`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Marks the prefix lengths of the text that the pattern so far can match.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for place in places(pattern) {
        let mut next = vec![false; text.len() + 1];
        for at in (0..reached.len()).filter(|at| reached[*at]) {
            let fits = |character: &char| match &place {
                Place::Any => false,
                Place::One => true,
                Place::Of(ranges) => ranges
                    .iter()
                    .any(|(first, last)| (first..=last).contains(&character)),
                Place::Literal(literal) => literal == character,
            };
            match place {
                Place::Any => next[at..].fill(true),
                _ if text.get(at).is_some_and(fits) => next[at + 1] = true,
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}

fn places(pattern: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        places.push(match character {
            '*' => Place::Any,
            '?' => Place::One,
            '\\' => Place::Literal(rest.next().unwrap_or('\\')),
            '[' => match rest.as_str().split_once(']') {
                Some((inside, after)) => {
                    rest = after.chars();
                    Place::Of(ranges(inside))
                }
                None => Place::Literal('['),
            },
            literal => Place::Literal(literal),
        });
    }
    places
}

fn ranges(inside: &str) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut rest: Vec<char> = inside.chars().collect();
    while !rest.is_empty() {
        let used = match rest.as_slice() {
            [first, '-', last, ..] => {
                ranges.push((*first, *last));
                3
            }
            [one, ..] => {
                ranges.push((*one, *one));
                1
            }
            [] => 0,
        };
        rest.drain(..used);
    }
    ranges
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
            ("[j-l]admin", "kadmin", true),
            ("[ab]admin", "kadmin", false),
            ("[k", "[k", true),
            ("\\*", "*", true),
            ("\\*", "k", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
