//! `[tcp]`: what the sockets of all connections are told.

use std::time::Duration;

use throng_engine::{Keepalive, TcpOptions};

use super::layers::Section;
use super::setting::{Refusal, Setting, duration};

/// Bytes of a socket's buffer.
const BUFFER: std::ops::RangeInclusive<u64> = 4 << 10..=1 << 30;
/// Seconds and probes that systems know.
const LONGEST_SILENCE: Duration = Duration::from_secs(32_767);
const PROBES: std::ops::RangeInclusive<i64> = 1..=127;
const LONGEST_LINGER: Duration = Duration::from_secs(3600);

const SILENCE_WANTED: &str = "whole seconds from \"1s\" to \"32767s\"";
const KEEPALIVE_WANTED: &str = "true, false or { idle = \"15s\", interval = \"5s\", count = 3 }";
const LINGER_WANTED: &str = "a duration up to \"1h\"; 0 ends connections with a reset";

pub(super) fn read(section: &Section<'_>) -> TcpOptions {
    let default = TcpOptions::default();
    let nodelay = section.setting("nodelay").and_then(|setting| setting.boolean());
    let keepalive = match section.setting("keepalive") {
        Some(setting) => keepalive(&setting),
        None => section.optional_section("keepalive").map(|table| Some(probes(&table))),
    };
    let send_buffer = section.setting("send_buffer").and_then(|setting| buffer(&setting));
    let receive_buffer = section.setting("receive_buffer").and_then(|setting| buffer(&setting));
    let linger = section.setting("linger").and_then(|setting| linger(&setting));
    section.refuse_unknown();
    TcpOptions {
        nodelay: nodelay.unwrap_or(default.nodelay),
        keepalive: keepalive.unwrap_or(default.keepalive),
        send_buffer,
        receive_buffer,
        linger: linger.unwrap_or(default.linger),
    }
}

/// The outer `None` is what does not fit, the inner one is no probes.
fn keepalive(setting: &Setting<'_>) -> Option<Option<Keepalive>> {
    if setting.is_table() {
        return setting.section().map(|table| Some(probes(&table)));
    }
    let on = setting.read(KEEPALIVE_WANTED, |value| value.as_flag().ok_or(Refusal::Kind))?;
    Some(on.then(Keepalive::default))
}

fn probes(table: &Section<'_>) -> Keepalive {
    let default = Keepalive::default();
    let idle = table.setting("idle").and_then(|setting| silence(&setting));
    let interval = table.setting("interval").and_then(|setting| silence(&setting));
    let count = table.setting("count").and_then(|setting| setting.whole(PROBES));
    table.refuse_unknown();
    Keepalive {
        idle: idle.unwrap_or(default.idle),
        interval: interval.unwrap_or(default.interval),
        count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(default.count),
    }
}

/// Systems count this in seconds.
fn silence(setting: &Setting<'_>) -> Option<Duration> {
    setting.read(SILENCE_WANTED, |value| match duration(value)? {
        silence if silence.is_zero() => Err(Refusal::Value("it must be above 0".to_owned())),
        silence if silence > LONGEST_SILENCE => Err(Refusal::Value("it is too long".to_owned())),
        silence if silence.subsec_nanos() != 0 => Err(Refusal::Value("it has parts of a second".to_owned())),
        silence => Ok(silence),
    })
}

fn buffer(setting: &Setting<'_>) -> Option<usize> {
    setting.size(BUFFER).and_then(|size| usize::try_from(size).ok())
}

fn linger(setting: &Setting<'_>) -> Option<Duration> {
    setting.read(LINGER_WANTED, |value| match duration(value)? {
        linger if linger > LONGEST_LINGER => Err(Refusal::Value("it is too long".to_owned())),
        linger => Ok(linger),
    })
}
