//! Every function, option and field of the API has its place in the guide.

use throng_check::api::{CLASSES, Class, ClassId, Member, OPTIONS, What};

use crate::blocks::guide;

fn whole_guide() -> String {
    guide().iter().map(|page| std::fs::read_to_string(page).unwrap()).collect()
}

/// How the guide writes an object of the class.
fn written(class: &Class) -> Option<&'static str> {
    Some(match class.id {
        ClassId::Throng => "throng",
        ClassId::Log => "throng.log",
        ClassId::Run => "throng.run",
        ClassId::Http => "throng.http",
        ClassId::Json => "throng.json",
        ClassId::Msgpack => "throng.msgpack",
        ClassId::Crypto => "throng.crypto",
        ClassId::CipherStream => "stream",
        ClassId::Protobuf => "throng.protobuf",
        ClassId::ProtobufSchema => "schema",
        ClassId::HttpResponse | ClassId::HttpQuestion => "",
        ClassId::Robot => "robot",
        ClassId::Connection => "connection",
        ClassId::Stream => "stream",
        ClassId::Watch => "watch",
        ClassId::Timer => "timer",
        ClassId::Spawned => "spawned",
        ClassId::Mod => "mod",
        ClassId::World => "world",
        ClassId::Server => "server",
        ClassId::Client => "client",
        ClassId::TestRobot => "robot",
        ClassId::CloseReason | ClassId::Error => "",
        _ => return None,
    })
}

fn is_in(guide: &str, object: &str, member: &Member) -> bool {
    let name = member.name;
    match member.what {
        What::Function(_) => heading(guide, &format!("`{object}.{name}(")),
        What::Method(_) | What::Callback(_) => heading(guide, &format!("`{object}:{name}(")),
        What::Field(_) | What::Object(_) => {
            guide.contains(&format!("`{name}`")) || guide.contains(&format!("{object}.{name}"))
        }
    }
}

/// Whether a heading has this text.
fn heading(guide: &str, text: &str) -> bool {
    guide.lines().any(|line| line.starts_with('#') && line.contains(text))
}

#[test]
fn every_member_of_the_api_has_its_place() {
    let guide = whole_guide();
    for class in CLASSES {
        let Some(object) = written(class) else { continue };
        for member in class.members {
            assert!(is_in(&guide, object, member), "{object}: {}", member.name);
        }
    }
}

#[test]
fn every_named_option_has_its_place() {
    let guide = whole_guide();
    for set in OPTIONS {
        for key in set.keys {
            let said =
                guide.contains(&format!("`{}`", key.name)) || guide.contains(&format!("{{ {} = ", key.name));
            assert!(said, "{}: {}", set.name, key.name);
        }
    }
}
