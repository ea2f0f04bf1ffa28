//! `comptoir bench`: the whole path, many times, and what each stage took.

use super::{
    Ending,
    args::{Bench, Global},
    hear::hear_file,
    output::{line, text},
    transcribe::lines,
};
use crate::{
    bench::{
        demo, memory,
        report::{self, Process, Report},
        stats::Summary,
        words::{self, WordErrors},
    },
    daemon::{
        Needs,
        shopfront::{Scratch, Shopfront},
        voices::Ears,
    },
    dialogue::{Effect, Event, event::RequestId},
    lang::Language,
    nlu::slot::Price,
    session::turn::Turn,
    shop::{product::Product, search::SearchQuery},
};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long the workers are watched for idle CPU.
const IDLE: Duration = Duration::from_secs(3);

/// Runs the verb.
///
/// # Errors
/// When it cannot be begun, or a labels file cannot be read.
pub async fn run(args: &Bench, global: &Global) -> anyhow::Result<Ending> {
    if !args.nlu.is_empty() {
        return super::bench_nlu::run(args, global).await;
    }
    if let Some(products) = args.shop {
        return super::bench_shop::run(products, args.json).await;
    }
    #[cfg(feature = "audio")]
    if let Some(turns) = args.soak {
        return super::bench_soak::run(turns as usize, args.json, global).await;
    }
    #[cfg(feature = "audio")]
    if args.room {
        return super::bench_room::run(args, global).await;
    }
    #[cfg(feature = "audio")]
    if args.live {
        let args = args.clone();
        return tokio::task::spawn_blocking(move || super::bench_live::run(&args)).await?;
    }
    let mut settings = super::settings(global)?;
    let scratch = Scratch::new()?;
    settings.data = scratch.path().join("engines");
    let front = Shopfront::open(settings, None, Needs::ALL).await?;

    let conversations = conversations(args, scratch.path())?;
    let mut turns: Vec<(Language, Turn)> = Vec::new();
    let total = u64::from(args.runs)
        * conversations
            .iter()
            .map(|(_, f)| f.len() as u64)
            .sum::<u64>();
    let bar = bar(total);
    for run in 0..args.runs {
        for (i, (language, files)) in conversations.iter().enumerate() {
            let fresh = front
                .beside(&scratch.path().join(format!("{run}-{i}")), None)
                .await?;
            let mut session = fresh.hearing(*language);
            for file in files {
                let answers = hear_file(&mut session, file, &front.vad()).await;
                turns.extend(answers.into_iter().map(|a| (a.turn.language, a.turn)));
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();

    let catalog = catalog(&front).await;
    let mut report = Report {
        machine: report::machine(engines(&front)),
        runs: args.runs,
        stages_ms: stages(&turns),
        first_audio_by_tier_ms: by_tier(&turns),
        problems: turns.iter().flat_map(|(_, t)| t.problems.clone()).collect(),
        search_ms: search(&front, &catalog).await,
        products: catalog.len(),
        processes: Vec::new(),
        words: BTreeMap::new(),
        coffee: Vec::new(),
        absent: Vec::new(),
    };
    for folder in &args.transcripts {
        if folder.is_dir() {
            let name = folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            report.words.insert(
                name,
                word_errors(&front, folder, args.limit, &catalog).await?,
            );
        } else {
            report.absent.push(folder.display().to_string());
        }
    }
    if let Some(folder) = &args.coffee {
        if folder.is_dir() {
            report.coffee =
                super::bench_coffee::run(&front, (folder, args), scratch.path(), &catalog).await?;
        } else {
            report.absent.push(folder.display().to_string());
        }
    }
    report.processes = processes(&front).await;
    front.close().await;
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&report)?))?;
    } else {
        text(format_args!("{}", report.table()))?;
    }
    Ok(if report.problems.is_empty() {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// A progress bar of so many steps.
pub(super) fn bar(length: u64) -> ProgressBar {
    ProgressBar::new(length).with_style(
        ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed} left {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

/// The recordings to replay: the given ones as one conversation, or the demo's two.
fn conversations(
    args: &Bench,
    scratch: &Path,
) -> anyhow::Result<Vec<(Option<Language>, Vec<PathBuf>)>> {
    if !args.files.is_empty() {
        return Ok(vec![(None, args.files.clone())]);
    }
    let mut out = Vec::new();
    for language in Language::ALL {
        let folder = scratch.join(format!("demo-{language}"));
        out.push((Some(language), demo::write(language, &folder)?));
    }
    Ok(out)
}

fn stages(turns: &[(Language, Turn)]) -> BTreeMap<String, BTreeMap<&'static str, Summary>> {
    let mut series: BTreeMap<String, BTreeMap<&'static str, Vec<f64>>> = BTreeMap::new();
    for (language, turn) in turns {
        let of_language = series.entry(language.to_string()).or_default();
        for (stage, ms) in turn.timings_ms.stages() {
            of_language.entry(stage).or_default().extend(ms);
        }
    }
    series
        .into_iter()
        .map(|(language, stages)| {
            let stages = stages
                .into_iter()
                .filter_map(|(stage, ms)| Some((stage, Summary::of(ms)?)))
                .collect();
            (language, stages)
        })
        .collect()
}

fn by_tier(turns: &[(Language, Turn)]) -> BTreeMap<&'static str, Summary> {
    let mut series: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for (_, turn) in turns {
        if let (Some(tier), Some(ms)) = (turn.tier, turn.timings_ms.first_audio) {
            series.entry(tier.name()).or_default().push(ms);
        }
    }
    series
        .into_iter()
        .filter_map(|(tier, ms)| Some((tier, Summary::of(ms)?)))
        .collect()
}

fn engines(front: &Shopfront) -> BTreeMap<&'static str, String> {
    let s = front.settings();
    let where_or = |uri: &str, what: String| if uri.is_empty() { what } else { uri.to_owned() };
    let voices: Vec<String> = s
        .tts
        .voices
        .iter()
        .map(|(l, v)| format!("{l} {v}"))
        .collect();
    [
        (
            "stt",
            where_or(
                &s.stt.uri,
                format!("{}, {} threads", s.stt.model, s.stt.threads),
            ),
        ),
        (
            "llm",
            where_or(
                &s.llm.url,
                format!(
                    "{}, {} threads ({} for the prompt)",
                    s.llm.model(),
                    s.llm.threads,
                    s.llm.batch_threads
                ),
            ),
        ),
        (
            "tts",
            where_or(
                &s.tts.uri,
                format!("{}, {} threads", voices.join(", "), s.tts.threads),
            ),
        ),
    ]
    .into()
}

async fn ask_search(front: &Shopfront, query: SearchQuery) -> Vec<Product> {
    let effect = Effect::Search {
        request: RequestId(0),
        query,
    };
    match front.desk().ask(effect, Timestamp::now()).await {
        Some(Event::Found {
            found: Some(found), ..
        }) => found.hits.into_iter().map(|h| h.product).collect(),
        _ => Vec::new(),
    }
}

/// Every product of the catalog, in English.
async fn catalog(front: &Shopfront) -> Vec<Product> {
    let mut out = Vec::new();
    loop {
        let page = SearchQuery {
            // A search for nothing finds nothing: a filter that every product passes.
            min_price: Some(Price::from_minor(0)),
            offset: out.len(),
            ..SearchQuery::words(Language::En, "", 100)
        };
        let more = ask_search(front, page).await;
        if more.is_empty() || out.len() > 100_000 {
            return out;
        }
        out.extend(more);
    }
}

/// Searches each product by its own title, in both languages, and by its title's beginning.
async fn search(front: &Shopfront, catalog: &[Product]) -> Option<Summary> {
    let mut series = Vec::new();
    for product in catalog.iter().take(300) {
        let first: String = product
            .title
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        for (language, text) in [
            (Language::En, product.title.as_str()),
            (Language::Fr, &product.title),
            (Language::En, &first),
        ] {
            let at = Instant::now();
            ask_search(front, SearchQuery::words(language, text, 10)).await;
            series.push(at.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Summary::of(series)
}

async fn processes(front: &Shopfront) -> Vec<Process> {
    let engines = front.engines();
    let list = [
        ("comptoir", Some(std::process::id()), 0),
        ("comptoir-stt", engines.stt.pid(), engines.stt.restarts()),
        ("comptoir-llm", engines.llm.pid(), engines.llm.restarts()),
        ("comptoir-tts", engines.tts.pid(), engines.tts.restarts()),
    ];
    let ticks = |list: &[(&'static str, Option<u32>, u32)]| -> Vec<Option<u64>> {
        list.iter()
            .map(|(_, pid, _)| pid.and_then(memory::cpu_ticks))
            .collect()
    };
    let before = ticks(&list);
    tokio::time::sleep(IDLE).await;
    let after = ticks(&list);
    list.iter()
        .zip(before.iter().zip(&after))
        .map(|((name, pid, restarts), (before, after))| Process {
            name,
            peak_mib: pid.and_then(memory::peak_mib),
            // A tick is 10 ms.
            idle_cpu_percent: before
                .zip(*after)
                .map(|(b, a)| a.saturating_sub(b) as f64 / IDLE.as_secs_f64()),
            restarts: *restarts,
        })
        .collect()
}

pub(super) fn recordings(
    folder: &Path,
    labels: &str,
    limit: Option<usize>,
) -> anyhow::Result<(String, usize)> {
    let path = folder.join(labels);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("expected labels in {}", path.display()))?;
    Ok((text, limit.unwrap_or(usize::MAX)))
}

async fn word_errors(
    front: &Shopfront,
    folder: &Path,
    limit: Option<usize>,
    catalog: &[Product],
) -> anyhow::Result<WordErrors> {
    let (text, limit) = recordings(folder, "transcripts.json", limit)?;
    let said: BTreeMap<String, String> = serde_json::from_str(&text)?;
    let language = folder
        .file_name()
        .and_then(|n| n.to_str()?.rsplit('-').next()?.parse().ok());
    let names: HashSet<String> = catalog
        .iter()
        .flat_map(|p| words::words(&p.title))
        .filter(|w| w.chars().count() > 3)
        .collect();
    let ears = Ears::of(front.shared_engines());
    let deadline = Duration::from_millis(front.settings().stt.deadline_ms);
    let mut errors = WordErrors::default();
    let bar = bar(said.len().min(limit) as u64);
    for (file, said) in said.iter().take(limit) {
        let heard = lines(
            &ears,
            &folder.join(file),
            &front.vad(),
            language,
            None,
            deadline,
        )
        .await;
        let written: Vec<&str> = heard.iter().map(|l| l.text.as_str()).collect();
        errors.add(said, &written.join(" "), &names);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(errors)
}
