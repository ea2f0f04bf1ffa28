//! Loading a shop folder (or the sample shop in this program) into a data folder.
//!
//! A folder needs a product feed (`products.en.tsv`, `products.fr.tsv`, or the only `.tsv` or
//! `.csv` in it) and nothing else; `shop.toml`, `faq.toml`, `reviews.json`, `customers.toml` and
//! `orders.json` are read when they are there. Dates in `orders.json` and `reviews.json` move
//! with the days from the file's `anchor` to today, so that a demonstration stays alive.

use super::{
    customer::Customer,
    feed::{self, FeedReport, ImportError, language_of},
    info::{InfoError, ShopInfo},
    money::{Currency, Money},
    order::{Fulfilment, Order, OrderEvent, OrderLine, OrderNumber, OrderState, PaymentState},
    product::{ProductId, Review},
    store::{CatalogBuilder, Store, StoreError},
};
use crate::{lang::Language, nlu::slot::Method};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

/// Where a shop comes from.
#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    /// The sample shop in this program.
    Sample,
    /// A shop folder.
    Folder(&'a Path),
}

/// The files of the sample shop.
const SAMPLE: &[(&str, &str)] = &[
    (
        "products.en.tsv",
        include_str!("../../assets/shop/products.en.tsv"),
    ),
    (
        "products.fr.tsv",
        include_str!("../../assets/shop/products.fr.tsv"),
    ),
    ("shop.toml", include_str!("../../assets/shop/shop.toml")),
    ("faq.toml", include_str!("../../assets/shop/faq.toml")),
    (
        "reviews.json",
        include_str!("../../assets/shop/reviews.json"),
    ),
    (
        "customers.toml",
        include_str!("../../assets/shop/customers.toml"),
    ),
    ("orders.json", include_str!("../../assets/shop/orders.json")),
];

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What became of each feed.
    pub feeds: Vec<FeedReport>,
    /// Customers.
    pub customers: usize,
    /// Orders that are new in the data folder.
    pub orders: usize,
    /// Reviews.
    pub reviews: usize,
}

/// Why a shop cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No feed.
    #[error(
        "expected a product feed (products.en.tsv, products.fr.tsv, or a single .tsv or .csv) in {}, \
         found {found}", .folder.display()
    )]
    NoFeed {
        /// The folder.
        folder: PathBuf,
        /// What is there.
        found: String,
    },
    /// A file cannot be read.
    #[error("expected to read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("expected {expected} in {file}, found a mistake: {found}")]
    Content {
        /// Which file.
        file: String,
        /// What it should hold.
        expected: &'static str,
        /// What is wrong, with its place.
        found: String,
    },
    /// `shop.toml` or `faq.toml`.
    #[error(transparent)]
    Info(#[from] InfoError),
    /// The feeds.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Loads a shop folder into the store. Everything is read and checked before anything is
/// written; orders that are there already are left as they are.
///
/// # Errors
/// [`LoadError`]: what was expected in which file, and what was found.
pub fn folder(store: &mut Store, folder: &Path, now: Timestamp) -> Result<Loaded, LoadError> {
    load(store, Source::Folder(folder), now)
}

/// Loads the sample shop that is in this program into the store.
///
/// # Errors
/// [`LoadError`] when it cannot be written.
pub fn sample(store: &mut Store, now: Timestamp) -> Result<Loaded, LoadError> {
    load(store, Source::Sample, now)
}

fn load(store: &mut Store, source: Source<'_>, now: Timestamp) -> Result<Loaded, LoadError> {
    let files = Files { source };
    let shop = files.text("shop.toml")?;
    let faq = files.text("faq.toml")?;
    let info = ShopInfo::from_toml(
        shop.as_deref().unwrap_or_default(),
        faq.as_deref().unwrap_or_default(),
    )?;
    let zone = TimeZone::get(&info.time_zone).unwrap_or(TimeZone::UTC);
    let today = now.to_zoned(zone).date();
    let orders: Option<OrdersFile> = files.json("orders.json", "orders with an anchor day")?;
    let anchor = orders.as_ref().map(|file| file.anchor);
    let moved = Moved::from(anchor.unwrap_or(today), today);
    let customers: CustomersFile = files
        .toml("customers.toml", "customers")?
        .unwrap_or_default();
    let reviews: Vec<ReviewEntry> = files
        .json("reviews.json", "a list of reviews")?
        .unwrap_or_default();
    let orders = orders
        .map(|file| file.orders(moved))
        .transpose()?
        .unwrap_or_default();

    let mut builder = CatalogBuilder::begin(store.folder())?;
    let mut loaded = Loaded::default();
    // Without a shop.toml the feed says the currency.
    let mut currency = shop.is_some().then_some(info.currency);
    for (name, language, reader) in files.feeds()? {
        let report = feed::read_into(&mut builder, &name, language, &mut currency, reader)?;
        loaded.feeds.push(report);
    }
    // A folder without these has none: nothing is kept of the shop before.
    for (name, text) in [("shop.toml", shop), ("faq.toml", faq)] {
        builder.document(name, &text.unwrap_or_default())?;
    }
    let reviews: Vec<Review> = reviews
        .into_iter()
        .map(|r| Review {
            product: r.product,
            language: r.language,
            stars: r.stars.clamp(1, 5),
            text: r.text,
            day: moved.day(r.date),
        })
        .collect();
    loaded.reviews = builder.reviews(&reviews)?;
    feed::finish(builder, &loaded.feeds, now)?;
    loaded.customers = customers.customers.len();
    loaded.orders = store.load_orders(&customers.customers, &orders)?;
    Ok(loaded)
}

/// What the shop in a data folder says of itself; defaults where it says nothing.
///
/// # Errors
/// [`LoadError`] when the store cannot be read.
pub fn info(store: &Store) -> Result<ShopInfo, LoadError> {
    let shop = store.document("shop.toml")?.unwrap_or_default();
    let faq = store.document("faq.toml")?.unwrap_or_default();
    let mut info = ShopInfo::from_toml(&shop, &faq)?;
    if shop.is_empty()
        && let Some(currency) = store.currency()?
    {
        info.currency = currency;
    }
    Ok(info)
}

/// One feed: its name, its language, its text.
type OpenFeed = (String, Language, Box<dyn BufRead>);

/// The files of a shop, wherever they are.
struct Files<'a> {
    source: Source<'a>,
}

impl Files<'_> {
    fn text(&self, name: &str) -> Result<Option<String>, LoadError> {
        match self.source {
            Source::Sample => Ok(SAMPLE
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, text)| (*text).to_owned())),
            Source::Folder(folder) => {
                let path = folder.join(name);
                match std::fs::read_to_string(&path) {
                    Ok(text) => Ok(Some(text)),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(LoadError::Read { path, source }),
                }
            }
        }
    }

    fn json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| content(name, expected, e.to_string()))
    }

    fn toml<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        toml::from_str(&text)
            .map(Some)
            .map_err(|e| content(name, expected, e.to_string()))
    }

    fn feeds(&self) -> Result<Vec<OpenFeed>, LoadError> {
        match self.source {
            Source::Sample => Ok(SAMPLE
                .iter()
                .filter(|(name, _)| name.ends_with(".tsv"))
                .map(|(name, text)| {
                    let language = language_of(Path::new(name)).unwrap_or(Language::En);
                    let reader: Box<dyn BufRead> = Box::new(text.as_bytes());
                    ((*name).to_owned(), language, reader)
                })
                .collect()),
            Source::Folder(folder) => feed_paths(folder)?
                .into_iter()
                .map(|path| {
                    let file = File::open(&path).map_err(|source| LoadError::Read {
                        path: path.clone(),
                        source,
                    })?;
                    let language = language_of(&path).unwrap_or(Language::En);
                    let reader: Box<dyn BufRead> = Box::new(BufReader::new(file));
                    Ok((path.display().to_string(), language, reader))
                })
                .collect(),
        }
    }
}

/// The feeds of a folder: those called `products...`, else the only table there.
fn feed_paths(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let read = |source| LoadError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if matches!(
            extension.to_ascii_lowercase().as_str(),
            "tsv" | "csv" | "txt"
        ) {
            tables.push(path);
        }
    }
    tables.sort();
    let name = |path: &Path| {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        name.to_owned()
    };
    let products: Vec<PathBuf> = tables
        .iter()
        .filter(|path| name(path).starts_with("products"))
        .cloned()
        .collect();
    if !products.is_empty() {
        return Ok(products);
    }
    match tables.as_slice() {
        [only] => Ok(vec![only.clone()]),
        [] => Err(LoadError::NoFeed {
            folder: folder.to_owned(),
            found: "none".to_owned(),
        }),
        many => Err(LoadError::NoFeed {
            folder: folder.to_owned(),
            found: many.iter().map(|p| name(p)).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn content(file: &str, expected: &'static str, found: String) -> LoadError {
    LoadError::Content {
        file: file.to_owned(),
        expected,
        found,
    }
}

/// How far the dates of the files are moved.
#[derive(Clone, Copy)]
struct Moved {
    days: i32,
}

impl Moved {
    fn from(anchor: Date, today: Date) -> Self {
        Self {
            days: anchor.until(today).map_or(0, |span| span.get_days()),
        }
    }

    fn day(self, day: Date) -> Date {
        day.saturating_add(jiff::Span::new().days(self.days))
    }

    fn time(self, at: Timestamp) -> Timestamp {
        let moved = at.checked_add(SignedDuration::from_hours(24 * i64::from(self.days)));
        moved.unwrap_or(at)
    }
}

#[derive(Default, Deserialize)]
struct CustomersFile {
    #[serde(default)]
    customers: Vec<Customer>,
}

#[derive(Deserialize)]
struct ReviewEntry {
    product: ProductId,
    stars: u8,
    language: Language,
    text: String,
    date: Date,
}

#[derive(Deserialize)]
struct OrdersFile {
    anchor: Date,
    currency: Currency,
    orders: Vec<OrderEntry>,
}

#[derive(Deserialize)]
struct OrderEntry {
    number: String,
    #[serde(default)]
    customer: Option<String>,
    language: Language,
    state: OrderState,
    created_at: Timestamp,
    #[serde(default)]
    promised: Option<Date>,
    fulfilment: Fulfilment,
    payment: PaymentEntry,
    lines: Vec<LineEntry>,
    #[serde(default)]
    discount: i64,
    #[serde(default)]
    delivery_fee: i64,
    total: i64,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    tracking: Option<String>,
    events: Vec<EventEntry>,
}

#[derive(Deserialize)]
struct PaymentEntry {
    state: PaymentState,
    #[serde(default)]
    method: Option<Method>,
}

#[derive(Deserialize)]
struct LineEntry {
    product: ProductId,
    title: String,
    quantity: u32,
    unit_price: i64,
    #[serde(default)]
    tax_rate: f64,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    held_for_age: bool,
}

#[derive(Deserialize)]
struct EventEntry {
    at: Timestamp,
    state: OrderState,
    #[serde(default)]
    note: Option<String>,
}

impl OrdersFile {
    /// The orders, their dates moved. The sums must add up and the last event must be the
    /// state.
    fn orders(self, moved: Moved) -> Result<Vec<Order>, LoadError> {
        let money = |minor| Money::new(minor, self.currency);
        let mut seen = BTreeMap::new();
        let mut orders = Vec::with_capacity(self.orders.len());
        for entry in self.orders {
            let number = entry.number.clone();
            let wrong = |found: String| content("orders.json", "orders that add up", found);
            if seen.insert(number.clone(), ()).is_some() {
                return Err(wrong(format!("order {number} stands twice")));
            }
            if entry.lines.iter().any(|line| line.quantity == 0) {
                return Err(wrong(format!("order {number} has a line of nothing")));
            }
            let order = Order {
                id: id_of(&number),
                number: OrderNumber(number.clone()),
                customer: entry.customer,
                state: entry.state,
                lines: entry
                    .lines
                    .into_iter()
                    .map(|line| OrderLine {
                        product: line.product,
                        title: line.title,
                        quantity: line.quantity,
                        options: line.options,
                        unit_price: money(line.unit_price),
                        tax_rate_bp: (line.tax_rate.clamp(0.0, 100.0) * 100.0).round() as u32,
                        held_for_age: line.held_for_age,
                    })
                    .collect(),
                discount: money(entry.discount),
                delivery_fee: money(entry.delivery_fee),
                fulfilment: entry.fulfilment,
                payment: entry.payment.state,
                method: entry.payment.method,
                language: entry.language,
                created_at: moved.time(entry.created_at),
                promised: entry.promised.map(|day| moved.day(day)),
                carrier: entry
                    .carrier
                    .map(|name| (name, entry.tracking.unwrap_or_default())),
                events: entry
                    .events
                    .into_iter()
                    .map(|event| OrderEvent {
                        at: moved.time(event.at),
                        state: event.state,
                        note: event.note.filter(|note| !note.is_empty()),
                    })
                    .collect(),
            };
            if order.total().minor != entry.total {
                return Err(wrong(format!(
                    "the lines of order {number} come to {}, its total says {}",
                    order.total(),
                    money(entry.total)
                )));
            }
            if order.events.last().map(|event| event.state) != Some(order.state) {
                return Err(wrong(format!(
                    "the last event of order {number} is not its state"
                )));
            }
            orders.push(order);
        }
        Ok(orders)
    }
}

/// A stable id for an order that came with a number only.
fn id_of(number: &str) -> uuid::Uuid {
    let digest: [u8; 32] = Sha256::digest(number.as_bytes()).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
