//! The console of a secure cluster: a ticket from MIT's kinit opens it, and what it shows then.

use hdfs_native::ClientBuilder;
use kerbox::{ClientEnv, Cluster, Protection};

use super::browser::Browser;
use super::views::{PHONE, WIDE, is_content};
use crate::support::{Peer, TestResult, block_on, command, run, trials};

trials! {
    [Peer::Chromium, Peer::Mit] =>
        without_a_ticket_the_page_says_how_to_get_one,
        a_user_sees_files_and_figures_and_no_more;
    [Peer::Chromium, Peer::Mit, Peer::LibGssapi] =>
        an_administrator_sees_tickets_tokens_and_connections;
}

/// Gets a ticket by MIT's kinit, and returns the environment of a browser that has it.
fn kinit(
    cluster: &Cluster,
    user: &str,
) -> Result<ClientEnv, Box<dyn std::error::Error + Send + Sync>> {
    let cache = cluster.path().join(format!("cc_{user}"));
    let env = cluster
        .env()
        .with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    let keytab = cluster.path().join(format!("keytabs/{user}.keytab"));
    let keytab = keytab.display().to_string();
    run(
        &mut command(&env, "kinit", &["-k", "-t", &keytab, user]),
        "",
    )?
    .ok()?;
    Ok(env)
}

fn open(
    cluster: &Cluster,
    env: &ClientEnv,
) -> Result<Browser, Box<dyn std::error::Error + Send + Sync>> {
    let mut browser = Browser::start(env)?;
    browser.looks(WIDE, "light")?;
    browser.open(&cluster.web_url())?;
    Ok(browser)
}

fn without_a_ticket_the_page_says_how_to_get_one() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let mut browser = open(&cluster, &cluster.env())?;
    browser.shows("A Kerberos ticket is needed")?;
    let status = browser.eval("fetch('/console/api/clock').then((it) => it.status)")?;
    assert_eq!(status, 401);
    Ok(())
}

fn a_user_sees_files_and_figures_and_no_more() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let mut browser = open(&cluster, &kinit(&cluster, "alice")?)?;
    browser.until("document.querySelector('main').dataset.ready === 'overview'")?;
    browser.until("document.querySelector('#who').textContent === 'alice'")?;
    browser.view("files", "/user/alice")?;
    let local = tempfile::tempdir()?;
    let file = local.path().join("mine");
    std::fs::write(&file, "for me")?;
    browser.choose("#chosen", &file)?;
    browser.shows("mine is written: 6 B")?;
    browser.click("Details of mine")?;
    browser.shows("Blocks (1)")?;
    browser.view("clock", "")?;
    browser.shows("Only administrators move the clock.")?;
    assert_eq!(
        browser.eval("document.querySelector('#freeze')")?,
        serde_json::Value::Null
    );
    for view in [
        "journal",
        "tickets",
        "principals",
        "connections",
        "faults",
        "servers",
    ] {
        browser.view(view, "")?;
        browser.shows("Not allowed")?;
    }
    let asked = browser.eval(
        "Promise.all([...['events', 'tickets', 'tokens', 'principals', 'connections', 'faults', 'nodes'] \
         .map((verb) => fetch('/console/api/' + verb)), fetch('/console/api/control', {method: 'POST', \
         body: '{\"clock\":\"freeze\"}', headers: {'content-type': 'application/json', 'x-xsrf-header': '1'}})]) \
         .then((all) => all.map((one) => one.status).join(' '))",
    )?;
    assert_eq!(asked, "403 403 403 403 403 403 403 403");
    assert!(!cluster.clock().is_frozen());
    is_content(&browser)
}

fn an_administrator_sees_tickets_tokens_and_connections() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(3)
        .protection(Protection::Privacy)
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let settings = cluster.in_process(&alice);
    let client = ClientBuilder::new()
        .with_url(settings.url)
        .with_config_dir(settings.config_dir)
        .with_kerberos_principal(settings.principal)
        .with_kerberos_cache(settings.cache)
        .build()?;
    // The connection stays as long as its runtime.
    block_on(async {
        client.mkdirs("/user/alice/kept", 0o755, true).await?;
        look(&cluster)
    })
}

/// Looks at a cluster to which alice is connected.
fn look(cluster: &Cluster) -> TestResult {
    let mut browser = open(cluster, &kinit(cluster, "hdfs")?)?;
    browser.until("document.querySelector('main').dataset.ready === 'overview'")?;
    browser.view("connections", "")?;
    let rows = "[...document.querySelectorAll('tbody tr')].map((it) => it.innerText)";
    browser.until(&format!(
        "{rows}.some((it) => /alice/.test(it) && /auth-conf/.test(it))"
    ))?;
    browser.picture("connections")?;
    lives(&mut browser)?;
    principals(&mut browser)?;
    browser.view("tickets", "")?;
    let before = cluster.clock().now();
    let button = "[...document.querySelectorAll('tbody tr')].find((it) => /alice@/.test(it.innerText)).querySelector('button')";
    browser.eval(&format!("{button}.click()"))?;
    browser.shows("The clock is past its end")?;
    assert!(cluster.clock().now().since(before).as_secs() > 9 * 3600);
    is_content(&browser)
}

/// Looks at tickets and tokens.
fn lives(browser: &mut Browser) -> TestResult {
    let rows = "[...document.querySelectorAll('tbody tr')].map((it) => it.innerText)";
    browser
        .eval("fetch('/webhdfs/v1/?op=GETDELEGATIONTOKEN&renewer=bob').then((it) => it.text())")?;
    browser.view("tickets", "")?;
    browser.until(&format!(
        "{rows}.some((it) => /alice@/.test(it) && /krbtgt/.test(it))"
    ))?;
    browser.until(&format!(
        "{rows}.some((it) => /hdfs@/.test(it) && /HTTP\\/localhost/.test(it) && /renewable for/.test(it))"
    ))?;
    browser.until(&format!("{rows}.some((it) => /renewer bob/.test(it))"))?;
    for (window, scheme, name) in [
        (WIDE, "light", "tickets"),
        (WIDE, "dark", "tickets-dark"),
        (PHONE, "dark", "tickets-phone"),
    ] {
        browser.looks(window, scheme)?;
        browser.picture(name)?;
    }
    browser.looks(WIDE, "light")
}

/// Looks at principals, and for keys where none may be.
fn principals(browser: &mut Browser) -> TestResult {
    browser.view("principals", "")?;
    browser.write("input[type=search]", "alice")?;
    browser.until("document.querySelectorAll('details').length === 1")?;
    browser.eval("document.querySelector('details summary').click()")?;
    browser.shows("aes256-cts-hmac-sha1-96")?;
    browser.picture("principals")?;
    let answers = browser.text(
        "Promise.all(['tickets', 'tokens', 'principals', 'connections', 'clock', 'nodes', 'faults'] \
         .map((verb) => fetch('/console/api/' + verb).then((it) => it.text()))).then((all) => all.join())",
    )?;
    for secret in ["password\":", "\"key\"", "\"bytes\"", "keyvalue"] {
        assert!(!answers.contains(secret), "{secret} in {answers}");
    }
    Ok(())
}
