//! What goes wrong in the functions of a protocol, or is given to them.

use super::*;

#[test]
fn what_is_malformed_is_counted_and_its_place_told() {
    let mut framing = plan("function p.framing() error('this is none') end").play(1);
    framing.say(b"abc");
    assert_eq!(framing.failure(FailureKind::Framing), "protocols/p.lua:16: this is none");
    let groups = framing.totals.failures();
    let sample = groups.iter().find_map(|group| group.sample.as_deref());
    assert_eq!(sample, Some("61 62 63 |abc|"));
    assert!(!framing.is_connected());

    let mut head = plan("").play(1);
    head.say(&frame("nonsense"));
    assert_eq!(head.failure(FailureKind::Decode), "protocols/p.lua:11: no head");
    assert!(head.is_connected());

    let mut decode =
        plan("function p.decode(name, bytes) return assert(bytes ~= 'x' and bytes, 'an x') end").play(1);
    decode.say(&frame("p0 Note|x"));
    assert_eq!(decode.failure(FailureKind::Decode), "protocols/p.lua:16: an x");
    assert_eq!(decode.totals.script_errors().len(), 0);

    let mut encode = plan("function p.encode(name) return error('no ' .. name) end");
    encode.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            local ok, failure = pcall(c.send, c, 'Note', 'x')
            print(failure.kind, failure.message)
        end"
    .to_owned();
    let mut encode = encode.play(1);
    assert_eq!(
        encode.told(),
        ["encode\tNote on c: the message did not fit its schema: protocols/p.lua:16: no Note"]
    );
    assert_eq!(encode.count(FailureKind::Encode), 1);
}

#[test]
fn what_cannot_be_read_ends_the_connection_where_that_is_wanted() {
    for payload in ["no head", "p0 Note|bad"] {
        let mut plan =
            plan("function p.decode(_, bytes) if bytes == 'bad' then error('no body') end return bytes end");
        plan.spec.on_malformed = OnMalformed::Close;
        let mut world = plan.play(1);
        world.say(&[frame("p0 Note|x"), frame(payload), frame("p0 Note|y")].concat());
        assert_eq!(world.told(), ["x"]);
        assert_eq!(world.count(FailureKind::Decode), 1);
        let (_, row) = world.totals.connections().iter().next().expect("a connection");
        assert_eq!(row.counts.ended.of(EndCause::Protocol), 1, "{payload}: {row:?}");
    }
}

#[test]
fn a_mistake_in_a_function_is_an_error_of_the_script_with_its_traceback() {
    for (more, said) in [
        ("function p.framing(bytes) return bytes.x.y end", "hello"),
        ("function p.head(payload) return nothing() end", "\0\x05hello"),
    ] {
        let mut world = plan(more).play(1);
        world.say(said.as_bytes());
        let (message, traceback) = world.script_error();
        assert!(message.starts_with("protocols/p.lua:16: attempt to"), "{message}");
        assert!(traceback.contains("protocols/p.lua:16"), "{traceback}");
        assert!(!world.is_connected(), "it would only fail again");
        assert_eq!(world.totals.errors().total(), 1, "{:?}", world.totals.failures());
    }
    let mut decode = plan("function p.decode() return nothing() end").play(1);
    decode.say(&frame("p0 Note|x"));
    let groups = decode.totals.failures();
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert!(group.kind == FailureKind::Decode && group.message.starts_with("protocols/p.lua:16: attempt to"));
    let sample = group.sample.as_deref().expect("a sample");
    assert!(sample.starts_with("78 |x|\nprotocols/p.lua:16:"), "{sample}");
    let mut encode = plan("function p.encode(name) return nothing() end");
    encode.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            c:send('Note', 'x')
        end"
    .to_owned();
    let (message, traceback) = encode.play(1).script_error();
    assert!(message.contains("mods/a.lua:4: protocols/p.lua:16: attempt to"), "{message}");
    assert!(traceback.contains("mods/a.lua:4"), "{traceback}");
}

#[test]
fn a_function_that_runs_away_is_cut_off_and_the_shard_lives() {
    for (part, said) in [("framing", "hello"), ("head", "\0\x05hello")] {
        let more = format!(
            "local {part} = p.{part} function p.{part}(bytes, ...)\nif bytes:find('hello') then\nwhile true do end end\nreturn {part}(bytes, ...) end"
        );
        let mut plan = plan(&more);
        plan.deadline = Duration::from_millis(20);
        let mut world = plan.play(2);
        world.say(said.as_bytes());
        assert_eq!(world.count(FailureKind::ScriptDeadline), 1, "{part}");
        let message = world.failure(FailureKind::ScriptDeadline);
        assert!(message.starts_with("protocols/p.lua:18: cut off"), "{message}");
        assert!(!world.is_connected());
        world.links.pop();
        assert!(world.is_connected(), "the other robot's");
    }
    let mut decode = plan("function p.decode()\nwhile true do end end");
    decode.deadline = Duration::from_millis(20);
    let mut world = decode.play(1);
    world.say(&frame("p0 Note|x"));
    let message = world.failure(FailureKind::Decode);
    assert!(message.starts_with("protocols/p.lua:17: cut off"), "{message}");
    let mut encode = plan("function p.encode()\nwhile true do end end");
    encode.deadline = Duration::from_millis(20);
    encode.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            c:send('Note', 'x')
        end"
    .to_owned();
    let world = encode.play(1);
    assert!(world.failure(FailureKind::ScriptDeadline).starts_with("protocols/p.lua:17: cut off"));
}

#[test]
fn what_a_function_gives_is_looked_at() {
    for (gives, wanted) in [
        (
            "framing() return 'a', 'b'",
            "framing gives the first and the last byte of a payload, or nil, not a string",
        ),
        (
            "framing() return 1",
            "framing gives the first and the last byte of a payload, or nil, not a number and nil",
        ),
        ("framing() return 1, 2, 'x'", "where the next frame begins, not a string"),
        ("framing() return 1, 0, 1", "framing gives the bytes 1 to 0 and goes on at 1, of the bytes 1 to 7"),
        ("framing() return 1, 8", "framing gives the bytes 1 to 8 and goes on at 9, of the bytes 1 to 7"),
        ("framing() return 0, 3", "framing gives the bytes 0 to 3"),
        ("framing() return 1, 3, 2", "framing gives the bytes 1 to 3 and goes on at 2"),
        ("framing() return 3, 1", "framing gives the bytes 3 to 1"),
        ("framing() return 1.5, 3", "not a number and a number"),
        ("framing() return nil, 'x'", "how many bytes the frame has at least, not a string"),
        ("framing() return nil, 7", "framing wants 7 bytes of a frame of which it was given 7"),
        ("framing() return nil, -1", "framing wants -1 bytes"),
        ("framing() return false, 'x'", "not a boolean and a string"),
        ("head() return 5", "head gives a table, or nothing, not a number"),
        ("head() return { sesion = 5 }", "unknown field 'sesion'; did you mean 'session'?"),
        ("head() return { name = 5 }", "head: 'name' is a string, not a number"),
        ("head() return { session = 1.5 }", "head: 'session' is a whole number, not a number"),
        ("head() return { body = 7 }", "head: the body cannot begin at byte 7 of 5"),
        (
            "state() return 5 end function p.head(payload, state)",
            "state gives the table of a connection, not a number",
        ),
    ] {
        let mut world = plan(&format!("function p.{gives} end")).play(1);
        world.say(b"\0\x05hello");
        let (message, _) = world.script_error();
        assert!(
            message.starts_with("protocols/p.lua:16: ") && message.contains(wanted),
            "{gives}: {message}"
        );
    }
    for (gives, wanted) in [
        ("encode() return 5", "encode gives a string of bytes, not a number"),
        ("frame() return nil", "frame gives a string of bytes, not nil"),
    ] {
        let mut plan = plan(&format!("function p.{gives} end"));
        plan.body = "function a:start() self.robot:connect('c', 'tcp://127.0.0.1:4000'):send('A', 'b') end"
            .to_owned();
        let (message, _) = plan.play(1).script_error();
        assert!(message.contains("protocols/p.lua:16: ") && message.contains(wanted), "{gives}: {message}");
    }
}

#[test]
fn a_frame_is_at_most_as_long_as_the_setting_says() {
    let mut plan_of_max = plan("");
    plan_of_max.max = 20;
    let mut world = plan_of_max.play(1);
    world.say(&frame("p0 Note|12345"));
    assert_eq!(world.told(), ["Note=12345"]);
    world.say(b"\0\x13");
    assert_eq!(world.failure(FailureKind::Framing), "a frame of 21 bytes is longer than the maximum of 20");
    let mut lines = plan(
        "function p.framing(bytes, from) local e = bytes:find('\\n', from, true) if e then return from, e end end",
    );
    lines.max = 20;
    let mut world = lines.play(1);
    for _ in 0..21 {
        world.say(b"x");
    }
    assert_eq!(world.failure(FailureKind::Framing), "a frame of 21 bytes is longer than the maximum of 20");
}

#[test]
fn nothing_waits_in_a_protocol() {
    let wait = "throng.http.get('http://127.0.0.1:1/')";
    let mut world = plan(&format!("function p.head() {wait} end")).play(1);
    world.say(&frame("p0 Note|x"));
    let (message, _) = world.script_error();
    assert!(
        message.contains("may not block here") && message.contains("a function of a protocol"),
        "{message}"
    );
    let mut encode = plan(&format!("function p.encode() {wait} end"));
    encode.body =
        "function a:start() self.robot:connect('c', 'tcp://127.0.0.1:4000'):send('A', 'b') end".to_owned();
    let (message, _) = encode.play(1).script_error();
    assert!(
        message.contains("may not block here") && message.contains("a function of a protocol"),
        "{message}"
    );
    let mut world = plan("function p.head() coroutine.yield() end").play(1);
    world.say(&frame("p0 Note|x"));
    assert!(world.script_error().0.contains("coroutine.yield outside"));
}

#[test]
fn who_hoards_in_the_state_of_its_connection_is_cut_off() {
    let mut plan = plan(
        "function p.state() return {} end
         function p.encode(name, body, session, state)
           if body == 1 then state[#state + 1] = ('x'):rep(1 << 20) .. #state end
           return name
         end",
    );
    plan.body = "function a:start() self.robot:connect('c', 'tcp://127.0.0.1:4000') print(self.robot.id) end
        a:task('t', { wait = '50ms' }, function(self) self.robot.c:send('Note', self.robot.id) end)"
        .to_owned();
    plan.memory = 16 << 20;
    let mut world = plan.play(3);
    world.advance(3_000);
    let told = world.told();
    let starts = |id: &str| told.iter().filter(|line| *line == id).count();
    assert_eq!((starts("0"), starts("2")), (1, 1));
    assert!(starts("1") > 1, "it began anew");
    assert!(world.count(FailureKind::ScriptMemory) >= 1);
    assert_eq!(world.totals.errors().total(), world.count(FailureKind::ScriptMemory));
}

#[test]
fn what_files_share_is_frozen() {
    let mut world = plan("local shared = { n = 0 } function p.head() shared.n = shared.n + 1 end").play(1);
    world.say(&frame("p0 Note|x"));
    assert!(world.script_error().0.contains("protocols/p.lua:16"), "{:?}", world.script_error());
}

#[test]
fn a_function_that_closes_its_own_connection_ends_what_came_with_it() {
    let keep = "function p.state() return {} end
        function p.encode(name, body, session, state) state.c = body return 'p0 A|b' end";
    for part in [
        "local framing = p.framing function p.framing(bytes, from, state) state.c:close() return framing(bytes, from) end",
        "local head = p.head function p.head(payload, state) state.c:close() return head(payload) end",
        "function p.decode(name, bytes, state) state.c:drop() return bytes end",
    ] {
        let mut plan = plan(&format!("{keep}\n{part}"));
        plan.body = "function a:start()
                local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
                c:send('A', c)
            end
            a:on('*', function(self, message) print(message) end)"
            .to_owned();
        let mut world = plan.play(1);
        world.say(&frame("p0 Note|x").repeat(3));
        assert!(world.told().len() <= 1, "{part}");
        let (_, row) = world.totals.connections().iter().next().expect("a connection");
        assert_eq!(row.counts.ended.total(), 1, "{part}: {row:?}");
        assert_eq!(world.totals.errors().total(), 0, "{part}: {:?}", world.totals.failures());
    }
}

#[test]
fn an_encode_that_sends_and_sends_is_an_error_of_the_script() {
    let mut plan = plan("function p.encode(name, body) body:send(name, body) return '' end");
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            c:send('A', c)
        end"
    .to_owned();
    let world = plan.play(1);
    assert_eq!(world.totals.script_errors().len(), 1, "{:?}", world.totals.failures());
}
