//! Names that lead elsewhere: referrals for clients that do not know a host's realm, anonymous and
//! renamed users. (For MIT's kvno see `cross_realm`.)

use kerbox::{ClientEnv, NewPrincipal, Principal, Realm};
use kerbox_kdc::{NewKeys, NewPrincipal as Raw, RealmConfig};

use crate::support::{
    Peer, Ran, TestResult, command, heimdal, peer_source, peers_dir, run, trials,
};

type Error = Box<dyn std::error::Error + Send + Sync>;

trials! {
    [Peer::Mit] =>
        mits_kinit_is_told_that_there_is_no_pkinit,
        mits_kinit_finds_a_renamed_principal_by_its_old_salt;
    [Peer::Heimdal] =>
        heimdals_kgetcred_is_referred;
    [Peer::Java] =>
        the_jdk_is_referred_where_its_services_are_said_to_be_hosts;
    [Peer::GoKrb5] =>
        gokrb5_is_not_referred_and_comes_by_its_own_map;
}

const MIDDLE: &str = "MIDDLE.ORG";
const HOST: &str = "HTTP/www.middle.org";

/// Starts two realms in one KDC: ours, and the one that the host belongs to. The clients know both
/// realms, but not the host's.
fn two_realms(domain_realm: &str) -> Result<(Realm, ClientEnv), Error> {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("alice").password("alice"))
        .start_blocking()?;
    let ours = realm.name().to_owned();
    realm.kdc().update(|database, rng| {
        database.add_realm(RealmConfig::new(MIDDLE), rng)?;
        for name in [&["HTTP", "www.middle.org"][..], &["bob"]] {
            let principal = Principal::new(MIDDLE, name.iter().copied());
            database.add(
                Raw::new(principal, NewKeys::RandomAndPassword("bob".to_owned())),
                rng,
            )?;
        }
        database
            .realm_mut(&ours)?
            .host_realms
            .insert(".middle.org".to_owned(), MIDDLE.to_owned());
        database.add_trust(&ours, MIDDLE, NewKeys::Random, rng)
    })?;
    let conf = std::fs::read_to_string(realm.path().join("krb5.conf"))?;
    let path = realm.path().join("two-realms.conf");
    let other = format!(
        "[realms]\n {MIDDLE} = {{\n  kdc = {}\n }}\n",
        realm.kdc_address()
    );
    // Merge the sections, since not every client reads a section that appears twice.
    let conf = conf.replace("[realms]\n", &other);
    std::fs::write(&path, format!("{conf}\n[domain_realm]\n{domain_realm}\n"))?;
    let env = realm.env().with("KRB5_CONFIG", &path);
    Ok((realm, env))
}

/// Returns whether a ticket for the other realm's host was issued.
fn came_to_the_host(realm: &Realm) -> bool {
    let host = Principal::new(MIDDLE, ["HTTP", "www.middle.org"]);
    realm
        .kdc()
        .issued()
        .iter()
        .any(|ticket| ticket.server == host)
}

fn kinit(
    realm: &Realm,
    env: &ClientEnv,
    program: impl AsRef<std::ffi::OsStr>,
) -> Result<(), Error> {
    let keytab = realm.keytab("alice")?.display().to_string();
    run(
        &mut command(env, program, &["-k", "-t", &keytab, "alice"]),
        "",
    )?
    .ok()?;
    Ok(())
}

fn mits_kinit_is_told_that_there_is_no_pkinit() -> TestResult {
    let realm = Realm::start_blocking()?;
    let trace = realm.path().join("trace");
    let env = realm.env().with("KRB5_TRACE", &trace);
    let said = run(&mut command(&env, "kinit", &["-n"]), "")?.refused()?;
    // These are MIT's words. Without its PKINIT plugin, MIT's KDC does not give the reason, either;
    // ours puts it into the error's text.
    let expected = format!(
        "Client 'WELLKNOWN/ANONYMOUS@{}' not found in Kerberos database",
        realm.name()
    );
    assert!(said.contains(&expected), "{said}");
    Ok(())
}

fn mits_kinit_finds_a_renamed_principal_by_its_old_salt() -> TestResult {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("ann").password("pw"))
        .start_blocking()?;
    let (ann, anna) = (
        realm.principal("ann")?,
        Principal::new(realm.name(), ["anna"]),
    );
    realm
        .kdc()
        .update(|database, _| database.rename(&ann, anna))?;
    run(&mut command(&realm.env(), "kinit", &["anna"]), "pw\n")?.ok()?;
    let said = run(&mut command(&realm.env(), "kinit", &["ann"]), "pw\n")?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn heimdals_kgetcred_is_referred() -> TestResult {
    let (realm, env) = two_realms("")?;
    kinit(&realm, &env, heimdal("kinit.heimdal"))?;
    let words = ["--canonicalize", "--name-type=SRV_HST", HOST];
    run(&mut command(&env, heimdal("kgetcred"), &words), "")?.ok()?;
    assert!(came_to_the_host(&realm));
    Ok(())
}

fn the_jdk_is_referred_where_its_services_are_said_to_be_hosts() -> TestResult {
    let (realm, env) = two_realms("")?;
    // The JDK's names have no type. Without this setting they are refused, as by MIT's KDC (see
    // `mit_kdc::tickets`).
    realm
        .kdc()
        .database_mut()
        .realm_mut(realm.name())?
        .host_based_services = vec!["HTTP".to_owned()];
    let conf = env
        .get("KRB5_CONFIG")
        .ok_or("a krb5.conf")?
        .to_string_lossy()
        .into_owned();
    let config = format!("-Djava.security.krb5.conf={conf}");
    let source = peer_source("JdkAccept.java").display().to_string();
    let keytab = realm.keytab("alice")?.display().to_string();
    let words = [
        &*config,
        "-Djava.net.preferIPv4Stack=true",
        "-Xshare:auto",
        &source,
        "alice",
        &keytab,
        HOST,
    ];
    let said = run(&mut command(&env, "java", &words), "")?.ok()?;
    assert!(said.contains("bytes for HTTP/www.middle.org"), "{said}");
    assert!(came_to_the_host(&realm));
    Ok(())
}

fn gokrb5_is_not_referred_and_comes_by_its_own_map() -> TestResult {
    let ask = |realm: &Realm, env: &ClientEnv| -> Result<Ran, Error> {
        let keytab = realm.keytab("alice")?.display().to_string();
        run(
            &mut command(
                env,
                peers_dir().join("bin/krb-go"),
                &["alice", "-k", &keytab, HOST],
            ),
            "",
        )
    };
    // gokrb5 uses the name type for principals, not for hosts' services. MIT's KDC does not refer
    // such names, either (see `mit_kdc::tickets`).
    let (realm, env) = two_realms("")?;
    let said = ask(&realm, &env)?.refused()?;
    assert!(said.contains("KDC_ERR_S_PRINCIPAL_UNKNOWN"), "{said}");
    let (realm, env) = two_realms(&format!(" .middle.org = {MIDDLE}"))?;
    ask(&realm, &env)?.ok()?;
    assert!(came_to_the_host(&realm));
    Ok(())
}
