//! The rules. Each goes over one file with what is known of the whole project, and drafts findings.

mod blocking;
mod bodies;
mod globals;
mod members;
mod messages;
mod mods;
mod options;
mod protocols;
mod replies;
mod run;
mod settings;
mod shared;
mod tests;

pub(crate) use settings::settings;

use std::collections::BTreeSet;

use crate::api::ClassId;
use crate::draft::Draft;
use crate::infer::{Connections, Infer, Speaks, Type};
use crate::lua::{Chunk, ExprId, ExprKind, MAIN};
use crate::model::File;
use crate::project::{Project, Role};

/// What a rule sees.
pub(crate) struct Scope<'a> {
    project: &'a Project,
    connections: &'a Connections,
    file: &'a File<'a>,
    files: &'a [File<'a>],
    infer: Infer<'a>,
    /// The globals that any file defines when it is loaded, and fields of libraries as `string.split`.
    defined: BTreeSet<String>,
    /// Whether all files could be read, so that what is not seen is not there.
    all_read: bool,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        project: &'a Project,
        connections: &'a Connections,
        files: &'a [File<'a>],
        file: &'a File<'a>,
        all_read: bool,
    ) -> Scope<'a> {
        let infer = file.infer(project, connections);
        let defined = files.iter().flat_map(|file| globals::defined_by(&file.chunk)).collect();
        Scope { project, connections, file, files, infer, defined, all_read }
    }

    fn chunk(&self) -> &'a Chunk {
        &self.file.chunk
    }

    fn role(&self) -> Role {
        self.file.source.role
    }

    fn type_of(&self, id: ExprId) -> Type {
        self.infer.type_of(id)
    }

    /// The names of all mods; empty when one could not be read.
    fn mod_names(&self) -> Vec<&'a str> {
        mod_names(self.files, self.all_read)
    }

    /// The names that connections are opened under, when all of them are known.
    fn connection_names(&self) -> Option<Vec<&'a str>> {
        let known = self.all_read && !self.connections.dynamic && !self.connections.opened.is_empty();
        let opened = self.connections.opened.keys().chain(self.project.connections.keys());
        known.then(|| opened.map(String::as_str).collect())
    }
}

pub(crate) fn drafts(scope: &Scope<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    members::check(scope, &mut drafts);
    messages::check(scope, &mut drafts);
    replies::check(scope, &mut drafts);
    options::check(scope, &mut drafts);
    mods::check(scope, &mut drafts);
    globals::check(scope, &mut drafts);
    shared::check(scope, &mut drafts);
    blocking::check(scope, &mut drafts);
    run::check(scope, &mut drafts);
    protocols::check(scope, &mut drafts);
    tests::check(scope, &mut drafts);
    drafts
}

/// The connections that the files open.
pub(crate) fn opened(project: &Project, files: &[File<'_>], all_read: bool) -> Connections {
    let nothing = Connections::default();
    let mut connections = Connections { dynamic: !all_read, ..Connections::default() };
    for file in files {
        let infer = file.infer(project, &nothing);
        for id in file.chunk.expr_ids() {
            match file.chunk.kind(id) {
                ExprKind::Method { base, name, args } if name.text == "connect" => {
                    // A `connect` of an unknown object may be the robot's: it counts, but settles no protocol.
                    let link = infer.connect(args);
                    let known = infer.type_of(*base) == Type::Object(ClassId::Robot);
                    let speaks = if known { link.speaks } else { Speaks::Unknown };
                    match link.name {
                        Some(name) => connections.opened.entry(name).or_default().push(speaks),
                        None => connections.dynamic = true,
                    }
                }
                // `local connect = self.robot.connect` may open any name.
                ExprKind::Str(text) if text == "connect" => connections.dynamic = true,
                _ => {}
            }
        }
    }
    connections
}

fn mod_names<'a>(files: &'a [File<'a>], all_read: bool) -> Vec<&'a str> {
    let mods = files.iter().filter(|file| all_read && file.source.role == Role::Mod);
    mods.map(|file| file.source.name.as_str()).collect()
}

/// A value written down in the source, of which the type is certain.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Boolean,
    Number(String),
    Text(Option<String>),
    Table,
    Function,
}

fn literal(chunk: &Chunk, id: ExprId) -> Option<Literal> {
    if let Some(text) = chunk.constant(id) {
        return Some(Literal::Text(Some(text)));
    }
    match chunk.kind(chunk.bare(id)) {
        ExprKind::Boolean => Some(Literal::Boolean),
        ExprKind::Number(text) => Some(Literal::Number(text.clone())),
        ExprKind::Negative(inner) => match chunk.kind(chunk.bare(*inner)) {
            ExprKind::Number(text) => Some(Literal::Number(format!("-{text}"))),
            _ => None,
        },
        ExprKind::EscapedStr | ExprKind::Concat(..) => Some(Literal::Text(None)),
        ExprKind::Table(_) => Some(Literal::Table),
        ExprKind::Function(_) => Some(Literal::Function),
        ExprKind::Local(_) if chunk.function_of(id).is_some() => Some(Literal::Function),
        _ => None,
    }
}

impl Literal {
    fn in_words(&self) -> String {
        match self {
            Literal::Boolean => "a boolean".into(),
            Literal::Number(text) => format!("the number {text}"),
            Literal::Text(Some(text)) if text.chars().count() <= 40 => format!("the string \"{text}\""),
            Literal::Text(_) => "a string".into(),
            Literal::Table => "a table".into(),
            Literal::Function => "a function".into(),
        }
    }

    fn is_negative(&self) -> bool {
        matches!(self, Literal::Number(text) if text.starts_with('-'))
    }

    /// A number with a fraction, as `1.5` but not `1.0`.
    fn is_fraction(&self) -> bool {
        matches!(self, Literal::Number(text) if text.parse::<f64>().is_ok_and(|number| number.fract() != 0.0))
    }
}

/// Whether an expression is evaluated when the file is loaded.
fn at_load(chunk: &Chunk, id: ExprId) -> bool {
    chunk.expr(id).function == MAIN
}
