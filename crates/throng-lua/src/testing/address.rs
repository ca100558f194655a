//! Where a fake server is: the addresses that robots connect to, and what is spoken there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use throng_engine::{ProtocolRoute, Settings};
use throng_wire::{ChannelSpec, Protocol};

/// An address as a test gives it, taken apart as the engine takes apart those of robots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// `scheme://host:port`, which the `hosts` patterns of protocols are matched against.
    pub(super) origin: String,
    pub(super) transport: Transport,
    /// The place in the network in memory, where every name is this machine.
    pub(super) socket: SocketAddr,
}

/// What is spoken below the protocol. Nothing is encrypted or lost in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Stream,
    WebSocket,
    Udp,
    Kcp,
}

impl Transport {
    /// What a server of `protocol` speaks there; `None` where that needs a framing it does not have.
    pub(super) fn channel(self, protocol: &Protocol) -> Option<&Arc<ChannelSpec>> {
        match self {
            Transport::Stream => protocol.stream_channel(),
            Transport::WebSocket => Some(protocol.websocket_channel()),
            Transport::Udp => Some(protocol.udp_channel()),
            Transport::Kcp => protocol.kcp_channel(),
        }
    }
}

impl Address {
    /// Takes a URL apart; `host:port` alone has the scheme that `settings` say.
    pub(super) fn parse(text: &str, settings: &Settings) -> Result<Address, String> {
        let malformed = || {
            format!("'{text}' is not an address such as \"ws://127.0.0.1:8765\" or \"tcp://127.0.0.1:8767\"")
        };
        let (scheme, rest) = text.split_once("://").unwrap_or((default_scheme(settings), text));
        let (transport, default_port) = match scheme {
            "ws" => (Transport::WebSocket, Some(80)),
            "wss" => (Transport::WebSocket, Some(443)),
            "tcp" | "tls" => (Transport::Stream, None),
            "udp" => (Transport::Udp, None),
            "kcp" => (Transport::Kcp, None),
            other => {
                let known = "ws://, tcp://, wss://, tls://, udp:// or kcp://";
                return Err(format!("'{other}' is not a scheme throng speaks: write {known}"));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (host, port) = match (authority.rsplit_once(':'), default_port) {
            (Some((host, port)), _) if !port.ends_with(']') => (host, port.parse().map_err(|_| malformed())?),
            (_, Some(port)) => (authority, port),
            _ => return Err(malformed()),
        };
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err(malformed());
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let socket = SocketAddr::new(literal.unwrap_or(Ipv4Addr::LOCALHOST.into()), port);
        Ok(Address { origin: format!("{scheme}://{host}:{port}"), transport, socket })
    }

    /// Whether what is spoken there has messages whatever the protocol says.
    pub(super) fn has_messages(&self) -> bool {
        matches!(self.transport, Transport::WebSocket | Transport::Udp)
    }

    /// The protocol that robots speak there, as the engine chooses it.
    pub(super) fn route<'a>(&self, routes: &'a [ProtocolRoute]) -> Option<&'a ProtocolRoute> {
        ProtocolRoute::spoken_at(routes, &self.origin).and_then(|at| routes.get(at))
    }
}

fn default_scheme(settings: &Settings) -> &'static str {
    match (settings.websocket_by_default, settings.tls_by_default) {
        (true, false) => "ws",
        (true, true) => "wss",
        (false, false) => "tcp",
        (false, true) => "tls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use throng_wire::{CodecSpec, ProtocolSpec};

    fn settings(websocket_by_default: bool, tls_by_default: bool) -> Settings {
        Settings { websocket_by_default, tls_by_default, ..Settings::default() }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let check = |text: &str, origin: &str, socket: &str| {
            let address = Address::parse(text, &settings(true, false)).expect("an address");
            assert_eq!((address.origin.as_str(), address.socket.to_string().as_str()), (origin, socket));
        };
        check("ws://127.0.0.1:8765/path", "ws://127.0.0.1:8765", "127.0.0.1:8765");
        check("tcp://Lobby.example.com:9", "tcp://lobby.example.com:9", "127.0.0.1:9");
        check("10.0.0.1:8", "ws://10.0.0.1:8", "10.0.0.1:8");
        check("ws://[::1]:7", "ws://[::1]:7", "[::1]:7");
        check("ws://localhost", "ws://localhost:80", "127.0.0.1:80");
        check("wss://localhost/play", "wss://localhost:443", "127.0.0.1:443");
        check("wss://[::1]", "wss://[::1]:443", "[::1]:443");
        check("tls://localhost:7", "tls://localhost:7", "127.0.0.1:7");
        check("kcp://localhost:7", "kcp://localhost:7", "127.0.0.1:7");
        for wrong in ["tcp://host", "tls://host", "quic://host:1", "tcp://host:port", "", "tcp://:1"] {
            assert!(Address::parse(wrong, &settings(false, false)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_without_scheme_has_that_of_the_target() {
        for (websocket, tls, origin) in [
            (true, false, "ws://a:1"),
            (true, true, "wss://a:1"),
            (false, false, "tcp://a:1"),
            (false, true, "tls://a:1"),
        ] {
            let address = Address::parse("a:1", &settings(websocket, tls)).expect("an address");
            let transport = if websocket { Transport::WebSocket } else { Transport::Stream };
            assert_eq!((address.origin.as_str(), address.transport), (origin, transport));
        }
    }

    #[test]
    fn the_strongest_pattern_chooses_the_protocol_with_tls_and_without() {
        let route = |name: &str, hosts: &[&str]| ProtocolRoute {
            protocol: Arc::new(Protocol::build(ProtocolSpec::new(name, CodecSpec::Raw)).expect("a protocol")),
            hosts: hosts.iter().map(|host| host.to_string()).collect(),
        };
        let name = |routes: &[ProtocolRoute], text: &str| {
            let address = Address::parse(text, &settings(true, false)).expect("an address");
            address.route(routes).map(|route| route.protocol.name.to_string())
        };
        let routes = [route("a", &["ws://*"]), route("b", &["ws://*:9"]), route("c", &["ws://*"])];
        assert_eq!(name(&routes, "ws://x:9").as_deref(), Some("b"));
        assert_eq!(name(&routes, "wss://x:9").as_deref(), Some("b"));
        assert_eq!(name(&routes, "wss://x").as_deref(), Some("a"));
        assert_eq!(name(&routes, "tls://x:8"), None);
        assert_eq!(name(&[route("only", &[])], "tls://x:8").as_deref(), Some("only"));
    }
}
