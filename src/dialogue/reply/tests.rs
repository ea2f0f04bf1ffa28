#![allow(clippy::unwrap_used)]

use super::*;
use crate::shop::money::Currency;
use std::collections::{BTreeMap, BTreeSet};

/// Every message of a language with the arguments that its text names.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in bundle::sources(language) {
        let mut key = String::new();
        for line in source.lines().filter(|l| !l.starts_with('#')) {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                key = line.split(" =").next().unwrap().to_owned();
                let twice = out.insert(key.clone(), BTreeSet::new());
                assert!(twice.is_none(), "{language}: {key} is there twice");
            }
            for part in line.split('$').skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric())
                    .collect();
                if name != "mode" {
                    out.get_mut(&key).unwrap().insert(name);
                }
            }
        }
    }
    out
}

/// Every file below `src/dialogue`, but for the tests.
fn sources() -> String {
    fn walk(folder: &std::path::Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if !path.ends_with("tests.rs") {
                out.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut out = String::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialogue");
    walk(&folder, &mut out);
    out
}

#[test]
fn both_languages_have_the_same_messages_with_the_same_facts() {
    let (en, fr) = (messages(Language::En), messages(Language::Fr));
    let keys = |m: &BTreeMap<String, BTreeSet<String>>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&en), keys(&fr));
    for (key, args) in &en {
        // French "reviews" says "avis" for any number, and so on: what one language selects by
        // must be given to both, so that the facts are the union.
        let missing: Vec<_> = args.symmetric_difference(&fr[key]).collect();
        assert!(
            missing.is_empty(),
            "{key}: {missing:?} is in one language only"
        );
    }
}

#[test]
fn every_message_in_the_code_is_written_and_every_written_one_is_used() {
    let code = sources();
    let written = messages(Language::En);
    for part in code.split("Message::new(\"").skip(1) {
        let key = part.split('"').next().unwrap();
        assert!(written.contains_key(key), "{key} is in no Fluent file");
    }
    for key in written.keys() {
        assert!(code.contains(&format!("\"{key}\"")), "{key} is never said");
    }
}

#[test]
fn the_files_are_read_without_a_mistake() {
    for language in Language::ALL {
        for source in bundle::sources(language) {
            if let Err((_, errors)) = fluent_bundle::FluentResource::try_new((*source).to_owned()) {
                panic!("{language}: {errors:?}");
            }
        }
    }
}

#[test]
fn a_message_is_written_for_eyes_and_said_for_ears() {
    let line = Message::new("cart-line-priced")
        .with(
            "line",
            Arg::Part(
                Message::new("cart-line")
                    .count("quantity", 2u32)
                    .words("title", "Rice 500 g")
                    .case("with", "nothing")
                    .with("options", Arg::All(Vec::new()))
                    .with("said", Arg::All(Vec::new())),
            ),
        )
        .money("amount", Money::new(12_50, Currency::Eur));
    let show = |l, m| line.render(l, m);
    assert_eq!(show(Language::En, Mode::Text), "2 × Rice 500 g, €12.50");
    assert_eq!(
        show(Language::En, Mode::Speech),
        "two Rice 500 grams, twelve euros fifty"
    );
    assert_eq!(show(Language::Fr, Mode::Text), "2 × Rice 500 g, 12,50 €");
    assert_eq!(
        show(Language::Fr, Mode::Speech),
        "deux Rice 500 grammes, douze euros cinquante"
    );
}

#[test]
fn plurals_follow_each_language() {
    let stock = |l, n: u32| {
        Message::new("stock-short")
            .words("title", "X")
            .count("left", n)
            .render(l, Mode::Text)
    };
    assert_eq!(stock(Language::En, 1), "There is only one X left.");
    assert_eq!(stock(Language::En, 2), "There are only 2 of X left.");
    assert_eq!(stock(Language::Fr, 1), "Il n'en reste qu'un : X.");
    // Zero is singular in French and plural in English.
    assert!(stock(Language::Fr, 0).contains("qu'un"));
    assert!(stock(Language::En, 0).contains("0 of X"));
}

#[test]
fn what_cannot_be_resolved_stays_visible() {
    assert!(
        Message::new("price-only")
            .render(Language::En, Mode::Text)
            .contains('{')
    );
    assert_eq!(
        Message::new("no-such-key").render(Language::En, Mode::Text),
        "{no-such-key}"
    );
}
