//! Changes of prices and stock between two feeds.

use super::{
    after, euros, feed, noon, one, product, quick, run,
    server::{Server, good},
};
use comptoir::{
    dialogue::effect::Purchase,
    lang::Language,
    nlu::slot::Method,
    shop::{
        cart::{Cart, CartLine},
        feed::read_patches,
        money::{Currency, Money},
        order::Fulfilment,
        product::ProductId,
        store::{CatalogPatch, RESERVATION, Store},
    },
    sync::catalog::sync,
};
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

pub(crate) fn stock(id: &str, quantity: u32, at: Timestamp) -> CatalogPatch {
    CatalogPatch {
        product: ProductId(id.into()),
        price: None,
        stock: Some((Some(quantity), quantity > 0)),
        at,
    }
}

fn price(id: &str, price: i64, sale: Option<i64>, at: Timestamp) -> CatalogPatch {
    CatalogPatch {
        product: ProductId(id.into()),
        price: Some((euros(price), sale.map(euros))),
        stock: None,
        at,
    }
}

fn sell(store: &mut Store, id: &str, pieces: u32, at: Timestamp) {
    let order = reserve(store, id, pieces, at);
    store.place_order(&order, 7, at).unwrap();
}

/// Keeps stock for an order, and gives the order.
fn reserve(store: &mut Store, id: &str, pieces: u32, at: Timestamp) -> Purchase {
    let product = store
        .product(&ProductId(id.into()), Language::En, at)
        .unwrap()
        .unwrap();
    let cart = Cart {
        lines: vec![CartLine {
            product: product.id.clone(),
            title: product.title.clone(),
            quantity: pieces,
            options: Vec::new(),
            unit_price: product.price,
            tax_rate_bp: 0,
            min_age: None,
        }],
    };
    let order = uuid::Uuid::now_v7();
    store
        .reserve(order, &cart, RESERVATION, at)
        .unwrap()
        .unwrap();
    Purchase {
        order,
        total: cart.total(),
        cart,
        fulfilment: Fulfilment::Pickup,
        delivery_fee: euros(0),
        method: Method::Counter,
        language: Language::En,
        service: None,
        wanted_at: None,
    }
}

#[test]
fn changes_are_in_at_once_and_late_ones_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(2_000, 1_000), "\"v1\""));
    run(data.path(), &one(&server.url, ""), noon()).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    let reader = Store::open(data.path()).unwrap();
    let at = |store: &Store, id: &str| {
        let product = store.product(&ProductId(id.into()), Language::En, after(9));
        product.unwrap().unwrap()
    };
    let patches: Vec<CatalogPatch> = (0..2_000)
        .map(|n| stock(&format!("p{n}"), 3, after(2)))
        .collect();
    let begun = Instant::now();
    assert_eq!(
        store.patch_catalog(&patches, after(3)).unwrap().applied,
        2_000
    );
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        at(&reader, "p1999").stock,
        Some(3),
        "another process sees it"
    );
    let report = store
        .patch_catalog(
            &[
                stock("p1", 9, after(1)),
                stock("nobody", 9, after(2)),
                price("p1", 500, Some(400), after(2)),
                price("p2", 500, Some(500), after(2)),
                price("p3", 0, None, after(2)),
                CatalogPatch {
                    price: Some((Money::new(100, Currency::Usd), None)),
                    ..price("p4", 100, None, after(2))
                },
                price("p5", 700, None, noon() - SignedDuration::from_mins(1)),
            ],
            after(3),
        )
        .unwrap();
    assert_eq!(
        (
            report.applied,
            report.outdated,
            report.unknown,
            report.refused
        ),
        (1, 2, 1, 3),
        "{report:?}"
    );
    let one = at(&reader, "p1");
    assert_eq!(
        (one.stock, one.price, one.prior_price),
        (Some(3), euros(400), Some(euros(500)))
    );
    assert_eq!(at(&reader, "p5").price, euros(1_005));
    // From the future is from now.
    store
        .patch_catalog(&[stock("p1", 8, after(600))], after(4))
        .unwrap();
    store
        .patch_catalog(&[stock("p1", 7, after(5))], after(5))
        .unwrap();
    assert_eq!(at(&reader, "p1").stock, Some(7));
}

#[test]
fn changes_that_came_during_a_sync_are_in_the_new_catalog_and_older_ones_are_not() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(50, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    server.change(good(feed(50, 2_000), "\"v2\""));
    let mut store = Store::open(data.path()).unwrap();
    store
        .patch_catalog(
            &[stock("p1", 2, after(10)), price("p2", 10, None, after(10))],
            after(10),
        )
        .unwrap();
    let mut patched = false;
    let report = sync(
        data.path(),
        &settings,
        &quick(),
        (after(20), 7),
        &mut |_| {
            if !std::mem::replace(&mut patched, true) {
                let mut store = Store::open(data.path()).unwrap();
                let patches = [
                    stock("p3", 4, after(21)),
                    price("p4", 77, Some(66), after(21)),
                ];
                let report = store.patch_catalog(&patches, after(21)).unwrap();
                assert_eq!(report.applied, 2);
            }
        },
    )
    .unwrap();
    assert!(patched && report.updated);
    let at = |id: &str| product(data.path(), id, after(30)).unwrap();
    assert_eq!(
        (at("p1").stock, at("p2").price),
        (Some(10), euros(2_002)),
        "the feed is newer"
    );
    assert_eq!((at("p3").stock, at("p3").price), (Some(4), euros(2_003)));
    assert_eq!(
        (at("p4").price, at("p4").prior_price),
        (euros(66), Some(euros(77)))
    );
    // The next feed that is newer than they are has its own say.
    server.change(good(feed(50, 3_000), "\"v3\""));
    run(data.path(), &settings, after(40)).unwrap();
    assert_eq!((at("p3").stock, at("p4").price), (Some(10), euros(3_004)));
}

#[test]
fn a_figure_takes_the_place_of_what_was_sold_before_it_and_of_nothing_after_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(5, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    let left = |id: &str, at| product(data.path(), id, at).unwrap().stock.unwrap();
    let mut store = Store::open(data.path()).unwrap();
    sell(&mut store, "p1", 4, after(1));
    sell(&mut store, "p2", 4, after(1));
    reserve(&mut store, "p3", 4, after(1));
    assert_eq!(
        (
            left("p1", after(2)),
            left("p2", after(2)),
            left("p3", after(2))
        ),
        (6, 6, 6)
    );
    let fives: Vec<_> = ["p1", "p3"].map(|id| stock(id, 5, after(2))).into();
    store.patch_catalog(&fives, after(2)).unwrap();
    assert_eq!(
        left("p1", after(3)),
        5,
        "the shop has counted what was sold"
    );
    assert_eq!(
        left("p2", after(3)),
        6,
        "of another product it has said nothing"
    );
    assert_eq!(
        left("p3", after(3)),
        1,
        "what is only kept is still to be handed over"
    );
    assert_eq!(left("p3", after(20)), 5, "until it is let go");
    sell(&mut store, "p1", 2, after(4));
    assert_eq!(left("p1", after(5)), 3, "sold after the figure");
    // The next feed was fetched before the last sale: it does not know of it.
    server.change(good(feed(5, 2_000), "\"v2\""));
    run(data.path(), &settings, after(3)).unwrap();
    assert_eq!((left("p1", after(6)), left("p2", after(6))), (8, 10));
}

#[test]
fn a_change_that_was_killed_half_written_is_undone_for_readers_and_for_the_next_catalog() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(3_000, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    let live = data.path().join("catalog.db");
    let journal = data.path().join("catalog.db-journal");
    // The files as kill -9 leaves them: pages written to the database, the journal beside it.
    let crash = tempfile::tempdir().unwrap();
    let half = crash.path().join("catalog.db");
    std::fs::copy(&live, &half).unwrap();
    let db = rusqlite::Connection::open(&half).unwrap();
    db.execute_batch("PRAGMA cache_size = 2; BEGIN IMMEDIATE; UPDATE product SET price = 1")
        .unwrap();
    let images = ["catalog.db", "catalog.db-journal"]
        .map(|name| std::fs::read(crash.path().join(name)).unwrap());
    drop(db);
    assert_ne!(
        images[0],
        std::fs::read(&live).unwrap(),
        "some pages were written"
    );
    let killed = || {
        std::fs::write(&live, &images[0]).unwrap();
        std::fs::write(&journal, &images[1]).unwrap();
    };
    let reader = Store::open(data.path()).unwrap();
    let price = |store: &Store| {
        let product = store.product(&ProductId("p7".into()), Language::En, noon());
        product.unwrap().unwrap().price
    };
    assert_eq!(price(&reader), euros(1_007));
    killed();
    assert_eq!(price(&reader), euros(1_007), "one that was open");
    assert!(!journal.exists());
    killed();
    assert_eq!(
        price(&Store::open(data.path()).unwrap()),
        euros(1_007),
        "one that opens"
    );
    killed();
    server.change(good(feed(3_000, 2_000), "\"v2\""));
    run(data.path(), &settings, after(1)).unwrap();
    assert_eq!(price(&reader), euros(2_007));
    let db = rusqlite::Connection::open(&live).unwrap();
    let well: String = db
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(well, "ok");
}

#[test]
fn files_of_changes_are_read_as_tables_and_as_json() {
    let table = "id\tprice\tsale_price\tquantity\tavailability\n\
        a\t3.50 EUR\t2.99\t\t\nb\t\t\t0\t\nc\t\t\t\tout_of_stock\nd\t\t1.00\t\t\ne\t\t\t\t\n\t1.00\t\t\t\n";
    let file = read_patches("x", table.as_bytes(), Some(Currency::Eur), noon()).unwrap();
    let none = CatalogPatch {
        product: ProductId("c".into()),
        price: None,
        stock: Some((None, false)),
        at: noon(),
    };
    assert_eq!(
        file.patches,
        [
            price("a", 350, Some(299), noon()),
            stock("b", 0, noon()),
            none
        ]
    );
    assert_eq!((file.lines, file.refused), (6, 3));
    let json = "{\"id\":\"a\",\"price\":3.5,\"at\":\"2026-11-20T11:05:00Z\"}\n\n{\"id\":\"b\",\"quantity\":7,\"availability\":true}\nnope\n{\"id\":\"c\",\"price\":\"x\"}\n";
    let file = read_patches("x", json.as_bytes(), Some(Currency::Eur), noon()).unwrap();
    assert_eq!(
        file.patches,
        [price("a", 350, None, after(5)), stock("b", 7, noon())]
    );
    assert_eq!((file.lines, file.refused), (4, 2));
    for bad in ["", "id\n", "sku\tprice\n"] {
        assert!(
            read_patches("x", bad.as_bytes(), None, noon()).is_err(),
            "{bad:?}"
        );
    }
}
