//! Rule files: closed patterns and the commands that they mean.
//!
//! ```toml
//! [define]
//! order = "(order|parcel)"
//!
//! [yes]                      # the only place that may say `affirm`
//! say = ["yes [please]"]
//!
//! [[rule]]
//! intent = "track_order"
//! set = {}                   # slots that the words imply
//! when = "shown"             # optional: only in this situation
//! say = ["where is my <order> [{order_number}]"]
//!
//! [[answer]]                 # to the question just asked
//! to = "quantity"
//! default = "set_quantity"   # when no command waits
//! say = ["[just] {quantity}"]
//! ```

use super::{
    command::{Command, Context},
    lexicon::Lexicon,
    pattern::{Capture, Definitions, Pattern, PatternError},
    phrase::{self, Slots, fill, has_slot},
    words::{Word, fold, join},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A rule file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    define: Definitions,
    #[serde(default)]
    yes: Yes,
    /// Words of a question, by the slot that it asks for.
    #[serde(default)]
    asked: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<RuleText>,
    #[serde(default)]
    answer: Vec<AnswerText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Yes {
    say: Vec<String>,
    /// Said as a yes to a question, but too weak to buy.
    #[serde(default)]
    weak: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    intent: String,
    #[serde(default)]
    set: Slots,
    #[serde(default)]
    when: Option<When>,
    say: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    to: String,
    default: Option<String>,
    #[serde(default)]
    set: Slots,
    say: Vec<String>,
}

/// The situation in which a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A question was asked.
    Asked,
    /// Products were shown.
    Shown,
    /// There is something in the cart.
    Cart,
    /// The words hold a price limit.
    Limits,
    /// It can join others in one utterance, but does not stand alone.
    Joined,
}

#[derive(Debug)]
struct Rule {
    intent: String,
    set: Slots,
    when: Option<When>,
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Answer {
    to: String,
    default: Option<String>,
    set: Slots,
    patterns: Vec<Pattern>,
}

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML, or fields that rules do not have.
    #[error("expected a rule file: {0}")]
    Toml(#[from] toml::de::Error),
    /// A pattern is wrong.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// An intent or a slot that the command set does not have, or `affirm` outside `[yes]`.
    #[error("in the rule for `{intent}`: {what}")]
    Intent {
        /// The rule's intent.
        intent: String,
        /// What is wrong.
        what: String,
    },
}

/// Compiled rules of one language.
#[derive(Debug)]
pub struct Rules {
    yes: Vec<Pattern>,
    weak_yes: Vec<Pattern>,
    asked: BTreeMap<String, Vec<String>>,
    rules: Vec<Rule>,
    answers: Vec<Answer>,
}

impl Rules {
    /// Compiles a rule file.
    ///
    /// # Errors
    /// [`RuleError`]: what is wrong, and where.
    pub fn read(text: &str) -> Result<Self, RuleError> {
        let file: File = toml::from_str(text)?;
        let compile = |say: &[String]| -> Result<Vec<Pattern>, PatternError> {
            say.iter().map(|s| Pattern::new(s, &file.define)).collect()
        };
        let mut rules = Vec::new();
        for rule in &file.rule {
            let wrong = |what: &str| RuleError::Intent {
                intent: rule.intent.clone(),
                what: what.into(),
            };
            if rule.intent == "affirm" {
                return Err(wrong("only [yes] may mean affirm"));
            }
            if phrase::spec(&rule.intent).is_none() {
                return Err(wrong("no such intent"));
            }
            if let Some(slot) = rule.set.keys().find(|s| !has_slot(&rule.intent, s)) {
                return Err(wrong(&format!("no slot `{slot}`")));
            }
            rules.push(Rule {
                intent: rule.intent.clone(),
                set: rule.set.clone(),
                when: rule.when,
                patterns: compile(&rule.say)?,
            });
        }
        let mut answers = Vec::new();
        for answer in &file.answer {
            answers.push(Answer {
                to: answer.to.clone(),
                default: answer.default.clone(),
                set: answer.set.clone(),
                patterns: compile(&answer.say)?,
            });
        }
        let asked = file
            .asked
            .iter()
            .map(|(slot, cues)| (slot.clone(), cues.iter().map(|c| fold(c)).collect()))
            .collect();
        Ok(Self {
            yes: compile(&file.yes.say)?,
            weak_yes: compile(&file.yes.weak)?,
            asked,
            rules,
            answers,
        })
    }

    /// Whether the words are an explicit yes, in this situation.
    #[must_use]
    pub fn is_yes(&self, words: &[Word], lexicon: &Lexicon, context: &Context) -> bool {
        let says = |all: &[Pattern]| all.iter().any(|p| p.find(words, lexicon).is_some());
        says(&self.yes)
            || context.pending.as_deref() != Some("checkout")
                && (context.asked.is_some() || context.pending.is_some())
                && says(&self.weak_yes)
    }

    /// The answer to the question just asked, if the words are one: to the question for a
    /// product's name (`named`), or to any other.
    #[must_use]
    pub fn answer(
        &self,
        words: &[Word],
        lexicon: &Lexicon,
        context: &Context,
        named: bool,
    ) -> Option<Command> {
        // Almost anything can be a product: asked for last.
        let answers = self
            .answers
            .iter()
            .filter(|answer| (answer.to == "item") == named);
        answers.into_iter().find_map(|answer| {
            let intent = self.waiting(&answer.to, context, answer.default.as_deref())?;
            answer.patterns.iter().find_map(|pattern| {
                let captures = pattern.find(words, lexicon)?;
                let mut slots = answer.set.clone();
                slots.retain(|slot, _| has_slot(intent, slot));
                command(intent, &captures, words, lexicon, slots)
            })
        })
    }

    /// The intent that waits for `slot`: the pending one where it has that slot and the
    /// question was not for another; else the default, when the question names the slot.
    fn waiting<'a>(
        &self,
        slot: &str,
        context: &'a Context,
        default: Option<&'a str>,
    ) -> Option<&'a str> {
        let asked = context.asked.as_deref().map(fold);
        let names = |slot: &str| {
            asked.as_deref().is_some_and(|asked| {
                let cues = self.asked.get(slot);
                asked == slot
                    || cues.is_some_and(|cues| cues.iter().any(|c| asked.contains(c.as_str())))
            })
        };
        let other = self.asked.keys().any(|s| s != slot && names(s));
        let pending = context.pending.as_deref().filter(|p| has_slot(p, slot));
        match pending {
            Some(pending) if names(slot) || !other => Some(pending),
            _ if names(slot) => default,
            _ => None,
        }
    }

    /// The command of the first rule that the words match.
    #[must_use]
    pub fn command(
        &self,
        words: &[Word],
        lexicon: &Lexicon,
        context: &Context,
        joined: bool,
    ) -> Option<Command> {
        let mut bare = words.to_vec();
        let limits = phrase::take_limits(&mut bare, lexicon);
        let limited = limits != (None, None);
        self.rules.iter().find_map(|rule| {
            let holds = match rule.when {
                None => true,
                Some(When::Asked) => context.asked.is_some() || context.pending.is_some(),
                Some(When::Shown) => !context.last_results.is_empty(),
                Some(When::Cart) => !context.cart.is_empty(),
                Some(When::Limits) => limited,
                Some(When::Joined) => joined,
            };
            if !holds {
                return None;
            }
            let takes_limits = limited && has_slot(&rule.intent, "max_price");
            let words = if takes_limits { &bare } else { words };
            rule.patterns.iter().find_map(|pattern| {
                let captures = pattern.find(words, lexicon)?;
                let mut slots = rule.set.clone();
                if takes_limits {
                    let price = |slots: &mut Slots, slot: &str, value: Option<f64>| {
                        if let Some(value) = value.filter(|_| has_slot(&rule.intent, slot)) {
                            slots.insert(slot.into(), value.into());
                        }
                    };
                    price(&mut slots, "min_price", limits.0);
                    price(&mut slots, "max_price", limits.1);
                }
                command(&rule.intent, &captures, words, lexicon, slots)
            })
        })
    }
}

/// Makes a command of what a pattern captured. `None` when the words do not make one after
/// all: a search for nothing, a colour that is none.
fn command(
    intent: &str,
    captures: &[Capture<'_>],
    words: &[Word],
    lexicon: &Lexicon,
    mut slots: Slots,
) -> Option<Command> {
    let mut lists: HashMap<&str, Vec<Value>> = HashMap::new();
    let mut named = false;
    for (name, range) in captures {
        let words = &words[range.clone()];
        match *name {
            "item" | "query" | "order" | "product" => {
                named = true;
                let main = if has_slot(intent, "query") && *name != "item" {
                    "query"
                } else {
                    "item"
                };
                fill(intent, main, words, lexicon, &mut slots);
            }
            // "one of the 2": how many there are, which the cart knows better.
            "of" => {}
            "position" => {
                slots.insert(
                    "ordinal".into(),
                    words[0].count().filter(|n| (1..=99).contains(n))?.into(),
                );
            }
            "items" => {
                let bare = phrase::without_articles(words, lexicon);
                if !phrase::is_pronoun(bare, lexicon) {
                    lists.entry("items").or_default().push(join(bare).into());
                }
            }
            "ordinals" => lists
                .entry("ordinals")
                .or_default()
                .push(lexicon.ordinal(words)?.into()),
            "options" => {
                let made = super::made_to_order::read(words, lexicon)?;
                if made.item.is_some() {
                    return None;
                }
                lists
                    .entry("options")
                    .or_default()
                    .extend(made.options.into_iter().map(Value::from));
                if let Some(size) = made.size {
                    slots.insert("size".into(), size.into());
                }
            }
            name => {
                slots.insert(name.into(), value(name, words, lexicon)?);
            }
        }
    }
    for (name, list) in lists {
        if !list.is_empty() {
            slots.insert(name.into(), list.into());
        }
    }
    if slots.keys().any(|slot| !has_slot(intent, slot)) {
        return None;
    }
    // "I'm looking for it" names nothing to look for.
    if slots.is_empty() && matches!(intent, "search_product" | "refine_search" | "select") && named
    {
        return None;
    }
    // "a less expensive one" is no product; "3 eggs 10 lentils" are two requests.
    let text = |slot: &str| slots.get(slot).and_then(Value::as_str).map(str::to_owned);
    if intent == "search_product"
        && text("query").is_some_and(|q| q.ends_with(" one") || q.ends_with(" ones"))
    {
        return None;
    }
    if slots.contains_key("quantity")
        && let Some(item) = text("item")
        && holds_a_count(&item)
    {
        return None;
    }
    slots.insert("intent".into(), intent.into());
    serde_json::from_value(Value::Object(slots)).ok()
}

/// Whether a count stands inside a product's name, with a word before and after it.
fn holds_a_count(item: &str) -> bool {
    let words: Vec<&str> = item.split(' ').collect();
    words.len() > 2
        && words[1..words.len() - 1]
            .iter()
            .any(|w| w.bytes().all(|b| b.is_ascii_digit()) && w.len() < 3)
}

/// The typed value of a slot that is no product.
fn value(slot: &str, words: &[Word], lexicon: &Lexicon) -> Option<Value> {
    Some(match slot {
        "quantity" | "score" => words[0].count()?.into(),
        "ordinal" => lexicon.ordinal(words)?.into(),
        "order_number" => words[0].text.to_uppercase().into(),
        "min_price" | "max_price" => super::pattern::price(words, lexicon)?.into(),
        "size" => lexicon.size(words)?.into(),
        "time" => words[0].key.clone().into(),
        "code" => words
            .iter()
            .map(|w| w.text.to_uppercase())
            .collect::<String>()
            .into(),
        "language" => lexicon.languages.get(&words[0].key)?.as_str().into(),
        "color" | "comment" => join(words).into(),
        _ => join(phrase::without_articles(words, lexicon)).into(),
    })
}
