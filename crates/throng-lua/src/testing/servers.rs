//! Fake servers: links of the network in memory become clients, bytes become what a server hears, and replies wait for
//! their time. No Lua here.

use super::address::Address;
use super::dialect::{self, Asked, Dialect, Part};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::rc::Rc;
use throng_engine::{LinkId, MemoryNet, OwnCut, ServerEvent};
use throng_wire::{Channel, MessageId, Nanos, Received};

/// The WebSocket close code of a server that closes in good order.
pub(super) const NORMAL: u16 = 1000;
/// Requests of one client whose replies may still come.
const CALLS: usize = 1000;
/// Questions to one client whose answers may still come.
const QUESTIONS: usize = 1000;

/// All fake servers of a world.
pub(super) struct Servers {
    pub(super) net: MemoryNet,
    servers: Vec<Server>,
    clients: Vec<Client>,
    by_link: HashMap<LinkId, usize>,
    delayed: BinaryHeap<Reverse<Delayed>>,
    next_call: u64,
    next_delayed: u64,
    /// What went wrong on the servers' side, and messages that nobody handled, with their number.
    pub(super) notes: BTreeMap<String, u64>,
}

/// One fake server.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) address: Address,
    pub(super) speech: Speech,
    listening: bool,
    pub(super) refusing: bool,
}

/// What a server speaks.
#[derive(Clone)]
pub(super) enum Speech {
    /// Bytes.
    Stream,
    /// Messages of a protocol.
    Messages(Rc<Dialect>),
}

/// A robot's connection to a server.
pub(super) struct Client {
    pub(super) server: usize,
    link: LinkId,
    /// `None` on a stream.
    channel: Option<Channel>,
    input: Vec<u8>,
    /// Bytes of input below which nothing can be cut.
    wanted: usize,
    /// What the protocol's own function has cut.
    payloads: VecDeque<Vec<u8>>,
    side: Side,
    calls: VecDeque<Call>,
    /// What it was asked, by session, and has not answered.
    questions: VecDeque<(i64, MessageId)>,
    sessions: i64,
}

/// Whether the server still speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// It has said good-bye in WebSocket's way, and hears only the answer.
    Closing,
    Ended,
}

/// A message whose reply may come.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) message: MessageId,
    pub(super) session: Option<i64>,
    pub(super) part: Part,
}

/// Bytes that are to be sent later.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Delayed {
    at: Nanos,
    order: u64,
    client: usize,
    bytes: Vec<u8>,
}

/// What a server hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A connection is up.
    Opened,
    /// A message.
    Message(Said),
    /// The answer to a message that it was asked with.
    Answer { message: MessageId, body: Vec<u8> },
    /// Bytes of a stream.
    Bytes(Vec<u8>),
    /// Bytes that the protocol's own function is to cut.
    Uncut(Vec<u8>),
    /// A payload whose head the protocol's own function is to read.
    Unread(Vec<u8>),
    /// The connection has ended.
    Ended,
}

/// A message that a server hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) name: String,
    pub(super) message: Option<MessageId>,
    /// Set where a reply may follow.
    pub(super) call: Option<u64>,
    pub(super) body: Vec<u8>,
    /// The fields of header and trailer.
    pub(super) fields: Vec<(String, i64)>,
    pub(super) part: Part,
}

impl Servers {
    pub(super) fn new(net: MemoryNet) -> Servers {
        Servers {
            net,
            servers: Vec::new(),
            clients: Vec::new(),
            by_link: HashMap::new(),
            delayed: BinaryHeap::new(),
            next_call: 0,
            next_delayed: 0,
            notes: BTreeMap::new(),
        }
    }

    /// A new server, which listens from the next moment on.
    pub(super) fn add(&mut self, url: String, address: Address, speech: Speech) -> Result<usize, String> {
        if let Some(other) = self.servers.iter().find(|other| other.address.socket == address.socket) {
            return Err(format!("there is a server at this address already: {}", other.url));
        }
        self.servers.push(Server { url, address, speech, listening: false, refusing: false });
        Ok(self.servers.len() - 1)
    }

    pub(super) fn server(&mut self, id: usize) -> &mut Server {
        &mut self.servers[id]
    }

    pub(super) fn client(&self, id: usize) -> &Client {
        &self.clients[id]
    }

    /// What the server of a client speaks.
    pub(super) fn speech_of(&self, client: usize) -> &Speech {
        &self.servers[self.clients[client].server].speech
    }

    /// What the next message to a client is spoken in; none on a stream.
    pub(super) fn dialect_to(&self, client: usize) -> Option<Rc<Dialect>> {
        let Speech::Messages(dialect) = self.speech_of(client) else { return None };
        let sent = self.clients[client].channel.as_ref().map_or(0, Channel::sent);
        Some(Rc::clone(dialect.part(dialect.part_after(sent))))
    }

    /// The open clients of a server, oldest first.
    pub(super) fn clients_of(&self, server: usize) -> Vec<usize> {
        let open =
            self.clients.iter().enumerate().filter(|(_, client)| client.server == server && client.is_open());
        open.map(|(id, _)| id).collect()
    }

    /// Opens the doors of servers that accept, and closes those of servers that refuse.
    pub(super) fn listen(&mut self) {
        for server in self.servers.iter_mut().filter(|server| server.listening == server.refusing) {
            server.listening = !server.refusing;
            match server.refusing {
                true => self.net.refuse(server.address.socket),
                false => self.net.listen(server.address.socket),
            }
        }
    }

    /// When the next delayed bytes are due.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.delayed.peek().map(|Reverse(delayed)| delayed.at)
    }

    /// Sends what is due; whether anything was.
    pub(super) fn send_due(&mut self, now: Nanos) -> bool {
        let mut any = false;
        while self.next_due().is_some_and(|at| at <= now)
            && let Some(Reverse(due)) = self.delayed.pop()
        {
            any = true;
            self.send(due.client, &due.bytes);
        }
        any
    }

    /// Sends framed bytes now, or at `at`. A client that has ended swallows them.
    pub(super) fn send_at(&mut self, client: usize, bytes: Vec<u8>, at: Option<Nanos>) {
        match at {
            None => self.send(client, &bytes),
            Some(at) => {
                self.next_delayed += 1;
                self.delayed.push(Reverse(Delayed { at, order: self.next_delayed, client, bytes }));
            }
        }
    }

    fn send(&self, client: usize, bytes: &[u8]) {
        let client = &self.clients[client];
        if client.side == Side::Open {
            self.net.send(client.link, bytes);
        }
    }

    /// Frames a payload for a client.
    pub(super) fn frame(&mut self, client: usize, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        match &mut self.clients[client].channel {
            None => out.extend_from_slice(payload),
            Some(channel) => {
                let mark = channel.begin(&mut out);
                out.extend_from_slice(payload);
                channel.finish(&mut out, mark).map_err(|error| error.to_string())?;
            }
        }
        Ok(out)
    }

    /// Closes a connection in good order.
    pub(super) fn close(&mut self, client: usize, code: u16) {
        let client = &mut self.clients[client];
        if client.side != Side::Open {
            return;
        }
        let mut farewell = Vec::new();
        if let Some(channel) = &mut client.channel {
            channel.close(code, &mut farewell);
        }
        if farewell.is_empty() {
            client.side = Side::Ended;
            return self.net.close(client.link);
        }
        client.side = Side::Closing;
        self.net.send(client.link, &farewell);
    }

    /// Resets a connection.
    pub(super) fn reset(&mut self, client: usize) {
        let client = &mut self.clients[client];
        if std::mem::replace(&mut client.side, Side::Ended) != Side::Ended {
            self.net.reset(client.link);
        }
    }

    /// Takes the call that is to be answered: that of this id, or the oldest, of this name if there is one.
    pub(super) fn take_call(&mut self, client: usize, id: Option<u64>, name: Option<&str>) -> Option<Call> {
        let calls = &mut self.clients[client].calls;
        let wanted =
            |call: &Call| id.is_none_or(|id| call.id == id) && name.is_none_or(|name| call.name == name);
        let index = calls.iter().position(wanted)?;
        calls.remove(index)
    }

    pub(super) fn call(&self, client: usize, id: u64) -> Option<&Call> {
        self.clients[client].calls.iter().find(|call| call.id == id)
    }

    /// The session of a new question to a client.
    pub(super) fn new_question(&mut self, client: usize, message: MessageId) -> i64 {
        let Client { questions, sessions, .. } = &mut self.clients[client];
        *sessions += 1;
        if questions.len() == QUESTIONS {
            questions.pop_front();
        }
        questions.push_back((*sessions, message));
        *sessions
    }

    pub(super) fn note(&mut self, text: String) {
        *self.notes.entry(text).or_default() += 1;
    }

    /// Takes in what the network brought: the client it is about, and what is known without looking at its input.
    pub(super) fn take_in(&mut self, event: ServerEvent) -> Option<(usize, Option<Heard>)> {
        match event {
            ServerEvent::Accepted { link, address } => {
                let server = self.servers.iter().position(|server| server.address.socket == address)?;
                let client = self.accept(server, link)?;
                Some((client, self.clients[client].is_open().then_some(Heard::Opened)))
            }
            ServerEvent::Received { link, bytes } => {
                let client = *self.by_link.get(&link)?;
                self.clients[client].input.extend(bytes);
                Some((client, None))
            }
            ServerEvent::Ended { link } => {
                let client = self.by_link.remove(&link)?;
                self.clients[client].side = Side::Ended;
                Some((client, Some(Heard::Ended)))
            }
        }
    }

    fn accept(&mut self, server: usize, link: LinkId) -> Option<usize> {
        let Server { address, speech, url, .. } = &self.servers[server];
        let channel = match speech {
            Speech::Stream => None,
            Speech::Messages(dialect) => match address.transport.channel(&dialect.mirror) {
                Some(spec) => Some(Channel::server(spec)),
                None => {
                    let note = format!("{url}: protocol '{}' has no framing for it", dialect.protocol.name);
                    self.net.reset(link);
                    self.note(note);
                    return None;
                }
            },
        };
        self.by_link.insert(link, self.clients.len());
        self.clients.push(Client {
            server,
            link,
            channel,
            input: Vec::new(),
            wanted: 0,
            payloads: VecDeque::new(),
            side: Side::Open,
            calls: VecDeque::new(),
            questions: VecDeque::new(),
            sessions: 0,
        });
        Some(self.clients.len() - 1)
    }

    /// The next thing a client's input holds.
    pub(super) fn hear(&mut self, id: usize) -> Option<Heard> {
        loop {
            let client = &mut self.clients[id];
            if let Some(payload) = client.payloads.pop_front() {
                if let Some(heard) = self.message(id, &payload) {
                    return Some(heard);
                }
                continue;
            }
            if client.side == Side::Ended || client.input.len() < client.wanted.max(1) {
                return None;
            }
            let Some(channel) = &mut client.channel else {
                return Some(Heard::Bytes(std::mem::take(&mut client.input)));
            };
            if channel.is_cut_by_host() && channel.is_stream() {
                return Some(Heard::Uncut(std::mem::take(&mut client.input)));
            }
            let (cut, used) = match channel.cut(&client.input) {
                Ok(Received::Need { .. }) => return None,
                Ok(Received::Opened { used }) => (Cut::Opened, used),
                Ok(Received::Control { used }) => (Cut::Control, used),
                Ok(Received::Message { payload, used }) => (Cut::Message(payload.to_vec()), used),
                Ok(Received::Closed { used, .. }) => (Cut::Closed, used),
                Err(error) => (Cut::Broken(error.to_string()), 0),
            };
            client.input.drain(..used);
            let mut answer = Vec::new();
            channel.drain_control(&mut answer);
            let uncut = channel.is_cut_by_host();
            self.net.send(client.link, &answer);
            match cut {
                Cut::Opened => return Some(Heard::Opened),
                Cut::Message(_) if self.clients[id].side == Side::Closing => {}
                Cut::Message(payload) if uncut => return Some(Heard::Uncut(payload)),
                Cut::Message(payload) => {
                    if let Some(heard) = self.message(id, &payload) {
                        return Some(heard);
                    }
                }
                Cut::Control => {}
                Cut::Closed => {
                    self.clients[id].side = Side::Ended;
                    self.net.close(self.clients[id].link);
                }
                Cut::Broken(error) => self.broken(id, &error),
            }
        }
    }

    fn message(&mut self, id: usize, payload: &[u8]) -> Option<Heard> {
        let Speech::Messages(dialect) = self.speech_of(id).clone() else { return None };
        let before =
            self.clients[id].channel.as_ref().map_or(0, |channel| channel.received().saturating_sub(1));
        let part = dialect.part_after(before);
        let dialect = dialect.part(part);
        if dialect.mirror.own().head {
            return Some(Heard::Unread(payload.to_vec()));
        }
        let mut scratch = Vec::new();
        let asked = match dialect.read(payload, &mut scratch) {
            Ok(dialect::Said::Message(asked)) => asked,
            Ok(dialect::Said::Answer { session, body }) => return self.answer(id, session, body),
            Err(error) => {
                self.broken(id, &error);
                return None;
            }
        };
        Some(self.said(id, &asked, (dialect.fields_of(payload), part)))
    }

    /// A message of a client's, whose reply may come.
    pub(super) fn said(
        &mut self,
        id: usize,
        asked: &Asked<'_>,
        (fields, part): (Vec<(String, i64)>, Part),
    ) -> Heard {
        let call = asked.message.map(|message| {
            self.next_call += 1;
            let calls = &mut self.clients[id].calls;
            if calls.len() == CALLS {
                calls.pop_front();
            }
            calls.push_back(Call {
                id: self.next_call,
                name: asked.name.clone(),
                message,
                session: asked.session,
                part,
            });
            self.next_call
        });
        Heard::Message(Said {
            name: asked.name.clone(),
            message: asked.message,
            call,
            body: asked.body.to_vec(),
            fields,
            part,
        })
    }

    /// Takes what the protocol's own function has cut of a client's input, and keeps the rest.
    pub(super) fn cut(&mut self, id: usize, input: &[u8], cuts: &[OwnCut], end: Result<usize, String>) {
        let client = &mut self.clients[id];
        let Some(channel) = &mut client.channel else { return };
        let mut at = 0;
        let mut begun = Ok(0);
        for cut in cuts {
            begun = begun.and_then(|_| channel.frame_cut(cut.end - at).map(|()| 0));
            client.payloads.push_back(input[cut.payload.clone()].to_vec());
            at = cut.end;
        }
        let rest = &input[at..];
        let begun =
            begun.and_then(|_| end.clone().map_or(Ok(0), |least| channel.frame_begun(rest.len(), least)));
        if channel.is_stream() {
            client.input = rest.to_vec();
        }
        match (begun, end) {
            (Ok(wanted), Ok(_)) => client.wanted = if channel.is_stream() { wanted } else { 0 },
            (Err(error), _) => self.broken(id, &error.to_string()),
            (Ok(_), Err(text)) => self.broken(id, &text),
        }
    }

    fn answer(&mut self, id: usize, session: i64, body: &[u8]) -> Option<Heard> {
        let Client { questions, server, .. } = &mut self.clients[id];
        let Some(index) = questions.iter().position(|(asked, _)| *asked == session) else {
            let url = self.servers[*server].url.clone();
            self.note(format!("{url}: an answer to nothing that was asked"));
            return None;
        };
        let (_, message) = questions.remove(index)?;
        Some(Heard::Answer { message, body: body.to_vec() })
    }

    /// What came is not of the server's protocol.
    pub(super) fn broken(&mut self, client: usize, error: &str) {
        let url = self.servers[self.clients[client].server].url.clone();
        self.note(format!("{url}: what came is not of its protocol: {error}"));
        self.reset(client);
    }
}

/// What was cut, without the loan of the input.
enum Cut {
    Opened,
    Control,
    Message(Vec<u8>),
    Closed,
    Broken(String),
}

impl Client {
    /// Whether messages can be sent to it.
    pub(super) fn is_open(&self) -> bool {
        self.side == Side::Open && self.channel.as_ref().is_none_or(Channel::is_open)
    }
}
