//! A shop of any size, made from numbers: how long it takes to import, how large it is, and how
//! long a search takes in it.

use super::stats::Summary;
use crate::{
    lang::Language,
    nlu::slot::Price,
    shop::{
        feed::{FeedFile, import},
        money::{Currency, Money},
        product::ProductId,
        search::{SearchQuery, Tiers},
        store::{CATALOG_FILE, CatalogPatch, Store},
    },
};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

const NOUNS: [&str; 12] = [
    "jacket",
    "trousers",
    "scarf",
    "coffee",
    "tea",
    "kettle",
    "lamp",
    "notebook",
    "boots",
    "cheese",
    "biscuits",
    "headphones",
];
const ADJECTIVES: [&str; 10] = [
    "waterproof",
    "organic",
    "merino",
    "stainless",
    "classic",
    "light",
    "roasted",
    "folding",
    "vintage",
    "wireless",
];
const COLORS: [&str; 6] = ["navy", "red", "black", "white", "green", "grey"];

/// How many brands there are.
const BRANDS: usize = 800;
/// How many products are looked for.
const QUERIES: usize = 400;
/// How many changes are written at once.
const CHANGES: usize = 1_000;

/// What a shop of a size costs.
#[derive(Clone, Debug, Serialize)]
pub struct Shop {
    /// Products.
    pub products: usize,
    /// The feed, MB.
    pub feed_mb: f64,
    /// Its import, s.
    pub import_s: f64,
    /// The catalog's file, MB.
    pub catalog_mb: f64,
    /// Peak memory of this process after it all, MiB.
    pub peak_mib: Option<f64>,
    /// 1,000 changes of stock in one transaction, ms.
    pub changes_ms: f64,
    /// The first search, which reads the catalog's words, ms.
    pub first_search_ms: f64,
    /// Searches by how they were asked.
    pub searches: Vec<Searches>,
}

/// Searches of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Searches {
    /// What was asked for.
    pub kind: &'static str,
    /// ms.
    pub ms: Option<Summary>,
    /// How many found the product that was meant among the first three.
    pub found: usize,
}

/// A product of the feed.
struct Row {
    id: String,
    brand: String,
    own: String,
    noun: &'static str,
    color: &'static str,
    minor: i64,
}

/// Measures a shop of so many products in an empty folder.
///
/// # Errors
/// When it cannot be written or read.
pub fn run(folder: &Path, products: usize, now: Timestamp) -> anyhow::Result<Shop> {
    let feed = folder.join("products.en.tsv");
    let rows = write(&feed, products)?;
    let mb = |path: &Path| Ok::<_, io::Error>(std::fs::metadata(path)?.len() as f64 / 1e6);
    let feed_mb = mb(&feed)?;
    let begun = Instant::now();
    import(folder, &[FeedFile::new(&feed, Language::En)], None, now)?;
    let import_s = begun.elapsed().as_secs_f64();
    let mut store = Store::open(folder)?;
    let begun = Instant::now();
    store.search(&SearchQuery::words(Language::En, "wulim sorbat", 3), now)?;
    let first_search_ms = ms(begun.elapsed());
    let mut searches = Vec::new();
    for kind in KINDS {
        searches.push(look(&store, kind, &rows, now)?);
    }
    let later = now.saturating_add(SignedDuration::from_secs(2))?;
    let changes: Vec<CatalogPatch> = rows
        .iter()
        .cycle()
        .take(CHANGES)
        .map(|row| CatalogPatch {
            product: ProductId(row.id.clone()),
            price: None,
            stock: Some((Some(3), true)),
            at: later,
        })
        .collect();
    let begun = Instant::now();
    store.patch_catalog(&changes, later)?;
    Ok(Shop {
        products,
        feed_mb,
        import_s,
        catalog_mb: mb(&folder.join(CATALOG_FILE))?,
        peak_mib: super::memory::peak_mib(std::process::id()),
        changes_ms: ms(begun.elapsed()),
        first_search_ms,
        searches,
    })
}

/// How products are asked for.
const KINDS: [&str; 4] = [
    "name",
    "name as it sounds",
    "name, colour, highest price",
    "name as it sounds, words alone",
];

fn look(
    store: &Store,
    kind: &'static str,
    rows: &[Row],
    now: Timestamp,
) -> anyhow::Result<Searches> {
    let mut times = Vec::new();
    let mut found = 0;
    for row in rows {
        let name = format!("{} {} {}", row.brand, row.own, row.noun);
        let heard = format!(
            "{} {} {}",
            misheard(&row.brand),
            misheard(&row.own),
            row.noun
        );
        let (text, tiers) = match kind {
            "name as it sounds" => (heard, Tiers::ALL),
            "name as it sounds, words alone" => (heard, Tiers::LEXICAL),
            _ => (name, Tiers::ALL),
        };
        let mut query = SearchQuery::words(Language::En, text, 3);
        if kind.contains("colour") {
            query.color = Some(row.color.to_owned());
            query.max_price = Some(Price::from_minor(row.minor + 100));
        }
        let begun = Instant::now();
        let hits = store.search_by(&query, tiers, now)?.hits;
        times.push(ms(begun.elapsed()));
        found += usize::from(hits.iter().any(|hit| hit.product.id.0 == row.id));
    }
    Ok(Searches {
        kind,
        ms: Summary::of(times),
        found,
    })
}

/// A name as a recogniser that does not know it may write it: other letters for the same sound.
fn misheard(word: &str) -> String {
    word.replace('f', "ph").replace('c', "k").replace('i', "ee")
}

/// Writes a feed; gives some of its rows, spread over it.
fn write(path: &Path, products: usize) -> io::Result<Vec<Row>> {
    let mut random = Rng::with_seed(1);
    let brands: Vec<String> = (0..BRANDS).map(|_| word(&mut random, 2)).collect();
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(
        out,
        "id\ttitle\tdescription\tprice\tavailability\tquantity\tbrand\tproduct_type\tcolor"
    )?;
    let every = (products / QUERIES).max(1);
    let mut rows = Vec::new();
    for n in 0..products {
        let adjective = ADJECTIVES[random.usize(..ADJECTIVES.len())];
        let (own, also) = (word(&mut random, 3), word(&mut random, 3));
        let row = Row {
            id: format!("sku-{n}"),
            brand: brands[random.usize(..brands.len())].clone(),
            own,
            noun: NOUNS[random.usize(..NOUNS.len())],
            color: COLORS[random.usize(..COLORS.len())],
            minor: random.i64(99..50_000),
        };
        let (brand, own, noun) = (&row.brand, &row.own, row.noun);
        writeln!(
            out,
            "{}\t{brand} {own} {adjective} {noun}\tA {adjective} {noun} by {brand}, made for every \
             day. Easy to care for; two years of warranty. {also}.\t{}\tin_stock\t{}\t{brand}\t\
             Shop > {noun} > {adjective}\t{}",
            row.id,
            Money::new(row.minor, Currency::Eur),
            random.u32(1..200),
            row.color,
        )?;
        if n % every == 0 && rows.len() < QUERIES {
            rows.push(row);
        }
    }
    out.flush()?;
    Ok(rows)
}

/// A word of so many syllables.
fn word(random: &mut Rng, syllables: usize) -> String {
    let mut letter = |of: &[u8]| char::from(of[random.usize(..of.len())]);
    (0..syllables)
        .flat_map(|_| [letter(b"bcdfglmnprstv"), letter(b"aeiou")])
        .collect()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
