//! Connections without framing.

use crate::world::plan;

const STREAM: &str = "local s = self.robot:connect('s', 'tcp://127.0.0.1:4002', { protocol = 'stream' }) ";

#[test]
fn lines_counts_and_marks_are_read() {
    let mut world = plan(&format!(
        "function a:start() {STREAM}
             s:write('hello\\r\\n')
             print(s:read_line(), s:read_exactly(3), s:read_until('>'), s:read_line {{ timeout = 1 }})
             print(select(2, pcall(s.read_line, s, {{ timeout = '100ms' }})).kind, throng.now())
         end"
    ))
    .echo();
    world.advance(1);
    assert_eq!(world.links.bytes, ["hello\r\n"]);
    world.server().bytes(b"one\r\nab");
    world.advance(2);
    world.server().bytes(b"cd>last\n");
    world.advance(500);
    let told = world.told();
    assert_eq!(told[0], "one\tabc\td>\tlast");
    assert!(told[1].starts_with("timeout\t"), "{told:?}");
}

#[test]
fn a_stream_has_no_messages() {
    let mut world = plan(&format!(
        "function a:start() {STREAM}
             print(pcall(s.request, s, 'X', {{}}))
             print(pcall(s.watch, s, 'X'))
             print(pcall(s.read_exactly, s, 'x'))
             print(pcall(s.read_until, s, ''))
         end"
    ))
    .echo();
    world.advance(1);
    let told = world.told();
    assert!(
        told[0].contains("a stream has no messages") && told[1].contains("a stream has no messages"),
        "{told:?}"
    );
    assert!(
        told[2].contains("read_exactly wants a number") && told[3].contains("read_until wants the bytes"),
        "{told:?}"
    );
}
