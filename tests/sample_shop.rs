//! What the sample shop promises, and that its products can be found and told apart.
#![allow(clippy::unwrap_used)]

use comptoir::{
    lang::Language,
    shop::{
        feed::{self, FeedReader, FeedRow},
        load,
        order::OrderState,
        product::{Allergens, ProductId},
        search::{MatchKind, SearchQuery},
        store::Store,
    },
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

fn noon() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn shop() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    load::sample(&mut store, noon()).unwrap();
    (folder, store)
}

fn rows(file: &str) -> Vec<FeedRow> {
    let path = Path::new("assets/shop").join(file);
    let language = feed::language_of(&path).unwrap();
    let text = std::fs::read(&path).unwrap();
    let mut reader = FeedReader::open(file, language, None, text.as_slice()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(row);
    }
    let report = reader.into_report();
    assert_eq!(report.issues, [], "the sample feed is without fault");
    assert_eq!(report.notes, [] as [String; 0]);
    rows
}

/// A title's pattern: what is left when everything that a generator would vary is taken out.
/// That is what stands after the first comma (variant, size, pack), numbers, and colours.
fn pattern(title: &str) -> String {
    let name = title.split(',').next().unwrap();
    let words = comptoir::shop::words::fold(name);
    words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty() && !w.bytes().all(|b| b.is_ascii_digit()))
        .filter(|w| !comptoir::shop::facets::is_color(w))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn both_languages_have_the_same_three_hundred_products() {
    let (en, fr) = (rows("products.en.tsv"), rows("products.fr.tsv"));
    assert!(en.len() >= 300, "{}", en.len());
    let ids = |rows: &[FeedRow]| rows.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&en), ids(&fr));
    for (e, f) in en.iter().zip(&fr) {
        let facts = |r: &FeedRow| (r.price, r.stock, r.gtin.clone(), r.tax_rate_bp, r.min_age);
        assert_eq!(facts(e), facts(f), "{}", e.id);
        assert_eq!(e.available, f.available, "{}", e.id);
        assert_eq!(e.category.len(), f.category.len(), "{}", e.id);
        let groups = |r: &FeedRow| {
            r.options
                .iter()
                .map(|g| {
                    (
                        g.min,
                        g.max,
                        g.choices.iter().map(|c| c.price_delta).collect::<Vec<_>>(),
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(groups(e), groups(f), "options of {}", e.id);
    }
    let departments: BTreeSet<&str> = en.iter().map(|r| r.category[0].as_str()).collect();
    for department in [
        "Grocery",
        "Coffee bar",
        "Fashion",
        "Home",
        "Electronics",
        "Beauty",
        "Toys",
    ] {
        assert!(departments.contains(department), "{departments:?}");
    }
}

#[test]
fn no_title_pattern_yields_more_than_four_products() {
    for file in ["products.en.tsv", "products.fr.tsv"] {
        let mut patterns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows(file) {
            patterns
                .entry(pattern(&row.title))
                .or_default()
                .push(row.title);
        }
        for (pattern, titles) in patterns {
            assert!(titles.len() <= 4, "{file}: {pattern}: {titles:?}");
        }
    }
}

#[test]
fn facts_are_there_where_the_law_or_the_shopper_wants_them() {
    let rows = rows("products.en.tsv");
    let count = |what: &dyn Fn(&FeedRow) -> bool| rows.iter().filter(|r| what(r)).count();
    assert!(
        count(&|r| !r.available || r.stock == Some(0)) >= 15,
        "out of stock"
    );
    assert!(count(&|r| r.gtin.is_some()) >= 200, "GTIN");
    assert!(count(&|r| r.unit.is_some()) >= 60, "unit price");
    assert!(count(&|r| r.sale.is_some()) >= 10, "promotions");
    assert!(count(&|r| r.min_age.is_some()) >= 5, "age limits");
    assert!(count(&|r| !r.options.is_empty()) >= 10, "made to order");
    for unknown in [Allergens::Unknown, Allergens::None] {
        assert!(count(&|r| r.category[0] == "Grocery" && r.allergens == unknown) > 0);
    }
    let untaxed = rows.iter().find(|r| r.tax_rate_bp == 0);
    assert_eq!(untaxed, None, "a tax rate on every product");
    let gtins: Vec<&String> = rows.iter().filter_map(|r| r.gtin.as_ref()).collect();
    assert_eq!(
        gtins.iter().collect::<HashSet<_>>().len(),
        gtins.len(),
        "one GTIN, one product"
    );
    for group in ["size", "roast", "shots", "milk", "sugar"] {
        let has = |r: &FeedRow| r.options.iter().any(|g| g.name == group);
        assert!(rows.iter().any(has), "an option group `{group}`");
    }
}

#[test]
fn thirty_orders_stand_in_every_state_and_move_with_today() {
    let (_folder, store) = shop();
    let orders = store.orders(1_000).unwrap();
    assert!(orders.len() >= 30, "{}", orders.len());
    let states: HashSet<OrderState> = orders.iter().map(|o| o.state).collect();
    use OrderState::*;
    for state in [
        Received,
        Accepted,
        Rejected,
        Preparing,
        ReadyForPickup,
        Shipped,
        OutForDelivery,
        Delivered,
        PartiallyDelivered,
        Delayed,
        Cancelled,
        ReturnRequested,
        Returned,
        Refunded,
        PaymentFailed,
    ] {
        assert!(states.contains(&state), "{state:?}");
    }
    for order in &orders {
        assert!(order.created_at <= order.events[0].at + jiff::SignedDuration::from_mins(1));
        for line in &order.lines {
            let product = store
                .product(&line.product, order.language, noon())
                .unwrap();
            assert_eq!(product.unwrap().title, line.title, "{}", order.number.0);
        }
        if let Some(customer) = &order.customer {
            assert!(store.customer(customer).unwrap().is_some(), "{customer}");
        }
    }
    // Loaded a year later, an order of three days ago is still one of three days ago.
    let folder = tempfile::tempdir().unwrap();
    let mut later = Store::open(folder.path()).unwrap();
    let year = jiff::SignedDuration::from_hours(24 * 365);
    load::sample(&mut later, noon() + year).unwrap();
    for order in &orders {
        let moved = later.order_by_number(&order.number).unwrap().unwrap();
        assert_eq!(moved.created_at.duration_since(order.created_at), year);
        assert_eq!(moved.total(), order.total());
    }
}

#[test]
fn every_product_is_the_first_answer_to_its_own_title() {
    let (_folder, store) = shop();
    for language in Language::ALL {
        for row in rows(&format!("products.{language}.tsv")) {
            let found = store
                .search(&SearchQuery::words(language, row.title.as_str(), 3), noon())
                .unwrap();
            assert_eq!(found.hits[0].product.id, row.id, "{language} {}", row.title);
            assert!(found.hits[0].score > 0.9, "{language} {}", row.title);
        }
    }
}

#[test]
fn near_twins_are_found_by_name_and_told_apart() {
    let (_folder, store) = shop();
    let twins = std::fs::read_to_string("assets/shop/near_twins.tsv").unwrap();
    let pairs: Vec<(&str, &str)> = twins
        .lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.split('\t');
            (columns.next().unwrap(), columns.next().unwrap())
        })
        .collect();
    assert!(pairs.len() >= 40, "{}", pairs.len());
    for (a, b) in pairs {
        for language in Language::ALL {
            for (one, other) in [(a, b), (b, a)] {
                let id = ProductId(one.to_owned());
                let title = store.product(&id, language, noon()).unwrap().unwrap().title;
                let found = store
                    .search(
                        &SearchQuery::words(language, title.to_lowercase(), 5),
                        noon(),
                    )
                    .unwrap();
                let score = |wanted: &str| {
                    let hit = found.hits.iter().find(|h| h.product.id.0 == wanted);
                    hit.map_or(0.0, |h| h.score)
                };
                assert_eq!(found.hits[0].product.id.0, one, "{language} {title}");
                assert!(
                    score(one) - score(other) > 0.01,
                    "{language} {title}: {} against {}",
                    score(one),
                    score(other)
                );
            }
        }
    }
}

/// What shoppers say, and which product comes first; `-` is nothing sure.
#[test]
fn shoppers_words_find_what_they_mean() {
    let (_folder, store) = shop();
    let mut missed = Vec::new();
    let cases = std::fs::read_to_string("tests/search_cases.tsv").unwrap();
    for line in cases
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let columns: Vec<&str> = line.split('\t').collect();
        let [language, words, wanted] = columns[..] else {
            panic!("three columns: {line}")
        };
        let language: Language = language.parse().unwrap();
        let found = store
            .search(&SearchQuery::words(language, words, 3), noon())
            .unwrap();
        let first = found.hits.first();
        let met = if wanted == "-" {
            first.is_none_or(|h| h.score < 0.5 && h.matched >= MatchKind::SomeWords)
        } else {
            let mut wanted = wanted.split('|');
            first.is_some_and(|h| wanted.any(|id| h.product.id.0.starts_with(id)))
        };
        if !met {
            let first = first.map(|h| (h.product.id.0.clone(), h.score, h.matched));
            missed.push(format!("{line}: {first:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_sample_is_what_its_folder_is() {
    let (_folder, embedded) = shop();
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let loaded = load::folder(&mut store, Path::new("assets/shop"), noon()).unwrap();
    assert_eq!(loaded.feeds.len(), 2);
    assert!(loaded.reviews > 20 && loaded.customers >= 8, "{loaded:?}");
    assert_eq!(
        store.stats(noon()).unwrap(),
        embedded.stats(noon()).unwrap()
    );
    assert_eq!(store.orders(99).unwrap(), embedded.orders(99).unwrap());
    let info = load::info(&store).unwrap();
    assert_eq!(info, load::info(&embedded).unwrap());
    assert!(!info.faq.is_empty() && info.delivery.price == Some(490));
    // Loading it again changes nothing that was ordered.
    let again = load::folder(&mut store, Path::new("assets/shop"), noon()).unwrap();
    assert_eq!(again.orders, 0);
}
