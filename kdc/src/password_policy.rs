//! What a new password must be like, as kadmin's policies say it.

use std::time::Duration;

/// The rules for new passwords of a realm, or of a principal. The default ones allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// How many characters it must have.
    pub min_length: usize,
    /// Of how many classes its characters must be: lower case, upper case, digits, punctuation,
    /// others.
    pub min_classes: usize,
    /// How many of the last passwords, the present one among them, may not be used again.
    pub history: usize,
    /// After which time a new password expires.
    pub max_life: Option<Duration>,
}

/// What is wrong with a new password. Displayed it is what MIT's kadmind tells the user who chose
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// It has fewer characters than this.
    #[error(
        "New password is too short.\nPlease choose a password which is at least {0} characters long."
    )]
    TooShort(usize),
    /// Its characters are of fewer classes than this.
    #[error(
        "New password does not have enough character classes.\nThe character classes are:\n\t- lower-case letters,\n\
         \t- upper-case letters,\n\t- digits,\n\t- punctuation, and\n\t- all other characters (e.g., control characters).\n\
         Please choose a password with at least {0} character classes."
    )]
    TooFewClasses(usize),
    /// It is one of the last ones.
    #[error("New password was used previously. Please choose a different password.")]
    UsedBefore,
}

impl PasswordPolicy {
    /// Says what is wrong with `password`; `former` are the passwords before it, the newest first.
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
