//! `comptoir bench --nlu`: how long understanding takes, sentence by sentence, with its context.

use super::{
    Ending,
    args::{Bench, Global},
    eval::sentences,
    output::line,
};
use crate::{
    bench::{memory, report, stats::Summary},
    daemon::shopfront::Mind,
    lang::Language,
    nlu::Utterance,
};
use anyhow::Context;
use serde::Serialize;
use std::{collections::BTreeMap, fmt, time::Instant};

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    machine: report::Machine,
    model: String,
    sentences: usize,
    runs: u16,
    /// By tier, and `all`.
    ms: BTreeMap<&'static str, Summary>,
    /// Whether the context was given to the model before the utterance was known.
    context_read_in_ahead: bool,
    /// Peak memory of the language model's process, MiB.
    peak_mib: Option<f64>,
}

/// Understands every sentence as often as asked.
///
/// # Errors
/// When the sentences cannot be read.
pub async fn run(args: &Bench, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let mut lines = sentences(&args.nlu)?;
    lines.truncate(args.limit.unwrap_or(usize::MAX));
    let mind = Mind::open(&settings).await?;
    let interpreter = mind.interpreter();
    let mut times: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    let bar = super::bench::bar(u64::from(args.runs) * lines.len() as u64);
    for _ in 0..args.runs {
        for sentence in &lines {
            let utterance = Utterance {
                text: &sentence.text,
                language: sentence.lang.unwrap_or(Language::En),
                context: &sentence.context,
            };
            let begun = Instant::now();
            let heard = interpreter.interpret(&utterance).await;
            let ms = begun.elapsed().as_secs_f64() * 1000.0;
            times.entry(heard.tier.name()).or_default().push(ms);
            times.entry("all").or_default().push(ms);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let model = settings.llm.model().to_owned();
    let report = Report {
        machine: report::machine(BTreeMap::from([(
            "llm",
            format!(
                "{model}, {} threads ({} for the prompt)",
                settings.llm.threads, settings.llm.batch_threads
            ),
        )])),
        model,
        sentences: lines.len(),
        runs: args.runs,
        ms: times
            .into_iter()
            .filter_map(|(tier, list)| Some((tier, Summary::of(list)?)))
            .collect(),
        context_read_in_ahead: false,
        peak_mib: mind.llm_pid().and_then(memory::peak_mib),
    };
    mind.close().await;
    if args.json {
        let json = serde_json::to_string_pretty(&report).context("the report as JSON")?;
        line(format_args!("{json}"))?;
    } else {
        line(format_args!("{report}"))?;
    }
    Ok(Ending::Well)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} on {} cores of {}; {}",
            self.model, self.machine.cores, self.machine.cpu, self.machine.build
        )?;
        writeln!(
            f,
            "{} sentences, {} runs; the context is read with the utterance, not ahead of it",
            self.sentences, self.runs
        )?;
        for (tier, ms) in &self.ms {
            writeln!(
                f,
                "{tier:>9}  median {:6.1} ms  p95 {:6.1}  max {:6.1}  ({} sentences)",
                ms.median, ms.p95, ms.max, ms.n
            )?;
        }
        match self.peak_mib {
            Some(mib) => write!(f, "peak memory of comptoir-llm {mib:.0} MiB"),
            None => write!(f, "peak memory of comptoir-llm not known here"),
        }
    }
}
