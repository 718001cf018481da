//! Realms configured in kerbox.toml, used by MIT's clients: further realms of the same KDC, trust
//! with MIT's own KDC, and keys from keytabs made by MIT's tools.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kerbox_testing::{Place, Ran, Up};
use libtest_mimic::Trial;

use crate::peers::{self, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let clients = [
        ("MIT kinit", peers::on_path("kinit")),
        ("MIT kvno", peers::on_path("kvno")),
    ];
    let ktutil = [clients[0], ("MIT ktutil", peers::on_path("ktutil"))];
    let kdc = [
        clients[0],
        clients[1],
        ("MIT krb5kdc", Path::new("/usr/sbin/krb5kdc").is_file()),
    ];
    vec![
        trial(
            "other_realms::a_further_realm_is_served_and_reached",
            &clients,
            a_further_realm_is_served_and_reached,
        ),
        trial(
            "other_realms::mits_kdc_and_ours_share_a_password",
            &kdc,
            mits_kdc_and_ours_share_a_password,
        ),
        trial(
            "other_realms::mits_kdc_and_ours_share_a_keytab",
            &kdc,
            mits_kdc_and_ours_share_a_keytab,
        ),
        trial(
            "other_realms::keys_of_ktutil_are_a_principal_s",
            &ktutil,
            keys_of_ktutil_are_a_principal_s,
        ),
    ]
}

/// Starts only a KDC with this kerbox.toml.
fn up(place: &Place, text: &str) -> Up {
    let file = place.file("kerbox.toml", text);
    place.up(&["--kdc-only", "--config", &file])
}

/// Runs a client with the sandbox's configuration and a separate cache.
fn client(up: &Up, program: &str, arguments: &[&str], input: &str) -> Ran {
    let mut process = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .env("KRB5_CONFIG", up.dir().join("krb5.conf"))
        .env(
            "KRB5CCNAME",
            format!("FILE:{}", up.dir().join("test.ccache").display()),
        )
        .env_remove("KRB5_KTNAME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = process.stdin.take().expect("piped");
    // A program that reads no input may close it early.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Ran::of(process.wait_with_output().expect("ours"))
}

fn keytab(up: &Up, name: &str) -> String {
    up.dir().join("keytabs").join(name).display().to_string()
}

fn a_further_realm_is_served_and_reached() {
    let place = Place::new();
    let up = up(
        &place,
        r#"
[realm]
name = "A.TEST"
[[further_realm]]
name = "B.TEST"
max_life = "1h"
[[principal]]
name = "carol@B.TEST"
password = "carol"
[[principal]]
name = "HTTP/www.b.test@B.TEST"
[[trust]]
realm = "B.TEST"
direction = "out"
[domain_realm]
".b.test" = "B.TEST"
"#,
    );
    client(&up, "kinit", &["carol@B.TEST"], "carol\n").succeeded();
    // The trust has only one direction.
    let said = client(&up, "kvno", &["host/localhost@A.TEST"], "");
    assert!(
        said.stderr.contains("not found in Kerberos database"),
        "{said:#?}"
    );
    client(&up, "kinit", &["alice@A.TEST"], "alice\n").succeeded();
    client(&up, "kvno", &["HTTP/www.b.test@B.TEST"], "").succeeded();
    // The first uses the client's [domain_realm], the second the KDC's, because the client's lacks
    // it.
    client(&up, "kvno", &["-S", "HTTP", "www.b.test"], "").succeeded();
    let conf = up.dir().join("krb5.conf");
    let text = std::fs::read_to_string(&conf).expect("ours");
    assert!(text.contains(".b.test = B.TEST"), "{text}");
    std::fs::write(&conf, text.replace(".b.test = B.TEST", "")).expect("ours");
    client(&up, "kinit", &["alice@A.TEST"], "alice\n").succeeded();
    client(&up, "kvno", &["-S", "HTTP", "www.b.test"], "").succeeded();
    let listed = client(&up, "klist", &[], "");
    assert!(
        listed.succeeded().contains("HTTP/www.b.test@B.TEST"),
        "{listed:#?}"
    );
}

/// MIT's KDC of `MIT.TEST`, stopped when dropped.
struct Mit {
    folder: PathBuf,
    address: String,
}

impl Mit {
    fn start(place: &Place) -> Self {
        let folder = place.path().join("mit");
        let started = Self::script(
            &folder,
            &["start"],
            &["0", "MIT.TEST", "alice", "host/localhost"],
        );
        let said = started.succeeded();
        let address = said.split(' ').find(|word| word.starts_with("127."));
        Self {
            address: address.expect("where it listens").to_owned(),
            folder,
        }
    }

    fn script(folder: &Path, command: &[&str], more: &[&str]) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/mit-kdc.sh");
        let mut process = Command::new(script);
        process.args(command).arg(folder).args(more);
        Ran::of(process.stdin(Stdio::null()).output().expect("it starts"))
    }

    fn admin(&self, query: &str) {
        let ran = Self::script(&self.folder, &["admin"], &[query]);
        ran.succeeded();
    }
}

impl Drop for Mit {
    fn drop(&mut self) {
        Self::script(&self.folder, &["stop"], &[]);
    }
}

/// Tests both directions with a client of each realm.
fn both_ways(up: &Up) {
    let alice = keytab(up, "alice.keytab");
    client(up, "kinit", &["-k", "-t", &alice, "alice@A.TEST"], "").succeeded();
    client(up, "kvno", &["host/localhost@MIT.TEST"], "").succeeded();
    client(up, "kinit", &["alice@MIT.TEST"], "alice-pw\n").succeeded();
    client(up, "kvno", &["host/localhost@A.TEST"], "").succeeded();
}

fn mits_kdc_and_ours_share_a_password() {
    let place = Place::new();
    let mit = Mit::start(&place);
    for principal in ["krbtgt/MIT.TEST@A.TEST", "krbtgt/A.TEST@MIT.TEST"] {
        mit.admin(&format!("addprinc -pw between-us {principal}"));
    }
    let text = format!(
        "[realm]\nname = \"A.TEST\"\n[[trust]]\nrealm = \"MIT.TEST\"\npassword = \"between-us\"\nkdc = [\"{}\"]\n",
        mit.address
    );
    both_ways(&up(&place, &text));
}

fn mits_kdc_and_ours_share_a_keytab() {
    let place = Place::new();
    let mit = Mit::start(&place);
    let file = place.path().join("trust.keytab");
    for principal in ["krbtgt/MIT.TEST@A.TEST", "krbtgt/A.TEST@MIT.TEST"] {
        mit.admin(&format!("addprinc -randkey {principal}"));
        mit.admin(&format!(
            "ktadd -norandkey -k {} {principal}",
            file.display()
        ));
    }
    let text = format!(
        "[realm]\nname = \"A.TEST\"\n[[trust]]\nrealm = \"MIT.TEST\"\nimport = \"trust.keytab\"\nkdc = [\"{}\"]\n",
        mit.address
    );
    both_ways(&up(&place, &text));
}

fn keys_of_ktutil_are_a_principal_s() {
    let place = Place::new();
    let file = place.path().join("made.keytab");
    let mut process = Command::new("ktutil")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdin = process.stdin.take().expect("piped");
    for enctype in ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"] {
        let add = format!("addent -password -p svc/www@A.TEST -k 5 -e {enctype}\nsecret\n");
        stdin.write_all(add.as_bytes()).expect("it reads");
    }
    let write = format!("wkt {}\nquit\n", file.display());
    stdin.write_all(write.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(process.wait().expect("ours").success());
    let key = "000102030405060708090a0b0c0d0e0f";
    let text = format!(
        "[realm]\nname = \"A.TEST\"\n[[principal]]\nname = \"svc/www\"\nimport = \"made.keytab\"\n[[principal]]\nname = \"dave\"\nkeytab = \"dave.keytab\"\nkeys = [{{ enctype = \"aes128-cts\", kvno = 7, key = \"{key}\" }}]\n"
    );
    let up = up(&place, &text);
    let made = file.display().to_string();
    client(&up, "kinit", &["-k", "-t", &made, "svc/www@A.TEST"], "").succeeded();
    // The keys are derived from the password given to ktutil.
    client(&up, "kinit", &["svc/www@A.TEST"], "secret\n").succeeded();
    let said = client(&up, "kvno", &["svc/www@A.TEST"], "");
    assert!(said.succeeded().contains("kvno = 5"), "{said:#?}");
    let dave = keytab(&up, "dave.keytab");
    client(&up, "kinit", &["-k", "-t", &dave, "dave@A.TEST"], "").succeeded();
    let listed = client(&up, "klist", &["-k", "-K", &dave], "");
    assert!(
        listed
            .succeeded()
            .contains(&format!("7 dave@A.TEST (0x{key})")),
        "{listed:#?}"
    );
}
