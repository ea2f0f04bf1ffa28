//! The last tier: when the model is absent, broken or late.
//!
//! First every clause that the closed patterns know is taken; else the first cue rule of
//! `assets/nlu/fallback.LANG.toml` that holds; else a few plain words are a search; else the
//! utterance is out of scope. Degraded, and said so by the interpretation.

use super::{
    command::{Command, Context},
    fastpath::{self, without_courtesy, without_fillers},
    lexicon::Lexicon,
    phrase::{self, Slots, fill},
    rules::Rules,
    words::{Word, Words},
};
use crate::lang::Language;
use serde_json::Value;
use std::sync::LazyLock;

/// How sure the fallback is, 0 to 1.
pub const CONFIDENCE: f32 = 0.3;

static EN: LazyLock<Rules> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/fallback.en.toml")));
static FR: LazyLock<Rules> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/fallback.fr.toml")));

fn read(text: &str) -> Rules {
    // Part of the program, read by a test: not input.
    Rules::read(text).expect("the bundled rules are well formed")
}

/// The commands that cue words suggest; `out_of_scope` when none does. Never empty, never
/// `affirm`.
#[must_use]
pub fn understand(words: &Words, language: Language, context: &Context) -> Vec<Command> {
    let lexicon = Lexicon::of(language);
    let calm = without_courtesy(&without_fillers(&words.list, lexicon), lexicon);
    let clauses = by_clause(&calm, language, context);
    if !clauses.is_empty() {
        return clauses;
    }
    let rules = match language {
        Language::En => &EN,
        Language::Fr => &FR,
    };
    if let Some(command) = rules.command(&calm, lexicon, context, false) {
        return vec![command];
    }
    plain_search(&calm, lexicon).map_or_else(|| vec![Command::OutOfScope {}], |c| vec![c])
}

/// What the closed patterns know of the clauses between punctuation marks.
pub(super) fn by_clause(words: &[Word], language: Language, context: &Context) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut start = 0;
    for end in 1..=words.len() {
        if end < words.len() && words[end].after.is_none() {
            continue;
        }
        let clause = Words {
            list: words[start..end].to_vec(),
            question: false,
        };
        for command in fastpath::understand(&clause, language, context).unwrap_or_default() {
            // A yes among other words is none.
            if !matches!(command, Command::Affirm {}) && !commands.contains(&command) {
                commands.push(command);
            }
        }
        start = end;
    }
    let courtesy = |c: &Command| {
        matches!(
            c,
            Command::Greet {} | Command::Thank {} | Command::Deny {} | Command::OutOfScope {}
        )
    };
    if commands.iter().any(|c| !courtesy(c)) {
        commands.retain(|c| !courtesy(c));
    }
    commands.truncate(super::grammar::MOST_COMMANDS);
    commands
}

/// "Oat milk": a few words without a verb are what somebody looks for.
fn plain_search(words: &[Word], lexicon: &Lexicon) -> Option<Command> {
    let mut words = words.to_vec();
    let (min, max) = phrase::take_limits(&mut words, lexicon);
    let plain = (1..=5).contains(&words.len())
        && !words.iter().any(|w| lexicon.breakers.contains(&w.key))
        && !words.iter().skip(1).any(|w| w.after.is_some())
        && words
            .iter()
            .any(|w| w.key.len() > 2 && w.number().is_none());
    if !plain {
        return None;
    }
    let mut slots = Slots::new();
    for (slot, value) in [("min_price", min), ("max_price", max)] {
        if let Some(value) = value {
            slots.insert(slot.into(), value.into());
        }
    }
    fill("search_product", "query", &words, lexicon, &mut slots);
    if !slots.contains_key("query") {
        return None;
    }
    slots.insert("intent".into(), "search_product".into());
    serde_json::from_value(Value::Object(slots)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::nlu::normalise::normalise;
    use Language::{En, Fr};
    use serde_json::json;

    #[test]
    fn cue_words_are_enough_for_the_usual() {
        for (language, said, meant) in [
            (
                En,
                "oat milk",
                json!([{"intent": "search_product", "query": "oat milk"}]),
            ),
            (
                En,
                "it is so cold today, do you have gloves?",
                json!([{"intent": "search_product", "query": "gloves"}]),
            ),
            (
                En,
                "I wonder whatever happened to my parcel",
                json!([{"intent": "track_order"}]),
            ),
            (
                En,
                "you know what just cancel the order for me",
                json!([{"intent": "cancel_order"}]),
            ),
            (
                En,
                "I think I would like to pay now if I may",
                json!([{"intent": "checkout"}]),
            ),
            (
                En,
                "my brother is a funny guy isn't he",
                json!([{"intent": "out_of_scope"}]),
            ),
            (
                Fr,
                "lait d'avoine",
                json!([{"intent": "search_product", "query": "lait d'avoine"}]),
            ),
            (
                Fr,
                "mon colis n'a toujours pas bougé d'un poil",
                json!([{"intent": "track_order"}]),
            ),
            (
                Fr,
                "on va dire que je voudrais régler tout ça",
                json!([{"intent": "checkout"}]),
            ),
            (
                Fr,
                "il y a moyen de causer à un humain ou pas",
                json!([{"intent": "talk_to_human"}]),
            ),
            (
                Fr,
                "hier mon voisin a tondu sa pelouse",
                json!([{"intent": "out_of_scope"}]),
            ),
        ] {
            let words = normalise(said, language, &Context::default());
            let heard = understand(&words, language, &Context::default());
            assert_eq!(serde_json::to_value(heard).unwrap(), meant, "{said}");
        }
    }
}
