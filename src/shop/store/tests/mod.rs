//! The store, tried as a shop would.
#![allow(clippy::unwrap_used)]

mod catalog;
mod backend;
mod faults;
mod identity;
mod inbound;
mod orders;

use super::{Store, StoreError};
use crate::{
    dialogue::{effect::Purchase, event::WriteRefusal},
    lang::Language,
    nlu::slot::{Method, Service},
    shop::{
        cart::{Cart, CartLine},
        feed::{FeedFile, FeedReport, import},
        money::{Currency, Money},
        order::Fulfilment,
        product::ProductId,
        search::SearchQuery,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A corner shop: feeds in `tests/feeds`.
fn feed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/feeds")
        .join(name)
}

fn noon() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn import_feeds(folder: &Path, feeds: &[(&str, Language)]) -> Vec<FeedReport> {
    let feeds: Vec<FeedFile> = feeds
        .iter()
        .map(|(name, language)| FeedFile::new(feed(name), *language))
        .collect();
    import(folder, &feeds, None, noon()).unwrap()
}

/// The corner shop, open.
fn corner_shop() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    import_feeds(
        folder.path(),
        &[
            ("corner.en.tsv", Language::En),
            ("corner.fr.tsv", Language::Fr),
        ],
    );
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

/// A cart line at the row's price.
fn line(store: &Store, id: &str, quantity: u32, options: &[&str]) -> CartLine {
    let id = ProductId(id.to_owned());
    let product = store.product(&id, Language::En, noon()).unwrap().unwrap();
    let options: Vec<String> = options.iter().map(|o| (*o).to_owned()).collect();
    CartLine {
        unit_price: product.price_with(&options).unwrap(),
        product: id,
        title: product.title,
        quantity,
        options,
        tax_rate_bp: product.tax_rate_bp,
        min_age: product.min_age,
    }
}

fn cart(lines: Vec<CartLine>) -> Cart {
    Cart { lines }
}

fn purchase(order: Uuid, cart: &Cart) -> Purchase {
    Purchase {
        order,
        cart: cart.clone(),
        fulfilment: Fulfilment::Pickup,
        delivery_fee: euros(0),
        total: cart.total(),
        method: Method::Counter,
        language: Language::En,
        service: Some(Service::Takeaway),
        wanted_at: Some("17:30".to_owned()),
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// How many of a product can be had, as a search sees it.
fn stock(store: &Store, product: &str, now: Timestamp) -> Option<u32> {
    let id = ProductId(product.to_owned());
    store
        .product(&id, Language::En, now)
        .unwrap()
        .unwrap()
        .stock
}

fn first(store: &Store, words: &str) -> String {
    let found = store
        .search(&SearchQuery::words(Language::En, words, 5), noon())
        .unwrap();
    found
        .hits
        .first()
        .map_or_else(String::new, |h| h.product.id.0.clone())
}

fn refused(error: &StoreError) -> WriteRefusal {
    match error {
        StoreError::Refused(refusal) => refusal.clone(),
        other => panic!("a rule should have refused: {other}"),
    }
}
