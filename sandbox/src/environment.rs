//! The environment variables for a sandbox's clients, in the syntax of each shell.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;
use kerbox::directory::{hadoop_option, java_option, shell_word};

/// Maps names to values.
pub(crate) type Environment = BTreeMap<String, String>;

/// An output format for variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Shell {
    /// bash, zsh, dash and every other POSIX shell
    Bash,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// A .env file
    Dotenv,
    /// A JSON object
    Json,
}

/// Returns the variables of a sandbox with its files in `dir`, and those of the KDC in `kdc`.
/// Without a realm there are no Kerberos variables, and without a NameNode none of Hadoop's.
pub(crate) fn environment(
    dir: &Path,
    namenode: Option<&str>,
    webhdfs: Option<&str>,
    kdc: Option<&Path>,
) -> Environment {
    let mut variables = BTreeMap::from([("KERBOX_DIR", dir.display().to_string())]);
    if let Some(namenode) = namenode {
        variables.extend([
            ("HADOOP_CONF_DIR", dir.join("hadoop").display().to_string()),
            ("NAMENODE", namenode.to_owned()),
        ]);
    }
    variables.extend(webhdfs.map(|webhdfs| ("WEBHDFS", webhdfs.to_owned())));
    if let Some(kdc) = kdc {
        let path = |name: &str| kdc.join(name).display().to_string();
        variables.extend([
            ("KEYTABS", path("keytabs")),
            ("KRB5CCNAME", format!("FILE:{}", path("ccache/krb5cc"))),
            ("KRB5_CONFIG", path("krb5.conf")),
        ]);
        variables.extend(hadoop_option(kdc).map(|option| ("HADOOP_OPTS", option)));
    }
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Returns the options that point JVMs to the realm, because they ignore `KRB5_CONFIG`. They are
/// appended to the user's own values of these variables.
pub(crate) fn options(dir: &Path) -> Vec<(&'static str, String)> {
    let every_jvm = ("JAVA_TOOL_OPTIONS", java_option(dir));
    let scripts = hadoop_option(dir).map(|option| ("HADOOP_OPTS", option));
    [every_jvm].into_iter().chain(scripts).collect()
}

/// Returns a variable's value with `option` appended, unless it already contains it.
pub(crate) fn appended(value: &str, option: &str) -> String {
    if format!(" {value} ").contains(&format!(" {option} ")) {
        return value.to_owned();
    }
    format!("{value} {option}").trim_start().to_owned()
}

/// Returns the folder of the KDC whose realm the variables are for, if there is one.
fn kdc_of(variables: &Environment) -> Option<&Path> {
    Path::new(variables.get("KRB5_CONFIG")?).parent()
}

/// Returns the variables for a child of this process; the user's own values are extended.
pub(crate) fn here(variables: &Environment) -> Environment {
    let mut here = variables.clone();
    if let Some(dir) = kdc_of(variables) {
        for (name, option) in options(dir) {
            let value = std::env::var(name).unwrap_or_default();
            here.insert(name.to_owned(), appended(&value, &option));
        }
    }
    here
}

/// Returns whether a variable is one that puts a program under the clock: the library, its page,
/// and the krb5.conf for programs that need no offset in their caches.
pub(crate) fn of_clock(name: &OsStr) -> bool {
    ["LD_PRELOAD", "KERBOX_CLOCK_PAGE", "KRB5_CONFIG"]
        .iter()
        .any(|of_clock| name == *of_clock)
}

/// Returns the variables in the syntax of `shell`, one per line.
pub(crate) fn script(variables: &Environment, shell: Shell) -> String {
    if shell == Shell::Json {
        let json = serde_json::to_string_pretty(variables).expect("a map of texts is JSON");
        return format!("{json}\n");
    }
    variables
        .iter()
        .map(|(name, value)| line(name, value, shell) + "\n")
        .collect()
}

/// Returns the variables as a file for any POSIX shell, which extends the values set there.
pub(crate) fn file(variables: &Environment) -> String {
    let mut plain = variables.clone();
    let mut extended = String::new();
    if let Some(dir) = kdc_of(variables) {
        for (name, option) in options(dir) {
            plain.remove(name);
            let option = shell_word(&option);
            extended.push_str(&format!(
                "case \" ${{{name}-}} \" in *\" \"{option}\" \"*) ;; *) export {name}=\"${{{name}:+${name} }}\"{option} ;; esac\n"
            ));
        }
    }
    script(&plain, Shell::Bash) + &extended
}

fn line(name: &str, value: &str, shell: Shell) -> String {
    match shell {
        Shell::Bash => format!("export {name}={}", shell_word(value)),
        Shell::Fish => format!(
            "set -gx {name} '{}'",
            value.replace('\\', r"\\").replace('\'', r"\'")
        ),
        Shell::Powershell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        Shell::Dotenv | Shell::Json => {
            let value = value
                .replace('\\', r"\\")
                .replace('"', "\\\"")
                .replace('$', r"\$")
                .replace('`', "\\`");
            format!("{name}=\"{value}\"")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_its_own_quotes() {
        let variables = BTreeMap::from([(String::from("A"), String::from(r#"it's "$5" \ now"#))]);
        for (shell, expected) in [
            (Shell::Bash, r#"export A="it's \""'$5" '"\\ now""#),
            (Shell::Fish, r#"set -gx A 'it\'s "$5" \\ now'"#),
            (Shell::Powershell, r#"$env:A = 'it''s "$5" \ now'"#),
            (Shell::Dotenv, r#"A="it's \"\$5\" \\ now""#),
        ] {
            assert_eq!(script(&variables, shell).trim_end(), expected);
        }
        let json: Environment =
            serde_json::from_str(&script(&variables, Shell::Json)).expect("JSON");
        assert_eq!(json, variables);
    }

    #[test]
    fn without_a_realm_there_is_nothing_of_kerberos() {
        let (namenode, webhdfs) = ("hdfs://127.0.0.1:1", "http://localhost:2");
        let variables = environment(Path::new("/x"), Some(namenode), Some(webhdfs), None);
        assert_eq!(
            variables.keys().collect::<Vec<_>>(),
            ["HADOOP_CONF_DIR", "KERBOX_DIR", "NAMENODE", "WEBHDFS"]
        );
    }

    #[test]
    fn an_option_is_appended_once() {
        assert_eq!(appended("", "-Da=b"), "-Da=b");
        assert_eq!(appended("-Xmx1g", "-Da=b"), "-Xmx1g -Da=b");
        assert_eq!(appended("-Da=b -Xmx1g", "-Da=b"), "-Da=b -Xmx1g");
        assert_eq!(appended("-Da=bc", "-Da=b"), "-Da=bc -Da=b");
    }
}
