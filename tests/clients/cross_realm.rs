//! Several realms, each with its own KDC: trust, paths over other realms, referrals. Tested with
//! MIT's kinit and kvno, Heimdal and gokrb5.

use kerbox::{ClientEnv, Error, ErrorCode, Event, NewPrincipal, Principal, Realm};
use kerbox_kdc::NewKeys;
use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};

use crate::support::{Peer, Ran, TestResult, command, heimdal, peers_dir, run, trials};

trials! {
    [Peer::Mit] =>
        a_client_of_one_realm_comes_to_a_service_of_another,
        a_realm_that_is_not_trusted_is_not_reached,
        a_way_over_a_third_realm_is_gone_if_both_sides_know_it,
        a_host_of_another_realm_is_found_by_a_referral,
        a_client_of_another_realm_is_referred_to_it;
    [Peer::Heimdal] =>
        heimdal_s_client_comes_to_another_realm;
    [Peer::GoKrb5] =>
        gokrb5_s_client_comes_to_another_realm;
}

type Answer = Result<Ran, Box<dyn std::error::Error + Send + Sync>>;

/// Lets clients of `from` use services of `to`: both KDCs get the same key.
fn trust(from: &Realm, to: &Realm) -> TestResult {
    for realm in [from, to] {
        let keys = NewKeys::Password(format!("{} comes to {}", from.name(), to.name()));
        let add = realm
            .kdc()
            .update(|database, rng| database.add_trust(from.name(), to.name(), keys, rng));
        add.map_err(Error::from)?;
    }
    Ok(())
}

/// An environment in which clients of `home` find every realm; `more` is text of a krb5.conf that
/// is read first.
fn env(home: &Realm, more: &str) -> Result<ClientEnv, Box<dyn std::error::Error + Send + Sync>> {
    let first = home.path().join("more.conf");
    std::fs::write(&first, more)?;
    let own = home.path().join("krb5.conf");
    let files = [&first, &own, &kerbox::shared_krb5_conf()].map(|path| path.display().to_string());
    Ok(home.env().with("KRB5_CONFIG", files.join(":")))
}

fn login(env: &ClientEnv, home: &Realm) -> TestResult {
    let keytab = home.keytab("alice")?.display().to_string();
    run(
        &mut command(env, "kinit", &["-k", "-t", &keytab, "alice"]),
        "",
    )?
    .ok()?;
    Ok(())
}

fn kvno(env: &ClientEnv, service: &str) -> Answer {
    run(&mut command(env, "kvno", &[service]), "")
}

fn a_client_of_one_realm_comes_to_a_service_of_another() -> TestResult {
    let (here, there) = (Realm::start_blocking()?, Realm::start_blocking()?);
    trust(&here, &there)?;
    let env = env(&here, "")?;
    login(&env, &here)?;
    kvno(&env, &format!("host/localhost@{}", there.name()))?.ok()?;
    let listed = run(&mut command(&env, "klist", &[]), "")?.ok()?;
    assert!(
        listed.contains(&format!("krbtgt/{}@{}", there.name(), here.name())),
        "{listed}"
    );
    let alice = format!("alice@{}", here.name());
    let came = there
        .journal()
        .count(|event| matches!(event, Event::TgsExchange { client, .. } if **client == *alice));
    assert_eq!(came, 1);
    // Trust has only one direction.
    let env = self::env(&there, "")?;
    login(&env, &there)?;
    let said = kvno(&env, &format!("host/localhost@{}", here.name()))?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn a_realm_that_is_not_trusted_is_not_reached() -> TestResult {
    let (here, there) = (Realm::start_blocking()?, Realm::start_blocking()?);
    let env = env(&here, "")?;
    login(&env, &here)?;
    let said = kvno(&env, &format!("host/localhost@{}", there.name()))?.refused()?;
    let expected = format!(
        "Server krbtgt/{}@{} not found in Kerberos database",
        there.name(),
        here.name()
    );
    assert!(said.contains(&expected), "{said}");
    assert_eq!(
        there
            .journal()
            .count(|event| matches!(event, Event::TgsExchange { .. })),
        0
    );
    Ok(())
}

fn a_way_over_a_third_realm_is_gone_if_both_sides_know_it() -> TestResult {
    let realms = [
        Realm::start_blocking()?,
        Realm::start_blocking()?,
        Realm::start_blocking()?,
    ];
    let [here, middle, far] = &realms;
    trust(here, middle)?;
    trust(middle, far)?;
    let names = [here.name(), middle.name(), far.name()];
    let capaths = format!(
        "[capaths]\n {} = {{\n  {} = {}\n }}\n",
        names[0], names[2], names[1]
    );
    let service = format!("host/localhost@{}", far.name());
    let env = env(here, &capaths)?;
    login(&env, here)?;
    let said = kvno(&env, &service)?.refused()?;
    assert!(
        said.contains("KDC policy rejects request"),
        "the far realm does not know the way: {said}"
    );
    let refused = far.journal().count(|event| {
        matches!(
            event,
            Event::TgsExchange { outcome, .. }
                if outcome.kerberos_code() == Some(ErrorCode::KDC_ERR_POLICY)
        )
    });
    assert!(refused > 0);
    let mut database = far.kdc().database_mut();
    database
        .capaths_mut()
        .set(names[0], names[2], vec![names[1].to_owned()]);
    drop(database);
    kvno(&env, &service)?.ok()?;
    Ok(())
}

fn a_host_of_another_realm_is_found_by_a_referral() -> TestResult {
    let (here, there) = (Realm::start_blocking()?, Realm::start_blocking()?);
    trust(&here, &there)?;
    there.add_principal(NewPrincipal::new("HTTP/www.there.example"))?;
    let mut database = here.kdc().database_mut();
    let realm = database.realm_mut(here.name()).map_err(Error::from)?;
    realm
        .host_realms
        .insert(".there.example".to_owned(), there.name().to_owned());
    drop(database);
    let env = env(&here, "")?;
    login(&env, &here)?;
    run(
        &mut command(&env, "kvno", &["-S", "HTTP", "www.there.example"]),
        "",
    )?
    .ok()?;
    let listed = run(&mut command(&env, "klist", &[]), "")?.ok()?;
    assert!(
        listed.contains(&format!(
            "Ticket server: HTTP/www.there.example@{}",
            there.name()
        )),
        "{listed}"
    );
    let said = run(
        &mut command(&env, "kvno", &["-S", "HTTP", "www.elsewhere.example"]),
        "",
    )?
    .refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn a_client_of_another_realm_is_referred_to_it() -> TestResult {
    let (here, there) = (Realm::start_blocking()?, Realm::start_blocking()?);
    let asked_of = |realm: &Realm| Principal::new(realm.name(), ["alice@corp.example"]);
    let alice = there.principal("alice")?;
    here.kdc()
        .database_mut()
        .add_client_referral(asked_of(&here), alice.clone());
    // MIT's client sends its original name to the other realm, so that realm needs an alias.
    there
        .kdc()
        .database_mut()
        .add_alias(asked_of(&there), &alice)
        .map_err(Error::from)?;
    let env = env(&here, "")?;
    run(
        &mut command(&env, "kinit", &["-E", "alice@corp.example"]),
        "alice\n",
    )?
    .ok()?;
    let listed = run(&mut command(&env, "klist", &[]), "")?.ok()?;
    assert!(
        listed.contains(&format!("Default principal: {alice}")),
        "{listed}"
    );
    Ok(())
}

/// Two realms, of which the second trusts the first and has HTTP/www.there.example, and an
/// environment whose krb5.conf describes both.
fn neighbours() -> Result<(Realm, Realm, ClientEnv), Box<dyn std::error::Error + Send + Sync>> {
    let (here, there) = (Realm::start_blocking()?, Realm::start_blocking()?);
    trust(&here, &there)?;
    there.add_principal(NewPrincipal::new("HTTP/www.there.example"))?;
    let mut conf = Krb5Conf {
        default_realm: Some(here.name().to_owned()),
        ..Krb5Conf::default()
    };
    for realm in [&here, &there] {
        conf.realms.insert(
            realm.name().to_owned(),
            RealmServers::kdc(realm.kdc_address()),
        );
    }
    conf.domain_realm
        .insert(".there.example".to_owned(), there.name().to_owned());
    let path = here.path().join("both.conf");
    std::fs::write(&path, conf.to_text()?)?;
    let env = here.env().with("KRB5_CONFIG", path);
    Ok((here, there, env))
}

/// Counts the service tickets that alice of `here` got from `there`.
fn visits(here: &Realm, there: &Realm) -> usize {
    let alice = format!("alice@{}", here.name());
    there.journal().count(|event| {
        matches!(
            event,
            Event::TgsExchange { client, service, outcome, .. }
                if **client == *alice && service.starts_with("HTTP/") && outcome.is_ok()
        )
    })
}

fn heimdal_s_client_comes_to_another_realm() -> TestResult {
    let (here, there, env) = neighbours()?;
    let keytab = here.keytab("alice")?.display().to_string();
    let heim = |program: &str, arguments: &[&str]| {
        run(&mut command(&env, heimdal(program), arguments), "")
    };
    heim("kinit.heimdal", &["-k", "-t", &keytab, "alice"])?.ok()?;
    let service = format!("HTTP/www.there.example@{}", there.name());
    heim("kgetcred", &[&service])?.ok()?;
    assert_eq!(visits(&here, &there), 1);
    let said = heim("kgetcred", &[&format!("no/such@{}", there.name())])?.refused()?;
    assert!(said.contains("LOOKING_UP_SERVER (no/such@"), "{said}");
    Ok(())
}

fn gokrb5_s_client_comes_to_another_realm() -> TestResult {
    let (here, there, env) = neighbours()?;
    let probe = peers_dir().join("bin/krb-go");
    let keytab = here.keytab("alice")?.display().to_string();
    let go = |service: &str| {
        run(
            &mut command(&env, &probe, &["alice", "-k", &keytab, service]),
            "",
        )
    };
    go("HTTP/www.there.example")?.ok()?;
    assert_eq!(visits(&here, &there), 1);
    let said = go("HTTP/no-such.there.example")?.refused()?;
    assert!(said.contains("(7) KDC_ERR_S_PRINCIPAL_UNKNOWN"), "{said}");
    Ok(())
}
