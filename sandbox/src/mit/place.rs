//! The locations of the database and the stash file.

use std::path::{Component, Path, PathBuf};

use super::profile::Profile;

/// Folders in which MIT's own programs keep a machine's databases, in the packages of various
/// systems.
const OF_THE_SYSTEM: [&str; 6] = [
    "/var/lib/krb5kdc",
    "/var/lib/kerberos",
    "/var/kerberos",
    "/usr/local/var/krb5kdc",
    "/var/krb5kdc",
    "/etc/krb5kdc",
];

/// Returns the database of a realm: `-d`, else `database_name` in `[dbmodules]`, `[dbdefaults]` or
/// the realm. There is no default, because MIT's would be the machine's own database.
pub(crate) fn database(
    profile: &Profile,
    realm: &str,
    option: Option<&str>,
) -> Result<PathBuf, String> {
    let module = module(profile, realm);
    if let Some(library) = profile
        .value(&["dbmodules", module, "db_library"])
        .or_else(|| profile.value(&["dbdefaults", "db_library"]))
        && !matches!(library, "db2" | "klmdb")
    {
        return Err(format!(
            "[dbmodules] {module} db_library = {library}: this database is a file; db2 and klmdb \
             can stand here"
        ));
    }
    let path = option
        .or_else(|| profile.value(&["dbmodules", module, "database_name"]))
        .or_else(|| profile.value(&["dbdefaults", "database_name"]))
        .or_else(|| profile.value(&["realms", realm, "database_name"]))
        .ok_or_else(|| {
            format!(
                "No database is named for realm {realm}: set database_name in [dbmodules] {module} \
                 of the file that KRB5_KDC_PROFILE names, or give -d"
            )
        })?;
    outside("database", path, "database_name or -d")
}

/// Returns the stash file of a realm: `key_stash_file`, or a file beside the database, with the
/// name that MIT's programs give it.
pub(crate) fn stash(named: Option<&str>, realm: &str, database: &Path) -> Result<PathBuf, String> {
    match named {
        Some(path) => outside("stash file", path, "key_stash_file"),
        None => Ok(database.with_file_name(format!(".k5.{}", realm.replace('/', "_")))),
    }
}

/// Returns a stash file that an option names.
pub(crate) fn named_stash(path: &str, option: &str) -> Result<PathBuf, String> {
    outside("stash file", path, option)
}

/// Fails if a file is the system's.
fn outside(what: &str, path: &str, options: &str) -> Result<PathBuf, String> {
    let path = std::path::absolute(path).map_err(|error| format!("{what} {path}: {error}"))?;
    let path = followed(path);
    match OF_THE_SYSTEM.iter().find(|folder| is_below(&path, folder)) {
        Some(folder) => Err(format!(
            "The {what} {} is in {folder}, where this machine's own KDC keeps its: name another \
             one by {options}",
            path.display()
        )),
        None => Ok(path),
    }
}

fn module<'a>(profile: &'a Profile, realm: &'a str) -> &'a str {
    profile
        .value(&["realms", realm, "database_module"])
        .or_else(|| profile.value(&["dbdefaults", "database_module"]))
        .unwrap_or(realm)
}

/// Returns the file that a link leads to, so that the link itself is never replaced.
fn followed(path: PathBuf) -> PathBuf {
    let Ok(target) = path.read_link() else {
        return path;
    };
    // The file may be yet to be created.
    let target = path.parent().unwrap_or(&path).join(target);
    path.canonicalize().unwrap_or(target)
}

/// Returns true if `path` is in `folder`, even through a symbolic link or `..`.
fn is_below(path: &Path, folder: &str) -> bool {
    let parent = path.parent().unwrap_or(path);
    let real = parent.canonicalize().unwrap_or_else(|_| plain(parent));
    plain(path).starts_with(folder) || real.starts_with(folder)
}

/// Removes `..` from a path that does not exist.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_comes_before_dbmodules_and_that_before_the_realm() {
        let text = "[realms]\nR = {\ndatabase_module = m\ndatabase_name = /t/old\n}\nS = {\n\
             database_name = /t/s\n}\n[dbmodules]\nm = {\ndatabase_name = /t/new\n}\nL = {\ndb_library = kldap\n}\n";
        let profile = Profile::parse(text).expect("a profile");
        let of = |realm, option| database(&profile, realm, option);
        assert_eq!(of("R", None), Ok("/t/new".into()));
        assert_eq!(of("R", Some("/t/d")), Ok("/t/d".into()));
        assert_eq!(of("S", None), Ok("/t/s".into()));
        let refused = of("T", None).expect_err("no database");
        assert!(
            refused.contains("database_name in [dbmodules] T"),
            "{refused}"
        );
        let refused = of("L", Some("/t/d")).expect_err("no file");
        assert!(refused.contains("db_library = kldap"), "{refused}");
    }

    #[test]
    fn a_link_is_followed_to_its_file() -> std::io::Result<()> {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        let (link, real) = (folder.join("link"), folder.join("real"));
        symlink("real", &link)?;
        let of = |link: &Path| database(&Profile::default(), "R", link.to_str());
        assert_eq!(of(&link), Ok(real.clone()));
        std::fs::write(&real, "")?;
        assert_eq!(of(&link), Ok(real));

        let system = folder.join("system");
        symlink("/var/lib/krb5kdc/principal", &system)?;
        let refused = of(&system).expect_err("the machine's own");
        assert!(refused.contains("own KDC"), "{refused}");
        Ok(())
    }

    #[test]
    fn the_machines_own_database_is_never_ours() {
        for path in [
            "/var/lib/krb5kdc/principal",
            "/var/lib/krb5kdc/../krb5kdc/x",
            "/t/../var/kerberos/krb5kdc/principal",
        ] {
            let refused = database(&Profile::default(), "R", Some(path)).expect_err(path);
            assert!(refused.contains("own KDC"), "{refused}");
        }
    }
}
