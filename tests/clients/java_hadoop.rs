//! Hadoop's own Java client, through its FsShell.

use std::path::PathBuf;

use kerbox::{ClientEnv, Cluster, ClusterBuilder, Protection};

use crate::support::{Peer, TestResult, command, hadoop_jars, peer_source, peers_dir, run, trials};

trials! {
    [Peer::JavaHadoop] =>
        fs_shell_works_without_security,
        fs_shell_works_with_authentication,
        fs_shell_works_with_integrity,
        fs_shell_works_with_privacy,
        fs_shell_works_with_aes_and_three_datanodes,
        fs_shell_works_with_fourteen_datanodes,
        the_seeds_workflow_as_jupyter,
        fs_shell_refuses_a_lower_protection_than_its_own,
        a_client_with_a_lower_protection_than_the_servers_is_refused;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A command's status, and what it printed.
pub(crate) type Answer = (i32, String);

/// Runs FsShell commands in one JVM; returns each command's answer, and the standard error of all.
fn fs_shells(env: &ClientEnv, commands: &[&[&str]]) -> Result<(Vec<Answer>, String), Error> {
    java_commands(env, "FsShells.java", commands)
}

/// Returns the class path of Hadoop's client with a fixture's configuration.
pub(crate) fn class_path(env: &ClientEnv) -> Result<String, Error> {
    // The second folder's classes are used only where a test names them.
    class_path_of(env, &[hadoop_jars(), peers_dir().join("httpfs")])
}

/// Returns the class path of the jars in these folders with a fixture's configuration.
pub(crate) fn class_path_of(env: &ClientEnv, jars: &[PathBuf]) -> Result<String, Error> {
    let conf = env.get("HADOOP_CONF_DIR").ok_or("no HADOOP_CONF_DIR")?;
    let log = peers_dir().join("log");
    let mut path = format!("{}:{}", conf.to_string_lossy(), log.display());
    for folder in jars {
        path.push_str(&format!(":{}/*", folder.display()));
    }
    Ok(path)
}

/// Returns the arguments with which `java` runs one of the programs in `tests/peers`.
pub(crate) fn java_program(env: &ClientEnv, program: &str) -> Result<Vec<String>, Error> {
    let krb5 = env
        .get("KRB5_CONFIG")
        .map(|path| format!("-Djava.security.krb5.conf={}", path.to_string_lossy()));
    let mut words = vec![
        "-Dpeers.level=WARN".to_owned(),
        "-Djava.net.preferIPv4Stack=true".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
    ];
    words.extend(krb5);
    words.extend(["-cp".to_owned(), class_path(env)?]);
    words.push(peer_source(program).display().to_string());
    Ok(words)
}

/// Runs commands of one of the programs in `tests/peers` in one JVM; returns each command's answer,
/// and the standard error of all.
pub(crate) fn java_commands(
    env: &ClientEnv,
    program: &str,
    commands: &[&[&str]],
) -> Result<(Vec<Answer>, String), Error> {
    commands_to(env, &java_program(env, program)?, commands)
}

/// Runs commands of a program that `java` starts with these arguments.
pub(crate) fn commands_to(
    env: &ClientEnv,
    words: &[String],
    commands: &[&[&str]],
) -> Result<(Vec<Answer>, String), Error> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let input: String = commands
        .iter()
        .map(|words| words.join("\t") + "\n")
        .collect();
    let ran = run(&mut command(env, "java", &words), &input)?;
    let mut answers = Vec::new();
    let mut text = String::new();
    for line in ran.stdout.lines() {
        match line.strip_prefix("=> ") {
            Some(status) => answers.push((status.parse()?, std::mem::take(&mut text))),
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    if answers.len() == commands.len() {
        Ok((answers, ran.stderr))
    } else {
        Err(format!(
            "{} of {} commands ended: {ran}",
            answers.len(),
            commands.len()
        )
        .into())
    }
}

fn all_ok(env: &ClientEnv, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    let (answers, stderr) = fs_shells(env, commands)?;
    let mut texts = Vec::new();
    for ((status, text), command) in answers.into_iter().zip(commands) {
        if status != 0 {
            return Err(format!("{command:?} ended with {status}: {text}{stderr}").into());
        }
        texts.push(text);
    }
    Ok(texts)
}

fn user_env(cluster: &Cluster, user: &str) -> Result<ClientEnv, Error> {
    Ok(match cluster.realm() {
        Some(_) => cluster.login_blocking(user)?.env(),
        None => cluster.env_of(user),
    })
}

pub(crate) fn workflow(builder: ClusterBuilder) -> TestResult {
    let cluster = builder.start_blocking()?;
    let local = cluster.path().join("local");
    let text: String = (0..30_000).map(|i| format!("line {i}\n")).collect();
    std::fs::write(&local, &text)?;
    let local = local.display().to_string();
    let back = cluster.path().join("back").display().to_string();
    let answers = all_ok(
        &user_env(&cluster, "hdfs")?,
        &[
            &["-mkdir", "-p", "/data/a/b"],
            &["-put", &local, "/data/a/f"],
            &["-cat", "/data/a/f"],
            &["-chmod", "700", "/data/a"],
            &["-chown", "alice:analysts", "/data/a"],
            &["-appendToFile", &local, "/data/a/f"],
            &["-ls", "-R", "/data"],
            &["-get", "/data/a/f", &back],
            &["-rm", "-R", "/data/a"],
            &["-ls", "/data"],
        ],
    )?;
    assert!(answers[2] == text, "the file came back changed");
    assert!(
        answers[6].contains("drwx------   - alice analysts"),
        "{}",
        answers[6]
    );
    assert!(
        answers[6].contains(&format!("{} ", 2 * text.len())),
        "{}",
        answers[6]
    );
    assert!(
        std::fs::read_to_string(&back)? == text.clone() + &text,
        "the appended file came back changed"
    );
    assert_eq!(answers[9], "");
    Ok(())
}

fn fs_shell_works_without_security() -> TestResult {
    workflow(Cluster::simple())
}

fn fs_shell_works_with_authentication() -> TestResult {
    workflow(Cluster::secure())
}

fn fs_shell_works_with_integrity() -> TestResult {
    workflow(Cluster::secure().protection(Protection::Integrity))
}

fn fs_shell_works_with_privacy() -> TestResult {
    workflow(Cluster::secure().protection(Protection::Privacy))
}

fn fs_shell_works_with_aes_and_three_datanodes() -> TestResult {
    workflow(
        Cluster::secure()
            .protection(Protection::PrivacyAes)
            .datanodes(3),
    )
}

fn fs_shell_works_with_fourteen_datanodes() -> TestResult {
    workflow(Cluster::secure().datanodes(14).set("dfs.replication", "14"))
}

/// Sets up a notebook user's folder, as in the seed documents.
fn the_seeds_workflow_as_jupyter() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let local = cluster.path().join("notebook");
    std::fs::write(&local, "print('hello')\n")?;
    let local = local.display().to_string();
    all_ok(
        &user_env(&cluster, "hdfs")?,
        &[
            &["-mkdir", "-p", "/data/jupyter"],
            &["-chown", "jupyter:jupyter", "/data/jupyter"],
            &["-chmod", "700", "/data/jupyter"],
        ],
    )?;
    // jupyter logs in as a service does: with a keytab, inside the JVM.
    let keytab = cluster
        .realm()
        .ok_or("no realm")?
        .keytab("jupyter")?
        .display()
        .to_string();
    let answers = all_ok(
        &cluster.env(),
        &[
            &["login", "jupyter", &keytab],
            &["-put", &local, "/data/jupyter/notebook.py"],
            &["-mkdir", "-p", "/data/jupyter/out/2026"],
            &["-ls", "-R", "/data/jupyter"],
        ],
    )?;
    assert!(
        answers[3].contains("jupyter jupyter") && answers[3].contains("/data/jupyter/out/2026"),
        "{}",
        answers[3]
    );
    let (refused, said) = fs_shells(
        &user_env(&cluster, "bob")?,
        &[
            &["-ls", "/data/jupyter"],
            &["-cat", "/data/jupyter/notebook.py"],
        ],
    )?;
    assert!(
        refused.iter().all(|(status, _)| *status == 1),
        "{refused:?}"
    );
    assert!(
        said.contains("Permission denied: user=bob, access=READ_EXECUTE, inode=\"/data/jupyter\":jupyter:jupyter:drwx------"),
        "{said}"
    );
    all_ok(
        &cluster.env(),
        &[
            &["login", "jupyter", &keytab],
            &["-rm", "-R", "/data/jupyter/out"],
        ],
    )?;
    Ok(())
}

/// Runs `-ls /` with a protection in the client's files that differs from the servers'.
fn list_with(servers: Protection, theirs: &str, mine: &str) -> Result<(i32, String), Error> {
    let cluster = Cluster::secure().protection(servers).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let other = cluster.path().join("other");
    std::fs::create_dir(&other)?;
    for name in ["core-site.xml", "hdfs-site.xml"] {
        let xml = std::fs::read_to_string(cluster.hadoop_conf_dir().join(name))?;
        let changed = xml.replace(
            &format!("<value>{theirs}</value>"),
            &format!("<value>{mine}</value>"),
        );
        assert_ne!(xml, changed, "there is a protection to change");
        std::fs::write(other.join(name), changed)?;
    }
    let (answers, said) = fs_shells(
        &alice.env().with("HADOOP_CONF_DIR", &other),
        &[&["-ls", "/"]],
    )?;
    Ok((answers[0].0, said))
}

fn fs_shell_refuses_a_lower_protection_than_its_own() -> TestResult {
    let (status, said) = list_with(Protection::Authentication, "authentication", "privacy")?;
    assert_ne!(status, 0, "{said}");
    assert!(
        said.contains("No common protection layer between client and server"),
        "{said}"
    );
    Ok(())
}

fn a_client_with_a_lower_protection_than_the_servers_is_refused() -> TestResult {
    let (status, said) = list_with(Protection::Privacy, "privacy", "authentication")?;
    assert_ne!(status, 0, "{said}");
    assert!(
        said.contains("No common protection layer between client and server"),
        "{said}"
    );
    Ok(())
}
