//! Robots of a project whose protocol is in Lua, against Redis: the example as it is, and a long pipeline.

use crate::play::{ANY_ERRORS, Project, settings};
use crate::redis::Redis;
use crate::report::counts;

const PROTOCOL: &str = include_str!("../../../../examples/redis_resp/protocols/resp.lua");
const SETTINGS: &str = include_str!("../../../../examples/redis_resp/throng.toml");
const MOD: &str = include_str!("../../../../examples/redis_resp/mods/chat.lua");

/// Five hundred requests on their way at once, values of all kinds, a large one, an error, and what others publish.
const PIPELINE: &str = r#"
local player = throng.mod()
function player:start() self.robot:connect('redis', throng.host) end
function player.on:message(push) throng.check('pushed', push[3] == 'to all') end
player:task('play', function(self)
  local redis, robot = self.robot.redis, self.robot
  redis:request('HELLO', { 3 })
  local asks = {}
  for index = 1, 500 do
    asks[index] = function() return redis:request('ECHO', { 'number ' .. index }) end
  end
  local replies = { robot:all(table.unpack(asks)) }
  for index = 1, 500 do throng.check('in order', replies[index] == 'number ' .. index) end
  local part = ('x'):rep(500000)
  for _ = 1, 6 do redis:request('APPEND', { 'large:' .. robot.id, part }) end
  throng.check('large', redis:request('GET', { 'large:' .. robot.id }) == part:rep(6))
  throng.check('nothing', redis:request('GET', { 'missing' }) == nil)
  throng.check('number', redis:request('INCR', { 'shared' }) > 0)
  local list = 'list:' .. robot.id
  redis:request('RPUSH', { list, 'a', '', 'a\r\nb' })
  local read = redis:request('LRANGE', { list, 0, -1 })
  throng.check('list', #read == 3 and read[2] == '' and read[3] == 'a\r\nb')
  local ok, failure = pcall(redis.request, redis, 'INCR', { list })
  throng.check('error', not ok and failure.kind == 'rejected')
  redis:send('SUBSCRIBE', { 'radio' })
  redis:expect('subscribe')
  redis:request('PUBLISH', { 'radio', 'to all' })
  robot:sleep('300ms')
  self.robot:stop()
end)
return player
"#;

const SECTION: &str = r#"
[protocols.resp]
lua = "protocols/resp.lua"
framing = { max = "16MB" }
reply = "fifo"
on_close = "call"
"#;

#[test]
fn the_example_plays_against_redis() {
    let redis = Redis::start();
    let project = Project::new(SETTINGS, MOD).file("protocols/resp.lua", PROTOCOL);
    let report = project.run(&["--host", &redis.url(), "--run-time", "4s"]);
    let report = report.passed();
    assert_eq!(report.errors(), counts([]));
    let posts = redis.calls("rpush");
    assert!(posts > 0 && posts == report.row("requests", "RPUSH")["count"]);
    // The end of the run may come between three replies and their check.
    let (in_order, others) = report.check("replies in order");
    assert!(
        in_order <= posts / 2 && posts / 2 <= in_order + 10 && others == 0,
        "{posts} {in_order} {others}"
    );
    assert_eq!(redis.calls("subscribe"), 10);
    assert_eq!(report.check("news of our channel").1, 0);
}

#[test]
fn replies_of_a_long_pipeline_find_their_requests() {
    let redis = Redis::start();
    let project = Project::new(&settings(&redis.url(), 4, &format!("{SECTION}{ANY_ERRORS}")), PIPELINE)
        .file("protocols/resp.lua", PROTOCOL);
    let played = project.run(&[]);
    let report = played.passed();
    for check in ["large", "nothing", "number", "list", "error"] {
        assert_eq!(report.check(check), (4, 0), "{check}");
    }
    assert_eq!(report.check("in order"), (2000, 0));
    let (pushed, others) = report.check("pushed");
    assert!(pushed >= 4 && others == 0, "{pushed} {others}");
    assert_eq!(redis.calls("echo"), 2000);
    assert_eq!(report.errors(), counts([("rejected", 4)]));
}
