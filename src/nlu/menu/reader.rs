//! Reading an utterance as an order of the menu: the cheapest way to say all of its words as
//! phrases of one item, by dynamic programming over the words, the choices that were made and
//! whether the item was named.

use super::{Kind, Menu};
use crate::lang::sound::Sound;
use std::collections::HashMap;

/// What a phrase costs by itself: the fewer and the longer they are, the better.
const EACH: f32 = 0.1;
/// What a word costs that is no part of the menu.
const UNKNOWN: f32 = 1.0;
/// And one of a letter or two.
const UNKNOWN_SHORT: f32 = 0.5;
/// A number before everything else, which says how many.
const QUANTITY: f32 = 0.001;
/// A word that says what is not wanted, outside of a phrase of the menu: the order is not read.
const DENIAL: f32 = 100.0;
/// A carrier ("can I have") in the middle of the order.
const LATE_CARRIER: f32 = 0.5;
/// Words of a phrase that is compared by its sound, at most.
const SOUNDED: usize = 5;
/// Nobody orders one item in more words.
const WORDS: usize = 40;
/// Items that are tried: those whose names are nearest to something that was said.
const ITEMS: usize = 12;

/// An order as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The item, by its place in the menu.
    pub item: usize,
    /// The choices, by their places in the menu, in the order said.
    pub choices: Vec<usize>,
    /// How many of it, where that was said.
    pub quantity: Option<u32>,
    /// How far the words are from being this order: 0.1 a phrase, more where a phrase was only
    /// alike, 1 for a word that is none.
    pub cost: f32,
    /// How much of the cost is beyond the phrases themselves.
    pub doubt: f32,
    /// Phrases of the order that were said as the menu has them.
    pub exact: usize,
    /// Whether it began as an order begins ("I'd like").
    pub carried: bool,
    /// What the next best item would cost more.
    pub margin: f32,
}

/// A phrase that a span of words may be.
#[derive(Clone, Copy, Debug)]
struct Match {
    phrase: usize,
    len: usize,
    cost: f32,
}

/// Where the reading stands: the item was named, and these groups have their choice.
type State = (bool, u32);

/// How a state was reached: its cost, the state before and where, and the phrase.
#[derive(Clone, Copy, Debug)]
struct Step {
    cost: f32,
    from: (usize, State),
    phrase: Option<usize>,
}

impl Menu {
    /// Reads an utterance, its words as [`super::words`] has them, as an order of one item.
    /// `None` when nothing in it is like an item's name.
    #[must_use]
    pub fn read(&self, words: &[String]) -> Option<Reading> {
        if words.is_empty() || words.len() > WORDS {
            return None;
        }
        let matches = self.matches(words);
        let mut items: Vec<(f32, usize)> = Vec::new();
        for found in matches.iter().flatten() {
            if let Kind::Item(item) = self.phrases[found.phrase].kind {
                match items.iter_mut().find(|(_, i)| *i == item) {
                    Some((cost, _)) => *cost = cost.min(found.cost),
                    None => items.push((found.cost, item)),
                }
            }
        }
        items.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        items.truncate(ITEMS);
        let mut readings: Vec<Reading> = items
            .into_iter()
            .filter_map(|(_, item)| self.of_item(item, words, &matches))
            .collect();
        readings.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let next = readings.get(1).map_or(f32::MAX, |r| r.cost);
        let mut best = readings.into_iter().next()?;
        best.margin = next - best.cost;
        Some(best)
    }

    /// What each span of words may be, by where it begins.
    fn matches(&self, words: &[String]) -> Vec<Vec<Match>> {
        let begun_at = |at: usize| {
            let mut found: Vec<Match> = Vec::new();
            for len in 1..=self.longest.min(words.len() - at) {
                let span = &words[at..at + len];
                let same = self.exact.get(&span.join(" "));
                for &phrase in same.into_iter().flatten() {
                    let cost = match self.phrases[phrase].kind {
                        Kind::Item(_) | Kind::Choice(_) => EACH,
                        Kind::Carrier if at == 0 => 0.0,
                        Kind::Carrier => LATE_CARRIER,
                        Kind::Tie => 0.0,
                    };
                    found.push(Match { phrase, len, cost });
                }
                // What is not wanted is said as the menu says it, or it is not understood.
                if len > SOUNDED || self.denies(span) {
                    continue;
                }
                let sound = Sound::of(&self.spelled(span), self.language);
                for (phrase, known) in self.phrases.iter().enumerate() {
                    let wanted = match known.kind {
                        Kind::Tie => false,
                        Kind::Carrier => at == 0,
                        Kind::Item(_) | Kind::Choice(_) => true,
                    };
                    if wanted
                        && !known.denies
                        && let Some(cost) = known.sound.cost(&sound)
                    {
                        let cost = EACH + cost;
                        found.push(Match { phrase, len, cost });
                    }
                }
            }
            found
        };
        (0..words.len()).map(begun_at).collect()
    }

    fn of_item(&self, item: usize, words: &[String], matches: &[Vec<Match>]) -> Option<Reading> {
        let groups = &self.items[item].groups;
        let mut best: Vec<HashMap<State, Step>> = vec![HashMap::new(); words.len() + 1];
        let start = (false, 0);
        best[0].insert(
            start,
            Step {
                cost: 0.0,
                from: (0, start),
                phrase: None,
            },
        );
        for at in 0..words.len() {
            let here: Vec<(State, f32)> =
                best[at].iter().map(|(s, step)| (*s, step.cost)).collect();
            for (state, cost) in here {
                let mut reach = |to: usize, then: State, more: f32, phrase: Option<usize>| {
                    let step = Step {
                        cost: cost + more,
                        from: (at, state),
                        phrase,
                    };
                    let there = best[to].entry(then).or_insert(step);
                    if step.cost < there.cost {
                        *there = step;
                    }
                };
                let unknown = if self.denies(&words[at..=at]) {
                    DENIAL
                } else if state == start && cost < QUANTITY && quantity(&words[at]).is_some() {
                    QUANTITY
                } else if words[at].chars().count() <= 2 {
                    UNKNOWN_SHORT
                } else {
                    UNKNOWN
                };
                reach(at + 1, state, unknown, None);
                let (named, chosen) = state;
                for found in &matches[at] {
                    let then = match self.phrases[found.phrase].kind {
                        Kind::Tie | Kind::Carrier => state,
                        Kind::Item(i) if i == item && !named => (true, chosen),
                        Kind::Choice(c) => {
                            let group = groups.iter().position(|g| g.choices.contains(&c));
                            let Some(group) = group else { continue };
                            let bit = 1u32 << (group % 32);
                            if groups[group].max > 1 {
                                state
                            } else if chosen & bit == 0 {
                                (named, chosen | bit)
                            } else {
                                continue;
                            }
                        }
                        Kind::Item(_) => continue,
                    };
                    reach(at + found.len, then, found.cost, Some(found.phrase));
                }
            }
        }
        let end = best.last()?;
        let (state, last) = end
            .iter()
            .filter(|((named, _), _)| *named)
            .min_by(|(s, a), (t, b)| a.cost.total_cmp(&b.cost).then(s.cmp(t)))?;
        let cost = last.cost;
        let (mut at, mut state) = (words.len(), *state);
        let mut choices = Vec::new();
        let mut carried = false;
        let (mut phrases, mut exact) = (0, 0);
        let mut many = None;
        // Whether what follows in the utterance is a phrase of the order.
        let mut before_phrase = false;
        while at > 0 {
            let step = best[at].get(&state)?;
            let alone = step.cost - best[step.from.0].get(&step.from.1)?.cost;
            match step.phrase.map(|p| self.phrases[p].kind) {
                Some(Kind::Choice(c)) => {
                    phrases += 1;
                    exact += usize::from(alone <= EACH + 0.001);
                    if !choices.contains(&c) {
                        choices.push(c);
                    }
                }
                Some(Kind::Item(_)) => {
                    phrases += 1;
                    exact += usize::from(alone <= EACH + 0.001);
                }
                Some(Kind::Carrier) => carried = true,
                None if alone <= QUANTITY && before_phrase => {
                    many = quantity(&words[step.from.0]);
                }
                // Another choice of a group that has one, or a number of something unknown.
                None if alone <= QUANTITY || self.is_choice(&words[step.from.0], groups) => {
                    return None;
                }
                Some(Kind::Tie) | None => {}
            }
            before_phrase = matches!(
                step.phrase.map(|p| self.phrases[p].kind),
                Some(Kind::Choice(_) | Kind::Item(_))
            ) || (before_phrase && step.phrase.is_some());
            (at, state) = step.from;
        }
        choices.reverse();
        Some(Reading {
            item,
            choices,
            quantity: many,
            cost,
            doubt: cost - EACH * phrases as f32,
            exact,
            carried,
            margin: 0.0,
        })
    }
}

impl Menu {
    /// Whether a word alone is a choice of one of these groups.
    fn is_choice(&self, word: &str, groups: &[super::Group]) -> bool {
        let phrases = self.exact.get(word).into_iter().flatten();
        let choice = |p: &usize| match self.phrases[*p].kind {
            Kind::Choice(c) => groups.iter().any(|g| g.choices.contains(&c)),
            _ => false,
        };
        phrases.into_iter().any(choice)
    }
}

/// How many a word says.
fn quantity(word: &str) -> Option<u32> {
    word.parse().ok().filter(|n| (1..=20).contains(n))
}
