//! Our HttpFS beside Hadoop's, both before the same NameNode: the same requests in two directories,
//! compared answer by answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kerbox::{ClientEnv, Cluster};
use serde_json::Value;

use super::curl::curl;
use crate::support::{Peer, TestResult, Text, peer_source, peers_dir, run, trials};

trials! {
    [Peer::HttpFs, Peer::Reference, Peer::Curl] =>
        every_answer_is_that_of_hadoops_httpfs;
}

/// The requests: `UP` is a PUT of data, `@` the directory, and `HDFS` the URL of the file
/// system.
const REQUESTS: &str = "\
PUT @/d?op=MKDIRS
UP @/abc?op=CREATE&data=true
UP @/abd?op=CREATE&data=true&permission=600
UP @/x.txt?op=CREATE&data=true
UP @/x.txt?op=CREATE&data=true
UP @/x.txt?op=CREATE&data=true&overwrite=false
UP @/a%20b?op=CREATE&data=true
GET @?op=LISTSTATUS
GET @?op=LISTSTATUS&filter=
GET @?op=LISTSTATUS&filter=ab*
GET @?op=LISTSTATUS&filter=*.txt
GET @?op=LISTSTATUS&filter=%20a?c%20
GET @?op=LISTSTATUS&filter=[a-c]*
GET @?op=LISTSTATUS&filter=[^a]*
GET @?op=LISTSTATUS&filter={ab{c,d},d}
GET @?op=LISTSTATUS&filter=a+b
GET @?op=LISTSTATUS&filter=a%5C*
GET @?op=LISTSTATUS&filter=none
GET @?op=LISTSTATUS&filter=[
GET @?op=LISTSTATUS&filter={a
GET @?op=LISTSTATUS&filter=a%5C
GET @/abc?op=LISTSTATUS&filter=ab*
GET @/abc?op=LISTSTATUS&filter=x*
GET @/none?op=LISTSTATUS&filter=x*
GET @/a%20b?op=GETFILESTATUS
GET @/a+b?op=GETFILESTATUS
GET @/abc%20?op=GETFILESTATUS
GET @//abc/?op=GETFILESTATUS
GET @/d/.././abc?op=GETFILESTATUS
GET @/a:b?op=GETFILESTATUS
PUT @/abc?op=RENAME&destination=HDFS@/r
PUT @/r?op=RENAME&destination=hdfs:@//abc/
PUT @/abc?op=RENAME&destination=@/d/../r&renameoptions=NONE
PUT @/r?op=RENAME&destination=@/a%20c%20
PUT @/a%20c?op=RENAME&destination=%20@/abc
PUT @/abc?op=RENAME&destination=hdfs://other:1@/r
PUT @/abc?op=RENAME&destination=file://@/r
PUT @/abc?op=RENAME&destination=@/a:b
PUT @/abc?op=RENAME&destination=a:b
PUT @/abc?op=RENAME&destination=none/r
PUT @/abc?op=RENAME&destination=%20
PUT @/abc?op=RENAME
PUT @/none?op=RENAME&destination=@/r
UP @/c1?op=CREATE&data=true
UP @/c2?op=CREATE&data=true
UP @/c3?op=CREATE&data=true
UP @/c4?op=CREATE&data=true
POST @/c1?op=CONCAT&sources=HDFS@/c2
POST @/c1?op=CONCAT&sources=@/c3,
POST @/c1?op=CONCAT&sources=,@/c4
POST @/c1?op=CONCAT&sources=hdfs://other:1@/c4
GET @/c1?op=OPEN
GET @/c1?op=OPEN&offset=1&length=1
GET @?op=OPEN
GET @/x.txt?op=GETFILECHECKSUM
GET @?op=GETQUOTAUSAGE
GET @?op=GETACLSTATUS
GET @?op=GETSTORAGEPOLICY
GET @?op=GETHOMEDIRECTORY
GET /?op=GETHOMEDIRECTORY
GET /?op=gethomedirectory
GET /?op=NONE
GET /?op=
GET /
GET @?op=MKDIRS
PUT @?op=GETFILESTATUS
POST @?op=MKDIRS
DELETE @?op=MKDIRS
PUT @/d?op=SETPERMISSION&permission=700
PUT @/d?op=SETSTORAGEPOLICY&storagepolicy=COLD
POST @/d?op=UNSETSTORAGEPOLICY
PUT @/d?op=MODIFYACLENTRIES&aclspec=user:bob:rwx
GET @/d?op=GETACLSTATUS
PUT @/d?op=SETXATTR&xattr.name=user.a&xattr.value=%22v%22&flag=CREATE
GET @/d?op=GETXATTRS&xattr.name=user.a
GET @/d?op=GETXATTRS&encoding=hex
PUT @/d?op=REMOVEXATTR&xattr.name=user.a
HEAD @/abc?op=GETFILESTATUS
DELETE @/none?op=DELETE
DELETE @?op=DELETE&recursive=true
";

/// Hadoop's HttpFS, which ends with its input.
struct HttpFs {
    java: Child,
    url: String,
}

impl HttpFs {
    fn start(folder: &Path, conf: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let peers = peers_dir();
        let class_path = ["log", "reference/*", "httpfs/*"].map(|it| peers.join(it));
        let class_path = class_path.map(|it| it.display().to_string());
        let mut java = Command::new("java")
            .args(["-Djava.net.preferIPv4Stack=true", "-XX:TieredStopAtLevel=1"])
            .args(["--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp"])
            .arg(class_path.join(":"))
            .arg(peer_source("HttpFs.java"))
            .args([folder, conf])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = java.stdout.take().ok_or("no output")?;
        let mut httpfs = Self {
            java,
            url: String::new(),
        };
        let lines = BufReader::new(said).lines().map_while(Result::ok);
        let url = lines.into_iter().find(|line| line.starts_with("http://"));
        httpfs.url = url.ok_or("HttpFS has ended before it told its URL")?;
        Ok(httpfs)
    }
}

impl Drop for HttpFs {
    fn drop(&mut self) {
        let _ = self.java.kill();
        let _ = self.java.wait();
    }
}

/// Returns status, type and body of an answer, without what differs from file to file.
fn shown(answer: &str, directory: &str) -> String {
    let (head, body) = answer.rsplit_once("\r\n\r\n").unwrap_or((answer, ""));
    let head = head.rsplit("\r\n\r\n").next().unwrap_or_default();
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let kind = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or("", |(_, kind)| kind.split(';').next().unwrap_or(kind));
    let body = match serde_json::from_str(body) {
        Ok(value) => without_moments(value).to_string(),
        Err(_) => body.to_owned(),
    };
    format!("{status} {kind} {}", body.replace(directory, "@"))
}

fn without_moments(value: Value) -> Value {
    const OWN: [&str; 4] = ["accessTime", "modificationTime", "fileId", "Location"];
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            let fields = fields
                .into_iter()
                .filter(|(name, _)| !OWN.contains(&&**name));
            let fields = fields.map(|(name, value)| (name, without_moments(value)));
            Value::Object(fields.collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_moments).collect()),
        value => value,
    }
}

/// Makes a request to a server.
fn ask(env: &ClientEnv, base: &str, request: &str, data: &str) -> Text {
    let (method, target) = request.split_once(' ').ok_or("no method")?;
    let user = if target.contains('?') { '&' } else { '?' };
    let url = format!("{base}/v1{target}{user}user.name=alice");
    let octets = "Content-Type: application/octet-stream";
    let words: &[&str] = match method {
        "UP" => &["-T", data, "-H", octets, "-H", "Expect:"],
        "HEAD" => &["-I"],
        method => &["-X", method],
    };
    // The path and the pattern go to the server as they are.
    curl(
        env,
        &[&["-i", "-g", "--path-as-is"], words, &[&url]].concat(),
    )
}

fn every_answer_is_that_of_hadoops_httpfs() -> TestResult {
    // HttpFS acts for its users as the user of its process.
    let process = run(Command::new("id").arg("-un"), "")?.ok()?;
    let proxy = format!("hadoop.proxyuser.{}", process.trim());
    let cluster = Cluster::simple()
        .httpfs()
        .set(&format!("{proxy}.hosts"), "*")
        .set(&format!("{proxy}.users"), "*")
        .set("dfs.replication", "1")
        .set("dfs.namenode.fs-limits.min-block-size", "1")
        .start_blocking()?;
    let env = cluster.env();
    let data = cluster.path().join("data");
    std::fs::write(&data, "data")?;
    let data = data.display().to_string();
    let theirs = HttpFs::start(&cluster.path().join("httpfs"), &cluster.hadoop_conf_dir())?;
    let ours = format!("{}/webhdfs", cluster.httpfs_url().ok_or("no HttpFS")?);
    let mut differences = Vec::new();
    for request in REQUESTS.lines() {
        let answer = |base: &str, directory: &str| {
            let request = request.replace("HDFS", &cluster.url());
            let request = request.replace('@', directory);
            let answer = ask(&env, base, &request, &data)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(shown(&answer, directory))
        };
        // Of Hadoop's HttpFS, an operation fails now and then before it begins.
        let mut answers = (0..100).map(|_| answer(&theirs.url, "/user/alice/theirs"));
        let their = answers.find(|answer| match answer {
            Ok(answer) => !answer.contains("\"java.lang.IllegalStateException\""),
            Err(_) => true,
        });
        let their = their.ok_or("HttpFS fails always")??;
        let our = answer(&ours, "/user/alice/ours")?;
        if their != our {
            differences.push(format!("{request}\n  Hadoop: {their}\n    ours: {our}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}
