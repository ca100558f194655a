//! `[http]`: what holds for the requests of `throng.http`.

use std::time::Duration;

use throng_engine::HttpSettings;

use super::layers::Section;

/// Exchanges that a shard may have under way at once.
const CONCURRENCY: std::ops::RangeInclusive<i64> = 1..=100_000;
/// Bytes that a response may have; half of what a Lua state may take for one string.
const RESPONSE: std::ops::RangeInclusive<u64> = 1..=32 << 20;

pub(super) fn read(section: &Section<'_>) -> HttpSettings {
    let default = HttpSettings::default();
    let concurrency = section.setting("concurrency").and_then(|setting| setting.whole(CONCURRENCY));
    let max_response = section.setting("max_response").and_then(|setting| setting.size(RESPONSE));
    let timeout: Option<Duration> =
        section.setting("timeout").and_then(|setting| setting.positive_duration());
    section.refuse_unknown();
    HttpSettings {
        concurrency: concurrency.and_then(|count| usize::try_from(count).ok()).unwrap_or(default.concurrency),
        response_limit: max_response
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(default.response_limit),
        timeout: timeout.unwrap_or(default.timeout),
        redaction: default.redaction,
    }
}
