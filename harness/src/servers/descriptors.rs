//! The number of descriptors that a process may open, which limits the number of DataNodes.

use minihdfs::config::{HttpPolicy, HttpSettings};
use rustix::process::{Resource, getrlimit};

use crate::Error;

/// The listening sockets of a DataNode besides those of HTTP.
const PER_DATANODE: u64 = 2;

/// Descriptors left for clients, replicas and the files of the test itself.
const RESERVED: u64 = 64;

/// Fails if this process may not open as many descriptors as the DataNodes need.
pub(super) fn check(datanodes: usize, http: &HttpSettings) -> Result<(), Error> {
    let of_web = match (cfg!(feature = "web"), http.policy) {
        (false, _) => 0,
        (true, HttpPolicy::HttpAndHttps) => 2,
        (true, _) => 1,
    };
    let needed = (datanodes as u64).saturating_mul(PER_DATANODE + of_web);
    match getrlimit(Resource::Nofile).current {
        Some(limit) => enough((datanodes, needed), open(), limit),
        None => Ok(()),
    }
}

/// Returns the number of open descriptors; 0 where the system does not show it.
fn open() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64)
}

fn enough((datanodes, needed): (usize, u64), open: u64, limit: u64) -> Result<(), Error> {
    let total = needed.saturating_add(open).saturating_add(RESERVED);
    // A few DataNodes start wherever they can: the system itself refuses what is too much.
    if total <= limit || needed <= RESERVED {
        return Ok(());
    }
    Err(Error::Setting {
        key: "datanodes".to_owned(),
        value: datanodes.to_string(),
        why: format!(
            "they need {needed} descriptors, and this process, which has {open} open, may open \
             {limit}; raise the limit with `ulimit -n {total}`, or start fewer"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_datanodes_than_descriptors_are_refused_with_both_numbers() {
        assert!(enough((300, 900), 20, 1024).is_ok());
        let refused = enough((500, 1500), 20, 1024)
            .expect_err("too many")
            .to_string();
        for part in [
            "datanodes = \"500\": they need 1500 descriptors",
            "has 20 open, may open 1024",
            "ulimit -n 1584",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
        assert!(enough((3, 9), 1020, 1024).is_ok(), "the system decides");
    }
}
