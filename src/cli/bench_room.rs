//! `comptoir bench --room`: the live daemon in a simulated room.

use super::{
    Ending,
    args::{Bench, Global, Trial},
    output::{line, text},
};
use crate::{
    bench::{
        demo,
        trials::{self, Bystanders, Conversation, Interruptions, Noises},
    },
    daemon::{
        Needs,
        shopfront::{Scratch, Shopfront},
    },
    lang::Language,
};
use clap::ValueEnum as _;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How far into a reply it is interrupted, ms.
const INTO_MS: [u64; 3] = [300, 1500, 3500];
/// Noises tried in a language.
const NOISES: usize = 25;

#[derive(Debug, Default, Serialize)]
struct Room {
    conversations: BTreeMap<String, Conversation>,
    conversations_with_people_around: BTreeMap<String, Conversation>,
    interruptions: BTreeMap<String, Interruptions>,
    noises: BTreeMap<String, Noises>,
    bystanders: BTreeMap<String, Bystanders>,
}

/// Runs the verb.
///
/// # Errors
/// When an engine or a model is missing, or the daemon does not go on.
pub async fn run(args: &Bench, global: &Global) -> anyhow::Result<Ending> {
    let scratch = Scratch::new()?;
    let mut settings = super::settings(global)?;
    settings.data = scratch.path().join("shop");
    let front = Shopfront::open(settings, None, Needs::ALL).await?;
    let mut room = Room::default();
    let wanted = |trial| args.trials.is_empty() || args.trials.contains(&trial);
    let count = Trial::value_variants()
        .iter()
        .filter(|t| wanted(**t))
        .count();
    let bar = ProgressBar::new(2 * count as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    let told = |what: &dyn std::fmt::Debug| {
        tracing::info!("{what:?}");
        bar.inc(1);
    };
    let files = |language| demo::write(language, scratch.path());
    for language in Language::ALL {
        let name = language.to_string();
        let mine = files(language)?;
        let others = files(if language == Language::En {
            Language::Fr
        } else {
            Language::En
        })?;
        let said: Vec<(PathBuf, &str)> =
            mine.iter().cloned().zip(trials::meant(language)).collect();
        // Twenty turns and more in both languages.
        let twice = [said.clone(), said.clone()].concat();
        if wanted(Trial::Echo) {
            bar.set_message(format!("{name}: an order over its own echo"));
            let c = trials::conversation(&front, language, &twice, &[]).await?;
            told(&c);
            room.conversations.insert(name.clone(), c);
        }
        if wanted(Trial::Cafe) {
            bar.set_message(format!("{name}: the same with people around"));
            let c = trials::conversation(&front, language, &said, &others).await?;
            told(&c);
            room.conversations_with_people_around
                .insert(name.clone(), c);
        }
        if wanted(Trial::Interruptions) {
            bar.set_message(format!("{name}: interruptions"));
            let i = trials::interruptions(&front, language, &mine[0], &said[1..4], &INTO_MS);
            let i = i.await?;
            told(&i);
            room.interruptions.insert(name.clone(), i);
        }
        if wanted(Trial::Noises) {
            bar.set_message(format!("{name}: noises"));
            let n = trials::noises(&front, language, &mine[0], NOISES).await?;
            told(&n);
            room.noises.insert(name.clone(), n);
        }
        if let Some(folder) = args
            .bystanders
            .as_ref()
            .filter(|_| wanted(Trial::Bystanders))
        {
            let mut said = of(folder, &name)?;
            said.truncate(args.limit.unwrap_or(usize::MAX));
            bar.set_message(format!("{name}: bystanders"));
            let b = trials::bystanders(&front, language, &said).await?;
            told(&b);
            room.bystanders.insert(name, b);
        }
    }
    bar.finish_and_clear();
    front.close().await;
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&room)?))?;
    } else {
        text(format_args!("{}", table(&room)))?;
    }
    Ok(Ending::Well)
}

/// The recordings of a language in a folder, by name.
fn of(folder: &Path, language: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{language}-")) {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn table(room: &Room) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["trial", "language", "n", "result"]);
    let mut notes = Vec::new();
    for (name, all) in [
        ("order over its own echo", &room.conversations),
        (
            "the same, people around",
            &room.conversations_with_people_around,
        ),
    ] {
        for (language, c) in all {
            table.add_row([
                name.to_owned(),
                language.clone(),
                c.turns.to_string(),
                format!(
                    "{} understood, {} own turns, held {} times for nothing",
                    c.turns - c.misheard.len(),
                    c.own_turns.len(),
                    c.held
                ),
            ]);
            notes.extend(c.misheard.iter().chain(&c.own_turns).cloned());
        }
    }
    for (language, i) in &room.interruptions {
        let duck = i.duck_ms.map_or_else(
            || "never quieter".to_owned(),
            |s| format!("quieter after {:.0} ms (p95 {:.0})", s.median, s.p95),
        );
        table.add_row([
            "interrupted".to_owned(),
            language.clone(),
            i.tried.to_string(),
            format!("{} understood, {duck}", i.understood),
        ]);
        notes.extend(i.misheard.iter().cloned());
    }
    for (language, n) in &room.noises {
        table.add_row([
            "noises".to_owned(),
            language.clone(),
            n.tried.to_string(),
            format!(
                "gave way {} times, {} turns",
                n.gave_way.len(),
                n.turns.len()
            ),
        ]);
        notes.extend(n.gave_way.iter().map(|kind| format!("gave way: {kind}")));
        notes.extend(n.turns.iter().cloned());
    }
    for (language, b) in &room.bystanders {
        table.add_row([
            "bystanders".to_owned(),
            language.clone(),
            b.tried.to_string(),
            format!("{} ignored", b.tried - b.answered.len()),
        ]);
        notes.extend(b.answered.iter().cloned());
    }
    format!("{table}\n{}\n", notes.join("\n"))
}
