//! Opening a connection for HTTP: names, permitted addresses, TCP, TLS.

use super::traffic::{Counted, Traffic};
use super::{HttpReach, Trouble, tls};
use crate::net::options::TcpOptions;
use crate::net::tcp;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use throng_metrics::FailureKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::error::Elapsed;
use url::{Host, Url};

/// Names that are remembered, and how long they are believed: thousands of robots ask for the same one at once.
const NAMES: usize = 1000;
const FRESH: Duration = Duration::from_secs(5);

/// What is said when the time is over.
const UNRESOLVED: &str = "no answer from the resolver in time";
const UNCONNECTED: &str = "no connection in time";
const UNSECURED: &str = "no end of the TLS handshake in time";

/// A stream that HTTP can be spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// When a name was resolved, and to what.
type Known = (Instant, Vec<SocketAddr>);

/// Opens connections for all robots of a shard.
pub(super) struct Dialler {
    reach: HttpReach,
    traffic: Arc<Traffic>,
    dialled: AtomicUsize,
    names: Mutex<HashMap<(String, u16), Known>>,
}

impl Dialler {
    pub(super) fn new(reach: HttpReach, traffic: Arc<Traffic>) -> Dialler {
        Dialler { reach, traffic, dialled: AtomicUsize::new(0), names: Mutex::default() }
    }

    /// A new connection to the address's host, ready for HTTP.
    pub(super) async fn open(&self, url: &Url) -> Result<Box<dyn Stream>, Trouble> {
        let nowhere = || Trouble::new(FailureKind::Resolve, "the address has no host");
        let host = url.host().ok_or_else(nowhere)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(nowhere)?;
        let until = tokio::time::Instant::now() + self.reach.connect_timeout;
        let addresses = tokio::time::timeout_at(until, self.addresses(&host, port)).await;
        let addresses = addresses.unwrap_or_else(late(FailureKind::Resolve, UNRESOLVED))?;
        let stream = tokio::time::timeout_at(until, self.reach_one(&host, addresses)).await;
        let stream = stream.unwrap_or_else(late(FailureKind::ConnectTimeout, UNCONNECTED))?;
        let stream = Counted::new(stream, self.traffic.clone());
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let secured = tokio::time::timeout_at(until, tls::wrap(&self.reach.tls, &host, stream)).await;
        Ok(Box::new(secured.unwrap_or_else(late(FailureKind::ConnectTimeout, UNSECURED))?))
    }

    async fn addresses(&self, host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        match host {
            Host::Ipv4(address) => Ok(vec![SocketAddr::new((*address).into(), port)]),
            Host::Ipv6(address) => Ok(vec![SocketAddr::new((*address).into(), port)]),
            Host::Domain(name) => self.resolve(name, port).await,
        }
    }

    /// The first of the addresses that answers.
    async fn reach_one(&self, host: &Host<String>, addresses: Vec<SocketAddr>) -> Result<TcpStream, Trouble> {
        let share = self.reach.connect_timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut last = Trouble::new(FailureKind::Resolve, "the name has no address");
        for address in addresses {
            if !self.reach.allowed.permits(host, address.ip()) {
                last = Trouble::new(FailureKind::Forbidden, crate::core::dial::outside(address));
                continue;
            }
            match tokio::time::timeout(share, dial(address, self.local_address(), &self.reach.tcp)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = Trouble::new(tcp::connect_failure(&error), error.to_string()),
                Err(_) => last = Trouble::new(FailureKind::ConnectTimeout, UNCONNECTED),
            }
        }
        Err(last)
    }

    /// The addresses of a name. One question at a time, so that robots which begin together ask once.
    async fn resolve(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        let mut known = self.names.lock().await;
        let key = (name.to_owned(), port);
        if let Some((_, addresses)) = known.get(&key).filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(addresses.clone());
        }
        let found = tokio::net::lookup_host((name, port)).await;
        let addresses: Vec<SocketAddr> =
            found.map_err(|error| Trouble::new(FailureKind::Resolve, error.to_string()))?.collect();
        if known.len() >= NAMES {
            known.clear();
        }
        known.insert(key, (Instant::now(), addresses.clone()));
        Ok(addresses)
    }

    /// The next of the local addresses, in turn.
    fn local_address(&self) -> Option<IpAddr> {
        let addresses = &self.reach.local_addresses;
        let turn = self.dialled.fetch_add(1, Ordering::Relaxed);
        (!addresses.is_empty()).then(|| addresses[turn % addresses.len()])
    }
}

/// The time to open a connection is over.
fn late<T>(kind: FailureKind, text: &str) -> impl FnOnce(Elapsed) -> Result<T, Trouble> {
    move |_| Err(Trouble::new(kind, text))
}

/// A connected socket with the settings that a robot's other sockets have.
async fn dial(address: SocketAddr, local: Option<IpAddr>, options: &TcpOptions) -> io::Result<TcpStream> {
    let stream: std::net::TcpStream = OwnedFd::from(tcp::dial(address, local, options)?).into();
    let stream = TcpStream::from_std(stream)?;
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_resolver_that_keeps_silent_is_told_from_a_server_that_does() {
        let settings = Settings { connect_timeout: Duration::from_millis(20), ..Settings::default() };
        let dialler = Dialler::new(HttpReach::new(&settings), Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let trouble = runtime.block_on(async {
            // Names are asked for one after the other: whoever has the lock is asking.
            let _asking = dialler.names.lock().await;
            dialler.open(&Url::parse("http://name.test/").unwrap()).await.err()
        });
        assert_eq!(trouble, Some(Trouble::new(FailureKind::Resolve, UNRESOLVED)));
    }
}
