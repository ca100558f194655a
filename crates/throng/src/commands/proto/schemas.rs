//! The schemas that a path holds: those of a project's protocols, of a folder, or of one file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use throng_protobuf as protobuf;
use throng_sproto::{self as sproto, Response, TypeId};
use throng_wire::{CodecSpec, Direction, SchemaSpec, SourceText};

use super::{did_you_mean, read_file, refused};
use crate::config::{Config, FILE_NAME, Overrides, Protocol, nearest, shown_path};
use crate::exit::InputError;

/// How deep folders of `.proto` files may nest.
const MAX_FOLDERS: usize = 32;

/// Schemas, and the project they are of.
pub(super) struct Schemas {
    pub(super) sources: Vec<Source>,
    pub(super) config: Option<Config>,
}

/// One schema.
pub(super) struct Source {
    /// The protocols that have it, or its path.
    pub(super) title: String,
    protocols: Vec<String>,
    /// What robots send or receive, where that differs.
    direction: Option<Direction>,
    pub(super) schema: Language,
}

/// A schema in its language.
pub(super) enum Language {
    Sproto(sproto::Schema),
    Protobuf(protobuf::Schema),
}

/// A message's type in its schema; an RPC message without fields has none.
pub(super) enum Found<'a> {
    Sproto(&'a sproto::Schema, Option<TypeId>),
    Protobuf(&'a protobuf::Schema, protobuf::MessageId),
}

impl Schemas {
    /// Reads what `path` holds.
    pub(super) fn load(path: &Path) -> anyhow::Result<Schemas> {
        if path.is_dir() && path.join(FILE_NAME).is_file() {
            let config = Config::load(path, &Overrides::with_environment(Vec::new()))?;
            let sources = project_sources(&config)?;
            return Ok(Schemas { sources, config: Some(config) });
        }
        let sources = if path.is_dir() { folder(path)? } else { vec![file(path)?] };
        Ok(Schemas { sources, config: None })
    }

    /// The same, of one protocol alone.
    pub(super) fn of_protocol(mut self, name: Option<&str>) -> Result<Schemas, InputError> {
        if let Some(name) = name {
            self.protocol(name)?;
            self.sources.retain(|source| source.protocols.iter().any(|protocol| protocol == name));
        }
        Ok(self)
    }

    /// The protocol of this name.
    pub(super) fn protocol(&self, name: &str) -> Result<&Protocol, InputError> {
        let Some(config) = &self.config else {
            return Err(refused(format!("`--protocol {name}` needs a project: no {FILE_NAME} there")));
        };
        config.protocols.iter().find(|protocol| protocol.name == name).ok_or_else(|| {
            let names = config.protocols.iter().map(|protocol| protocol.name.as_str());
            let hint = did_you_mean(nearest(name, names));
            refused(format!("the project has no protocol `{name}`{hint}"))
        })
    }

    /// The same, where this command can read and write its messages.
    pub(super) fn spoken(&self, name: &str) -> Result<&Protocol, InputError> {
        let protocol = self.protocol(name)?;
        match protocol.spec.own.has_codec() {
            true => Err(refused(format!(
                "the protocol `{name}` has functions in Lua for what its messages are, and only robots and fake servers \
                 call these"
            ))),
            false => Ok(protocol),
        }
    }

    /// The type of the message called `name`, rather in the schema of `direction`.
    pub(super) fn find(&self, name: &str, direction: Direction) -> Result<Found<'_>, InputError> {
        if self.sources.is_empty() {
            return Err(refused("there is no schema: no protocol there has one"));
        }
        let wanted = |source: &&Source| source.direction.is_none_or(|known| known == direction);
        let (first, second): (Vec<_>, Vec<_>) = self.sources.iter().partition(wanted);
        for group in [first, second] {
            let found = group.iter().map(|source| Ok((*source, source.find(name)?)));
            let found: Vec<_> = found.collect::<Result<Vec<_>, InputError>>()?;
            let mut found: Vec<_> =
                found.into_iter().filter_map(|(source, found)| Some((source, found?))).collect();
            if found.len() > 1 {
                let titles: Vec<&str> = found.iter().map(|(source, _)| source.title.as_str()).collect();
                let titles = titles.join(" and ");
                return Err(refused(format!(
                    "`{name}` is in {titles}: say which with --protocol or --schema"
                )));
            }
            if let Some((_, found)) = found.pop() {
                return Ok(found);
            }
        }
        let names: Vec<&str> = self.sources.iter().flat_map(Source::names).collect();
        let hint = did_you_mean(nearest(name, names));
        Err(refused(format!("no message is called `{name}`{hint}")))
    }
}

impl Source {
    fn find(&self, name: &str) -> Result<Option<Found<'_>>, InputError> {
        match &self.schema {
            Language::Sproto(schema) => Ok(sproto_type(schema, name).map(|ty| Found::Sproto(schema, ty))),
            Language::Protobuf(schema) => match schema.find_message(name) {
                Ok(id) => Ok(Some(Found::Protobuf(schema, id))),
                Err(error @ protobuf::NameError::Ambiguous { .. }) => Err(refused(error.to_string())),
                Err(protobuf::NameError::NotFound { .. }) => Ok(None),
            },
        }
    }

    fn names(&self) -> Vec<&str> {
        match &self.schema {
            Language::Sproto(schema) => {
                let types = schema.types().map(|(_, ty)| &*ty.name);
                types.chain(schema.protocols().map(|protocol| &*protocol.name)).collect()
            }
            Language::Protobuf(schema) => {
                let messages = schema.messages().iter();
                messages.flat_map(|message| [&*message.name, message.short_name()]).collect()
            }
        }
    }
}

/// A type; or a protocol, which stands for its request, or with `.request` and `.response` behind it.
fn sproto_type(schema: &sproto::Schema, name: &str) -> Option<Option<TypeId>> {
    if let Some(ty) = schema.type_id(name) {
        return Some(Some(ty));
    }
    if let Some(protocol) = schema.protocol(name) {
        return Some(protocol.request);
    }
    let (protocol, part) = name.rsplit_once('.')?;
    let protocol = schema.protocol(protocol)?;
    match (part, protocol.response) {
        ("request", _) => Some(protocol.request),
        ("response", Response::Type(ty)) => Some(Some(ty)),
        ("response", Response::Confirm) => Some(None),
        _ => None,
    }
}

/// The schemas of all protocols; one that several have is there once.
fn project_sources(config: &Config) -> Result<Vec<Source>, InputError> {
    let mut sources: Vec<Source> = Vec::new();
    let mut known: Vec<(Vec<SourceText>, Option<Direction>)> = Vec::new();
    for protocol in &config.protocols {
        for (direction, texts) in texts_of(&protocol.spec.codec) {
            let same = known.iter().position(|(other, way)| other == texts && *way == direction);
            if let Some(source) = same.and_then(|index| sources.get_mut(index)) {
                source.protocols.push(protocol.name.clone());
                source.title = title(&source.protocols, direction);
                continue;
            }
            known.push((texts.to_vec(), direction));
            let protocols = vec![protocol.name.clone()];
            sources.push(Source {
                title: title(&protocols, direction),
                protocols,
                direction,
                schema: language(&protocol.spec.codec, texts)?,
            });
        }
    }
    Ok(sources)
}

/// The texts of a codec's schemas, and which way their messages go.
fn texts_of(codec: &CodecSpec) -> Vec<(Option<Direction>, &[SourceText])> {
    match codec {
        CodecSpec::Sproto(spec) => match &spec.schema {
            SchemaSpec::Both(texts) => vec![(None, texts)],
            SchemaSpec::Separate { send, receive } => {
                vec![(Some(Direction::Sent), send), (Some(Direction::Received), receive)]
            }
        },
        CodecSpec::Protobuf(spec) => vec![(None, &spec.schema)],
        CodecSpec::Raw | CodecSpec::Document(_) | CodecSpec::Own => Vec::new(),
    }
}

fn language(codec: &CodecSpec, texts: &[SourceText]) -> Result<Language, InputError> {
    if let CodecSpec::Protobuf(_) = codec {
        let texts = texts.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        return Ok(Language::Protobuf(compile(&texts)?));
    }
    Ok(Language::Sproto(parse(texts)?))
}

fn title(protocols: &[String], direction: Option<Direction>) -> String {
    let way = match direction {
        None => "",
        Some(Direction::Sent) => ", sent",
        Some(Direction::Received) => ", received",
    };
    format!("{}{way}", protocols.join(", "))
}

fn parse(texts: &[SourceText]) -> Result<sproto::Schema, InputError> {
    let files: Vec<_> =
        texts.iter().map(|text| sproto::SourceFile { name: &text.name, text: &text.text }).collect();
    sproto::Schema::parse(&files).map_err(|error| refused(error.to_string()))
}

fn compile(texts: &BTreeMap<String, String>) -> Result<protobuf::Schema, InputError> {
    let files: Vec<_> = texts.iter().map(|(name, text)| protobuf::SourceFile { name, text }).collect();
    protobuf::Schema::compile(&files).map_err(|error| refused(error.to_string()))
}

fn source(path: &Path, schema: Language) -> Source {
    Source { title: shown_path(path), protocols: Vec::new(), direction: None, schema }
}

fn text(path: &Path) -> Result<String, InputError> {
    String::from_utf8(read_file(path)?).map_err(|_| refused(format!("{} is no text", path.display())))
}

fn file(path: &Path) -> Result<Source, InputError> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("sproto") => {
            let text = SourceText { name: shown_path(path), text: text(path)? };
            Ok(source(path, Language::Sproto(parse(&[text])?)))
        }
        Some("proto") => Ok(source(path, Language::Protobuf(compile(&with_imports(path)?)?))),
        _ => {
            let name = shown_path(path);
            let schema = sproto::Schema::from_bundle(&name, &read_file(path)?).map_err(|error| {
                refused(format!("{name} is no .sproto and no .proto file, and no Sproto bundle: {error}"))
            })?;
            Ok(source(path, Language::Sproto(schema)))
        }
    }
}

/// The text of a `.proto` file, and those in its folder that it imports.
fn with_imports(path: &Path) -> Result<BTreeMap<String, String>, InputError> {
    let root = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut texts = BTreeMap::new();
    let mut wanted = vec![name];
    while let Some(name) = wanted.pop() {
        if texts.contains_key(&name) || !root.join(&name).is_file() {
            continue;
        }
        let text = text(&root.join(&name))?;
        let imports = text.lines().map(str::trim).filter(|line| line.starts_with("import"));
        wanted.extend(imports.filter_map(|line| Some(line.split('"').nth(1)?.to_owned())));
        texts.insert(name, text);
    }
    Ok(texts)
}

/// A folder's `.sproto` files, and its `.proto` files with those of the folders in it.
fn folder(path: &Path) -> Result<Vec<Source>, InputError> {
    let mut files = Vec::new();
    schema_files(path, 0, &mut files)?;
    files.sort();
    let (mut sproto_texts, mut proto_texts) = (Vec::new(), BTreeMap::new());
    for file in files {
        if file.extension().is_some_and(|extension| extension == "sproto") {
            sproto_texts.push(SourceText { name: shown_path(&file), text: text(&file)? });
        } else {
            let inside = file.strip_prefix(path).unwrap_or(&file);
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            proto_texts.insert(parts.join("/"), text(&file)?);
        }
    }
    let mut sources = Vec::new();
    if !sproto_texts.is_empty() {
        sources.push(source(path, Language::Sproto(parse(&sproto_texts)?)));
    }
    if !proto_texts.is_empty() {
        sources.push(source(path, Language::Protobuf(compile(&proto_texts)?)));
    }
    if sources.is_empty() {
        let shown = path.display();
        return Err(refused(format!("{shown} has no {FILE_NAME} and no .sproto or .proto files")));
    }
    Ok(sources)
}

fn schema_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let unreadable = |error| refused(format!("cannot read {}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            if !path.is_symlink() && depth < MAX_FOLDERS {
                schema_files(&path, depth + 1, files)?;
            }
        } else if extension == Some("proto") || (depth == 0 && extension == Some("sproto")) {
            files.push(path);
        }
    }
    Ok(())
}
