//! What the model may write, generated from [`INTENTS`]: as GBNF for our own worker, as a JSON
//! Schema for remote servers.
//!
//! The GBNF allows compact JSON only (no spaces between tokens), each slot at most once and in
//! its fixed order, numbers and enums typed, strings of bounded length without control
//! characters, quotes or backslashes. Repetitions are `{m,n}`, which llama.cpp unrolls into
//! right-nested rules: one live parse stack a character.

use super::{
    command::{INTENTS, SlotSpec},
    slot::SlotKind,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, sync::LazyLock};

/// Most commands in one answer.
pub const MOST_COMMANDS: usize = 4;

/// Longest string, in words and in characters a word.
const WORDS: usize = 10;
const LETTERS: usize = 24;

/// The rules for numbers, the same in JSON and in wire form.
pub(super) const NUMBERS: &str = r#"position ::= "-1" | [1-9] [0-9]{0,1}
count ::= "0" | [1-9] [0-9]{0,3}
price ::= ("0" | [1-9] [0-9]{0,5}) ("." [0-9]{1,2})?
"#;

static GBNF: LazyLock<String> = LazyLock::new(write_gbnf);

/// The grammar in llama.cpp's notation; the root rule is `root`.
#[must_use]
pub fn gbnf() -> &'static str {
    &GBNF
}

/// The rule for a slot's value. Slots that are codes are held to their alphabet.
fn value_rule(slot: &SlotSpec) -> String {
    match (slot.name, slot.kind) {
        ("order_number" | "code", SlotKind::Text) => "code".into(),
        ("language", SlotKind::Text) => "iso".into(),
        (_, SlotKind::Text) => "text".into(),
        (_, SlotKind::TextList) => r#""[" text ("," text){0,5} "]""#.into(),
        (_, SlotKind::Ordinal) => "position".into(),
        (_, SlotKind::OrdinalList) => r#""[" position ("," position){0,5} "]""#.into(),
        (_, SlotKind::Count) => "count".into(),
        (_, SlotKind::Price) => "price".into(),
        (_, SlotKind::Score) => "[1-5]".into(),
        (_, SlotKind::OneOf(words)) => {
            let quoted: Vec<String> = words.iter().map(|w| format!(r#""\"{w}\"""#)).collect();
            format!("({})", quoted.join(" | "))
        }
    }
}

fn write_gbnf() -> String {
    let mut out = String::new();
    let rule = |name: &str| name.replace('_', "-");
    let names: Vec<String> = INTENTS.iter().map(|i| rule(i.name)).collect();
    let _ = writeln!(
        out,
        r#"root ::= "[" command ("," command){{0,{}}} "]""#,
        MOST_COMMANDS - 1
    );
    let _ = writeln!(
        out,
        r#"command ::= "{{\"intent\":\"" ({}) "}}""#,
        names.join(" | ")
    );
    // Slots of the same name and kind share one rule.
    let mut slots: BTreeMap<String, String> = BTreeMap::new();
    for intent in INTENTS {
        let _ = write!(out, r#"{} ::= "{}\"""#, rule(intent.name), intent.name);
        for slot in intent.slots {
            let value = value_rule(slot);
            let mut name = format!("slot-{}", rule(slot.name));
            // Two enums may share a slot's name (`action`, `reason`): one rule each.
            if slots.get(&name).is_some_and(|v| *v != value) {
                name = format!("{name}-{}", rule(intent.name));
            }
            let _ = write!(out, " {name}?");
            slots.insert(name, value);
        }
        out.push('\n');
    }
    for (name, value) in &slots {
        let slot = name.trim_start_matches("slot-");
        // The JSON name: the rule's, without an intent's name behind it.
        let json = INTENTS
            .iter()
            .flat_map(|i| i.slots.iter().map(move |s| (i, s)))
            .find(|(i, s)| {
                slot == rule(s.name) || slot == format!("{}-{}", rule(s.name), rule(i.name))
            })
            .map_or(slot, |(_, s)| s.name);
        let _ = writeln!(out, r#"{name} ::= ",\"{json}\":" {value}"#);
    }
    let _ = writeln!(
        out,
        r#"text ::= "\"" word (" " word){{0,{}}} "\"""#,
        WORDS - 1
    );
    let _ = writeln!(out, r#"word ::= [^"\\ \x00-\x1F\x7F]{{1,{LETTERS}}}"#);
    let _ = writeln!(out, r#"code ::= "\"" [A-Z0-9]{{2,{LETTERS}}} "\"""#);
    let _ = writeln!(out, r#"iso ::= "\"" [a-z]{{2}} "\"""#);
    out.push_str(NUMBERS);
    out
}

/// The answer as a JSON Schema: `{"commands": [...]}`, because several servers accept only an
/// object at the top.
#[must_use]
pub fn json_schema() -> Value {
    let intents: Vec<Value> = INTENTS
        .iter()
        .map(|intent| {
            let mut properties = serde_json::Map::new();
            properties.insert("intent".into(), json!({ "const": intent.name }));
            for slot in intent.slots {
                properties.insert(slot.name.into(), slot_schema(slot.kind));
            }
            json!({
                "type": "object",
                "properties": properties,
                "required": ["intent"],
                "additionalProperties": false,
            })
        })
        .collect();
    json!({
        "type": "object",
        "properties": {
            "commands": {
                "type": "array", "minItems": 1, "maxItems": MOST_COMMANDS,
                "items": { "anyOf": intents },
            },
        },
        "required": ["commands"],
        "additionalProperties": false,
    })
}

fn slot_schema(kind: SlotKind) -> Value {
    let text = json!({ "type": "string", "minLength": 1, "maxLength": 120 });
    let position = json!({ "type": "integer", "minimum": -1, "maximum": 99 });
    match kind {
        SlotKind::Text => text,
        SlotKind::TextList => json!({ "type": "array", "items": text, "maxItems": 6 }),
        SlotKind::Ordinal => position,
        SlotKind::OrdinalList => json!({ "type": "array", "items": position, "maxItems": 6 }),
        SlotKind::Count => json!({ "type": "integer", "minimum": 0, "maximum": 9999 }),
        SlotKind::Price => json!({ "type": "number", "minimum": 0 }),
        SlotKind::Score => json!({ "type": "integer", "minimum": 1, "maximum": 5 }),
        SlotKind::OneOf(words) => json!({ "enum": words }),
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
