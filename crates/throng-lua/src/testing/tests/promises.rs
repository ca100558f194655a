//! What is promised of a robot's life, seen by tests in virtual time.

use super::project;
use std::time::Duration;
use throng_engine::Wait;

/// The mod `b`, whose task counts how often it was played.
fn counting(options: &str, task: &str) -> String {
    format!(
        "local b = throng.mod {options}
         function b:init() self.played = 0 end
         b:task('count', {task}, function(self)
             self.first = self.first or throng.now()
             self.played = self.played + 1
         end)
         return b"
    )
}

/// How often the task is played in a minute.
#[track_caller]
fn plays(options: &str, task: &str, least: u32, most: u32) {
    project("")
        .file("mods/b.lua", &counting(options, task))
        .test(&format!(
            "local robot = world:robot()
             world:advance(60)
             local played = robot.mods.b.played
             assert(played >= {least} and played <= {most}, played)"
        ))
        .passes();
}

#[test]
fn a_task_s_wait_is_stronger_than_its_mod_s_which_is_stronger_than_the_robot_s() {
    plays("{}", "{}", 59, 61);
    plays("{ wait = 2 }", "{}", 29, 31);
    plays("{ wait = 2 }", "{ wait = 3 }", 19, 21);
    plays("{}", "{ wait = { constant = 3 } }", 19, 21);
}

#[test]
fn the_first_tasks_of_robots_that_begin_together_are_spread_over_their_wait() {
    let mut project = project("");
    project.settings.wait = Wait::Constant(Duration::from_secs(10));
    project
        .file("mods/b.lua", &counting("{}", "{}"))
        .test(
            "local robots = {}
             for i = 1, 40 do robots[i] = world:robot() end
             world:advance(10)
             local quarters = { 0, 0, 0, 0 }
             for _, robot in ipairs(robots) do
                 local quarter = math.min(4, 1 + robot.mods.b.first // 2.5)
                 quarters[quarter] = quarters[quarter] + 1
             end
             for quarter = 1, 4 do assert(quarters[quarter] >= 3, table.concat(quarters, ' ')) end",
        )
        .passes();
}

#[test]
fn a_login_that_ends_with_a_push_is_ready_by_hand() {
    project("")
        .file(
            "mods/b.lua",
            "local b = throng.mod { manual_ready = true }
             function b:start() self.robot:connect('game', throng.host) end
             b:on('Note', function(self) self.robot:ready() self.robot:ready() end)
             b:task('play', function(self) self.played = true end)
             return b",
        )
        .test(
            "local server = world:server(throng.host)
             server:on_connect(function(client) client:push('Note', { n = 1 }, '5s') end)
             local robot = world:robot()
             world:advance('4s')
             assert(robot.state == 'starting' and not robot.mods.b.played)
             world:advance('3s')
             assert(robot.ready and robot.mods.b.played)",
        )
        .passes();
}

#[test]
fn a_restart_goes_on_with_the_robot_s_random_stream() {
    let draw = "print(math.random(1 << 40))";
    let log = |start: &str| {
        let results = project(&format!("function a:start() {start} end"))
            .test("world:robot() world:advance('1m')")
            .passes();
        results[0].log[..2].to_vec()
    };
    let twice = log(&format!("{draw} {draw}"));
    assert_ne!(twice[0], twice[1]);
    let restarted = log(&format!("{draw} if throng.now() < 1e-6 then self.robot:restart() end"));
    assert_eq!(restarted, twice);
}

#[test]
fn a_sequence_waits_between_its_steps_and_ends_at_a_failed_one() {
    project("")
        .file(
            "mods/b.lua",
            "local b = throng.mod()
             function b:init() self.steps = {} end
             local function step(self, name) self.steps[#self.steps + 1] = name .. ' ' .. math.floor(throng.now()) end
             function b:one() self.begun = self.begun or throng.now() step(self, 'one') end
             function b:two() step(self, 'two') if #self.steps > 3 then throng.fail('no') end end
             function b:three() step(self, 'three') end
             b:sequence('all', { steps = { 'one', 'two', 'three' }, wait = 10 })
             return b",
        )
        .test(
            "local robot = world:robot()
             world:advance(70)
             local steps, last = robot.mods.b.steps, nil
             local names = {}
             for index, step in ipairs(steps) do
                 local name, at = step:match('(%a+) (%d+)')
                 names[index] = name
                 assert(not last or at - last == 10, table.concat(steps, ', '))
                 last = at
             end
             assert(table.concat(names, ' '):find('^one two three one two one'), table.concat(steps, ', '))",
        )
        .passes();
}
