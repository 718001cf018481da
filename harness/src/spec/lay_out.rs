//! Layouts: the users, groups, directories and services that belong to each.

use crate::spec::{Layout, NewDirectory, NewPrincipal, Spec};

/// The services of YARN and MapReduce.
const SERVICES: [&str; 3] = ["rm", "nm", "jhs"];

/// The group of the users that services run as.
const GROUP: &str = "hadoop";

impl Spec {
    /// Adds what belongs to a layout. Principals of the same names stay as they are, and what is
    /// added afterwards replaces it.
    pub fn lay_out(&mut self, layout: Layout) {
        self.hdfs.layout = Some(layout);
        let superuser = self.hdfs.superuser.clone();
        let users = ["yarn", "mapred"].map(|user| NewPrincipal::new(user).password_besides(user));
        let services = SERVICES.map(|service| {
            NewPrincipal::new(format!("{service}/localhost"))
                .keytab(format!("{service}.service.keytab"))
        });
        for new in users.into_iter().chain(services) {
            let principals = &mut self.realm.principals;
            if !principals.iter().any(|other| other.name == new.name) {
                principals.push(new);
            }
        }
        let members = [&*superuser, "yarn", "mapred"].map(str::to_owned);
        self.hdfs.groups.insert(GROUP.to_owned(), members.into());
        for (path, owner, mode) in [
            ("/", &*superuser, 0o755),
            ("/tmp", &superuser, 0o1777),
            ("/user", &superuser, 0o755),
            ("/tmp/logs", "yarn", 0o1777),
            ("/mr-history", "mapred", 0o755),
            ("/mr-history/tmp", "mapred", 0o1777),
            ("/mr-history/done", "mapred", 0o750),
        ] {
            self.hdfs.add_directory(NewDirectory {
                path: path.to_owned(),
                owner: owner.to_owned(),
                group: GROUP.to_owned(),
                mode,
            });
        }
    }
}
