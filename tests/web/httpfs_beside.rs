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

/// The requests: `UP` is a PUT of data, `AP` a POST of data, `NOBODY` a GET or PUT without the
/// user's name, `@` the directory, and `HDFS` the URL of the file system.
const REQUESTS: &str = include_str!("httpfs_beside/general.txt");

/// Values that are wrong, missing, or at a limit, and exceptions of the NameNode.
const WRONG: &str = include_str!("httpfs_beside/wrong.txt");

/// Reading at any place.
const READING: &str = include_str!("httpfs_beside/reading.txt");

/// Attributes, policies, erasure coding and the rest.
const OTHERS: &str = include_str!("httpfs_beside/others.txt");

/// Values whose absence its client of the NameNode notices in the middle of a call. The thread of
/// Hadoop's HttpFS that has made it can make no other call.
const LAST: &str = include_str!("httpfs_beside/last.txt");

/// Tokens. `T` is one that the same server has issued, `C` one that was cancelled, and `F` one with
/// another password.
const TOKENS: &str = include_str!("httpfs_beside/tokens.txt");

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
    let title = body.split_once("<title>").map(|(_, rest)| rest);
    let title = title.and_then(|rest| rest.split_once("</title>"));
    let body = match (serde_json::from_str(body), title) {
        (Ok(value), _) => without_moments(value).to_string(),
        // The servlet container's page has more on it than ours.
        (Err(_), Some((title, _))) => title.replace("&apos;", "'"),
        (Err(_), None) => body.to_owned(),
    };
    format!("{status} {kind} {}", body.replace(directory, "@"))
}

fn without_moments(value: Value) -> Value {
    const OWN: [&str; 6] = [
        "accessTime",
        "modificationTime",
        "fileId",
        "Location",
        "urlString",
        "long",
    ];
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

/// Returns a text with its numbers left out.
fn without_numbers(text: &str) -> String {
    let mut shown: Vec<char> = Vec::new();
    for letter in text.chars() {
        let letter = if letter.is_ascii_digit() { '#' } else { letter };
        if letter != '#' || shown.last() != Some(&'#') {
            shown.push(letter);
        }
    }
    shown.into_iter().collect()
}

/// Two servers before the same NameNode, and the requests of one user after the other.
struct Beside<'a> {
    env: &'a ClientEnv,
    hdfs: String,
    data: String,
    theirs: String,
    ours: String,
    differences: Vec<String>,
}

impl Beside<'_> {
    /// Makes a request to a server as a user, in this directory.
    fn ask(&self, base: &str, user: &str, request: &str, directory: &str) -> Text {
        let request = request.replace("HDFS", &self.hdfs);
        let request = request.replace('@', directory);
        let (method, target) = request.split_once(' ').ok_or("no method")?;
        let mut url = format!("{base}/v1{target}");
        if method != "NOBODY" && !target.contains("user.name") {
            let mark = if target.contains('?') { '&' } else { '?' };
            url = format!("{url}{mark}user.name={user}");
        }
        let is_put = ["op=RENEW", "op=CANCEL", "op=MKDIRS"];
        let is_put = is_put.into_iter().any(|op| target.contains(op));
        let data = [
            "-T",
            &self.data,
            "-H",
            "Content-Type: application/octet-stream",
        ];
        let words = match method {
            "UP" => [&data[..], &["-H", "Expect:"]].concat(),
            "AP" => [&data[..], &["-H", "Expect:", "-X", "POST"]].concat(),
            "HEAD" => vec!["-I"],
            "NOBODY" if is_put => vec!["-X", "PUT"],
            "NOBODY" => vec!["-X", "GET"],
            method => vec!["-X", method],
        };
        // The path and the pattern go to the server as they are.
        let words = [&["-i", "-g", "--path-as-is"], &words[..], &[&url]].concat();
        Ok(shown(&curl(self.env, &words)?, directory))
    }

    /// Asks Hadoop's HttpFS, of which an operation fails now and then before it begins.
    fn ask_theirs(&self, user: &str, request: &str) -> Text {
        let directory = format!("/user/{user}/theirs");
        let ask = || {
            let answer = self.ask(&self.theirs, user, request, &directory);
            answer.map_err(|error| error.to_string())
        };
        let fails = |answer: &String| answer.contains("\"java.lang.IllegalStateException\"");
        // Its idle threads may all be lost, so that only requests at the same time get new ones.
        for at_once in [1; 20].into_iter().chain([16; 20]) {
            let answers = std::thread::scope(|scope| {
                let asked: Vec<_> = (0..at_once).map(|_| scope.spawn(ask)).collect();
                let answers = asked.into_iter().map(std::thread::ScopedJoinHandle::join);
                answers.collect::<Result<Vec<_>, _>>()
            });
            let answers = answers.map_err(|_| "a thread has panicked")?;
            let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
            if let Some(answer) = answers.into_iter().find(|answer| !fails(answer)) {
                return Ok(answer);
            }
        }
        Err(format!("HttpFS fails always: {request}").into())
    }

    fn compare(&mut self, user: &str, requests: &str) -> TestResult {
        for request in requests.lines() {
            let their = self.ask_theirs(user, request)?;
            let directory = format!("/user/{user}/ours");
            let our = self.ask(&self.ours, user, request, &directory)?;
            self.note(request, &their, &our);
        }
        Ok(())
    }

    fn note(&mut self, request: &str, their: &str, our: &str) {
        if their != our {
            let difference = format!("{request}\n  Hadoop: {their}\n    ours: {our}");
            self.differences.push(difference);
        }
    }

    /// Compares what the servers say of tokens: one of their own, a cancelled one, and a forged
    /// one.
    fn compare_tokens(&mut self, user: &str) -> TestResult {
        let ours = self.tokens(&self.ours.clone(), user)?;
        let theirs = self.tokens(&self.theirs.clone(), user)?;
        let with = |request: &str, tokens: &[String; 3]| {
            let [own, cancelled, forged] = tokens;
            let request = request.replace("=T", &format!("={own}"));
            let request = request.replace("=C&", &format!("={cancelled}&"));
            let request = request.replace("=F", &format!("={forged}"));
            match request.strip_suffix("=C") {
                Some(start) => format!("{start}={cancelled}"),
                None => request,
            }
        };
        for request in TOKENS.lines() {
            let their = self.ask_theirs(user, &with(request, &theirs))?;
            let directory = format!("/user/{user}/ours");
            let our = self.ask(&self.ours, user, &with(request, &ours), &directory)?;
            self.note(request, &without_numbers(&their), &without_numbers(&our));
        }
        Ok(())
    }

    /// Returns a token of a server, a cancelled one, and one with another password.
    fn tokens(
        &self,
        base: &str,
        user: &str,
    ) -> Result<[String; 3], Box<dyn std::error::Error + Send + Sync>> {
        let get = format!("{base}/v1/?op=GETDELEGATIONTOKEN&user.name={user}");
        let token = || {
            let answer: Value = serde_json::from_str(&curl(self.env, &[&get])?)?;
            let token = answer["Token"]["urlString"].as_str().ok_or("no token")?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(token.to_owned())
        };
        let (own, cancelled) = (token()?, token()?);
        let cancel = format!("{base}/v1/?op=CANCELDELEGATIONTOKEN&token={cancelled}");
        curl(self.env, &["-f", "-X", "PUT", &cancel])?;
        // Behind the password are the kind and an empty service.
        let at = own.len() - 34;
        let other = if &own[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{other}{}", &own[..at], &own[at + 1..]);
        Ok([own, cancelled, forged])
    }
}

fn every_answer_is_that_of_hadoops_httpfs() -> TestResult {
    // HttpFS acts for its users as the user of its process.
    let process = run(Command::new("id").arg("-un"), "")?.ok()?;
    let proxy = format!("hadoop.proxyuser.{}", process.trim());
    let mut cluster = Cluster::simple()
        .httpfs()
        .set(&format!("{proxy}.hosts"), "*")
        .set(&format!("{proxy}.users"), "*")
        .set("dfs.replication", "1")
        .set("dfs.namenode.fs-limits.min-block-size", "1");
    for user in ["carl", "dora", "erin"] {
        cluster = cluster.hdfs_directory(&format!("/user/{user}"), user, user, 0o755);
    }
    let cluster = cluster.start_blocking()?;
    let env = cluster.env();
    let data = cluster.path().join("data");
    std::fs::write(&data, "data")?;
    let theirs = HttpFs::start(&cluster.path().join("httpfs"), &cluster.hadoop_conf_dir())?;
    let mut beside = Beside {
        env: &env,
        hdfs: cluster.url(),
        data: data.display().to_string(),
        theirs: theirs.url.clone(),
        ours: format!("{}/webhdfs", cluster.httpfs_url().ok_or("no HttpFS")?),
        differences: Vec::new(),
    };
    for (user, requests) in [
        ("alice", REQUESTS),
        ("bob", WRONG),
        ("carl", READING),
        ("dora", OTHERS),
    ] {
        beside.compare(user, requests)?;
    }
    beside.compare_tokens("erin")?;
    beside.compare("erin", LAST)?;
    let differences = beside.differences;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}
