//! Modifiers of made-to-order products: the words said, against the groups of the row.

use super::words;
use crate::shop::product::{OptionChoice, OptionGroup};

/// What the words came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The names of the choices, in the order of the groups.
    pub names: Vec<String>,
    /// What they add to the price, minor units.
    pub delta: i64,
    /// The first group that needs a choice and has none.
    pub missing: Option<usize>,
    /// What was said and is none of the choices.
    pub unknown: Vec<String>,
}

const NEGATIONS: [&str; 6] = ["no", "without", "sans", "pas", "none", "aucun"];

/// Resolves the words, the later ones over the earlier. With `keep` the choices made before
/// stand where nothing new was said; otherwise a group's default stands there.
pub(super) fn choose(groups: &[OptionGroup], keep: Option<&[String]>, said: &[String]) -> Chosen {
    let mut picked: Vec<Vec<usize>> = groups
        .iter()
        .map(|g| {
            (0..g.choices.len())
                .filter(|i| match keep {
                    Some(names) => names.contains(&g.choices[*i].name),
                    None => g.choices[*i].default,
                })
                .collect()
        })
        .collect();
    // A default gives way to the first thing said; what was said gives way beyond the maximum.
    let mut spoken_for = vec![false; groups.len()];
    let mut out = Chosen::default();
    let mut vague = None;
    for words in said {
        match find(groups, words) {
            Match::Choices(found, left_out) => {
                for (g, c) in found {
                    if !spoken_for[g] {
                        // A choice made before stays beside a new one where the group has room
                        // for both; a default never does.
                        let choices = &groups[g].choices;
                        picked[g].retain(|i| {
                            groups[g].max > 1 && keep.is_some() && !choices[*i].default
                        });
                    }
                    spoken_for[g] = true;
                    picked[g].retain(|i| *i != c);
                    picked[g].push(c);
                    let max = groups[g].max.max(1) as usize;
                    if picked[g].len() > max {
                        picked[g].remove(0);
                    }
                }
                if let Some((g, c)) = left_out {
                    picked[g].retain(|i| *i != c);
                    spoken_for[g] = true;
                }
            }
            Match::Without((g, c)) => {
                picked[g].retain(|i| *i != c);
                spoken_for[g] = true;
            }
            Match::Group(g) => vague = vague.or(Some(g)),
            Match::None => out.unknown.push(words.clone()),
        }
    }
    for (g, group) in groups.iter().enumerate() {
        picked[g].sort_unstable();
        for i in &picked[g] {
            let choice = &group.choices[*i];
            out.names.push(choice.name.clone());
            out.delta = out.delta.saturating_add(choice.price_delta);
        }
        let lacks = (picked[g].len() as u32) < group.min && !group.choices.is_empty();
        if out.missing.is_none() && (lacks || (vague == Some(g) && !spoken_for[g])) {
            out.missing = Some(g);
        }
    }
    out
}

/// Whether any of these words is a choice of these groups.
pub(super) fn any_choice(groups: &[OptionGroup], said: &[String]) -> bool {
    said.iter()
        .any(|w| matches!(find(groups, w), Match::Choices(..) | Match::Without(..)))
}

/// The words among these that are choices, without those that are part of the product's name.
pub(super) fn within(groups: &[OptionGroup], item: &str, title: &str) -> Vec<String> {
    let title = words::all_words(title);
    let left: Vec<String> = words::all_words(item)
        .into_iter()
        .filter(|w| !title.iter().any(|t| words::same_word(w, t)))
        .collect();
    let left = left.join(" ");
    match find(groups, &left) {
        Match::Choices(found, _) => found
            .into_iter()
            .map(|(g, c)| groups[g].choices[c].name.clone())
            .collect(),
        _ => Vec::new(),
    }
}

/// What words came to. A choice is the place of its group and its place therein.
enum Match {
    /// These are wanted, and perhaps one is not.
    Choices(Vec<(usize, usize)>, Option<(usize, usize)>),
    /// This one is not wanted.
    Without((usize, usize)),
    /// One of this group, but which?
    Group(usize),
    None,
}

fn find(groups: &[OptionGroup], words: &str) -> Match {
    let said = canonical(words);
    if said.is_empty() {
        return Match::None;
    }
    // The whole of what was said is a choice, by name or alias.
    for (g, group) in groups.iter().enumerate() {
        for (c, choice) in group.choices.iter().enumerate() {
            if labels(choice).any(|l| same(&said, &canonical(l))) {
                return Match::Choices(vec![(g, c)], None);
            }
        }
    }
    let found = named(groups, &said);
    let denies = |l: &[String]| l.iter().any(|w| NEGATIONS.contains(&w.as_str()));
    let negated = said.iter().position(|w| NEGATIONS.contains(&w.as_str()));
    if let Some(at) = negated {
        if found.iter().any(|(.., label)| denies(label)) {
            return Match::Choices(found.into_iter().map(|(g, c, _)| (g, c)).collect(), None);
        }
        // "Large, without sugar": what stands before the negation is wanted.
        let mut wanted: Vec<(usize, usize)> = named(groups, &said[..at])
            .into_iter()
            .map(|(g, c, _)| (g, c))
            .collect();
        let left_out = match without(groups, &said[at + 1..]) {
            Match::Choices(more, _) => {
                wanted.extend(more);
                None
            }
            Match::Without(choice) => Some(choice),
            other if wanted.is_empty() => return other,
            _ => None,
        };
        return match left_out {
            Some(choice) if wanted.is_empty() => Match::Without(choice),
            _ => Match::Choices(wanted, left_out),
        };
    }
    if !found.is_empty() {
        return Match::Choices(found.into_iter().map(|(g, c, _)| (g, c)).collect(), None);
    }
    // What was said is a part of a choice's name ("oat" for "oat milk").
    let mut partial = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        for (c, choice) in group.choices.iter().enumerate() {
            if labels(choice).any(|l| subset(&said, &canonical(l))) {
                partial.push((g, c));
            }
        }
    }
    match partial[..] {
        [one] => Match::Choices(vec![one], None),
        [(g, _), ..] if partial.iter().all(|(h, _)| *h == g) => Match::Group(g),
        _ => Match::None,
    }
}

/// The choices that are named within what was said ("large, with oat milk"): the longest of
/// each group, and none that is only a part of another one's name ("medium roast" is no size).
fn named(groups: &[OptionGroup], said: &[String]) -> Vec<(usize, usize, Vec<String>)> {
    let mut found: Vec<(usize, usize, Vec<String>)> = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        let best = group
            .choices
            .iter()
            .enumerate()
            .flat_map(|(c, choice)| labels(choice).map(move |l| (c, canonical(l))))
            .filter(|(_, label)| subset(label, said))
            .max_by_key(|(c, label)| (label.len(), usize::MAX - c));
        if let Some((c, label)) = best {
            found.push((g, c, label));
        }
    }
    let part = |label: &[String]| {
        found
            .iter()
            .any(|(_, _, l)| l.len() > label.len() && subset(label, l))
    };
    let parts: Vec<bool> = found.iter().map(|(_, _, l)| part(l)).collect();
    let mut keep = parts.into_iter().map(|p| !p);
    found.retain(|_| keep.next().unwrap_or(true));
    found
}

/// "No sugar": the choice that says so, or the choice of sugar left out.
fn without(groups: &[OptionGroup], said: &[String]) -> Match {
    for (g, group) in groups.iter().enumerate() {
        let about = subset(said, &canonical(&group.name))
            || group
                .choices
                .iter()
                .any(|c| labels(c).any(|l| subset(said, &canonical(l))));
        if !about || said.is_empty() {
            continue;
        }
        let none = group.choices.iter().position(|c| {
            labels(c).any(|l| {
                let l = canonical(l);
                l.iter().any(|w| NEGATIONS.contains(&w.as_str())) && subset(said, &l)
            })
        });
        if let Some(c) = none {
            return Match::Choices(vec![(g, c)], None);
        }
        let named = group
            .choices
            .iter()
            .position(|c| labels(c).any(|l| subset(said, &canonical(l))));
        if let Some(c) = named
            && group.min == 0
        {
            return Match::Without((g, c));
        }
    }
    Match::None
}

fn labels(choice: &OptionChoice) -> impl Iterator<Item = &str> {
    std::iter::once(choice.name.as_str()).chain(choice.aliases.iter().map(String::as_str))
}

/// Words without articles, small numbers as digits: "deux sucres" is "2 sucres". "Some" and
/// "a bit" stay: they are choices.
fn canonical(text: &str) -> Vec<String> {
    const ARTICLES: &[&str] = &[
        "a", "an", "the", "of", "with", "in", "and", "please", "de", "du", "des", "d", "l", "avec",
        "le", "la", "les", "au", "aux", "a", "et", "en",
    ];
    let all = words::all_words(text);
    let telling: Vec<String> = all
        .iter()
        .filter(|w| !ARTICLES.contains(&w.as_str()))
        .cloned()
        .collect();
    let mut out = if telling.is_empty() { all } else { telling };
    for w in &mut out {
        if let Some(n) = words::number(w) {
            *w = n.to_string();
        }
    }
    out
}

fn subset(part: &[String], whole: &[String]) -> bool {
    !part.is_empty()
        && part
            .iter()
            .all(|p| whole.iter().any(|w| words::same_word(p, w)))
}

fn same(a: &[String], b: &[String]) -> bool {
    subset(a, b) && subset(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, aliases: &[&str], delta: i64, default: bool) -> OptionChoice {
        OptionChoice {
            name: name.into(),
            aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
            price_delta: delta,
            default,
        }
    }

    fn latte() -> Vec<OptionGroup> {
        let group = |name: &str, min, max, choices| OptionGroup {
            name: name.into(),
            min,
            max,
            choices,
        };
        vec![
            group(
                "size",
                1,
                1,
                vec![
                    choice("small", &[], 0, false),
                    choice("large", &["big"], 60, false),
                ],
            ),
            group(
                "milk",
                1,
                1,
                vec![
                    choice("whole milk", &["regular"], 0, true),
                    choice("oat milk", &[], 40, false),
                    choice("soy milk", &[], 40, false),
                ],
            ),
            group(
                "sugar",
                0,
                1,
                vec![
                    choice("no sugar", &["unsweetened"], 0, true),
                    choice("two sugars", &[], 0, false),
                ],
            ),
            group(
                "extras",
                0,
                2,
                vec![
                    choice("cinnamon", &[], 0, true),
                    choice("ice", &[], 0, false),
                ],
            ),
        ]
    }

    fn said(words: &[&str]) -> Chosen {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        choose(&latte(), None, &words)
    }

    #[test]
    fn a_required_group_without_a_default_is_missing() {
        let c = said(&[]);
        assert_eq!(c.missing, Some(0));
        assert_eq!(c.names, ["whole milk", "no sugar", "cinnamon"]);
    }

    #[test]
    fn several_choices_in_one_breath_are_all_taken() {
        let c = said(&["big with oat milk", "2 sugars"]);
        assert_eq!(c.names, ["large", "oat milk", "two sugars", "cinnamon"]);
        assert_eq!((c.delta, c.missing), (100, None));
    }

    #[test]
    fn a_part_of_a_name_is_enough_when_it_tells() {
        assert_eq!(said(&["large", "oat"]).names[1], "oat milk");
        assert_eq!(said(&["large", "milk"]).missing, Some(1));
    }

    #[test]
    fn without_takes_out_or_chooses_the_none_of_its_group() {
        assert_eq!(
            said(&["small", "two sugars", "no sugar"]).names[2],
            "no sugar"
        );
        assert_eq!(
            said(&["small", "without cinnamon"]).names,
            ["small", "whole milk", "no sugar"]
        );
    }

    #[test]
    fn a_negation_takes_only_what_follows_it() {
        let c = said(&["large with oat milk and two sugars without cinnamon"]);
        assert_eq!(c.names, ["large", "oat milk", "two sugars"]);
        let c = said(&["big oat milk no sugar"]);
        assert_eq!(c.names, ["large", "oat milk", "no sugar", "cinnamon"]);
    }

    #[test]
    fn a_word_within_a_longer_choice_is_not_another_choice() {
        let mut groups = latte();
        groups[0].choices.push(choice("medium", &[], 0, false));
        groups.push(OptionGroup {
            name: "roast".into(),
            min: 1,
            max: 1,
            choices: vec![
                choice("light roast", &["light"], 0, true),
                choice("medium roast", &[], 0, false),
            ],
        });
        let c = choose(&groups, None, &["large decaf with a medium roast".into()]);
        assert_eq!(c.names[0], "large");
        assert!(c.names.contains(&"medium roast".into()));
    }

    #[test]
    fn what_is_no_choice_is_named() {
        assert_eq!(said(&["small", "pumpkin spice"]).unknown, ["pumpkin spice"]);
    }

    #[test]
    fn a_change_keeps_the_other_choices() {
        let before = ["large", "oat milk", "two sugars"].map(String::from);
        let c = choose(&latte(), Some(&before), &["soy".into()]);
        assert_eq!(c.names, ["large", "soy milk", "two sugars"]);
    }
}
