//! The JDK's Krb5LoginModule and JGSS.

use kerbox::Realm;

use crate::support::{Peer, TestResult, command, peer_source, run, trials};

trials! {
    [Peer::Java] =>
        krb5_login_module_logs_in_by_keytab_and_jgss_makes_a_token,
        krb5_login_module_takes_the_harnesss_ccache;
}

fn login(realm: &Realm, arguments: &[&str]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let config = format!("-Djava.security.krb5.conf={}", realm.path().join("krb5.conf").display());
    let source = peer_source("JdkLogin.java").display().to_string();
    let words: Vec<&str> = [&*config, "-Djava.net.preferIPv4Stack=true", "-Xshare:auto", &*source]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    run(&mut command(&realm.env(), "java", &words), "")?.ok()
}

fn krb5_login_module_logs_in_by_keytab_and_jgss_makes_a_token() -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let said = login(&realm, &["keytab", "alice", &keytab, "host@localhost"])?;
    assert!(
        said.contains(&format!("ticket alice@{0} krbtgt/{0}@{0} etype 18", realm.name())),
        "{said}"
    );
    assert!(said.contains("bytes for host@localhost"), "{said}");
    Ok(())
}

fn krb5_login_module_takes_the_harnesss_ccache() -> TestResult {
    let realm = Realm::start_blocking()?;
    let alice = realm.login_blocking("alice")?;
    let cache = alice.ccache().display().to_string();
    let said = login(&realm, &["ccache", "alice", &cache, "host@localhost"])?;
    assert!(said.contains(&format!("ticket alice@{0} krbtgt/{0}@{0}", realm.name())), "{said}");
    assert!(said.contains("bytes for host@localhost"), "{said}");
    Ok(())
}
