//! Parses the listening addresses of servers: `kdc_listen` and similar settings.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use super::keysalt::words;

/// Parses a list of ports, addresses, and addresses with a port. A port alone means every address
/// of the machine, as the settings' documentation says. An empty list means that the server does
/// not listen.
pub(crate) fn parse(
    setting: &str,
    list: &str,
    default_port: u16,
) -> Result<Vec<SocketAddr>, String> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for word in words(list) {
        let wrong = |why: String| format!("{setting} = {list}: {word:?} {why}");
        for address in parse_one(word, default_port).map_err(wrong)? {
            // For port 0, each entry gets a different free port.
            if address.port() == 0 || !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    Ok(addresses)
}

fn parse_one(word: &str, default_port: u16) -> Result<Vec<SocketAddr>, String> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        let port = word.parse().map_err(|_| "is no port".to_owned())?;
        return Ok(vec![SocketAddr::new(
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port,
        )]);
    }
    if let Ok(address) = word.parse() {
        return Ok(vec![address]);
    }
    let bare = word
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(word).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, default_port)]);
    }
    let (host, port) = match word.split_once(':') {
        Some((host, port)) => (
            host,
            port.parse()
                .map_err(|_| format!("has no port in {port:?}"))?,
        ),
        None => (word, default_port),
    };
    let found = (host, port).to_socket_addrs();
    let found = found.map_err(|error| format!("is not a port, an address or a host: {error}"))?;
    Ok(found.collect())
}

/// Returns the default: the service's port on loopback, for clients on this machine only. MIT's
/// default is every address.
pub(crate) fn loopback(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_addresses_and_both_are_read() {
        let read = |list| {
            let addresses = parse("kdc_listen", list, 88).expect(list);
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(read("750 , 88 750"), ["0.0.0.0:750", "0.0.0.0:88"]);
        assert_eq!(
            read("127.0.0.1 127.0.0.2:99"),
            ["127.0.0.1:88", "127.0.0.2:99"]
        );
        assert_eq!(
            read("[::1]:99,[::1],::2"),
            ["[::1]:99", "[::1]:88", "[::2]:88"]
        );
        assert!(read("").is_empty());
        for list in ["70000", "127.0.0.1:x", "no host"] {
            let refused = parse("kdc_listen", list, 88).expect_err(list);
            assert!(
                refused.starts_with(&format!("kdc_listen = {list}: ")),
                "{refused}"
            );
        }
    }
}
