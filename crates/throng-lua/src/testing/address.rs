//! Where a fake server is: the addresses that robots connect to, and what is spoken there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use throng_engine::ProtocolRoute;

/// An address as a test gives it, taken apart as the engine takes apart those of robots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// `scheme://host:port`, which the `hosts` patterns of protocols are matched against.
    pub(super) origin: String,
    pub(super) websocket: bool,
    /// The place in the network in memory, where every name is this machine.
    pub(super) socket: SocketAddr,
}

impl Address {
    /// Takes a URL apart; `host:port` alone is WebSocket if `websocket_by_default`.
    pub(super) fn parse(text: &str, websocket_by_default: bool) -> Result<Address, String> {
        let malformed = || {
            format!("'{text}' is not an address such as \"ws://127.0.0.1:8765\" or \"tcp://127.0.0.1:8767\"")
        };
        let (scheme, rest) = match text.split_once("://") {
            Some(parts) => parts,
            None => (if websocket_by_default { "ws" } else { "tcp" }, text),
        };
        let websocket = match scheme {
            "ws" => true,
            "tcp" => false,
            other => return Err(format!("'{other}' is not a scheme throng speaks: write ws:// or tcp://")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| malformed())?),
            _ if websocket => (authority, 80),
            _ => return Err(malformed()),
        };
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err(malformed());
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let socket = SocketAddr::new(literal.unwrap_or(Ipv4Addr::LOCALHOST.into()), port);
        Ok(Address { origin: format!("{scheme}://{host}:{port}"), websocket, socket })
    }
}

/// The protocol that is spoken at `origin`, as the engine chooses it: the strongest pattern wins, the first of equals.
pub(super) fn route_to<'a>(routes: &'a [ProtocolRoute], origin: &str) -> Option<&'a ProtocolRoute> {
    let strength = |route: &ProtocolRoute| {
        route.hosts.iter().filter(|host| matches(host, origin)).map(|host| fixed(host)).max()
    };
    let fitting = routes.iter().rev().filter_map(|route| Some((strength(route)?, route)));
    let by_host = fitting.max_by_key(|(strength, _)| *strength).map(|(_, route)| route);
    by_host.or(match routes {
        [only] if only.hosts.is_empty() => Some(only),
        _ => None,
    })
}

/// How much of a name a pattern fixes.
fn fixed(pattern: &str) -> usize {
    if pattern.contains('*') { pattern.chars().filter(|char| *char != '*').count() } else { usize::MAX }
}

/// Whether `pattern`, in which `*` stands for anything, matches all of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|left| {
            let mut tails = left.char_indices().map(|(at, _)| at).chain([left.len()]);
            tails.any(|at| matches(rest, &left[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use throng_wire::{CodecSpec, Protocol, ProtocolSpec};

    #[test]
    fn addresses_are_taken_apart() {
        let check = |text: &str, origin: &str, socket: &str| {
            let address = Address::parse(text, true).expect("an address");
            assert_eq!((address.origin.as_str(), address.socket.to_string().as_str()), (origin, socket));
        };
        check("ws://127.0.0.1:8765/path", "ws://127.0.0.1:8765", "127.0.0.1:8765");
        check("tcp://Lobby.example.com:9", "tcp://lobby.example.com:9", "127.0.0.1:9");
        check("10.0.0.1:8", "ws://10.0.0.1:8", "10.0.0.1:8");
        check("ws://[::1]:7", "ws://[::1]:7", "[::1]:7");
        check("ws://localhost", "ws://localhost:80", "127.0.0.1:80");
        for wrong in ["tcp://host", "wss://host:1", "tcp://host:port", "", "tcp://:1"] {
            assert!(Address::parse(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_strongest_pattern_chooses_the_protocol() {
        let route = |name: &str, hosts: &[&str]| ProtocolRoute {
            protocol: Arc::new(Protocol::build(ProtocolSpec::new(name, CodecSpec::Raw)).expect("a protocol")),
            hosts: hosts.iter().map(|host| host.to_string()).collect(),
        };
        let name = |routes: &[ProtocolRoute], origin: &str| {
            route_to(routes, origin).map(|route| route.protocol.name.to_string())
        };
        let routes = [route("a", &["ws://*"]), route("b", &["ws://*:9"]), route("c", &["ws://*"])];
        assert_eq!(name(&routes, "ws://x:9").as_deref(), Some("b"));
        assert_eq!(name(&routes, "ws://x:8").as_deref(), Some("a"));
        assert_eq!(name(&routes, "tcp://x:8"), None);
        assert_eq!(name(&[route("only", &[])], "tcp://x:8").as_deref(), Some("only"));
    }
}
