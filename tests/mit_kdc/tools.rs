//! MIT's own tools, run against MIT's KDC and ours: their output is the same, line by line.

use std::path::Path;
use std::time::Duration;

use kerbox::{ClientEnv, NewPrincipal, Realm, Timestamp};

use super::Error;
use super::sides::{Mit, ours};
use crate::support::{Peer, TestResult, command, run, trials};

trials! {
    [Peer::Mit, Peer::MitKdc] =>
        mits_tools_print_the_same,
        mits_tools_print_the_same_of_principals_of_every_kind;
}

/// Commands in order, each with its standard input. Enterprise names that belong to a principal are
/// left out: MIT's database does not know them, ours does. `KEYTABS`, `CACHE` and `ARMOR` stand for
/// each side's own.
const COMMANDS: [(&str, &str); 55] = [
    ("kinit alice", "wrong\n"),
    ("kinit nobody", "x\n"),
    ("kinit alice", "alice-pw\n"),
    ("klist -e -f", ""),
    ("klist -C", ""),
    ("kvno host/localhost", ""),
    ("kvno -S host localhost", ""),
    ("kvno -k KEYTABS/host.keytab host/localhost", ""),
    ("kvno no/such", ""),
    ("kvno host", ""),
    ("kvno host/localhost@NO.SUCH", ""),
    ("kvno alice bob", ""),
    ("klist -e -f", ""),
    ("kinit -R", ""),
    ("klist -f", ""),
    ("kinit -v", ""),
    ("kvno --u2u CACHE alice", ""),
    ("kvno --u2u CACHE bob", ""),
    ("kinit -f -p -l 1h -r 2h alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kvno host/localhost", ""),
    ("klist -f", ""),
    ("kinit -F -P alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kinit -l 30d -r 60d alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kinit -A alice", "alice-pw\n"),
    ("klist -a -n", ""),
    ("kinit -a alice", "alice-pw\n"),
    ("kvno host/localhost", ""),
    ("kinit -S host/localhost alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kvno bob", ""),
    ("kinit -S no/such alice", "alice-pw\n"),
    ("kinit -S kadmin/changepw alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kinit -s 1h alice", "alice-pw\n"),
    ("klist -f", ""),
    ("kinit -v", ""),
    ("kinit -R", ""),
    ("kvno host/localhost", ""),
    ("kinit -E alice@elsewhere.example", "alice-pw\n"),
    ("kinit -C alice", "alice-pw\n"),
    ("kinit -n", ""),
    (
        "kinit -k -t KEYTABS/host.keytab -c ARMOR host/localhost",
        "",
    ),
    ("kinit -T ARMOR alice", "alice-pw\n"),
    ("klist -C", ""),
    ("kinit -T ARMOR alice", "wrong\n"),
    ("kinit -T ARMOR nobody", "x\n"),
    ("kvno -c ARMOR -U alice host/localhost", ""),
    ("kvno -c ARMOR -U nobody host/localhost", ""),
    ("klist -c ARMOR -f", ""),
    ("kpasswd alice", "wrong\n"),
    ("kpasswd alice", "alice-pw\nanother-pw\nanother-pw\n"),
    ("kinit alice", "alice-pw\n"),
];

/// Returns a command's output and exit code, without the folder and the times.
fn said(env: &ClientEnv, folder: &Path, line: &str, input: &str) -> Result<String, Error> {
    let folder = folder.display().to_string();
    let line = line
        .replace("KEYTABS", &format!("{folder}/keytabs"))
        .replace("CACHE", &format!("FILE:{folder}/ccache/krb5cc"))
        .replace("ARMOR", &format!("FILE:{folder}/ccache/armor"));
    let words: Vec<&str> = line.split(' ').collect();
    let ran = run(&mut command(env, words[0], &words[1..]), input)?;
    let code = ran
        .status
        .code()
        .map_or_else(|| "none".to_owned(), |code| code.to_string());
    let text = format!("{}{}", ran.stdout, ran.stderr).replace(&folder, "FOLDER");
    let digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect();
    Ok(format!("ends with {code}\n{digits}"))
}

/// Returns the commands whose output differs between the two KDCs.
fn differences<'a>(
    mit: &Mit,
    realm: &Realm,
    commands: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<String>, Error> {
    std::fs::create_dir_all(mit.path().join("ccache"))?;
    let theirs = ClientEnv::default()
        .with("KRB5_CONFIG", mit.path().join("krb5.conf"))
        .with(
            "KRB5CCNAME",
            format!("FILE:{}/ccache/krb5cc", mit.path().display()),
        );
    let mut differences = Vec::new();
    for (line, input) in commands {
        let mits = said(&theirs, mit.path(), line, input)?;
        let ours = said(&realm.env(), realm.path(), line, input)?;
        if mits != ours {
            differences.push(format!(
                "{line}\n--- with MIT's KDC {mits}--- with ours {ours}"
            ));
        }
    }
    Ok(differences)
}

fn mits_tools_print_the_same() -> TestResult {
    let ((mit, _), (realm, _)) = (Mit::start()?, ours()?);
    let differences = differences(&mit, &realm, COMMANDS)?;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// Principals of every kind, by kadmin's options. Each has the password `pw`.
const KINDS: [&str; 15] = [
    "+requires_preauth",
    "-requires_preauth -maxlife 1h",
    "-allow_tix",
    "-allow_svr",
    "-allow_tgs_req",
    "-allow_forwardable",
    "-allow_renewable",
    "-allow_proxiable",
    "-allow_postdated",
    "-allow_dup_skey",
    "+needchange",
    "+ok_as_delegate",
    "+requires_hwauth",
    "-expire 2020-01-01",
    "-pwexpire 2020-01-01",
];

/// Commands that are run for each principal, as a client and as a service.
const DEEDS: [(&str, &str); 11] = [
    ("kinit -f -p -r 1d NAME", "pw\n"),
    ("klist -f", ""),
    ("kinit -s 1h NAME", "pw\n"),
    ("kinit -S NAME alice", "alice-pw\n"),
    ("kinit -f -p -r 1d alice", "alice-pw\n"),
    ("kvno NAME", ""),
    ("klist -f", ""),
    ("kinit NAME", "pw\n"),
    ("kvno --u2u CACHE NAME", ""),
    ("kpasswd NAME", "pw\nother\nother\n"),
    ("kinit NAME", "other\n"),
];

fn mits_tools_print_the_same_of_principals_of_every_kind() -> TestResult {
    let ((mit, _), (realm, _)) = (Mit::start()?, ours()?);
    // Turns `-allow_tix` into `no-allow-tix`.
    let name = |kind: &str| {
        let word = kind.split(' ').next().unwrap_or_default().replace('_', "-");
        word.replacen('+', "with-", 1)
            .replacen("-allow", "no-allow", 1)
            .trim_start_matches('-')
            .to_owned()
    };
    let past = Timestamp::from_secs(1_577_836_800);
    let mut queries = String::new();
    for kind in KINDS {
        let new = NewPrincipal::new(name(kind)).password("pw");
        realm.add_principal(match kind.split_once(' ') {
            None => new.attribute(kind),
            Some(("-expire", _)) => new.expires(past),
            Some(("-pwexpire", _)) => new.password_expires(past),
            Some((attribute, _)) => new.attribute(attribute).max_life(Duration::from_secs(3600)),
        })?;
        queries.push_str(&format!(
            "addprinc -pw pw +requires_preauth {kind} {}\n",
            name(kind)
        ));
    }
    run(&mut mit.kadmin(), &queries)?.ok()?;
    let mut commands = Vec::new();
    for kind in KINDS {
        commands.extend(DEEDS.map(|(line, input)| (line.replace("NAME", &name(kind)), input)));
    }
    let differences = differences(
        &mit,
        &realm,
        commands.iter().map(|(line, input)| (line.as_str(), *input)),
    )?;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}
