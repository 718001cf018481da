//! The variables that make clients use a sandbox, and how each shell writes them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::Shell;

/// Name to value.
pub(crate) type Environment = BTreeMap<String, String>;

/// The variables of a sandbox whose files are in `dir`; without a realm there is nothing of
/// Kerberos in them, without a NameNode nothing of Hadoop.
pub(crate) fn environment(dir: &Path, namenode: Option<&str>, kerberos: bool) -> Environment {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut variables = BTreeMap::from([("KERBOX_DIR", dir.display().to_string())]);
    if let Some(namenode) = namenode {
        variables.extend([
            ("HADOOP_CONF_DIR", path("hadoop")),
            ("NAMENODE", namenode.to_owned()),
        ]);
    }
    if kerberos {
        variables.extend([
            ("HADOOP_OPTS", java_option(dir)),
            ("KEYTABS", path("keytabs")),
            ("KRB5CCNAME", format!("FILE:{}", path("ccache/krb5cc"))),
            ("KRB5_CONFIG", path("krb5.conf")),
        ]);
    }
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What tells a JVM where the realm is: it does not look at `KRB5_CONFIG`.
pub(crate) fn java_option(dir: &Path) -> String {
    let option = format!(
        "-Djava.security.krb5.conf={}",
        dir.join("krb5.conf").display()
    );
    if option.contains(char::is_whitespace) {
        format!("\"{option}\"")
    } else {
        option
    }
}

/// The variables as `shell` reads them, a line each.
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

fn line(name: &str, value: &str, shell: Shell) -> String {
    match shell {
        Shell::Bash => format!("export {name}='{}'", value.replace('\'', r"'\''")),
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
            (Shell::Bash, r#"export A='it'\''s "$5" \ now'"#),
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
        let variables = environment(Path::new("/x"), Some("hdfs://127.0.0.1:1"), false);
        assert_eq!(
            variables.keys().collect::<Vec<_>>(),
            ["HADOOP_CONF_DIR", "KERBOX_DIR", "NAMENODE"]
        );
    }
}
