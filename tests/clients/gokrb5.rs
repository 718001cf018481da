//! gokrb5, by a small probe: login by password, keytab or ccache, then service tickets.

use kerbox::Realm;

use crate::support::{Peer, TestResult, command, peers_dir, run, trials};

trials! {
    [Peer::GoKrb5] =>
        it_logs_in_by_password_keytab_and_ccache;
}

fn it_logs_in_by_password_keytab_and_ccache() -> TestResult {
    let realm = Realm::builder().user_with_password("alice", "pw").start_blocking()?;
    let probe = peers_dir().join("bin/krb-go");
    let keytab = realm.keytab("alice")?.display().to_string();
    let alice = realm.login_blocking("alice")?;
    let cache = alice.ccache().display().to_string();
    for (option, value) in [("-p", "pw"), ("-k", &*keytab), ("-c", &*cache)] {
        let said = run(&mut command(&realm.env(), &probe, &["alice", option, value, "host/localhost"]), "")?.ok()?;
        assert!(said.contains("host/localhost"), "{option}: {said}");
    }
    Ok(())
}
