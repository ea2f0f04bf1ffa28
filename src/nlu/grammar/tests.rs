#![allow(clippy::unwrap_used)]

use super::{
    samples::{Gbnf, any_command},
    *,
};
use crate::nlu::command::Command;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_command_can_be_written(commands in prop::collection::vec(any_command(), 1..=4)) {
        let text = serde_json::to_string(&commands).unwrap();
        prop_assert!(Gbnf::read(gbnf()).accepts(&text), "{text}");
        prop_assert_eq!(serde_json::from_str::<Vec<Command>>(&text).unwrap(), commands);
    }
}

#[test]
fn anything_else_cannot() {
    let grammar = Gbnf::read(gbnf());
    assert!(grammar.accepts(r#"[{"intent":"add_to_cart","item":"lait d'avoine","quantity":2}]"#));
    for wrong in [
        "[]",
        r#"{"intent":"help"}"#,
        r#"[{"intent":"pay_now"}]"#,
        r#"[{"intent": "help"}]"#,
        r#"[{"intent":"help","item":"x"}]"#,
        r#"[{"intent":"add_to_cart","quantity":2,"item":"milk"}]"#,
        r#"[{"intent":"add_to_cart","item":"milk","item":"milk"}]"#,
        r#"[{"intent":"add_to_cart","quantity":"two"}]"#,
        r#"[{"intent":"add_to_cart","ordinal":0}]"#,
        r#"[{"intent":"search_product","sort":"cheapest"}]"#,
        r#"[{"intent":"search_product","query":""}]"#,
        "[{\"intent\":\"search_product\",\"query\":\"a\tb\"}]",
        r#"[{"intent":"search_product","query":" milk"}]"#,
        r#"[{"intent":"track_order","order_number":"a7k2"}]"#,
        r#"[{"intent":"change_language","language":"french"}]"#,
        r#"[{"intent":"loyalty","action":"forget_me"}]"#,
        r#"[{"intent":"help"},{"intent":"help"},{"intent":"help"},{"intent":"help"},{"intent":"help"}]"#,
    ] {
        assert!(!grammar.accepts(wrong), "{wrong}");
    }
}

#[test]
fn the_schema_names_every_intent() {
    let schema = json_schema();
    let listed = schema["properties"]["commands"]["items"]["anyOf"]
        .as_array()
        .unwrap();
    assert_eq!(listed.len(), INTENTS.len());
    assert_eq!(listed[0]["properties"]["max_price"]["type"], "number");
}
