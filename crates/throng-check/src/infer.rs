//! What an expression is, as far as that is certain: an object of the API, a connection of a known protocol, a
//! message of a known type. Everything else is unknown, and nothing is said about the unknown.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::api::{ClassId, What};
use crate::lua::{Chunk, ExprId, ExprKind, FieldKey, LocalId, Origin, Value};
use crate::messages::{Body, Message, ProtocolMessages, Shape};
use crate::project::Project;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Unknown,
    Object(ClassId),
    Connection(Link),
    /// A value of a message, of `messages.protocols[protocol]`.
    Value {
        protocol: usize,
        shape: Shape,
    },
    Library(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) name: Option<String>,
    pub(crate) speaks: Speaks,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speaks {
    Unknown,
    /// `messages.protocols[n]`.
    Protocol(usize),
    Stream,
}

/// The connections that the project's scripts open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    pub(crate) opened: BTreeMap<String, Vec<Speaks>>,
    /// Some name is made at run time: any name may exist.
    pub(crate) dynamic: bool,
}

/// What is known of one file.
pub(crate) struct Infer<'a> {
    pub(crate) project: &'a Project,
    pub(crate) chunk: &'a Chunk,
    pub(crate) connections: &'a Connections,
    /// What the engine passes to the functions it calls.
    pub(crate) parameters: &'a HashMap<LocalId, Type>,
    /// What is assigned to the fields of `self`, by field.
    pub(crate) fields: &'a HashMap<String, Vec<Value>>,
    /// What was found out already; what is being found out is unknown to itself.
    pub(crate) known: RefCell<HashMap<ExprId, Type>>,
}

const MOST_STEPS: usize = 200;

impl<'a> Infer<'a> {
    pub(crate) fn type_of(&self, id: ExprId) -> Type {
        self.expr(id, MOST_STEPS)
    }

    fn expr(&self, id: ExprId, steps: usize) -> Type {
        let Some(steps) = steps.checked_sub(1) else { return Type::Unknown };
        if let Some(ty) = self.known.borrow().get(&id) {
            return ty.clone();
        }
        self.known.borrow_mut().insert(id, Type::Unknown);
        let ty = self.find_out(id, steps);
        self.known.borrow_mut().insert(id, ty.clone());
        ty
    }

    fn find_out(&self, id: ExprId, steps: usize) -> Type {
        match self.chunk.kind(self.chunk.bare(id)) {
            ExprKind::Global(name) if name == "throng" => Type::Object(ClassId::Throng),
            ExprKind::Global(name) if crate::api::library(name).is_some() => Type::Library(name.clone()),
            ExprKind::Local(local) => self.local(*local, steps),
            ExprKind::Index { base, key } => self.index(&self.expr(*base, steps), *key, steps),
            ExprKind::Call { callee, args } => self.call(*callee, args, steps),
            ExprKind::Method { base, name, args } => self.method(&self.expr(*base, steps), &name.text, args),
            _ => Type::Unknown,
        }
    }

    fn local(&self, id: LocalId, steps: usize) -> Type {
        if let Some(ty) = self.parameters.get(&id) {
            return if self.chunk.local(id).writes.is_empty() { ty.clone() } else { Type::Unknown };
        }
        match self.chunk.local(id).origin {
            Origin::GenericFor(list, at) => self.element_of(list, at, steps),
            _ => self.chunk.only_value(id).map_or(Type::Unknown, |value| self.value(value, steps)),
        }
    }

    fn value(&self, value: Value, steps: usize) -> Type {
        if value.result == 0 { self.expr(value.expr, steps) } else { Type::Unknown }
    }

    /// The second variable of `for i, v in ipairs(list)`, or of `pairs`.
    fn element_of(&self, iterator: ExprId, at: usize, steps: usize) -> Type {
        let ExprKind::Call { callee, args } = self.chunk.kind(iterator) else { return Type::Unknown };
        let ExprKind::Global(name) = self.chunk.kind(*callee) else { return Type::Unknown };
        match (at, name.as_str(), args.as_slice()) {
            (1, "ipairs" | "pairs", [list]) => match self.expr(*list, steps) {
                Type::Value { protocol, shape: Shape::Array(element) | Shape::Map(element) } => {
                    Type::Value { protocol, shape: *element }
                }
                _ => Type::Unknown,
            },
            _ => Type::Unknown,
        }
    }

    fn index(&self, base: &Type, key: ExprId, steps: usize) -> Type {
        let name = self.chunk.constant(key);
        match (base, name) {
            (Type::Object(ClassId::Connections), Some(name)) => Type::Connection(self.connection(&name)),
            (Type::Object(class), Some(name)) => match class.class().member(&name).map(|member| &member.what)
            {
                Some(What::Object(id)) => Type::Object(*id),
                Some(_) => Type::Unknown,
                None if *class == ClassId::Robot => Type::Connection(self.connection(&name)),
                None if *class == ClassId::Mod => self.field_of_self(&name, steps),
                None => Type::Unknown,
            },
            (Type::Value { protocol, shape: Shape::Struct(id) }, Some(name)) => {
                let ty = self.project.messages.protocols[*protocol].types.get(*id);
                match ty.and_then(|ty| ty.field(&name)) {
                    Some(field) => Type::Value { protocol: *protocol, shape: field.shape.clone() },
                    None => Type::Unknown,
                }
            }
            (Type::Value { protocol, shape: Shape::Array(element) | Shape::Map(element) }, _) => {
                Type::Value { protocol: *protocol, shape: (**element).clone() }
            }
            _ => Type::Unknown,
        }
    }

    /// What `self.name` is, when all assignments to it in this file agree.
    fn field_of_self(&self, name: &str, steps: usize) -> Type {
        let Some(values) = self.fields.get(name) else { return Type::Unknown };
        let mut types = values
            .iter()
            .filter(|value| !matches!(self.chunk.kind(value.expr), ExprKind::Nil))
            .map(|value| self.value(*value, steps));
        let Some(first) = types.next() else { return Type::Unknown };
        if types.all(|ty| ty == first) { first } else { Type::Unknown }
    }

    fn call(&self, callee: ExprId, args: &[ExprId], steps: usize) -> Type {
        match self.chunk.kind(callee) {
            ExprKind::Global(name) if name == "assert" => {
                args.first().map_or(Type::Unknown, |value| self.expr(*value, steps))
            }
            ExprKind::Index { base, key } => {
                let Type::Object(class) = self.expr(*base, steps) else { return Type::Unknown };
                let member = self.chunk.constant(*key).and_then(|name| class.class().member(&name));
                match member.map(|member| &member.what) {
                    Some(What::Function(signature)) => signature.gives.map_or(Type::Unknown, Type::Object),
                    _ => Type::Unknown,
                }
            }
            _ => Type::Unknown,
        }
    }

    fn method(&self, base: &Type, name: &str, args: &[ExprId]) -> Type {
        match (base, name) {
            (Type::Object(ClassId::Robot), "connect") => Type::Connection(self.connect(args)),
            (Type::Connection(link), "request" | "try_request") => self.reply(link, args),
            _ => {
                let class = match base {
                    Type::Object(class) => *class,
                    Type::Connection(_) => ClassId::Connection,
                    _ => return Type::Unknown,
                };
                let signature = class.class().member(name).and_then(|member| member.signature());
                signature.and_then(|signature| signature.gives).map_or(Type::Unknown, Type::Object)
            }
        }
    }

    /// The connection that a `connect` opens.
    pub(crate) fn connect(&self, args: &[ExprId]) -> Link {
        let name = args.first().and_then(|name| self.chunk.constant(*name));
        let speaks = self.speaks(name.as_deref(), args);
        Link { name, speaks }
    }

    fn speaks(&self, name: Option<&str>, args: &[ExprId]) -> Speaks {
        if let Some(options) = args.get(2) {
            let Some((_, fields)) = self.chunk.table_of(*options) else { return Speaks::Unknown };
            if fields.iter().any(|field| matches!(field.key, FieldKey::Computed(_))) {
                return Speaks::Unknown;
            }
            if let Some(field) = fields.iter().find(|field| field.is_named("protocol")) {
                return self.chunk.constant(field.value).map_or(Speaks::Unknown, |name| self.protocol(&name));
            }
        }
        if let Some(protocol) = name.and_then(|name| self.project.connections.get(name)) {
            return self.protocol(protocol);
        }
        args.get(1)
            .and_then(|url| self.address(*url))
            .map_or(Speaks::Unknown, |address| self.speaker(&address))
    }

    fn protocol(&self, name: &str) -> Speaks {
        match self.project.messages.find_protocol(name) {
            Some(id) => Speaks::Protocol(id),
            None if name == "stream" => Speaks::Stream,
            None => Speaks::Unknown,
        }
    }

    /// The beginning of an address that is known beforehand.
    fn address(&self, url: ExprId) -> Option<String> {
        let url = self.chunk.bare(url);
        if self.chunk.global_path(url).as_deref() == Some("throng.host") {
            return self.project.host.clone();
        }
        self.chunk.prefix(url)
    }

    /// The one protocol whose pattern takes an address, whatever may follow what is known of it.
    fn speaker(&self, address: &str) -> Speaks {
        let protocols = &self.project.messages.protocols;
        let may_follow = |protocol: &ProtocolMessages| {
            protocol.hosts.iter().any(|pattern| pattern.trim_end_matches('*').starts_with(address))
        };
        let mut takers = protocols.iter().enumerate().filter(|(_, p)| p.speaks_at(address) || may_follow(p));
        match (takers.next(), takers.next()) {
            (Some((id, protocol)), None) if protocol.speaks_at(address) => Speaks::Protocol(id),
            _ => Speaks::Unknown,
        }
    }

    /// The connection of a name, wherever it was opened.
    pub(crate) fn connection(&self, name: &str) -> Link {
        let speaks = match (self.project.connections.get(name), self.connections.opened.get(name)) {
            (Some(protocol), _) => self.protocol(protocol),
            (None, Some(opened)) => match opened.as_slice() {
                [first, rest @ ..] if rest.iter().all(|speaks| speaks == first) => *first,
                _ => Speaks::Unknown,
            },
            (None, None) => Speaks::Unknown,
        };
        Link { name: Some(name.to_owned()), speaks }
    }

    /// The protocols a connection may speak.
    pub(crate) fn protocols_of(&self, link: Option<&Link>) -> Vec<usize> {
        match link.map_or(Speaks::Unknown, |link| link.speaks) {
            Speaks::Protocol(id) => vec![id],
            Speaks::Unknown => (0..self.project.messages.protocols.len()).collect(),
            Speaks::Stream => Vec::new(),
        }
    }

    /// The one message of a name that a connection may carry.
    pub(crate) fn message(&self, link: Option<&Link>, name: &str) -> Option<(usize, &'a Message)> {
        let mut found = self
            .protocols_of(link)
            .into_iter()
            .filter_map(|id| Some((id, self.project.messages.protocols[id].message(name)?)));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    pub(crate) fn body(&self, protocol: usize, body: Body) -> Type {
        match body {
            Body::Struct(id) => Type::Value { protocol, shape: Shape::Struct(id) },
            Body::Unknown | Body::Nothing => Type::Unknown,
        }
    }

    fn reply(&self, link: &Link, args: &[ExprId]) -> Type {
        let Some(name) = args.first().and_then(|name| self.chunk.constant(*name)) else {
            return Type::Unknown;
        };
        match self.message(Some(link), &name) {
            Some((protocol, message)) => self.body(protocol, message.reply),
            None => Type::Unknown,
        }
    }
}
