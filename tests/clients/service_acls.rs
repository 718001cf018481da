//! Who may use which protocol: the same lists and the same callers at Hadoop's NameNode and at
//! ours.

use kerbox::{ClientEnv, Cluster};

use super::java_hadoop::java_commands;
use crate::rpc_client::reference::Reference;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::Reference, Peer::JavaHadoop] =>
        refusals_of_services_are_hadoops;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const KEYS: [(&str, &str); 7] = [
    ("hadoop.security.authorization", "true"),
    ("security.client.protocol.acl", "hdfs,alice staff"),
    ("security.client.protocol.acl.blocked", "carol"),
    (
        "security.refresh.user.mappings.protocol.hosts",
        "10.0.0.0/8",
    ),
    (
        "hadoop.user.group.static.mapping.overrides",
        "hdfs=supergroup;bob=staff;carol=staff",
    ),
    ("hadoop.proxyuser.oozie.users", "alice,dave"),
    ("hadoop.proxyuser.oozie.hosts", "127.0.0.0/8"),
];

/// The callers; after a slash, the user that one acts for.
const CALLERS: [&str; 7] = [
    "alice",
    "bob",
    "carol",
    "dave",
    "oozie/alice",
    "oozie/bob",
    "oozie/dave",
];

/// Returns what each caller is told.
fn answers(env: &ClientEnv) -> Result<Vec<String>, Error> {
    let callers = CALLERS.map(|caller| {
        [
            vec!["as", caller, "fs", "-test", "-d", "/user"],
            vec!["as", caller, "dfsadmin", "-refreshUserToGroupsMappings"],
        ]
    });
    let commands: Vec<&[&str]> = callers.iter().flatten().map(Vec::as_slice).collect();
    let answers = java_commands(env, "Admin.java", &commands)?.0;
    let told = answers.iter().zip(&commands);
    let told = told.map(|((status, text), words)| format!("{words:?}: {status} {text}"));
    Ok(told.collect())
}

fn refusals_of_services_are_hadoops() -> TestResult {
    let words: Vec<String> = KEYS
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let reference = Reference::start(&words, |command| {
        command.env("HADOOP_USER_NAME", "hdfs");
    })?;
    let env = ClientEnv::default().with("HADOOP_CONF_DIR", reference.conf());
    let theirs = answers(&env)?;
    let builder = Cluster::simple();
    let builder = KEYS
        .iter()
        .fold(builder, |builder, (key, value)| builder.set(key, *value));
    let cluster = builder.start_blocking()?;
    let ours = answers(&cluster.env())?;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    let refused = |part: &str| theirs.iter().any(|text| text.contains(part));
    assert!(refused("denied by configured ACL"), "{theirs:#?}");
    assert!(refused("Host 127.0.0.1 is not authorized"), "{theirs:#?}");
    assert!(refused("is not allowed to impersonate bob"), "{theirs:#?}");
    Ok(())
}
