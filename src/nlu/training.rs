//! Labelled utterances as the tuned model reads and writes them: what it is trained on is
//! made by the code that later asks it.

use super::{
    Utterance,
    command::Command,
    fastpath, normalise, prompt, wire,
    words::{Words, fold},
};
use serde::Serialize;
use serde_json::Value;

/// An utterance for training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// What the model reads.
    pub prompt: String,
    /// What it is to write.
    pub target: String,
    /// Words of the labels that were not said and do not stand in the context: a gap in the
    /// normalisation, a repaired word, or a wrong label.
    pub unsaid: Vec<String>,
    /// What the closed patterns, which are asked before the model, make of it; absent where they
    /// say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// The example of one labelled utterance.
#[must_use]
pub fn example(utterance: &Utterance<'_>, expect: &[Command]) -> Example {
    let words = normalise::normalise(utterance.text, utterance.language, utterance.context);
    let turn = prompt::turn(&words.to_string(), utterance.context);
    let said = fold(&turn);
    let unsaid = expect
        .iter()
        .flat_map(values)
        .flat_map(|value| Words::of(&value).list)
        .map(|word| word.key)
        .filter(|key| !said.contains(key.as_str()))
        .collect();
    let closed = fastpath::understand(&words, utterance.language, utterance.context);
    Example {
        prompt: prompt::tuned(&turn),
        target: format!(" {}", wire::write(expect)),
        unsaid,
        closed: closed.map(|commands| wire::write(&commands)),
    }
}

/// The copied values of a command: free words and numbers, no words of a list.
fn values(command: &Command) -> Vec<String> {
    let Ok(Value::Object(slots)) = serde_json::to_value(command) else {
        return Vec::new();
    };
    let chosen = [
        "intent", "aspect", "sort", "page", "method", "delivery", "service", "reason", "problem",
        "topic", "action", "language", "volume", "rate", "score", "ordinal", "ordinals",
    ];
    slots
        .into_iter()
        .filter(|(slot, _)| {
            !chosen.contains(&slot.as_str())
                || slot == "service" && command.intent() == "book_appointment"
        })
        .flat_map(|(_, value)| match value {
            Value::Array(list) => list,
            one => vec![one],
        })
        .map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lang::Language, nlu::command::Context};

    #[test]
    fn an_example_is_what_the_model_is_asked_and_what_it_answers() {
        let context = Context {
            last_results: vec!["Red mug".into(), "Blue mug".into()],
            ..Context::default()
        };
        let utterance = Utterance {
            text: "I might as well have a dozen blue ones, I suppose",
            language: Language::En,
            context: &context,
        };
        let label = wire::read("add blue mug; qty 12; size xl").unwrap_or_default();
        let made = example(&utterance, &label);
        assert_eq!(
            made.prompt,
            "[shown: 1 Red mug, 2 Blue mug]\ni might as well have 12 blue ones, i suppose\n>"
        );
        assert_eq!(made.target, " add blue mug; qty 12; size xl");
        assert_eq!(made.unsaid, ["xl"]);
    }
}
