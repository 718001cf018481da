//! The same requests to Hadoop's NameNode and DataNodes and to ours: answers are compared one by
//! one.

use std::path::{Path, PathBuf};
use std::process::Command;

use kerbox::{ClientEnv, Cluster};
use serde_json::Value;

use crate::support::{Peer, TestResult, Text, command, run, trials};

trials! {
    [Peer::Reference, Peer::Curl] =>
        answers_are_those_of_a_real_cluster;
}

/// A running MiniDFSCluster. It stops when this is dropped.
pub(super) struct Reference {
    directory: tempfile::TempDir,
    /// The URL of its NameNode's HTTP port.
    url: String,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/reference.sh")
}

impl Reference {
    pub(super) fn start() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(script());
        command
            .arg("start")
            .arg(directory.path())
            .args(["datanodes=1", "dfs.replication=1"])
            // Without security, the servers are who this says.
            .env("HADOOP_USER_NAME", "hdfs")
            .env("START_SECONDS", "300");
        run(&mut command, "")?.ok()?;
        let environment = std::fs::read_to_string(directory.path().join("env.sh"))?;
        let url = environment
            .split_whitespace()
            .find_map(|word| word.strip_prefix("WEBHDFS="))
            .ok_or_else(|| format!("no address: {environment}"))?
            .to_owned();
        Ok(Self { directory, url })
    }
}

impl Reference {
    /// Returns the folder of all its files.
    pub(super) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the folder of the clients' files.
    pub(super) fn conf(&self) -> PathBuf {
        self.directory.path().join("conf")
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut command = Command::new(script());
        // A process that outlives this test is the script's to report.
        let _ = command.arg("stop").arg(self.directory.path()).status();
    }
}

/// The keys whose values are a cluster's own.
const OWN: [&str; 30] = [
    "accessTime",
    "blockId",
    "blockPoolId",
    "blockPoolUsed",
    "cacheCapacity",
    "cacheUsed",
    "capacity",
    "dfsUsed",
    "fileId",
    "generationStamp",
    "hostName",
    "hosts",
    "infoPort",
    "infoSecurePort",
    "ipAddr",
    "ipcPort",
    "lastBlockReportMonotonic",
    "lastBlockReportTime",
    "lastUpdate",
    "lastUpdateMonotonic",
    "modificationTime",
    "modification_time",
    "name",
    "names",
    "remaining",
    "storageID",
    "topologyPaths",
    "used",
    "xceiverCount",
    "xferPort",
];

/// Removes the values that are a cluster's own.
fn without_own(value: &mut Value, is_block: bool) {
    match value {
        Value::Object(fields) => {
            let is_block = is_block || fields.contains_key("LocatedBlocks");
            let is_block = is_block || fields.contains_key("BlockLocations");
            for (key, value) in fields {
                let named = key != "name" || is_block;
                if OWN.contains(&&**key) && named {
                    *value = Value::Null;
                } else {
                    without_own(value, is_block);
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                without_own(value, is_block);
            }
        }
        _ => {}
    }
}

/// Returns status, content type and body of an answer, without what is a cluster's own.
fn ask(env: &ClientEnv, base: &str, method: &str, request: &str, body: Option<&str>) -> Text {
    let url = format!("{base}/webhdfs/v1{request}");
    let mut words = vec![
        "-s",
        "-L",
        "--max-time",
        "60",
        "-w",
        "\n%{http_code} %{content_type}",
        "-X",
        method,
    ];
    if let Some(path) = body {
        words.extend(["-T", path]);
    }
    words.push(&url);
    let ran = run(&mut command(env, "curl", &words), "")?.ok()?;
    let (text, head) = ran.rsplit_once('\n').ok_or("no status")?;
    let mut head = head.to_ascii_lowercase().replace(' ', "");
    if text.is_empty() {
        // Jetty's versions differ in the type of what is empty.
        head.truncate(3);
    }
    let text = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            without_own(&mut value, false);
            let text = value.to_string();
            // Hadoop's DataNodes pass stack traces on, and 3.5 writes two blanks where 3.4 has one.
            let text = text
                .split("\\n\\tat ")
                .next()
                .unwrap_or_default()
                .to_owned();
            text.replace("\"}}", "").replace("  ", " ")
        }
        // Pages for people differ, but not their kind.
        Err(_) if head.contains("html") => "a page".to_owned(),
        Err(_) => text.to_owned(),
    };
    Ok(format!("{head}\n{text}"))
}

/// Requests in order: method, path and query, and the file that is sent.
const REQUESTS: &[(&str, &str)] = &[
    ("PUT", "/user/alice/d?op=MKDIRS&user.name=alice"),
    (
        "PUT",
        "/user/alice/d/e?op=MKDIRS&user.name=alice&permission=700",
    ),
    ("PUT", "/x/y?op=MKDIRS&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=CREATE&user.name=alice&permission=640",
    ),
    ("PUT", "/user/alice/f?op=CREATE&user.name=alice"),
    ("PUT", "/user/bob/f?op=CREATE&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=CREATE&user.name=alice&overwrite=true&blocksize=1048576",
    ),
    ("POST", "/user/alice/f?op=APPEND&user.name=alice"),
    ("POST", "/user/alice/no?op=APPEND&user.name=alice"),
    ("GET", "/user/alice/f?op=OPEN&user.name=alice"),
    (
        "GET",
        "/user/alice/f?op=OPEN&user.name=alice&offset=3&length=5",
    ),
    ("GET", "/user/alice/f?op=OPEN&user.name=alice&offset=99999"),
    ("GET", "/user/alice/f?op=OPEN&user.name=alice&offset=-1"),
    ("GET", "/user/alice/d?op=OPEN&user.name=alice"),
    ("GET", "/user/alice/no?op=OPEN&user.name=alice"),
    ("GET", "/user/alice/f?op=GETFILESTATUS"),
    ("GET", "/user/alice/no?op=GETFILESTATUS"),
    ("GET", "/user/alice?op=LISTSTATUS&user.name=alice"),
    ("GET", "/user/alice/f?op=LISTSTATUS&user.name=alice"),
    ("GET", "/user/alice/no?op=LISTSTATUS&user.name=alice"),
    ("GET", "/user/alice/d/e?op=LISTSTATUS&user.name=bob"),
    ("GET", "/user/alice?op=LISTSTATUS_BATCH&user.name=alice"),
    (
        "GET",
        "/user/alice?op=LISTSTATUS_BATCH&user.name=alice&startafter=d",
    ),
    ("GET", "/user/alice?op=GETCONTENTSUMMARY&user.name=alice"),
    ("GET", "/user/alice?op=GETQUOTAUSAGE&user.name=alice"),
    ("GET", "/user/alice/f?op=GETFILECHECKSUM&user.name=alice"),
    ("GET", "/user/alice/no?op=GETFILECHECKSUM&user.name=alice"),
    ("GET", "/?op=GETHOMEDIRECTORY&user.name=alice"),
    ("GET", "/?op=gethomedirectory"),
    ("GET", "/?op=GETTRASHROOT&user.name=alice"),
    ("GET", "/?op=GETTRASHROOTS&user.name=alice"),
    ("PUT", "/user/alice/.Trash?op=MKDIRS&user.name=alice"),
    ("GET", "/?op=GETTRASHROOTS&user.name=alice"),
    ("GET", "/?op=GETTRASHROOTS&allusers=true&user.name=hdfs"),
    (
        "GET",
        "/user/alice/f?OP=OPEN&OFFSET=10&Length=20&user.name=alice",
    ),
    ("GET", "/?op=GETDELEGATIONTOKEN&user.name=alice"),
    ("GET", "/?op=GETSERVERDEFAULTS&user.name=alice"),
    (
        "GET",
        "/user/alice/f?op=CHECKACCESS&fsaction=r--&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=CHECKACCESS&fsaction=rwx&user.name=bob",
    ),
    (
        "GET",
        "/user/alice/f?op=CHECKACCESS&fsaction=abc&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/no?op=CHECKACCESS&fsaction=r--&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=MODIFYACLENTRIES&aclspec=user:bob:r-x&user.name=alice",
    ),
    ("GET", "/user/alice/f?op=GETACLSTATUS&user.name=alice"),
    ("GET", "/user/alice/f?op=GETFILESTATUS&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=REMOVEACLENTRIES&aclspec=user:bob:&user.name=alice",
    ),
    ("PUT", "/user/alice/f?op=REMOVEACL&user.name=alice"),
    (
        "PUT",
        "/user/alice/d?op=SETACL&aclspec=user::rwx,group::r-x,other::---,default:user:bob:rw-&user.name=alice",
    ),
    ("GET", "/user/alice/d?op=GETACLSTATUS&user.name=alice"),
    ("PUT", "/user/alice/d?op=REMOVEDEFAULTACL&user.name=alice"),
    (
        "PUT",
        "/user/alice/d?op=SETACL&aclspec=nonsense&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETXATTR&xattr.name=user.a&xattr.value=%22text%22&flag=CREATE&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETXATTR&xattr.name=user.a&xattr.value=1&flag=CREATE&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GETXATTRS&encoding=text&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GETXATTRS&xattr.name=user.c&encoding=base64&user.name=alice",
    ),
    ("GET", "/user/alice/f?op=LISTXATTRS&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=SETXATTR&xattr.name=user.b&xattr.value=0x6869&flag=CREATE&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GETXATTRS&xattr.name=user.b&encoding=hex&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GETXATTRS&encoding=hex&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETXATTR&xattr.name=user.a&xattr.value=0x01&flag=REPLACE&user.name=alice",
    ),
    ("GET", "/user/alice/f?op=LISTXATTRS&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=REMOVEXATTR&xattr.name=user.a&user.name=alice",
    ),
    ("GET", "/?op=GETALLSTORAGEPOLICY&user.name=alice"),
    ("GET", "/user/alice/f?op=GETSTORAGEPOLICY&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=SETSTORAGEPOLICY&storagepolicy=COLD&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETSTORAGEPOLICY&storagepolicy=NONE&user.name=alice",
    ),
    (
        "POST",
        "/user/alice/f?op=UNSETSTORAGEPOLICY&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GETFILEBLOCKLOCATIONS&user.name=alice",
    ),
    (
        "GET",
        "/user/alice/f?op=GET_BLOCK_LOCATIONS&user.name=alice",
    ),
    ("GET", "/user/alice/f?op=GETECPOLICY&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=SETREPLICATION&replication=2&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETREPLICATION&replication=0&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETREPLICATION&replication=abc&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETPERMISSION&permission=600&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETPERMISSION&permission=9&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=SETPERMISSION&permission=2000&user.name=alice",
    ),
    ("PUT", "/user/alice/f?op=SETOWNER&owner=bob&user.name=alice"),
    ("PUT", "/user/alice/f?op=SETOWNER&user.name=alice"),
    ("PUT", "/user/alice/f?op=SETOWNER&group=g&user.name=hdfs"),
    (
        "PUT",
        "/user/alice/f?op=SETTIMES&modificationtime=1000&accesstime=2000&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/f?op=RENAME&destination=/user/alice/g&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/g?op=RENAME&destination=g&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/g?op=RENAME&destination=/user/alice/d&renameoptions=OVERWRITE&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/g?op=RENAME&destination=/user/alice/f&renameoptions=NONE&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/no?op=RENAME&destination=/user/alice/f&user.name=alice",
    ),
    ("PUT", "/user/alice/f?op=RENAME&user.name=alice"),
    ("PUT", "/user/alice/f?op=SETACL&user.name=alice"),
    (
        "PUT",
        "/user/alice/f?op=SETXATTR&xattr.name=user.z&user.name=alice",
    ),
    ("PUT", "/user/alice/f?op=SETSTORAGEPOLICY&user.name=alice"),
    ("PUT", "/?op=RENEWDELEGATIONTOKEN&user.name=alice"),
    ("GET", "/user/alice/f?op=GETXATTRS&user.name=alice"),
    ("GET", "/user/alice/f?op=CHECKACCESS&user.name=alice"),
    ("POST", "/user/alice/f?op=CONCAT&user.name=alice"),
    ("GET", "/?op=GETFILESTATUS&user.name=alice&doas=alice"),
    (
        "POST",
        "/user/alice/f?op=CONCAT&sources=/user/alice/no&user.name=alice",
    ),
    (
        "POST",
        "/user/alice/f?op=TRUNCATE&newlength=3&user.name=alice",
    ),
    ("POST", "/user/alice/f?op=TRUNCATE&user.name=alice"),
    (
        "PUT",
        "/user/alice/d?op=SETQUOTA&namespacequota=100&storagespacequota=100000000&user.name=alice",
    ),
    (
        "PUT",
        "/user/alice/d?op=SETQUOTA&namespacequota=100&storagespacequota=100000000&user.name=hdfs",
    ),
    ("GET", "/user/alice/d?op=GETQUOTAUSAGE&user.name=alice"),
    ("GET", "/?op=FOO&user.name=alice"),
    ("GET", "/?user.name=alice"),
    ("PUT", "/?user.name=alice"),
    ("POST", "/?user.name=alice"),
    ("DELETE", "/?user.name=alice"),
    ("PUT", "/?op=GETFILESTATUS&user.name=alice"),
    ("GET", "/?op=GETFILESTATUS&user.name=alice&doas=bob"),
    ("GET", "/?op=GETFILESTATUS&user.name=1%20a"),
    ("DELETE", "/user/alice/d?op=DELETE&user.name=alice"),
    (
        "DELETE",
        "/user/alice/d?op=DELETE&recursive=yes&user.name=alice",
    ),
    (
        "DELETE",
        "/user/alice/d?op=DELETE&recursive=true&user.name=bob",
    ),
    (
        "DELETE",
        "/user/alice/d?op=DELETE&recursive=true&user.name=alice",
    ),
    (
        "DELETE",
        "/user/alice/d?op=DELETE&recursive=true&user.name=alice",
    ),
];

fn answers_are_those_of_a_real_cluster() -> TestResult {
    let reference = Reference::start()?;
    let cluster = Cluster::simple()
        .set("dfs.replication", "1")
        .start_blocking()?;
    let env = cluster.env();
    let ours = cluster.webhdfs_url().replacen("webhdfs", "http", 1);
    let file = cluster.path().join("sent");
    std::fs::write(&file, "what is sent to both\n".repeat(500))?;
    let file = file.display().to_string();
    let mut differences = Vec::new();
    for (method, request) in REQUESTS {
        let moves_data = request.contains("op=CREATE") || request.contains("op=APPEND");
        let body = moves_data.then_some(&*file);
        let theirs = ask(&env, &reference.url, method, request, body)?;
        let own = ask(&env, &ours, method, request, body)?;
        if theirs != own {
            differences.push(format!(
                "{method} {request}\n  Hadoop: {theirs}\n  Kerbox: {own}"
            ));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let count = differences.len();
    let all = differences.join("\n");
    Err(format!("{count} of {} answers differ:\n{all}", REQUESTS.len()).into())
}
