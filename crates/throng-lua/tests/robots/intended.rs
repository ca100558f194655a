//! What is measured from the intended start: the first request of a beat, of a paced task, and no other.

use crate::world::*;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use throng_engine::{Late, Wait};

/// A server that keeps silent while told so, and echoes otherwise.
fn silent_while(silent: &Rc<Cell<bool>>) -> impl FnMut(&Peer<'_>, &str, &throng_sproto::Value) + 'static {
    let silent = Rc::clone(silent);
    move |peer, _, body| {
        if !silent.get() {
            peer.echo(&text_of(body, "Text"));
        }
    }
}

fn counts(world: &World) -> (u64, u64) {
    let (_, row) = world.totals.requests().iter().next().expect("a request was issued");
    (row.latency().count(), row.intended().count())
}

#[test]
fn beats_that_find_their_function_busy_are_missed_and_the_others_have_intended_starts() {
    let silent = Rc::new(Cell::new(false));
    let mut world = plan(
        "function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
             self.robot:every('100ms', function()
                 game:request('EchoRequest', { Text = 'one' })
                 game:request('EchoRequest', { Text = 'two' })
             end)
         end",
    )
    .serve(silent_while(&silent));
    world.advance(1_050);
    assert_eq!(
        counts(&world),
        (20, 10),
        "of two requests only the first has a time at which it should begin"
    );
    silent.set(true);
    world.advance(2_050);
    silent.set(false);
    world.server().echo("late");
    world.advance(2_550);
    // The beat at 1,100 waited until 2,050, and those at 1,200 to 2,000 found it waiting.
    let schedule = world.totals.schedules().find("", "every").expect("a schedule").counts.clone();
    assert_eq!((schedule.due, schedule.missed), (25, 9));
    assert_eq!(counts(&world), (32, 16));
    let (_, row) = world.totals.requests().iter().next().expect("a request was issued");
    assert_eq!(row.intended().max_us(), Some(950_000));
}

#[test]
fn only_what_follows_a_paced_task_s_begin_at_once_is_measured_from_its_intended_start() {
    let mut plan = plan(
        "function a:start() self.robot:connect('game', 'tcp://127.0.0.1:4000') end
         a:task('at_once', function(self) self.robot.game:request('EchoRequest', { Text = 'x' }) end)
         a:task('later', function(self)
             self.robot:sleep('10ms')
             self.robot.game:request('SlowRequest', { Text = 'x' }, { as = 'later' })
         end)
         a:on('Note', function(self) self.robot.game:request('EchoRequest', { Text = 'x' }, { as = 'handler' }) end)",
    );
    plan.settings.wait = Wait::Pacing(Duration::from_millis(100), Late::CatchUp);
    let mut world = plan.serve(|peer, name, body| match name {
        "EchoRequest" => peer.echo(&text_of(body, "Text")),
        _ => {
            peer.note(1);
            peer.send("SlowResponse", body);
        }
    });
    world.advance(5_000);
    let row = |name| world.totals.requests().find("game", name).expect("was asked");
    let at_once = row("EchoRequest");
    assert!(at_once.latency().count() > 0 && at_once.intended().count() == at_once.latency().count());
    for name in ["later", "handler"] {
        assert!(row(name).latency().count() > 0 && row(name).intended().count() == 0, "{name}");
    }
}
