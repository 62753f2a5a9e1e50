//! What the machine grants: file descriptors and memory.

use crate::config::Config;
use crate::model::finding::{Finding, bytes};
use crate::server::MOST_CONNECTIONS;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::path::Path;

/// Files that are open beside connections: the database's, the log, the runtime's own.
const BESIDE_CONNECTIONS: u64 = 256;
/// Fewer than this serve hardly anybody.
const FEW: u64 = 1_024;
/// What a server takes beside `--memory`, in bytes: its code, the database's pages, requests
/// under way. Some thousand open connections are in it.
const BESIDE_CACHES: u64 = 180 << 20;

pub(super) fn examine(config: &Config) -> [Finding; 2] {
    [descriptors(), memory(config)]
}

fn descriptors() -> Finding {
    const ABOUT: &str = "file descriptors";
    // The server raises its own limit to what the system grants.
    let granted = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let most = u64::try_from(MOST_CONNECTIONS).unwrap_or(u64::MAX);
    let room = granted.saturating_sub(BESIDE_CONNECTIONS).min(most);
    let says = format!("{granted} are granted, room for {room} connections");
    if granted < FEW {
        Finding::failed(ABOUT, format!("{says}; raise the hard limit (LimitNOFILE, ulimit -Hn)"))
    } else if room < most {
        Finding::warning(
            ABOUT,
            format!("{says} of {most}; where so many come, raise the hard limit (LimitNOFILE, ulimit -Hn)"),
        )
    } else {
        Finding::ok(ABOUT, says)
    }
}

fn memory(config: &Config) -> Finding {
    const ABOUT: &str = "memory";
    let budget = u64::try_from(config.memory).unwrap_or(u64::MAX);
    let needed = budget.saturating_add(BESIDE_CACHES);
    let says = format!(
        "--memory is {}, which makes about {} in all",
        bytes(budget),
        bytes(needed)
    );
    let Some(machine) = granted_memory() else {
        return Finding::ok(ABOUT, format!("{says}; what the machine has can't be seen"));
    };
    let says = format!("{says}, of {}", bytes(machine));
    if needed > machine {
        Finding::failed(ABOUT, format!("{says}; lower --memory, or the system ends the server"))
    } else if needed > machine / 4 * 3 {
        Finding::warning(
            ABOUT,
            format!("{says}; lower --memory: the database lives by the rest, as the system's cache"),
        )
    } else {
        Finding::ok(ABOUT, says)
    }
}

/// What the machine has, or less where a control group grants less, in bytes.
fn granted_memory() -> Option<u64> {
    let installed = installed_memory(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::/"));
    let root = Path::new("/sys/fs/cgroup");
    let group = root.join(group.unwrap_or_default());
    let limits = group.ancestors().take_while(|folder| folder.starts_with(root));
    let limits = limits.filter_map(|folder| {
        let limit = fs::read_to_string(folder.join("memory.max")).ok()?;
        limit.trim().parse().ok()
    });
    limits.chain([installed]).min()
}

/// The first number of `MemTotal:       24589312 kB`, in bytes.
fn installed_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_machine_is_read() {
        let text = "MemFree:  1 kB\nMemTotal:       24589312 kB\n";
        assert_eq!(installed_memory(text), Some(24_589_312 * 1_024));
        assert_eq!(installed_memory(""), None);
    }
}
