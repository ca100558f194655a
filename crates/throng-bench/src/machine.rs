//! The machine: its cores, what this process takes of them, and its description.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;
use nix::unistd::Pid;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The measured client's core.
pub(crate) const CLIENT_CORE: usize = 0;
/// The server's core.
pub(crate) const SERVER_CORE: usize = 1;

/// Keeps this process on one core. A machine with fewer cores measures what it can.
pub(crate) fn pin(core: usize) {
    let mut set = CpuSet::new();
    let pinned = set.set(core).and_then(|()| sched_setaffinity(Pid::this(), &set));
    if let Err(error) = pinned {
        eprintln!("core {core}: {error}; not pinned");
    }
}

/// Lets this process open as many descriptors as it may.
pub(crate) fn raise_descriptor_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// CPU time of this process: in its own code, and in the kernel for it.
pub(crate) fn cpu_time() -> Result<(Duration, Duration)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((duration(usage.user_time()), duration(usage.system_time())))
}

fn duration(time: TimeVal) -> Duration {
    Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000)
}

/// Bytes of memory this process has resident. The roll-up is exact, where `statm` lags behind by some pages.
pub(crate) fn resident() -> Result<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).context("no line `Rss:`")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Bytes of memory this process had resident at the most.
pub(crate) fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no line `VmHWM:`")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Processor, kernel, date.
pub(crate) fn describe() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(':').map(|(_, name)| name.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores, Linux {}, {}",
        processor.unwrap_or_else(|| "unknown processor".to_owned()),
        kernel.trim(),
        date(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    )
}

/// The day in UTC, after Howard Hinnant's `civil_from_days`.
fn date(since_epoch: Duration) -> String {
    let days = since_epoch.as_secs() as i64 / 86_400 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_in_the_gregorian_calendar() {
        let at = |days: u64| date(Duration::from_secs(days * 86_400 + 86_399));
        assert_eq!(
            [at(0), at(59), at(11_016), at(20_512)],
            ["1970-01-01", "1970-03-01", "2000-02-29", "2026-02-28"]
        );
    }

    #[test]
    fn this_process_has_memory_and_uses_time() {
        assert!(resident().expect("Linux has the roll-up") > 100_000);
        assert!(cpu_time().is_ok());
    }
}
