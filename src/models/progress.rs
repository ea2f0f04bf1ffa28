//! What a fetch shows while it works: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A plain line at most this often per file.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    bars: Option<MultiProgress>,
    lines: bool,
}

impl Progress {
    /// Bars if stderr is a terminal, else plain lines on stderr.
    pub fn on_stderr() -> Self {
        if stderr().is_terminal() {
            Self {
                bars: Some(MultiProgress::new()),
                lines: false,
            }
        } else {
            Self {
                bars: None,
                lines: true,
            }
        }
    }

    /// Nothing at all.
    pub fn silent() -> Self {
        Self {
            bars: None,
            lines: false,
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => drop(bars.println(text)),
            None if self.lines => eprintln!("{text}"),
            None => {}
        }
    }

    /// A line where there are no bars to say the same.
    pub fn plain_line(&self, text: &str) {
        if self.lines {
            eprintln!("{text}");
        }
    }

    /// A meter for one file of `size` bytes.
    pub fn meter(&self, name: &str, size: u64) -> Meter {
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
        let bar = match &self.bars {
            Some(bars) => bars.add(bar),
            None => bar,
        };
        let style = ProgressStyle::with_template(
            "{prefix:32!} {bar:24} {decimal_bytes:>10}/{decimal_total_bytes:10} {decimal_bytes_per_sec:>12} {eta:>4}  {msg}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Meter {
            bar,
            name: name.to_owned(),
            size,
            lines: self.lines,
            last: Mutex::new(Instant::now()),
        }
    }
}

/// Progress of one file.
#[derive(Debug)]
pub struct Meter {
    bar: ProgressBar,
    name: String,
    size: u64,
    lines: bool,
    last: Mutex<Instant>,
}

impl Meter {
    /// `bytes` more have come.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        if !self.lines {
            return;
        }
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let percent = self.bar.position().min(self.size) * 100 / self.size.max(1);
            eprintln!("  {}: {percent} % of {}", self.name, megabytes(self.size));
        }
    }

    /// `bytes` were thrown away.
    pub fn retreat(&self, bytes: u64) {
        self.bar
            .set_position(self.bar.position().saturating_sub(bytes));
    }

    /// Nothing has come yet (from this source).
    pub fn restart(&self) {
        self.bar.set_position(0);
    }

    /// What is being done, beside the bar.
    pub fn says(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// The file is done: the bar goes.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// A size for people: megabytes (10^6 bytes) as disks and registries count them.
pub fn megabytes(bytes: u64) -> String {
    if bytes < 100_000 {
        format!("{:.1} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}
