//! Dates to ISO, against the clock of the context.

use super::{key, replace, stands};
use crate::{
    lang::Language,
    nlu::{lexicon::Lexicon, words::Word},
};
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

/// The day on which something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    today: Date,
}

impl Clock {
    /// From a context's clock, `YYYY-MM-DDTHH:MM`, optionally followed by the weekday.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let date = text.trim().get(..10)?;
        date.parse().ok().map(|today| Self { today })
    }

    fn in_days(&self, days: i64) -> Option<Date> {
        self.today.checked_add(days.days()).ok()
    }

    /// The coming day of that name, today excluded.
    fn coming(&self, weekday: Weekday) -> Option<Date> {
        self.today.nth_weekday(1, weekday).ok()
    }

    /// That weekday of the week that begins next Monday.
    fn next_week(&self, weekday: Weekday) -> Option<Date> {
        let monday = self.today.nth_weekday(1, Weekday::Monday).ok()?;
        monday
            .checked_add(i64::from(weekday.to_monday_zero_offset()).days())
            .ok()
    }

    /// The next time that the calendar shows this day; of this month or the next when the
    /// month was not said.
    fn coming_day(&self, day: i8, month: Option<i8>) -> Option<Date> {
        let (year, this) = (self.today.year(), self.today.month());
        let tries = match month {
            Some(m) => [(year, m), (year + 1, m)],
            None if this == 12 => [(year, 12), (year + 1, 1)],
            None => [(year, this), (year, this + 1)],
        };
        tries
            .into_iter()
            .filter_map(|(y, m)| Date::new(y, m, day).ok())
            .find(|d| *d >= self.today)
    }
}

pub(super) fn write(list: &mut Vec<Word>, language: Language, lexicon: &Lexicon, clock: &Clock) {
    let mut at = 0;
    while at < list.len() {
        if let Some((date, len)) = parse(list, at, language, lexicon, clock) {
            replace(list, at..at + len, &date.to_string());
        }
        at += 1;
    }
}

fn parse(
    list: &[Word],
    at: usize,
    language: Language,
    lexicon: &Lexicon,
    clock: &Clock,
) -> Option<(Date, usize)> {
    let near: &[(&[&str], i64)] = match language {
        Language::En => &[
            (&["the", "day", "after", "tomorrow"], 2),
            (&["day", "after", "tomorrow"], 2),
            (&["tomorrow"], 1),
            (&["a", "week", "today"], 7),
        ],
        Language::Fr => &[(&["apres", "demain"], 2), (&["demain"], 1)],
    };
    if let Some((words, days)) = near.iter().find(|(words, _)| stands(list, at, words)) {
        return clock.in_days(*days).map(|d| (d, words.len()));
    }
    // "in 3 days", "dans 2 semaines"
    if matches!(key(list, at), "in" | "dans")
        && let Some(n) = list.get(at + 1).and_then(Word::count).filter(|n| *n < 400)
    {
        let days = match key(list, at + 2) {
            "day" | "days" | "jour" | "jours" => 1,
            "week" | "weeks" | "semaine" | "semaines" => 7,
            _ => return None,
        };
        return clock.in_days(i64::from(n) * days).map(|d| (d, 3));
    }
    day_of_month(list, at, language, lexicon, clock)
        .or_else(|| weekday(list, at, language, lexicon, clock))
}

/// "Friday", "next Tuesday", "vendredi prochain", "Friday the 3rd of May" (the day of month
/// wins).
fn weekday(
    list: &[Word],
    at: usize,
    language: Language,
    lexicon: &Lexicon,
    clock: &Clock,
) -> Option<(Date, usize)> {
    let leads = matches!(key(list, at), "next" | "this" | "ce" | "coming");
    let name_at = at + usize::from(leads);
    let name = key(list, name_at);
    // "mondays", "le lundi" (every Monday) are no date.
    let offset = i8::try_from(lexicon.weekdays.iter().position(|d| d == name)?).ok()?;
    if at > 0 && language == Language::Fr && key(list, at - 1) == "le" {
        return None;
    }
    let weekday = Weekday::from_monday_zero_offset(offset).ok()?;
    let of_month = day_of_month(list, name_at + 1, language, lexicon, clock);
    if let Some((date, len)) = of_month {
        return Some((date, name_at + 1 + len - at));
    }
    let trails = usize::from(matches!(key(list, name_at + 1), "prochain" | "next"));
    let next = key(list, at) == "next";
    let date = if next {
        clock.next_week(weekday)
    } else {
        clock.coming(weekday)
    };
    date.map(|d| (d, name_at + 1 + trails - at))
}

/// "May 3rd", "the third of May", "le 3 mai", "the 15th".
fn day_of_month(
    list: &[Word],
    at: usize,
    language: Language,
    lexicon: &Lexicon,
    clock: &Clock,
) -> Option<(Date, usize)> {
    let month = |i: usize| {
        lexicon
            .months
            .iter()
            .position(|m| m == key(list, i))
            .and_then(|m| i8::try_from(m + 1).ok())
    };
    let day = |i: usize| {
        let word = list.get(i)?;
        let n = match word.count() {
            Some(n) => i32::try_from(n).ok()?,
            None => lexicon.ordinal(std::slice::from_ref(word))?,
        };
        i8::try_from(n).ok().filter(|n| (1..=31).contains(n))
    };
    let article = usize::from(matches!(key(list, at), "the" | "le"));
    // "may 3rd", "may the 3rd"
    if let Some(m) = month(at) {
        let skip = usize::from(key(list, at + 1) == "the");
        return (language == Language::En)
            .then(|| day(at + 1 + skip))
            .flatten()
            .and_then(|d| clock.coming_day(d, Some(m)))
            .map(|d| (d, 2 + skip));
    }
    let d = day(at + article)?;
    let next = at + article + 1;
    let of = usize::from(key(list, next) == "of");
    if let Some(m) = month(next + of) {
        return clock
            .coming_day(d, Some(m))
            .map(|date| (date, article + 2 + of));
    }
    // "the 15th": digits with their ending, or "on the 15"; "the third" alone is a position.
    let written = key(list, at + article).starts_with(|c: char| c.is_ascii_digit());
    let ending = list.get(at + article).is_some_and(|w| w.count().is_none());
    let cued = at > 0 && matches!(key(list, at - 1), "on" | "to" | "for" | "pour" | "au");
    let last = list
        .get(next)
        .is_none_or(|w| w.after.is_some() || matches!(w.key.as_str(), "at" | "a"));
    (article == 1 && written && last && (cued && ending || language == Language::Fr && d > 12))
        .then(|| clock.coming_day(d, None))
        .flatten()
        .map(|date| (date, 2))
}
