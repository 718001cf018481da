//! Rules for new passwords, like those of kadmin's policies.

use std::time::Duration;

/// The rules for new passwords of a realm or of a principal. The default allows everything.
///
/// ```
/// use kerbox_kdc::{PasswordPolicy, PasswordRefused};
///
/// let policy = PasswordPolicy { min_length: 8, min_classes: 2, history: 3, max_life: None };
/// assert_eq!(policy.check("short", [].into_iter()), Err(PasswordRefused::TooShort(8)));
/// let former = ["long enough 1"].into_iter();
/// assert_eq!(policy.check("long enough 1", former), Err(PasswordRefused::UsedBefore));
/// assert_eq!(policy.check("long enough 2", [].into_iter()), Ok(()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The minimum number of characters.
    pub min_length: usize,
    /// The minimum number of character classes: lower case, upper case, digits, punctuation,
    /// others.
    pub min_classes: usize,
    /// The number of last passwords, including the current one, that may not be reused.
    pub history: usize,
    /// The time after which a new password expires.
    pub max_life: Option<Duration>,
}

/// The reason for refusing a new password. It displays as MIT's kadmind words it for the user.
///
/// ```
/// use kerbox_kdc::PasswordRefused;
///
/// let said = PasswordRefused::UsedBefore.to_string();
/// assert_eq!(said, "New password was used previously. Please choose a different password.");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefused {
    /// It has fewer characters than this.
    #[error(
        "New password is too short.\nPlease choose a password which is at least {0} characters long."
    )]
    TooShort(usize),
    /// It has fewer character classes than this.
    #[error(
        "New password does not have enough character classes.\nThe character classes are:\n\
         \t- lower-case letters,\n\t- upper-case letters,\n\t- digits,\n\
         \t- punctuation, and\n\t- all other characters (e.g., control characters).\n\
         Please choose a password with at least {0} character classes."
    )]
    TooFewClasses(usize),
    /// It was used recently.
    #[error("New password was used previously. Please choose a different password.")]
    UsedBefore,
}

impl PasswordPolicy {
    /// Checks `password`. `former` are the previous passwords, newest first.
    pub fn check<'a>(
        &self,
        password: &str,
        mut former: impl Iterator<Item = &'a str>,
    ) -> Result<(), PasswordRefused> {
        if password.chars().count() < self.min_length {
            return Err(PasswordRefused::TooShort(self.min_length));
        }
        if classes(password) < self.min_classes {
            return Err(PasswordRefused::TooFewClasses(self.min_classes));
        }
        if former
            .by_ref()
            .take(self.history)
            .any(|former| former == password)
        {
            return Err(PasswordRefused::UsedBefore);
        }
        Ok(())
    }
}

fn classes(password: &str) -> usize {
    let has = |class: fn(char) -> bool| usize::from(password.chars().any(class));
    has(|character| character.is_lowercase())
        + has(|character| character.is_uppercase())
        + has(|character| character.is_ascii_digit())
        + has(|character| character.is_ascii_punctuation())
        + has(|character| !character.is_alphanumeric() && !character.is_ascii_punctuation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_refuses_in_words_and_lets_pass_what_fulfils_it() {
        let policy = PasswordPolicy {
            min_length: 6,
            min_classes: 3,
            history: 2,
            max_life: None,
        };
        let former = || ["Secret-1", "Secret-2", "Secret-3"].into_iter();
        let refused = |password| policy.check(password, former()).expect_err("a refusal");
        assert_eq!(refused("Ab-1"), PasswordRefused::TooShort(6));
        assert_eq!(refused("secret1"), PasswordRefused::TooFewClasses(3));
        assert_eq!(refused("Secret-2"), PasswordRefused::UsedBefore);
        assert_eq!(policy.check("Secret-3", former()), Ok(()));
        assert_eq!(PasswordPolicy::default().check("", former()), Ok(()));
    }
}
