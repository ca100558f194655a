//! The corpus as projects, and the messages they speak.

use std::fs;
use std::path::{Path, PathBuf};

use throng_check::{
    Body, Codec, Direction, EnumType, FieldType, Message, Messages, Project, ProtocolMessages, Role,
    Settings, Shape, Source, StructType, TaskKey,
};

/// A project of the corpus: one file, or a folder.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) project: Project,
}

/// The cases below `tests/corpus/FOLDER`, by name.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut project = Project {
        messages: Messages { protocols: vec![game(), battle()] },
        host: Some("ws://127.0.0.1:8765".into()),
        ..Project::default()
    };
    if name.starts_with("shop_") {
        project.messages.protocols = vec![shop()];
        project.host = Some("shop://127.0.0.1:1".into());
    }
    if name == "raw" {
        project.messages.protocols.push(protocol("gate", Codec::Raw, "raw://*"));
    }
    if path.is_dir() {
        add_folder(&mut project, path, path);
    } else {
        let file = path.file_name().unwrap().to_str().unwrap();
        project.sources.push(Source::new(
            format!("mods/{file}"),
            Role::Mod,
            fs::read_to_string(path).unwrap(),
        ));
    }
    Case { name, project }
}

fn add_folder(project: &mut Project, root: &Path, folder: &Path) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let shown = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            add_folder(project, root, &path);
        } else if shown == "throng.toml" {
            project.settings = Some(settings(&fs::read_to_string(&path).unwrap()));
        } else {
            let role = match shown.split('/').next().unwrap() {
                "lib" => Role::Lib,
                "protocols" => Role::Protocol,
                "tests" => Role::Test,
                _ => Role::Mod,
            };
            project.sources.push(Source::new(shown, role, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Reads the little TOML that the corpus uses.
fn settings(text: &str) -> Settings {
    let mut settings = Settings { path: "throng.toml".into(), text: text.into(), ..Settings::default() };
    let mut section = "";
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let key = line.split('=').next().unwrap().trim();
        match (key.starts_with('['), section, line.contains('=')) {
            (true, _, _) => section = key,
            (false, "[tasks]", true) => {
                let span = offset..offset + key.len();
                settings.tasks.push(TaskKey { name: key.trim_matches('"').into(), span });
            }
            (false, "[options]", true) => settings.options.push(key.into()),
            _ => {}
        }
        offset += line.len();
    }
    settings
}

fn protocol(name: &str, codec: Codec, host: &str) -> ProtocolMessages {
    ProtocolMessages {
        name: name.into(),
        codec,
        hosts: vec![host.into()],
        types: Vec::new(),
        enums: Vec::new(),
        header: Vec::new(),
        open_first: false,
        messages: Vec::new(),
    }
}

type Fields = Vec<(&'static str, Shape)>;

struct Builder(ProtocolMessages);

impl Builder {
    fn ty(&mut self, name: &str, fields: &[(&str, Shape)]) -> usize {
        let fields =
            fields.iter().map(|(name, shape)| FieldType { name: (*name).into(), shape: shape.clone() });
        self.0.types.push(StructType { name: name.into(), fields: fields.collect() });
        self.0.types.len() - 1
    }

    fn message(&mut self, name: &str, direction: Direction, body: Body, reply: Body) {
        self.0.messages.push(Message { name: name.into(), direction, body, reply });
    }
}

fn list(shape: Shape) -> Shape {
    Shape::Array(Box::new(shape))
}

/// An envelope protocol: every type is a message, and any side may send it.
pub(crate) fn game() -> ProtocolMessages {
    let mut b = Builder(protocol("game", Codec::Schema, "ws://*"));
    let pos = b.ty("Pos", &[("X", Shape::Number), ("Y", Shape::Number)]);
    let player =
        b.ty("Player", &[("Id", Shape::Integer), ("Name", Shape::String), ("Pos", Shape::Struct(pos))]);
    let score = b.ty("Score", &[("Points", Shape::Integer)]);
    let requests: [(&str, Fields, &str, Fields); 4] = [
        ("ServerListRequest", vec![], "ServerListResponse", vec![("ServerList", list(Shape::String))]),
        (
            "LoginReuest",
            vec![("Name", Shape::String), ("Password", Shape::String)],
            "LoginRespone",
            vec![("MyValue", Shape::Integer)],
        ),
        ("EchoRequest", vec![("Text", Shape::String)], "EchoResponse", vec![("Text", Shape::String)]),
        (
            "MoveRequest",
            vec![
                ("Pos", Shape::Struct(pos)),
                ("Path", list(Shape::Struct(pos))),
                ("Speed", Shape::Number),
                ("Steps", Shape::Integer),
                ("Fast", Shape::Boolean),
            ],
            "MoveResponse",
            vec![("Players", list(Shape::Struct(player)))],
        ),
    ];
    for (request, sent, reply, received) in requests {
        let (sent, received) = (b.ty(request, &sent), b.ty(reply, &received));
        b.message(request, Direction::Both, Body::Struct(sent), Body::Struct(received));
        b.message(reply, Direction::Both, Body::Struct(received), Body::Unknown);
    }
    let kick = b.ty("KickNotify", &[("Reason", Shape::String)]);
    let room = b.ty(
        "RoomNotify",
        &[
            ("Owner", Shape::Struct(player)),
            ("Players", list(Shape::Struct(player))),
            ("Scores", Shape::Map(Box::new(Shape::Struct(score)))),
        ],
    );
    for (name, ty) in [("KickNotify", kick), ("RoomNotify", room)] {
        b.message(name, Direction::Both, Body::Struct(ty), Body::Unknown);
    }
    b.0
}

/// A protocol with enums and fields around its messages, and without declared fields for some of them.
fn shop() -> ProtocolMessages {
    let mut b = Builder(ProtocolMessages {
        header: vec!["version".into(), "player".into()],
        enums: vec![EnumType { name: "Kind".into(), values: vec!["FOOD".into(), "SWORD".into()] }],
        ..protocol("shop", Codec::Schema, "shop://*")
    });
    let buy = b.ty("Buy", &[("kind", Shape::Enum(0)), ("kinds", list(Shape::Enum(0)))]);
    b.message("Buy", Direction::Both, Body::Struct(buy), Body::Unknown);
    b.0
}

/// A remote call protocol: each side has calls of its own.
pub(crate) fn battle() -> ProtocolMessages {
    let mut b = Builder(protocol("battle", Codec::Schema, "tcp://*"));
    let hello = b.ty("handshake.response", &[("msg", Shape::String)]);
    let get = b.ty("get.request", &[("what", Shape::String)]);
    let got = b.ty("get.response", &[("result", Shape::String)]);
    let set = b.ty("set.request", &[("what", Shape::String), ("value", Shape::String)]);
    let moved = b.ty("move.request", &[("x", Shape::Integer), ("y", Shape::Integer)]);
    b.message("handshake", Direction::Send, Body::Nothing, Body::Struct(hello));
    b.message("get", Direction::Send, Body::Struct(get), Body::Struct(got));
    b.message("set", Direction::Send, Body::Struct(set), Body::Nothing);
    b.message("quit", Direction::Send, Body::Nothing, Body::Nothing);
    b.message("ping", Direction::Send, Body::Nothing, Body::Nothing);
    b.message("heartbeat", Direction::Receive, Body::Nothing, Body::Nothing);
    b.message("move", Direction::Receive, Body::Struct(moved), Body::Nothing);
    b.0
}
