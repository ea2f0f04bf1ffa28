//! The compact wire form: commands in few tokens, for the tuned model.
//!
//! ```text
//! add oat milk; qty 2 | checkout card; get pickup
//! ```
//!
//! A command is its wire name, the value of its first slot without a label, then the further
//! slots as `; label value` in the order of [`INTENTS`]; commands are joined by ` | `. Lists are
//! joined by `, `. Nothing is escaped: a value holds no `;`, no `|` and no line break (the
//! words of an utterance never do, [`super::words`]), and an entry of a list no comma.
//!
//! [`write`] and [`read`] are inverse on such values; [`gbnf`] is the same form as a grammar.

use super::{
    command::{Command, INTENTS, IntentSpec, SlotSpec},
    grammar::{MOST_COMMANDS, NUMBERS},
    slot::SlotKind,
};
use serde_json::{Map, Number, Value};
use std::{fmt::Write as _, sync::LazyLock};

/// A text that is no list of commands in wire form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected commands in wire form (`add oat milk; qty 2`), found `{text}`: {reason}")]
pub struct WireError {
    text: String,
    reason: String,
}

/// The name of an intent in wire form: one word, most of them one token.
#[must_use]
pub fn name(intent: &str) -> &str {
    match intent {
        "search_product" => "search",
        "refine_search" => "refine",
        "product_details" => "details",
        "compare_products" => "compare",
        "add_to_cart" => "add",
        "change_options" => "options",
        "set_quantity" => "quantity",
        "remove_from_cart" => "remove",
        "view_cart" => "cart",
        "clear_cart" => "clear",
        "track_order" => "track",
        "order_history" => "history",
        "cancel_order" => "cancel",
        "return_item" => "return",
        "exchange_item" => "exchange",
        "payment_problem" => "payment",
        "store_info" => "store",
        "promotions" => "promo",
        "book_appointment" => "book",
        "change_appointment" => "move",
        "cancel_appointment" => "unbook",
        "notify_me" => "notify",
        "talk_to_human" => "human",
        "change_language" => "language",
        "affirm" => "yes",
        "deny" => "no",
        "greet" => "hello",
        "thank" => "thanks",
        "goodbye" => "bye",
        "out_of_scope" => "none",
        // recommend, checkout, reorder, loyalty, feedback, privacy, explain, help, repeat,
        // speech, undo, select, stop.
        same => same,
    }
}

/// The intent whose wire name is this token, or is the only one that begins with it.
#[must_use]
pub fn intent_of_token(token: &str) -> Option<&'static str> {
    let token = token.trim();
    if let Some(exact) = INTENTS.iter().find(|i| name(i.name) == token) {
        return Some(exact.name);
    }
    let mut fit = INTENTS
        .iter()
        .filter(|i| token.len() >= 2 && name(i.name).starts_with(token));
    let only = fit.next()?;
    fit.next().is_none().then_some(only.name)
}

/// The label of a slot in wire form.
fn label(slot: &str) -> &str {
    match slot {
        "min_price" => "min",
        "max_price" => "max",
        "recipient" => "for",
        "exclude" => "without",
        "ordinal" | "ordinals" => "nth",
        "aspect" => "about",
        "quantity" => "qty",
        "options" => "with",
        "order_number" => "order",
        "delivery" => "get",
        "service" => "place",
        "time" => "at",
        "date" => "on",
        "reason" => "why",
        same => same,
    }
}

/// Commands in wire form.
#[must_use]
pub fn write(commands: &[Command]) -> String {
    let list: Vec<String> = commands.iter().map(write_one).collect();
    list.join(" | ")
}

fn write_one(command: &Command) -> String {
    let intent = command.intent();
    let mut out = name(intent).to_owned();
    // Plain data: serialising it cannot fail.
    let Ok(Value::Object(slots)) = serde_json::to_value(command) else {
        return out;
    };
    let spec = INTENTS.iter().find(|i| i.name == intent);
    for (i, slot) in spec.iter().flat_map(|s| s.slots).enumerate() {
        let value = match slots.get(slot.name) {
            None => continue,
            Some(Value::Array(list)) => {
                let entries: Vec<String> =
                    list.iter().map(|v| plain(v).replace(',', " ")).collect();
                entries.join(", ")
            }
            Some(value) => plain(value),
        };
        let _ = match i {
            0 => write!(out, " {value}"),
            _ => write!(out, "; {} {value}", label(slot.name)),
        };
    }
    out
}

/// A value as text, without what separates values.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.replace([';', '|'], " "),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The commands of a text in wire form.
///
/// # Errors
/// An unknown name or label, a slot twice or out of order, a value of the wrong shape.
pub fn read(text: &str) -> Result<Vec<Command>, WireError> {
    let wrong = |reason: String| WireError {
        text: text.chars().take(200).collect(),
        reason,
    };
    let list = to_json(text)?;
    serde_json::from_value(list).map_err(|e| wrong(e.to_string()))
}

/// The same as the JSON list of commands, its values not yet held to their types.
///
/// # Errors
/// As [`read`], but for values of the wrong shape.
pub fn to_json(text: &str) -> Result<Value, WireError> {
    let commands = text.split('|').map(|part| {
        read_one(part.trim()).map_err(|reason| WireError {
            text: text.chars().take(200).collect(),
            reason,
        })
    });
    Ok(Value::Array(commands.collect::<Result<_, _>>()?))
}

fn read_one(text: &str) -> Result<Value, String> {
    let mut parts = text.split(';').map(str::trim);
    let head = parts.next().unwrap_or_default();
    let (word, first) = head.split_once(' ').unwrap_or((head, ""));
    let spec: &IntentSpec = INTENTS
        .iter()
        .find(|i| name(i.name) == word)
        .ok_or_else(|| format!("no command is named `{word}`"))?;
    let mut slots = Map::new();
    slots.insert("intent".into(), spec.name.into());
    let mut rest = spec.slots;
    if !first.is_empty() {
        let (slot, after) = rest
            .split_first()
            .ok_or_else(|| format!("`{word}` takes no value"))?;
        slots.insert(slot.name.into(), value(slot, first)?);
        rest = after;
    }
    for part in parts {
        let (said, text) = part.split_once(' ').unwrap_or((part, ""));
        let at = rest
            .iter()
            .position(|s| label(s.name) == said)
            .ok_or_else(|| format!("`{word}` has no `{said}` at this place"))?;
        slots.insert(rest[at].name.into(), value(&rest[at], text)?);
        rest = &rest[at + 1..];
    }
    Ok(Value::Object(slots))
}

fn value(slot: &SlotSpec, text: &str) -> Result<Value, String> {
    let wrong = || format!("`{}` cannot be `{text}`", label(slot.name));
    if text.is_empty() {
        return Err(wrong());
    }
    let entries = || {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
    };
    let integer = |text: &str| text.parse::<i64>().map(Value::from).map_err(|_| wrong());
    match slot.kind {
        SlotKind::Text => Ok(text.into()),
        SlotKind::OneOf(words) => words.contains(&text).then(|| text.into()).ok_or_else(wrong),
        SlotKind::TextList => Ok(entries().map(Value::from).collect()),
        SlotKind::OrdinalList => entries().map(integer).collect(),
        SlotKind::Ordinal | SlotKind::Count | SlotKind::Score => integer(text),
        SlotKind::Price => match integer(text) {
            Ok(whole) => Ok(whole),
            Err(_) => text
                .parse()
                .ok()
                .and_then(Number::from_f64)
                .map(Value::Number)
                .ok_or_else(wrong),
        },
    }
}

/// Longest text, in words and in characters a word.
const WORDS: usize = 12;
const LETTERS: usize = 24;

static GBNF: LazyLock<String> = LazyLock::new(write_gbnf);

/// The wire form as a grammar in llama.cpp's notation; the root rule is `root`. An answer
/// begins with a space, as words after a prompt do.
#[must_use]
pub fn gbnf() -> &'static str {
    &GBNF
}

fn write_gbnf() -> String {
    let names: Vec<&str> = INTENTS.iter().map(|i| name(i.name)).collect();
    let mut out = format!(
        "root ::= \" \" command (\" | \" command){{0,{}}}\ncommand ::= {}\n",
        MOST_COMMANDS - 1,
        names.join(" | ")
    );
    for intent in INTENTS {
        let _ = write!(out, "{0} ::= \"{0}\"", name(intent.name));
        for (i, slot) in intent.slots.iter().enumerate() {
            let value = match (slot.name, slot.kind) {
                ("order_number" | "code", _) => "code".to_owned(),
                ("language", _) => "iso".to_owned(),
                (_, SlotKind::Text) => "text".to_owned(),
                (_, SlotKind::TextList) => "list".to_owned(),
                (_, SlotKind::Ordinal) => "position".to_owned(),
                (_, SlotKind::OrdinalList) => r#"position (", " position){0,5}"#.to_owned(),
                (_, SlotKind::Count) => "count".to_owned(),
                (_, SlotKind::Price) => "price".to_owned(),
                (_, SlotKind::Score) => "[1-5]".to_owned(),
                (_, SlotKind::OneOf(words)) => {
                    let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
                    format!("({})", quoted.join(" | "))
                }
            };
            let _ = match i {
                0 => write!(out, " (\" \" {value})?"),
                _ => write!(out, " (\"; {} \" {value})?", label(slot.name)),
            };
        }
        out.push('\n');
    }
    let _ = writeln!(out, r#"text ::= word (" " word){{0,{}}}"#, WORDS - 1);
    // Commas are letters of a word here: the entries are told apart by `read`.
    let _ = writeln!(out, r#"list ::= word (" " word){{0,{}}}"#, 2 * WORDS - 1);
    let _ = writeln!(out, r"word ::= [^;| \x00-\x1F\x7F]{{1,{LETTERS}}}");
    let _ = writeln!(out, r"code ::= [A-Z0-9]{{2,{LETTERS}}}");
    let _ = writeln!(out, "iso ::= [a-z]{{2}}");
    out.push_str(NUMBERS);
    out
}

#[cfg(test)]
mod tests;
