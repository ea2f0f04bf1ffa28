//! `comptoir catalog`: import, sync, patch, status, search, show, stats.

mod answer;
mod show;
mod sync;

use crate::{
    lang::Language,
    nlu::slot::{Price, Sort},
    shop::{
        feed::{self, FeedError, FeedFile, FeedReport, Format, ImportError, UnknownFormat},
        load::{self, LoadError},
        money::Currency,
        search::SearchQuery,
        store::{Store, StoreError},
    },
    sync::catalog::SyncFailed,
};
use answer::{Answer, write_json, write_table};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use show::{show, stats};
use std::{
    io::{self, BufRead, Read, Write},
    path::{Path, PathBuf},
    time::Instant,
};

/// Look after the catalog, and search it
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Replace the catalog by product feeds
    ///
    /// Google Merchant feeds as TSV, CSV or RSS, products.jsonl, and the JSON of Shopify,
    /// WooCommerce, Medusa or schema.org; docs/feed.md says what is read. Rows that cannot be
    /// kept are told by line; the rest is in. The catalog is swapped whole: a search sees the
    /// old one or the new one. Texts in languages that no feed brings are kept.
    Import(Import),
    /// Bring the catalog up to date from the sources of the settings
    ///
    /// Each source ([[catalog.sources]]) is fetched where it changed; the catalog is built beside
    /// the live one and swapped whole. What is in no feed any more is removed, unless that is too
    /// much. A sync that fails leaves the catalog as it was.
    Sync(sync::Sync),
    /// Change prices and stock now, between two feeds
    ///
    /// All in one transaction. A stock figure takes the place of what was sold since the last.
    Patch(sync::Patch),
    /// Tell how old the catalog is, and how each source went
    Status(sync::Status),
    /// Search the catalog
    Search(Box<Search>),
    /// Show one product, by id or GTIN
    Show(Show),
    /// Tell what the catalog holds
    Stats(Stats),
}

/// Options of `catalog import`.
#[derive(Debug, Args)]
pub struct Import {
    /// Feeds; `products.fr.tsv` is French by its name
    #[arg(required = true, value_name = "FEED")]
    feeds: Vec<PathBuf>,
    /// Language of the feeds' texts [default: by each file's name, else en]
    #[arg(long)]
    lang: Option<Language>,
    /// The feeds' format: auto, tsv, rss, jsonl, shopify, woocommerce, medusa, schema-org, acp, or
    /// a mapping file
    #[arg(long, default_value = "auto")]
    format: String,
    /// The feeds' currency, where neither they nor the shop say one
    #[arg(long)]
    currency: Option<Currency>,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
}

/// Options of `catalog search`.
#[derive(Debug, Args)]
pub struct Search {
    /// What to look for; may be left out when a filter is given
    #[arg(required_unless_present_any = [
        "jsonl", "colour", "size", "brand", "material", "category", "min_price", "max_price",
    ])]
    query: Vec<String>,
    /// Language of the words and of the answer
    #[arg(long, default_value = "en")]
    lang: Language,
    /// At most so many, 1 to 100
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    limit: u16,
    /// Colour; a family ("blue") includes its shades. (`--color` is about this terminal.)
    #[arg(long)]
    colour: Option<String>,
    /// Size ("42", "m", "500 g")
    #[arg(long)]
    size: Option<String>,
    /// Brand
    #[arg(long)]
    brand: Option<String>,
    /// Material
    #[arg(long)]
    material: Option<String>,
    /// A word of the category
    #[arg(long)]
    category: Option<String>,
    /// Least price, in the shop's currency
    #[arg(long, value_parser = price)]
    min_price: Option<Price>,
    /// Highest price, in the shop's currency
    #[arg(long, value_parser = price)]
    max_price: Option<Price>,
    /// Only what does not hold this (an allergen, an ingredient)
    #[arg(long, value_name = "WORDS")]
    without: Option<String>,
    /// Only what can be had now
    #[arg(long)]
    in_stock: bool,
    /// Order: price_asc, price_desc, rating, newest [default: by relevance]
    #[arg(long, value_parser = sort)]
    sort: Option<Sort>,
    /// Write JSON
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,
    /// Read one {"id","query","lang"?,"limit"?} a line from stdin, write one answer a line
    #[arg(long, conflicts_with = "query")]
    jsonl: bool,
}

/// Options of `catalog show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Id or GTIN
    id: String,
    /// Language of the texts
    #[arg(long, default_value = "en")]
    lang: Language,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Options of `catalog stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Why a catalog verb could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sample shop, or the shop's facts.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A sync.
    #[error(transparent)]
    Sync(#[from] Box<SyncFailed>),
    /// A file of changes.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A format.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    /// Reading questions or writing answers.
    #[error("expected to read and write: {0}")]
    Io(#[from] io::Error),
    /// No such product.
    #[error(
        "expected the id or GTIN of a product, found none with `{0}`; see `comptoir catalog search`"
    )]
    NoSuchProduct(String),
}

fn price(text: &str) -> Result<Price, String> {
    let form = || format!("expected a price such as 19.99, found `{text}`");
    let major: f64 = text.replace(',', ".").parse().map_err(|_| form())?;
    if !(0.0..=1e7).contains(&major) {
        return Err(form());
    }
    Ok(Price::from_minor((major * 100.0).round() as i64))
}

fn sort(text: &str) -> Result<Sort, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| format!("expected one of {}, found `{text}`", Sort::WORDS.join(", ")))
}

impl From<SyncFailed> for CatalogError {
    fn from(failed: SyncFailed) -> Self {
        Self::Sync(Box::new(failed))
    }
}

/// What a verb works on.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// Where its catalog comes from.
    pub settings: &'a crate::settings::Catalog,
    /// The time.
    pub now: Timestamp,
    /// Chance.
    pub random: u64,
}

/// Does one verb on a data folder that has no settings.
///
/// # Errors
/// As [`execute_in`].
pub fn execute(
    verb: &Catalog,
    data: &Path,
    now: Timestamp,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let here = Surroundings {
        data,
        settings: &crate::settings::Catalog::default(),
        now,
        random: 0,
    };
    execute_in(verb, &here, input, out)
}

/// Does one verb. An empty folder gets the sample shop before it is searched.
/// Returns whether all went well: `false` when rows of a feed or lines of questions were
/// refused.
///
/// # Errors
/// [`CatalogError`] when it could not be done; the catalog is as it was then.
pub fn execute_in(
    verb: &Catalog,
    here: &Surroundings<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let (data, now) = (here.data, here.now);
    match verb {
        Catalog::Import(args) => import(args, data, now, out),
        Catalog::Sync(args) => sync::sync(args, here, out),
        Catalog::Patch(args) => sync::patch(args, here, input, out),
        Catalog::Status(args) => sync::status(args, here, out),
        Catalog::Search(args) => {
            let store = open(data, now)?;
            if args.jsonl {
                return many(args, &store, now, input, out);
            }
            let query = args.query();
            let begun = Instant::now();
            let found = store.search(&query, now)?;
            let ms = begun.elapsed().as_secs_f64() * 1_000.0;
            if args.json {
                write_json(out, &Answer::of(None, &found, ms))?;
            } else {
                write_table(out, &found)?;
            }
            Ok(true)
        }
        Catalog::Show(args) => show(args, &open(data, now)?, now, out),
        Catalog::Stats(args) => stats(args, &open(data, now)?, now, out),
    }
}

/// The store; an empty one gets the sample shop, as everywhere.
fn open(data: &Path, now: Timestamp) -> Result<Store, CatalogError> {
    let mut store = Store::open(data)?;
    if store.stats(now)?.products == 0 {
        load::sample(&mut store, now)?;
    }
    Ok(store)
}

fn import(
    args: &Import,
    data: &Path,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let format: Format = args.format.parse()?;
    let feeds: Vec<FeedFile> = args
        .feeds
        .iter()
        .map(|path| FeedFile {
            path: path.clone(),
            language: args
                .lang
                .or_else(|| feed::language_of(path))
                .unwrap_or(Language::En),
            format: format.clone(),
            currency: args.currency,
        })
        .collect();
    // A shop that has said its currency keeps it.
    let currency = load::told_currency(&Store::open(data)?)?;
    let reports = feed::import(data, &feeds, currency, now)?;
    if args.json {
        #[derive(Serialize)]
        struct Reports<'a> {
            feeds: &'a [FeedReport],
        }
        write_json(out, &Reports { feeds: &reports })?;
    } else {
        for report in &reports {
            writeln!(out, "{report}")?;
        }
    }
    Ok(reports.iter().all(|report| report.refused == 0))
}

impl Search {
    fn query(&self) -> SearchQuery {
        SearchQuery {
            color: self.colour.clone(),
            size: self.size.clone(),
            brand: self.brand.clone(),
            material: self.material.clone(),
            category: self.category.clone(),
            min_price: self.min_price,
            max_price: self.max_price,
            exclude: self.without.clone(),
            sort: self.sort,
            in_stock_only: self.in_stock,
            ..SearchQuery::words(self.lang, self.query.join(" "), self.limit.into())
        }
    }
}

/// One question of `--jsonl`.
#[derive(Deserialize)]
struct Question {
    id: serde_json::Value,
    query: String,
    #[serde(default)]
    lang: Option<Language>,
    #[serde(default)]
    limit: Option<usize>,
}

/// The longest line of `--jsonl` that is read.
const LONGEST_QUESTION: u64 = 1 << 20;

/// Answers questions line by line. A line that is no question gets an answer that says so.
fn many(
    args: &Search,
    store: &Store,
    now: Timestamp,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<bool, CatalogError> {
    let mut well = true;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = input.take(LONGEST_QUESTION).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || (read as u64) < LONGEST_QUESTION;
        if !whole {
            input.skip_until(b'\n')?;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let question: Result<Question, _> = serde_json::from_slice(&line);
        let question = match question {
            Ok(question) if whole => question,
            other => {
                #[derive(Serialize)]
                struct Refused {
                    line: u64,
                    error: String,
                }
                let found = match other {
                    Err(e) if whole => e.to_string(),
                    _ => format!("a line of more than {LONGEST_QUESTION} bytes"),
                };
                let error = format!("expected {{\"id\",\"query\"}} on the line, found: {found}");
                write_json(
                    out,
                    &Refused {
                        line: number,
                        error,
                    },
                )?;
                well = false;
                continue;
            }
        };
        let query = SearchQuery {
            language: question.lang.unwrap_or(args.lang),
            text: question.query,
            limit: question.limit.unwrap_or(args.limit.into()).clamp(1, 100),
            ..args.query()
        };
        let begun = Instant::now();
        let found = store.search(&query, now)?;
        let ms = begun.elapsed().as_secs_f64() * 1_000.0;
        write_json(out, &Answer::of(Some(question.id), &found, ms))?;
        out.flush()?;
    }
    Ok(well)
}
