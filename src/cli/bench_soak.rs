//! `comptoir bench --soak`: the live daemon for a long time.

use super::{
    Ending,
    args::Global,
    output::{line, text},
};
use crate::{
    bench::{
        demo,
        soak::{self, Soak},
    },
    daemon::{
        Needs,
        shopfront::{Scratch, Shopfront},
    },
    lang::Language,
};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// More than this at the end is growth: memory, handles, and the time of a turn, which on a
/// machine that does other things too varies by itself.
const GROWTH: (f64, f64, f64) = (1.05, 1.05, 1.5);

/// Runs the verb.
///
/// # Errors
/// When an engine or a model is missing, or the daemon does not go on.
pub async fn run(turns: usize, json: bool, global: &Global) -> anyhow::Result<Ending> {
    let scratch = Scratch::new()?;
    let mut settings = super::settings(global)?;
    settings.data = scratch.path().join("shop");
    let front = Shopfront::open(settings, None, Needs::ALL).await?;
    let conversations: Result<Vec<_>, _> = Language::ALL
        .iter()
        .map(|l| Ok::<_, std::io::Error>((*l, demo::write(*l, scratch.path())?)))
        .collect();
    let bar = ProgressBar::new(turns as u64);
    bar.set_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} turns, {eta} left",
    )?);
    let told = |done: usize| bar.set_position(done as u64);
    let soak = soak::run(&front, &conversations?, turns, told).await?;
    bar.finish_and_clear();
    front.close().await;
    if json {
        line(format_args!("{}", serde_json::to_string_pretty(&soak)?))?;
    } else {
        text(format_args!("{}", table(&soak)))?;
    }
    let steady = soak.growth().is_some_and(|(memory, handles, time)| {
        memory <= GROWTH.0 && handles <= GROWTH.1 && time <= GROWTH.2
    });
    Ok(if steady && soak.missed == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

fn table(soak: &Soak) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["turns", "memory, MiB", "file handles", "a turn, ms", "p95"]);
    for s in &soak.stretches {
        let (median, p95) = s.turn_ms.map_or((0.0, 0.0), |t| (t.median, t.p95));
        table.add_row([
            s.turns.to_string(),
            format!("{:.0}", s.rss_mib),
            s.handles.to_string(),
            format!("{median:.0}"),
            format!("{p95:.0}"),
        ]);
    }
    let growth = soak
        .growth()
        .map_or_else(String::new, |(memory, handles, time)| {
            format!("; the last against the middle: memory x {memory:.2}, handles x {handles:.2}, time x {time:.2}")
        });
    format!(
        "{table}\n{} turns in {} sessions, {} missed{growth}\n",
        soak.turns, soak.sessions, soak.missed
    )
}
