//! `comptoir bench --live`: the live daemon over a sound server of its own, in real time.

use super::{
    Ending,
    args::Bench,
    output::{line, text},
};
use crate::{
    bench::{
        demo, memory,
        room::{Kiosk, Room, Told},
        stats::Summary,
    },
    daemon::shopfront::Scratch,
    lang::Language,
};
use comfy_table::{Table, presets};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// How long the daemon is watched while nobody speaks.
const IDLE: Duration = Duration::from_secs(10);
/// A pause after each answer.
const PAUSE: Duration = Duration::from_millis(700);

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Live {
    /// End of speech to first audio, endpointing included, ms: all turns, by language and tier.
    first_audio_ms: BTreeMap<String, Summary>,
    /// Turns that were not taken.
    missed: usize,
    /// CPU of all processes while nobody speaks, percent of a core.
    idle_cpu_percent: f64,
    /// Resident memory of all processes, MiB.
    rss_mib: f64,
}

/// Runs the verb. Blocks.
///
/// # Errors
/// When PulseAudio, an engine or a model is missing.
pub fn run(args: &Bench) -> anyhow::Result<Ending> {
    let scratch = Scratch::new()?;
    let room = Room::new(scratch.path(), &std::env::current_exe()?)?;
    let mut samples: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut live = Live::default();
    for spoken in Language::ALL {
        let files = demo::write(spoken, scratch.path())?;
        let language = spoken.to_string();
        let mut kiosk = Kiosk::start(&room, &["--lang", &language])?;
        kiosk.talk()?;
        kiosk.speaks(false)?;
        for _ in 0..args.runs {
            for file in &files {
                room.say(file)?;
                match heard(&mut kiosk) {
                    Some((tier, ms)) => {
                        for key in ["all".to_owned(), language.clone(), tier] {
                            samples.entry(key).or_default().push(ms);
                        }
                    }
                    None => live.missed += 1,
                }
                std::thread::sleep(PAUSE);
            }
        }
        let pids = memory::family(kiosk.pid());
        let before = memory::cpu_seconds(&pids);
        std::thread::sleep(IDLE);
        let spent = memory::cpu_seconds(&pids) - before;
        live.idle_cpu_percent = live
            .idle_cpu_percent
            .max(100.0 * spent / IDLE.as_secs_f64());
        live.rss_mib = live
            .rss_mib
            .max(pids.iter().filter_map(|p| memory::rss_mib(*p)).sum());
    }
    live.first_audio_ms = samples
        .into_iter()
        .filter_map(|(key, all)| Some((key, Summary::of(all)?)))
        .collect();
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&live)?))?;
    } else {
        text(format_args!("{}", table(&live)))?;
    }
    Ok(if live.missed == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// The tier and time of the next answer; none when there is none.
fn heard(kiosk: &mut Kiosk) -> Option<(String, f64)> {
    let turn = kiosk.turn().ok()?;
    let tier = turn["tier"].as_str().unwrap_or("none").to_owned();
    let ms = kiosk
        .until(Duration::from_secs(10), "first audio", |t| match t {
            Told::FirstAudio(ms) => Some(*ms),
            _ => None,
        })
        .ok()?;
    kiosk.speaks(false).ok()?;
    Some((tier, ms))
}

fn table(live: &Live) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "end of speech to first audio, ms",
        "n",
        "median",
        "p95",
        "max",
    ]);
    for (key, s) in &live.first_audio_ms {
        let number = |n: f64| format!("{n:.0}");
        table.add_row([
            key.clone(),
            s.n.to_string(),
            number(s.median),
            number(s.p95),
            number(s.max),
        ]);
    }
    format!(
        "{table}\nmissed turns {}; idle {:.1} % of a core; memory of all processes {:.0} MiB\n",
        live.missed, live.idle_cpu_percent, live.rss_mib
    )
}
