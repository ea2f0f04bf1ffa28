//! Patterns over words: the notation of the rule files in `assets/nlu`.
//!
//! ```text
//! (where is|where's) [my] <order> {order_number}
//! ```
//!
//! | written | matches |
//! |---|---|
//! | `word` | that word, whatever its case and accents |
//! | `(a\|b c)` | one of these |
//! | `[a\|b]` | one of these, or nothing |
//! | `<name>` | the pattern that the file defines under that name |
//! | `{slot}` | a value of that slot: what it may be follows from its name |
//! | `*` | any words, or none |
//!
//! A pattern matches a whole utterance. Free text (`{item}`, `{query}`) is at most
//! [`LONGEST_TEXT`] words, does not run across punctuation and holds none of the language's
//! [`Lexicon::breakers`](super::lexicon::Lexicon), so that a pattern does not swallow a second
//! request.

use super::{
    lexicon::Lexicon,
    words::{Word, Words},
};
use std::{collections::HashMap, ops::Range};

/// Longest free text that a slot takes, in words.
pub const LONGEST_TEXT: usize = 9;

/// Steps after which a match is given up: bounds the work of an adversarial utterance.
const MOST_STEPS: u32 = 20_000;

/// What a slot of a pattern takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Some words.
    Text,
    /// Some words, breakers included: the rest of a sentence.
    Anything,
    /// A whole number in digits.
    Count,
    /// `first`, `deuxième`, `last`.
    Ordinal,
    /// Letters and digits, or at least three digits.
    OrderNumber,
    /// A number, with or without a currency.
    Price,
    /// `42`, `9.5`, `xl`, `medium`.
    Size,
    /// A colour word.
    Color,
    /// `15:30`.
    Time,
    /// `2026-05-03`, or a date as said.
    Date,
    /// A promotion code: one to three words.
    Code,
    /// The name of a language.
    Language,
    /// A made-to-order product with its options.
    Order,
    /// Options of a made-to-order product.
    Options,
    /// A material word.
    Material,
    /// A person whom something is for.
    Recipient,
    /// An occasion.
    Occasion,
}

impl Shape {
    fn of(slot: &str) -> Self {
        match slot {
            "quantity" | "score" | "position" | "of" => Self::Count,
            "ordinal" | "ordinals" => Self::Ordinal,
            "order_number" => Self::OrderNumber,
            "min_price" | "max_price" => Self::Price,
            "size" => Self::Size,
            "color" => Self::Color,
            "time" => Self::Time,
            "date" => Self::Date,
            "code" => Self::Code,
            "language" => Self::Language,
            "order" => Self::Order,
            "options" => Self::Options,
            "material" => Self::Material,
            "recipient" => Self::Recipient,
            "occasion" => Self::Occasion,
            "comment" | "reason" | "phrase" => Self::Anything,
            _ => Self::Text,
        }
    }

    /// The most words that it takes.
    fn most(self) -> usize {
        match self {
            Self::Text => LONGEST_TEXT,
            Self::Anything | Self::Order | Self::Options => 40,
            Self::Count | Self::OrderNumber | Self::Time | Self::Language => 1,
            Self::Ordinal | Self::Price | Self::Size => 2,
            Self::Color | Self::Code | Self::Material | Self::Recipient | Self::Occasion => 3,
            Self::Date => 4,
        }
    }

    fn takes(self, words: &[Word], lexicon: &Lexicon) -> bool {
        let across = matches!(self, Self::Anything | Self::Order | Self::Options);
        if !across && words.iter().skip(1).any(|w| w.after.is_some()) {
            return false;
        }
        let first = &words[0];
        match self {
            Self::Anything => true,
            Self::Text => !words.iter().enumerate().any(|(i, w)| {
                lexicon.breakers.contains(&w.key) && !is_in_a_pair(words, i, lexicon)
            }),
            Self::Count => first.count().is_some(),
            Self::Ordinal => lexicon.ordinal(words).is_some(),
            Self::OrderNumber => is_order_number(&first.text),
            Self::Price => price(words, lexicon).is_some(),
            Self::Size => lexicon.is_size(words),
            Self::Color => lexicon.is_color(words),
            Self::Time => is_time(&first.key),
            Self::Date => lexicon.is_date(words),
            Self::Code => words.iter().all(|w| !lexicon.breakers.contains(&w.key)),
            Self::Language => lexicon.languages.contains_key(&first.key),
            Self::Material => lexicon.materials.contains(&super::lexicon::phrase(words)),
            Self::Recipient => lexicon.recipients.contains(&super::lexicon::phrase(words)),
            Self::Occasion => lexicon.occasions.contains(&super::lexicon::phrase(words)),
            Self::Order => super::phrase::made_to_order(words, lexicon).is_some(),
            Self::Options => super::made_to_order::read(words, lexicon)
                .is_some_and(|made| made.item.is_none() && !made.options.is_empty()),
        }
    }
}

/// Whether the word at `at` is the "and" of a product of two words (salt and vinegar).
fn is_in_a_pair(words: &[Word], at: usize, lexicon: &Lexicon) -> bool {
    at > 0 && super::phrase::starts_with_any(words, at - 1, &lexicon.pairs).is_some()
}

/// Whether a word can be an order number: letters and digits mixed, or three digits and more.
#[must_use]
pub fn is_order_number(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_uppercase).count();
    digits + letters == word.len()
        && (3..=24).contains(&word.len())
        && (digits >= 3 || digits >= 1 && letters >= 1)
}

/// Whether a word is a time of day, `HH:MM`.
#[must_use]
pub fn is_time(word: &str) -> bool {
    word.split_once(':').is_some_and(|(h, m)| {
        m.len() == 2
            && h.parse::<u8>().is_ok_and(|h| h < 24)
            && m.parse::<u8>().is_ok_and(|m| m < 60)
    })
}

/// A price in major units: a number, and a currency where there is one.
#[must_use]
pub fn price(words: &[Word], lexicon: &Lexicon) -> Option<f64> {
    match words {
        [n] => n.number(),
        [n, c] if lexicon.currencies.contains(&c.key) => n.number(),
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Word(String),
    Any(Vec<Vec<Node>>),
    Slot(String, Shape),
    Wild,
}

/// A slot of a match: its name and the words that it took.
pub type Capture<'p> = (&'p str, Range<usize>);

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    nodes: Vec<Node>,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in the pattern `{pattern}`: {what}")]
pub struct PatternError {
    pattern: String,
    what: String,
}

/// The named patterns of a rule file.
pub type Definitions = HashMap<String, String>;

impl Pattern {
    /// Compiles a pattern; `<name>` is looked up in `definitions`.
    ///
    /// # Errors
    /// Unbalanced brackets, an unknown name, names that define one another in a circle.
    pub fn new(text: &str, definitions: &Definitions) -> Result<Self, PatternError> {
        let mut reader = Reader {
            rest: text,
            definitions,
            depth: 0,
        };
        let wrong = |what: String| PatternError {
            pattern: text.to_owned(),
            what,
        };
        let mut alternatives = reader.alternatives().map_err(wrong)?;
        if !reader.rest.is_empty() {
            return Err(wrong(format!("expected the end, found `{}`", reader.rest)));
        }
        let nodes = match alternatives.len() {
            1 => alternatives.remove(0),
            _ => vec![Node::Any(alternatives)],
        };
        Ok(Self { nodes })
    }

    /// Matches all of `words`; slots take as few words as they can.
    #[must_use]
    pub fn find<'p>(&'p self, words: &[Word], lexicon: &Lexicon) -> Option<Vec<Capture<'p>>> {
        let mut search = Search {
            words,
            lexicon,
            captures: Vec::new(),
            steps: 0,
        };
        search.run(&self.nodes, None, 0).then_some(search.captures)
    }
}

struct Reader<'a> {
    rest: &'a str,
    definitions: &'a Definitions,
    depth: u8,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Result<Vec<Vec<Node>>, String> {
        let mut all = vec![Vec::new()];
        loop {
            self.rest = self.rest.trim_start();
            let Some(c) = self.rest.chars().next() else {
                return Ok(all);
            };
            let rest = &self.rest[c.len_utf8()..];
            let sequence = all.last_mut().ok_or("no sequence")?;
            match c {
                ')' | ']' => return Ok(all),
                '|' => {
                    self.rest = rest;
                    all.push(Vec::new());
                }
                '(' | '[' => {
                    self.rest = rest;
                    let mut inner = self.alternatives()?;
                    let close = if c == '(' { ')' } else { ']' };
                    self.rest = self
                        .rest
                        .strip_prefix(close)
                        .ok_or_else(|| format!("expected `{close}` before `{}`", self.rest))?;
                    if c == '[' {
                        inner.push(Vec::new());
                    }
                    sequence.push(Node::Any(inner));
                }
                '{' | '<' => {
                    let close = if c == '{' { '}' } else { '>' };
                    let (name, after) = rest
                        .split_once(close)
                        .ok_or_else(|| format!("expected `{close}`"))?;
                    self.rest = after;
                    if c == '{' {
                        sequence.push(Node::Slot(name.to_owned(), Shape::of(name)));
                    } else {
                        let text = self
                            .definitions
                            .get(name)
                            .ok_or_else(|| format!("unknown <{name}>"))?;
                        if self.depth > 8 {
                            return Err(format!("<{name}> is defined by itself"));
                        }
                        let mut reader = Reader {
                            rest: text,
                            definitions: self.definitions,
                            depth: self.depth + 1,
                        };
                        let inner = reader.alternatives()?;
                        if !reader.rest.is_empty() {
                            return Err(format!("in <{name}>: unbalanced brackets"));
                        }
                        sequence.push(Node::Any(inner));
                    }
                }
                '*' => {
                    self.rest = rest;
                    sequence.push(Node::Wild);
                }
                _ => {
                    let end = self
                        .rest
                        .find(|c: char| c.is_whitespace() || "()[]{}<>|*".contains(c))
                        .unwrap_or(self.rest.len());
                    let (word, after) = self.rest.split_at(end);
                    self.rest = after;
                    // Written as people write it (`est-ce`, `l'autre`), cut as utterances are.
                    // The "x" keeps a trailing elision ("l'") in one piece.
                    let elided = if word.ends_with('\'') { "x" } else { " x" };
                    let cut = Words::of(&format!("{word}{elided}")).list;
                    sequence.extend(
                        cut[..cut.len() - 1]
                            .iter()
                            .map(|w| Node::Word(w.key.clone())),
                    );
                }
            }
        }
    }
}

/// What follows after the nodes at hand.
struct Rest<'r, 'p> {
    nodes: &'p [Node],
    next: Option<&'r Rest<'r, 'p>>,
}

struct Search<'w, 'p> {
    words: &'w [Word],
    lexicon: &'w Lexicon,
    captures: Vec<Capture<'p>>,
    steps: u32,
}

impl<'p> Search<'_, 'p> {
    fn run(&mut self, nodes: &'p [Node], rest: Option<&Rest<'_, 'p>>, at: usize) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return false;
        }
        let Some((node, after)) = nodes.split_first() else {
            return match rest {
                Some(r) => self.run(r.nodes, r.next, at),
                None => at == self.words.len(),
            };
        };
        match node {
            Node::Word(key) => {
                self.words.get(at).is_some_and(|w| w.key == *key) && self.run(after, rest, at + 1)
            }
            Node::Any(alternatives) => {
                let next = Rest {
                    nodes: after,
                    next: rest,
                };
                alternatives.iter().any(|a| self.run(a, Some(&next), at))
            }
            Node::Slot(name, shape) => {
                let most = shape.most().min(self.words.len() - at);
                for len in 1..=most {
                    if !shape.takes(&self.words[at..at + len], self.lexicon) {
                        continue;
                    }
                    self.captures.push((name, at..at + len));
                    if self.run(after, rest, at + len) {
                        return true;
                    }
                    self.captures.pop();
                }
                false
            }
            Node::Wild => (at..=self.words.len()).any(|next| self.run(after, rest, next)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lang::Language;

    fn slots(pattern: &str, text: &str) -> Option<Vec<(String, String)>> {
        let definitions = Definitions::from([("order".into(), "(order|parcel)".into())]);
        let pattern = Pattern::new(pattern, &definitions).unwrap();
        let words = Words::of(text);
        let found = pattern.find(&words.list, Lexicon::of(Language::En))?;
        Some(
            found
                .into_iter()
                .map(|(n, r)| (n.to_owned(), super::super::words::join(&words.list[r])))
                .collect(),
        )
    }

    #[test]
    fn a_pattern_matches_the_whole_utterance() {
        let p = "(where is|where's) [my] <order> [please]";
        assert!(slots(p, "Where's my parcel, please?").is_some());
        assert!(slots(p, "where is order").is_some());
        assert!(slots(p, "where is my order now").is_none());
        assert!(slots("* order", "well where is my order").is_some());
        let elision = Pattern::new("est-ce qu' il [l'] a", &Definitions::new()).unwrap();
        assert!(
            elision
                .find(
                    &Words::of("Est-ce qu'il l'a ?").list,
                    Lexicon::of(Language::Fr)
                )
                .is_some()
        );
    }

    #[test]
    fn slots_take_what_fits_their_name() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(
            slots(
                "add {quantity} {item} [to <order>]",
                "add 2 oat milk to order"
            )
            .unwrap(),
            [pair("quantity", "2"), pair("item", "oat milk")]
        );
        assert!(slots("add {item}", "add milk and remove the bread").is_none());
        assert!(slots("add {item}", "add milk, bread").is_none());
    }

    #[test]
    fn a_broken_pattern_is_told() {
        let none = Definitions::new();
        assert!(Pattern::new("(a|b", &none).is_err());
        assert!(Pattern::new("a ]", &none).is_err());
        assert!(Pattern::new("<a>", &none).is_err());
        let circle = Definitions::from([("a".into(), "x <a>".into())]);
        assert!(Pattern::new("<a>", &circle).is_err());
    }

    #[test]
    fn an_adversarial_utterance_costs_bounded_work() {
        let p = Pattern::new("* {item} * {query} * x", &Definitions::new()).unwrap();
        let words = Words::of(&"la ".repeat(5000));
        assert!(p.find(&words.list, Lexicon::of(Language::Fr)).is_none());
    }
}
