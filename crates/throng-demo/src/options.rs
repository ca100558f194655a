//! What a demo is to be: its servers, where they listen, and what goes wrong on them.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::{
    faults::{FaultError, FaultRule},
    kind::ServerKind,
    tls::TlsOptions,
};

/// The options of a demo. The default is a lobby, a game and a battle on free loopback ports, without faults.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    pub(crate) servers: BTreeMap<ServerKind, SocketAddr>,
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    pub(crate) heartbeat: Duration,
    pub(crate) tls: Option<TlsOptions>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        [ServerKind::Lobby, ServerKind::Game, ServerKind::Battle].into_iter().fold(Self::empty(), Self::with)
    }
}

impl DemoOptions {
    /// No servers at all.
    pub fn empty() -> Self {
        let (servers, faults) = (BTreeMap::new(), Vec::new());
        Self { servers, faults, threads: 1, seed: 1, heartbeat: Duration::from_secs(5), tls: None }
    }

    /// Adds a server on a free loopback port.
    pub fn with(self, kind: ServerKind) -> Self {
        self.at(kind, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Adds a server, or moves it; port 0 is a free one.
    pub fn at(mut self, kind: ServerKind, address: SocketAddr) -> Self {
        self.servers.insert(kind, address);
        self
    }

    /// Takes a server away.
    pub fn without(mut self, kind: ServerKind) -> Self {
        self.servers.remove(&kind);
        self
    }

    /// Adds a fault.
    pub fn rule(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Adds a fault in the form of the command line, such as `"battle.get.drop=10"`.
    ///
    /// # Errors
    /// The text is no rule.
    pub fn fault(self, rule: &str) -> Result<Self, FaultError> {
        Ok(self.rule(rule.parse()?))
    }

    /// Threads that serve; 1 by default, and at least.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// What jitter is drawn from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// All servers that speak do it over TLS.
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The time between heartbeat pushes of the battle, at least 1 ms; 5 s by default.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every.max(Duration::from_millis(1));
        self
    }
}
