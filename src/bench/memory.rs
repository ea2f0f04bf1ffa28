//! How much memory a process has used at most, and how much CPU time.

/// Peak resident memory of a process, MiB (`VmHWM` of Linux's /proc; `None` elsewhere).
#[must_use]
pub fn peak_mib(pid: u32) -> Option<f64> {
    status_mib(pid, "VmHWM:")
}

/// Resident memory of a process now, MiB (`VmRSS`).
#[must_use]
pub fn rss_mib(pid: u32) -> Option<f64> {
    status_mib(pid, "VmRSS:")
}

fn status_mib(pid: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with(field))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// CPU time that a process has used, in clock ticks of 10 ms (fields 14 and 15 of
/// `/proc/PID/stat`, user and system).
#[must_use]
pub fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold spaces.
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A process and those that it started, itself first.
#[must_use]
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while at < all.len() {
        // A worker is started from any thread of its parent.
        let tasks = std::fs::read_dir(format!("/proc/{}/task", all[at]));
        let threads = tasks.into_iter().flatten().flatten();
        let lists = threads.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
        for child in lists.flat_map(|l| {
            l.split_whitespace()
                .filter_map(|p| p.parse().ok())
                .collect::<Vec<u32>>()
        }) {
            if !all.contains(&child) {
                all.push(child);
            }
        }
        at += 1;
    }
    all
}

/// Open file handles of a process.
#[must_use]
pub fn handles(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// CPU time that these processes have used, s.
#[must_use]
pub fn cpu_seconds(pids: &[u32]) -> f64 {
    let ticks: u64 = pids.iter().filter_map(|p| cpu_ticks(*p)).sum();
    ticks as f64 / 100.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_used_some() {
        assert!(peak_mib(std::process::id()).is_some_and(|m| m > 1.0));
        assert!(cpu_ticks(std::process::id()).is_some());
        assert_eq!(peak_mib(u32::MAX), None);
        assert!(rss_mib(std::process::id()).is_some_and(|m| m > 1.0));
        assert!(handles(std::process::id()).is_some_and(|n| n >= 3));
        let mut child = std::process::Command::new("sleep")
            .arg("5")
            .spawn()
            .unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
