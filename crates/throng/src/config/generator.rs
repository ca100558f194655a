//! `[generator]`: above which bounds a run is called limited by the generator.

use std::time::Duration;

use throng_metrics::GeneratorBounds;

use super::layers::Section;
use super::setting::{Refusal, Setting};

pub(super) fn read(section: &Section<'_>) -> GeneratorBounds {
    let defaults = GeneratorBounds::default();
    let time = |name, default| {
        let time = section.setting(name).and_then(|setting| setting.positive_duration());
        time.map_or(default, micros)
    };
    let share = |name, default| {
        let share = section.setting(name);
        share.and_then(|setting| self::share(&setting)).unwrap_or(default)
    };
    let bounds = GeneratorBounds {
        lag_p99_us: time("lag_p99", defaults.lag_p99_us),
        share_of_latency: share("share", defaults.share_of_latency),
        worst_lag_p99_us: time("worst_lag_p99", defaults.worst_lag_p99_us),
        longest_stall_us: time("longest_stall", defaults.longest_stall_us),
        cpu_p90: share("cpu", defaults.cpu_p90),
    };
    section.refuse_unknown();
    bounds
}

fn share(setting: &Setting<'_>) -> Option<f64> {
    setting.read("a share such as \"20%\" or 0.2", |value| {
        let percent = value.as_text().and_then(|text| text.trim().strip_suffix('%')?.trim().parse().ok());
        let share = percent.map(|percent: f64| percent / 100.0).or_else(|| value.as_number());
        match share.ok_or(Refusal::Kind)? {
            share if share > 0.0 && share <= 1.0 => Ok(share),
            _ => Err(Refusal::Value("it must be above 0 and at most 1".to_owned())),
        }
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
