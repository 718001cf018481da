//! `hadoop.security.auth_to_local`: maps principals to short names (Hadoop's `KerberosName`).

use std::borrow::Cow;
use std::fmt;

use super::java_regex::{JavaRegex, Replacement, TooManySteps};
use super::{MAX_NAME, User};
use crate::config::{AuthToLocalMechanism, ConfigError, HdfsConfig};
use crate::error::HdfsError;

const KEY: &str = "hadoop.security.auth_to_local";

/// The rules that map a principal to its short name. The first matching rule applies.
///
/// ```
/// use minihdfs::config::AuthToLocalMechanism;
/// use minihdfs::user::AuthToLocal;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rules = "RULE:[2:$1@$0](nn@CORP.TEST)s/.*/hdfs/ DEFAULT";
/// let rules = AuthToLocal::parse(rules, AuthToLocalMechanism::Hadoop, "CORP.TEST")?;
/// assert_eq!(rules.short_name("nn/host1@CORP.TEST")?, "hdfs");
/// assert_eq!(rules.short_name("alice@CORP.TEST")?, "alice");
/// assert!(rules.short_name("alice@ELSEWHERE.TEST").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthToLocal {
    rules: Vec<Rule>,
    mechanism: AuthToLocalMechanism,
    default_realm: String,
}

#[derive(Clone, Debug)]
enum Rule {
    /// `DEFAULT`: the first component of principals in the default realm.
    Default,
    /// `RULE:[n:format](regex)s/from/to/g/L`
    Format(Box<FormatRule>),
}

#[derive(Clone, Debug)]
struct FormatRule {
    text: String,
    components: usize,
    format: Vec<Part>,
    matches: Option<JavaRegex>,
    substitution: Option<Substitution>,
    lower_case: bool,
}

#[derive(Clone, Debug)]
struct Substitution {
    from: JavaRegex,
    to: Replacement,
    all: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// 0 is the realm, 1 and 2 the components.
    Parameter(usize),
}

impl AuthToLocal {
    /// Parses rules separated by whitespace. `default_realm` is the default realm of the servers'
    /// krb5.conf.
    pub fn parse(
        rules: &str,
        mechanism: AuthToLocalMechanism,
        default_realm: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        let mut parsed = Vec::new();
        let mut rest = rules.trim_start();
        while !rest.is_empty() {
            let (rule, after) =
                Rule::parse(rest).map_err(|mend| ConfigError::new(KEY, rest, mend))?;
            parsed.push(rule);
            rest = after.trim_start();
        }
        Ok(Self {
            rules: parsed,
            mechanism,
            default_realm: default_realm.into(),
        })
    }

    /// Creates the rules by which every principal keeps its full name.
    #[must_use]
    pub fn full_names() -> Self {
        Self {
            rules: Vec::new(),
            mechanism: AuthToLocalMechanism::Mit,
            default_realm: String::new(),
        }
    }

    /// Creates the rules set in a configuration.
    pub fn from_config(
        config: &HdfsConfig,
        default_realm: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        Self::parse(
            &config.auth_to_local,
            config.auth_to_local_mechanism,
            default_realm,
        )
    }

    /// Returns the user with this full name. Fails if the name has no short name, or is too long
    /// to be kept.
    pub fn user(&self, full: &str) -> Result<User, HdfsError> {
        if full.len() > MAX_NAME {
            return Err(HdfsError::illegal_argument(format!(
                "a user's name has at most {MAX_NAME} bytes, this one has {}",
                full.len()
            )));
        }
        let short = self.short_name(full)?;
        Ok(User {
            full: full.into(),
            short: short.as_ref().into(),
        })
    }

    /// Returns the short name of a principal, or of a name without a realm.
    pub fn short_name<'a>(&self, full: &'a str) -> Result<Cow<'a, str>, HdfsError> {
        let Some(name) = Name::parse(full) else {
            // A name that is not a principal is used unchanged, as in Hadoop.
            return if full.contains('@') {
                Err(HdfsError::illegal_argument(format!(
                    "Malformed Kerberos name: {full}"
                )))
            } else {
                Ok(Cow::Borrowed(full))
            };
        };
        let Some(realm) = name.realm else {
            if name.host.is_none() {
                return Ok(Cow::Borrowed(name.service));
            }
            return self.apply(full, &["", name.service, name.host.unwrap_or_default()]);
        };
        match name.host {
            None => self.apply(full, &[realm, name.service]),
            Some(host) => self.apply(full, &[realm, name.service, host]),
        }
    }

    /// Applies the rules to `parameters`: the realm and one or two components.
    fn apply<'a>(&self, full: &'a str, parameters: &[&'a str]) -> Result<Cow<'a, str>, HdfsError> {
        for rule in &self.rules {
            let short = match rule {
                Rule::Default if parameters[0] == self.default_realm => {
                    Cow::Borrowed(parameters[1])
                }
                Rule::Default => continue,
                Rule::Format(rule) => match rule.apply(parameters) {
                    Ok(Some(short)) => Cow::Owned(short),
                    Ok(None) => continue,
                    Err(TooManySteps) => {
                        return Err(HdfsError::no_matching_rule(format!(
                            "The auth_to_local rule {} takes too many steps on {full}: its expressions go back too often",
                            rule.text
                        )));
                    }
                },
            };
            if self.mechanism == AuthToLocalMechanism::Hadoop && short.contains(['/', '@']) {
                return Err(HdfsError::no_matching_rule(format!(
                    "Non-simple name {short} after auth_to_local rule {rule}"
                )));
            }
            return Ok(short);
        }
        match self.mechanism {
            AuthToLocalMechanism::Mit => Ok(Cow::Borrowed(full)),
            AuthToLocalMechanism::Hadoop => Err(HdfsError::no_matching_rule(format!(
                "No rules applied to {full}"
            ))),
        }
    }
}

/// `service[/host][@realm]`, with no empty part.
struct Name<'a> {
    service: &'a str,
    host: Option<&'a str>,
    realm: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn parse(full: &'a str) -> Option<Self> {
        let (name, realm) = match full.split_once('@') {
            Some((name, realm)) => (name, Some(realm)),
            None => (full, None),
        };
        let (service, host) = match name.split_once('/') {
            Some((service, host)) => (service, Some(host)),
            None => (name, None),
        };
        let plain = |part: &str| !part.is_empty() && !part.contains(['/', '@']);
        (plain(service) && host.is_none_or(plain) && realm.is_none_or(plain)).then_some(Self {
            service,
            host,
            realm,
        })
    }
}

impl Rule {
    /// Parses one rule from the start of `text`. Returns the rest of the text, or an error that
    /// says how to fix it.
    fn parse(text: &str) -> Result<(Self, &str), String> {
        if let Some(rest) = text.strip_prefix("DEFAULT") {
            if rest.is_empty() || rest.starts_with(char::is_whitespace) {
                return Ok((Self::Default, rest));
            }
            return Err("separate the rules by white space".into());
        }
        let (rule, rest) = FormatRule::parse(text)?;
        Ok((Self::Format(Box::new(rule)), rest))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "DEFAULT",
            Self::Format(rule) => &rule.text,
        })
    }
}

impl FormatRule {
    fn parse(text: &str) -> Result<(Self, &str), String> {
        const FORM: &str = "write DEFAULT or RULE:[n:format](regex)s/from/to/g/L";
        let inner = text.strip_prefix("RULE:[").ok_or(FORM)?;
        let (head, mut rest) = inner.split_once(']').ok_or(FORM)?;
        let (components, format) = head.split_once(':').ok_or(FORM)?;
        let components: usize = components
            .parse()
            .map_err(|_| format!("{components:?} is no number of components; {FORM}"))?;
        let format = parse_format(format, components)?;
        let mut matches = None;
        if let Some(inner) = rest.strip_prefix('(') {
            let (pattern, after) = inner.split_once(')').ok_or(FORM)?;
            matches = Some(JavaRegex::whole(pattern)?);
            rest = after;
        }
        let mut substitution = None;
        if let Some(inner) = rest.strip_prefix("s/") {
            let (from, inner) = inner.split_once('/').ok_or(FORM)?;
            let (to, after) = inner.split_once('/').ok_or(FORM)?;
            let all = after.strip_prefix('g');
            let from = JavaRegex::new(from)?;
            substitution = Some(Substitution {
                to: Replacement::parse(to, &from)?,
                from,
                all: all.is_some(),
            });
            rest = all.unwrap_or(after);
        }
        let lower_case = rest.strip_prefix("/L").or_else(|| rest.strip_prefix('L'));
        rest = lower_case.unwrap_or(rest);
        if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            return Err(format!("{rest:?} does not belong to a rule; {FORM}"));
        }
        let rule = Self {
            text: text[..text.len() - rest.len()].to_owned(),
            components,
            format,
            matches,
            substitution,
            lower_case: lower_case.is_some(),
        };
        Ok((rule, rest))
    }

    /// Applies the rule; `None` if it does not match.
    fn apply(&self, parameters: &[&str]) -> Result<Option<String>, TooManySteps> {
        if parameters.len() - 1 != self.components {
            return Ok(None);
        }
        let base: String = self
            .format
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Parameter(index) => parameters[*index],
            })
            .collect();
        if let Some(regex) = &self.matches
            && !regex.is_match(&base)?
        {
            return Ok(None);
        }
        let short = match &self.substitution {
            None => base,
            Some(Substitution { from, to, all }) => from.replace(&base, to, *all)?.into_owned(),
        };
        Ok(Some(if self.lower_case {
            short.to_lowercase()
        } else {
            short
        }))
    }
}

/// Splits a format at `$0`, `$1` and `$2`.
fn parse_format(format: &str, components: usize) -> Result<Vec<Part>, String> {
    let mut pieces = format.split('$');
    let mut parts: Vec<Part> = pieces
        .next()
        .map(|text| Part::Text(text.to_owned()))
        .into_iter()
        .collect();
    for piece in pieces {
        let end = piece
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(piece.len());
        let index: usize = piece[..end]
            .parse()
            .map_err(|_| format!("a $ in {format:?} is followed by no number: $0 is the realm, $1 the first component"))?;
        if index > components {
            return Err(format!(
                "${index} in {format:?} is outside of the valid range $0 to ${components}"
            ));
        }
        parts.push(Part::Parameter(index));
        parts.push(Part::Text(piece[end..].to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    fn rules(rules: &str) -> AuthToLocal {
        AuthToLocal::parse(rules, AuthToLocalMechanism::Hadoop, "EXAMPLE.COM")
            .expect("well-formed rules")
    }

    fn short(rules: &AuthToLocal, full: &str) -> String {
        rules.short_name(full).expect("a rule fits").into_owned()
    }

    #[test]
    fn default_takes_the_first_component_in_the_default_realm() {
        let rules = rules("DEFAULT");
        assert_eq!(short(&rules, "alice@EXAMPLE.COM"), "alice");
        assert_eq!(short(&rules, "hdfs/host.example@EXAMPLE.COM"), "hdfs");
        assert_eq!(short(&rules, "alice"), "alice");
        let error = rules.short_name("alice@OTHER").expect_err("another realm");
        assert_eq!(*error.kind(), Class::NoMatchingRule);
        assert_eq!(error.message(), "No rules applied to alice@OTHER");
        for malformed in ["a/b/c@EXAMPLE.COM", "@EXAMPLE.COM", "a@b@c", "a@"] {
            let error = rules.short_name(malformed).expect_err(malformed);
            assert!(
                error.message().starts_with("Malformed Kerberos name"),
                "{error}"
            );
        }
    }

    #[test]
    fn rules_are_hadoops() {
        // The rules in Hadoop's secure mode documentation.
        let rules = rules(
            "RULE:[2:$1/$2@$0]([ndj]n/.*@REALM.\\TLD)s/.*/hdfs/\n\
             RULE:[2:$1/$2@$0]([rn]m/.*@REALM.\\TLD)s/.*/yarn/\n\
             RULE:[1:$1@$0](.*@OTHER)s/@.*//  RULE:[2:$1;$2](^.*;admin$)s/;admin$// DEFAULT"
                .replace("\\TLD", "TLD")
                .as_str(),
        );
        assert_eq!(short(&rules, "nn/h@REALM.TLD"), "hdfs");
        assert_eq!(short(&rules, "rm/h@REALM.TLD"), "yarn");
        assert_eq!(short(&rules, "bob@OTHER"), "bob");
        assert_eq!(short(&rules, "bob/admin@OTHER"), "bob");
        assert_eq!(short(&rules, "carol@EXAMPLE.COM"), "carol");
        assert!(rules.short_name("rm/h@OTHER").is_err());
    }

    #[test]
    fn substitutions_replace_once_or_everywhere_and_l_lowers_the_case() {
        let one = |rule, full| short(&rules(rule), full);
        assert_eq!(one("RULE:[1:$1]s/a/b/", "aAa@R"), "bAa");
        assert_eq!(one("RULE:[1:$1]s/a/b/g", "aAa@R"), "bAb");
        assert_eq!(one("RULE:[1:$1]s/a/b/g/L", "aAa@R"), "bab");
        assert_eq!(one("RULE:[1:$1]/L", "ALICE@R"), "alice");
        assert_eq!(one("RULE:[1:$1](.*)s/(.)(.*)/$2$10/", "alice@R"), "licea0");
        assert_eq!(one(r"RULE:[1:$1]s/e/\$1/", "me@R"), "m$1");
        // The expression in parentheses must match the whole formatted name.
        assert!(
            rules("RULE:[1:$1](lic)s/x/y/")
                .short_name("alice@R")
                .is_err()
        );
        // A rule for one component does not apply to names with two.
        assert!(rules("RULE:[1:$1]").short_name("alice/admin@R").is_err());
    }

    #[test]
    fn expressions_are_javas() {
        let one = |rule, full| short(&rules(rule), full);
        assert_eq!(
            one(r"RULE:[1:$1@$0](\w+@\QA.B\E)s/@.*//", "alice@A.B"),
            "alice"
        );
        assert!(
            rules(r"RULE:[1:$1@$0](\w+@\QA.B\E)s/@.*//")
                .short_name("alice@AxB")
                .is_err()
        );
        assert_eq!(one(r"RULE:[1:$1]s/^(?!svc)(.)/u$1/", "alice@R"), "ualice");
        assert_eq!(one(r"RULE:[1:$1]s/^(?!svc)(.)/u$1/", "svc1@R"), "svc1");
        let slow = rules(r"RULE:[1:$1]s/^(a|aa)+(?=b)$/x/");
        let name = format!("{}@R", "a".repeat(1000));
        let error = slow.short_name(&name).expect_err("too slow");
        assert!(error.message().contains("takes too many steps"), "{error}");
    }

    #[test]
    fn a_name_that_is_too_long_to_be_kept_is_refused() {
        let error = rules("DEFAULT")
            .user(&"a".repeat(1025))
            .expect_err("too long");
        assert_eq!(
            error.message(),
            "a user's name has at most 1024 bytes, this one has 1025"
        );
    }

    #[test]
    fn results_that_are_not_simple_are_refused_unless_the_mechanism_is_mit() {
        let rule = "RULE:[1:$1@$0]";
        let error = rules(rule).short_name("alice@R").expect_err("not simple");
        assert_eq!(
            error.message(),
            "Non-simple name alice@R after auth_to_local rule RULE:[1:$1@$0]"
        );
        let mit = AuthToLocal::parse(rule, AuthToLocalMechanism::Mit, "EXAMPLE.COM")
            .expect("well-formed");
        assert_eq!(short(&mit, "alice@R"), "alice@R");
        assert_eq!(short(&mit, "nn/h@R"), "nn/h@R");
    }

    #[test]
    fn rules_that_cannot_be_read_tell_how_to_mend_them() {
        for (wrong, why) in [
            ("RULES", "write DEFAULT or RULE"),
            ("RULE:[x:$1]", "\"x\" is no number"),
            ("RULE:[1:$2]", "$2 in \"$2\" is outside"),
            ("RULE:[1:$a]", "followed by no number"),
            ("RULE:[1:$1](a", "write DEFAULT or RULE"),
            ("RULE:[1:$1]([)", "is no regular expression"),
            ("RULE:[1:$1]s/a", "write DEFAULT or RULE"),
            ("RULE:[1:$1]s/a/$1/", "there is no group 1"),
            ("RULE:[1:$1]x", "\"x\" does not belong"),
            ("DEFAULTRULE:[1:$1]", "white space"),
        ] {
            let error =
                AuthToLocal::parse(wrong, AuthToLocalMechanism::Hadoop, "R").expect_err(wrong);
            assert!(error.to_string().contains(why), "{wrong}: {error}");
            assert_eq!(error.key(), KEY);
        }
    }
}
