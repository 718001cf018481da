//! PACs, read and verified by other implementations: MIT's and Heimdal's libraries, gokrb5, the
//! JDK.

use std::path::{Path, PathBuf};

use kerbox::{ClientEnv, Cluster, NewPrincipal, Pac, PacAccount, PacDomain, Realm};
use kerbox_kdc::Peer as Caller;
use kerbox_krb5::client::{TgsExchange, TgsRequest};
use kerbox_krb5::messages::AuthorizationData;
use kerbox_krb5::{Credential, CredentialCache};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::hdfs_native;
use crate::support::{
    Peer, Ran, TestResult, block_on, command, heimdal, peer_source, peers_dir, run, trials,
};

type Error = Box<dyn std::error::Error + Send + Sync>;

trials! {
    [Peer::Mit, Peer::LibGssapi, Peer::Python] =>
        mits_library_vouches_for_the_pac,
        mits_library_reads_who_delegated;
    [Peer::LibGssapi, Peer::Python] =>
        mits_library_does_not_vouch_for_a_spoilt_pac;
    [Peer::LibHeimdal, Peer::Python] =>
        heimdals_library_accepts_a_pac_and_refuses_a_spoilt_one;
    [Peer::Heimdal] =>
        heimdals_programs_get_tickets_with_pacs;
    [Peer::GoKrb5] =>
        gokrb5_reads_the_groups_in_the_pac,
        gokrb5_refuses_a_spoilt_pac;
    [Peer::LibGssapi] =>
        hdfs_native_comes_to_a_cluster_of_a_realm_with_pacs;
    [Peer::Java] =>
        the_jdk_accepts_tickets_with_pacs;
}

const SERVICE: &str = "host/localhost";
const DOMAIN: &str = "S-1-5-21-1004336348-1177238915-682003330";

/// A realm in which alice has a PAC account.
fn realm(pac: Pac) -> Result<Realm, Error> {
    let alice = PacAccount {
        rid: Some(1104),
        groups: vec![513, 1105, 1106],
        full_name: Some("Alice of Example".to_owned()),
        ..PacAccount::default()
    };
    let http = NewPrincipal::new("HTTP/localhost")
        .attribute("+ok_to_auth_as_delegate")
        .delegates_to(SERVICE);
    let domain = PacDomain {
        sid: Some(DOMAIN.parse()?),
        netbios_name: Some("EXAMPLE".to_owned()),
    };
    let mut realm = Realm::builder().pac(pac);
    if pac == Pac::Full {
        realm = realm.pac_domain(domain);
    }
    let realm = realm
        .principal(
            NewPrincipal::new("alice")
                .password("alice")
                .pac_account(alice),
        )
        .principal(http);
    Ok(realm.start_blocking()?)
}

/// An environment with alice's ticket, and the service's keytab.
fn logged_in(realm: &Realm) -> Result<(ClientEnv, PathBuf), Error> {
    let alice = realm.login_blocking("alice")?;
    let keytab = realm.keytab(SERVICE)?;
    Ok((alice.env().with("KRB5_KTNAME", &keytab), keytab))
}

/// The same, with a service ticket too, in whose PAC a bit is flipped. Only a holder of the
/// service's key can do that.
fn with_spoilt_pac(realm: &Realm) -> Result<(ClientEnv, PathBuf), Error> {
    let (env, keytab) = logged_in(realm)?;
    let alice = realm.login_blocking("alice")?;
    let (tgt, now, mut rng) = (
        alice.ticket(),
        realm.clock().now(),
        StdRng::seed_from_u64(1),
    );
    let service = realm.principal(SERVICE)?;
    let (exchange, request) = TgsExchange::new(
        &tgt,
        TgsRequest::service(service.clone(), &tgt),
        now,
        &mut rng,
    )?;
    let answer = realm
        .kdc()
        .handle(now, &request, Caller::LOCAL)
        .message
        .ok_or("an answer")?;
    let mut ticket = exchange.finish(&answer)?;

    let database = realm.kdc().database();
    let key = database
        .get(&service)
        .and_then(|entry| entry.service_key())
        .ok_or("a key")?;
    let mut part = ticket.ticket.open(key.key())?;
    let container = part.authorization_data.first_mut().ok_or("a PAC")?;
    let mut list = AuthorizationData::decode_list(&container.data)?;
    let pac = &mut list.first_mut().ok_or("a PAC")?.data;
    let middle = pac.len() / 2;
    pac[middle] ^= 1;
    container.data = AuthorizationData::encode_list(&list);
    ticket.ticket = part.seal(service, key.key(), Some(key.kvno), &mut rng);

    let path = realm.path().join("spoilt");
    let mut cache = CredentialCache::new(tgt.client.clone());
    cache.push(Credential::from(&tgt));
    cache.push(Credential::from(&ticket));
    cache.write(&path)?;
    Ok((env.with("KRB5CCNAME", &path), keytab))
}

const MIT: &str = "libgssapi_krb5.so.2";
const HEIMDAL: &str = "libgssapi.so.3";

/// Runs a client and a service of this library.
fn gss_accept(env: &ClientEnv, library: &str) -> Result<Ran, Error> {
    let script = peer_source("gss_accept.py").display().to_string();
    run(
        &mut command(env, "python3", &[&script, library, "host@localhost"]),
        "",
    )
}

fn mits_library_vouches_for_the_pac() -> TestResult {
    for (pac, buffers) in [
        (Pac::Minimal, &["client-info"][..]),
        (Pac::Full, &["logon-info", "client-info", "upn-dns-info"]),
    ] {
        let realm = realm(pac)?;
        let (env, _) = logged_in(&realm)?;
        let said = gss_accept(&env, MIT)?.ok()?;
        assert!(
            said.contains(&format!("accepted alice@{}", realm.name())),
            "{said}"
        );
        for buffer in buffers {
            assert!(
                said.contains(&format!("urn:mspac:{buffer} vouched")),
                "{said}"
            );
        }
        assert!(!said.contains("doubted"), "{said}");
        // MIT's kvno accepts the ticket with its PAC, too.
        run(&mut command(&env, "kvno", &[SERVICE]), "")?.ok()?;
    }
    Ok(())
}

fn mits_library_does_not_vouch_for_a_spoilt_pac() -> TestResult {
    let realm = realm(Pac::Full)?;
    let (env, _) = with_spoilt_pac(&realm)?;
    // MIT's library accepts the ticket, but exposes nothing of a PAC that it could not verify.
    let said = gss_accept(&env, MIT)?.ok()?;
    assert!(
        said.contains("accepted alice@") && !said.contains("vouched"),
        "{said}"
    );
    Ok(())
}

fn mits_library_reads_who_delegated() -> TestResult {
    for pac in [Pac::Minimal, Pac::Full] {
        let realm = realm(pac)?;
        let service = realm.login_blocking("HTTP/localhost")?;
        let cache = realm.path().join("delegated");
        let out = format!("FILE:{}", cache.display());
        let words = ["-U", "alice", "-P", "--out-cache", &out, SERVICE];
        run(&mut command(&service.env(), "kvno", &words), "")?.ok()?;
        let env = service
            .env()
            .with("KRB5CCNAME", &cache)
            .with("KRB5_KTNAME", realm.keytab(SERVICE)?);
        let said = gss_accept(&env, MIT)?.ok()?;
        assert!(
            said.contains(&format!("accepted alice@{}", realm.name())),
            "{said}"
        );
        assert!(said.contains("urn:mspac:delegation-info vouched"), "{said}");
    }
    Ok(())
}

fn heimdals_library_accepts_a_pac_and_refuses_a_spoilt_one() -> TestResult {
    for pac in [Pac::Minimal, Pac::Full] {
        let realm = realm(pac)?;
        let (env, _) = logged_in(&realm)?;
        let said = gss_accept(&env, HEIMDAL)?.ok()?;
        assert!(
            said.contains(&format!("accepted alice@{}", realm.name())),
            "{said}"
        );
        let (env, _) = with_spoilt_pac(&realm)?;
        let said = gss_accept(&env, HEIMDAL)?.refused()?;
        assert!(said.starts_with("acceptor refused"), "{said}");
    }
    Ok(())
}

fn heimdals_programs_get_tickets_with_pacs() -> TestResult {
    let realm = realm(Pac::Full)?;
    let password = realm.path().join("password");
    std::fs::write(&password, "alice\n")?;
    let file = format!("--password-file={}", password.display());
    run(
        &mut command(&realm.env(), heimdal("kinit.heimdal"), &[&file, "alice"]),
        "",
    )?
    .ok()?;
    run(
        &mut command(&realm.env(), heimdal("kgetcred"), &[SERVICE]),
        "",
    )?
    .ok()?;
    Ok(())
}

/// Runs gokrb5 as client and service.
fn gokrb5(env: &ClientEnv, keytab: &Path) -> Result<Ran, Error> {
    let cache = env
        .get("KRB5CCNAME")
        .ok_or("a cache")?
        .to_string_lossy()
        .into_owned();
    let cache = cache.trim_start_matches("FILE:");
    let words = ["accept", cache, &keytab.display().to_string(), SERVICE];
    run(
        &mut command(env, peers_dir().join("bin/krb-go"), &words),
        "",
    )
}

fn gokrb5_reads_the_groups_in_the_pac() -> TestResult {
    let realm = realm(Pac::Full)?;
    let (env, keytab) = logged_in(&realm)?;
    let said = gokrb5(&env, &keytab)?.ok()?;
    for line in [
        format!("accepted true alice@{}", realm.name()),
        "name \"alice\" full \"Alice of Example\"".to_owned(),
        format!("domain \"EXAMPLE\" {DOMAIN} server \"KDC\""),
        "user 1104 primary group 513".to_owned(),
        // The groups, and S-1-18-1: a KDC has asserted the identity.
        format!("groups [{DOMAIN}-513 {DOMAIN}-1105 {DOMAIN}-1106 S-1-18-1]"),
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    Ok(())
}

fn gokrb5_refuses_a_spoilt_pac() -> TestResult {
    let realm = realm(Pac::Full)?;
    let (env, keytab) = with_spoilt_pac(&realm)?;
    let said = gokrb5(&env, &keytab)?.refused()?;
    assert!(said.contains("PAC"), "{said}");
    Ok(())
}

fn hdfs_native_comes_to_a_cluster_of_a_realm_with_pacs() -> TestResult {
    let cluster = Cluster::secure().pac(Pac::Full).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = hdfs_native::client(&cluster, &alice)?;
        client.mkdirs("/user/alice/with-pac", 0o755, true).await?;
        assert_eq!(
            client.get_file_info("/user/alice/with-pac").await?.owner,
            "alice"
        );
        Ok(())
    })
}

fn the_jdk_accepts_tickets_with_pacs() -> TestResult {
    for pac in [Pac::Minimal, Pac::Full] {
        let realm = realm(pac)?;
        let config = format!(
            "-Djava.security.krb5.conf={}",
            realm.path().join("krb5.conf").display()
        );
        let source = peer_source("JdkAccept.java").display().to_string();
        let (alice, host) = (
            realm.keytab("alice")?.display().to_string(),
            realm.keytab(SERVICE)?.display().to_string(),
        );
        let words = [
            &*config,
            "-Djava.net.preferIPv4Stack=true",
            "-Xshare:auto",
            &source,
            "alice",
            &alice,
            SERVICE,
            &host,
        ];
        let said = run(&mut command(&realm.env(), "java", &words), "")?.ok()?;
        assert!(
            said.contains(&format!("accepted alice@{}", realm.name())),
            "{said}"
        );
        // The one element is AD-IF-RELEVANT, with the PAC inside.
        assert!(said.contains("authorization data 1"), "{said}");
    }
    Ok(())
}
