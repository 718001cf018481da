//! The pages beside WebHDFS, without sockets.

use super::*;

/// Returns the body of a page as text.
fn text(port: &NameNodeWeb, uri: &str) -> String {
    let response = ask(port, "GET", uri);
    String::from_utf8_lossy(response.body()).into_owned()
}

#[test]
fn beans_are_found_by_patterns_and_attributes_by_their_names() {
    let port = port(&[]);
    let all = ask(&port, "GET", "/jmx");
    assert_eq!(
        all.headers()["content-type"],
        "application/json; charset=utf8"
    );
    let names = |response: &WebResponse| {
        let beans = value(response)["beans"].as_array().expect("beans").clone();
        let names = beans.iter().filter_map(|bean| bean["name"].as_str());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&all).len(), 4);
    let one = ask(
        &port,
        "GET",
        "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem",
    );
    assert_eq!(names(&one), ["Hadoop:service=NameNode,name=FSNamesystem"]);
    assert_eq!(value(&one)["beans"][0]["FilesTotal"], 1);
    let state = "/jmx?get=Hadoop:service=NameNode,name=FSNamesystemState::FSState";
    let state = ask(&port, "GET", state);
    assert_eq!(value(&state)["beans"][0]["FSState"], "Operational");
    let missing = "/jmx?get=Hadoop:service=NameNode,name=FSNamesystemState::Nothing";
    let missing = ask(&port, "GET", missing);
    assert_eq!(missing.status(), 404);
    let said = &value(&missing)["beans"][0];
    assert_eq!(said["message"], "No attribute with name Nothing was found.");
    let wrong = ask(&port, "GET", "/jmx?get=nothing");
    assert_eq!(wrong.status(), 400);
    assert_eq!(value(&wrong)["message"], "query format is not as expected.");
    assert_eq!(ask(&port, "GET", "/jmx?qry=nothing").status(), 400);
    assert_eq!(ask(&port, "PUT", "/jmx").status(), 405);
    let options = ask(&port, "OPTIONS", "/jmx");
    assert_eq!(options.headers()["allow"], "GET, HEAD, OPTIONS");
}

#[test]
fn the_configuration_is_xml_or_json_and_one_property_may_be_asked_for() {
    let port = port(&[]);
    let xml = text(&port, "/conf");
    assert!(
        xml.contains("<name>dfs.replication</name><value>3</value>"),
        "{xml}"
    );
    let one = text(&port, "/conf?name=dfs.replication");
    assert!(one.contains("<source>hdfs-site.xml</source>"), "{one}");
    let missing = ask(&port, "GET", "/conf?name=no");
    assert_eq!(missing.status(), 404);
    assert!(text(&port, "/conf?name=no").contains("Property no not found"));
}

#[test]
fn figures_for_prometheus_are_there_on_request() {
    assert_eq!(ask(&port(&[]), "GET", "/prom").status(), 404);
    let port = port(&[("hadoop.prometheus.endpoint.enabled", "true")]);
    let figures = text(&port, "/prom");
    let line =
        "# TYPE fs_namesystem_files_total gauge\nfs_namesystem_files_total{context=\"dfs\"} 1\n";
    assert!(figures.contains(line), "{figures}");
}

#[test]
fn administrators_alone_see_figures_if_that_is_wanted() {
    let port = port(&[
        ("hadoop.security.instrumentation.requires.admin", "true"),
        ("hadoop.security.authorization", "true"),
        ("dfs.cluster.administrators", "alice ops"),
        ("hadoop.user.group.static.mapping.overrides", "carol=ops"),
    ]);
    for admin in ["hdfs", "alice", "carol"] {
        let uri = format!("/jmx?user.name={admin}");
        assert_eq!(ask(&port, "GET", &uri).status(), 200, "{admin}");
    }
    let refused = ask(&port, "GET", "/conf?user.name=bob");
    assert_eq!(refused.status(), 403);
    let page = text(&port, "/conf?user.name=bob");
    assert!(
        page.contains("User bob is unauthorized to access this page."),
        "{page}"
    );
}

#[test]
fn a_check_walks_as_its_caller_and_ends_with_the_health() {
    let port = port(&[]);
    for uri in [
        "/a?op=MKDIRS",
        "/a/b?op=MKDIRS",
        "/c?op=MKDIRS&permission=700",
    ] {
        let uri = format!("/webhdfs/v1{uri}&user.name=hdfs");
        assert_eq!(ask(&port, "PUT", &uri).status(), 200);
    }
    let checked = text(&port, "/fsck?ugi=hdfs&path=/&files=1");
    let head = "FSCK started by hdfs (auth:SIMPLE) from /127.0.0.1 for path / at Tue Nov 14 22:13:20 UTC 2023\n\n";
    assert!(checked.starts_with(head), "{checked}");
    assert!(
        checked.contains("\n/ <dir>\n/a <dir>\n/a/b <dir>\n/c <dir>\n"),
        "{checked}"
    );
    assert!(
        checked.contains("\nStatus: HEALTHY\n Number of data-nodes:\t0\n"),
        "{checked}"
    );
    assert!(checked.contains(" Total dirs:\t\t\t4\n"), "{checked}");
    let end = "\n\nThe filesystem under path '/' is HEALTHY";
    assert!(checked.ends_with(end), "{checked}");
    let refused = text(&port, "/fsck?ugi=alice&path=/");
    assert!(
        refused.contains("\nPermission denied: user=alice, access=READ_EXECUTE, inode=\"/c\""),
        "{refused}"
    );
    assert!(
        refused.ends_with("\n\nFsck on path '/' FAILED"),
        "{refused}"
    );
    let missing = text(&port, "/fsck?ugi=hdfs&path=/no");
    assert!(
        missing.ends_with("\n\nPath '/no' does not exist"),
        "{missing}"
    );
    let block = text(&port, "/fsck?ugi=hdfs&blockId=blk_7+x");
    assert!(block.contains("\nBlock blk_7 does not exist\n"), "{block}");
    assert!(block.contains("Incorrect blockId format: x\n"), "{block}");
    let none = text(&port, "/fsck?ugi=hdfs&listcorruptfileblocks=1&path=/");
    assert!(none.contains("Cookie:\t0\n"), "{none}");
    assert!(
        none.contains("The filesystem under path '/' has no CORRUPT files\n"),
        "{none}"
    );
    let refused = text(&port, "/fsck?ugi=alice&listcorruptfileblocks=1&path=/");
    assert!(refused.ends_with("FAILED"), "{refused}");
}

#[test]
fn a_long_listing_comes_page_by_page() {
    let port = port(&[("dfs.ls.limit", "2")]);
    for name in ["a", "b", "c", "d", "e"] {
        let uri = format!("/webhdfs/v1/{name}?op=MKDIRS&user.name=hdfs");
        assert_eq!(ask(&port, "PUT", &uri).status(), 200);
    }
    let listed = ask(&port, "GET", "/webhdfs/v1/?op=LISTSTATUS&user.name=hdfs");
    assert_eq!(listed.headers()["content-type"], "application/json");
    let statuses = value(&listed)["FileStatuses"]["FileStatus"].clone();
    let statuses = statuses.as_array().expect("a list").clone();
    let names: Vec<_> = statuses
        .iter()
        .map(|status| status["pathSuffix"].clone())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[test]
fn trash_folders_are_those_that_there_are() {
    let port = port(&[]);
    let roots = |query: &str| {
        let uri = format!("/webhdfs/v1/?op=GETTRASHROOTS&user.name=hdfs{query}");
        let paths = value(&ask(&port, "GET", &uri))["Paths"].clone();
        let paths = paths.as_array().cloned().unwrap_or_default();
        let paths = paths
            .iter()
            .filter_map(|path| path["path"].as_str().map(str::to_owned));
        paths.collect::<Vec<_>>()
    };
    let made = "/webhdfs/v1/user/alice/.Trash?op=MKDIRS&user.name=hdfs";
    assert_eq!(ask(&port, "PUT", made).status(), 200);
    assert_eq!(roots(""), Vec::<String>::new());
    assert_eq!(roots("&allusers=true"), ["/user/alice/.Trash"]);
}
