//! JVMs in the environment of a sandbox.

use std::path::{Path, PathBuf};
use std::process::Command;

use kerbox_testing::{Place, Ran};
use libtest_mimic::Trial;

use crate::peers::{self, trial};

const KERBOX: &str = env!("CARGO_BIN_EXE_kerbox");

pub(crate) fn trials() -> Vec<Trial> {
    let java = [("Java", peers::on_path("java"))];
    let hadoop = [
        ("Java", peers::on_path("java")),
        ("MIT kinit", peers::on_path("kinit")),
        ("Hadoop's Java client", jars().is_dir()),
    ];
    vec![
        trial(
            "java_clients::the_realm_is_found_whatever_the_folder_is_called",
            &java,
            the_realm_is_found_whatever_the_folder_is_called,
        ),
        trial(
            "java_clients::the_shells_variables_suffice_for_hadoop",
            &hadoop,
            the_shells_variables_suffice_for_hadoop,
        ),
        trial(
            "java_clients::security_without_protection_and_with_encryption",
            &hadoop,
            security_without_protection_and_with_encryption,
        ),
        trial(
            "java_clients::a_token_file_replaces_a_ticket",
            &hadoop,
            a_token_file_replaces_a_ticket,
        ),
    ]
}

fn jars() -> PathBuf {
    peers::folder().join("hadoop-client")
}

/// Runs a shell line in a place, as a user without any Kerberos variables.
fn shell(place: &Place, script: &str) -> Ran {
    let template = place.kerbox(&[]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(place.path());
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ran::of(command.output().expect("there is a shell"))
}

/// Returns the shell line that runs our program with Hadoop's client.
fn tokens() -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/java/Tokens.java");
    format!(
        "java -Djava.net.preferIPv4Stack=true -XX:TieredStopAtLevel=1 -cp \"$HADOOP_CONF_DIR:{}/*\" '{}'",
        jars().display(),
        source.display()
    )
}

fn the_realm_is_found_whatever_the_folder_is_called() {
    let show = "java -XshowSettings:properties -version";
    for name in ["plain", "it's here", "a\"b", "both ' and \" in it", "a'b"] {
        let place = Place::new();
        let up = place.up(&["--kdc-only", "--kdc-port", "0", "--dir", name]);
        let property = format!("java.security.krb5.conf = {}/krb5.conf", up.dir().display());
        let read = shell(&place, &format!("eval \"$({KERBOX} env)\" && {show}"));
        assert!(read.stderr.contains(&property), "{name}: {read:#?}");
        up.stop();
        let arguments = ["exec", "--kdc-only", "--dir", name, "--"];
        let words: Vec<&str> = show.split(' ').collect();
        let run = place.run(&[&arguments[..], &words].concat());
        assert!(run.stderr.contains(&property), "{name}: {run:#?}");
    }
}

fn the_shells_variables_suffice_for_hadoop() {
    let place = Place::new();
    let up = place.up(&[
        "--kdc-port",
        "0",
        "--namenode-port",
        "0",
        "--dir",
        "it's here",
    ]);
    place
        .run(&["principal", "add", "carol", "--password", "x"])
        .succeeded();
    let tokens = tokens();
    let ran = shell(
        &place,
        &format!(
            "eval \"$({KERBOX} env)\" && kinit -kt \"$KEYTABS/alice.keytab\" alice && {tokens}"
        ),
    );
    let said = ran.succeeded();
    for line in [
        "alice alice alice rwxr-xr-x",
        "carol carol carol rwxr-xr-x",
        "read whole",
        "HDFS_DELEGATION_TOKEN renewer hdfs",
    ] {
        assert!(
            said.lines().any(|found| found == line),
            "{line:?}: {ran:#?}"
        );
    }
    up.stop();
}

fn security_without_protection_and_with_encryption() {
    for pair in [
        "dfs.data.transfer.protection=",
        "dfs.encrypt.data.transfer=true",
    ] {
        let place = Place::new();
        let script = format!("kinit -kt \"$KEYTABS/alice.keytab\" alice && {}", tokens());
        let ran = place.run(&["exec", "-D", pair, "--", "sh", "-c", &script]);
        assert!(ran.succeeded().contains("read whole"), "{pair}: {ran:#?}");
    }
}

fn a_token_file_replaces_a_ticket() {
    let place = Place::new();
    let up = place.up(&["--kdc-port", "0", "--namenode-port", "0"]);
    let list = format!(
        "java -Djava.net.preferIPv4Stack=true -XX:TieredStopAtLevel=1 -cp \"$HADOOP_CONF_DIR:{}/*\" org.apache.hadoop.fs.FsShell -ls /user",
        jars().display()
    );
    let environment = format!("eval \"$({KERBOX} env)\"");
    let refused = shell(&place, &format!("{environment} && {list}"));
    assert_ne!(refused.code, Some(0), "there is no ticket: {refused:#?}");
    let token = "export HADOOP_TOKEN_FILE_LOCATION=\"$PWD/alice.token\"";
    let make = format!("{KERBOX} token alice -o alice.token");
    let ran = shell(
        &place,
        &format!("{environment} && {make} && {token} && {list}"),
    );
    assert!(ran.succeeded().contains("/user/alice"), "{ran:#?}");
    up.stop();
}
