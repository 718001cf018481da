//! Each view and button, in a cluster without security, where a name is enough.

use std::time::Duration;

use kerbox::{Cluster, Event};

use super::browser::Browser;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::Chromium] =>
        figures_and_servers_are_shown_and_changed,
        files_are_browsed_written_read_and_deleted,
        the_clock_is_moved_and_faults_strike,
        the_journal_is_followed_and_filtered;
}

/// A wide window, and that of a phone.
pub(super) const WIDE: (u32, u32) = (1280, 800);
pub(super) const PHONE: (u32, u32) = (390, 844);

/// Starts a cluster and a browser that shows its console to the superuser.
fn console() -> Result<(Cluster, Browser), Box<dyn std::error::Error + Send + Sync>> {
    let cluster = Cluster::simple().datanodes(3).start_blocking()?;
    let mut browser = Browser::start(&cluster.env())?;
    browser.looks(WIDE, "light")?;
    browser.open(&format!("{}/?user.name=hdfs", cluster.web_url()))?;
    browser.until("document.querySelector('main').dataset.ready === 'overview'")?;
    Ok((cluster, browser))
}

/// Fails if the page has thrown, or has wanted what its security policy forbids.
pub(super) fn is_content(browser: &Browser) -> TestResult {
    match browser.complaints.first() {
        Some(complaint) => Err(complaint.clone().into()),
        None => Ok(()),
    }
}

fn figures_and_servers_are_shown_and_changed() -> TestResult {
    let (cluster, mut browser) = console()?;
    browser.shows("3 of 3")?;
    browser.shows(&cluster.namenode_address().to_string())?;
    browser.picture("overview")?;
    browser.view("datanodes", "")?;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.eval(rows)?, 3);
    browser.shows(&cluster.datanode(2)?.address().to_string())?;
    browser.view("startup", "")?;
    browser.shows("100 % complete")?;
    browser.view("configuration", "")?;
    browser.press("/")?;
    let focused = browser.text("document.activeElement.type")?;
    assert_eq!(focused, "search", "a key leads to the filter");
    browser.write("input[type=search]", "dfs.replication")?;
    browser.until(&format!("{rows} >= 1 && {rows} < 5"))?;
    browser.view("servers", "")?;
    let change = |what: &str| format!("document.querySelector('[data-change=\"{what}\"]').click()");
    browser.eval(&change("datanode2 pause"))?;
    browser.until("!!document.querySelector('[data-change=\"datanode2 resume\"]')")?;
    assert!(cluster.datanode(2)?.is_paused());
    browser.eval(&change("datanode2 resume"))?;
    browser.until("!!document.querySelector('[data-change=\"datanode2 stop\"]')")?;
    browser.eval(&change("datanode2 stop"))?;
    browser.until("!!document.querySelector('[data-change=\"datanode2 restart\"]')")?;
    assert!(!cluster.datanode(2)?.is_running());
    browser.eval(&change("datanode2 restart"))?;
    browser.until("!!document.querySelector('[data-change=\"datanode2 kill\"]')")?;
    browser.view("connections", "")?;
    browser.shows("namenode")?;
    browser.shows("hdfs")?;
    for (scheme, window) in [("dark", WIDE), ("light", PHONE), ("dark", PHONE)] {
        browser.looks(window, scheme)?;
        for view in [
            "overview",
            "datanodes",
            "files",
            "clock",
            "journal",
            "faults",
            "servers",
        ] {
            browser.view(view, "")?;
            fits(&mut browser, view)?;
            let size = if window == PHONE { "phone" } else { "wide" };
            browser.picture(&format!("{view}-{size}-{scheme}"))?;
        }
    }
    is_content(&browser)
}

/// Fails if the page is wider than its window, which a person would have to scroll.
pub(super) fn fits(browser: &mut Browser, view: &str) -> TestResult {
    let page = "document.documentElement";
    let excess = browser.eval(&format!("{page}.scrollWidth - {page}.clientWidth"))?;
    if excess == 0 {
        return Ok(());
    }
    Err(format!("{view} is {excess} pixels wider than its window").into())
}

fn files_are_browsed_written_read_and_deleted() -> TestResult {
    let (cluster, mut browser) = console()?;
    let local = tempfile::tempdir()?;
    let text = "hello, DataNode\n".repeat(100_000);
    let file = local.path().join("a b&ä.txt");
    std::fs::write(&file, &text)?;
    browser.view("files", "/")?;
    browser.write("[name=folder]", "work")?;
    browser.click("Create")?;
    browser.click("work")?;
    browser.shows("This folder is empty.")?;
    browser.choose("#chosen", &file)?;
    browser.shows("is written: 1.53 MiB")?;
    // A name that a careless page would run.
    let hostile = "<img src=x onerror=window.hacked=1>";
    browser.write("[name=folder]", hostile)?;
    browser.click("Create")?;
    browser.click(&format!("Details of {hostile}"))?;
    browser.until("document.querySelector('.side h2')?.textContent.includes('<img')")?;
    assert_eq!(browser.eval("window.hacked === undefined")?, true);
    browser.click("Close the details")?;
    browser.eval(
        "Promise.all(['SETXATTR&xattr.name=user.note&xattr.value=%22kept%22&flag=CREATE', \
         'MODIFYACLENTRIES&aclspec=user:bob:r--'].map((op) => fetch('/webhdfs/v1/work/a%20b%26%C3%A4.txt?user.name=hdfs&op=' + op, \
         {method: 'PUT'}))).then((all) => all.map((one) => one.status).join())",
    )?;
    browser.click("Details of a b&ä.txt")?;
    for shown in [
        "Blocks (1)",
        "blk_",
        "user:bob:r--",
        "user.note",
        "kept",
        "1,600,000 bytes",
    ] {
        browser.shows(shown)?;
    }
    browser.picture("files")?;
    std::fs::create_dir(local.path().join("down"))?;
    let before = browser.download_into(local.path().join("down").as_path())?;
    browser.click("Download")?;
    browser.downloaded(before)?;
    let down = std::fs::read_dir(local.path().join("down"))?
        .next()
        .ok_or("a file")??;
    assert!(
        std::fs::read_to_string(down.path())? == text,
        "another file"
    );
    browser.write("[name=mode]", "600")?;
    browser.click("Set")?;
    browser.shows("The mode is 600")?;
    browser.click("Delete")?;
    browser
        .until("document.querySelector('dialog[open]')?.innerText.includes('/work/a b&ä.txt')")?;
    browser.eval("[...document.querySelectorAll('dialog button')].find((it) => it.textContent === 'Delete').click()")?;
    browser.until(
        "![...document.querySelectorAll('tbody .name')].some((it) => it.textContent.includes('ä'))",
    )?;
    let calls = |event: &Event| event.to_string().contains("delete by hdfs");
    assert_eq!(cluster.journal().count(calls), 1);
    snapshots(&mut browser)?;
    is_content(&browser)
}

/// Takes a snapshot, looks into it, and deletes it.
fn snapshots(browser: &mut Browser) -> TestResult {
    browser.view("files", "/work")?;
    browser.click("Details of this folder")?;
    browser.click("Allow snapshots")?;
    browser.click("Take a snapshot")?;
    browser.shows("Snapshots (1)")?;
    let name = "document.querySelector('.side tbody a')";
    let taken = browser.text(&format!("{name}.textContent"))?;
    browser.eval(&format!(
        "(() => {{ delete document.querySelector('main').dataset.ready; {name}.click(); }})()"
    ))?;
    browser.until("location.hash.includes('/.snapshot/') && document.querySelector('main').dataset.ready === 'files'")?;
    browser.shows("onerror")?;
    browser.view("files", "/work")?;
    browser.click("Details of this folder")?;
    browser.shows(&taken)?;
    browser.eval("[...document.querySelectorAll('.side td button')].find((it) => it.textContent === 'Delete').click()")?;
    browser.until("!!document.querySelector('dialog[open]')")?;
    browser.eval("[...document.querySelectorAll('dialog button')].find((it) => it.textContent === 'Delete').click()")?;
    browser.shows("Snapshots (0)")
}

fn the_clock_is_moved_and_faults_strike() -> TestResult {
    let (cluster, mut browser) = console()?;
    let clock = cluster.clock();
    browser.click("Freeze")?;
    browser.click("Resume")?;
    browser.click("Freeze")?;
    browser.until("document.querySelector('#freeze').textContent === 'Resume'")?;
    assert!(clock.is_frozen());
    let begin = clock.now();
    let moved = |seconds: u64| clock.now() == begin + Duration::from_secs(seconds);
    browser.click("+1 h")?;
    browser.shows("The clock is 1 h further")?;
    assert!(moved(3600));
    browser.view("clock", "")?;
    browser.click("+1 day")?;
    browser.shows("The clock is 1 d further")?;
    assert!(moved(3600 + 86_400));
    browser.picture("clock")?;
    browser.write("[name=amount]", "2")?;
    browser.write("[name=unit]", "60")?;
    browser.click("Advance")?;
    browser.shows("The clock is 2 min further")?;
    assert!(moved(3600 + 86_400 + 120));
    browser.write("[name=to]", "2031-05-06T07:08:09")?;
    browser.click("Jump")?;
    browser.shows("The clock shows 2031-05-06 07:08:09")?;
    assert_eq!(clock.now().to_string(), "2031-05-06T07:08:09Z");
    browser.view("faults", "")?;
    browser.write("#fault-method", "mkdirs")?;
    browser.write("#fault-message", "no room <b>")?;
    browser.click("Add the fault")?;
    browser.shows("exception java.io.IOException \"no room <b>\" --method mkdirs")?;
    browser.view("files", "/")?;
    browser.write("[name=folder]", "never")?;
    browser.click("Create")?;
    browser.until("document.querySelector('.note.bad')?.textContent === 'no room <b>'")?;
    browser.view("faults", "")?;
    browser.picture("faults")?;
    browser.until("document.querySelector('tbody td:nth-child(3)').textContent === '1'")?;
    browser.click("Remove fault 1")?;
    browser.shows("it struck 1 times")?;
    browser.shows("Nothing is made to fail")?;
    browser.view("files", "/")?;
    browser.write("[name=folder]", "now")?;
    browser.click("Create")?;
    browser.shows("now is made")?;
    is_content(&browser)
}

fn the_journal_is_followed_and_filtered() -> TestResult {
    let (_cluster, mut browser) = console()?;
    browser.view("journal", "")?;
    browser
        .until("[...document.querySelectorAll('.chip')].some((it) => it.textContent === 'live')")?;
    let ask = |path: &str, op: &str| {
        format!(
            "fetch('/webhdfs/v1{path}?user.name=alice&op={op}', {{method: 'PUT'}}).then((it) => it.status)"
        )
    };
    browser.eval(&ask("/user/alice/seen", "MKDIRS"))?;
    let lines = "[...document.querySelectorAll('.timeline li')]";
    browser.until(&format!(
        "{lines}.some((it) => it.textContent.includes('mkdirs by alice'))"
    ))?;
    browser.eval(&ask("/refused", "MKDIRS"))?;
    browser.until("!!document.querySelector('.timeline .failed')")?;
    browser.picture("journal")?;
    browser.write("input[type=search]", "alice MKDIRS /refused")?;
    browser.until(&format!("{lines}.length === 1"))?;
    browser.eval("document.querySelector('.timeline summary').click()")?;
    browser.until(
        "document.querySelector('.timeline pre')?.textContent.includes('AccessControlException')",
    )?;
    browser.write("input[type=search]", "")?;
    browser.eval("document.querySelector('#refused').click()")?;
    browser.until(&format!(
        "{lines}.length > 0 && {lines}.every((it) => it.querySelector('.failed'))"
    ))?;
    browser.eval("document.querySelector('#refused').click()")?;
    browser.eval("document.querySelector('[data-kind=calls]').click()")?;
    browser.until(&format!(
        "!{lines}.some((it) => it.textContent.includes('mkdirs by alice'))"
    ))?;
    browser.eval("document.querySelector('[data-kind=calls]').click()")?;
    browser.click("Pause")?;
    browser.eval(&ask("/user/alice/unseen", "MKDIRS"))?;
    browser.until("parseInt(document.querySelector('.row small').textContent) > 0")?;
    assert_eq!(
        browser.eval(&format!(
            "{lines}.some((it) => it.textContent.includes('/unseen'))"
        ))?,
        false
    );
    browser.click("Follow")?;
    browser.until(&format!(
        "{lines}.some((it) => it.textContent.includes('/unseen'))"
    ))?;
    browser.click("Clear")?;
    browser.eval(&ask("/user/alice/later", "MKDIRS"))?;
    browser.until(&format!(
        "{lines}.some((it) => it.textContent.includes('/later'))"
    ))?;
    is_content(&browser)
}
