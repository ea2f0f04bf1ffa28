//! What was measured, as a table and as JSON.

use super::{stats::Summary, words::WordErrors};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _};

/// On what it was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// The compiler's flags.
    pub build: String,
    /// Model names and threads by engine.
    pub engines: BTreeMap<&'static str, String>,
}

/// Memory and idle CPU of one process.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    /// Which.
    pub name: &'static str,
    /// Peak resident memory, MiB.
    pub peak_mib: Option<f64>,
    /// CPU time while idle, percent of one core.
    pub idle_cpu_percent: Option<f64>,
    /// How often it was started again.
    pub restarts: u32,
}

/// How many coffee orders came out as they were spoken.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coffee {
    /// How far noise was below the speech, dB; `None`: as recorded.
    pub snr_db: Option<f32>,
    /// Recordings.
    pub orders: usize,
    /// The drink and every option as labelled, and nothing else.
    pub right: usize,
    /// The drink alone.
    pub drink_right: usize,
    /// Labelled options, and how many of them were in the cart.
    pub slots: usize,
    /// See `slots`.
    pub slots_right: usize,
    /// Those that came out wrong: file, transcript, what was missing.
    pub wrong: Vec<(String, String, String)>,
}

/// Everything measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// How often the conversation was replayed.
    pub runs: u16,
    /// ms by language ("en", "fr") and stage.
    pub stages_ms: BTreeMap<String, BTreeMap<&'static str, Summary>>,
    /// ms from end of speech to first audio by tier, endpointing excluded.
    pub first_audio_by_tier_ms: BTreeMap<&'static str, Summary>,
    /// Replays in which a turn had a problem.
    pub problems: Vec<String>,
    /// Catalog search, ms.
    pub search_ms: Option<Summary>,
    /// How many products the catalog had.
    pub products: usize,
    /// By process.
    pub processes: Vec<Process>,
    /// Word errors by folder name.
    pub words: BTreeMap<String, WordErrors>,
    /// Coffee orders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coffee: Vec<Coffee>,
    /// Folders that were asked for and are not there.
    pub absent: Vec<String>,
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        let m = &self.machine;
        let _ = writeln!(out, "{} ({} cores), build: {}", m.cpu, m.cores, m.build);
        for (engine, what) in &m.engines {
            let _ = writeln!(out, "  {engine}: {what}");
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["ms", "n", "median", "p95", "max"]);
        let mut row = |name: String, s: &Summary| {
            table.add_row([
                name,
                s.n.to_string(),
                format!("{:.1}", s.median),
                format!("{:.1}", s.p95),
                format!("{:.1}", s.max),
            ]);
        };
        for (language, stages) in &self.stages_ms {
            for (stage, summary) in stages {
                row(format!("{language} {stage}"), summary);
            }
        }
        for (tier, summary) in &self.first_audio_by_tier_ms {
            row(format!("first_audio, {tier}"), summary);
        }
        if let Some(s) = &self.search_ms {
            row(format!("search, {} products", self.products), s);
        }
        let _ = writeln!(out, "{} runs\n{table}", self.runs);
        for p in &self.processes {
            let number =
                |n: Option<f64>, unit: &str| n.map_or("-".to_owned(), |n| format!("{n:.1} {unit}"));
            let _ = writeln!(
                out,
                "{}: peak {}, idle CPU {}, restarts {}",
                p.name,
                number(p.peak_mib, "MiB"),
                number(p.idle_cpu_percent, "%"),
                p.restarts
            );
        }
        for (folder, w) in &self.words {
            let percent =
                |r: Option<f64>| r.map_or("-".to_owned(), |r| format!("{:.1} %", r * 100.0));
            let _ = writeln!(
                out,
                "{folder}: word error rate {} of {} words; product words missed {} of {}",
                percent(w.rate()),
                w.words,
                percent(w.product_rate()),
                w.product_words
            );
        }
        for c in &self.coffee {
            let at = c
                .snr_db
                .map_or("as recorded".to_owned(), |db| format!("noise at {db} dB"));
            let share = 100.0 * c.right as f32 / c.orders.max(1) as f32;
            let _ = writeln!(
                out,
                "coffee, {at}: {} of {} orders wholly right ({share:.1} %), drink right in {}, options right {} of {}",
                c.right, c.orders, c.drink_right, c.slots_right, c.slots
            );
        }
        for folder in &self.absent {
            let _ = writeln!(out, "not measured: {folder} is not there");
        }
        for problem in &self.problems {
            let _ = writeln!(out, "problem: {problem}");
        }
        out
    }
}

/// The processor's name and the build's flags.
#[must_use]
pub fn machine(engines: BTreeMap<&'static str, String>) -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines()
                .find(|l| l.starts_with("model name"))
                .and_then(|l| l.split(':').nth(1))
                .map(|name| name.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let features = [
        ("avx2", cfg!(target_feature = "avx2")),
        ("fma", cfg!(target_feature = "fma")),
        ("avx512f", cfg!(target_feature = "avx512f")),
    ];
    let on: Vec<&str> = features
        .iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| *name)
        .collect();
    Machine {
        cpu,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        build: format!(
            "RUSTFLAGS `{}`, {}",
            option_env!("RUSTFLAGS").unwrap_or_default(),
            if on.is_empty() {
                "baseline x86-64".to_owned()
            } else {
                on.join(" ")
            }
        ),
        engines,
    }
}
