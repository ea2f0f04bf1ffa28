//! Orders of what is made to order, as they are heard: the sample shop's own rows are the menu.
#![allow(clippy::unwrap_used)]

use comptoir::{
    lang::Language,
    nlu::{command::Command, menu::Menu},
    shop::{load, store::Store},
};
use jiff::Timestamp;
use serde_json::Value;

fn menu(language: Language) -> Menu {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let mut store = Store::open(folder.path()).unwrap();
    load::sample(&mut store, now).unwrap();
    Menu::of(language, &store.menu(language, now).unwrap()).unwrap()
}

/// What an order came to: `[n x] item: choices`, `?` before it where it is not sure.
fn heard(menu: &Menu, text: &str) -> String {
    let Some(reading) = menu.order(text) else {
        return "none".to_owned();
    };
    let Command::AddToCart {
        item,
        quantity,
        options,
        ..
    } = menu.command(&reading)
    else {
        unreachable!()
    };
    let sure = match (reading.is_sure(), reading.is_likely()) {
        (true, _) => "",
        (_, true) => "? ",
        _ => "?? ",
    };
    let many = quantity.map_or(String::new(), |n| format!("{n} x "));
    format!("{sure}{many}{}: {}", item.unwrap(), options.join(", "))
}

#[test]
fn an_order_is_read_as_the_nearest_one_of_the_menu() {
    let (en, fr) = (menu(Language::En), menu(Language::Fr));
    let mut wrong = String::new();
    for line in include_str!("menu_cases.tsv").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let [language, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("expected three columns, found {line}");
        };
        let menu = if language == "fr" { &fr } else { &en };
        let found = heard(menu, text);
        if found != expected {
            wrong.push_str(&format!(
                "{text}\n  expected {expected}\n  found    {found}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Our test sentences in which nothing is put in the cart are no sure orders.
#[test]
fn what_is_no_order_is_not_taken_for_a_sure_one() {
    let mut taken = String::new();
    for (language, text) in [
        (Language::En, include_str!("nlu/second.en.jsonl")),
        (Language::Fr, include_str!("nlu/second.fr.jsonl")),
    ] {
        let menu = menu(language);
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let said = line["text"].as_str().unwrap();
            let adds = |c: &Value| c["intent"] == "add_to_cart";
            let is_order = line["expect"]
                .as_array()
                .is_some_and(|e| e.iter().any(adds));
            if !is_order && menu.order(said).is_some_and(|r| r.is_sure()) {
                taken.push_str(&format!("{said} => {}\n", heard(&menu, said)));
            }
        }
    }
    assert!(taken.is_empty(), "{taken}");
}
