//! Imports and searches of a small catalog.

use super::*;
use crate::{
    nlu::slot::{Price, Sort},
    shop::search::{Found, MatchKind},
};

fn search(store: &Store, query: &SearchQuery) -> Found {
    store.search(query, noon()).unwrap()
}

fn ids(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|h| h.product.id.0.as_str()).collect()
}

fn words(text: &str) -> SearchQuery {
    SearchQuery::words(Language::En, text, 10)
}

#[test]
fn a_language_imported_alone_keeps_the_other_ones_texts() {
    let (folder, store) = corner_shop();
    import_feeds(folder.path(), &[("corner-dearer.en.tsv", Language::En)]);
    let milk = ProductId("milk".to_owned());
    let fr = store.product(&milk, Language::Fr, noon()).unwrap().unwrap();
    assert_eq!(
        (fr.title.as_str(), fr.price),
        ("Lait entier, 1 litre", euros(125))
    );
    let found = search(&store, &SearchQuery::words(Language::Fr, "lait", 5));
    assert_eq!(ids(&found), ["milk"]);
    let beer = ProductId("beer".to_owned());
    assert_eq!(store.product(&beer, Language::Fr, noon()).unwrap(), None);
}

#[test]
fn the_stock_of_a_new_feed_counts_from_the_feed_on() {
    let (folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 2, &[])]);
    store
        .reserve(id(1), &cart, minutes(10), noon() - minutes(60))
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(1), &cart), 7, noon() - minutes(60))
        .unwrap();
    // Imported at noon: the shop's figure of then has that sale in it.
    import_feeds(folder.path(), &[("corner.en.tsv", Language::En)]);
    assert_eq!(stock(&store, "milk", noon()), Some(12));
}

#[test]
fn filters_hold_and_the_one_that_nothing_meets_is_named() {
    let (_folder, store) = corner_shop();
    let scarf = |color: &str| SearchQuery {
        color: Some(color.to_owned()),
        ..words("scarf")
    };
    assert_eq!(
        ids(&search(&store, &scarf("blue"))),
        ["scarf-navy"],
        "navy is a blue"
    );
    assert_eq!(ids(&search(&store, &scarf("bleu marine"))), ["scarf-navy"]);
    let green = search(&store, &scarf("green"));
    assert_eq!(green.relaxed.as_deref(), Some("color"));
    assert!(!green.hits.is_empty());
    let cheap = search(
        &store,
        &SearchQuery {
            max_price: Some(Price::from_minor(200)),
            sort: Some(Sort::PriceAsc),
            category: Some("groceries".to_owned()),
            ..words("")
        },
    );
    assert_eq!(ids(&cheap), ["milk", "oat-milk"]);
    assert!(cheap.hits.iter().all(|h| h.matched == MatchKind::Filter));
    assert_eq!(search(&store, &words("")).hits, [], "nothing was asked for");
}

#[test]
fn variants_of_one_product_are_one_answer_unless_asked_apart() {
    let (_folder, store) = corner_shop();
    assert_eq!(ids(&search(&store, &words("wool scarf"))).len(), 1);
    assert_eq!(
        ids(&search(&store, &words("red wool scarf")))[0],
        "scarf-red"
    );
    let variants = store.variants(&ProductId("scarf-red".to_owned()), Language::En, noon());
    assert_eq!(variants.unwrap().len(), 2);
}

#[test]
fn who_must_do_without_is_not_shown_what_is_unknown() {
    let (_folder, store) = corner_shop();
    let without = |what: &str, text: &str| {
        let query = SearchQuery {
            exclude: Some(what.to_owned()),
            ..words(text)
        };
        ids(&search(&store, &query))
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(without("lactose", "milk"), ["oat-milk"]);
    // The biscuits' label says nothing about nuts: silence is no promise.
    assert_eq!(without("nuts", "biscuits"), [] as [String; 0]);
    assert_eq!(without("chocolate", "biscuits"), ["biscuits"]);
}

#[test]
fn what_is_out_of_stock_is_told_but_not_put_first() {
    let (_folder, store) = corner_shop();
    let found = search(&store, &words("jam"));
    assert_eq!(ids(&found), ["jam", "jam-fig"]);
    assert!(!found.hits[1].product.can_sell(1));
    assert_eq!(
        first(&store, "fig jam"),
        "jam-fig",
        "asked for by name, it comes first"
    );
    let only = SearchQuery {
        in_stock_only: true,
        ..words("jam")
    };
    assert_eq!(ids(&search(&store, &only)), ["jam"]);
}

#[test]
fn codes_are_exact() {
    let (_folder, store) = corner_shop();
    for code in ["4006381333931", "04006381333931", "oat-milk"] {
        let found = search(&store, &words(code));
        assert_eq!(ids(&found), ["oat-milk"], "{code}");
        assert_eq!(found.hits[0].matched, MatchKind::Exact);
    }
}

#[test]
fn no_text_breaks_a_search() {
    let (_folder, store) = corner_shop();
    let long = "milk ".repeat(20_000);
    for text in [
        "\"",
        "'",
        "*",
        "milk*",
        "milk\"",
        "NEAR(milk, oat)",
        "milk AND",
        "OR",
        "title:milk",
        "-milk",
        "^milk",
        "(milk",
        "🥛",
        "🥛 milk",
        "\u{0}milk",
        "ﬁsh",
        "%",
        "milk; DROP TABLE product",
        long.as_str(),
    ] {
        let found = search(&store, &words(text));
        assert!(found.hits.len() <= 10, "{}", &text[..text.len().min(20)]);
    }
    assert_eq!(first(&store, "🥛 milk"), "milk");
    assert_eq!(first(&store, long.as_str()), "milk");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_text_at_all_is_searched(text in "\\PC{0,80}", color in "\\PC{0,12}", size in "\\PC{0,12}") {
        thread_local! {
            static SHOP: (tempfile::TempDir, Store) = corner_shop();
        }
        SHOP.with(|(_, store)| {
            let query = SearchQuery { color: Some(color), size: Some(size), ..words(&text) };
            let found = search(store, &query);
            proptest::prop_assert!(found.hits.iter().all(|h| (0.0..=1.0).contains(&h.score)));
            Ok(())
        })?;
    }
}
