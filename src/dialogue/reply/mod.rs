//! Replies: messages with typed arguments, rendered twice, as shown and as said.
//!
//! The sentences are Fluent messages in `assets/locales/<language>/*.ftl`. Every message gets
//! `$mode` ("text" or "speech") besides its own arguments, for the few sentences that differ.

mod bundle;
pub mod grounding;
pub mod verbalise;

use crate::{lang::Language, shop::money::Money};
use fluent_bundle::{FluentArgs, FluentValue};
use jiff::civil::{Date, Time};
use verbalise::{amount, date, text};

/// How a message is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// For eyes: "12,50 €".
    Text,
    /// For ears: "douze euros cinquante".
    Speech,
}

/// A fact in a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A number of things; selects plurals.
    Count(u64),
    /// An amount.
    Money(Money),
    /// A day, and today.
    Day(Date, Date),
    /// A time of day.
    Time(Time),
    /// An order number, spelled when said.
    OrderNumber(String),
    /// A position: "first".
    Position(u64),
    /// Words from a row: a title, an option, a policy; units are said in words.
    Words(String),
    /// A word that selects a variant of the message; never shown.
    Case(&'static str),
    /// Items joined with "and".
    All(Vec<Arg>),
    /// Items joined with "or".
    Any(Vec<Arg>),
    /// A message within the message.
    Part(Message),
}

impl Arg {
    /// Words from a row.
    pub fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    fn render(&self, language: Language, mode: Mode) -> FluentValue<'static> {
        match self {
            Self::Count(n) => FluentValue::from(*n as f64),
            other => FluentValue::from(other.plain(language, mode)),
        }
    }

    fn plain(&self, language: Language, mode: Mode) -> String {
        match (self, mode) {
            (Self::Count(n), Mode::Text) => n.to_string(),
            (Self::Count(n), Mode::Speech) => verbalise::number::cardinal(language, *n),
            (Self::Money(m), Mode::Text) => amount::money_text(language, *m),
            (Self::Money(m), Mode::Speech) => amount::money_speech(language, *m),
            (Self::Day(d, today), Mode::Text) => date::date_text(language, *d, *today),
            (Self::Day(d, today), Mode::Speech) => date::date_speech(language, *d, *today),
            (Self::Time(t), Mode::Text) => date::time_text(language, *t),
            (Self::Time(t), Mode::Speech) => date::time_speech(language, *t),
            (Self::OrderNumber(n), Mode::Text) => n.clone(),
            (Self::OrderNumber(n), Mode::Speech) => verbalise::order_number_speech(n),
            (Self::Position(n), _) => verbalise::number::ordinal(language, *n),
            (Self::Words(w), Mode::Text) => w.clone(),
            (Self::Words(w), Mode::Speech) => text::speakable(language, w),
            (Self::Case(word), _) => (*word).to_owned(),
            (Self::All(items), _) => verbalise::list(language, &plain_all(items, language, mode)),
            (Self::Any(items), _) => {
                verbalise::alternatives(language, &plain_all(items, language, mode))
            }
            (Self::Part(message), _) => message.render(language, mode),
        }
    }
}

fn plain_all(items: &[Arg], language: Language, mode: Mode) -> Vec<String> {
    items.iter().map(|a| a.plain(language, mode)).collect()
}

/// A message: the key of a sentence and its facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The key in the Fluent files.
    pub key: &'static str,
    /// The facts, by name.
    pub args: Vec<(&'static str, Arg)>,
}

impl Message {
    /// A message without facts.
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self {
            key,
            args: Vec::new(),
        }
    }

    /// With one more fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, arg: Arg) -> Self {
        self.args.push((name, arg));
        self
    }

    /// With an amount.
    #[must_use]
    pub fn money(self, name: &'static str, amount: Money) -> Self {
        self.with(name, Arg::Money(amount))
    }

    /// With a number of things.
    #[must_use]
    pub fn count(self, name: &'static str, n: impl TryInto<u64>) -> Self {
        self.with(name, Arg::Count(n.try_into().unwrap_or(u64::MAX)))
    }

    /// With words from a row.
    #[must_use]
    pub fn words(self, name: &'static str, words: impl Into<String>) -> Self {
        self.with(name, Arg::Words(words.into()))
    }

    /// With a word that selects a variant.
    #[must_use]
    pub fn case(self, name: &'static str, word: &'static str) -> Self {
        self.with(name, Arg::Case(word))
    }

    /// The sentence. What Fluent cannot resolve stays visible as `{$name}`; tests look for it.
    #[must_use]
    pub fn render(&self, language: Language, mode: Mode) -> String {
        let mut args = FluentArgs::with_capacity(self.args.len() + 1);
        for (name, arg) in &self.args {
            args.set(*name, arg.render(language, mode));
        }
        args.set(
            "mode",
            match mode {
                Mode::Text => "text",
                Mode::Speech => "speech",
            },
        );
        bundle::format(language, mode, self.key, &args)
    }

    /// Every fact in it, also of the messages within.
    pub fn facts(&self) -> Vec<&Arg> {
        let mut out = Vec::new();
        for (_, arg) in &self.args {
            gather(arg, &mut out);
        }
        out
    }
}

fn gather<'a>(arg: &'a Arg, out: &mut Vec<&'a Arg>) {
    match arg {
        Arg::All(items) | Arg::Any(items) => items.iter().for_each(|a| gather(a, out)),
        Arg::Part(message) => message.args.iter().for_each(|(_, a)| gather(a, out)),
        other => out.push(other),
    }
}

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Shown and said.
    Both,
    /// Shown only: titles of past orders in a public place.
    Eyes,
}

#[cfg(test)]
mod tests;
