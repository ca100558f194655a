//! `[target]`: the server a run is pointed at, and which targets beyond the own network are allowed.

use std::net::IpAddr;

use throng_engine::ProxyProtocol;
use url::Url;

use super::layers::Section;
use super::protocol::hosts;
use super::raw::Value;
use super::setting::{Refusal, Setting};

/// The server under test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The address robots know as `throng.host`, such as `ws://127.0.0.1:8765`.
    pub host: Option<String>,
    /// Host names (`*.example.com`), addresses and networks (`203.0.113.0/24`) that may be connected to beside loopback
    /// and private ranges.
    pub allow: Vec<String>,
    /// The clients that robots show servers as a proxy would.
    pub proxy_protocol: Option<ProxyProtocol>,
}

const HOST_FORMS: &str =
    "an address such as tcp://127.0.0.1:9000 or ws://game.example.com:8765/path, with TLS tls:// or wss://";
const PROXY_FORM: &str = "the range of the clients' addresses, such as \"10.0.0.0/8\" or \"2001:db8::/64\"";
const ALLOW_FORMS: &str =
    "host names (game.example.com, *.example.com), addresses or networks (203.0.113.0/24)";

pub(super) fn read(section: &Section<'_>) -> Target {
    let host = section.setting("host").and_then(|setting| host(&setting));
    let allow = section.setting("allow").map(|setting| {
        setting.elements().iter().filter_map(|entry| entry.read(ALLOW_FORMS, allowed)).collect()
    });
    let proxy_protocol = section.optional_section("proxy_protocol").and_then(|table| proxy_protocol(&table));
    section.refuse_unknown();
    Target { host, allow: allow.unwrap_or_default(), proxy_protocol }
}

fn proxy_protocol(table: &Section<'_>) -> Option<ProxyProtocol> {
    let from = table.required("from", PROXY_FORM);
    let patterns = table.setting("hosts").map(|setting| hosts(&setting)).unwrap_or_default();
    table.refuse_unknown();
    let patterns = patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    from?.read(PROXY_FORM, |value| {
        let text = value.as_text().ok_or(Refusal::Kind)?.trim();
        ProxyProtocol::new(text, patterns).map_err(|error| Refusal::Value(error.to_string()))
    })
}

fn host(setting: &Setting<'_>) -> Option<String> {
    setting.read(HOST_FORMS, |value| {
        let text = value.as_text().ok_or(Refusal::Kind)?;
        check_address(text).map_err(Refusal::Value)?;
        Ok(text.to_owned())
    })
}

/// Says what is wrong with an address, if anything is.
fn check_address(text: &str) -> Result<(), String> {
    let no_scheme = || Err("it has no scheme".to_owned());
    // `localhost:8765` would parse as the scheme `localhost`.
    if !text.contains("://") {
        return no_scheme();
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => return no_scheme(),
        Err(error) => return Err(error.to_string()),
    };
    match (url.scheme(), url.host_str()) {
        ("tcp" | "tls" | "ws" | "wss" | "udp" | "kcp", None | Some("")) => Err("it has no host".to_owned()),
        ("tcp" | "tls" | "udp" | "kcp", _) if url.port().is_none() => Err("it has no port".to_owned()),
        ("tcp" | "tls" | "ws" | "wss" | "udp" | "kcp", _) => Ok(()),
        (scheme, _) => Err(format!("{scheme:?} is not a scheme throng speaks")),
    }
}

fn allowed(value: &Value) -> Result<String, Refusal> {
    let text = value.as_text().ok_or(Refusal::Kind)?.trim();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
    if is_network(text) || (!text.is_empty() && text.chars().all(is_name)) {
        return Ok(text.to_owned());
    }
    Err(Refusal::Value("it is neither a host name nor a network".to_owned()))
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let widest = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= widest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), &str>) {
        assert_eq!(check_address(text), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_say_what_they_lack() {
        check("ws://127.0.0.1:8765/game?x=1", Ok(()));
        check("tcp://[::1]:9000", Ok(()));
        check("ws://game.example.com", Ok(()));
        check("127.0.0.1:8765", Err("it has no scheme"));
        check("localhost:8765", Err("it has no scheme"));
        check("tcp://127.0.0.1", Err("it has no port"));
        check("ws://", Err("empty host"));
        check("wss://game.example.com", Ok(()));
        check("kcp://127.0.0.1:7", Ok(()));
        check("udp://127.0.0.1", Err("it has no port"));
        check("tls://game.example.com", Err("it has no port"));
        check("http://x", Err("\"http\" is not a scheme throng speaks"));
    }

    #[test]
    fn names_addresses_and_networks_may_be_listed() {
        for text in ["game.example.com", "*.example.com", "203.0.113.7", "203.0.113.0/24", "2606:4700::/32"] {
            assert!(allowed(&Value::String(text.to_owned())).is_ok(), "{text}");
        }
        for text in ["", "ws://game", "game:8765", "203.0.113.0/33", "a/24"] {
            assert!(allowed(&Value::String(text.to_owned())).is_err(), "{text}");
        }
    }
}
