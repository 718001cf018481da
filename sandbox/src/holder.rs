//! Finds the process that holds a port, as far as `/proc` shows it.

use std::fs;

/// Returns ` by pid 123 (java)`, or nothing if the process cannot be found.
pub(crate) fn holder(port: u16) -> String {
    let Some(inodes) = sockets_of(port) else {
        return String::new();
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let Ok(pid) = process.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let descriptors = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let holds = descriptors
            .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
            .any(|target| {
                inodes
                    .iter()
                    .any(|inode| target.as_os_str() == format!("socket:[{inode}]").as_str())
            });
        if holds {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return format!(" by pid {pid} ({})", name.trim_end());
        }
    }
    String::new()
}

/// Returns the inodes of the sockets that listen on `port`, TCP and UDP, IPv4 and IPv6.
fn sockets_of(port: u16) -> Option<Vec<String>> {
    const LISTEN: &str = "0A";
    let mut inodes = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            let this_port = local
                .rsplit_once(':')
                .and_then(|(_, hex)| u16::from_str_radix(hex, 16).ok())
                == Some(port);
            if this_port && (*state == LISTEN || table.starts_with("udp")) {
                inodes.push((*inode).to_owned());
            }
        }
    }
    (!inodes.is_empty()).then_some(inodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_holder_of_a_port_is_found() {
        let ours = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = ours.local_addr().expect("bound").port();
        assert!(
            holder(port).starts_with(&format!(" by pid {} (", std::process::id())),
            "{}",
            holder(port)
        );
    }
}
