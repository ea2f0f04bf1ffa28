#![allow(clippy::unwrap_used)]

use super::*;
use crate::nlu::grammar::samples::{Gbnf, any_command};
use proptest::prelude::*;

proptest! {
    #[test]
    fn wire_form_and_types_are_one_to_one(commands in prop::collection::vec(any_command(), 1..=4)) {
        let text = write(&commands);
        prop_assert_eq!(&read(&text).unwrap(), &commands, "{}", text);
        let json = serde_json::to_value(&commands).unwrap();
        prop_assert_eq!(to_json(&text).unwrap(), json);
        let answer = format!(" {text}");
        prop_assert!(Gbnf::read(gbnf()).accepts(&answer), "{}", answer);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = read(&text);
    }
}

#[test]
fn it_is_short() {
    for (wire, json) in [
        (
            "add oat milk; qty 2 | checkout card; get pickup; at 18:30",
            r#"[{"intent":"add_to_cart","item":"oat milk","quantity":2},{"intent":"checkout","method":"card","delivery":"pickup","time":"18:30"}]"#,
        ),
        (
            "search manteau; color bleu; max 199.99; for mère; sort price_asc",
            r#"[{"intent":"search_product","query":"manteau","color":"bleu","max_price":199.99,"recipient":"mère","sort":"price_asc"}]"#,
        ),
        (
            "compare; nth 1, -1",
            r#"[{"intent":"compare_products","ordinals":[1,-1]}]"#,
        ),
        (
            "add latte; with decaf, no sugar",
            r#"[{"intent":"add_to_cart","item":"latte","options":["decaf","no sugar"]}]"#,
        ),
        ("none", r#"[{"intent":"out_of_scope"}]"#),
    ] {
        let commands: Vec<Command> = serde_json::from_str(json).unwrap();
        assert_eq!(write(&commands), wire);
        assert_eq!(read(wire).unwrap(), commands);
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (wire, reason) in [
        ("pay", "no command is named `pay`"),
        ("yes please", "`yes` takes no value"),
        ("add milk; qty 2; nth 1", "`add` has no `nth` at this place"),
        ("add milk; qty 1; qty 2", "`add` has no `qty` at this place"),
        ("add milk; qty two", "`qty` cannot be `two`"),
        ("store cinema", "`topic` cannot be `cinema`"),
        ("add milk; qty", "`qty` cannot be ``"),
    ] {
        let error = read(wire).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(read("details; nth 0").is_err());
    assert!(read("").is_err());
}

#[test]
fn names_and_labels_are_told_apart() {
    let mut names: Vec<&str> = INTENTS.iter().map(|i| name(i.name)).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    for intent in INTENTS {
        let mut labels: Vec<&str> = intent.slots.iter().map(|s| label(s.name)).collect();
        labels.sort_unstable();
        let all = labels.len();
        labels.dedup();
        assert_eq!(labels.len(), all, "{}", intent.name);
    }
}

#[test]
fn a_value_cannot_pose_as_another_slot() {
    let command = Command::Select {
        item: Some("a; nth 2 | clear".into()),
        ordinal: None,
    };
    assert_eq!(write(&[command]), "select a nth 2 clear");
}
