//! What may go wrong around the store: it says so, and nothing is half-written.

use super::*;
use crate::shop::{
    feed::ImportError,
    store::{CATALOG_FILE, ORDERS_FILE, RESERVATION},
};

#[test]
fn a_newer_database_is_refused_with_what_to_do() {
    for file in [ORDERS_FILE, CATALOG_FILE] {
        let (folder, store) = corner_shop();
        drop(store);
        let db = rusqlite::Connection::open(folder.path().join(file)).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        let Err(error) = Store::open(folder.path()) else {
            panic!("{file} of version 99 should be refused")
        };
        let text = error.to_string();
        assert!(
            text.contains("99") && text.contains(file) && text.contains("update"),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_is_no_database_is_named() {
    for file in [ORDERS_FILE, CATALOG_FILE] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(file),
            "this is a shopping list\n".repeat(400),
        )
        .unwrap();
        let Err(error) = Store::open(folder.path()) else {
            panic!("{file} should be refused")
        };
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn a_full_disk_refuses_the_order_and_keeps_everything_else() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 1, &[])]);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    // No page more than there are: SQLite then fails as on a full disk (SQLITE_FULL).
    let pages: i64 = store
        .orders
        .pragma_query_value(None, "page_count", |r| r.get(0))
        .unwrap();
    store
        .orders
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
    let mut orders = 0;
    let error = loop {
        let order = id(100 + orders);
        let written = store
            .reserve(order, &cart, RESERVATION, noon())
            .and_then(|_| store.place_order(&purchase(order, &cart), 7, noon()));
        match written {
            Ok(_) => orders += 1,
            Err(error) => break error,
        }
        assert!(orders < 12, "the disk should be full by now");
    };
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!(error.refusal(), WriteRefusal::Failed);
    let written = store.orders(99).unwrap();
    assert_eq!(written.len(), orders as usize, "no half order");
    assert_eq!(
        store.outbox_summary().unwrap().waiting,
        orders as usize,
        "no order without its message"
    );
    assert!(
        written
            .iter()
            .all(|o| o.lines.len() == 1 && o.events.len() == 1)
    );
    // Room again: the same order goes through.
    store
        .orders
        .pragma_update(None, "max_page_count", 1_000_000)
        .unwrap();
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
}

#[test]
fn an_import_that_fails_leaves_yesterdays_catalog() {
    let (folder, store) = corner_shop();
    for bad in [
        "no-price.tsv",
        "nothing-right.tsv",
        "empty.tsv",
        "picture.tsv",
        "not-there.tsv",
    ] {
        let feeds = [FeedFile::new(feed(bad), Language::En)];
        let error = import(folder.path(), &feeds, None, noon()).unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
        assert_eq!(first(&store, "milk"), "milk");
        let building = folder.path().join(format!("{CATALOG_FILE}.building"));
        assert!(!building.exists(), "{bad} leaves nothing behind");
    }
}

#[test]
fn one_import_at_a_time() {
    let (folder, _store) = corner_shop();
    let _running = crate::shop::store::CatalogBuilder::begin(folder.path()).unwrap();
    let feeds = [FeedFile::new(feed("corner.en.tsv"), Language::En)];
    let error = import(folder.path(), &feeds, None, noon()).unwrap_err();
    assert!(
        matches!(error, ImportError::Store(StoreError::ImportRunning(_))),
        "{error}"
    );
}

#[test]
fn an_open_store_sees_a_new_catalog_at_once() {
    let (folder, store) = corner_shop();
    assert_eq!(first(&store, "beer"), "beer");
    import_feeds(folder.path(), &[("corner-dearer.en.tsv", Language::En)]);
    assert_eq!(first(&store, "beer"), "", "no longer sold");
    assert_eq!(first(&store, "milk"), "milk");
}
