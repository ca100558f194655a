//! The end of a run, and what must not hold one up.

use crate::play::*;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};
use throng_engine::*;

#[test]
fn a_second_wish_ends_robots_that_do_not_stop() {
    let (teller, told) = channel();
    let settings = Settings { stop_timeout: Duration::from_secs(600), ..settings() };
    let run = Run::start(&settings, 2, player(vec![Act::Sleep(Duration::ZERO)], teller)).expect("a run");
    run.want(&wish(Phase::Play)).expect("the shards listen");
    assert_eq!(told.recv_timeout(PATIENCE).as_deref(), Ok("elapsed"));
    run.want(&wish(Phase::Stop)).expect("the shards listen");
    assert_eq!(told.recv_timeout(PATIENCE).as_deref(), Ok("stop"));
    let asked = Instant::now();
    run.want(&wish(Phase::Abort)).expect("the shards listen");
    let mut over = 0;
    while over < 2 {
        let report = run.report(PATIENCE).expect("a shard that reports").expect("a report in time");
        over += usize::from(report.over);
    }
    run.join().expect("the shards end well");
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
}

#[test]
fn a_reader_of_reports_that_does_not_read_holds_nobody_up() {
    let (teller, told) = channel();
    let (commands, inbox) = sync_channel(4);
    let (reporter, reports) = sync_channel(0);
    commands.send(Command::Want(wish(Phase::Play))).expect("room for a command");
    let script = vec![Act::Beat(Duration::from_millis(100)), Act::Hang];
    let shard = std::thread::spawn(move || {
        let share = ShardShare { index: 0, count: 1 };
        let config = ShardConfig { settings: settings(), share, clock: Clock::real(Origin::now()) };
        let shard = Shard::on_sockets(config, player(script, teller)).expect("a shard");
        shard.run(&inbox, &reporter)
    });
    // Two reports are due meanwhile.
    for _ in 0..24 {
        told.recv_timeout(PATIENCE).expect("the robot goes on");
    }
    commands.send(Command::Want(wish(Phase::Abort))).expect("room for a command");
    let mut over = false;
    while let Ok(report) = reports.recv_timeout(PATIENCE) {
        over |= report.over;
    }
    assert!(over);
    shard.join().expect("no panic").expect("no error");
}

#[test]
fn a_shard_that_is_never_wanted_ends_with_its_run() {
    let (commands, inbox) = sync_channel(4);
    let (reporter, _reports) = sync_channel(4);
    let shard = std::thread::spawn(move || {
        let (teller, _) = channel();
        let share = ShardShare { index: 0, count: 1 };
        let config = ShardConfig { settings: settings(), share, clock: Clock::real(Origin::now()) };
        let shard = Shard::on_sockets(config, player(vec![], teller)).expect("a shard");
        shard.run(&inbox, &reporter)
    });
    drop(commands);
    let end = Instant::now() + PATIENCE;
    while !shard.is_finished() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(shard.is_finished());
}
