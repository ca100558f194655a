//! Before a run: what the machine will not bear is said in words, not found out as a thousand failed connections.
//!
//! [`Limits::read`] looks at the machine, [`shortages`] compares it with what a run will want. Only Linux tells its ports
//! and its connection tracking; what cannot be read is not judged.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a run will want at its peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// How many robots there are at once.
    pub robots: u64,
    /// How many connections each of them has at once.
    pub connections_per_robot: u64,
    /// How many of these go to the same address.
    pub connections_per_target: u64,
    /// How many local addresses connections leave from; at least 1.
    pub local_addresses: u64,
    /// How many shards there are; each has descriptors of its own.
    pub shards: u64,
}

impl Demand {
    /// What `robots` want when each has one connection, the least a run can want.
    pub fn one_each(robots: u64, local_addresses: u64, shards: u64) -> Self {
        Self {
            robots,
            connections_per_robot: 1,
            connections_per_target: 1,
            local_addresses: local_addresses.max(1),
            shards,
        }
    }

    fn connections(&self) -> u64 {
        self.robots.saturating_mul(self.connections_per_robot)
    }

    fn descriptors(&self) -> u64 {
        let shards = self.shards.saturating_mul(DESCRIPTORS_PER_SHARD);
        self.connections().saturating_add(shards).saturating_add(OWN_DESCRIPTORS)
    }
}

/// What the machine gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many descriptors this process may have, after its soft limit was raised.
    pub descriptors: Option<u64>,
    /// How many ephemeral ports there are for connections from one address to one target.
    pub ports: Option<u64>,
    /// How many connections the firewall can still remember.
    pub tracked: Option<u64>,
}

/// Something there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Descriptors of this process.
    Descriptors {
        /// How many the run wants.
        wanted: u64,
        /// How many there may be.
        limit: u64,
        /// How many robots fit.
        robots: u64,
    },
    /// Ephemeral ports to one target.
    Ports {
        /// How many the run wants.
        wanted: u64,
        /// How many there are, over all local addresses.
        limit: u64,
        /// How many local addresses would be enough.
        addresses: u64,
    },
    /// Entries of the firewall's connection tracking.
    Tracking {
        /// How many the run wants.
        wanted: u64,
        /// How many are free.
        limit: u64,
    },
}

/// Standard streams, files being written, resolvers, the control side.
const OWN_DESCRIPTORS: u64 = 64;
/// A poll, a waker, timers.
const DESCRIPTORS_PER_SHARD: u64 = 8;

const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const TRACKED_MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
const TRACKED_NOW: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

impl Limits {
    /// Raises this process's soft limit of descriptors to the hard one, and reads what there is.
    pub fn read() -> Self {
        let tracked =
            number(TRACKED_MAX).map(|max| max.saturating_sub(number(TRACKED_NOW).unwrap_or_default()));
        Self {
            descriptors: raise_descriptors(),
            ports: std::fs::read_to_string(PORT_RANGE).ok().and_then(|text| port_count(&text)),
            tracked,
        }
    }
}

/// What a run would run out of.
pub fn shortages(demand: &Demand, limits: &Limits) -> Vec<Shortage> {
    [descriptor_shortage(demand, limits), port_shortage(demand, limits), tracking_shortage(demand, limits)]
        .into_iter()
        .flatten()
        .collect()
}

fn descriptor_shortage(demand: &Demand, limits: &Limits) -> Option<Shortage> {
    let (wanted, limit) = (demand.descriptors(), limits.descriptors?);
    let overhead = wanted - demand.connections().min(wanted);
    let robots = limit.saturating_sub(overhead) / demand.connections_per_robot.max(1);
    (wanted > limit).then_some(Shortage::Descriptors { wanted, limit, robots })
}

fn port_shortage(demand: &Demand, limits: &Limits) -> Option<Shortage> {
    let ports = limits.ports?.max(1);
    let wanted = demand.robots.saturating_mul(demand.connections_per_target);
    let limit = ports.saturating_mul(demand.local_addresses);
    (wanted > limit).then_some(Shortage::Ports { wanted, limit, addresses: wanted.div_ceil(ports) })
}

fn tracking_shortage(demand: &Demand, limits: &Limits) -> Option<Shortage> {
    let (wanted, limit) = (demand.connections(), limits.tracked?);
    (wanted > limit).then_some(Shortage::Tracking { wanted, limit })
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptors { wanted, limit, robots } => write!(
                f,
                "the run needs {wanted} file descriptors, and this process may open {limit}: about {robots} robots \
                 fit; raise the hard limit (`ulimit -Hn`, LimitNOFILE= of a service)"
            ),
            Self::Ports { wanted, limit, addresses } => write!(
                f,
                "{wanted} connections to one target need as many local ports, and there are {limit}; widen \
                 net.ipv4.ip_local_port_range, or set load.local_addresses to {addresses} addresses of this machine"
            ),
            Self::Tracking { wanted, limit } => write!(
                f,
                "the firewall can remember {limit} more connections, and the run wants {wanted}: connections beyond \
                 that will time out; raise net.netfilter.nf_conntrack_max"
            ),
        }
    }
}

/// The limit after raising; nothing when there is none that can be told.
fn raise_descriptors() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    // Where the system refuses its own hard limit (macOS has a lower one besides), the soft one is what holds.
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    Some(if raised { hard } else { soft })
}

fn number(path: impl AsRef<Path>) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The number of ports in the kernel's "first last".
fn port_count(text: &str) -> Option<u64> {
    let mut bounds = text.split_whitespace().map(u64::from_str);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    (last >= first).then(|| last - first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Limits = Limits { descriptors: Some(1 << 20), ports: Some(28_232), tracked: Some(1 << 18) };

    #[test]
    fn what_fits_is_no_shortage() {
        assert_eq!(shortages(&Demand::one_each(10_000, 1, 8), &AMPLE), []);
        assert_eq!(shortages(&Demand::one_each(u64::MAX, 1, 8), &Limits::default()), []);
    }

    #[test]
    fn descriptors_are_counted_over_all_connections() {
        let limits = Limits { descriptors: Some(1_024), ..Limits::default() };
        let demand = Demand { connections_per_robot: 3, ..Demand::one_each(400, 1, 4) };
        let expected = Shortage::Descriptors { wanted: 1_296, limit: 1_024, robots: 309 };
        assert_eq!(shortages(&demand, &limits), [expected]);
        let fits = Demand { robots: 309, ..demand };
        assert_eq!(shortages(&fits, &limits), []);
        assert_eq!(shortages(&Demand { robots: 310, ..demand }, &limits).len(), 1);
    }

    #[test]
    fn local_addresses_multiply_the_ports() {
        let limits = Limits { ports: Some(28_232), ..Limits::default() };
        let expected = Shortage::Ports { wanted: 50_000, limit: 28_232, addresses: 2 };
        assert_eq!(shortages(&Demand::one_each(50_000, 1, 1), &limits), [expected]);
        assert_eq!(shortages(&Demand::one_each(50_000, 2, 1), &limits), []);
        assert_eq!(shortages(&Demand::one_each(28_232, 1, 1), &limits), []);
        assert_eq!(shortages(&Demand::one_each(28_233, 1, 1), &limits).len(), 1);
    }

    #[test]
    fn connection_tracking_is_compared_with_what_is_free() {
        let limits = Limits { tracked: Some(1_000), ..Limits::default() };
        let expected = Shortage::Tracking { wanted: 1_001, limit: 1_000 };
        assert_eq!(shortages(&Demand::one_each(1_001, 1, 1), &limits), [expected]);
        assert_eq!(shortages(&Demand::one_each(1_000, 1, 1), &limits), []);
    }

    #[test]
    fn a_shortage_says_what_to_change() {
        let text = Shortage::Ports { wanted: 50_000, limit: 28_232, addresses: 2 }.to_string();
        assert!(text.contains("load.local_addresses to 2 addresses"), "{text}");
        let text = Shortage::Descriptors { wanted: 9, limit: 8, robots: 7 }.to_string();
        assert!(text.contains("about 7 robots fit"), "{text}");
    }

    #[test]
    fn the_kernels_port_range_is_read() {
        assert_eq!(port_count("32768\t60999\n"), Some(28_232));
        assert_eq!(port_count("5 4"), None);
        assert_eq!(port_count("x 4"), None);
        assert_eq!(port_count(""), None);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let limit = Limits::read().descriptors.unwrap();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(limit == soft && soft <= hard, "{limit} {soft} {hard}");
    }

    #[test]
    fn absurd_demands_do_not_overflow() {
        let demand =
            Demand { connections_per_robot: u64::MAX, ..Demand::one_each(u64::MAX, u64::MAX, u64::MAX) };
        assert_eq!(shortages(&demand, &AMPLE).len(), 2);
    }
}
