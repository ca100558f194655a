//! Where a connection goes: URLs, and the rule that strangers are not load-tested by a typo.

use ipnet::IpNet;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// An address as a script or a project gives it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    /// Path and query of a WebSocket's request.
    pub(crate) path: Box<str>,
}

/// What is spoken below the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Tcp,
    Tls,
    WebSocket,
    SecureWebSocket,
    Udp,
    Kcp,
}

/// An address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL.
    #[error(
        "`{url}` is not an address: {why}; wanted `tcp://host:port` or `ws://host:port/path`, with TLS `tls` or `wss`"
    )]
    Malformed {
        /// What was given, without what may be secret.
        url: String,
        /// What the parser says.
        why: url::ParseError,
    },
    /// A scheme that is not spoken.
    #[error(
        "`{scheme}` is not a scheme throng speaks; wanted `tcp`, `ws`, with TLS `tls` or `wss`, `udp` or `kcp`"
    )]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// No host or no port.
    #[error(
        "`{url}` has no {part}; wanted `tcp://host:port` or `ws://host:port/path`, with TLS `tls` or `wss`"
    )]
    Missing {
        /// What was given, without what may be secret.
        url: String,
        /// What is missing.
        part: &'static str,
    },
}

impl Target {
    /// Takes a URL apart; `host:port` alone gets `default_scheme`.
    pub(crate) fn parse(text: &str, default_scheme: Scheme) -> Result<Target, TargetError> {
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("{}://{text}", default_scheme.name())
        };
        let url = Url::parse(&with_scheme).map_err(|why| TargetError::Malformed { url: shown(text), why })?;
        let known = Scheme::ALL.into_iter().find(|scheme| scheme.name() == url.scheme());
        let scheme = known.ok_or_else(|| TargetError::Scheme { scheme: url.scheme().to_owned() })?;
        let missing = |part| TargetError::Missing { url: shown(text), part };
        let host = url.host().ok_or_else(|| missing("host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| missing("port"))?;
        Ok(Target { scheme, host: literal(host), port, path: request_target(&url) })
    }

    /// The `Host` header, and the key under which pools and messages know the target.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `scheme://host:port`, which `hosts` patterns are matched against.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority())
    }
}

impl Scheme {
    const ALL: [Scheme; 6] =
        [Scheme::Tcp, Scheme::Tls, Scheme::WebSocket, Scheme::SecureWebSocket, Scheme::Udp, Scheme::Kcp];

    /// What `host:port` alone means.
    pub(crate) fn by_default(websocket: bool, tls: bool) -> Scheme {
        match (websocket, tls) {
            (false, false) => Scheme::Tcp,
            (false, true) => Scheme::Tls,
            (true, false) => Scheme::WebSocket,
            (true, true) => Scheme::SecureWebSocket,
        }
    }

    pub(crate) fn is_websocket(self) -> bool {
        matches!(self, Scheme::WebSocket | Scheme::SecureWebSocket)
    }

    /// Whether what is spoken has messages whatever the protocol says.
    pub(crate) fn has_messages(self) -> bool {
        self.is_websocket() || self == Scheme::Udp
    }

    pub(crate) fn is_datagrams(self) -> bool {
        matches!(self, Scheme::Udp | Scheme::Kcp)
    }

    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Scheme::Tls | Scheme::SecureWebSocket)
    }

    fn name(self) -> &'static str {
        match self {
            Scheme::Tcp => "tcp",
            Scheme::Tls => "tls",
            Scheme::WebSocket => "ws",
            Scheme::SecureWebSocket => "wss",
            Scheme::Udp => "udp",
            Scheme::Kcp => "kcp",
        }
    }
}

/// Schemes unknown to the URL standard keep IPv4 addresses as names; they are addresses all the same.
fn literal(host: Host<String>) -> Host<String> {
    match host {
        Host::Domain(name) => name.parse().map_or(Host::Domain(name), Host::Ipv4),
        other => other,
    }
}

/// An address as people may see it: without its user, its query and its fragment, which may hold secrets.
pub(crate) fn shown(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (&address[..scheme.len() + 3], rest),
        None => ("", address),
    };
    // What cannot be taken apart may have a password anywhere before its last `@`.
    let authority = match Url::parse(address) {
        Ok(_) => rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()),
        Err(_) => rest.len(),
    };
    let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    let rest = &rest[host..];
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{}", &rest[..end])
}

fn request_target(url: &Url) -> Box<str> {
    let path = if url.path().is_empty() { "/" } else { url.path() };
    match url.query() {
        Some(query) => format!("{path}?{query}").into(),
        None => path.into(),
    }
}

/// Which targets may be loaded: loopback and private ranges always, others only when they are listed.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    names: Vec<String>,
    ranges: Vec<IpNet>,
}

impl Allowed {
    /// From a project's list: host names (`*.example.com` for all below), addresses and ranges (`203.0.113.0/24`).
    pub fn new<'a>(list: impl IntoIterator<Item = &'a str>) -> Allowed {
        let mut allowed = Allowed::default();
        for entry in list {
            match (IpNet::from_str(entry), IpAddr::from_str(entry)) {
                (Ok(range), _) => allowed.ranges.push(range),
                (_, Ok(address)) => allowed.ranges.push(address.into()),
                _ => allowed.names.push(entry.to_ascii_lowercase()),
            }
        }
        allowed
    }

    /// Whether a host that resolved to `address` may be a target.
    pub(crate) fn permits(&self, host: &Host<String>, address: IpAddr) -> bool {
        is_local(address)
            || self.ranges.iter().any(|range| range.contains(&address))
            || matches!(host, Host::Domain(name) if self.names.iter().any(|pattern| name_matches(pattern, name)))
    }
}

/// Patterns are in small letters; names in addresses of our own schemes are as they were given.
fn name_matches(pattern: &str, name: &str) -> bool {
    let name = &*name.to_ascii_lowercase();
    match pattern.strip_prefix('*') {
        Some(suffix) => name.ends_with(suffix),
        None => pattern == name,
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_local(IpAddr::V4(v4)),
            None => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, origin: &str, path: &str) {
        let target = Target::parse(text, Scheme::WebSocket).expect(text);
        assert_eq!((target.origin().as_str(), &*target.path), (origin, path));
    }

    #[test]
    fn takes_urls_apart() {
        check("tcp://127.0.0.1:90", "tcp://127.0.0.1:90", "/");
        check("ws://game.test/play?x=1", "ws://game.test:80", "/play?x=1");
        check("10.0.0.1:7000", "ws://10.0.0.1:7000", "/");
        check("tcp://[::1]:5", "tcp://[::1]:5", "/");
        check("wss://game.test/play", "wss://game.test:443", "/play");
        check("tls://10.0.0.1:7", "tls://10.0.0.1:7", "/");
        check("udp://10.0.0.1:7", "udp://10.0.0.1:7", "/");
        check("kcp://game.test:7", "kcp://game.test:7", "/");
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
        assert_eq!(
            Target::parse("http://a:1", Scheme::Tcp).unwrap_err().to_string(),
            "`http` is not a scheme throng speaks; wanted `tcp`, `ws`, with TLS `tls` or `wss`, `udp` or `kcp`"
        );
        assert!(Target::parse("tcp://host", Scheme::Tcp).unwrap_err().to_string().contains("has no port"));
        assert!(matches!(Target::parse("tcp://host:99999", Scheme::Tcp), Err(TargetError::Malformed { .. })));
        assert!(Target::parse("", Scheme::Tcp).is_err());
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (address, wanted) in [
            ("http://a.test/p/@me?token=1#x", "http://a.test/p/@me"),
            ("wss://ann:pass@a.test/play?token=1", "wss://a.test/play"),
            ("http://ann:pass@a.test:99999/p?token=1", "http://a.test:99999/p"),
            ("http://ann:pa/s#s?w@a.test/p", "http://a.test/p"),
            ("ann:pass@a.test:7?x", "a.test:7"),
            ("127.0.0.1:7", "127.0.0.1:7"),
            ("", ""),
        ] {
            assert_eq!(shown(address), wanted, "{address}");
        }
        let error = Target::parse("ws://ann:pass@a.test:99999/p?token=1", Scheme::Tcp).unwrap_err();
        assert!(error.to_string().starts_with("`ws://a.test:99999/p` is not an address"), "{error}");
    }

    #[test]
    fn strangers_must_be_listed() {
        let allowed = Allowed::new(["game.example.com", "*.test.example", "203.0.113.0/24", "198.51.100.7"]);
        let at = |text: &str| IpAddr::from_str(text).unwrap();
        let named = |name: &str| Host::Domain(name.to_owned());
        for local in
            ["127.9.9.9", "10.1.2.3", "192.168.0.1", "172.16.0.1", "::1", "fd00::1", "::ffff:127.0.0.1"]
        {
            assert!(Allowed::default().permits(&named("x"), at(local)), "{local}");
        }
        assert!(!Allowed::default().permits(&named("x"), at("8.8.8.8")));
        assert!(!Allowed::default().permits(&named("x"), at("::ffff:8.8.8.8")));
        assert!(allowed.permits(&named("game.example.com"), at("8.8.8.8")));
        assert!(allowed.permits(&named("Game.Example.com"), at("8.8.8.8")), "names have no case");
        assert!(allowed.permits(&named("a.test.example"), at("8.8.8.8")));
        assert!(!allowed.permits(&named("evil.example.com"), at("8.8.8.8")));
        assert!(allowed.permits(&named("x"), at("203.0.113.9")));
        assert!(allowed.permits(&named("x"), at("198.51.100.7")));
    }
}
