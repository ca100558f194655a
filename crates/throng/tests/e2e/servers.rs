//! Demo servers with faults.

use throng_demo::{Demo, DemoOptions, ServerKind, ServerReport};

use crate::play::wait_until;

/// A demo with one server, and what goes wrong on it.
pub(crate) struct Server {
    demo: Demo,
    kind: ServerKind,
}

impl Server {
    pub(crate) fn start(kind: ServerKind, faults: &[&str]) -> Server {
        Server::with(DemoOptions::empty(), kind, faults)
    }

    /// One with options of its own.
    pub(crate) fn with(options: DemoOptions, kind: ServerKind, faults: &[&str]) -> Server {
        let options = faults.iter().fold(options.with(kind), |options, rule| options.fault(rule).unwrap());
        Server { demo: Demo::start(options).unwrap(), kind }
    }

    pub(crate) fn url(&self) -> String {
        self.demo.url(self.kind).unwrap()
    }

    /// What it has counted so far.
    pub(crate) fn counts(&self) -> ServerReport {
        self.demo.report().servers.remove(self.kind.name()).unwrap()
    }

    /// Ends it when all its connections have ended, so that everything is counted.
    pub(crate) fn end(self) -> ServerReport {
        wait_until("the server sees the end of its connections", || self.counts().connections.open == 0);
        self.demo.stop().servers.remove(self.kind.name()).unwrap()
    }
}
