//! The menu: products made to order, as their rows say them, and orders of them as they are
//! said. "Brew a double shot late roast Americana with skin milk" is a double shot light roast
//! americano with skim milk, because nothing else on the menu sounds like it.
//!
//! Nothing here knows a drink: names, synonyms, choices and their other words all come from the
//! catalog. How an order begins and what ties its parts is in `assets/nlu/menu.*.toml`.

mod reader;

pub use reader::Reading;

use super::{
    command::{Command, Context},
    normalise::normalise,
    words::fold,
};
use crate::{
    lang::{Language, sound::Sound},
    shop::product::{MenuRow, OptionGroup},
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Up to this doubt every word of an order was said as the menu has it.
const EXACT: f32 = 0.01;
/// Up to this doubt an order is nothing else, whatever a model makes of it.
const SURE: f32 = 0.45;
/// Beyond this doubt what was said is no order of the menu.
const DOUBTFUL: f32 = 2.0;
/// And beyond this one, where no more than one phrase is as the menu has it.
const UNCERTAIN: f32 = 0.9;
/// An order is not sure when the next best item costs only this much more.
const MARGIN: f32 = 0.15;

/// What a phrase of an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A name of this item.
    Item(usize),
    /// This choice.
    Choice(usize),
    /// How an order begins: "can I have".
    Carrier,
    /// What ties the parts: "with".
    Tie,
}

struct Phrase {
    /// Whether it says that something is not wanted.
    denies: bool,
    sound: Sound,
    kind: Kind,
}

/// One option group of an item.
struct Group {
    /// By their places in the menu.
    choices: Vec<usize>,
    /// How many may be chosen.
    max: u32,
}

struct Item {
    title: String,
    groups: Vec<Group>,
}

/// A choice: the group's name and its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Choice {
    group: String,
    name: String,
}

/// What can be made to order, in one language.
pub struct Menu {
    language: Language,
    items: Vec<Item>,
    choices: Vec<Choice>,
    phrases: Vec<Phrase>,
    /// Phrases by their words.
    exact: HashMap<String, Vec<usize>>,
    /// Words of the longest phrase.
    longest: usize,
    manners: &'static Manners,
}

/// The menus of a shop, by language.
#[derive(Default)]
pub struct Menus {
    /// English.
    pub en: Option<Menu>,
    /// French.
    pub fr: Option<Menu>,
}

impl Menus {
    /// The menu in a language, where there is one.
    #[must_use]
    pub fn of(&self, language: Language) -> Option<&Menu> {
        match language {
            Language::En => self.en.as_ref(),
            Language::Fr => self.fr.as_ref(),
        }
    }
}

/// How orders are said in a language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manners {
    /// How one begins.
    carriers: Vec<String>,
    /// What ties its parts.
    ties: Vec<String>,
    /// What says that something is not wanted.
    denials: Vec<String>,
    /// Numbers in words, for their sound.
    numbers: BTreeMap<String, String>,
}

impl Manners {
    fn of(language: Language) -> &'static Self {
        use std::sync::LazyLock;
        fn read(text: &str) -> Manners {
            toml::from_str(text).unwrap_or_else(|e| panic!("our own menu file: {e}"))
        }
        static EN: LazyLock<Manners> =
            LazyLock::new(|| read(include_str!("../../../assets/nlu/menu.en.toml")));
        static FR: LazyLock<Manners> =
            LazyLock::new(|| read(include_str!("../../../assets/nlu/menu.fr.toml")));
        match language {
            Language::En => &EN,
            Language::Fr => &FR,
        }
    }
}

/// The words of an utterance or a name: lower case without diacritics, numbers as digits.
#[must_use]
pub fn words(text: &str, language: Language) -> Vec<String> {
    let percent = match language {
        Language::En => " percent ",
        Language::Fr => " pour cent ",
    };
    let text = text.replace('%', percent);
    let words = normalise(&text, language, &Context::default());
    words
        .list
        .iter()
        .flat_map(|w| {
            let parts = w.key.split(|c: char| !c.is_alphanumeric() && c != '\'');
            parts.map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|w| !w.is_empty())
        .collect()
}

impl Reading {
    /// Whether it is an order of this menu and nothing else.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.doubt <= SURE && self.margin >= MARGIN
    }

    /// Whether hardly anything in it is strange.
    #[must_use]
    pub fn is_likely(&self) -> bool {
        self.doubt <= UNCERTAIN
    }

    /// Whether every word was said as the menu has it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.doubt <= EXACT
    }
}

impl Menu {
    /// The menu of these rows; those without options are not on it. `None` when none is.
    #[must_use]
    pub fn of(language: Language, rows: &[MenuRow]) -> Option<Self> {
        let mut menu = Self {
            language,
            items: Vec::new(),
            choices: Vec::new(),
            phrases: Vec::new(),
            exact: HashMap::new(),
            longest: 1,
            manners: Manners::of(language),
        };
        let mut places: HashMap<Choice, usize> = HashMap::new();
        for row in rows.iter().filter(|r| !r.product.options.is_empty()) {
            let item = menu.items.len();
            let groups = row.product.options.iter();
            let groups = groups.map(|g| menu.group(g, &mut places)).collect();
            menu.items.push(Item {
                title: row.product.title.clone(),
                groups,
            });
            menu.add(&row.product.title, Kind::Item(item));
            for name in &row.synonyms {
                menu.add(name, Kind::Item(item));
            }
        }
        let manners = menu.manners;
        for carrier in &manners.carriers {
            menu.add(carrier, Kind::Carrier);
        }
        for tie in &manners.ties {
            menu.add(tie, Kind::Tie);
        }
        (!menu.items.is_empty()).then_some(menu)
    }

    fn group(&mut self, group: &OptionGroup, places: &mut HashMap<Choice, usize>) -> Group {
        let mut choices = Vec::new();
        for choice in &group.choices {
            let own = Choice {
                group: fold(&group.name),
                name: choice.name.clone(),
            };
            let place = *places.entry(own.clone()).or_insert(self.choices.len());
            if place == self.choices.len() {
                self.choices.push(own);
            }
            self.add(&choice.name, Kind::Choice(place));
            for alias in &choice.aliases {
                self.add(alias, Kind::Choice(place));
            }
            choices.push(place);
        }
        Group {
            choices,
            max: group.max,
        }
    }

    fn add(&mut self, text: &str, kind: Kind) {
        let words = words(text, self.language);
        let same = self.exact.entry(words.join(" ")).or_default();
        if words.is_empty() || same.iter().any(|p| self.phrases[*p].kind == kind) {
            return;
        }
        same.push(self.phrases.len());
        self.longest = self.longest.max(words.len());
        let sound = Sound::of(&self.spelled(&words), self.language);
        let denies = self.denies(&words);
        self.phrases.push(Phrase {
            denies,
            sound,
            kind,
        });
    }

    /// Whether one of the words says that something is not wanted.
    fn denies(&self, words: &[String]) -> bool {
        words.iter().any(|w| self.manners.denials.contains(w))
    }

    /// Words with their numbers as they are spoken.
    fn spelled(&self, words: &[String]) -> String {
        let spoken = |w: &String| self.manners.numbers.get(w).unwrap_or(w).clone();
        words.iter().map(spoken).collect::<Vec<_>>().join(" ")
    }

    /// Reads a transcript, where it may be an order of the menu.
    #[must_use]
    pub fn order(&self, text: &str) -> Option<Reading> {
        let reading = self.read(&words(text, self.language))?;
        // A name alone may be something else that the shop sells.
        let tells = !reading.choices.is_empty() || (reading.carried && reading.doubt <= EXACT);
        // One word that is on the menu, among others that are not, is chance.
        let most = if reading.exact > 1 {
            DOUBTFUL
        } else {
            UNCERTAIN
        };
        (tells && reading.exact > 0 && reading.doubt <= most).then_some(reading)
    }

    /// A reading as the command that it is.
    #[must_use]
    pub fn command(&self, reading: &Reading) -> Command {
        let names = reading.choices.iter();
        Command::AddToCart {
            item: Some(self.items[reading.item].title.clone()),
            ordinal: None,
            quantity: reading.quantity,
            color: None,
            size: None,
            brand: None,
            options: names.map(|c| self.choices[*c].name.clone()).collect(),
        }
    }

    /// Words that an order like this reading is made of, at most `bytes` long: for the
    /// recogniser, which leans towards what it is told.
    #[must_use]
    pub fn hint(&self, reading: &Reading, bytes: usize) -> String {
        let item = &self.items[reading.item];
        let of_group = |g: &Group| g.choices.first().map(|c| self.choices[*c].group.as_str());
        let own: Vec<&str> = item.groups.iter().filter_map(of_group).collect();
        // What has most of its groups in common with this item may have been meant instead.
        let alike = |other: &&Item| {
            let shared = other.groups.iter().filter_map(of_group);
            2 * shared.filter(|g| own.contains(g)).count() > own.len()
        };
        let mut seen: Vec<String> = Vec::new();
        let mut hint = String::new();
        let mut add = |text: &str, new_words_only: bool| {
            let words = words(text, self.language);
            let new = words.iter().any(|w| !seen.contains(w));
            if (new || !new_words_only) && hint.len() + text.len() + 2 <= bytes {
                seen.extend(words);
                if !hint.is_empty() {
                    hint.push_str(", ");
                }
                hint.push_str(text);
            }
        };
        for other in self.items.iter().filter(alike) {
            add(&other.title, false);
        }
        let mut choices: Vec<&str> = item
            .groups
            .iter()
            .flat_map(|g| &g.choices)
            .map(|c| self.choices[*c].name.as_str())
            .collect();
        choices.sort_by_key(|name| name.len());
        for name in choices {
            add(name, true);
        }
        hint.push('.');
        hint
    }
}
