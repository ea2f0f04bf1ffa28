//! `catalog sync`, `catalog status` and `catalog patch`.

use super::{CatalogError, Surroundings, answer::write_json};
use crate::{
    shop::{
        feed::{FeedError, Issue, read_patches},
        load::told_currency,
        store::{PatchReport, Store},
    },
    sync::catalog::{self, Progress, SourceStatus, Wanted, age_of},
};
use clap::Args;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// Options of `catalog sync`.
#[derive(Debug, Args)]
pub struct Sync {
    /// Ask only for this source; the others' copies stay
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Remove what is in no feed any more, however much it is
    #[arg(long)]
    allow_removals: bool,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

/// Options of `catalog status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Options of `catalog patch`.
#[derive(Debug, Args)]
pub struct Patch {
    /// TSV with a header, or JSON lines: id, price, sale_price, quantity, availability, at; `-`
    /// is stdin
    file: PathBuf,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn sync(
    args: &Sync,
    here: &Surroundings<'_>,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let wanted = Wanted {
        sources: args.source.clone(),
        allow_removals: args.allow_removals,
        ..Wanted::default()
    };
    let bar = Bar::begin();
    let clock = (here.now, here.random);
    let report = catalog::sync(here.data, here.settings, &wanted, clock, &mut |p| {
        bar.show(p)
    });
    bar.end();
    let report = report?;
    if args.json {
        write_json(out, &report)?;
        return Ok(report.is_well());
    }
    for source in &report.sources {
        match (&source.error, source.fetched) {
            (Some(error), _) => writeln!(out, "{}: {error}\n  its copy is used", source.name)?,
            (None, true) => writeln!(out, "{}: fetched", source.name)?,
            (None, false) => writeln!(out, "{}: no news", source.name)?,
        }
        if let Some(feed) = &source.feed {
            writeln!(out, "{feed}")?;
        }
    }
    let products = report.products;
    if report.updated {
        let removed = report.removed;
        writeln!(
            out,
            "the catalog has {products} products; {removed} were removed"
        )?;
    } else {
        writeln!(out, "the catalog is up to date, with {products} products")?;
    }
    Ok(report.is_well())
}

/// A bar on a terminal; nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn begin() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    fn show(&self, progress: Progress<'_>) {
        let style = |template: &str| {
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.0.set_style(style);
            }
        };
        match progress {
            Progress::Fetching {
                source,
                have,
                total,
            } => {
                style(match total {
                    Some(_) => {
                        "{spinner} {msg} {bar:24} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}"
                    }
                    None => "{spinner} {msg} {decimal_bytes} {decimal_bytes_per_sec}",
                });
                if let Some(total) = total {
                    self.0.set_length(total);
                }
                self.0.set_message(format!("fetching {source}"));
                self.0.set_position(have);
            }
            Progress::Reading { source, rows } => {
                style("{spinner} {msg}");
                self.0.set_message(format!("reading {source}: {rows} rows"));
            }
            Progress::Finishing => {
                style("{spinner} {msg}");
                self.0.set_message("indexing".to_owned());
            }
        }
    }

    fn end(self) {
        self.0.finish_and_clear();
    }
}

pub(super) fn status(
    args: &Status,
    here: &Surroundings<'_>,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    #[derive(Serialize)]
    struct Source<'a> {
        name: &'a str,
        #[serde(flatten)]
        status: &'a SourceStatus,
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        built_at: Option<Timestamp>,
        age_s: Option<i64>,
        products: u64,
        sources: Vec<Source<'a>>,
    }
    let store = Store::open(here.data)?;
    let built_at = store.built_at()?;
    let products = store.products()?;
    let status = catalog::status(here.data);
    let none = SourceStatus::default();
    let sources: Vec<Source<'_>> = here
        .settings
        .sources
        .iter()
        .map(|source| Source {
            name: &source.name,
            status: status.sources.get(&source.name).unwrap_or(&none),
        })
        .collect();
    let well = sources.iter().all(|source| source.status.error.is_none());
    let age = built_at.map(|at| here.now.duration_since(at));
    if args.json {
        let answer = Answer {
            built_at,
            age_s: age.map(|age| age.as_secs()),
            products,
            sources,
        };
        write_json(out, &answer)?;
        return Ok(well);
    }
    match (built_at, age) {
        (Some(at), Some(age)) => {
            writeln!(out, "{products} products, built {at} ({} old)", age_of(age))?;
        }
        _ => writeln!(out, "no catalog yet")?,
    }
    if sources.is_empty() {
        writeln!(out, "no sources in the settings ([[catalog.sources]])")?;
        return Ok(well);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "source",
        "last asked",
        "fetched",
        "kept",
        "refused",
        "bytes",
        "state",
    ]);
    let ago = |at: Option<Timestamp>| {
        at.map_or("never".to_owned(), |at| {
            format!("{} ago", age_of(here.now.duration_since(at)))
        })
    };
    for Source { name, status } in &sources {
        table.add_row([
            (*name).to_owned(),
            ago(status.tried_at),
            ago(status.fetched_at),
            status.kept.to_string(),
            status.refused.to_string(),
            status.bytes.to_string(),
            match (&status.error, status.tried_at) {
                (Some(error), _) => format!("failed {} times: {error}", status.failures),
                (None, Some(_)) => "well".to_owned(),
                (None, None) => "not asked yet".to_owned(),
            },
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(well)
}

pub(super) fn patch(
    args: &Patch,
    here: &Surroundings<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    #[derive(Serialize)]
    struct Answer<'a> {
        lines: u64,
        #[serde(flatten)]
        report: &'a PatchReport,
        refused_lines: u64,
        line_issues: &'a [Issue],
    }
    let mut store = Store::open(here.data)?;
    let currency = match told_currency(&store)? {
        Some(told) => Some(told),
        None => store.currency()?,
    };
    let file = if args.file == Path::new("-") {
        read_patches("stdin", input, currency, here.now)?
    } else {
        let name = args.file.display().to_string();
        let file = File::open(&args.file).map_err(|source| FeedError::Io {
            feed: name.clone(),
            source,
        })?;
        read_patches(&name, BufReader::new(file), currency, here.now)?
    };
    let report = store.patch_catalog(&file.patches, here.now)?;
    let well = file.refused + report.refused + report.unknown == 0;
    if args.json {
        let answer = Answer {
            lines: file.lines,
            report: &report,
            refused_lines: file.refused,
            line_issues: &file.issues,
        };
        write_json(out, &answer)?;
        return Ok(well);
    }
    writeln!(
        out,
        "{} lines: {} changes applied, {} outdated, {} of unknown products, {} refused",
        file.lines,
        report.applied,
        report.outdated,
        report.unknown,
        file.refused + report.refused
    )?;
    for issue in &file.issues {
        writeln!(out, "  {issue}")?;
    }
    for issue in &report.issues {
        writeln!(out, "  {}: {}", issue.product, issue.why)?;
    }
    Ok(well)
}
