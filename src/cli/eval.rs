//! `comptoir eval`: scenarios, each on a fresh shop.

use super::{
    Ending,
    args::{Eval, Global},
    hear::hear_file,
    output::{line, text},
};
use crate::{
    daemon::{
        Needs,
        shopfront::{Mind, Shopfront},
    },
    eval::{
        check::misses,
        report::{Outcome, Report},
        scenario::Scenario,
    },
    nlu,
    session::{Answer, turn::Turn},
    settings,
};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Runs the verb.
///
/// # Errors
/// When the scenarios cannot be read or the engines not started.
pub async fn run(args: &Eval, global: &Global) -> anyhow::Result<Ending> {
    if !args.nlu.is_empty() {
        return understanding(args, global).await;
    }
    let path = args
        .path
        .as_deref()
        .context("expected a folder of scenarios, found none")?;
    let mut scenarios = Scenario::read_all(path)?;
    if let Some(only) = &args.only {
        scenarios.retain(|s| s.name().contains(only.as_str()));
        anyhow::ensure!(
            !scenarios.is_empty(),
            "expected a scenario named like `{only}`, found none"
        );
    }
    let mut settings = super::settings(global)?;
    // The user's own shop is not touched, whatever a scenario buys.
    let scratch = crate::daemon::shopfront::Scratch::new()?;
    settings.data = scratch.path().join("engines");
    let front = Shopfront::open(settings, None, Needs::ALL).await?;
    let bar = ProgressBar::new(scenarios.len() as u64).with_style(
        ProgressStyle::with_template("{pos}/{len} {wide_msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut outcomes = Vec::new();
    for scenario in &scenarios {
        bar.set_message(scenario.name());
        outcomes.push(play(&front, scenario, scratch.path()).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    front.close().await;
    let report = Report::of(outcomes);
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&report)?))?;
    } else {
        text(format_args!("{}", report.table()))?;
    }
    if let Some(path) = &args.junit {
        report
            .write_junit(path)
            .with_context(|| format!("expected to write {}", path.display()))?;
    }
    Ok(if report.failed == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// The labelled sentences of these files.
///
/// # Errors
/// When a file cannot be read, or a line is none.
pub(super) fn sentences(paths: &[PathBuf]) -> anyhow::Result<Vec<nlu::eval::Line>> {
    let mut lines = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("expected sentences in {}", path.display()))?;
        // `dev.fr.jsonl` is French.
        let of_file = path
            .file_stem()
            .and_then(|n| n.to_str()?.rsplit('.').next()?.parse().ok());
        let mut read = nlu::eval::read(&text).with_context(|| path.display().to_string())?;
        read.iter_mut().for_each(|l| l.lang = l.lang.or(of_file));
        lines.append(&mut read);
    }
    Ok(lines)
}

/// Measures understanding on sentences with expected commands. It has no threshold: it tells.
async fn understanding(args: &Eval, global: &Global) -> anyhow::Result<Ending> {
    let lines = sentences(&args.nlu)?;
    if !args.compare.is_empty() {
        return compare(args, global, &lines).await;
    }
    let mind = Mind::open(&super::settings(global)?).await?;
    let report = nlu::eval::evaluate(&lines, None, &mind.interpreter()).await;
    mind.close().await;
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&report)?))?;
    } else {
        text(format_args!("{report}"))?;
    }
    Ok(Ending::Well)
}

/// The same sentences by several models, one after the other.
async fn compare(
    args: &Eval,
    global: &Global,
    lines: &[nlu::eval::Line],
) -> anyhow::Result<Ending> {
    let mut reports = Vec::new();
    for name in &args.compare {
        let mut settings = super::settings(global)?;
        let (profile, model) = name.split_once(':').unwrap_or((name, ""));
        settings.llm = settings::Llm {
            profile: serde_json::from_value(profile.into()).with_context(|| {
                format!("--compare {name}: expected small, standard, remote or none, or one of them with `:MODEL`")
            })?,
            model: model.to_owned(),
            adapter: String::new(),
            ..settings.llm
        };
        let mind = Mind::open(&settings).await?;
        let report = nlu::eval::evaluate(lines, None, &mind.interpreter()).await;
        mind.close().await;
        reports.push((name.clone(), report));
    }
    if args.json {
        let all: serde_json::Map<String, serde_json::Value> = reports
            .iter()
            .map(|(name, r)| Ok((name.clone(), serde_json::to_value(r)?)))
            .collect::<anyhow::Result<_>>()?;
        line(format_args!("{}", serde_json::to_string_pretty(&all)?))?;
    } else {
        line(format_args!("{}", nlu::eval::comparison(&reports)))?;
    }
    Ok(Ending::Well)
}

async fn play(front: &Shopfront, scenario: &Scenario, scratch: &Path) -> anyhow::Result<Outcome> {
    let at = Instant::now();
    let shop = scenario.shop.as_deref().map(|s| scenario.beside(s));
    let fresh = front
        .beside(&scratch.join(scenario.name()), shop.as_deref())
        .await?;
    let mut session = fresh.hearing(scenario.language);
    let mut turns: Vec<Turn> = Vec::new();
    let mut failed = Vec::new();
    for (i, expected) in scenario.turns.iter().enumerate() {
        let answers = match (&expected.audio, &expected.text) {
            (Some(audio), _) => {
                hear_file(&mut session, &scenario.beside(audio), &front.vad()).await
            }
            (None, text) => vec![session.read(text.as_deref().unwrap_or_default()).await],
        };
        let turn = join(answers);
        let mut wrong = misses(expected, &turn);
        wrong.extend(turn.problems.iter().cloned());
        failed.extend(wrong.into_iter().map(|m| (i + 1, m)));
        turns.push(turn);
    }
    Ok(Outcome {
        name: scenario.name(),
        about: scenario.about.clone(),
        turns,
        misses: failed,
        ms: at.elapsed().as_secs_f64() * 1000.0,
    })
}

/// A long recording holds several utterances: judged as one turn.
fn join(answers: Vec<Answer>) -> Turn {
    let mut turns = answers.into_iter().map(|a| a.turn);
    let Some(mut all) = turns.next() else {
        return Turn::new(crate::lang::Language::En);
    };
    for t in turns {
        for (to, from) in [
            (&mut all.transcript, &t.transcript),
            (&mut all.reply, &t.reply),
            (&mut all.speech, &t.speech),
        ] {
            to.push(' ');
            to.push_str(from);
        }
        all.commands.extend(t.commands);
        all.problems.extend(t.problems);
        (all.cart, all.cart_total_minor, all.orders) = (t.cart, t.cart_total_minor, t.orders);
    }
    all
}
