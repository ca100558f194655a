//! Opening a connection: names, several addresses, time-outs, further attempts, the WebSocket handshake.

use super::connection::{Connection, Phase};
use super::ending::End;
use super::operation::OperationKind;
use super::timers::Due;
use super::{Core, Ready};
use crate::clock::after;
use crate::config::ProtocolRoute;
use crate::host::{ConnectOptions, Failure};
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::net::target::{Scheme, Target, TargetError, shown};
use crate::net::{Link, Net, tcp};
use crate::trace::Trace;
use crate::wheel::TimerId;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind, RobotState};
use throng_wire::{Channel, Conv, KcpSpec, Nanos, Pending, Tls, TlsError};
use url::Host;

/// The name under which a connection has no framing at all.
pub(crate) const STREAM: &str = "stream";

/// An attempt to open a connection, and those that may follow.
#[derive(Debug)]
pub(crate) struct Dial {
    options: ConnectOptions,
    target: Target,
    label: usize,
    /// Addresses this attempt has not tried yet, the next one last.
    addresses: Vec<SocketAddr>,
    attempts: u32,
    attempt_begun: Nanos,
    /// When the attempt's time is up.
    attempt_ends: Nanos,
    /// The resolver was asked in this attempt and has not answered.
    resolving: bool,
    /// The connection whose TCP or WebSocket handshake is under way.
    opening: Option<ConnectionKey>,
    /// The failure of the last address of this attempt.
    last: Option<(FailureKind, Box<str>)>,
}

/// Why a target is not loaded.
pub(crate) fn outside(address: SocketAddr) -> String {
    format!("{address} is outside loopback and private ranges: list it under `target.allow` to load it")
}

impl Core {
    /// Begins to open a connection.
    ///
    /// # Errors
    /// The address is none, or nobody said what is spoken there; counted.
    pub(crate) fn connect(
        &mut self,
        robot: RobotKey,
        options: ConnectOptions,
    ) -> Result<OperationKey, Failure> {
        let scheme = Scheme::by_default(self.settings.websocket_by_default, self.settings.tls_by_default);
        let target =
            Target::parse(&options.url, scheme).map_err(|error| self.bad_target(robot, &options, &error))?;
        if options.conv.is_some() && target.scheme != Scheme::Kcp {
            let text = format!("`{}` has no `conv`, which is for `kcp://` addresses", target.origin());
            return Err(self.refuse_connect(robot, &options, FailureKind::Protocol, text));
        }
        let protocol = self.choose_protocol(robot, &options, &target)?;
        let label = self.labels.intern(&options.name, protocol, options.measured, &mut self.recorder);
        self.trace(robot, |_| Trace::Dialling { connection: &options.name, url: shown(&options.url) });
        let dial = Dial {
            options,
            target,
            label,
            addresses: Vec::new(),
            attempts: 0,
            attempt_begun: 0,
            attempt_ends: 0,
            resolving: false,
            opening: None,
            last: None,
        };
        let now = self.now();
        let operation = self.operate(robot, None, OperationKind::Connect(Box::new(dial)), now);
        self.redial(operation);
        Ok(operation)
    }

    fn bad_target(&mut self, robot: RobotKey, options: &ConnectOptions, error: &TargetError) -> Failure {
        self.refuse_connect(robot, options, FailureKind::Unreachable, error.to_string())
    }

    /// A failure before there was anything to dial.
    fn refuse_connect(
        &mut self,
        robot: RobotKey,
        options: &ConnectOptions,
        kind: FailureKind,
        text: String,
    ) -> Failure {
        if options.measured {
            self.count_failure(kind, &options.name, &text, None);
        }
        let failure = Failure {
            kind,
            name: "connect".into(),
            connection: Some((&*options.name).into()),
            elapsed: Duration::ZERO,
            text: text.into(),
            code: None,
        };
        self.trace(robot, |_| Trace::Failed(&failure));
        failure
    }

    /// The protocol's index; `None` is a stream.
    fn choose_protocol(
        &mut self,
        robot: RobotKey,
        options: &ConnectOptions,
        target: &Target,
    ) -> Result<Option<usize>, Failure> {
        let routes = self.labels.routes();
        let found = match options.protocol.as_deref() {
            Some(STREAM) if !target.scheme.has_messages() => return Ok(None),
            Some(STREAM) => {
                let text = format!(
                    "`{}` has messages; a stream needs a `tcp://`, `tls://` or `kcp://` address",
                    target.origin()
                );
                return Err(self.refuse_connect(robot, options, FailureKind::Protocol, text));
            }
            Some(name) => routes.iter().position(|route| &*route.protocol.name == name),
            None => ProtocolRoute::spoken_at(routes, &target.origin()),
        };
        if found.is_some() {
            return Ok(found);
        }
        let known: Vec<&str> = routes.iter().map(|route| &*route.protocol.name).collect();
        let wanted = match options.protocol.as_deref() {
            Some(name) => format!("there is no protocol `{name}`"),
            None => format!("no protocol's `hosts` match `{}`", target.origin()),
        };
        let text = format!("{wanted}; throng.toml has: {}, and `{STREAM}` is always there", known.join(", "));
        Err(self.refuse_connect(robot, options, FailureKind::Protocol, text))
    }

    /// Begins the next attempt.
    pub(crate) fn redial(&mut self, operation: OperationKey) {
        let (now, limit) = (self.now(), self.settings.connect_timeout);
        let Some(dial) = self.dial_mut(operation) else { return };
        dial.attempts += 1;
        dial.attempt_begun = now;
        dial.last = None;
        let timeout = dial.options.timeout.unwrap_or(limit);
        dial.attempt_ends = after(now, timeout);
        dial.resolving = matches!(dial.target.host, Host::Domain(_));
        let (host, port, label) = (dial.target.host.clone(), dial.target.port, dial.label);
        if let Some(books) = self.labels.get(label).books {
            self.recorder.connecting(books);
        }
        self.time_operation(operation, now, timeout);
        match host {
            Host::Ipv4(address) => self.resolved(operation, vec![SocketAddr::new(address.into(), port)]),
            Host::Ipv6(address) => self.resolved(operation, vec![SocketAddr::new(address.into(), port)]),
            Host::Domain(name) => {
                if let Err(error) = self.net.resolve(operation, &name, port) {
                    self.attempt_failed(operation, FailureKind::Resolve, &error.to_string());
                }
            }
        }
    }

    /// The resolver has answered, perhaps a question of an attempt that is over: the first answer serves.
    pub(crate) fn resolver_answered(&mut self, operation: OperationKey, answer: io::Result<Vec<SocketAddr>>) {
        let Some(dial) = self.dial_mut(operation) else { return };
        if !std::mem::take(&mut dial.resolving) {
            return;
        }
        match answer {
            Ok(addresses) if addresses.is_empty() => {
                self.attempt_failed(operation, FailureKind::Resolve, "the name has no address");
            }
            Ok(addresses) => self.resolved(operation, addresses),
            Err(error) => self.attempt_failed(operation, FailureKind::Resolve, &error.to_string()),
        }
    }

    fn resolved(&mut self, operation: OperationKey, mut addresses: Vec<SocketAddr>) {
        addresses.reverse();
        let Some(dial) = self.dial_mut(operation) else { return };
        dial.addresses = addresses;
        self.try_next_address(operation);
    }

    fn try_next_address(&mut self, operation: OperationKey) {
        let now = self.now();
        loop {
            let Some(dial) = self.dial_mut(operation) else { return };
            // Each address has an equal share of what time is left, so that one which is silent does not use up all of it.
            let share = dial.attempt_ends.saturating_sub(now) / dial.addresses.len().max(1) as Nanos;
            let Some(address) = dial.addresses.pop() else {
                let (kind, text) =
                    dial.last.take().unwrap_or((FailureKind::Resolve, "the name has no address".into()));
                return self.attempt_failed(operation, kind, &text);
            };
            match self.dial_address(operation, address) {
                Ok(()) => return self.time_operation(operation, now, Duration::from_nanos(share)),
                Err((kind, text)) => {
                    if let Some(dial) = self.dial_mut(operation) {
                        dial.last = Some((kind, text.into()));
                    }
                }
            }
        }
    }

    fn dial_address(
        &mut self,
        operation: OperationKey,
        address: SocketAddr,
    ) -> Result<(), (FailureKind, String)> {
        let permitted = self.dial_mut(operation).map(|dial| dial.target.host.clone());
        if !permitted.is_some_and(|host| self.settings.allowed.permits(&host, address.ip())) {
            return Err((FailureKind::Forbidden, outside(address)));
        }
        let local = self.local_address();
        let datagrams = self.dial_mut(operation).is_some_and(|dial| dial.target.scheme.is_datagrams());
        let link = match datagrams {
            true => self.net.dial_datagrams(address, local),
            false => self.net.dial(address, local, &self.settings.tcp),
        };
        let mut link = link.map_err(|error| (tcp::connect_failure(&error), error.to_string()))?;
        self.put_kcp_on(operation, &mut link);
        self.put_tls_on(operation, &mut link, address)
            .map_err(|error| (FailureKind::Tls, error.to_string()))?;
        self.add_opening(operation, link)
    }

    /// Prepares the handshake of a link whose address asks for TLS.
    fn put_tls_on(
        &mut self,
        operation: OperationKey,
        link: &mut Link,
        to: SocketAddr,
    ) -> Result<(), TlsError> {
        let target = self.dial_mut(operation).map(|dial| &dial.target);
        let Some(host) =
            target.filter(|target| target.scheme.is_secure()).map(|target| target.host.to_string())
        else {
            return Ok(());
        };
        let tls = Tls::client(&self.settings.tls, &host)?;
        let port = self.settings.proxy_protocol.as_ref().and_then(|_| link.port());
        let header = port.map(|port| self.proxy_header(operation, port, to)).unwrap_or_default();
        Net::secure(link, tls, header);
        Ok(())
    }

    /// What a link from `port` to `to` begins with, before TLS and everything else.
    fn proxy_header(&mut self, operation: OperationKey, port: u16, to: SocketAddr) -> Vec<u8> {
        let robot = self.operations.robot(operation).and_then(|robot| self.robots.get(robot));
        let id = robot.map(|robot| robot.id);
        let origin = self.dial_mut(operation).map(|dial| dial.target.origin());
        match (&self.settings.proxy_protocol, id, origin) {
            (Some(proxy), Some(id), Some(origin)) => proxy.header(id, &origin, port, to),
            _ => Vec::new(),
        }
    }

    /// Puts KCP on a link whose address asks for it; a network in memory loses nothing and needs none.
    fn put_kcp_on(&mut self, operation: OperationKey, link: &mut Link) {
        let Link::Udp(udp) = link else { return };
        let Some(robot) = self.operations.robot(operation) else { return };
        let Some(dial) = self.dial_mut(operation).filter(|dial| dial.target.scheme == Scheme::Kcp) else {
            return;
        };
        let (label, origin, asked) = (dial.label, dial.target.origin(), dial.options.conv);
        let spec = match &self.labels.get(label).protocol {
            Some(protocol) => *protocol.kcp(),
            // Bytes without framing, with what is said for messages at that address.
            None => {
                let routes = self.labels.routes();
                let spoken = ProtocolRoute::spoken_at(routes, &origin);
                let spec = spoken.map_or_else(KcpSpec::default, |at| *routes[at].protocol.kcp());
                KcpSpec { stream: true, ..spec }
            }
        };
        let Some(slot) = self.robots.get_mut(robot) else { return };
        let conv = asked.unwrap_or_else(|| match spec.conv {
            Conv::Number(conv) => conv,
            Conv::Robot => slot.id.0 as u32,
            Conv::Random => (slot.random.next() as u32).max(1),
        });
        udp.converse(conv, &spec, self.clock.clone());
    }

    /// Puts the socket into the table as an opening connection.
    fn add_opening(&mut self, operation: OperationKey, link: Link) -> Result<(), (FailureKind, String)> {
        let Some(robot) = self.operations.robot(operation) else { return Ok(()) };
        let seed = self.robots.get_mut(robot).map_or(0, |slot| slot.random.next());
        let Some(dial) = self.dial_mut(operation) else { return Ok(()) };
        let (label, target, options_name) = (dial.label, dial.target.clone(), dial.options.name.clone());
        let channel = match &self.labels.get(label).protocol {
            None => None,
            Some(protocol) => {
                let spec = match target.scheme {
                    Scheme::WebSocket | Scheme::SecureWebSocket => Some(protocol.websocket_channel()),
                    Scheme::Tcp | Scheme::Tls => protocol.stream_channel(),
                    Scheme::Udp => Some(protocol.udp_channel()),
                    Scheme::Kcp => protocol.kcp_channel(),
                };
                let needed = match target.scheme {
                    Scheme::Kcp => "a stream over `kcp://` needs",
                    _ => "`tcp://` and `tls://` need",
                };
                let unframed = || format!("protocol `{}` has no framing, which {needed}", protocol.name);
                let spec = spec.ok_or_else(|| (FailureKind::Protocol, unframed()))?;
                Some(Channel::client(spec, &target.authority(), &target.path, seed))
            }
        };
        let mut name = self.labels.get(label).name.clone();
        if *name != *options_name {
            name = options_name.into();
        }
        let key = self.connections.insert(Connection {
            robot,
            label,
            name,
            link,
            phase: Phase::Opening(operation),
            channel,
            pending: Pending::default(),
            tail: Vec::new(),
            wanted: 0,
            outbox: None,
            heartbeat: TimerId::NONE,
            dirty: false,
            cut: false,
            reader: None,
            paused: false,
            opened: 0,
            resumed: 0,
            write_error: None,
            ended: None,
        });
        if let Some(dial) = self.dial_mut(operation) {
            dial.opening = Some(key);
        }
        self.net.register(&mut self.connections[key].link, key).map_err(|error| {
            self.connections.remove(key);
            (FailureKind::LocalResources, error.to_string())
        })
    }

    /// The next of the local addresses, in turn.
    fn local_address(&mut self) -> Option<IpAddr> {
        let addresses = &self.settings.local_addresses;
        let index = (self.dialled.wrapping_mul(self.share.count) + self.share.index) as usize;
        self.dialled += 1;
        (!addresses.is_empty()).then(|| addresses[index % addresses.len()])
    }

    /// A socket became writable: TCP is connected, or failed; a handshake goes on, or what TLS has to say of its own does.
    pub(crate) fn transport_ready(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (opening, secure) = (connection.phase, connection.link.is_secure());
        if connection.link.is_connected() && !secure {
            return;
        }
        match (self.net.go_on(&mut connection.link), opening) {
            // With TLS it is a read that ends the handshake.
            (Ok(true), Phase::Opening(operation)) if !secure => self.transport_opened(key, operation),
            (Ok(_), _) => {}
            (Err(error), Phase::Opening(operation)) => {
                let kind = match connection.link.is_shaking_hands() {
                    true => FailureKind::Tls,
                    false => tcp::connect_failure(&error),
                };
                self.address_failed(operation, kind, &error.to_string());
            }
            (Err(error), Phase::Open) => {
                connection.write_error.get_or_insert(error);
                self.read_out.push(key);
            }
        }
    }

    /// Something came before the connection took plaintext: if the handshake is done now, it does.
    pub(crate) fn handshake_went_on(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key) else { return };
        if let Phase::Opening(operation) = connection.phase
            && connection.link.is_connected()
        {
            self.transport_opened(key, operation);
        }
    }

    fn transport_opened(&mut self, key: ConnectionKey, operation: OperationKey) {
        let mut outbox = self.pools.outbox();
        let link = &self.connections[key].link;
        // With TLS it is on its way already.
        if self.settings.proxy_protocol.is_some()
            && !link.is_secure()
            && let Some((port, to)) = link.ends()
        {
            outbox.bytes.extend(self.proxy_header(operation, port, to));
        }
        let connection = &mut self.connections[key];
        let open = connection.channel.as_mut().is_none_or(|channel| {
            channel.start(&mut outbox.bytes);
            channel.is_open()
        });
        if outbox.is_empty() {
            self.pools.take_outbox(outbox);
        } else {
            connection.outbox = Some(outbox);
            self.mark_dirty(key);
        }
        if open {
            self.channel_opened(key, operation);
        }
    }

    /// The connection is open for messages: the one of the same name before it is replaced, the script is told.
    pub(crate) fn channel_opened(&mut self, key: ConnectionKey, operation: OperationKey) {
        let now = self.now();
        let Some(dial) = self.dial_mut(operation) else { return };
        let took = now - dial.attempt_begun;
        let connection = &mut self.connections[key];
        (connection.phase, connection.opened) = (Phase::Open, now);
        let (robot, label) = (connection.robot, connection.label);
        let Some(slot) = self.robots.get_mut(robot) else { return };
        let replaced = slot.connections.iter().copied().find(|open| {
            self.connections.get(*open).is_some_and(|other| other.name == self.connections[key].name)
        });
        slot.connections.push(key);
        let connecting = slot.state == RobotState::Connecting;
        let again = slot.has_had(label);
        if let Some(replaced) = replaced {
            self.end_connection(replaced, End::new(EndCause::Replaced, ""));
        }
        if let Some(books) = self.labels.get(label).books {
            self.recorder.opened(books, took / 1000);
            if again {
                self.recorder.reconnected(books);
            }
        }
        if connecting {
            self.move_to(robot, RobotState::LoggingIn);
        }
        let name = self.connections[key].name.clone();
        self.trace(robot, |_| Trace::Opened { connection: &name, took: Duration::from_nanos(took) });
        self.start_heartbeat(key);
        self.storm_passes(robot);
        self.settle(operation, Ready::Connected(key));
    }

    /// The time of an attempt is up, or of one of its addresses.
    pub(crate) fn attempt_overdue(&mut self, operation: OperationKey) {
        let Some(dial) = self.dial_mut(operation) else { return };
        if dial.resolving {
            return self.attempt_failed(
                operation,
                FailureKind::Resolve,
                "no answer from the resolver in time",
            );
        }
        let (others, opening) = (!dial.addresses.is_empty(), dial.opening);
        let opening = opening.and_then(|key| self.connections.get(key));
        let text = match opening.map(|connection| &connection.link) {
            Some(link) if link.is_connected() => "no end of the WebSocket handshake in time",
            Some(link) if link.is_shaking_hands() => "no end of the TLS handshake in time",
            _ => "no connection in time",
        };
        if !others {
            return self.attempt_failed(operation, FailureKind::ConnectTimeout, text);
        }
        self.address_failed(operation, FailureKind::ConnectTimeout, text);
    }

    /// One address of several does not answer as it should: the next has its turn.
    fn address_failed(&mut self, operation: OperationKey, kind: FailureKind, text: &str) {
        self.drop_opening(operation);
        if let Some(dial) = self.dial_mut(operation) {
            dial.last = Some((kind, text.into()));
        }
        self.try_next_address(operation);
    }

    /// An opening connection has ended before it was open.
    pub(crate) fn opening_failed(&mut self, operation: OperationKey, key: ConnectionKey, end: &End) {
        let insecure = self.connections.get(key).is_some_and(|connection| connection.link.is_shaking_hands());
        let kind = match end.cause {
            _ if insecure => FailureKind::Tls,
            EndCause::Reset => FailureKind::Reset,
            EndCause::Protocol => FailureKind::Handshake,
            _ => FailureKind::Closed,
        };
        let text = if end.text.is_empty() { end.cause.phrase() } else { &end.text };
        if self.dial_mut(operation).is_none() {
            self.end_connection_silently(key, end.cause);
            return;
        }
        self.attempt_failed_with(operation, kind, text, end.sample.as_deref());
    }

    fn attempt_failed(&mut self, operation: OperationKey, kind: FailureKind, text: &str) {
        self.attempt_failed_with(operation, kind, text, None);
    }

    /// An attempt is over without a connection: another follows after a pause, or the script is told.
    fn attempt_failed_with(
        &mut self,
        operation: OperationKey,
        kind: FailureKind,
        text: &str,
        sample: Option<&str>,
    ) {
        self.drop_opening(operation);
        let now = self.now();
        let Some(robot) = self.operations.robot(operation) else { return };
        let random = self.robots.get_mut(robot).map_or(0.0, |slot| slot.random.unit());
        let Some(slot) = self.operations.get_mut(operation) else { return };
        self.wheel.cancel(std::mem::replace(&mut slot.timer, TimerId::NONE));
        let elapsed = Duration::from_nanos(now - slot.begun);
        let OperationKind::Connect(dial) = &mut slot.kind else { return };
        dial.resolving = false;
        dial.addresses.clear();
        let message = format!("{}: {text}", dial.target.origin());
        let failure = Failure {
            kind,
            name: "connect".into(),
            connection: Some((&*dial.options.name).into()),
            elapsed,
            text: message.as_str().into(),
            code: None,
        };
        let pause = dial.next_pause(random);
        if let Some(books) = self.labels.get(dial.label).books {
            self.recorder.connect_failed(books, kind, &message, || sample.map(str::to_owned));
        }
        self.trace(robot, |_| Trace::Failed(&failure));
        match pause {
            Some(pause) => {
                let timer = self.wheel.insert(after(now, pause), Due::Redial(operation));
                if let Some(slot) = self.operations.get_mut(operation) {
                    slot.timer = timer;
                }
            }
            None => self.settle_own(operation, Ready::Failed(Box::new(failure))),
        }
    }

    /// Closes the socket whose handshake was under way.
    fn drop_opening(&mut self, operation: OperationKey) {
        if let Some(key) = self.dial_mut(operation).and_then(|dial| dial.opening.take()) {
            self.end_connection_silently(key, EndCause::Own);
        }
    }

    /// A dial that nobody waits for any more.
    pub(crate) fn abandon_dial(&mut self, dial: &Dial) {
        if let Some(key) = dial.opening {
            self.end_connection_silently(key, EndCause::Own);
        }
    }

    fn dial_mut(&mut self, operation: OperationKey) -> Option<&mut Dial> {
        match &mut self.operations.get_mut(operation)?.kind {
            OperationKind::Connect(dial) => Some(dial),
            _ => None,
        }
    }
}

impl Dial {
    /// The pause before the next attempt, if there is one: doubling, with jitter in its upper half.
    fn next_pause(&self, random: f64) -> Option<Duration> {
        let retry = self.options.retry.filter(|retry| self.attempts < retry.tries)?;
        let doubled = retry.first.saturating_mul(1 << (self.attempts - 1).min(30));
        Some(doubled.min(retry.max).mul_f64(0.5 + random / 2.0))
    }
}
