//! skynet's login flow: the example project against the demo's login server and gate, and client code as skynet's own
//! examples have it.

use throng_demo::{Demo, DemoOptions, ServerKind, ServerReport};

use crate::play::{ANY_ERRORS, Played, Project, throng, wait_until};
use crate::report::counts;

const SETTINGS: &str = include_str!("../../../../examples/skynet_login/throng.toml");
const PLAYER: &str = include_str!("../../../../examples/skynet_login/mods/player.lua");
const LOGIN: &str = include_str!("../../../../examples/skynet_login/lib/skynet_login.lua");
const SOCKET: &str = include_str!("../../../../examples/skynet_login/lib/client/socket.lua");

/// The example with some of its lines changed.
struct Example {
    settings: String,
    player: String,
    login: String,
    /// What each robot does once, with `player` as the example's mod.
    once: &'static str,
}

/// What came of it.
struct Ended {
    played: Played,
    login: ServerReport,
    gate: ServerReport,
}

impl Example {
    fn new(once: &'static str) -> Example {
        let own = "[robot]\nmods = \"mods\"\nwait = { between = [0.1, 0.5] }\non_error = \"restart\"";
        let plain = "[robot]\nmods = \"mods\"\nwait = 0\non_error = \"stop\"";
        let (before, thresholds) = SETTINGS.split_once("[thresholds]").unwrap();
        assert!(thresholds.contains("request.gate/handshake.failures"));
        assert!(before.contains(own), "the example's [robot] is another one");
        let weights = "[tasks]\n\"player.say\" = 0\n\"player.reconnect\" = 0\n";
        Example {
            settings: before.replace(own, plain) + weights + ANY_ERRORS,
            player: PLAYER.to_owned(),
            login: LOGIN.to_owned(),
            once,
        }
    }

    fn with_player(mut self, line: &str, other: &str) -> Example {
        assert!(self.player.contains(line), "the example's player has no `{line}`");
        self.player = self.player.replace(line, other);
        self
    }

    fn with_login(mut self, line: &str, other: &str) -> Example {
        assert!(self.login.contains(line), "the example's login has no `{line}`");
        self.login = self.login.replace(line, other);
        self
    }

    fn play(&self, robots: u64, faults: &[&str], args: &[&str]) -> Ended {
        let options = DemoOptions::empty().with(ServerKind::Login).with(ServerKind::Gate);
        let options = faults.iter().fold(options, |options, fault| options.fault(fault).unwrap());
        let demo = Demo::start(options).unwrap();
        let once = format!(
            "local once = throng.mod {{ needs = {{ 'player' }} }}
             once:task('once', function(self)
               local player = self.robot.mods.player
               {}
               self.robot:stop()
             end)
             return once",
            self.once
        );
        let project = Project::new(&self.settings, &self.player)
            .file("mods/once.lua", &once)
            .file("lib/skynet_login.lua", &self.login);
        let (url, gate) =
            (demo.url(ServerKind::Login).unwrap(), demo.address(ServerKind::Gate).unwrap().to_string());
        let robots = robots.to_string();
        let own = ["-H", &url, "--gate", &gate, "-u", &robots, "-r", "1000", "--shards", "1"];
        let played = project.run(&[&own, args].concat());
        let open = |kind: ServerKind| demo.report().servers[kind.name()].connections.open;
        wait_until("the servers see the end of their connections", || {
            open(ServerKind::Login) + open(ServerKind::Gate) == 0
        });
        let mut servers = demo.stop().servers;
        let mut server = |kind: ServerKind| servers.remove(kind.name()).unwrap();
        Ended { played, login: server(ServerKind::Login), gate: server(ServerKind::Gate) }
    }
}

/// The outcomes that happened.
fn outcomes(server: &ServerReport) -> crate::report::Counts {
    server
        .outcomes
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| (name.clone(), *count))
        .collect()
}

#[test]
fn the_example_logs_in_asks_and_comes_back() {
    let ended = Example::new(
        "for i = 1, 5 do player:ask('number ' .. i) end
         local answer = player:ask('the last')
         player.gate:close()
         player:enter()
         throng.check('the old answer', player:insist('say again', 'fake') == answer)
         throng.check('a new answer', player:ask('fake') == 'fake')",
    )
    .play(10, &[], &[]);
    let report = ended.played.passed();
    assert_eq!(outcomes(&ended.login), counts([("200", 10)]));
    assert_eq!(outcomes(&ended.gate), counts([("200", 20), ("answered", 70), ("cached", 10)]));
    assert_eq!(
        (report.books("handshake").ok, report.books("say").ok, report.books("say again").ok),
        (20, 70, 10)
    );
    assert_eq!((report.check("the old answer"), report.check("a new answer")), ((10, 0), (10, 0)));
    assert_eq!(report.row("measures", "login")["count"], 10);
    assert_eq!(report.number("/bytes/sent"), ended.login.bytes_received + ended.gate.bytes_received);
    assert_eq!(report.number("/bytes/received"), ended.login.bytes_sent + ended.gate.bytes_sent);
}

#[test]
fn what_is_lost_with_a_connection_is_answered_from_the_cache() {
    let once = "for i = 1, 6 do throng.check('own answer', player:ask('number ' .. i) == 'number ' .. i) end";
    let ended = Example::new(once).play(10, &["gate.request.reset=4"], &[]);
    // 60 answers came; of 79 requests every fourth ended its connection, and was asked again on the next one.
    let report = ended.played.report();
    assert_eq!((report.books("say").ok, report.failures("say")), (60, counts([("reset", 19)])));
    assert_eq!(report.check("own answer"), (60, 0));
    assert_eq!(report.counter("came back"), 19);
    assert_eq!(outcomes(&ended.gate), counts([("200", 29), ("answered", 60), ("cached", 19)]));
    assert_eq!((outcomes(&ended.login), report.books("handshake").ok), (counts([("200", 10)]), 29));
    assert_eq!(ended.gate.faults.resets, 19);
}

#[test]
fn an_answer_that_says_no_is_a_failure_and_the_session_its_own() {
    let ended = Example::new(
        "player.session = 7
         local answer, failure = player.gate:try_request('say', 'error', { session = 7 })
         throng.check('refused', answer == nil and failure.kind == 'rejected')
         local asks = {}
         for i = 1, 20 do asks[i] = function() throng.check('own', player.gate:request('say', 'n' .. i) == 'n' .. i) end end
         self.robot:all(table.unpack(asks))",
    )
    .play(3, &[], &[]);
    let report = ended.played.report();
    assert_eq!((report.check("refused"), report.check("own")), ((3, 0), (60, 0)));
    assert_eq!((report.books("say").ok, report.failures("say")), (60, counts([("rejected", 3)])));
    assert_eq!(outcomes(&ended.gate), counts([("200", 3), ("answered", 60), ("failed", 3)]));
}

/// Whoever is not let in says why.
#[track_caller]
fn refused(example: &Example, args: &[&str], why: &str) -> Ended {
    let ended = example.play(2, &[], args);
    let report = ended.played.report();
    assert_eq!(report.errors(), counts([("fail", 2)]), "{}", ended.played.stdout);
    assert!(ended.played.said().contains(why), "{}", ended.played.stdout);
    ended
}

#[test]
fn the_login_server_says_what_is_wrong() {
    let plain = || Example::new("");
    let ended = refused(&plain(), &["--password", "wrong"], "login: 401 Unauthorized");
    assert_eq!((outcomes(&ended.login), ended.gate.connections.accepted), (counts([("401", 2)]), 0));
    let ended = refused(&plain(), &["--server", "nowhere"], "login: 403 Forbidden");
    assert_eq!(outcomes(&ended.login), counts([("403", 2)]));
    let wrong = plain().with_login("crypt.hmac64(challenge, secret)", "crypt.hmac64(challenge, clientkey)");
    let ended = refused(&wrong, &[], "login: 400 Bad Request");
    assert_eq!(outcomes(&ended.login), counts([("400", 2)]));
}

#[test]
fn the_gate_says_what_is_wrong() {
    let hashed = "crypt.hashkey(handshake), self.secret";
    let wrongs = [
        (hashed, "crypt.hashkey(handshake), 'a secret'", "401", "401 Unauthorized"),
        ("crypt.base64encode(self.subid), self.index", "'MA==', self.index", "404", "404 User Not Found"),
        ("self.index = self.index + 1", "self.index = 0", "403", "403 Index Expired"),
        ("%s@%s#%s:%d", "%s@%s#%s:x%d", "400", "400 Bad Request"),
    ];
    for (line, other, outcome, text) in wrongs {
        let ended = refused(&Example::new("").with_player(line, other), &[], &format!("handshake: {text}"));
        assert_eq!(outcomes(&ended.login), counts([("200", 2)]));
        assert_eq!(outcomes(&ended.gate), counts([(outcome, 2)]));
    }
}

#[test]
fn of_two_logins_of_one_user_at_a_time_one_is_not_acceptable() {
    let ended = Example::new("").play(2, &["login.token.delay=4s"], &["--user", "hello"]);
    assert_eq!(ended.played.report().errors(), counts([("fail", 1)]));
    assert!(ended.played.said().contains("login: 406 Not Acceptable"), "{}", ended.played.stdout);
    assert_eq!(outcomes(&ended.login), counts([("200", 1), ("406", 1)]));
    assert_eq!(outcomes(&ended.gate), counts([("200", 1)]));
}

#[test]
fn a_later_login_throws_the_user_out() {
    let ended = Example::new(
        "local secret, subid = require 'skynet_login'(self.robot, throng.host, player.token)
         while player.gate.is_open do self.robot:sleep('5ms') end
         throng.check('another subid', subid ~= player.subid)
         local ok, failure = pcall(player.enter, player)
         throng.check('unknown', not ok and failure.message == 'handshake: 404 User Not Found')
         player.secret, player.subid, player.index = secret, subid, 0
         player:enter()
         throng.check('in again', player:ask('hello') == 'hello')",
    )
    .play(2, &[], &[]);
    let report = ended.played.report();
    for check in ["another subid", "unknown", "in again"] {
        assert_eq!(report.check(check), (2, 0), "{check}");
    }
    assert_eq!(outcomes(&ended.login), counts([("200", 4)]));
    assert_eq!(outcomes(&ended.gate), counts([("200", 4), ("404", 2), ("answered", 2)]));
    assert_eq!(ended.gate.connections.ended["dismissed"], 2);
}

#[test]
fn the_example_s_own_tests_pass() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/skynet_login");
    let output = throng().args(["test", example]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// How skynet's clients read: bytes are gathered until a function finds something whole at their front.
const UNPACKING: &str = "
local last = ''
local function unpack_f(f)
  local function try_recv(fd, last)
    local result
    result, last = f(last)
    if result then return result, last end
    local r = socket.recv(fd)
    if not r then return nil, last end
    if r == '' then error 'Server closed' end
    return f(last .. r)
  end
  return function()
    while true do
      local result
      result, last = try_recv(fd, last)
      if result then return result end
      socket.usleep(100)
    end
  end
end
local function unpack_package(text)
  local size = #text
  if size < 2 then return nil, text end
  local s = text:byte(1) * 256 + text:byte(2)
  if size < s + 2 then return nil, text end
  return text:sub(3, 2 + s), text:sub(3 + s)
end
local function send_package(fd, pack) socket.send(fd, string.pack('>s2', pack)) end
";

fn pasted(before: &str, code: &str) -> String {
    format!(
        "local socket = require 'client.socket'
         {before}
         local player = throng.mod()
         player:task('play', function(self)
           local robot, fd = self.robot
           {UNPACKING}
           {code}
           robot:stop()
         end)
         return player"
    )
}

const SHORT: &str =
    "[load]\nrobots = 3\nspawn_rate = 1000\nrun_time = \"2m\"\nshards = 1\n[robot]\nwait = 0\n";

#[test]
fn a_login_client_in_the_words_of_skynet_s_own_plays() {
    let options = DemoOptions::empty().with(ServerKind::Login).with(ServerKind::Gate);
    let demo = Demo::start(options).unwrap();
    let port = |kind| demo.address(kind).unwrap().port();
    let handshake = "
        handshake = string.format('%s@%s#%s:%d', crypt.base64encode(token.user), crypt.base64encode(token.server),
          crypt.base64encode(subid), index)
        hmac = crypt.hmac64(crypt.hashkey(handshake), secret)
        send_package(fd, handshake .. ':' .. crypt.base64encode(hmac))
        throng.check('hello', readpackage() == '200 OK')";
    let code = format!(
        "fd = assert(socket.connect(robot, '127.0.0.1', {login}))
         local readline = unpack_f(function(text)
           local from = text:find('\\n', 1, true)
           if from then return text:sub(1, from - 1), text:sub(from + 1) end
           return nil, text
         end)
         local readpackage = unpack_f(unpack_package)
         local function writeline(fd, text) socket.send(fd, text .. '\\n') end
         local challenge = crypt.base64decode(readline())
         local clientkey = crypt.randomkey()
         writeline(fd, crypt.base64encode(crypt.dhexchange(clientkey)))
         local secret = crypt.dhsecret(crypt.base64decode(readline()), clientkey)
         local hmac = crypt.hmac64(challenge, secret)
         writeline(fd, crypt.base64encode(hmac))
         local token = {{ server = 'sample', user = 'hello' .. robot.id, pass = 'password' }}
         local text = string.format('%s@%s:%s', crypt.base64encode(token.user), crypt.base64encode(token.server),
           crypt.base64encode(token.pass))
         writeline(fd, crypt.base64encode(crypt.desencode(secret, text)))
         local result = readline()
         assert(tonumber(string.sub(result, 1, 3)) == 200)
         socket.close(fd)
         local subid = crypt.base64decode(string.sub(result, 5))

         local function send_request(v, session)
           socket.send(fd, string.pack('>I2', #v + 4) .. v .. string.pack('>I4', session))
         end
         local function recv_response(v)
           local content, ok, session = string.unpack('c' .. tostring(#v - 5) .. 'B>I4', v)
           return ok ~= 0, content, session
         end
         local handshake
         local index = 1
         fd = assert(socket.connect(robot, '127.0.0.1', {gate}))
         last = ''
         {handshake}
         send_request('echo', 0)
         -- The answer has begun to come, and is not read.
         socket.recv(fd)
         socket.close(fd)
         index = index + 1
         fd = assert(socket.connect(robot, '127.0.0.1', {gate}))
         last = ''
         {handshake}
         send_request('fake', 0)
         send_request('again', 1)
         local ok, content, session = recv_response(readpackage())
         throng.check('cached', ok and content == 'echo' and session == 0)
         ok, content, session = recv_response(readpackage())
         throng.check('answered', ok and content == 'again' and session == 1)
         socket.close(fd)",
        login = port(ServerKind::Login),
        gate = port(ServerKind::Gate),
    );
    let player = pasted("local crypt = require 'client.crypt'", &code);
    let played = Project::new(SHORT, &player).file("lib/client/socket.lua", SOCKET).run(&[]);
    let report = played.passed();
    assert_eq!(
        (report.check("hello"), report.check("cached"), report.check("answered")),
        ((6, 0), (3, 0), (3, 0))
    );
    let gate = demo.stop().servers.remove("gate").unwrap();
    assert_eq!(outcomes(&gate), counts([("200", 6), ("answered", 6), ("cached", 3)]));
}

#[test]
fn a_client_with_skynet_s_sproto_library_plays() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Battle)).unwrap();
    let proto = format!(
        "local sprotoparser = require 'sprotoparser'
         local proto = {{}}
         proto.c2s = sprotoparser.parse [[{}]]
         proto.s2c = sprotoparser.parse [[{}]]
         return proto",
        include_str!("../../../throng-demo/protos/battle/c2s.sproto"),
        include_str!("../../../throng-demo/protos/battle/s2c.sproto"),
    );
    let code = format!(
        "local host = sproto.new(proto.s2c):host 'package'
         local request = host:attach(sproto.new(proto.c2s))
         fd = assert(socket.connect(robot, '127.0.0.1', {}))
         local readpackage = unpack_f(unpack_package)
         local session = 0
         local function send_request(name, args)
           session = session + 1
           send_package(fd, request(name, args, session))
         end
         local heartbeats, answers = 0, {{}}
         local function dispatch_package()
           local t, which, args = host:dispatch(readpackage())
           if t == 'REQUEST' then
             assert(which == 'heartbeat')
             heartbeats = heartbeats + 1
           else
             answers[which] = args or 'nothing'
           end
         end
         send_request('handshake')
         send_request('set', {{ what = 'hello', value = 'world' }})
         send_request('get', {{ what = 'hello' }})
         while #answers < 3 or heartbeats == 0 do dispatch_package() end
         throng.check('welcome', answers[1].msg:find('Welcome') == 1)
         throng.check('set', answers[2] == 'nothing')
         throng.check('get', answers[3].result == 'world')
         throng.check('heartbeat', heartbeats > 0)
         socket.close(fd)",
        demo.address(ServerKind::Battle).unwrap().port()
    );
    let player = pasted("local sproto, proto = require 'sproto', require 'proto'", &code);
    let project =
        Project::new(SHORT, &player).file("lib/client/socket.lua", SOCKET).file("lib/proto.lua", &proto);
    let played = project.run(&[]);
    let report = played.passed();
    for check in ["welcome", "set", "get", "heartbeat"] {
        assert_eq!(report.check(check), (3, 0), "{check}");
    }
    let battle = demo.stop().servers.remove("battle").unwrap();
    assert_eq!((battle.requests["get"], battle.undecodable), (3, 0));
}
