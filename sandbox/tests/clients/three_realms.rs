//! Three realms in a row: `[[trust]]` and `[capaths]` of kerbox.toml, with MIT's clients.

use std::process::{Command, Stdio};

use kerbox_testing::{Place, Ran, Up};
use libtest_mimic::Trial;

use crate::peers::{self, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let clients = [
        ("MIT kinit", peers::on_path("kinit")),
        ("MIT kvno", peers::on_path("kvno")),
    ];
    vec![trial(
        "three_realms::a_client_goes_the_way_of_capaths_and_the_last_realm_checks_it",
        &clients,
        a_client_goes_the_way_of_capaths_and_the_last_realm_checks_it,
    )]
}

/// The way from A.TEST to C.TEST.
const WAY: &str = "[capaths.\"A.TEST\"]\n\"C.TEST\" = [\"B.TEST\"]\n";

/// Starts the KDC of a realm, which trusts others in one direction each.
fn up(place: &Place, realm: &str, trusts: &[(&str, &str, &str)], more: &str) -> Up {
    let mut text = format!("[realm]\nname = \"{realm}\"\n");
    for (other, direction, kdc) in trusts {
        text.push_str(&format!(
            "[[trust]]\nrealm = \"{other}\"\ndirection = \"{direction}\"\npassword = \"between us\"\n"
        ));
        if !kdc.is_empty() {
            text.push_str(&format!("kdc = [\"{kdc}\"]\n"));
        }
    }
    text.push_str(more);
    let file = place.file(&format!("{realm}.{}.toml", more.len()), &text);
    place.up(&["--kdc-only", "--config", &file])
}

fn kdc(up: &Up) -> &str {
    up.ready["endpoints"]["kdc"].as_str().expect("an address")
}

/// Runs a client of the first realm that knows where the KDCs of all of them are.
fn client(realms: &[&Up], program: &str, arguments: &[&str]) -> Ran {
    let files: Vec<String> = realms
        .iter()
        .map(|up| up.dir().join("krb5.conf").display().to_string())
        .collect();
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env("LC_ALL", "C")
        .env("KRB5_CONFIG", files.join(":"))
        .env("KRB5CCNAME", realms[0].dir().join("test.ccache"))
        .stdin(Stdio::null());
    Ran::of(process.output().expect("it starts"))
}

fn a_client_goes_the_way_of_capaths_and_the_last_realm_checks_it() {
    let place = Place::new();
    let c = up(&place, "C.TEST", &[("B.TEST", "in", "")], WAY);
    // Its own path to C.TEST would lead through TEST.
    let strict = up(&place, "C.TEST", &[("B.TEST", "in", "")], "");
    let b = up(
        &place,
        "B.TEST",
        &[("A.TEST", "in", ""), ("C.TEST", "out", kdc(&c))],
        "",
    );
    let a = up(&place, "A.TEST", &[("B.TEST", "out", kdc(&b))], WAY);
    let keytab = a.dir().join("keytabs/alice.keytab").display().to_string();
    let login = ["-k", "-t", &keytab, "alice@A.TEST"];
    let service = ["host/localhost@C.TEST"];

    client(&[&a, &b, &c], "kinit", &login).succeeded();
    client(&[&a, &b, &c], "kvno", &service).succeeded();
    let listed = client(&[&a], "klist", &[]);
    // The client does not keep the ticket for the realm in between.
    for ticket in ["krbtgt/C.TEST@B.TEST", "host/localhost@C.TEST"] {
        assert!(listed.succeeded().contains(ticket), "{listed:#?}");
    }

    // The KDC of C.TEST without [capaths] does not accept B.TEST in between.
    client(&[&a, &strict], "kinit", &login).succeeded();
    let refused = client(&[&a, &strict, &b], "kvno", &service);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("KDC policy rejects request"),
        "{refused:#?}"
    );

    // Without [capaths] neither the client nor its KDC knows the way.
    let lost = up(&place, "A.TEST", &[("B.TEST", "out", kdc(&b))], "");
    let keytab = lost
        .dir()
        .join("keytabs/alice.keytab")
        .display()
        .to_string();
    let login = ["-k", "-t", &keytab, "alice@A.TEST"];
    client(&[&lost], "kinit", &login).succeeded();
    let refused = client(&[&lost, &b, &strict], "kvno", &service);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("not found in Kerberos database"),
        "{refused:#?}"
    );
}
