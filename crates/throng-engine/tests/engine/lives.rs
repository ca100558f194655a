//! How long connections live, how often robots come back, and how much each robot says.

use crate::world::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn lifetimes_reconnects_and_rates_of_robots_are_measured() {
    let acts = vec![
        connect(),
        Act::Request("a", within(900)),
        Act::Sleep(2 * SECOND),
        Act::Close,
        Act::Sleep(SECOND),
        connect(),
        Act::Send("a"),
        Act::Sleep(SECOND),
        Act::Stop,
    ];
    let mut world = Plan::new([("role.start", acts)]).world(|net, link, body| {
        net.send(link, &frame(std::str::from_utf8(body).expect("text")));
    });
    world.want(2);
    world.advance(10_000);
    let row = world.totals.connections().find("", "game").expect("a connection");
    assert_eq!((row.counts.opened, row.counts.reconnects), (4, 2));
    let lived = row.lifetime().spread().expect("two were closed");
    assert_eq!((row.lifetime().count(), lived.min / 10_000, lived.max / 10_000), (2, 200, 200));
    let rates = world.totals.robot_rates();
    // Two sent and at least one received in four seconds.
    assert_eq!(rates.count(), 2);
    assert!((700..=1_010).contains(&rates.max_us().expect("some")), "{rates:?}");
}
