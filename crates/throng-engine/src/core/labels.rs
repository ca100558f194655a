//! Connection names with their protocols, and under which ids their messages are booked.

use crate::config::{ProtocolRoute, Settings};
use crate::id::Group;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use throng_metrics::{ConnectionId, PushId, Recorder, RequestId, SendId};
use throng_wire::{MessageId, Names, Protocol};

/// Names of raw messages that are told apart.
const NAMES: usize = 1000;

/// Names of connections that are told apart; scripts can make up names without end.
const LABELS: usize = 1000;
/// The longest name of a connection or a group, in bytes; what is longer is cut, as the books do with names.
const LONGEST: usize = 120;
/// Names of groups that are told apart.
const GROUPS: usize = 1000;
/// Messages in groups whose books are remembered; those of others are looked up each time.
const GROUPED: usize = 10_000;
/// What the names beyond are called together.
const OTHER: &str = "_other";

/// Every pair of a connection name and a protocol that was used.
#[derive(Debug)]
pub(crate) struct Labels {
    routes: Vec<ProtocolRoute>,
    labels: Vec<Label>,
    /// What scripts call messages of protocols without names of their own, by protocol.
    names: Vec<Names>,
    index: HashMap<(Box<str>, Option<usize>, bool), usize>,
    groups: Groups,
}

/// The groups that scripts name, and where requests in them are booked.
#[derive(Debug, Default)]
struct Groups {
    names: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Group>,
    requests: HashMap<(Group, usize, u32), RequestId>,
}

/// A connection name that speaks a protocol.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) name: Arc<str>,
    /// `None` is a stream.
    pub(crate) protocol: Option<Arc<Protocol>>,
    /// The protocol's place among the project's.
    route: Option<usize>,
    /// Where its connections are booked; `None` when they are not measured.
    pub(crate) books: Option<ConnectionId>,
    requests: Vec<Option<RequestId>>,
    sends: Vec<Option<SendId>>,
    pushes: Vec<Option<PushId>>,
}

impl Labels {
    pub(crate) fn new(settings: &Settings) -> Labels {
        let names =
            settings.protocols.iter().map(|route| Names::new(route.protocol.codec.message_count(), NAMES));
        let names = names.collect();
        Labels {
            routes: settings.protocols.clone(),
            labels: Vec::new(),
            names,
            index: HashMap::new(),
            groups: Groups::default(),
        }
    }

    /// The project's protocols, in order.
    pub(crate) fn routes(&self) -> &[ProtocolRoute] {
        &self.routes
    }

    /// The label of a connection name that speaks the `protocol`th protocol.
    pub(crate) fn intern(
        &mut self,
        name: &str,
        protocol: Option<usize>,
        measured: bool,
        recorder: &mut Recorder,
    ) -> usize {
        let name = &name[..name.floor_char_boundary(LONGEST)];
        if let Some(index) = self.index.get(&(name.into(), protocol, measured)) {
            return *index;
        }
        if self.labels.len() >= LABELS && name != OTHER {
            return self.intern(OTHER, protocol, measured, recorder);
        }
        self.labels.push(Label {
            name: name.into(),
            protocol: protocol.map(|index| self.routes[index].protocol.clone()),
            route: protocol,
            books: measured.then(|| recorder.connection(name)),
            requests: Vec::new(),
            sends: Vec::new(),
            pushes: Vec::new(),
        });
        self.index.insert((name.into(), protocol, measured), self.labels.len() - 1);
        self.labels.len() - 1
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn get(&self, label: usize) -> &Label {
        &self.labels[label]
    }

    /// The message of that name after so many that were sent; a raw protocol takes any name.
    pub(crate) fn message(&mut self, label: usize, name: &str, sent: u32) -> Option<MessageId> {
        let label = &self.labels[label];
        let protocol = label.protocol.as_ref()?.after(sent);
        match protocol.codec.names_are_open() {
            true => Some(self.names[label.route?].intern(name)),
            false => protocol.message(name),
        }
    }

    pub(crate) fn message_name(&self, label: usize, message: MessageId) -> &str {
        self.known_name(label, message).unwrap_or(OTHER)
    }

    /// The name of a message; `None` for an id that a script made up.
    fn known_name(&self, label: usize, message: MessageId) -> Option<&str> {
        let label = &self.labels[label];
        let raw = label.route.and_then(|route| self.names[route].name(message));
        match raw {
            Some(name) => Some(name),
            None => label.protocol.as_ref()?.codec.message_name(message),
        }
    }

    /// Where requests of a message are booked.
    pub(crate) fn request(
        &mut self,
        label: usize,
        message: MessageId,
        recorder: &mut Recorder,
    ) -> Option<RequestId> {
        let booked = |slots: &Label| slots.requests.get(message.0 as usize).copied().flatten();
        self.book(
            label,
            message,
            booked,
            |slots| &mut slots.requests,
            |name, connection| recorder.request(name, connection),
        )
    }

    /// The group of that name; names beyond what is told apart are one group.
    pub(crate) fn group(&mut self, name: &str) -> Group {
        let name = &name[..name.floor_char_boundary(LONGEST)];
        let Groups { names, index, .. } = &mut self.groups;
        if let Some(group) = index.get(name) {
            return *group;
        }
        if names.len() >= GROUPS && name != OTHER {
            return self.group(OTHER);
        }
        let name: Arc<str> = name.into();
        names.push(name.clone());
        let number = u32::try_from(names.len()).ok().and_then(NonZeroU32::new);
        let group = Group(number.expect("there are a thousand groups at most, and at least this one"));
        index.insert(name, group);
        group
    }

    /// The name of a group.
    pub(crate) fn group_name(&self, group: Group) -> &str {
        self.groups.names.get(group.0.get() as usize - 1).map_or(OTHER, |name| name)
    }

    /// Where requests of a message in a group are booked.
    pub(crate) fn request_in(
        &mut self,
        group: Group,
        label: usize,
        message: MessageId,
        recorder: &mut Recorder,
    ) -> Option<RequestId> {
        let place = (group, label, message.0);
        if let Some(books) = self.groups.requests.get(&place) {
            return Some(*books);
        }
        self.labels[label].books?;
        let name = self.known_name(label, message);
        let books =
            recorder.request_in(self.group_name(group), name.unwrap_or(OTHER), &self.labels[label].name);
        if name.is_some() && self.groups.requests.len() < GROUPED {
            self.groups.requests.insert(place, books);
        }
        Some(books)
    }

    /// Where sends of a message are booked.
    pub(crate) fn send(
        &mut self,
        label: usize,
        message: MessageId,
        recorder: &mut Recorder,
    ) -> Option<SendId> {
        let booked = |slots: &Label| slots.sends.get(message.0 as usize).copied().flatten();
        self.book(
            label,
            message,
            booked,
            |slots| &mut slots.sends,
            |name, connection| recorder.send(name, connection),
        )
    }

    /// Where pushes of a message are booked.
    pub(crate) fn push(
        &mut self,
        label: usize,
        message: MessageId,
        recorder: &mut Recorder,
    ) -> Option<PushId> {
        let booked = |slots: &Label| slots.pushes.get(message.0 as usize).copied().flatten();
        self.book(
            label,
            message,
            booked,
            |slots| &mut slots.pushes,
            |name, connection| recorder.push(name, connection),
        )
    }

    /// The id a message is booked under: an index, except for the first time. Ids that a script made up, which may be any
    /// number, are not kept.
    fn book<T: Copy>(
        &mut self,
        label: usize,
        message: MessageId,
        booked: impl Fn(&Label) -> Option<T>,
        slots: impl Fn(&mut Label) -> &mut Vec<Option<T>>,
        intern: impl FnOnce(&str, &str) -> T,
    ) -> Option<T> {
        if let Some(id) = booked(&self.labels[label]) {
            return Some(id);
        }
        self.labels[label].books?;
        let name = self.labels[label].name.clone();
        let known = self.known_name(label, message);
        let id = intern(known.unwrap_or(OTHER), &name);
        if known.is_none() {
            return Some(id);
        }
        let slots = slots(&mut self.labels[label]);
        let index = message.0 as usize;
        if slots.len() <= index {
            slots.resize(index + 1, None);
        }
        slots[index] = Some(id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use throng_wire::{CodecSpec, Framing, ProtocolSpec};

    #[test]
    fn an_id_that_a_script_made_up_takes_no_room() {
        let mut spec = ProtocolSpec::new("raw", CodecSpec::Raw);
        spec.framing = Some(Framing::Fixed(4));
        let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
        let route = ProtocolRoute { protocol, hosts: Vec::new() };
        let mut labels = Labels::new(&Settings { protocols: vec![route], ..Settings::default() });
        let mut recorder = Recorder::default();
        let label = labels.intern("game", Some(0), true, &mut recorder);
        let hello = labels.message(label, "hello", 0).expect("any name is one");
        for message in [hello, MessageId(1 << 20)] {
            let booked = labels.send(label, message, &mut recorder);
            assert_eq!(booked, labels.send(label, message, &mut recorder));
        }
        let names = ["arena", "shop", "arena"].map(|name| labels.group(name));
        assert!(names[0] == names[2] && names[0] != names[1]);
        assert_eq!(labels.group_name(names[1]), "shop");
        let [arena, shop, _] = names.map(|group| labels.request_in(group, label, hello, &mut recorder));
        assert!(arena.is_some() && arena != shop && arena != labels.request(label, hello, &mut recorder));
        for group in 0..2_000 {
            labels.group(&format!("room {group}"));
        }
        assert_eq!(labels.groups.names.len(), GROUPS + 1);
        let other = labels.group("one more");
        assert_eq!(labels.group_name(other), OTHER);
        assert_eq!(labels.get(label).sends.len(), hello.0 as usize + 1);
        assert_eq!(labels.message_name(label, MessageId(1 << 20)), OTHER);
    }

    #[test]
    fn names_of_connections_and_groups_are_cut() {
        let mut labels = Labels::new(&Settings::default());
        let long = "登".repeat(1_000_000);
        let label = labels.intern(&long, None, true, &mut Recorder::default());
        let group = labels.group(&long);
        assert!(labels.get(label).name.len() <= LONGEST && labels.group_name(group).len() <= LONGEST);
        assert!(labels.index.keys().all(|(name, ..)| name.len() <= LONGEST));
        assert!(group == labels.group(&long) && group != labels.group("登"));
    }
}
