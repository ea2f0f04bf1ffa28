//! The first tier: closed patterns over the whole utterance, certain or silent.
//!
//! Rules are data (`assets/nlu/fastpath.LANG.toml`, read by [`Rules`]). Casing, punctuation,
//! hesitation and politeness do not matter. What is only partly understood is left to the
//! model: "yes, but ..." is no yes, "yes, and add milk" is not decided here.

use super::{
    command::{Command, Context},
    lexicon::Lexicon,
    pattern::LONGEST_TEXT,
    phrase::{self, Slots, fill, has_slot, starts_with_any, without_articles},
    rules::Rules,
    words::{Word, Words},
};
use crate::lang::Language;
use serde_json::Value;
use std::sync::LazyLock;

/// Most commands of one utterance.
const MOST_COMMANDS: usize = 4;

/// Longer utterances are the model's.
const LONGEST: usize = 40;

static EN: LazyLock<Rules> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/fastpath.en.toml")));
static FR: LazyLock<Rules> =
    LazyLock::new(|| read(include_str!("../../assets/nlu/fastpath.fr.toml")));

fn read(text: &str) -> Rules {
    // Part of the program, read by a test: not input.
    Rules::read(text).expect("the bundled rules are well formed")
}

fn rules(language: Language) -> &'static Rules {
    match language {
        Language::En => &EN,
        Language::Fr => &FR,
    }
}

/// The commands of an utterance that the closed patterns understand whole.
#[must_use]
pub fn understand(words: &Words, language: Language, context: &Context) -> Option<Vec<Command>> {
    let list = &words.list;
    if list.is_empty() || list.len() > LONGEST {
        return None;
    }
    let (here, lexicon) = (rules(language), Lexicon::of(language));
    let variants = variants(list, lexicon);
    for words in &variants {
        if here.is_yes(words, lexicon, context) {
            return Some(vec![Command::Affirm {}]);
        }
    }
    for words in &variants {
        if let Some(command) = one(words, here, lexicon, context, false) {
            return Some(vec![command]);
        }
    }
    for other in Language::ALL.into_iter().filter(|l| *l != language) {
        if let Some(command) = foreign(list, other, context) {
            return Some(vec![command]);
        }
    }
    corrected(&variants[2], here, lexicon, context)
        .or_else(|| several(&variants[1], here, lexicon, context))
}

/// "Add the notebook, no wait, the silver shirt": what follows the correction takes the place
/// of what it corrects, which begins like it (with an article, a number).
fn corrected(
    words: &[Word],
    rules: &Rules,
    lexicon: &Lexicon,
    context: &Context,
) -> Option<Vec<Command>> {
    let (at, len) = (1..words.len())
        .rev()
        .find_map(|at| starts_with_any(words, at, &lexicon.corrections).map(|len| (at, len)))?;
    let (before, after) = (&words[..at], words.get(at + len..)?);
    let first = after.first()?;
    let alike = |w: &Word| {
        if first.count().is_some() {
            w.count().is_some()
        } else if lexicon.articles.contains(&first.key) {
            lexicon.articles.contains(&w.key)
        } else {
            lexicon.is_date(std::slice::from_ref(first)) && lexicon.is_date(std::slice::from_ref(w))
        }
    };
    let from = before.iter().rposition(alike).filter(|from| *from > 0)?;
    let mut repaired = before[..from].to_vec();
    repaired.extend(after.iter().cloned().map(|mut w| {
        w.after = None;
        w
    }));
    one(&repaired, rules, lexicon, context, false).map(|command| vec![command])
}

fn one(
    words: &[Word],
    rules: &Rules,
    lexicon: &Lexicon,
    context: &Context,
    joined: bool,
) -> Option<Command> {
    let answer = |named| {
        (!joined)
            .then(|| rules.answer(words, lexicon, context, named))
            .flatten()
    };
    answer(false)
        .or_else(|| rules.command(words, lexicon, context, joined))
        .or_else(|| answer(true))
}

/// The other language's words that need no slot: "stop", "merci", "oui" in an English session.
fn foreign(list: &[Word], other: Language, context: &Context) -> Option<Command> {
    let (rules, lexicon) = (rules(other), Lexicon::of(other));
    let words = without_fillers(list, lexicon);
    if rules.is_yes(&words, lexicon, context) {
        return Some(Command::Affirm {});
    }
    let command = rules.command(&words, lexicon, context, false)?;
    let bare =
        serde_json::to_value(&command).is_ok_and(|v| v.as_object().is_some_and(|o| o.len() == 1));
    bare.then_some(command)
}

/// The utterance as it is, without hesitation, and without opening and ending politeness.
fn variants(list: &[Word], lexicon: &Lexicon) -> [Vec<Word>; 3] {
    let calm = without_fillers(list, lexicon);
    let bare = without_courtesy(&calm, lexicon);
    [list.to_vec(), calm, bare]
}

pub(super) fn without_fillers(list: &[Word], lexicon: &Lexicon) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(list.len());
    let mut at = 0;
    let mut mark = None;
    while at < list.len() {
        if let Some(len) = starts_with_any(list, at, &lexicon.fillers) {
            mark = mark.or(list[at].after);
            at += len;
            continue;
        }
        let mut word = list[at].clone();
        word.after = word.after.or(mark.take()).filter(|_| !out.is_empty());
        out.push(word);
        at += 1;
    }
    if out.is_empty() { list.to_vec() } else { out }
}

pub(super) fn without_courtesy(list: &[Word], lexicon: &Lexicon) -> Vec<Word> {
    let mut words = list;
    while let Some(len) = starts_with_any(words, 0, &lexicon.openings)
        && len < words.len()
    {
        words = &words[len..];
    }
    'ending: loop {
        for len in (1..words.len().min(7)).rev() {
            let from = words.len() - len;
            if starts_with_any(words, from, &lexicon.endings) == Some(len) {
                words = &words[..from];
                continue 'ending;
            }
        }
        break;
    }
    let mut out = words.to_vec();
    if let Some(first) = out.first_mut() {
        first.after = None;
    }
    out
}

/// Where an utterance can be cut in two: after how many words, and how many joining words
/// stand there.
fn joints(words: &[Word], lexicon: &Lexicon) -> Vec<(usize, usize)> {
    let pairs: Vec<(usize, usize)> = (0..words.len())
        .filter_map(|at| starts_with_any(words, at, &lexicon.pairs).map(|len| (at, at + len)))
        .collect();
    (1..words.len())
        .filter(|at| !pairs.iter().any(|(from, to)| (from + 1..*to).contains(at)))
        .filter_map(|at| {
            let joint = starts_with_any(words, at, &lexicon.joints);
            match (joint, words[at].after) {
                (Some(len), _) if at + len < words.len() => Some((at, len)),
                (_, Some(_)) => Some((at, 0)),
                // "3 eggs 10 lentils"
                _ if words[at].count().is_some() && at + 1 < words.len() => Some((at, 0)),
                _ => None,
            }
        })
        .collect()
}

/// Several requests: every part must be understood by itself, or carry on the one before
/// ("add milk and two breads").
fn several(
    words: &[Word],
    rules: &Rules,
    lexicon: &Lexicon,
    context: &Context,
) -> Option<Vec<Command>> {
    let joints = joints(words, lexicon);
    if joints.is_empty() || joints.len() > 8 {
        return None;
    }
    let mut commands = Vec::new();
    let parse = Parse {
        words,
        rules,
        lexicon,
        context,
        joints: &joints,
    };
    if !parse.from(0, &mut commands) {
        return None;
    }
    let social = |c: &Command| matches!(c, Command::Greet {} | Command::Thank {});
    let asked = context.asked.is_some() || context.pending.is_some();
    if commands
        .iter()
        .any(|c| !social(c) && !matches!(c, Command::Goodbye {}))
    {
        commands.retain(|c| !social(c));
    }
    if !asked && commands.iter().any(|c| !matches!(c, Command::Deny {})) {
        commands.retain(|c| !matches!(c, Command::Deny {}));
    }
    commands.dedup();
    merge(&mut commands);
    (!commands.is_empty()).then_some(commands)
}

/// Commands that are one wish said in two parts become one.
pub(super) fn merge(commands: &mut Vec<Command>) {
    merge_searches(commands);
    merge_checkouts(commands);
}

/// "A coat, in blue" is one search.
fn merge_searches(commands: &mut Vec<Command>) {
    let slots = |c: &Command| match serde_json::to_value(c) {
        Ok(serde_json::Value::Object(slots)) => slots,
        _ => serde_json::Map::new(),
    };
    let mut at = 1;
    while at < commands.len() {
        let (
            Command::SearchProduct { .. },
            Command::RefineSearch {
                page: None, query, ..
            },
        ) = (&commands[at - 1], &commands[at])
        else {
            at += 1;
            continue;
        };
        let (mut whole, mut more) = (slots(&commands[at - 1]), slots(&commands[at]));
        more.remove("intent");
        if let (Some(more_words), Some(serde_json::Value::String(words))) =
            (query, whole.get_mut("query"))
        {
            words.push(' ');
            words.push_str(more_words);
            more.remove("query");
        }
        whole.extend(more);
        let Ok(search) = serde_json::from_value(whole.into()) else {
            at += 1;
            continue;
        };
        commands[at - 1] = search;
        commands.remove(at);
    }
}

/// "I'll pay by card and have it delivered" is one checkout.
fn merge_checkouts(commands: &mut Vec<Command>) {
    let mut merged: Option<usize> = None;
    let mut at = 0;
    while at < commands.len() {
        let Command::Checkout {
            method,
            delivery,
            service,
            time,
        } = commands[at].clone()
        else {
            at += 1;
            continue;
        };
        let Some(first) = merged else {
            merged = Some(at);
            at += 1;
            continue;
        };
        if let Command::Checkout {
            method: m,
            delivery: d,
            service: s,
            time: t,
        } = &mut commands[first]
        {
            *m = m.or(method);
            *d = d.or(delivery);
            *s = s.or(service);
            *t = t.take().or(time);
        }
        commands.remove(at);
    }
}

struct Parse<'a> {
    words: &'a [Word],
    rules: &'a Rules,
    lexicon: &'a Lexicon,
    context: &'a Context,
    joints: &'a [(usize, usize)],
}

impl Parse<'_> {
    fn from(&self, at: usize, commands: &mut Vec<Command>) -> bool {
        if at >= self.words.len() {
            return !commands.is_empty();
        }
        if commands.len() == MOST_COMMANDS {
            return false;
        }
        let ends = self
            .joints
            .iter()
            .filter(|(end, _)| *end > at)
            .map(|(end, len)| (*end, end + len));
        let whole = (self.words.len(), self.words.len());
        // The longest part first: "salt and pepper" before "salt".
        let mut ends: Vec<(usize, usize)> = ends.chain([whole]).collect();
        ends.reverse();
        for (end, next) in ends {
            if at == 0 && end == self.words.len() {
                continue;
            }
            let part = without_courtesy(&self.words[at..end], self.lexicon);
            if self.rules.is_yes(&part, self.lexicon, self.context) {
                // A yes with more to it is for the model.
                return false;
            }
            let found = one(&part, self.rules, self.lexicon, self.context, true)
                .or_else(|| {
                    one(
                        &self.words[at..end],
                        self.rules,
                        self.lexicon,
                        self.context,
                        true,
                    )
                })
                .or_else(|| carry(commands.last()?, &part, self.lexicon));
            if let Some(command) = found {
                commands.push(command);
                if self.from(next, commands) {
                    return true;
                }
                commands.pop();
            }
        }
        false
    }
}

/// A bare product after "add ...", "remove ..." or "do you have ...".
fn carry(before: &Command, part: &[Word], lexicon: &Lexicon) -> Option<Command> {
    let intent = before.intent();
    let main = match intent {
        "add_to_cart" | "remove_from_cart" => "item",
        "search_product" => "query",
        _ => return None,
    };
    let named = match before {
        Command::AddToCart { item, .. } | Command::RemoveFromCart { item, .. } => item.is_some(),
        Command::SearchProduct { query, .. } => query.is_some(),
        _ => false,
    };
    let bare = without_articles(part, lexicon);
    let names = !bare.is_empty()
        && bare.len() <= LONGEST_TEXT - 3
        && !bare.iter().any(|w| lexicon.breakers.contains(&w.key))
        && !bare.iter().skip(1).any(|w| w.after.is_some())
        && !phrase::is_pronoun(part, lexicon);
    if !named || !names && phrase::made_to_order(part, lexicon).is_none() {
        return None;
    }
    let mut slots = Slots::new();
    fill(intent, main, part, lexicon, &mut slots);
    if !slots.contains_key(main) || slots.keys().any(|s| !has_slot(intent, s)) {
        return None;
    }
    slots.insert("intent".into(), intent.into());
    serde_json::from_value(Value::Object(slots)).ok()
}

#[cfg(test)]
mod tests;
