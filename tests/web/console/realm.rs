//! The console of a realm without a NameNode: by curl, and in Chromium by each view and button.

use std::time::Duration;

use kerbox::{ClientEnv, Event, KeyKind, NewPrincipal, Realm, Server, StateChange, Verdict};

use super::browser::Browser;
use super::views::{PHONE, WIDE, fits, is_content};
use crate::support::{Peer, TestResult, Text, command, run, trials};
use crate::web::curl::{curl, has};

trials! {
    [Peer::Curl, Peer::Mit] =>
        only_tickets_let_in_and_only_administrators_change,
        it_starts_again_at_its_address_and_follows_its_keys,
        no_fault_strikes_it;
    [Peer::Chromium, Peer::Mit] =>
        a_user_sees_the_realm_and_no_more,
        an_administrator_sees_and_changes_everything,
        servers_are_stopped_and_started_and_faults_strike;
}

/// The fields with which a browser of the console sends a change.
const FIELDS: [&str; 4] = [
    "-H",
    "Content-Type: application/json",
    "-H",
    "X-XSRF-HEADER: console",
];
const FREEZE: &str = r#"{"clock":"freeze"}"#;

type Found<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn realm() -> Found<Realm> {
    Ok(Realm::builder()
        .realm_name("EXAMPLE.COM")
        .kdcs(2)
        .console()
        .start_blocking()?)
}

fn url(realm: &Realm, path: &str) -> Text {
    let url = realm.console_url().ok_or("no console")?;
    Ok(format!("{url}{path}"))
}

/// Gets a ticket by MIT's kinit, and returns the environment with it.
fn kinit(realm: &Realm, user: &str) -> Found<ClientEnv> {
    let cache = realm.path().join(format!("cc_{user}"));
    let env = realm
        .env()
        .with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    run(&mut command(&env, "kinit", &[user]), &format!("{user}\n"))?.ok()?;
    Ok(env)
}

/// Asks by curl with the ticket of an environment, and returns head and body.
fn ask(realm: &Realm, env: &ClientEnv, path: &str, more: &[&str]) -> Text {
    let url = url(realm, path)?;
    let words = [&["-i", "--negotiate", "-u", ":"], more, &[&*url]].concat();
    curl(env, &words)
}

fn only_tickets_let_in_and_only_administrators_change() -> TestResult {
    let realm = realm()?;
    let nobody = realm.env();
    for path in [
        "/console/",
        "/console/api/state",
        "/console/api/control",
        "/jmx",
    ] {
        let refused = curl(&nobody, &["-i", &url(&realm, path)?])?;
        has(&refused, "HTTP/1.1 401 Unauthorized")?;
        has(&refused, "www-authenticate: Negotiate")?;
    }
    let (alice, hdfs) = (kinit(&realm, "alice")?, kinit(&realm, "hdfs")?);
    let page = ask(&realm, &alice, "/console/", &[])?;
    has(&page, "HTTP/1.1 200 OK")?;
    has(&page, "connect-src 'self'; base-uri 'none'")?;
    has(
        &page,
        "set-cookie: hadoop.auth=\"u=alice@EXAMPLE.COM&p=alice@EXAMPLE.COM&t=kerberos&e=",
    )?;
    let shown = ask(&realm, &alice, "/console/api/realm", &[])?;
    has(&shown, "\"name\":\"EXAMPLE.COM\"")?;
    has(&shown, "\"node\":\"kdc2\"")?;
    for verb in [
        "tickets",
        "principals",
        "connections",
        "faults",
        "nodes",
        "events",
        "tokens",
    ] {
        let refused = ask(&realm, &alice, &format!("/console/api/{verb}"), &[])?;
        has(&refused, "HTTP/1.1 403 Forbidden")?;
        has(&refused, "the console's list of administrators")?;
    }
    let change = [&FIELDS[..], &["-d", FREEZE]].concat();
    has(
        &ask(&realm, &alice, "/console/api/control", &change)?,
        "HTTP/1.1 403",
    )?;
    let proxy = ask(&realm, &hdfs, "/console/api/clock?doas=alice", &[])?;
    has(&proxy, "is not allowed to impersonate alice")?;
    has(
        &ask(&realm, &hdfs, "/console/api/control", &change[2..])?,
        "HTTP/1.1 415",
    )?;
    let bare = [&FIELDS[..2], &["-d", FREEZE]].concat();
    has(
        &ask(&realm, &hdfs, "/console/api/control", &bare)?,
        "HTTP/1.1 400",
    )?;
    assert!(!realm.clock().is_frozen());
    let keys = [&FIELDS[..], &["-d", r#"{"keytab":["alice"]}"#]].concat();
    has(
        &ask(&realm, &hdfs, "/console/api/control", &keys)?,
        "over the control socket",
    )?;
    let done = ask(&realm, &hdfs, "/console/api/control", &change)?;
    has(&done, "HTTP/1.1 200 OK")?;
    assert!(realm.clock().is_frozen());
    let told = |event: &Event| event.to_string().contains("/console by hdfs@EXAMPLE.COM");
    assert_eq!(realm.journal().count(told), 1);
    Ok(())
}

fn it_starts_again_at_its_address_and_follows_its_keys() -> TestResult {
    let realm = realm()?;
    let alice = kinit(&realm, "alice")?;
    let jar = realm.path().join("jar").display().to_string();
    let into = ["-c", &*jar];
    has(
        &ask(&realm, &alice, "/console/api/clock", &into)?,
        "HTTP/1.1 200 OK",
    )?;
    let console = realm.console_server().ok_or("no console")?;
    let address = console.address();
    console.stop();
    assert!(ask(&realm, &alice, "/console/api/clock", &[]).is_err());
    console.restart()?;
    assert_eq!(console.address(), address);
    let states = |event: &Event| {
        matches!(event, Event::State { server: Server::Console, change, .. }
            if matches!(change, StateChange::Stopped | StateChange::Started))
    };
    assert_eq!(realm.journal().count(states), 2);
    let by_cookie = curl(
        &realm.env(),
        &["-i", "-b", &jar, &url(&realm, "/console/api/clock")?],
    )?;
    has(&by_cookie, "HTTP/1.1 200 OK")?;
    // New keys, and the old ones, to which the ticket in the cache belongs.
    realm.roll_keys(&KeyKind::Service("HTTP/localhost".to_owned()))?;
    has(
        &ask(&realm, &alice, "/console/api/clock", &[])?,
        "HTTP/1.1 200 OK",
    )?;
    let bob = kinit(&realm, "bob")?;
    has(
        &ask(&realm, &bob, "/console/api/clock", &[])?,
        "HTTP/1.1 200 OK",
    )?;
    // A realm that gets the principal later.
    let bare = Realm::builder()
        .without_principals()
        .user_with_password("alice", "alice")
        .console_administrators(["alice"])
        .start_blocking()?;
    let alice = kinit(&bare, "alice")?;
    has(
        &ask(&bare, &alice, "/console/api/clock", &[])?,
        "HTTP/1.1 401",
    )?;
    bare.add_principal(NewPrincipal::new("HTTP/localhost"))?;
    has(
        &ask(&bare, &alice, "/console/api/tickets", &[])?,
        "HTTP/1.1 200 OK",
    )
}

fn no_fault_strikes_it() -> TestResult {
    let realm = realm()?;
    let hdfs = kinit(&realm, "hdfs")?;
    has(
        &ask(&realm, &hdfs, "/console/api/clock", &[])?,
        "HTTP/1.1 200 OK",
    )?;
    let fault = realm.inject(|_: &Event| Verdict::Disconnect);
    has(
        &ask(&realm, &hdfs, "/console/api/clock", &[])?,
        "HTTP/1.1 200 OK",
    )?;
    let change = [&FIELDS[..], &["-d", FREEZE]].concat();
    has(
        &ask(&realm, &hdfs, "/console/api/control", &change)?,
        "HTTP/1.1 200 OK",
    )?;
    assert_eq!(fault.struck(), 0);
    Ok(())
}

fn open(realm: &Realm, user: &str) -> Found<Browser> {
    let mut browser = Browser::start(&kinit(realm, user)?)?;
    browser.looks(WIDE, "light")?;
    browser.open(&url(realm, "/")?)?;
    browser.until("document.querySelector('main').dataset.ready === 'overview'")?;
    Ok(browser)
}

fn a_user_sees_the_realm_and_no_more() -> TestResult {
    let realm = realm()?;
    let mut without = Browser::start(&realm.env())?;
    without.open(&url(&realm, "/")?)?;
    without.shows("A Kerberos ticket is needed")?;
    let mut browser = open(&realm, "alice")?;
    browser.until("document.querySelector('#who').textContent === 'alice@EXAMPLE.COM'")?;
    browser.shows("2 of 2")?;
    browser.view("clock", "")?;
    browser.shows("Only administrators move the clock.")?;
    assert_eq!(
        browser.eval("document.querySelector('#freeze')")?,
        serde_json::Value::Null
    );
    for view in [
        "journal",
        "principals",
        "tickets",
        "connections",
        "faults",
        "servers",
    ] {
        browser.view(view, "")?;
        browser.shows("the console's list of administrators")?;
    }
    is_content(&browser)
}

fn an_administrator_sees_and_changes_everything() -> TestResult {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let realm = Realm::builder()
        .realm_name("EXAMPLE.COM")
        .kdcs(2)
        // The administrator's ticket outlives what the buttons do to the clock.
        .ticket_lifetime(hours(30 * 24))
        .principal(NewPrincipal::new("jupyter").max_life(hours(10)))
        .console()
        .start_blocking()?;
    let mut browser = open(&realm, "hdfs")?;
    browser.shows("EXAMPLE.COM")?;
    for absent in ["files", "datanodes", "startup", "configuration"] {
        let link = format!("document.querySelector('nav [href=\"#/{absent}\"]')");
        assert_eq!(browser.eval(&link)?, serde_json::Value::Null, "{absent}");
    }
    clock(&realm, &mut browser)?;
    journal(&realm, &mut browser)?;
    lives(&realm, &mut browser)?;
    browser.view("connections", "")?;
    let rows = "[...document.querySelectorAll('tbody tr')].map((it) => it.innerText)";
    browser.until(&format!(
        "{rows}.some((it) => /console/.test(it) && /hdfs@/.test(it))"
    ))?;
    for (scheme, window) in [
        ("light", WIDE),
        ("dark", WIDE),
        ("light", PHONE),
        ("dark", PHONE),
    ] {
        browser.looks(window, scheme)?;
        for view in [
            "overview",
            "clock",
            "journal",
            "principals",
            "tickets",
            "connections",
            "faults",
            "servers",
        ] {
            browser.view(view, "")?;
            fits(&mut browser, view)?;
            let size = if window == PHONE { "phone" } else { "wide" };
            browser.picture(&format!("realm-{view}-{size}-{scheme}"))?;
        }
    }
    is_content(&browser)
}

/// Moves the clock by each button.
fn clock(realm: &Realm, browser: &mut Browser) -> TestResult {
    let clock = realm.clock();
    browser.click("Freeze")?;
    browser.until("document.querySelector('#freeze').textContent === 'Resume'")?;
    assert!(clock.is_frozen());
    let begin = clock.now();
    for (button, told) in [("+1 min", "1 min"), ("+1 h", "1 h"), ("+1 d", "1 d")] {
        browser.click(button)?;
        browser.shows(&format!("The clock is {told} further"))?;
    }
    let moved = Duration::from_secs(60 + 3600 + 86_400);
    assert_eq!(clock.now(), begin + moved);
    browser.view("clock", "")?;
    browser.write("[name=amount]", "2")?;
    browser.write("[name=unit]", "60")?;
    browser.click("Advance")?;
    browser.shows("The clock is 2 min further")?;
    let jump = (begin + moved + Duration::from_secs(3600)).to_string();
    browser.write("[name=to]", &jump[..19])?;
    browser.click("Jump")?;
    browser.shows("The clock shows")?;
    assert_eq!(clock.now().to_string()[..19], jump[..19]);
    browser.click("Freeze or resume")?;
    browser.until("document.querySelector('#freeze').textContent === 'Freeze'")?;
    assert!(!clock.is_frozen());
    Ok(())
}

/// Follows and filters the journal.
fn journal(realm: &Realm, browser: &mut Browser) -> TestResult {
    browser.view("journal", "")?;
    browser
        .until("[...document.querySelectorAll('.chip')].some((it) => it.textContent === 'live')")?;
    let kinds = "[...document.querySelectorAll('[data-kind]')].map((it) => it.dataset.kind).join()";
    assert_eq!(
        browser.text(kinds)?,
        "kerberos,calls,connections,times,faults"
    );
    kinit(realm, "bob")?;
    let lines = "[...document.querySelectorAll('.timeline li')]";
    let has = |word: &str| format!("{lines}.some((it) => it.textContent.includes('{word}'))");
    browser.until(&has("bob@EXAMPLE.COM"))?;
    let wrong = run(&mut command(&realm.env(), "kinit", &["bob"]), "wrong\n")?;
    wrong.refused()?;
    browser.until("!!document.querySelector('.timeline .failed')")?;
    browser.eval("document.querySelector('#refused').click()")?;
    browser.until(&format!(
        "{lines}.length > 0 && {lines}.every((it) => it.querySelector('.failed'))"
    ))?;
    browser.eval("document.querySelector('#refused').click()")?;
    browser.write("input[type=search]", "bob PREAUTH_FAILED")?;
    browser.until(&format!("{lines}.length === 1"))?;
    browser.eval("document.querySelector('.timeline summary').click()")?;
    browser.until("document.querySelector('.timeline pre')?.textContent.includes('AsExchange')")?;
    browser.write("input[type=search]", "")?;
    browser.eval("document.querySelector('[data-kind=kerberos]').click()")?;
    browser.until(&format!("!{}", has("bob@EXAMPLE.COM")))?;
    browser.eval("document.querySelector('[data-kind=kerberos]').click()")?;
    browser.click("Pause")?;
    browser.click("Follow")?;
    browser.click("Clear")?;
    realm.login_blocking("jupyter")?;
    browser.until(&has("jupyter@EXAMPLE.COM")).map(drop)
}

/// Looks at principals and tickets, and for keys where none may be.
fn lives(realm: &Realm, browser: &mut Browser) -> TestResult {
    browser.view("principals", "")?;
    browser.write("input[type=search]", "jupyter")?;
    browser.until("document.querySelectorAll('details').length === 1")?;
    browser.eval("document.querySelector('details summary').click()")?;
    browser.shows("aes256-cts-hmac-sha1-96")?;
    browser.shows("1 ticket, ")?;
    browser.view("tickets", "")?;
    browser.write("input[type=search]", "jupyter")?;
    browser.until("document.querySelectorAll('tbody tr').length === 1")?;
    let before = realm.clock().now();
    browser.click("Past its end")?;
    browser.shows("The clock is past its end")?;
    assert!(realm.clock().now().since(before).as_secs() > 9 * 3600);
    browser.until("document.querySelectorAll('tbody tr').length === 0")?;
    browser.eval("document.querySelector('#old').click()")?;
    browser.shows("over for")?;
    let answers = browser.text(
        "Promise.all(['tickets', 'tokens', 'principals', 'connections', 'clock', 'nodes', 'faults', 'realm'] \
         .map((verb) => fetch('/console/api/' + verb).then((it) => it.text()))).then((all) => all.join())",
    )?;
    for secret in ["password\":", "\"key\"", "\"bytes\"", "keyvalue"] {
        assert!(!answers.contains(secret), "{secret} in {answers}");
    }
    Ok(())
}

fn servers_are_stopped_and_started_and_faults_strike() -> TestResult {
    let realm = realm()?;
    let mut browser = open(&realm, "hdfs")?;
    browser.view("servers", "")?;
    let change = |what: &str| format!("document.querySelector('[data-change=\"{what}\"]')");
    for (now, next) in [
        ("kdc2 pause", "kdc2 resume"),
        ("kdc2 resume", "kdc2 stop"),
        ("kdc2 stop", "kdc2 restart"),
        ("kdc2 restart", "kdc2 kill"),
        ("kdc2 kill", "kdc2 restart"),
    ] {
        browser.until(&format!("!!{}", change(now)))?;
        browser.eval(&format!("{}.click()", change(now)))?;
        browser.until(&format!("!!{}", change(next)))?;
    }
    assert!(realm.kdc_server(1)?.is_running() && !realm.kdc_server(2)?.is_running());
    browser.view("overview", "")?;
    browser.shows("1 of 2")?;
    browser.view("servers", "")?;
    browser.eval(&format!("{}.click()", change("kdc2 restart")))?;
    browser.until(&format!("!!{}", change("kdc2 stop")))?;
    browser.eval(&format!("{}.click()", change("console restart")))?;
    browser.until(
        "document.querySelector('dialog[open]')?.innerText.includes('Restart the console')",
    )?;
    browser.eval("[...document.querySelectorAll('dialog button')].find((it) => it.textContent === 'Restart').click()")?;
    let restarted = |event: &Event| {
        matches!(
            event,
            Event::State {
                server: Server::Console,
                change: StateChange::Started,
                ..
            }
        )
    };
    realm
        .journal()
        .wait_blocking(restarted, Duration::from_secs(60))?;
    browser.view("faults", "")?;
    let kinds = "[...document.querySelectorAll('#fault-kind option')].map((it) => it.value).join()";
    // A question sent while the console restarted fails, and the page asks again.
    browser.until(&format!(
        "{kinds} === 'krb_error,delay,silence,disconnect,half_close,lose_reply'"
    ))?;
    browser.write("#fault-of", "bob")?;
    browser.click("Add the fault")?;
    browser.shows("krb-error KDC_ERR_POLICY --of bob")?;
    run(&mut command(&realm.env(), "kinit", &["bob"]), "bob\n")?.refused()?;
    browser.until("Number(document.querySelector('tbody td:nth-child(3)').textContent) > 0")?;
    browser.click("Remove fault 1")?;
    browser.shows("Nothing is made to fail")?;
    kinit(&realm, "bob")?;
    is_content(&browser)
}
