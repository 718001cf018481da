//! What a new password must be like, as kadmin's policies say it.

use std::time::Duration;

/// The rules for new passwords of a realm. The default ones allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// How many characters it must have.
    pub min_length: usize,
    /// Of how many classes its characters must be: lower case, upper case, digits, punctuation, others.
    pub min_classes: usize,
    /// How many of the last passwords, the present one among them, may not be used again.
    pub history: usize,
    /// After which time a new password expires.
    pub max_life: Option<Duration>,
}

impl PasswordPolicy {
    /// Says what is wrong with `password`, in words for the user who chose it; `former` are the passwords before it, the newest first.
    pub(crate) fn check<'a>(&self, password: &str, mut former: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let length = password.chars().count();
        if length < self.min_length {
            return Err(format!(
                "The new password has {length} characters, and must have {} at least.",
                self.min_length
            ));
        }
        let classes = classes(password);
        if classes < self.min_classes {
            return Err(format!(
                "The new password is made of {classes} classes of characters, and must be of {} at least: \
                 lower case, upper case, digits, punctuation, others.",
                self.min_classes
            ));
        }
        if former.by_ref().take(self.history).any(|former| former == password) {
            return Err(format!(
                "The new password is one of the last {}: choose one that was not used.",
                self.history
            ));
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
        assert!(refused("Ab-1").contains("6 at least"));
        assert!(refused("secret1").contains("3 at least"));
        assert!(refused("Secret-2").contains("last 2"));
        assert_eq!(policy.check("Secret-3", former()), Ok(()));
        assert_eq!(PasswordPolicy::default().check("", former()), Ok(()));
    }
}
