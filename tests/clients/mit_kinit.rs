//! MIT's kinit: names, times, addresses, armor, transports.

use std::time::Duration;

use kerbox::{Error, Realm};

use crate::support::{Peer, TestResult, Text, command, on, run, trials};

trials! {
    [Peer::Mit] =>
        an_alias_is_canonicalized_when_asked_for,
        an_enterprise_name_is_understood,
        a_first_ticket_may_be_for_any_service,
        a_postdated_ticket_is_validated_when_its_time_has_come,
        a_ticket_is_bound_to_addresses_or_not,
        a_password_is_shown_inside_an_armor,
        that_armor_is_known_is_said_where_nobody_can_take_it_out,
        an_armored_refusal_comes_inside_the_armor,
        an_armor_that_is_over_is_refused,
        klist_shows_flags_and_enctypes,
        a_moved_clock_reaches_a_collection_of_caches,
        udp_serves_alone,
        tcp_is_used_alone_when_the_client_prefers_it,
        a_realm_of_tcp_alone_is_found,
        a_realm_of_udp_alone_serves_what_fits_into_a_datagram;
}

/// Runs `kinit` and returns its trace.
fn traced(realm: &Realm, arguments: &[&str], input: &str) -> Text {
    let trace = realm.path().join("trace");
    let env = realm.env().with("KRB5_TRACE", &trace);
    run(&mut command(&env, "kinit", arguments), input)?.ok()?;
    Ok(std::fs::read_to_string(trace)?)
}

fn an_alias_is_canonicalized_when_asked_for() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (alias, alice) = (realm.principal("ali")?, realm.principal("alice")?);
    realm
        .kdc()
        .database_mut()
        .add_alias(alias, &alice)
        .map_err(Error::from)?;
    on(&realm, "kinit", &["-C", "ali"], "alice\n")?.ok()?;
    let listed = on(&realm, "klist", &[], "")?.ok()?;
    assert!(
        listed.contains(&format!("Default principal: {alice}")),
        "{listed}"
    );
    Ok(())
}

fn an_enterprise_name_is_understood() -> TestResult {
    let realm = Realm::start_blocking()?;
    let alice = realm.principal("alice")?;
    on(&realm, "kinit", &["-E", &alice.to_string()], "alice\n")?.ok()?;
    let listed = on(&realm, "klist", &[], "")?.ok()?;
    assert!(
        listed.contains(&format!("Default principal: {alice}")),
        "{listed}"
    );
    let said = on(&realm, "kinit", &["-E", "nobody@elsewhere.example"], "x\n")?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn a_moved_clock_reaches_a_collection_of_caches() -> TestResult {
    let realm = Realm::start_blocking()?;
    let collection = realm.path().join("collection");
    std::fs::create_dir(&collection)?;
    let cache = format!("DIR:{}", collection.display());
    let env = realm.env().with("KRB5CCNAME", cache);
    run(&mut command(&env, "kinit", &["alice"]), "alice\n")?.ok()?;
    realm.advance_blocking(Duration::from_secs(9 * 3600))?;
    // Without the moved offset, its authenticator would be nine hours old: a clock skew too great.
    run(&mut command(&env, "kvno", &["host/localhost"]), "")?.ok()?;
    realm.advance_blocking(Duration::from_secs(2 * 3600))?;
    let said = run(&mut command(&env, "kvno", &["nn/localhost"]), "")?.refused()?;
    assert!(said.to_lowercase().contains("expired"), "{said}");
    Ok(())
}

fn a_first_ticket_may_be_for_any_service() -> TestResult {
    let realm = Realm::start_blocking()?;
    on(
        &realm,
        "kinit",
        &["-S", "host/localhost", "alice"],
        "alice\n",
    )?
    .ok()?;
    let listed = on(&realm, "klist", &["-f"], "")?.ok()?;
    assert!(
        listed.contains(&format!("host/localhost@{}", realm.name())),
        "{listed}"
    );
    assert!(!listed.contains("krbtgt/"), "{listed}");
    let said = on(&realm, "kinit", &["-S", "no/such", "alice"], "alice\n")?.refused()?;
    assert!(
        said.contains("Server not found in Kerberos database"),
        "{said}"
    );
    Ok(())
}

fn a_postdated_ticket_is_validated_when_its_time_has_come() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    on(
        &realm,
        "kinit",
        &["-s", "1h", "-k", "-t", &keytab, "alice"],
        "",
    )?
    .ok()?;
    let listed = on(&realm, "klist", &["-f"], "")?.ok()?;
    assert!(
        flags(&listed).contains("di"),
        "postdated and invalid: {listed}"
    );
    let said = on(&realm, "kinit", &["-v"], "")?.refused()?;
    assert!(said.contains("Ticket not yet valid"), "{said}");
    realm.advance_blocking(Duration::from_secs(61 * 60))?;
    let said = on(&realm, "kvno", &["host/localhost"], "")?.refused()?;
    assert!(
        said.contains("Ticket not yet valid"),
        "not before it is validated: {said}"
    );
    on(&realm, "kinit", &["-v"], "")?.ok()?;
    let listed = on(&realm, "klist", &["-f"], "")?.ok()?;
    assert!(!flags(&listed).contains('i'), "{listed}");
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    let said = on(&realm, "kinit", &["-v"], "")?.refused()?;
    assert!(
        said.contains("KDC can't fulfill requested option"),
        "it is valid already: {said}"
    );
    Ok(())
}

/// Returns the flags of the first ticket that `klist -f` lists.
fn flags(listed: &str) -> &str {
    let after = listed.split_once("Flags: ").map_or("", |(_, rest)| rest);
    after.split(['\n', ';']).next().unwrap_or_default()
}

fn a_ticket_is_bound_to_addresses_or_not() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    on(&realm, "kinit", &["-A", "-k", "-t", &keytab, "alice"], "")?.ok()?;
    let listed = on(&realm, "klist", &["-a", "-n"], "")?.ok()?;
    assert!(listed.contains("Addresses: (none)"), "{listed}");
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    // MIT's library lists every address of the machine except those of the loopback interface, from
    // which the request comes.
    on(&realm, "kinit", &["-a", "-k", "-t", &keytab, "alice"], "")?.ok()?;
    let said = on(&realm, "kvno", &["host/localhost"], "")?.refused()?;
    assert!(said.contains("Incorrect net address"), "{said}");
    Ok(())
}

/// An armor: the cache of a principal that is logged in.
fn armor(realm: &Realm) -> Text {
    let host = realm.login_blocking("host/localhost")?;
    Ok(format!("FILE:{}", host.ccache().display()))
}

fn a_password_is_shown_inside_an_armor() -> TestResult {
    let realm = Realm::start_blocking()?;
    let trace = traced(&realm, &["-T", &armor(&realm)?, "alice"], "alice\n")?;
    assert!(
        trace.contains("Encoding request body and padata into FAST request"),
        "{trace}"
    );
    let listed = on(&realm, "klist", &["-C"], "")?.ok()?;
    // 138 is PA-ENCRYPTED-CHALLENGE.
    assert!(
        listed.contains(&format!(
            "config: pa_type(krbtgt/{0}@{0}) = 138",
            realm.name()
        )),
        "{listed}"
    );
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    Ok(())
}

fn that_armor_is_known_is_said_where_nobody_can_take_it_out() -> TestResult {
    let realm = Realm::start_blocking()?;
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    let listed = on(&realm, "klist", &["-C"], "")?.ok()?;
    assert!(
        listed.contains(&format!(
            "config: fast_avail(krbtgt/{0}@{0}) = yes",
            realm.name()
        )),
        "{listed}"
    );
    Ok(())
}

fn an_armored_refusal_comes_inside_the_armor() -> TestResult {
    let realm = Realm::start_blocking()?;
    let armor = armor(&realm)?;
    let said = on(&realm, "kinit", &["-T", &armor, "alice"], "wrong\n")?.refused()?;
    assert!(said.contains("Password incorrect"), "{said}");
    let said = on(&realm, "kinit", &["-T", &armor, "nobody"], "x\n")?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn an_armor_that_is_over_is_refused() -> TestResult {
    let realm = Realm::start_blocking()?;
    let host = realm.login_blocking("host/localhost")?;
    let armor = format!("FILE:{}", host.ccache().display());
    realm.advance_blocking(Duration::from_secs(11 * 3600))?;
    let said = on(&realm, "kinit", &["-T", &armor, "alice"], "alice\n")?.refused()?;
    assert!(said.contains("Ticket expired"), "{said}");
    Ok(())
}

fn klist_shows_flags_and_enctypes() -> TestResult {
    let realm = Realm::start_blocking()?;
    let options = ["-f", "-p", "-l", "2h", "-r", "1d", "alice"];
    on(&realm, "kinit", &options, "alice\n")?.ok()?;
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    let listed = on(&realm, "klist", &["-e", "-f"], "")?.ok()?;
    assert_eq!(flags(&listed), "FPRIA", "{listed}");
    let enctypes = "Etype (skey, tkt): aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96";
    assert_eq!(listed.matches(enctypes).count(), 2, "{listed}");
    let service = listed
        .split("host/localhost")
        .nth(1)
        .ok_or("no service ticket")?;
    assert_eq!(
        flags(service),
        "FPRAT",
        "a service's ticket is not initial, and its way was checked: {listed}"
    );
    Ok(())
}

fn udp_serves_alone() -> TestResult {
    let realm = Realm::start_blocking()?;
    // Without an answer within a second, as on a busy machine, MIT's library tries TCP as well.
    let mut traces = Vec::new();
    while traces.len() < 5 {
        let trace = traced(&realm, &["alice"], "alice\n")?;
        assert!(trace.contains("UDP request to dgram"), "{trace}");
        if !trace.contains("TCP") {
            return Ok(());
        }
        traces.push(trace);
    }
    Err(format!("TCP was tried each time: {}", traces.join("\n")).into())
}

fn tcp_is_used_alone_when_the_client_prefers_it() -> TestResult {
    let realm = Realm::builder()
        .libdefault("udp_preference_limit", "1")
        .start_blocking()?;
    let trace = traced(&realm, &["alice"], "alice\n")?;
    assert!(
        trace.contains("TCP request to stream") && !trace.contains("UDP"),
        "{trace}"
    );
    Ok(())
}

fn a_realm_of_tcp_alone_is_found() -> TestResult {
    let realm = Realm::builder().tcp_only().start_blocking()?;
    let trace = traced(&realm, &["alice"], "alice\n")?;
    let address = realm.kdc_address();
    assert!(
        trace.contains("Received answer") && trace.contains(&format!("from stream {address}")),
        "{trace}"
    );
    assert!(!trace.contains("from dgram"), "{trace}");
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    Ok(())
}

fn a_realm_of_udp_alone_serves_what_fits_into_a_datagram() -> TestResult {
    let realm = Realm::builder()
        .udp_only()
        .libdefault("udp_preference_limit", "1")
        .start_blocking()?;
    let trace = traced(&realm, &["alice"], "alice\n")?;
    let address = realm.kdc_address();
    assert!(
        trace.contains(&format!("Initiating TCP connection to stream {address}")),
        "{trace}"
    );
    assert!(
        trace.contains(&format!("from dgram {address}")) && !trace.contains("from stream"),
        "{trace}"
    );
    let realm = Realm::builder()
        .udp_only()
        .max_udp_reply(100)
        .start_blocking()?;
    let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
    assert!(
        said.contains(&format!(
            "Cannot contact any KDC for realm '{}'",
            realm.name()
        )),
        "{said}"
    );
    Ok(())
}
