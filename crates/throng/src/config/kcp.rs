//! `kcp = { nodelay = true, interval = "10ms", resend = 2, window = [128, 128] }` of a protocol: what KCP is told.

use std::time::Duration;

use throng_wire::{Conv, KcpSpec};

use super::layers::Section;
use super::setting::{Refusal, Setting};

const CONV_WANTED: &str = "\"random\", \"robot\", or a number from 0 to 4294967295";
const WINDOW_WANTED: &str =
    "two numbers of segments from 1 to 65535: to send and to receive, such as [128, 128]";
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(5);

pub(super) fn read(section: &Section<'_>) -> KcpSpec {
    let blank = KcpSpec::default();
    let flag = |key, otherwise| section.setting(key).and_then(|it| it.boolean()).unwrap_or(otherwise);
    let whole = |key, range, otherwise: u32| {
        section.setting(key).and_then(|it| it.whole(range)).map_or(otherwise, |number| number as u32)
    };
    let window = section.setting("window").and_then(|setting| window(&setting));
    let (send_window, receive_window) = window.unwrap_or((blank.send_window, blank.receive_window));
    let spec = KcpSpec {
        nodelay: flag("nodelay", blank.nodelay),
        interval: section.setting("interval").and_then(|it| interval(&it)).unwrap_or(blank.interval),
        resend: whole("resend", 0..=100, blank.resend),
        no_congestion: flag("nc", blank.no_congestion),
        send_window,
        receive_window,
        mtu: whole("mtu", 50..=65_507, blank.mtu as u32) as usize,
        stream: flag("stream", blank.stream),
        dead_link: whole("dead_link", 1..=1000, blank.dead_link),
        conv: section.setting("conv").and_then(|setting| conv(&setting)).unwrap_or(blank.conv),
    };
    section.refuse_unknown();
    spec
}

fn interval(setting: &Setting<'_>) -> Option<Duration> {
    let interval = setting.positive_duration()?;
    if (SHORTEST..=LONGEST).contains(&interval) {
        return Some(interval);
    }
    setting.refuse(format!("`{}` is out of range", setting.path), "a time from \"1ms\" to \"5s\"");
    None
}

fn window(setting: &Setting<'_>) -> Option<(u16, u16)> {
    let sizes: Vec<Option<i64>> =
        setting.elements().iter().map(|element| element.whole(1..=i64::from(u16::MAX))).collect();
    match sizes[..] {
        [Some(send), Some(receive)] => Some((send as u16, receive as u16)),
        [_, _] => None,
        _ => {
            setting.refuse(format!("`{}` is not a pair", setting.path), WINDOW_WANTED);
            None
        }
    }
}

fn conv(setting: &Setting<'_>) -> Option<Conv> {
    setting.read(CONV_WANTED, |value| match (value.as_text(), value.as_number()) {
        (Some("random"), _) => Ok(Conv::Random),
        (Some("robot"), _) => Ok(Conv::Robot),
        (_, Some(number)) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => {
            Ok(Conv::Number(number as u32))
        }
        (None, None) => Err(Refusal::Kind),
        _ => Err(Refusal::Value("it is none of these".to_owned())),
    })
}
