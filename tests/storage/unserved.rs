//! Namespaces of Hadoop with what Kerbox does not serve.

use kerbox::Cluster;

use super::{java, shown};
use crate::support::{TestResult, peer_source, run};

/// Hadoop makes an encryption zone, or a directory with a policy of erasure coding. Kerbox names
/// what it does not serve, whether it shows the image or is to serve the folder.
pub(super) fn what_is_not_served_is_refused_by_name() -> TestResult {
    let place = tempfile::tempdir()?;
    let mut command = java("reference");
    command.arg(peer_source("Unserved.java"));
    command.args([shown(place.path())?, "zone", "policy"]);
    run(&mut command, "")?.ok()?;
    for (feature, image, name) in [
        ("zone", 4, "raw.hdfs.crypto.encryption.zone"),
        ("policy", 6, "system.hdfs.erasurecoding.policy"),
    ] {
        let folder = place.path().join(feature);
        let reason = format!("\"strange\", has {name}, which is not served");
        let image = folder.join(format!("name/current/fsimage_{image:019}"));
        let before = std::fs::read(&image)?;
        let shown = Cluster::simple().fsimage(&image).start_blocking();
        let shown = shown.expect_err(feature).to_string();
        assert!(shown.contains(&reason), "{shown}");
        let served = Cluster::simple().persistent(&folder).start_blocking();
        let served = served.expect_err(feature).to_string();
        assert!(served.contains(&reason), "{served}");
        assert_eq!(std::fs::read(&image)?, before);
    }
    Ok(())
}
