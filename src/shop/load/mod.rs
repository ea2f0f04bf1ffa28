//! Loading a shop folder (or the sample shop in this program) into a data folder.
//!
//! A folder needs a product feed (`products.en.tsv`, `products.fr.tsv`, or the only `.tsv` or
//! `.csv` in it) and nothing else; `shop.toml`, `faq.toml`, `reviews.json`, `customers.toml` and
//! `orders.json` are read when they are there. Dates in `orders.json` and `reviews.json` move
//! with the days from the file's `anchor` to today, so that a demonstration stays alive.

mod entries;
mod files;

use super::{
    feed::{self, FeedReport, ImportError},
    info::{InfoError, ShopInfo},
    money::Currency,
    product::Review,
    store::{CatalogBuilder, Store, StoreError},
};
use entries::{CustomersFile, Moved, OrdersFile, ReviewEntry};
use files::{Files, Source};
use jiff::{Timestamp, tz::TimeZone};
use std::path::{Path, PathBuf};

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

/// The currency that the shop in a data folder has said; `None` where it has said nothing.
///
/// # Errors
/// [`LoadError`] when the catalog or its shop.toml cannot be read.
pub fn told_currency(store: &Store) -> Result<Option<Currency>, LoadError> {
    let told = store.document("shop.toml")?.filter(|text| !text.is_empty());
    let info = told
        .map(|text| ShopInfo::from_toml(&text, ""))
        .transpose()?;
    Ok(info.map(|info| info.currency))
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

fn content(file: &str, expected: &'static str, found: String) -> LoadError {
    LoadError::Content {
        file: file.to_owned(),
        expected,
        found,
    }
}
