//! The settings of HTTP ports.

use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The settings of HTTP ports. Servers without any ignore them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebConfig {
    /// `hadoop.http.staticuser.user`: the user of a request that names none, without security.
    pub static_user: String,
    /// `dfs.webhdfs.user.provider.user.pattern`: the names that requests may state.
    pub user_pattern: String,
    /// `hadoop.http.authentication.token.validity`: the validity of the cookie `hadoop.auth`.
    pub cookie_validity: Duration,
    /// `dfs.webhdfs.rest-csrf.enabled`: browsers must send a header that no form sends.
    pub csrf_enabled: bool,
    /// `dfs.webhdfs.rest-csrf.custom-header`
    pub csrf_header: String,
    /// `dfs.webhdfs.rest-csrf.methods-to-ignore`
    pub csrf_methods_to_ignore: Vec<String>,
    /// `dfs.webhdfs.rest-csrf.browser-useragents-regex`
    pub csrf_browsers: Vec<String>,
    /// `hadoop.security.instrumentation.requires.admin`: only administrators see figures and
    /// configuration.
    pub instrumentation_requires_admin: bool,
    /// `hadoop.prometheus.endpoint.enabled`
    pub prometheus: bool,
    /// `dfs.cluster.administrators`: users, a blank, and groups; `*` means everyone.
    pub administrators: String,
}

impl Default for WebConfig {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            static_user: "dr.who".to_owned(),
            user_pattern: "^[A-Za-z_][A-Za-z0-9._-]*[$]?$".to_owned(),
            cookie_validity: Duration::from_secs(10 * 3600),
            csrf_enabled: false,
            csrf_header: "X-XSRF-HEADER".to_owned(),
            csrf_methods_to_ignore: owned(&["GET", "OPTIONS", "HEAD", "TRACE"]),
            csrf_browsers: owned(&["^Mozilla.*", "^Opera.*"]),
            instrumentation_requires_admin: false,
            prometheus: false,
            administrators: String::new(),
        }
    }
}

impl WebConfig {
    /// Sets the field behind a key; false if there is none.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "hadoop.http.staticuser.user" => {
                if entry.value.is_empty() {
                    return Err(entry.error("write the name of a user, for instance dr.who"));
                }
                self.static_user = entry.value.to_owned();
            }
            "dfs.webhdfs.user.provider.user.pattern" => {
                if fancy_regex::Regex::new(entry.value).is_err() {
                    return Err(entry.error("write a regular expression"));
                }
                self.user_pattern = entry.value.to_owned();
            }
            "hadoop.http.authentication.token.validity" => {
                self.cookie_validity = entry.duration(Duration::from_secs(1))?;
            }
            "dfs.webhdfs.rest-csrf.enabled" => self.csrf_enabled = entry.boolean()?,
            "dfs.webhdfs.rest-csrf.custom-header" => {
                if !is_header_name(entry.value) {
                    return Err(entry.error("write the name of a header, as in X-XSRF-HEADER"));
                }
                self.csrf_header = entry.value.to_owned();
            }
            "dfs.webhdfs.rest-csrf.methods-to-ignore" => {
                self.csrf_methods_to_ignore = entry.list();
            }
            "dfs.webhdfs.rest-csrf.browser-useragents-regex" => {
                let browsers = entry.list();
                if let Some(wrong) = browsers
                    .iter()
                    .find(|text| fancy_regex::Regex::new(text).is_err())
                {
                    return Err(entry.error(format!("{wrong:?} is not a regular expression")));
                }
                self.csrf_browsers = browsers;
            }
            "hadoop.security.instrumentation.requires.admin" => {
                self.instrumentation_requires_admin = entry.boolean()?;
            }
            "hadoop.prometheus.endpoint.enabled" => self.prometheus = entry.boolean()?,
            "dfs.cluster.administrators" => self.administrators = entry.value.to_owned(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns true if `dfs.cluster.administrators` names the user or one of its groups.
    #[must_use]
    pub fn is_administrator(&self, user: &str, groups: &[String]) -> bool {
        let (users, of_groups) = match self.administrators.split_once(' ') {
            Some((users, of_groups)) => (users, of_groups),
            None => (&*self.administrators, ""),
        };
        let names = |list: &str, name: &str| list.split(',').any(|listed| listed.trim() == name);
        self.administrators.trim() == "*"
            || names(users, user)
            || groups.iter().any(|group| names(of_groups, group))
    }
}

/// Returns true for a token of HTTP (RFC 9110, section 5.6.2).
fn is_header_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use crate::config::HdfsConfig;

    #[test]
    fn the_header_against_forms_must_be_one() {
        let key = "dfs.webhdfs.rest-csrf.custom-header";
        for wrong in ["", "X XSRF", "X-XSRF:", "ä"] {
            let refused = HdfsConfig::from_pairs([(key, wrong)]).expect_err("no header's name");
            assert!(refused.to_string().contains("X-XSRF-HEADER"), "{refused}");
        }
        let (config, _) = HdfsConfig::from_pairs([(key, "X-Mine")]).expect("a header's name");
        assert_eq!(config.web.csrf_header, "X-Mine");
    }
}
