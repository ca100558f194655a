//! Robots under test.

use super::project;
use throng_engine::OnError;

#[test]
fn a_robot_tells_its_state() {
    project(
        "function a:start() if throng.options.fast then error('no') end self.robot:sleep('1s') end
         function a:stop() self.robot:sleep('1s') end",
    )
    .test(
        "local robot = world:robot()
         assert(robot.state == 'starting' and not robot.ready and robot.id == 0 and robot.name == 'robot-0')
         world:advance('500ms')
         assert(robot.state == 'starting' and not robot.ready)
         world:advance('500ms')
         assert(robot.state == 'ready' and robot.ready)
         robot:restart()
         world:advance(0)
         assert(robot.state == 'restarting' and not robot.ready)
         world:advance('2s')
         assert(robot.state == 'ready')
         robot:stop()
         world:advance('500ms')
         assert(robot.state == 'stopping')
         world:advance('1s')
         assert(robot.state == 'stopped' and not robot.ready)",
    )
    .passes();
}

#[test]
fn a_robot_whose_start_fails_is_failed() {
    project("function a:start() throng.fail('no luck') end")
        .test(
            "local robot = world:robot()
             world:advance(0)
             assert(robot.state == 'failed')
             local failures = world:failures()
             assert(#failures == 1 and failures[1].kind == 'fail' and failures[1].name == 'no luck' and failures[1].count == 1)",
        )
        .passes();
    project("function a:start() self.robot:sleep('1h') end")
        .test("local robot = world:robot() world:advance('31s') assert(robot.state == 'failed', robot.state)")
        .passes();
    let mut stops = project("a:task('x', function() throng.fail('x') end)");
    stops.settings.on_error = OnError::Stop;
    stops
        .test(
            "local robot = world:robot() world:advance('31s') assert(robot.state == 'stopped', robot.state)",
        )
        .passes();
}

#[test]
fn a_restarted_robot_has_new_mods() {
    project("function a:start() self.n = (self.n or 0) + 1 end function a:bump() self.n = self.n + 1 return self.n end")
        .test(
            "local robot = world:robot()
             world:advance(1)
             assert(robot.mods.a:bump() == 2 and robot.mods.a.n == 2)
             robot:restart()
             world:advance(1)
             assert(robot.mods.a.n == 1)",
        )
        .passes();
}

#[test]
fn mistakes_with_robots_say_what_was_meant() {
    let refused = |body: &str, message: &str| {
        drop(project("").test(&format!("local robot = world:robot()\n{body}")).fails_at(2, message))
    };
    refused("print(robot.redy)", "did you mean 'ready'?");
    refused("print(robot.mods.a)", "has not begun yet");
    refused("robot:restart()", "has not begun yet");
    refused("world:advance(1) print(robot.mods.b)", "unknown mod 'b'");
    refused("world:advance(1) robot:stop() world:advance(1) print(robot.mods.a)", "it is stopped");
    refused("world:advance(1) robot:stop() world:advance(1) robot:stop()", "it is stopped");
    refused("world:advance(1) robot.stop()", "write robot:stop(...), with a colon");
}

#[test]
fn robots_have_ids_in_order_and_their_own_objects() {
    project("function a:start() self.id = self.robot.id end")
        .test(
            "local one, two = world:robot(), world:robot()
             world:advance('1s')
             local three = world:robot()
             world:advance('1s')
             assert(one.mods.a.id == 0 and two.mods.a.id == 1 and three.mods.a.id == 2)
             assert(one.mods.a ~= two.mods.a)",
        )
        .passes();
}
