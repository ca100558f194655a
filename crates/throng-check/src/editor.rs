//! Files for editors: annotations in the notation of LuaLS (lua-language-server, EmmyLua), written from [`crate::api`]
//! and from a project's messages.

use std::fmt::Write as _;

use crate::api::{CLASSES, Class, ClassId, Kind, Member, OPTIONS, OptionsId, Parameter, Signature, What};
use crate::messages::{Body, Codec, Direction, Message, Messages, ProtocolMessages, Shape};

/// `throng.d.lua`: the whole API.
pub fn definitions() -> String {
    let mut out =
        String::from("---@meta\n\n---Seconds, or a string with a unit: \"500ms\", \"90s\", \"10m\".\n");
    out.push_str("---@alias throng.Duration number|string\n");
    for set in OPTIONS {
        out.push('\n');
        line(&mut out, &format!("---@class {}", set.name));
        for key in set.keys {
            line(&mut out, &format!("---@field {}? {} {}", key.name, lua_type(key.kind), key.doc));
        }
    }
    for class in CLASSES {
        out.push('\n');
        write_class(&mut out, class);
    }
    out
}

/// The messages of a project's schemas: types, and calls by message name. Belongs beside `throng.d.lua`.
pub fn messages(messages: &Messages) -> String {
    let mut out = String::from("---@meta\n");
    let declared = || messages.protocols.iter().filter(|protocol| protocol.codec != Codec::Raw);
    for protocol in declared() {
        write_types(&mut out, protocol);
    }
    let all =
        || declared().flat_map(|protocol| protocol.messages.iter().map(move |message| (protocol, message)));
    let sent: Vec<_> = all().filter(|(_, message)| message.direction.allows(Direction::Send)).collect();
    let received: Vec<_> =
        all().filter(|(_, message)| message.direction.allows(Direction::Receive)).collect();
    out.push_str("\n---@class throng.Connection\nlocal Connection = {}\n");
    for (method, options) in [("request", true), ("try_request", true), ("send", false)] {
        out.push('\n');
        for (protocol, message) in &sent {
            line(&mut out, &sent_overload(protocol, message, method));
        }
        let options = if options { ", options" } else { "" };
        line(&mut out, &format!("function Connection:{method}(name, body{options}) end"));
    }
    out.push('\n');
    for (protocol, message) in &received {
        let msg = body_type(protocol, message.body);
        let name = &message.name;
        let call = format!(
            "fun(self: throng.Connection, names: \"{name}\", options?: throng.ExpectOptions): {msg}, string"
        );
        line(&mut out, &format!("---@overload {call}"));
    }
    line(&mut out, "function Connection:expect(names, options) end");
    out.push_str("\n---@class throng.Mod\nlocal Mod = {}\n\n");
    for (protocol, message) in &received {
        let msg = body_type(protocol, message.body);
        let handler = format!("fun(self: throng.Mod, msg: {msg}, connection: throng.Connection)");
        let name = &message.name;
        line(&mut out, &format!("---@overload fun(self: throng.Mod, name: \"{name}\", fn: {handler})"));
        let options = "options: throng.OnOptions";
        line(
            &mut out,
            &format!("---@overload fun(self: throng.Mod, name: \"{name}\", {options}, fn: {handler})"),
        );
    }
    line(&mut out, "function Mod:on(name, options, fn) end");
    out
}

/// `.luarc.json`: the language server's settings for a robot project.
pub fn luarc() -> String {
    let text = r#"{
  "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
  "runtime.version": "Lua 5.4",
  "runtime.path": ["lib/?.lua", "lib/?/init.lua"],
  "runtime.builtin": { "io": "disable", "debug": "disable" },
  "workspace.checkThirdParty": false
}
"#;
    text.to_owned()
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

fn write_class(out: &mut String, class: &Class) {
    line(out, &format!("---{}", class.doc));
    line(out, &format!("---@class {}", class.name));
    for member in class.members {
        match &member.what {
            What::Field(ty) => line(out, &format!("---@field {} {ty} {}", member.name, member.doc)),
            What::Object(id) => {
                line(out, &format!("---@field {} {} {}", member.name, id.class().name, member.doc))
            }
            What::Callback(ty) => line(out, &format!("---@field {}? {ty} {}", member.name, member.doc)),
            What::Function(_) | What::Method(_) => {}
        }
    }
    if let Some(rest) = rest_of(class.id) {
        line(out, &format!("---@field [string] {rest}"));
    }
    let table = variable(class);
    match class.id {
        ClassId::Throng => line(out, "throng = {}"),
        _ => line(out, &format!("local {table} = {{}}")),
    }
    for member in class.members {
        if let Some(signature) = member.signature() {
            out.push('\n');
            write_function(out, class, table, member, signature);
        }
    }
}

/// What a class has under names that only a project knows.
fn rest_of(class: ClassId) -> Option<&'static str> {
    match class {
        ClassId::Options | ClassId::Mod | ClassId::Error | ClassId::Server | ClassId::Client => Some("any"),
        ClassId::Mods => Some("throng.Mod"),
        ClassId::Robot | ClassId::Connections => Some("throng.Connection"),
        _ => None,
    }
}

/// The Lua variable that stands for a class in its file.
fn variable(class: &Class) -> &'static str {
    class.name.strip_prefix("throng.").unwrap_or(class.name)
}

fn write_function(out: &mut String, class: &Class, table: &str, member: &Member, signature: &Signature) {
    line(out, &format!("---{}", member.doc));
    for parameter in signature.parameters {
        let mark = if parameter.optional && parameter.name != "..." { "?" } else { "" };
        line(out, &format!("---@param {}{mark} {}", parameter.name, lua_type(parameter.kind)));
    }
    for returned in signature.returns {
        line(out, &format!("---@return {returned}"));
    }
    let is_method = matches!(member.what, What::Method(_));
    let required: Vec<&Parameter> =
        signature.parameters.iter().filter(|parameter| !parameter.optional).collect();
    let skips = signature.parameters.iter().skip_while(|p| !p.optional).any(|parameter| !parameter.optional);
    if skips {
        let receiver = format!("self: {}", class.name);
        let typed = required.iter().map(|p| format!("{}: {}", p.name, lua_type(p.kind)));
        let all: Vec<String> = std::iter::once(receiver).filter(|_| is_method).chain(typed).collect();
        line(out, &format!("---@overload fun({})", all.join(", ")));
    }
    let names: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name).collect();
    let sign = if is_method { ':' } else { '.' };
    line(out, &format!("function {table}{sign}{}({}) end", member.name, names.join(", ")));
}

fn lua_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "any",
        Kind::Text | Kind::Message | Kind::Push => "string",
        Kind::Number | Kind::Weight => "number",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::Duration => "throng.Duration",
        Kind::Wait => "throng.Wait|throng.Duration",
        Kind::How => "throng.How|throng.Duration",
        Kind::Texts => "string[]",
        Kind::Function(signature) => signature,
        Kind::Table => "table",
        Kind::Pushes => "string|string[]",
        Kind::Body => "table|string",
        Kind::Options(id) => options_name(id),
    }
}

fn options_name(id: OptionsId) -> &'static str {
    id.set().name
}

fn write_types(out: &mut String, protocol: &ProtocolMessages) {
    for ty in &protocol.enums {
        let names: Vec<String> = ty.values.iter().map(|name| format!("\"{name}\"|")).collect();
        out.push('\n');
        line(out, &format!("---@alias {}.{} {}integer", protocol.name, ty.name, names.concat()));
    }
    for ty in &protocol.types {
        out.push('\n');
        line(out, &format!("---@class {}.{}", protocol.name, ty.name));
        for field in &ty.fields {
            line(out, &format!("---@field {}? {}", field.name, shape_type(protocol, &field.shape)));
        }
    }
}

fn shape_type(protocol: &ProtocolMessages, shape: &Shape) -> String {
    match shape {
        Shape::Integer => "integer".into(),
        Shape::Number => "number".into(),
        Shape::Boolean => "boolean".into(),
        Shape::String | Shape::Binary => "string".into(),
        Shape::Struct(id) => body_type(protocol, Body::Struct(*id)),
        Shape::Enum(id) => match protocol.enums.get(*id) {
            Some(ty) => format!("{}.{}", protocol.name, ty.name),
            None => "string|integer".into(),
        },
        Shape::Array(element) => format!("{}[]", shape_type(protocol, element)),
        Shape::Map(element) => format!("table<any, {}>", shape_type(protocol, element)),
        Shape::Any => "any".into(),
    }
}

fn body_type(protocol: &ProtocolMessages, body: Body) -> String {
    match body {
        Body::Struct(id) => match protocol.types.get(id) {
            Some(ty) => format!("{}.{}", protocol.name, ty.name),
            None => "table".into(),
        },
        Body::Unknown if protocol.codec == Codec::Named => "any".into(),
        Body::Unknown | Body::Nothing => "table".into(),
    }
}

fn sent_overload(protocol: &ProtocolMessages, message: &Message, method: &str) -> String {
    let body = body_type(protocol, message.body);
    let name = &message.name;
    let call = format!("---@overload fun(self: throng.Connection, name: \"{name}\", body?: {body}");
    let reply = body_type(protocol, message.reply);
    match method {
        "send" => format!("{call})"),
        "try_request" => format!("{call}, options?: throng.RequestOptions): {reply}?, throng.Error?"),
        _ => format!("{call}, options?: throng.RequestOptions): {reply}"),
    }
}
