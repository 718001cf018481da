//! The text that a person sees on a terminal.

use kerbox::directory::shell_word;
use kerbox::spec::Security;

use crate::directory::Directory;
use crate::ready::Ready;
use crate::sandbox::Sandbox;
use crate::settings::Settings;

/// Returns the addresses, principals, files, and the next command to type.
pub(crate) fn welcome(sandbox: &Sandbox, settings: &Settings, directory: &Directory) -> String {
    let ready = sandbox.ready();
    let dir = &ready.dir;
    let rows = rows(ready, settings);
    let steps = [
        Some(format!(". {}", shell_word(&format!("{dir}/env.sh")))),
        ready.realm.as_ref().map(|_| String::from("kinit alice")),
        ready
            .endpoints
            .namenode
            .as_ref()
            .map(|_| String::from("hdfs dfs -ls /")),
    ];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    let end = if directory.is_kept() {
        "stops it; the files stay"
    } else {
        "stops it and removes the files"
    };
    format!(
        "kerbox {} serves. Not for production.\n\n{}\n\n  Try       {}\n\nReady in {} ms. Ctrl-C {end}.\n",
        ready.version,
        rows.join("\n"),
        steps.join(" && "),
        sandbox.startup().as_millis(),
    )
}

/// Returns the lines about the servers, their users and their files.
fn rows(ready: &Ready, settings: &Settings) -> Vec<String> {
    let mut rows = Vec::new();
    if let Some(namenode) = &ready.endpoints.namenode {
        let nodes = match ready.endpoints.datanodes.len() {
            1 => String::from("1 DataNode"),
            count => format!("{count} DataNodes"),
        };
        let hdfs = &settings.spec.hdfs;
        let protection = hdfs.keys.get("hadoop.rpc.protection");
        let protection = protection.map_or("authentication", String::as_str);
        let security = match hdfs.security {
            Security::Kerberos => format!("Kerberos, {protection}"),
            Security::Simple => String::from("no Kerberos: clients are believed"),
        };
        let more = format!("1 NameNode, {nodes}, {security}");
        rows.push(row("HDFS", namenode, &more));
    }
    rows.extend(web_rows(ready, settings));
    if let (Some(kdc), Some(realm)) = (&ready.endpoints.kdc, &ready.realm) {
        rows.push(row("KDC", kdc, &format!("realm {realm}, UDP and TCP")));
        let (easy, own) = users(settings);
        rows.push(row("Users", &easy.join(" "), "password = name"));
        if !own.is_empty() {
            let more = "passwords as configured, or keytabs only";
            rows.push(row("", &own.join(" "), more));
        }
    }
    let files = if ready.realm.is_some() {
        "krb5.conf keytabs/ hadoop/ env.sh"
    } else {
        "hadoop/ env.sh"
    };
    rows.push(row("Files", &ready.dir, files));
    if let Some(dir) = &settings.data_dir {
        let dir = dir.display().to_string();
        rows.push(row("Data", &dir, "kept for the next run"));
    }
    rows
}

/// Returns the lines of the HTTP ports.
fn web_rows(ready: &Ready, settings: &Settings) -> Vec<String> {
    let mut rows = Vec::new();
    if let Some(webhdfs) = &ready.endpoints.webhdfs {
        rows.push(row("WebHDFS", &format!("{webhdfs}/webhdfs/v1"), ""));
    }
    if let Some(console) = &ready.endpoints.console {
        let (query, more) = if ready.realm.is_some() {
            (String::new(), "for a browser with a ticket")
        } else {
            let query = format!("?user.name={}", settings.spec.hdfs.superuser);
            (query, "for a browser")
        };
        rows.push(row("Console", &format!("{console}/{query}"), more));
    }
    if let Some(swebhdfs) = &ready.endpoints.swebhdfs {
        let more = format!("--cacert {}/ca.pem", ready.dir);
        rows.push(row("HTTPS", &format!("{swebhdfs}/webhdfs/v1"), &more));
    }
    if let Some(httpfs) = &ready.endpoints.httpfs {
        rows.push(row("HttpFS", &format!("{httpfs}/webhdfs/v1"), ""));
    }
    rows
}

/// Returns a line: a server, its address, and what else there is to say.
fn row(name: &str, what: &str, more: &str) -> String {
    let row = format!("  {name:<10}{what:<34}{more}");
    row.trim_end().to_owned()
}

/// Returns the users whose password is their name, and the other users.
fn users(settings: &Settings) -> (Vec<&str>, Vec<&str>) {
    let (mut easy, mut own) = (Vec::new(), Vec::new());
    for user in settings
        .spec
        .realm
        .principals
        .iter()
        .filter(|principal| !principal.name.contains('/'))
    {
        let list = if user.password.as_ref() == Some(&user.name) {
            &mut easy
        } else {
            &mut own
        };
        list.push(user.name.as_str());
    }
    (easy, own)
}
