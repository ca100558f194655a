//! The machine that drives the robots, for reports.

use crate::config::Config;
use std::fs;
use throng_metrics::Environment;

/// What is known of this machine, and what was set. Only Linux tells its processor and its memory.
pub(super) fn environment(config: &Config) -> Environment {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = [std::env::consts::OS, release.trim(), std::env::consts::ARCH];
    let system: Vec<&str> = system.into_iter().filter(|part| !part.is_empty()).collect();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into()),
        system: system.join(" "),
        processor: field(&processors, "model name").unwrap_or_default().to_owned(),
        cores: std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
        memory_bytes: field(&memory, "MemTotal").and_then(kilobytes),
        shards: Some(config.load.shards.get() as u64),
        settings: config.given.clone(),
    }
}

/// What stands behind `name:` in a file of the kernel's.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn kilobytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read_as_they_are() {
        let cpu = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\n";
        assert_eq!(field(cpu, "model name"), Some("Some CPU @ 2.0GHz"));
        assert_eq!(field("MemTotal:       16 kB\n", "MemTotal").and_then(kilobytes), Some(16_384));
        assert_eq!(field("", "MemTotal"), None);
    }
}
