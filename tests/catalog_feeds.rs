//! Feeds as retailers really send them: what is kept, what is told, what never happens.
#![allow(clippy::unwrap_used)]

use clap::Parser;
use comptoir::{
    cli::{
        args::{Cli, Verb},
        catalog::execute,
    },
    lang::Language,
    shop::{
        cart::{Cart, CartLine},
        feed::{FeedFile, FeedReader, FeedReport, import},
        money::{Currency, Money},
        order::{Fulfilment, Order, OrderLine, OrderNumber, OrderState, PaymentState},
        product::ProductId,
        store::Store,
    },
};
use jiff::Timestamp;
use proptest::prelude::*;
use std::{
    io::{BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

fn noon() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn feed(name: &str) -> PathBuf {
    Path::new("tests/feeds").join(name)
}

fn imported(name: &str, language: Language) -> (tempfile::TempDir, Store, FeedReport) {
    let folder = tempfile::tempdir().unwrap();
    let feeds = [FeedFile::new(feed(name), language)];
    let report = import(folder.path(), &feeds, None, noon())
        .unwrap()
        .remove(0);
    let store = Store::open(folder.path()).unwrap();
    (folder, store, report)
}

#[test]
fn bad_rows_are_told_by_line_and_good_ones_are_kept() {
    let (_folder, store, report) = imported("faulty.en.tsv", Language::En);
    insta::assert_snapshot!(report.to_string());
    let kept: Vec<&str> = [
        "good-1",
        "good-2",
        "gtin",
        "dear-sale",
        "half",
        "tax",
        "quoted",
        "quote",
    ]
    .into_iter()
    .filter(|id| {
        let id = ProductId((*id).to_owned());
        store.product(&id, Language::En, noon()).unwrap().is_some()
    })
    .collect();
    assert_eq!(kept.len() as u64, report.kept);
    assert_eq!(report.lines, report.kept + report.refused);
    let gtin = store
        .product(&ProductId("gtin".into()), Language::En, noon())
        .unwrap()
        .unwrap();
    assert_eq!(gtin.gtin, None, "sold, but not by a wrong bar code");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["issues"][0]["line"], 3);
    assert_eq!(json["issues"][0]["column"], "id");
}

#[test]
fn spreadsheets_save_csv_and_that_is_read_too() {
    let (_folder, store, report) = imported("shop.csv", Language::En);
    assert_eq!((report.kept, report.refused), (2, 0), "{report}");
    let milk = store
        .product(&ProductId("milk".into()), Language::En, noon())
        .unwrap()
        .unwrap();
    assert_eq!(milk.title, "Milk; whole, 1 litre");
    assert_eq!(milk.description, "Says \"moo\" on two lines");
    assert_eq!(milk.price, Money::new(115, Currency::Eur));
}

#[test]
fn missing_columns_are_named_with_what_was_found() {
    let text = std::fs::read(feed("no-price.tsv")).unwrap();
    let Err(error) = FeedReader::open("no-price.tsv", Language::En, None, text.as_slice()) else {
        panic!("a feed without prices")
    };
    let told = error.to_string();
    assert!(told.contains("no price") && told.contains("prix"), "{told}");
    assert!(!told.contains("no title"), "{told}");
}

/// `length` bytes of `x`, made as they are read: a line that no memory should hold.
fn endless(length: u64) -> impl BufRead {
    BufReader::with_capacity(1 << 20, std::io::repeat(b'x').take(length))
}

/// Peak memory of this process, KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_gigabyte_in_one_line_is_skipped_in_little_memory() {
    let before = peak_memory();
    let head =
        Cursor::new(b"id\ttitle\tprice\tavailability\nmilk\tMilk\t1.15 EUR\tin_stock\n".to_vec());
    let tail = Cursor::new(b"\ntea\tTea\t2.00 EUR\tin_stock\n".to_vec());
    let long = head.chain(endless(1 << 30)).chain(tail);
    let mut reader = FeedReader::open("long.tsv", Language::En, None, long).unwrap();
    let mut ids = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        ids.push(row.id.0);
    }
    assert_eq!(ids, ["milk", "tea"]);
    let report = reader.into_report();
    assert_eq!(report.issues[0].line, 3);
    assert_eq!(report.issues[0].found, format!("{} bytes", (1 << 30) + 1));
    let header = FeedReader::open("long.tsv", Language::En, None, endless(1 << 26));
    assert!(header.is_err_and(|e| e.to_string().contains("67108864 bytes")));
    assert!(
        peak_memory() - before < 64 << 10,
        "{} KiB more",
        peak_memory() - before
    );
}

/// Runs `comptoir catalog ...` on a data folder.
fn run(data: &Path, args: &[&str], input: &str) -> (bool, String) {
    let args = ["comptoir", "catalog"].iter().chain(args);
    let Verb::Catalog(verb) = Cli::try_parse_from(args).unwrap().verb else {
        panic!("a verb of the catalog")
    };
    let mut out = Vec::new();
    let ok = execute(&verb, data, noon(), &mut input.as_bytes(), &mut out).unwrap();
    (ok, String::from_utf8(out).unwrap())
}

#[test]
fn the_catalog_verbs_import_search_and_answer_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (ok, text) = run(
        data,
        &[
            "import",
            "tests/feeds/corner.en.tsv",
            "tests/feeds/corner.fr.tsv",
        ],
        "",
    );
    assert!(
        ok && text.contains("corner.fr.tsv (fr): 9 lines read, 9 kept"),
        "{text}"
    );
    let (ok, json) = run(data, &["import", "tests/feeds/faulty.en.tsv", "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(!ok, "refused rows are not well");
    assert_eq!(report["feeds"][0]["kept"], 8, "{json}");
    run(
        data,
        &[
            "import",
            "tests/feeds/corner.en.tsv",
            "tests/feeds/corner.fr.tsv",
        ],
        "",
    );

    let (_, json) = run(
        data,
        &["search", "oat", "milk", "--json", "--limit", "1"],
        "",
    );
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["results"][0]["id"], "oat-milk");
    assert_eq!(answer["results"][0]["price"], 1.95);
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    let (_, text) = run(
        data,
        &["search", "--lang", "fr", "écharpe", "--colour", "bleu"],
        "",
    );
    assert!(
        text.contains("Écharpe en laine, bleu marine") && text.contains("25.00 EUR"),
        "{text}"
    );
    let (_, text) = run(data, &["search", "submarine"], "");
    assert_eq!(text, "Nothing found.\n");

    let questions = "{\"id\":1,\"query\":\"milk\"}\n\nnot json\n\
         {\"id\":\"b\",\"query\":\"lait d'avoine\",\"lang\":\"fr\",\"limit\":1}\n";
    let (ok, text) = run(data, &["search", "--jsonl"], questions);
    let answers: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(!ok && answers.len() == 3, "{text}");
    assert_eq!(
        (&answers[0]["id"], &answers[0]["results"][0]["id"]),
        (&1.into(), &"milk".into())
    );
    assert!(answers[0]["ms"].is_number() && answers[0]["results"][0]["score"].is_number());
    assert_eq!(answers[1]["line"], 3);
    assert_eq!(answers[2]["id"], "b");
    assert_eq!(answers[2]["results"][0]["title"], "Lait d'avoine, 1 litre");

    let (_, text) = run(data, &["show", "4006381333931", "--lang", "fr"], "");
    assert!(
        text.contains("Lait d'avoine") && text.contains("gluten"),
        "{text}"
    );
    let (_, text) = run(data, &["stats"], "");
    assert!(text.starts_with("9 products"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever bytes come: no panic, and every line is kept or told.
    #[test]
    fn any_bytes_at_all_are_read_as_a_feed(
        body in prop::collection::vec(
            prop_oneof![
                Just(b'\t'), Just(b'\n'), Just(b'"'), Just(b','), Just(b';'), Just(b'\r'),
                Just(b'1'), Just(b'.'), any::<u8>(),
            ],
            0..400,
        )
    ) {
        let mut text = b"id\ttitle\tprice\tavailability\toptions\tgtin\tsale_price\n".to_vec();
        text.extend(&body);
        let mut reader = FeedReader::open("any.tsv", Language::En, None, text.as_slice()).unwrap();
        let mut rows = 0;
        while reader.next_row().unwrap().is_some() {
            rows += 1;
        }
        let report = reader.into_report();
        prop_assert_eq!(report.lines, rows + report.refused);
        let _ = FeedReader::open("any.tsv", Language::En, None, body.as_slice());
    }

    /// A value is what was written, or it is told.
    #[test]
    fn a_row_says_what_was_written(
        id in "[a-z][a-z0-9-]{0,20}",
        title in "[a-zé][a-zé ]{0,30}[a-zé]",
        minor in 1_i64..99_999_999,
        stock in 0_u32..10_000,
    ) {
        let price = Money::new(minor, Currency::Eur);
        let text = format!("id\ttitle\tprice\tavailability\tquantity\n{id}\t{title}\t{price}\tin_stock\t{stock}\n");
        let mut reader = FeedReader::open("one.tsv", Language::En, None, text.as_bytes()).unwrap();
        let row = reader.next_row().unwrap().unwrap();
        let words = title.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!((row.id.0, row.title, row.price, row.stock), (id, words, price, Some(stock)));
    }

    /// The cart, its order and the receipt's taxes agree to the cent.
    #[test]
    fn sums_of_money_agree(
        lines in prop::collection::vec((1_i64..1_000_000, 1_u32..100, prop_oneof![Just(550), Just(1000), Just(2000)]), 1..20),
        fee in 0_i64..1_000,
    ) {
        let euros = |minor| Money::new(minor, Currency::Eur);
        let cart = Cart {
            lines: lines.iter().map(|(price, quantity, rate)| CartLine {
                product: ProductId("x".into()),
                title: "x".into(),
                quantity: *quantity,
                options: Vec::new(),
                unit_price: euros(*price),
                tax_rate_bp: *rate,
                min_age: None,
            }).collect(),
        };
        let order = Order {
            id: uuid::Uuid::nil(),
            number: OrderNumber("A3C4E6".into()),
            customer: None,
            state: OrderState::Received,
            lines: cart.lines.iter().map(|l| OrderLine {
                product: l.product.clone(),
                title: l.title.clone(),
                quantity: l.quantity,
                options: Vec::new(),
                unit_price: l.unit_price,
                tax_rate_bp: l.tax_rate_bp,
                held_for_age: false,
            }).collect(),
            discount: euros(0),
            delivery_fee: euros(fee),
            fulfilment: Fulfilment::Pickup,
            payment: PaymentState::Unpaid,
            method: None,
            language: Language::En,
            created_at: noon(),
            promised: None,
            carrier: None,
            events: Vec::new(),
            acknowledged_at: None,
            payment_link: None,
        };
        let by_hand: i64 = lines.iter().map(|(price, quantity, _)| price * i64::from(*quantity)).sum();
        prop_assert_eq!(cart.total(), euros(by_hand));
        prop_assert_eq!(order.total(), euros(by_hand + fee));
        let taxes = order.taxes();
        prop_assert!(taxes.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let exact: f64 = lines.iter()
            .map(|(price, quantity, rate)| (price * i64::from(*quantity)) as f64 * f64::from(*rate) / (10_000.0 + f64::from(*rate)))
            .sum();
        let told: i64 = taxes.iter().map(|(_, tax)| tax.minor).sum();
        prop_assert!((told as f64 - exact).abs() <= taxes.len() as f64);
    }
}
