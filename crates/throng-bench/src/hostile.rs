//! A script that runs wild on one robot, and what a hundred others notice of it.

use crate::child::{self, Client};
use crate::options::{ClientOptions, Kind, Options, Wire, Work};
use crate::table::{Table, thousands};
use anyhow::Result;
use std::thread;
use std::time::Duration;

/// One that does what scripts may, and those that do not.
const SCRIPTS: [(&str, &str); 9] = [
    ("nothing", "self.robot:sleep(1)"),
    ("an empty loop", "while true do end"),
    ("a loop in pcall in a loop", "while true do pcall(function() while true do end end) end"),
    ("a loop in coroutine.wrap", "while true do pcall(coroutine.wrap(function() while true do end end)) end"),
    ("a loop in a comparator", "table.sort({ 3, 2, 1, 5, 4 }, function() while true do end end)"),
    (
        "a loop in __gc",
        "setmetatable({}, { __gc = function() while true do end end }) while true do local t = {} end",
    ),
    (
        "a pattern without end",
        "while true do pcall(string.find, ('a'):rep(100000), ('a*'):rep(50) .. 'b') end",
    ),
    ("a string of 1 GiB", "local text = ('x'):rep(1 << 30)"),
    ("a table without end", "local t = {} while true do t[#t + 1] = {} end"),
];
/// Robots that behave well.
const PLAYERS: u64 = 100;

/// A window when it must be quick: the wild script runs once in it.
const BRIEF: Duration = Duration::from_millis(1_200);

/// Measures and prints, if it is wanted.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.wants("hostile") {
        return Ok(());
    }
    let window = options.window().max(if options.quick { BRIEF } else { Duration::from_secs(5) });
    let scripts = if options.quick { &SCRIPTS[..2] } else { &SCRIPTS[..] };
    let mut table = Table::new(&["script", "turns", "p50 ms", "p99 ms", "longest stall ms", "failures"]);
    for (name, body) in scripts {
        table.row([vec![(*name).to_owned()], beside(body, window)?].concat());
    }
    println!(
        "{PLAYERS} robots with 20 turns a second each, beside one robot whose task, once a second, is\n{table}"
    );
    Ok(())
}

fn beside(body: &str, window: Duration) -> Result<Vec<String>> {
    let server = child::server_for(Wire::Tcp)?;
    let mut client = Client::start(&ClientOptions {
        targets: server.addresses.clone(),
        hostile: Some(body.to_owned()),
        ..ClientOptions::alone(Kind::Lua, Work::Play, PLAYERS + 1)
    })?;
    thread::sleep(window / 5);
    client.reading()?;
    thread::sleep(window);
    let reading = client.reading()?;
    let millis = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
    let turns = reading.turns;
    Ok(vec![
        thousands(turns.map_or(0.0, |turns| turns.count as f64)),
        turns.map_or_else(|| "-".to_owned(), |turns| millis(turns.p50)),
        turns.map_or_else(|| "-".to_owned(), |turns| millis(turns.p99)),
        millis(reading.stall),
        thousands(reading.failures as f64),
    ])
}
