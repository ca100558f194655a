use super::*;
use crate::host::ConnectOptions;
use crate::id::RobotId;
use crate::net::memory::{MemoryNet, ServerEvent};
use std::net::SocketAddr;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn core(net: &MemoryNet) -> (Core, RobotKey) {
    let share = ShardShare { index: 0, count: 1 };
    let mut core = Core::new(Clock::stopped(), Settings::default(), share, Net::Memory(net.clone()));
    let robot = core.spawn(RobotId(0), Origin::default());
    (core, robot)
}

fn stream_to(url: &str) -> ConnectOptions {
    ConnectOptions {
        name: "game".into(),
        url: url.into(),
        protocol: Some("stream".into()),
        timeout: Some(4 * SECOND),
        retry: None,
        measured: true,
        conv: None,
    }
}

fn at(last: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, last], 7000))
}

/// Moves the clock and fires what is due by then.
fn pass(core: &mut Core, time: Duration) {
    core.clock.advance(crate::clock::after(core.now(), time));
    while core.expire(core.now(), &mut Vec::new()) {}
}

fn dialled(net: &MemoryNet) -> Vec<SocketAddr> {
    let accepted = std::iter::from_fn(|| net.next()).filter_map(|event| match event {
        ServerEvent::Accepted { address, .. } => Some(address),
        _ => None,
    });
    accepted.collect()
}

#[test]
fn exact_timers_that_were_cancelled_leave_nothing() {
    let (mut core, robot) = core(&MemoryNet::new());
    for _ in 0..1000 {
        let operation = core.every(robot, None, 600 * SECOND, true);
        core.cancel(operation);
    }
    assert_eq!((core.exact.len(), core.next_deadline()), (0, None));
}

#[test]
fn an_address_that_is_silent_leaves_time_for_the_next() {
    let net = MemoryNet::new();
    (1..=3).for_each(|last| net.listen(at(last)));
    let (mut core, robot) = core(&net);
    let operation = core.connect(robot, stream_to("tcp://several.test:7000")).expect("an operation");
    core.resolver_answered(operation, Ok((1..=3).map(at).collect()));
    assert_eq!(dialled(&net), [at(1)]);
    pass(&mut core, Duration::from_millis(1_400));
    assert_eq!(dialled(&net), [at(2)]);
    pass(&mut core, Duration::from_millis(1_400));
    assert_eq!(dialled(&net), [at(3)]);
    assert_eq!(core.connections.len(), 1);
    pass(&mut core, Duration::from_millis(1_300));
    assert!(matches!(core.events.back(), Some(Event::Resume(_, Ready::Failed(failure)))
        if failure.kind == throng_metrics::FailureKind::ConnectTimeout));
    assert!(core.connections.is_empty());
}

#[test]
fn a_late_answer_of_the_resolver_opens_no_second_connection() {
    let net = MemoryNet::new();
    net.listen(at(1));
    let (mut core, robot) = core(&net);
    let retry = crate::Retry { first: SECOND, max: SECOND, tries: 3 };
    let options = ConnectOptions { retry: Some(retry), ..stream_to("tcp://slow.test:7000") };
    let operation = core.connect(robot, options).expect("an operation");
    pass(&mut core, 4 * SECOND);
    core.resolver_answered(operation, Ok(vec![at(1)]));
    assert!(dialled(&net).is_empty(), "the attempt is over, the next has not begun");
    pass(&mut core, SECOND);
    core.resolver_answered(operation, Ok(vec![at(1)]));
    core.resolver_answered(operation, Ok(vec![at(1)]));
    assert_eq!((dialled(&net), core.connections.len()), (vec![at(1)], 1));
}

#[test]
fn names_of_connections_without_end_share_a_label() {
    let net = MemoryNet::new();
    net.listen(at(1));
    let (mut core, robot) = core(&net);
    for number in 0..5_000 {
        let options =
            ConnectOptions { name: format!("room {number}").into(), ..stream_to("tcp://127.0.0.1:7000") };
        let operation = core.connect(robot, options).expect("an operation");
        let key = core.connections.keys().next().expect("an opening connection");
        assert_eq!(&*core.connections[key].name, format!("room {number}"));
        core.cancel(operation);
    }
    assert!(core.labels.len() <= 1_001, "{}", core.labels.len());
}
