//! `comptoir doctor`: what is present, what is missing, what to do.

use super::{
    Ending,
    args::{Doctor, Global},
    output::{Palette, line},
};
use crate::{
    audio::devices,
    daemon::{
        Engines, Needs,
        launch::{self, Weights},
        shopfront,
    },
    models::{FileState, Manifest, ModelStore, manifest::this_platform},
    settings::{LlmProfile, Settings},
    shop::store::Store,
    sync::client::BackendClient,
};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

/// How a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// As it should be.
    Good,
    /// It works without, with less.
    Less,
    /// It does not work without.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What.
    pub what: String,
    /// How it weighs.
    pub weight: Weight,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

fn good(what: impl Into<String>, found: impl Into<String>) -> Finding {
    Finding {
        what: what.into(),
        weight: Weight::Good,
        found: found.into(),
        todo: None,
    }
}

fn bad(
    weight: Weight,
    what: impl Into<String>,
    found: impl Into<String>,
    todo: impl Into<String>,
) -> Finding {
    Finding {
        what: what.into(),
        weight,
        found: found.into(),
        todo: Some(todo.into()),
    }
}

/// Runs the verb.
///
/// # Errors
/// When the settings cannot be read.
pub async fn run(args: &Doctor, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let mut findings = vec![good("settings", describe(&settings))];
    findings.extend(machine());
    findings.extend(programs());
    findings.extend(models(&settings));
    findings.push(data(&settings));
    findings.push(shop(&settings).await);
    findings.extend(outbox(&settings).await);
    findings.extend(sound());
    if args.start {
        findings.extend(start(&settings).await);
    }
    let missing = findings.iter().any(|f| f.weight == Weight::Missing);
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&findings)?))?;
    } else {
        let p = Palette::default();
        for f in &findings {
            let (style, mark) = match f.weight {
                Weight::Good => (p.reply, "good   "),
                Weight::Less => (p.shopper, "less   "),
                Weight::Missing => (p.problem, "MISSING"),
            };
            line(format_args!(
                "{style}{mark}{style:#}  {:<18} {}",
                f.what, f.found
            ))?;
            if let Some(todo) = &f.todo {
                line(format_args!("         {:<18} -> {todo}", ""))?;
            }
        }
        if !args.start {
            line(format_args!(
                "`comptoir doctor --start` also starts every worker"
            ))?;
        }
    }
    Ok(if missing {
        Ending::SomethingFailed
    } else {
        Ending::Well
    })
}

fn describe(s: &Settings) -> String {
    let languages: Vec<_> = s.languages.iter().map(|l| l.code()).collect();
    format!(
        "languages {}, llm profile {:?}",
        languages.join(" and "),
        s.llm.profile
    )
    .to_lowercase()
}

fn machine() -> Vec<Finding> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut out = vec![if cores >= 2 {
        good("processor", format!("{cores} cores"))
    } else {
        bad(
            Weight::Less,
            "processor",
            "1 core",
            "answers take twice as long as on two",
        )
    }];
    #[cfg(target_arch = "x86_64")]
    out.push(
        match (
            std::arch::is_x86_feature_detected!("avx2"),
            cfg!(target_feature = "avx2"),
        ) {
            (true, true) => good("instructions", "AVX2, and built for it"),
            (true, false) => bad(
                Weight::Less,
                "instructions",
                "AVX2, but this build does not use it",
                "build with scripts/demo, or RUSTFLAGS=\"-C target-cpu=x86-64-v3\"",
            ),
            (false, _) => bad(
                Weight::Less,
                "instructions",
                "no AVX2",
                "answers will be slow",
            ),
        },
    );
    let free = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
            line.split_whitespace()
                .nth(1)?
                .parse::<u64>()
                .ok()
                .map(|kib| kib / 1024)
        });
    out.extend(free.map(|mib| {
        if mib >= 2500 {
            good("memory", format!("{mib} MiB free"))
        } else {
            bad(
                Weight::Less,
                "memory",
                format!("{mib} MiB free"),
                "the standard profile wants 2500 MiB; close other programs",
            )
        }
    }));
    out
}

fn programs() -> Vec<Finding> {
    let folder = launch::programs();
    ["comptoir-stt", "comptoir-llm", "comptoir-tts"]
        .into_iter()
        .map(|name| {
            if folder.join(name).is_file() {
                good(name, folder.join(name).display().to_string())
            } else {
                bad(
                    Weight::Missing,
                    name,
                    format!("not in {}", folder.display()),
                    "cargo build --release --bins, or set COMPTOIR_WORKERS to its folder",
                )
            }
        })
        .collect()
}

/// The models that these settings ask for, with what they require.
fn models(settings: &Settings) -> Vec<Finding> {
    let todo = "comptoir models fetch";
    let (manifest, weights) = match (Manifest::embedded(), Weights::of(settings)) {
        (Ok(m), Ok(w)) => (m, w),
        (Err(e), _) | (_, Err(e)) => {
            return vec![bad(Weight::Missing, "models", e.to_string(), todo)];
        }
    };
    let store = ModelStore::at(weights.folder());
    let mut names = BTreeSet::new();
    if settings.stt.uri.is_empty() {
        names.insert(settings.stt.model.clone());
    }
    if settings.llm.url.is_empty() && settings.llm.profile != LlmProfile::None {
        names.insert(settings.llm.model().to_owned());
    }
    if settings.tts.uri.is_empty() {
        for language in &settings.languages {
            names.extend(settings.tts.voices.get(language).cloned());
        }
    }
    let platform = this_platform();
    let mut out = Vec::new();
    for name in names {
        let Ok(model) = manifest.get(&name) else {
            out.push(match weights.file("model", &name) {
                Ok(path) => good(name, path.display().to_string()),
                Err(e) if name.starts_with("kokoro:") => good(name, e.to_string()),
                Err(e) => bad(Weight::Missing, name, e.to_string(), todo),
            });
            continue;
        };
        for m in manifest.with_required(vec![model], &platform) {
            let wrong = m.files.iter().find_map(|f| match store.state(f) {
                FileState::Missing => Some(format!("{} is not there", store.path_of(f).display())),
                FileState::WrongSize(n) => {
                    Some(format!("{} has {n} bytes, expected {}", f.name, f.size))
                }
                FileState::Unverified | FileState::Verified => None,
            });
            if out.iter().any(|f: &Finding| f.what == m.id) {
                continue;
            }
            out.push(match (wrong, weights.file("model", &m.id)) {
                (Some(wrong), _) => bad(Weight::Missing, &m.id, wrong, todo),
                (None, Err(e)) => bad(
                    Weight::Missing,
                    &m.id,
                    e.to_string(),
                    "choose another model",
                ),
                (None, Ok(_)) => good(&m.id, crate::models::licence::sentence(m)),
            });
        }
    }
    out
}

fn data(settings: &Settings) -> Finding {
    let folder = settings.data_folder();
    match writable(&folder) {
        Ok(()) => good("data folder", folder.display().to_string()),
        Err(e) => bad(
            Weight::Missing,
            "data folder",
            format!("{}: {e}", folder.display()),
            "make it writable, or name another with --data",
        ),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(".doctor");
    std::fs::write(&probe, b"x")?;
    std::fs::remove_file(probe)
}

async fn shop(settings: &Settings) -> Finding {
    match shopfront::products(settings).await {
        Ok(0) => bad(
            Weight::Less,
            "catalog",
            "no products",
            "the sample shop is loaded on first use; `comptoir catalog import FEED` takes yours",
        ),
        Ok(n) => good("catalog", format!("{n} products")),
        Err(e) => bad(
            Weight::Missing,
            "catalog",
            e.to_string(),
            "comptoir catalog import FEED",
        ),
    }
}

/// Whether the shop's backend answers, and what it does not have yet.
async fn outbox(settings: &Settings) -> Vec<Finding> {
    let what = "backend";
    if !settings.backend.is_set() {
        return Vec::new();
    }
    let mut out = vec![match BackendClient::new(&settings.backend) {
        Err(e) => bad(
            Weight::Missing,
            what,
            e.to_string(),
            "see [backend] in `comptoir settings --example`",
        ),
        Ok(client) => match client.ping(Timestamp::now()).await {
            Ok(()) => good(what, settings.backend.url.clone()),
            Err(e) => bad(
                Weight::Less,
                what,
                format!("{}: {e}", settings.backend.url),
                "orders wait here until it answers; see that it runs, knows this terminal and \
                 its secret, and that the clocks agree",
            ),
        },
    }];
    let data = settings.data_folder();
    let summary = tokio::task::spawn_blocking(move || Store::open(&data)?.outbox_summary()).await;
    out.push(match summary {
        Ok(Ok(s)) if s.dead > 0 => bad(
            Weight::Less,
            "outbox",
            format!("{} waiting, {} refused by the backend", s.waiting, s.dead),
            "comptoir outbox list --dead",
        ),
        Ok(Ok(s)) => {
            let since = s.oldest.filter(|_| s.waiting > 0);
            let since = since.map(|at| format!(", the oldest since {}", at.strftime("%F %R UTC")));
            good(
                "outbox",
                format!("{} waiting{}", s.waiting, since.unwrap_or_default()),
            )
        }
        Ok(Err(e)) => bad(Weight::Missing, "outbox", e.to_string(), "see above"),
        Err(e) => bad(Weight::Missing, "outbox", e.to_string(), "see above"),
    });
    out
}

fn sound() -> Vec<Finding> {
    let devices = devices::list();
    [
        (
            "microphone",
            devices.inputs.len(),
            "connect one, or start the sound server, for `run`; `hear` works without",
        ),
        (
            "loudspeaker",
            devices.outputs.len(),
            "connect one, or start the sound server, for `run` and `say`; --out works without",
        ),
    ]
    .map(|(what, count, todo)| match count {
        0 => bad(Weight::Less, what, "none found", todo),
        n => good(what, format!("{n} found; `comptoir devices` lists them")),
    })
    .into()
}

async fn start(settings: &Settings) -> Vec<Finding> {
    let at = Instant::now();
    let engines = match Engines::start(settings, Needs::ALL, false).await {
        Ok(engines) => engines,
        Err(e) => return vec![bad(Weight::Missing, "workers", e.to_string(), "see above")],
    };
    let mut out = Vec::new();
    for (name, endpoint) in [
        ("comptoir-stt", &engines.stt),
        ("comptoir-llm", &engines.llm),
        ("comptoir-tts", &engines.tts),
    ] {
        out.push(match endpoint.uri(Duration::from_secs(60)).await {
            Ok(uri) => good(
                format!("{name} runs"),
                format!("{uri}, ready after {:.1} s", at.elapsed().as_secs_f64()),
            ),
            Err(e) => bad(
                Weight::Missing,
                format!("{name} runs"),
                e.to_string(),
                "see above",
            ),
        });
    }
    engines.stop().await;
    out
}
