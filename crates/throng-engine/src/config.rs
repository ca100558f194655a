//! What a shard is told before it begins.

use crate::http::HttpSettings;
use crate::net::options::TcpOptions;
use crate::net::proxy::ProxyProtocol;
use crate::net::target::Allowed;
use crate::program::Wait;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use throng_wire::{Protocol, TlsConfig};

/// The most of anything that may come a second: one each nanosecond, which is what clocks tell apart.
pub const MOST_RATE: f64 = 1e9;

/// The settings of the robots, the same on every shard.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed of every random stream.
    pub seed: u64,
    /// The project's protocols.
    pub protocols: Vec<ProtocolRoute>,
    /// The scheme of `host:port` without one: true is `ws`, false is `tcp`.
    pub websocket_by_default: bool,
    /// Whether `host:port` without a scheme has TLS.
    pub tls_by_default: bool,
    /// Whom `tls` and `wss` connections trust, and what they show.
    pub tls: TlsConfig,
    /// The wait between tasks that say nothing of their own.
    pub wait: Wait,
    /// Tasks a second over all robots, in place of waits between tasks.
    pub task_rate: Option<f64>,
    /// Nothing has a rate, and tasks that would are drawn by weight: for a robot that plays alone.
    pub no_rates: bool,
    /// What an uncaught error in a start or a task does to its robot.
    pub on_error: OnError,
    /// Robots become ready by `ready()` alone, not when every start has returned.
    pub manual_ready: bool,
    /// How long a robot may take to become ready.
    pub ready_timeout: Duration,
    /// How long stops may take.
    pub stop_timeout: Duration,
    /// How long one attempt to connect may take, where the script does not say.
    pub connect_timeout: Duration,
    /// Targets beside loopback and private ranges.
    pub allowed: Allowed,
    /// Local addresses that connections start from, in turn; empty leaves it to the system.
    pub local_addresses: Vec<IpAddr>,
    /// What all TCP sockets are told.
    pub tcp: TcpOptions,
    /// The clients that robots show servers as a proxy would; without it they are nobody's proxy.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Bytes a connection may hold that the kernel did not take yet; more is `backpressure`.
    pub outbox_limit: usize,
    /// HTTP requests.
    pub http: HttpSettings,
}

/// A protocol and the addresses that speak it.
#[derive(Debug, Clone)]
pub struct ProtocolRoute {
    /// The protocol.
    pub protocol: Arc<Protocol>,
    /// Patterns over `scheme://host:port`; `*` stands for anything. One for `tcp` or `ws` also fits `tls` or `wss`, because
    /// what is spoken is the same.
    pub hosts: Vec<String>,
}

impl ProtocolRoute {
    /// The place in `routes` of what is spoken at `origin` (`scheme://host:port`): the one whose `hosts` fix most of it, the
    /// first of equals; else the only one there is, if it says nothing of hosts.
    pub fn spoken_at(routes: &[ProtocolRoute], origin: &str) -> Option<usize> {
        let plain = without_tls(origin);
        let strongest = |route: &ProtocolRoute| {
            let fitting = route.hosts.iter().filter(|host| fits(host, origin, plain.as_deref()));
            fitting.map(|host| strength(host)).max()
        };
        let fitting = routes.iter().enumerate().rev().filter_map(|(at, route)| Some((strongest(route)?, at)));
        let by_host = fitting.max_by_key(|(strength, _)| *strength).map(|(_, at)| at);
        by_host.or((routes.len() == 1 && routes[0].hosts.is_empty()).then_some(0))
    }
}

/// What an uncaught error does to its robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The task ends and the robot goes on; a robot whose first start fails ends as failed.
    #[default]
    Continue,
    /// The robot restarts.
    Restart,
    /// The robot ends.
    Stop,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            seed: 0,
            protocols: Vec::new(),
            websocket_by_default: true,
            tls_by_default: false,
            tls: TlsConfig::default(),
            wait: Wait::Constant(Duration::from_secs(1)),
            task_rate: None,
            no_rates: false,
            on_error: OnError::Continue,
            manual_ready: false,
            ready_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(10),
            allowed: Allowed::default(),
            local_addresses: Vec::new(),
            tcp: TcpOptions::default(),
            proxy_protocol: None,
            outbox_limit: 1 << 20,
            http: HttpSettings::default(),
        }
    }
}

/// Which places of the run a shard has: one in each row of `count`. Which one that is differs from row to row, or scenarios
/// that take turns would each be all of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardShare {
    /// This shard.
    pub index: u64,
    /// All shards of the run.
    pub count: u64,
}

impl ShardShare {
    /// How many of the first `places` are this shard's.
    pub fn of(self, places: u64) -> u64 {
        let rows = places / self.count;
        rows + u64::from(self.column(rows) < places % self.count)
    }

    /// This shard's `nth` place.
    pub fn place(self, nth: u64) -> u64 {
        nth * self.count + self.column(nth)
    }

    /// Whether a place is this shard's.
    pub fn has(self, place: u64) -> bool {
        self.column(place / self.count) == place % self.count
    }

    /// The shard among `count` that has a place.
    pub(crate) fn owner(place: u64, count: u64) -> u64 {
        (place % count + count - shift(place / count) % count) % count
    }

    fn column(self, row: u64) -> u64 {
        (self.index + shift(row) % self.count) % self.count
    }
}

/// By how much a row's places are moved on: by chance, so that it falls in with no order of scenarios; the first not at all.
fn shift(row: u64) -> u64 {
    let mixed = (row ^ (row >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Whether one of the patterns `hosts` fits `origin` (`scheme://host:port`), with TLS or without.
pub(crate) fn spoken(hosts: &[String], origin: &str) -> bool {
    let plain = without_tls(origin);
    hosts.iter().any(|host| fits(host, origin, plain.as_deref()))
}

fn fits(host: &str, origin: &str, plain: Option<&str>) -> bool {
    matches(host, origin) || plain.is_some_and(|plain| matches(host, plain))
}

/// The same place without TLS; `None` when it has none.
fn without_tls(origin: &str) -> Option<String> {
    let (scheme, place) = origin.split_once("://")?;
    let plain = match scheme {
        "tls" => "tcp",
        "wss" => "ws",
        _ => return None,
    };
    Some(format!("{plain}://{place}"))
}

/// How much of a name `pattern` fixes: the more, the stronger it is; without a `*` it is the strongest.
fn strength(pattern: &str) -> usize {
    if pattern.contains('*') { pattern.chars().filter(|char| *char != '*').count() } else { usize::MAX }
}

/// Whether `pattern`, in which `*` stands for anything, matches all of `text`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_places_do_not_meet() {
        let shares = [0, 1, 2].map(|index| ShardShare { index, count: 3 });
        for places in 0..40 {
            let counts = shares.map(|share| share.of(places));
            assert_eq!(counts.iter().sum::<u64>(), places);
            assert!(
                counts.iter().max().zip(counts.iter().min()).is_some_and(|(most, least)| most - least <= 1)
            );
            let owner = ShardShare::owner(places, 3);
            assert_eq!(
                shares.map(|share| share.has(places)),
                [0, 1, 2].map(|shard| shard == owner),
                "{places}"
            );
        }
        for share in shares {
            let own: Vec<u64> = (0..40).filter(|place| share.has(*place)).collect();
            assert_eq!(own, (0..own.len() as u64).map(|nth| share.place(nth)).collect::<Vec<_>>());
            assert_eq!(own.len() as u64, share.of(40));
        }
    }

    #[test]
    fn what_takes_turns_is_on_every_shard_as_often() {
        for (count, turns) in [(2, 2), (2, 3), (2, 4), (3, 3), (4, 2), (8, 5), (16, 16)] {
            for index in 0..count {
                let share = ShardShare { index, count };
                let mut seen = vec![0_u64; turns as usize];
                (0..1_000 * turns).for_each(|nth| seen[(share.place(nth) % turns) as usize] += 1);
                assert!(seen.iter().all(|seen| (850..1_150).contains(seen)), "{index} of {count}: {seen:?}");
            }
        }
    }

    #[test]
    fn the_strongest_hosts_choose_the_protocol() {
        use throng_wire::{CodecSpec, Protocol, ProtocolSpec};
        let route = |hosts: &[&str]| {
            let protocol = Protocol::build(ProtocolSpec::new("game", CodecSpec::Raw)).expect("a protocol");
            let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
            ProtocolRoute { protocol: Arc::new(protocol), hosts }
        };
        let at = |routes: &[ProtocolRoute], origin| ProtocolRoute::spoken_at(routes, origin);
        let routes =
            [route(&["ws://*"]), route(&["ws://*:9", "tcp://*"]), route(&["ws://a:9"]), route(&["tcp://*"])];
        for (origin, wanted) in [
            ("ws://a:1", Some(0)),
            ("ws://b:9", Some(1)),
            ("ws://a:9", Some(2)),
            ("tcp://a:1", Some(1)),
            ("kcp://a:1", None),
        ] {
            assert_eq!(at(&routes, origin), wanted, "{origin}");
        }
        let routes = [route(&["ws://*"]), route(&["tcp://*"]), route(&["wss://*"])];
        for (origin, wanted) in [("ws://a:1", 0), ("tls://a:1", 1), ("wss://a:1", 2)] {
            assert_eq!(at(&routes, origin), Some(wanted), "{origin}");
        }
        assert_eq!(at(&[route(&[])], "tcp://a:1"), Some(0), "the only one needs no hosts");
        assert_eq!(at(&[route(&[]), route(&[])], "tcp://a:1"), None);
        assert_eq!(at(&[], "tcp://a:1"), None);
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, wanted) in [
            ("ws://*", "ws://a:1", true),
            ("tcp://*", "ws://a:1", false),
            ("*:8766", "ws://a:8766", true),
            ("ws://*:8*6", "ws://a:8766", true),
            ("ws://a:1", "ws://a:1", true),
            ("ws://a:1", "ws://a:12", false),
            ("*a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
