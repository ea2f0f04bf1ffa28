//! Whether other processes want the processor.
//!
//! llama.cpp's threads wait for each other by spinning, some hundred times a token. When the
//! system takes the processor from one of them, the others burn their time slice: measured
//! with Qwen 1.5B on two cores beside busy processes, two threads generate 1 token a second,
//! one thread 10 to 25, and a batch of the prompt can take seconds. On a quiet machine two
//! threads read a prompt twice as fast as one. So several threads read only while there is a
//! core for each of them.

use std::fs;
use std::time::{Duration, Instant};

/// A short burst of another process is no contention: it has to show this often in a row.
const SAMPLES: usize = 3;
/// Time between two samples.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(1);
/// After a change of the number of threads, so long no return to several.
const CALM: Duration = Duration::from_secs(5);

/// Says when to use several threads and when one.
#[derive(Debug)]
pub struct ThreadPolicy {
    /// Threads wanted while there are cores for them.
    wanted: usize,
    cores: usize,
    is_wide: bool,
    changed: Option<Instant>,
}

impl ThreadPolicy {
    /// For an engine that wants so many threads. Starts with all of them.
    pub fn new(wanted: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            wanted,
            cores,
            is_wide: true,
            changed: None,
        }
    }

    /// Whether several threads are in use, as far as the policy knows.
    pub fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// Whether to change now: `Some(true)` to several threads, `Some(false)` to one. To be
    /// asked before each batch; `others` samples how many threads of other processes run.
    pub fn change(&self, now: Instant, others: impl Fn() -> Option<usize>) -> Option<bool> {
        if self.wanted < 2 {
            return None;
        }
        let is_contended = |others: usize| others + self.wanted > self.cores;
        if self.is_wide {
            for sample in 0..SAMPLES {
                if sample > 0 {
                    std::thread::sleep(BETWEEN_SAMPLES);
                }
                if !is_contended(others()?) {
                    return None;
                }
            }
            return Some(false);
        }
        let is_calm = self
            .changed
            .is_none_or(|changed| now.duration_since(changed) >= CALM);
        (is_calm && !is_contended(others()?)).then_some(true)
    }

    /// Notes that the change was made (or tried: then the next try waits as well).
    pub fn changed(&mut self, is_wide: bool, now: Instant) {
        self.is_wide = is_wide;
        self.changed = Some(now);
    }
}

/// Threads of other processes that run or wait for a core at this moment. `None` where the
/// system does not tell (not Linux): then the number of threads never changes.
pub fn running_elsewhere() -> Option<usize> {
    // /proc/loadavg: three averages, then running/existing threads (man 5 proc).
    let average = fs::read_to_string("/proc/loadavg").ok()?;
    let running: usize = average
        .split_whitespace()
        .nth(3)?
        .split_once('/')?
        .0
        .parse()
        .ok()?;
    let own = fs::read_dir("/proc/self/task")
        .ok()?
        .flatten()
        .filter(|task| {
            fs::read_to_string(task.path().join("stat")).is_ok_and(|stat| is_running(&stat))
        })
        .count();
    Some(running.saturating_sub(own))
}

/// The state is the field after the name, which stands in parentheses and may hold any.
fn is_running(stat: &str) -> bool {
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('R'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn on_two_cores() -> ThreadPolicy {
        ThreadPolicy {
            cores: 2,
            ..ThreadPolicy::new(2)
        }
    }

    #[test]
    fn a_busy_neighbour_leaves_one_thread_and_its_end_gives_the_second_back() {
        let mut policy = on_two_cores();
        let start = Instant::now();
        assert_eq!(policy.change(start, || Some(0)), None);
        assert_eq!(policy.change(start, || Some(1)), Some(false));
        policy.changed(false, start);
        assert!(!policy.is_wide());
        assert_eq!(policy.change(start + CALM, || Some(1)), None, "still busy");
        assert_eq!(
            policy.change(start + CALM / 2, || Some(0)),
            None,
            "too early"
        );
        assert_eq!(policy.change(start + CALM, || Some(0)), Some(true));
    }

    #[test]
    fn a_burst_is_not_a_busy_neighbour() {
        let policy = on_two_cores();
        let samples = std::cell::Cell::new(0);
        let burst = || {
            samples.set(samples.get() + 1);
            Some(if samples.get() < SAMPLES { 1 } else { 0 })
        };
        assert_eq!(policy.change(Instant::now(), burst), None);
        assert_eq!(samples.get(), SAMPLES);
    }

    #[test]
    fn one_thread_or_an_unknown_load_never_changes() {
        let now = Instant::now();
        assert_eq!(ThreadPolicy::new(1).change(now, || Some(9)), None);
        assert_eq!(on_two_cores().change(now, || None), None);
    }

    #[test]
    fn a_spinning_process_is_seen() {
        let spin = || {
            std::process::Command::new("sh")
                .args(["-c", "while :; do :; done"])
                .spawn()
        };
        let mut others = [spin().unwrap(), spin().unwrap()];
        let deadline = Instant::now() + Duration::from_secs(10);
        let seen = loop {
            if running_elsewhere().is_some_and(|others| others >= 2) {
                break true;
            }
            if Instant::now() > deadline {
                break false;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        for other in &mut others {
            other.kill().unwrap();
            other.wait().unwrap();
        }
        assert!(seen);
    }

    #[test]
    fn a_thread_with_a_strange_name_has_its_state_read_right() {
        assert!(is_running("12 (a) R b) R 1 2"));
        assert!(!is_running("12 (a) R b) S 1 2"));
    }
}
