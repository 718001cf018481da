//! The layout of Hadoop's secure mode, as its services and a user see it.

use kerbox::spec::Layout;
use kerbox::{ClientEnv, Cluster};

use super::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, command, run, trials};

trials! {
    [Peer::Mit, Peer::JavaHadoop] =>
        services_have_their_keytabs_users_and_directories;
}

/// Returns the environment of a service that has logged in with its keytab.
fn service(
    cluster: &Cluster,
    name: &str,
) -> Result<ClientEnv, Box<dyn std::error::Error + Send + Sync>> {
    let cache = cluster.path().join("ccache").join(name);
    let env = cluster
        .env()
        .with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    let keytab = cluster
        .path()
        .join(format!("keytabs/{name}.service.keytab"));
    let (keytab, principal) = (keytab.display().to_string(), format!("{name}/localhost"));
    run(
        &mut command(&env, "kinit", &["-k", "-t", &keytab, &principal]),
        "",
    )?
    .ok()?;
    Ok(env)
}

fn services_have_their_keytabs_users_and_directories() -> TestResult {
    let cluster = Cluster::secure()
        .layout(Layout::HadoopSecure)
        .start_blocking()?;
    let stat = |path| ["-stat", "%u:%g %A", path];
    let table = [
        ("/", "hdfs:hadoop rwxr-xr-x"),
        ("/tmp", "hdfs:hadoop rwxrwxrwt"),
        ("/user", "hdfs:hadoop rwxr-xr-x"),
        ("/tmp/logs", "yarn:hadoop rwxrwxrwt"),
        ("/mr-history/tmp", "mapred:hadoop rwxrwxrwt"),
        ("/mr-history/done", "mapred:hadoop rwxr-x---"),
    ];
    let commands = table.map(|(path, _)| stat(path));
    let commands: Vec<&[&str]> = commands.iter().map(|words| &words[..]).collect();
    let jhs = service(&cluster, "jhs")?;
    let (answers, stderr) = java_commands(&jhs, "FsShells.java", &commands)?;
    for ((_, said), (path, expected)) in answers.iter().zip(table) {
        assert_eq!(said.trim(), expected, "{path}: {stderr}");
    }
    for (name, owner) in [
        ("rm", "yarn"),
        ("nm", "yarn"),
        ("jhs", "mapred"),
        ("sn", "hdfs"),
    ] {
        let file = format!("/tmp/{name}");
        let commands: [&[&str]; 2] = [&["-touchz", &file], &["-stat", "%u", &file]];
        let (answers, stderr) =
            java_commands(&service(&cluster, name)?, "FsShells.java", &commands)?;
        assert_eq!(answers[1], (0, format!("{owner}\n")), "{name}: {stderr}");
    }
    let alice = cluster.login_blocking("alice")?.env();
    let commands: [&[&str]; 1] = [&["-ls", "/mr-history/done"]];
    let (answers, stderr) = java_commands(&alice, "FsShells.java", &commands)?;
    assert!(
        answers[0].0 != 0 && stderr.contains("Permission denied: user=alice"),
        "{answers:?} {stderr}"
    );
    let site = std::fs::read_to_string(cluster.hadoop_conf_dir().join("yarn-site.xml"))?;
    assert!(site.contains("keytabs/rm.service.keytab"), "{site}");
    Ok(())
}
