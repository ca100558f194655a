//! Messages that servers ask with, and what robots answer.

use super::project;

const START: &str = "function a:start() self.robot:connect('battle', 'tcp://127.0.0.1:8767') end ";

const SERVER: &str = "
local server = world:server('tcp://127.0.0.1:8767')
local robot = world:robot()
world:advance('100ms')
local client = server:clients()[1]
";

#[test]
fn what_a_handler_returns_answers_a_server_s_request() {
    project(&format!(
        "{START}
         a:on('alive', function(self, msg) return {{ n = msg.n + 1 }} end)
         a:on('ping', function() return true end)
         a:on('moved', function() return {{ id = 1 }} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive', {{ n = 7 }})
         client:ask('alive', {{ n = 8 }}, '1s')
         client:ask('ping')
         client:push('alive', {{ n = 1 }})
         client:push('moved', {{ id = 3 }})
         world:advance('500ms')
         assert(#server:answers('alive') == 1 and server:answers('alive')[1].n == 8)
         assert(#server:answers('ping') == 1 and next(server:answers('ping')[1]) == nil)
         world:advance('1s')
         assert(#server:answers('alive') == 2 and server:answers('alive')[2].n == 9)
         assert(#world:failures() == 0 and server:count() == 0)"
    ))
    .passes();
}

#[test]
fn a_handler_that_waits_answers_later_and_one_in_a_queue_in_its_turn() {
    project(&format!(
        "{START}
         a:on('alive', function(self, msg) self.robot:sleep(msg.n) return {{ n = msg.n }} end)
         a:on('ping', {{ queue = true }}, function(self) self.robot:sleep(1) return {{}} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive', {{ n = 2 }})
         client:ask('alive', {{ n = 1 }})
         client:ask('ping')
         client:ask('ping')
         world:advance('1500ms')
         assert(#server:answers('alive') == 1 and server:answers('alive')[1].n == 1)
         assert(#server:answers('ping') == 1)
         world:advance('1s')
         assert(server:answers('alive')[2].n == 2 and #server:answers('ping') == 2)"
    ))
    .passes();
}

#[test]
fn the_first_handler_that_returns_something_answers_and_an_error_answers_nothing() {
    project(&format!(
        "{START}
         a:on('alive', function(self, msg) if msg.n == 0 then error('no') end end)
         a:on('alive', {{ connection = 'battle' }}, function(self, msg) if msg.n == 1 then return {{ n = 10 }} end end)
         a:on('*', function(self, msg) if msg.n > 0 then return {{ n = 20 }} end end)"
    ))
    .test(&format!(
        "{SERVER}
         for n = 0, 2 do client:ask('alive', {{ n = n }}) end
         world:advance('1s')
         local answers = server:answers('alive')
         assert(#answers == 2 and answers[1].n == 10 and answers[2].n == 20, #answers)
         assert(#world:errors() == 1)"
    ))
    .passes();
}

#[test]
fn an_answer_that_does_not_fit_is_an_encode_failure_and_answers_nothing() {
    project(&format!(
        "{START}
         a:on('alive', function() return {{ n = 'seven' }} end)
         a:on('*', function() return {{ n = 7 }} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive')
         world:advance('1s')
         assert(#server:answers('alive') == 0)
         local failure = world:failures()[1]
         assert(failure.kind == 'encode' and failure.name == 'alive answer' and failure.count == 1, failure.name)"
    ))
    .passes();
}

#[test]
fn a_field_that_an_answer_does_not_have_is_told_with_its_handler() {
    let failure = project(&format!(
        "{START}
         a:on('alive', function() return {{ nn = 7 }} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive')
         world:advance('1s')"
    ))
    .fails();
    assert_eq!(failure.message, "the answer to alive has no field 'nn'; did you mean 'n'?");
    let place = failure.place.as_ref().map(|place| (place.file.as_str(), place.line));
    assert_eq!(place, Some(("mods/a.lua", 2)), "{failure:#?}");
}

#[test]
fn an_answer_after_the_end_of_its_connection_is_a_failure() {
    project(&format!(
        "{START}
         a:on('alive', function(self, msg, c) c:close() return {{ n = 1 }} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive')
         world:advance('1s')
         assert(#server:answers('alive') == 0 and world:failures()[1].kind == 'closed')"
    ))
    .passes();
}

#[test]
fn answers_are_on_the_timeline_with_their_fields() {
    let failure = project(&format!(
        "{START}
         a:on('alive', function(self, msg) return {{ n = msg.n }} end)"
    ))
    .test(&format!(
        "{SERVER}
         client:ask('alive', {{ n = 5 }})
         world:advance('1s')
         error('look')"
    ))
    .fails();
    let lines: Vec<&str> = failure.last.iter().map(|event| event.text.as_str()).collect();
    assert!(lines.contains(&"battle <- alive { n = 5 } (push)"), "{lines:?}");
    assert!(lines.contains(&"battle -> alive answer { n = 5 }"), "{lines:?}");
}

#[test]
fn only_messages_with_sessions_can_be_asked() {
    project("function a:start() self.robot:connect('game', throng.host) end")
        .test(
            "local server = world:server('ws://127.0.0.1:8765')
             local robot = world:robot()
             world:advance('100ms')
             local client = server:clients()[1]
             local ok, err = pcall(client.ask, client, 'KickNotify', {})
             assert(not ok and err:find('no sessions to ask with', 1, true), err)
             assert(not pcall(client.ask, client, 'KickNotifi', {}))",
        )
        .passes();
}
