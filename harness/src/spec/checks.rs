//! Checks for settings that are invalid or would have no effect. They are refused at the start,
//! each with a reason.

use std::path::Path;
use std::time::Duration;

use kerbox_kdc::{Pac, PacDomain};

use crate::Error;
use crate::spec::world::WorldSettings;
use crate::spec::{HdfsSpec, MOST_DATANODES, RealmSpec, Security, Spec};

/// The largest valid mode, `rwxrwxrwt`.
const LARGEST_MODE: u16 = 0o1777;

/// Separators of names in `hadoop.user.group.static.mapping.overrides`.
const SEPARATORS: [char; 3] = ['=', ';', ','];

/// The settings that an image excludes.
const ALONE: &str = "an image is shown without its blocks: leave `datanodes` and `persistent` out";

fn refuse(key: &str, value: &dyn ToString, why: &str) -> Result<(), Error> {
    Err(Error::Setting {
        key: key.to_owned(),
        value: value.to_string(),
        why: why.to_owned(),
    })
}

/// Checks the settings that every fixture has.
pub(crate) fn world(settings: &WorldSettings) -> Result<(), Error> {
    if settings.workers == 0 {
        return refuse("threads", &0, "the servers need one thread at least");
    }
    Ok(())
}

/// Checks that the blocks of a cluster have one place, and that what is to be upgraded is kept.
pub(crate) fn places(settings: &WorldSettings, hdfs: &HdfsSpec) -> Result<(), Error> {
    if let (Some(_), Some(image)) = (&settings.persistent, &hdfs.fsimage) {
        return refuse("fsimage", &image.display(), ALONE);
    }
    if settings.persistent.is_none() && hdfs.upgrade {
        let why = "there is no earlier namespace to upgrade: name its folder, by `persistent` or \
                   --data-dir";
        return refuse("upgrade", &true, why);
    }
    if let (Some(_), Some(blocks)) = (&settings.persistent, &hdfs.blocks) {
        let why = "with `persistent` the blocks are in its folder: leave one of them out";
        return refuse("blocks_directory", &blocks.display(), why);
    }
    Ok(())
}

/// Checks the description of a realm, and for contradictions between the setters in `given`.
pub(crate) fn realm(settings: &RealmSpec, given: &[&str]) -> Result<(), Error> {
    if settings.name.as_deref() == Some("") {
        return refuse("realm_name", &"", "a realm has a name, as EXAMPLE.COM");
    }
    lifetimes(settings)?;
    if settings.enctypes.is_empty() {
        let why = "principals without keys cannot log in: name one type at least";
        return refuse("enctypes", &"[]", why);
    }
    if let Some(keytabs) = &settings.keytabs {
        return elsewhere(settings, keytabs, given);
    }
    if settings.console.is_some() && !cfg!(feature = "web") {
        let why = "there are no HTTP ports without the feature `web`: enable it";
        return refuse("console", &true, why);
    }
    if settings.kdcs == 0 {
        return refuse("kdcs", &0, "a realm needs one KDC at least");
    }
    let [tcp_only, udp_only, max_udp_reply] =
        ["tcp_only", "udp_only", "max_udp_reply"].map(|setter| given.contains(&setter));
    if tcp_only && udp_only {
        let why = "with `udp_only` there is no transport left: call one of them";
        return refuse("tcp_only", &true, why);
    }
    if tcp_only && max_udp_reply {
        let why = "with `tcp_only` nothing is sent by UDP: leave one of them out";
        return refuse("max_udp_reply", &settings.max_udp_reply.unwrap_or(0), why);
    }
    if settings.pac_domain != PacDomain::default() && settings.pac != Pac::Full {
        let why = "only full PACs name a domain: add `.pac(Pac::Full)`";
        return refuse("pac_domain", &format!("{:?}", settings.pac_domain), why);
    }
    Ok(())
}

/// Checks that a realm has a KDC.
pub(crate) fn own_kdc(settings: &RealmSpec) -> Result<(), Error> {
    match &settings.keytabs {
        Some(keytabs) => {
            let why = "a realm alone is a KDC: leave out the keytabs of another's";
            refuse("keytabs", &keytabs.display(), why)
        }
        None => Ok(()),
    }
}

/// Checks the description of a realm whose KDC is another's.
fn elsewhere(settings: &RealmSpec, keytabs: &Path, given: &[&str]) -> Result<(), Error> {
    /// The setters that are about the servers of HDFS.
    const OURS: [&str; 4] = ["keytabs", "realm_name", "clock_skew", "protection"];
    if settings.name.is_none() {
        let why = "name the realm of the keys, too, by `realm_name`";
        return refuse("keytabs", &keytabs.display(), why);
    }
    match given.iter().find(|setter| !OURS.contains(setter)) {
        Some(setter) => {
            let why = "the KDC is another's (`keytabs`): set it there, or leave one of them out";
            refuse(setter, &"set", why)
        }
        None => Ok(()),
    }
}

fn lifetimes(settings: &RealmSpec) -> Result<(), Error> {
    let spans = [
        ("ticket_lifetime", settings.ticket_lifetime),
        ("max_life", settings.max_life),
        ("renewable_lifetime", settings.renewable_lifetime),
        ("max_renewable_life", settings.max_renewable_life),
        ("clock_skew", settings.clock_skew),
    ];
    for (key, span) in spans {
        if span.subsec_nanos() != 0 {
            let why = "Kerberos counts whole seconds";
            return refuse(key, &format!("{span:?}"), why);
        }
    }
    for (key, span) in &spans[..2] {
        if *span == Duration::ZERO {
            let why = "every ticket would be over at its start; the shortest life is one second, and \
                       `advance_past` ends longer ones at once";
            return refuse(key, &format!("{span:?}"), why);
        }
    }
    Ok(())
}

fn racks(hdfs: &HdfsSpec) -> Result<(), Error> {
    if hdfs.racks.len() > hdfs.datanodes {
        let why = format!("there are only {} DataNodes", hdfs.datanodes);
        return refuse("racks", &hdfs.racks.join(", "), &why);
    }
    let is_rack = |rack: &&String| {
        let names = rack.strip_prefix('/').map(|names| names.split('/'));
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        names.is_some_and(|mut names| names.all(is_name))
    };
    if let Some(rack) = hdfs.racks.iter().find(|rack| !is_rack(rack)) {
        let why = "write the path of a place in the network, as /rack1";
        return refuse("racks", rack, why);
    }
    Ok(())
}

/// Checks the description of a cluster, and for setters in `given` that would have no effect.
pub(crate) fn cluster(spec: &Spec, given: &[&str]) -> Result<(), Error> {
    let hdfs = &spec.hdfs;
    if spec.realm.console.is_some() {
        let why = "a cluster has its console at the NameNode's HTTP address: leave it out";
        return refuse("console", &true, why);
    }
    let of_realm = given.iter().find(|setter| **setter != "protection");
    if hdfs.security == Security::Kerberos {
        realm(&spec.realm, given)?;
    } else if let Some(setter) = of_realm {
        let why = "a simple cluster has no realm: start it with Cluster::secure()";
        return refuse(setter, &"set", why);
    } else if !given.is_empty() {
        let why = "only SASL protects, which needs a realm: start it with Cluster::secure()";
        return refuse("protection", &"set", why);
    }
    if hdfs.datanodes > MOST_DATANODES {
        let why = "each DataNode has at least two ports, and an address has 65,535: start fewer";
        return refuse("datanodes", &hdfs.datanodes, why);
    }
    if let (0, Some(blocks)) = (hdfs.datanodes, &hdfs.blocks) {
        let why = "with `datanodes(0)` there are no blocks: leave one of them out";
        return refuse("blocks_directory", &blocks.display(), why);
    }
    if let (1.., Some(image)) = (hdfs.datanodes, &hdfs.fsimage) {
        return refuse("fsimage", &image.display(), ALONE);
    }
    if hdfs.keys.contains_key("") {
        return refuse(
            "set",
            &"",
            "a key of Hadoop's has a name, as dfs.replication",
        );
    }
    racks(hdfs)?;
    names(hdfs)?;
    certificates(hdfs)?;
    httpfs(hdfs)?;
    for directory in &hdfs.directories {
        if directory.mode > LARGEST_MODE {
            let mode = format!("{:o} of {}", directory.mode, directory.path);
            let why = "a mode has nine bits and the sticky one; write it in octal, as 0o755";
            return refuse("hdfs_directory", &mode, why);
        }
    }
    Ok(())
}

/// Checks that HttpFS can be served where it is asked for.
fn httpfs(hdfs: &HdfsSpec) -> Result<(), Error> {
    let port = hdfs.keys.get("httpfs.http.port");
    let why = match (hdfs.httpfs, port) {
        (true, _) if !cfg!(feature = "web") => {
            "there are no HTTP ports without the feature `web`: enable it"
        }
        (true, _) if hdfs.datanodes == 0 => "it moves data by a DataNode: start one at least",
        (false, Some(port)) => {
            let why = "there is no HttpFS: add `.httpfs()`";
            return refuse("httpfs.http.port", port, why);
        }
        _ => return Ok(()),
    };
    refuse("httpfs", &hdfs.httpfs, why)
}

/// Checks the life of certificates.
fn certificates(hdfs: &HdfsSpec) -> Result<(), Error> {
    let Some(lifetime) = hdfs.certificate_lifetime else {
        return Ok(());
    };
    let policy = hdfs.keys.get("dfs.http.policy").map(|policy| policy.trim());
    let why = if policy.is_none_or(|policy| policy.eq_ignore_ascii_case("HTTP_ONLY")) {
        "no port has a certificate: set dfs.http.policy to HTTPS_ONLY or HTTP_AND_HTTPS"
    } else if lifetime.is_zero() || lifetime.subsec_nanos() != 0 {
        "certificates end at a full second: write whole seconds, one at least"
    } else {
        return Ok(());
    };
    refuse("certificate_lifetime", &format!("{lifetime:?}"), why)
}

/// Checks the names of users and groups.
fn names(hdfs: &HdfsSpec) -> Result<(), Error> {
    let groups = hdfs.groups.iter().flat_map(|(group, members)| {
        let members = members.iter().map(|member| ("group", member));
        std::iter::once(("group", group)).chain(members)
    });
    let directories = hdfs.directories.iter().flat_map(|directory| {
        [&directory.owner, &directory.group].map(|name| ("hdfs_directory", name))
    });
    let superuser = std::iter::once(("superuser", &hdfs.superuser));
    for (key, name) in superuser.chain(groups).chain(directories) {
        if name.is_empty() || name.contains(SEPARATORS) {
            let why = "the name of a user or group is not empty, and has no `=`, `;` or `,`";
            return refuse(key, &name, why);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, ClusterBuilder, PacDomain, Protection, Realm, RealmBuilder};

    const ADDRESS: std::net::SocketAddr = crate::spec::defaults::LOOPBACK;

    fn assert_refused<T>(started: Result<T, Error>, key: &str, because: &str) {
        let error = match started {
            Ok(_) => panic!("{key} was accepted"),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with(&format!("{key} = ")), "{key}: {error}");
        assert!(error.contains(because), "{key}: {error}");
    }

    type Change<B> = fn(B) -> B;

    #[test]
    fn settings_of_a_realm_that_cannot_be_are_refused() {
        let cases: [(&str, &str, Change<RealmBuilder>); 15] = [
            ("realm_name", "has a name", |b| b.realm_name("")),
            ("ticket_lifetime", "over at its start", |b| {
                b.ticket_lifetime(Duration::ZERO)
            }),
            ("ticket_lifetime", "whole seconds", |b| {
                b.ticket_lifetime(Duration::from_millis(1500))
            }),
            ("max_life", "over at its start", |b| {
                b.max_life(Duration::ZERO)
            }),
            ("max_life", "whole seconds", |b| {
                b.max_life(Duration::from_millis(1500))
            }),
            ("renewable_lifetime", "whole seconds", |b| {
                b.renewable_lifetime(Duration::from_millis(1500))
            }),
            ("max_renewable_life", "whole seconds", |b| {
                b.max_renewable_life(Duration::from_millis(1500))
            }),
            ("clock_skew", "whole seconds", |b| {
                b.clock_skew(Duration::from_millis(1))
            }),
            ("enctypes", "one type at least", |b| b.enctypes([])),
            ("kdcs", "one KDC", |b| b.kdcs(0)),
            ("tcp_only", "no transport", |b| b.tcp_only().udp_only()),
            ("tcp_only", "no transport", |b| b.udp_only().tcp_only()),
            ("max_udp_reply", "nothing is sent by UDP", |b| {
                b.tcp_only().max_udp_reply(100)
            }),
            ("pac_domain", "Pac::Full", |b| {
                b.pac(Pac::Minimal).pac_domain(PacDomain {
                    sid: None,
                    netbios_name: Some("EXAMPLE".to_owned()),
                })
            }),
            ("threads", "one thread", |b| b.threads(0)),
        ];
        for (key, because, change) in cases {
            assert_refused(change(Realm::builder()).start_blocking(), key, because);
        }
    }

    #[test]
    fn settings_of_a_cluster_that_cannot_be_are_refused() {
        let cases: [(&str, &str, Change<ClusterBuilder>); 14] = [
            ("ticket_lifetime", "over at its start", |b| {
                b.ticket_lifetime(Duration::ZERO)
            }),
            ("threads", "one thread", |b| b.threads(0)),
            ("datanodes", "at least two ports", |b| b.datanodes(32_768)),
            ("blocks_directory", "no blocks", |b| {
                b.datanodes(0).blocks_directory("/tmp")
            }),
            ("blocks_directory", "leave one of them out", |b| {
                b.persistent("/tmp/none").blocks_directory("/tmp")
            }),
            ("fsimage", "leave `datanodes`", |b| {
                b.fsimage("/tmp/none").datanodes(1)
            }),
            ("upgrade", "name its folder", |b| b.upgrade()),
            ("fsimage", "and `persistent` out", |b| {
                b.fsimage("/tmp/none").persistent("/tmp/none")
            }),
            ("set", "has a name", |b| b.set("", "1")),
            ("superuser", "not empty", |b| b.superuser("")),
            ("group", "no `=`", |b| b.group("a,b", ["alice"])),
            ("group", "no `=`", |b| b.group("a", ["alice;bob"])),
            ("hdfs_directory", "not empty", |b| {
                b.hdfs_directory("/x", "", "x", 0o755)
            }),
            ("hdfs_directory", "octal", |b| {
                b.hdfs_directory("/x", "alice", "alice", 1755)
            }),
        ];
        for (key, because, change) in cases {
            assert_refused(change(Cluster::secure()).start_blocking(), key, because);
        }
    }

    #[test]
    fn a_simple_cluster_refuses_every_setting_of_a_realm() {
        let cases: [(&str, Change<ClusterBuilder>); 19] = [
            ("realm_name", |b| b.realm_name("A.TEST")),
            ("kdc_listen", |b| b.kdc_listen(ADDRESS)),
            ("kdcs", |b| b.kdcs(2)),
            ("tcp_only", ClusterBuilder::tcp_only),
            ("udp_only", ClusterBuilder::udp_only),
            ("ticket_lifetime", |b| {
                b.ticket_lifetime(Duration::from_secs(1))
            }),
            ("renewable_lifetime", |b| {
                b.renewable_lifetime(Duration::from_secs(1))
            }),
            ("max_life", |b| b.max_life(Duration::from_secs(1))),
            ("max_renewable_life", |b| {
                b.max_renewable_life(Duration::from_secs(1))
            }),
            ("clock_skew", |b| b.clock_skew(Duration::from_secs(1))),
            ("enctypes", |b| {
                b.enctypes([crate::EncryptionType::AES256_CTS_HMAC_SHA1_96])
            }),
            ("attribute", |b| b.attribute("-requires_preauth")),
            ("pac", |b| b.pac(Pac::Full)),
            ("pac_domain", |b| b.pac_domain(PacDomain::default())),
            ("principal", |b| {
                b.principal(crate::NewPrincipal::new("carol"))
            }),
            ("principal", |b| b.user_with_password("carol", "x")),
            ("libdefault", |b| b.libdefault("forwardable", "false")),
            ("max_udp_reply", |b| b.max_udp_reply(100)),
            ("without_principals", ClusterBuilder::without_principals),
        ];
        for (key, change) in cases {
            let started = change(Cluster::simple()).start_blocking();
            assert_refused(started, key, "start it with Cluster::secure()");
        }
        let protected = Cluster::simple().protection(Protection::Privacy);
        assert_refused(
            protected.start_blocking(),
            "protection",
            "Cluster::secure()",
        );
    }

    #[test]
    fn a_ceiling_holds_in_whichever_order_it_is_set() {
        let (short, long) = (Duration::from_secs(3600), Duration::from_secs(10 * 3600));
        for builder in [
            Realm::builder().max_life(short).ticket_lifetime(long),
            Realm::builder().ticket_lifetime(long).max_life(short),
        ] {
            let realm = builder.start_blocking().expect("it starts");
            let ticket = realm.login_blocking("alice").expect("a ticket").ticket();
            assert_eq!(ticket.end_time.since(ticket.start_time), short);
        }
        for builder in [
            Realm::builder()
                .max_renewable_life(short)
                .renewable_lifetime(long),
            Realm::builder()
                .renewable_lifetime(long)
                .max_renewable_life(short),
        ] {
            let realm = builder.max_life(Duration::from_secs(60)).start_blocking();
            let realm = realm.expect("it starts");
            let ticket = realm.login_blocking("alice").expect("a ticket").ticket();
            let until = ticket.renew_till.expect("it is renewable");
            assert_eq!(until.since(ticket.start_time), short);
        }
    }

    #[test]
    fn clients_hear_of_the_skew_that_is_allowed() {
        let realm = Realm::builder().clock_skew(Duration::from_secs(20 * 60));
        let realm = realm.start_blocking().expect("it starts");
        let conf = std::fs::read_to_string(realm.path().join("krb5.conf")).expect("there");
        assert!(conf.contains("clockskew = 1200"), "{conf}");
    }
}
