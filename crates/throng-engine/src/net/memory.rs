//! A network in memory: servers are whoever pulls [`ServerEvent`]s and answers. No bytes leave the thread, nothing waits.

use super::Traffic;
use super::http::fake::{Fakes, HttpQuestion};
use super::http::{HttpAnswer, Job};
use super::tcp::Read;
use crate::http::HttpResponse;
use crate::id::{ConnectionKey, OperationKey};
use nix::errno::Errno;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

/// One connection, as both ends know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId(u64);

/// What the servers' side sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// A robot has connected to `address`.
    Accepted {
        /// The connection.
        link: LinkId,
        /// The server's address.
        address: SocketAddr,
    },
    /// Bytes came.
    Received {
        /// The connection.
        link: LinkId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The robot's side has closed.
    Ended {
        /// The connection.
        link: LinkId,
    },
}

/// A handle to the network; clones are the same network.
#[derive(Debug, Clone, Default)]
pub struct MemoryNet(Rc<RefCell<Wires>>);

#[derive(Debug, Default)]
struct Wires {
    listening: HashSet<SocketAddr>,
    links: HashMap<LinkId, Wire>,
    next: u64,
    events: VecDeque<ServerEvent>,
    ready: VecDeque<ConnectionKey>,
    answers: VecDeque<(OperationKey, u16)>,
    http: Fakes,
    traffic: Traffic,
}

#[derive(Debug, Default)]
struct Wire {
    key: ConnectionKey,
    to_robot: VecDeque<u8>,
    ended: Option<Ended>,
    signalled: bool,
}

#[derive(Debug, Clone, Copy)]
enum Ended {
    InOrder,
    Reset,
}

impl MemoryNet {
    /// A network without servers.
    pub fn new() -> MemoryNet {
        MemoryNet::default()
    }

    /// From now on `address` accepts connections; all others refuse them.
    pub fn listen(&self, address: SocketAddr) {
        self.0.borrow_mut().listening.insert(address);
    }

    /// From now on `address` refuses connections; those that are open stay open.
    pub fn refuse(&self, address: SocketAddr) {
        self.0.borrow_mut().listening.remove(&address);
    }

    /// The next thing the servers see.
    pub fn next(&self) -> Option<ServerEvent> {
        self.0.borrow_mut().events.pop_front()
    }

    /// Sends bytes to the robot's end; a link that has ended swallows them.
    pub fn send(&self, link: LinkId, bytes: &[u8]) {
        let mut wires = self.0.borrow_mut();
        if let Some(wire) = wires.links.get_mut(&link) {
            wire.to_robot.extend(bytes);
        }
        wires.signal(link);
    }

    /// Ends a link in good order, after what was sent.
    pub fn close(&self, link: LinkId) {
        self.0.borrow_mut().end(link, Ended::InOrder);
    }

    /// Resets a link.
    pub fn reset(&self, link: LinkId) {
        self.0.borrow_mut().end(link, Ended::Reset);
    }

    /// The next HTTP request of a robot's. Each waits for [`MemoryNet::respond`] or [`MemoryNet::refuse_http`], until its time
    /// is up.
    pub fn next_http(&self) -> Option<HttpQuestion> {
        self.0.borrow_mut().http.next()
    }

    /// Answers an HTTP request. A redirect is followed: the robot asks again, with the same key.
    pub fn respond(&self, key: OperationKey, response: HttpResponse) {
        self.0.borrow_mut().http.respond(key, response);
    }

    /// Refuses an HTTP request, as if nothing listened there.
    pub fn refuse_http(&self, key: OperationKey, text: &str) {
        self.0.borrow_mut().http.refuse(key, text);
    }

    pub(super) fn ask_http(&self, job: Job) {
        self.0.borrow_mut().http.ask(job);
    }

    pub(super) fn http_answer(&self) -> Option<HttpAnswer> {
        self.0.borrow_mut().http.next_answer()
    }

    /// Whether either side has something to do at this moment.
    pub fn is_quiet(&self) -> bool {
        let wires = self.0.borrow();
        wires.events.is_empty() && wires.ready.is_empty() && wires.answers.is_empty() && wires.http.is_quiet()
    }

    pub(super) fn dial(&self, address: SocketAddr) -> io::Result<LinkId> {
        let mut wires = self.0.borrow_mut();
        if !wires.listening.contains(&address) {
            return Err(io::Error::from_raw_os_error(Errno::ECONNREFUSED as i32));
        }
        let link = LinkId(wires.next);
        wires.next += 1;
        wires.links.insert(link, Wire::default());
        wires.events.push_back(ServerEvent::Accepted { link, address });
        Ok(link)
    }

    pub(super) fn register(&self, link: LinkId, key: ConnectionKey) {
        let mut wires = self.0.borrow_mut();
        if let Some(wire) = wires.links.get_mut(&link) {
            wire.key = key;
        }
        wires.signal(link);
    }

    pub(super) fn resolve(&self, operation: OperationKey, port: u16) {
        self.0.borrow_mut().answers.push_back((operation, port));
    }

    /// Every name is this machine.
    pub(super) fn resolver_answer(&self) -> Option<(OperationKey, io::Result<Vec<SocketAddr>>)> {
        let (operation, port) = self.0.borrow_mut().answers.pop_front()?;
        Some((operation, Ok(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)])))
    }

    /// The next connection that may read (or has connected).
    pub(crate) fn next_ready(&self) -> Option<ConnectionKey> {
        self.0.borrow_mut().ready.pop_front()
    }

    pub(super) fn read(&self, link: LinkId, buffer: &mut [u8]) -> io::Result<Read> {
        let mut wires = self.0.borrow_mut();
        let Some(wire) = wires.links.get_mut(&link) else { return Ok(Read::End) };
        wire.signalled = false;
        let count = wire.to_robot.len().min(buffer.len());
        if count > 0 {
            wire.to_robot.drain(..count).zip(buffer.iter_mut()).for_each(|(byte, slot)| *slot = byte);
            wires.traffic.received += count;
            return Ok(Read::Bytes { count, stamp: None, more: count == buffer.len() });
        }
        match wire.ended {
            None => Ok(Read::Empty),
            Some(Ended::InOrder) => Ok(Read::End),
            Some(Ended::Reset) => Err(io::Error::from_raw_os_error(Errno::ECONNRESET as i32)),
        }
    }

    pub(super) fn write(&self, link: LinkId, bytes: &[u8]) -> io::Result<usize> {
        let mut wires = self.0.borrow_mut();
        match wires.links.get(&link).map(|wire| wire.ended) {
            Some(None) => {}
            _ => return Err(io::Error::from_raw_os_error(Errno::EPIPE as i32)),
        }
        wires.traffic.sent += bytes.len();
        wires.events.push_back(ServerEvent::Received { link, bytes: bytes.to_vec() });
        Ok(bytes.len())
    }

    pub(super) fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut self.0.borrow_mut().traffic)
    }

    pub(super) fn close_from_robot(&self, link: LinkId) {
        let mut wires = self.0.borrow_mut();
        if wires.links.remove(&link).is_some() {
            wires.events.push_back(ServerEvent::Ended { link });
        }
    }
}

impl Wires {
    fn end(&mut self, link: LinkId, how: Ended) {
        if let Some(wire) = self.links.get_mut(&link) {
            wire.ended = Some(how);
        }
        self.signal(link);
    }

    /// Tells the shard that a link has something for it, once until it reads.
    fn signal(&mut self, link: LinkId) {
        if let Some(wire) = self.links.get_mut(&link)
            && !std::mem::replace(&mut wire.signalled, true)
        {
            self.ready.push_back(wire.key);
        }
    }
}
