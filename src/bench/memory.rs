//! How much memory a process has used at most, and how much CPU time.

/// Peak resident memory of a process, MiB (`VmHWM` of Linux's /proc; `None` elsewhere).
#[must_use]
pub fn peak_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_used_some() {
        assert!(peak_mib(std::process::id()).is_some_and(|m| m > 1.0));
        assert!(cpu_ticks(std::process::id()).is_some());
        assert_eq!(peak_mib(u32::MAX), None);
    }
}
