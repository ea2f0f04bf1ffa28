//! For tests: a reader of GBNF, and any command.
#![allow(clippy::unwrap_used)]

use crate::nlu::{
    command::{Command, INTENTS, SlotSpec},
    slot::SlotKind,
};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::HashMap;

/// A small GBNF interpreter: literals, classes, groups, `|`, `?`, `{m,n}`, rule names.
#[derive(Debug)]
enum Node {
    Literal(Vec<char>),
    Class(bool, Vec<(char, char)>),
    Rule(String),
    Choice(Vec<Vec<Node>>),
    Repeat(Box<Node>, usize, usize),
}

pub(crate) struct Gbnf(HashMap<String, Node>);

impl Gbnf {
    pub(crate) fn read(text: &str) -> Self {
        let rules = text
            .lines()
            .map(|line| {
                let (name, body) = line.split_once(" ::= ").unwrap();
                let chars: Vec<char> = body.chars().collect();
                let mut at = 0;
                let node = choice(&chars, &mut at);
                assert_eq!(at, chars.len(), "unread: {line}");
                (name.to_owned(), node)
            })
            .collect();
        Self(rules)
    }

    /// Every position at which `node` may end.
    fn ends(&self, node: &Node, text: &[char], at: usize) -> Vec<usize> {
        match node {
            Node::Literal(l) => text[at..]
                .starts_with(l)
                .then(|| at + l.len())
                .into_iter()
                .collect(),
            Node::Class(negated, ranges) => text
                .get(at)
                .filter(|c| ranges.iter().any(|(a, b)| (a..=b).contains(c)) != *negated)
                .map(|_| at + 1)
                .into_iter()
                .collect(),
            Node::Rule(name) => self.ends(
                self.0.get(name).unwrap_or_else(|| panic!("no rule {name}")),
                text,
                at,
            ),
            Node::Choice(all) => {
                let mut out: Vec<usize> = all
                    .iter()
                    .flat_map(|s| self.sequence(s, text, vec![at]))
                    .collect();
                out.sort_unstable();
                out.dedup();
                out
            }
            Node::Repeat(inner, least, most) => {
                let mut out = Vec::new();
                let mut now = vec![at];
                for n in 0..=*most {
                    if n >= *least {
                        out.extend(&now);
                    }
                    now = self.sequence(std::slice::from_ref(inner), text, now);
                    if now.is_empty() {
                        break;
                    }
                }
                out
            }
        }
    }

    fn sequence(&self, nodes: &[Node], text: &[char], start: Vec<usize>) -> Vec<usize> {
        nodes.iter().fold(start, |at, node| {
            at.into_iter()
                .flat_map(|a| self.ends(node, text, a))
                .collect()
        })
    }

    pub(crate) fn accepts(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.ends(&Node::Rule("root".into()), &text, 0)
            .contains(&text.len())
    }
}

fn choice(c: &[char], at: &mut usize) -> Node {
    let mut all = vec![Vec::new()];
    while *at < c.len() && c[*at] != ')' {
        let node = match c[*at] {
            ' ' => {
                *at += 1;
                continue;
            }
            '|' => {
                *at += 1;
                all.push(Vec::new());
                continue;
            }
            '"' => {
                *at += 1;
                let mut literal = Vec::new();
                while c[*at] != '"' {
                    literal.push(character(c, at));
                }
                *at += 1;
                Node::Literal(literal)
            }
            '[' => {
                *at += 1;
                let negated = c[*at] == '^';
                *at += usize::from(negated);
                let mut ranges = Vec::new();
                while c[*at] != ']' {
                    let from = character(c, at);
                    let mut to = from;
                    if c[*at] == '-' && c[*at + 1] != ']' {
                        *at += 1;
                        to = character(c, at);
                    }
                    ranges.push((from, to));
                }
                *at += 1;
                Node::Class(negated, ranges)
            }
            '(' => {
                *at += 1;
                let inner = choice(c, at);
                assert_eq!(c[*at], ')');
                *at += 1;
                inner
            }
            _ => {
                let start = *at;
                while *at < c.len() && (c[*at].is_ascii_alphanumeric() || c[*at] == '-') {
                    *at += 1;
                }
                assert!(*at > start, "unexpected {}", c[*at]);
                Node::Rule(c[start..*at].iter().collect())
            }
        };
        let node = match c.get(*at) {
            Some('?') => {
                *at += 1;
                Node::Repeat(Box::new(node), 0, 1)
            }
            Some('{') => {
                let end = *at + c[*at..].iter().position(|c| *c == '}').unwrap();
                let counts: String = c[*at + 1..end].iter().collect();
                *at = end + 1;
                let (least, most) = counts.split_once(',').unwrap_or((&counts, &counts));
                Node::Repeat(
                    Box::new(node),
                    least.parse().unwrap(),
                    most.parse().unwrap(),
                )
            }
            _ => node,
        };
        all.last_mut().unwrap().push(node);
    }
    Node::Choice(all)
}

fn character(c: &[char], at: &mut usize) -> char {
    let plain = c[*at];
    *at += 1;
    if plain != '\\' {
        return plain;
    }
    let escaped = c[*at];
    *at += 1;
    if escaped == 'x' {
        let hex: String = c[*at..*at + 2].iter().collect();
        *at += 2;
        return char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap();
    }
    escaped
}

fn any_value(slot: &SlotSpec) -> BoxedStrategy<Value> {
    let text = "[a-zé']{1,12}( [a-zœ0-9-]{1,9}){0,5}".prop_map(Value::from);
    match (slot.name, slot.kind) {
        ("order_number" | "code", _) => "[A-Z0-9]{2,12}".prop_map(Value::from).boxed(),
        ("language", _) => "[a-z]{2}".prop_map(Value::from).boxed(),
        (_, SlotKind::Text) => text.boxed(),
        (_, SlotKind::TextList) => prop::collection::vec(text, 1..4)
            .prop_map(Value::from)
            .boxed(),
        (_, SlotKind::Ordinal) => prop_oneof![Just(-1), 1..=20].prop_map(Value::from).boxed(),
        (_, SlotKind::OrdinalList) => prop::collection::vec(prop_oneof![Just(-1), 1..=20], 1..4)
            .prop_map(Value::from)
            .boxed(),
        (_, SlotKind::Count) => (0u32..10_000).prop_map(Value::from).boxed(),
        (_, SlotKind::Price) => (0i64..10_000_000)
            .prop_map(|minor| {
                serde_json::to_value(crate::nlu::slot::Price::from_minor(minor)).unwrap()
            })
            .boxed(),
        (_, SlotKind::Score) => (1u8..=5).prop_map(Value::from).boxed(),
        (_, SlotKind::OneOf(words)) => prop::sample::select(words).prop_map(Value::from).boxed(),
    }
}

/// Any command, each slot there or not.
pub(crate) fn any_command() -> impl Strategy<Value = Command> {
    prop::sample::select(INTENTS).prop_flat_map(|intent| {
        let slots: Vec<_> = intent
            .slots
            .iter()
            .map(|slot| {
                (
                    Just(slot.name),
                    prop::option::weighted(0.5, any_value(slot)),
                )
            })
            .collect();
        (Just(intent.name), slots).prop_map(|(name, slots)| {
            let mut object = serde_json::Map::new();
            object.insert("intent".into(), name.into());
            object.extend(
                slots
                    .into_iter()
                    .filter_map(|(n, v)| Some((n.to_owned(), v?))),
            );
            serde_json::from_value(Value::Object(object)).unwrap()
        })
    })
}
