//! Times of day to `HH:MM`. A clock hour of 1 to 7 without am or pm is afternoon.

use super::{key, replace, stands};
use crate::{lang::Language, nlu::words::Word};

#[derive(Clone, Copy, PartialEq)]
enum Half {
    Unsaid,
    Am,
    Pm,
}

pub(super) fn write(list: &mut Vec<Word>, language: Language) {
    let mut at = 0;
    while at < list.len() {
        let found = match language {
            Language::En => english(list, at),
            Language::Fr => french(list, at),
        };
        if let Some((minutes, len)) = found {
            replace(
                list,
                at..at + len,
                &format!("{:02}:{:02}", minutes / 60, minutes % 60),
            );
        }
        at += 1;
    }
}

fn number(list: &[Word], at: usize, below: u32) -> Option<u32> {
    list.get(at).and_then(Word::count).filter(|n| *n < below)
}

/// Minutes from midnight, given how the half of the day was said.
fn on_the_clock(hour: u32, minutes: i32, half: Half) -> Option<u32> {
    let hour = match half {
        Half::Unsaid if (1..=7).contains(&hour) => hour + 12,
        Half::Pm if hour < 12 => hour + 12,
        Half::Am if hour == 12 => 0,
        _ => hour,
    };
    // "midi moins le quart" is 11:45, "quarter to one" is 12:45.
    let total = i32::try_from(hour).ok()? * 60 + minutes;
    u32::try_from(total.rem_euclid(24 * 60)).ok()
}

fn english(list: &[Word], at: usize) -> Option<(u32, usize)> {
    if matches!(key(list, at), "noon" | "midday") {
        return Some((12 * 60, 1));
    }
    if key(list, at) == "midnight" {
        return Some((0, 1));
    }
    // "9:30 pm", written so by the recogniser.
    if let Some((h, m)) = key(list, at).split_once(':') {
        let (hour, minutes) = (h.parse::<u32>().ok()?, m.parse::<u32>().ok()?);
        let (half, len) = english_half(list, at + 1);
        // "15:30" and "09:30" are 24 h already.
        let half = if half == Half::Unsaid && h.starts_with('0') {
            Half::Am
        } else {
            half
        };
        return (hour < 24 && minutes < 60)
            .then(|| on_the_clock(hour, i32::try_from(minutes).ok()?, half))
            .flatten()
            .map(|t| (t, 1 + len));
    }
    let before = if at == 0 { "" } else { key(list, at - 1) };
    let from = |minutes: i32, hour_at: usize| {
        let hour = number(list, hour_at, 13)
            .filter(|h| *h > 0)
            .or(match key(list, hour_at) {
                "noon" | "midday" => Some(12),
                _ => None,
            })?;
        let (half, len) = english_half(list, hour_at + 1);
        Some((on_the_clock(hour, minutes, half)?, hour_at + 1 + len - at))
    };
    // "half past nine", "half nine", "quarter to nine", "ten past five"
    if stands(list, at, &["half", "past"]) {
        return from(30, at + 2);
    }
    if key(list, at) == "half" && before != "and" && ends_time(list, at + 2) {
        return from(30, at + 1);
    }
    let article = usize::from(key(list, at) == "a" && key(list, at + 1) == "quarter");
    let minutes = match key(list, at + article) {
        "quarter" => Some(15),
        _ => number(list, at, 60).and_then(|n| i32::try_from(n).ok()),
    };
    let word = at + article + 1;
    let word = word + usize::from(key(list, word) == "minutes");
    if let Some(minutes) = minutes {
        let counts = key(list, at + article) == "quarter" || minutes % 5 == 0 && minutes > 0;
        match key(list, word) {
            "past" if counts => return from(minutes, word + 1),
            "to" if counts && ends_time(list, word + 2) => return from(-minutes, word + 1),
            _ => {}
        }
    }
    let hour = number(list, at, 24)?;
    let (half, len) = english_half(list, at + 1);
    if half != Half::Unsaid || len > 0 {
        return (hour < 13)
            .then(|| on_the_clock(hour, 0, half))
            .flatten()
            .map(|t| (t, 1 + len));
    }
    let asked = matches!(
        before,
        "at" | "around" | "by" | "before" | "after" | "until" | "till" | "for" | "from" | "to"
    );
    // "at nine thirty", "nine thirty pm"
    if let Some(minutes) = number(list, at + 1, 60).filter(|_| key(list, at + 1).len() == 2) {
        let (half, len) = english_half(list, at + 2);
        if half != Half::Unsaid
            || asked && minutes % 5 == 0 && ends_time(list, at + 2) && before != "for"
        {
            return on_the_clock(hour, i32::try_from(minutes).ok()?, half).map(|t| (t, 2 + len));
        }
    }
    (matches!(before, "at" | "around" | "by") && hour > 0 && ends_time(list, at + 1))
        .then(|| on_the_clock(hour, 0, Half::Unsaid))
        .flatten()
        .map(|t| (t, 1))
}

/// "pm", "o'clock", "in the afternoon": what was said, and how many words it took.
fn english_half(list: &[Word], at: usize) -> (Half, usize) {
    let clock = usize::from(key(list, at) == "o'clock");
    let at = at + clock;
    let (half, len) = match key(list, at) {
        "pm" => (Half::Pm, 1),
        "am" => (Half::Am, 1),
        "p" if key(list, at + 1) == "m" => (Half::Pm, 2),
        "a" if key(list, at + 1) == "m" => (Half::Am, 2),
        "in" if stands(list, at, &["in", "the", "morning"]) => (Half::Am, 3),
        "in" if stands(list, at, &["in", "the", "afternoon"])
            || stands(list, at, &["in", "the", "evening"]) =>
        {
            (Half::Pm, 3)
        }
        "tonight" => (Half::Pm, 1),
        _ => (Half::Unsaid, 0),
    };
    (half, clock + len)
}

/// Whether a time may end before this word: nothing, punctuation, a day or politeness follows.
fn ends_time(list: &[Word], at: usize) -> bool {
    list.get(at).is_none_or(|w| {
        w.after.is_some()
            || matches!(
                w.key.as_str(),
                "on" | "please"
                    | "tomorrow"
                    | "today"
                    | "tonight"
                    | "next"
                    | "this"
                    | "for"
                    | "and"
                    | "if"
                    | "or"
                    | "monday"
                    | "tuesday"
                    | "wednesday"
                    | "thursday"
                    | "friday"
                    | "saturday"
                    | "sunday"
                    | "then"
                    | "instead"
                    | "would"
                    | "is"
                    | "in"
            )
    })
}

fn french(list: &[Word], at: usize) -> Option<(u32, usize)> {
    let before = if at == 0 { "" } else { key(list, at - 1) };
    let word = key(list, at);
    // "9h30", "15h", "9:30"
    let (hour, mut next) = if let Some((h, m)) = word.split_once(['h', ':']) {
        let hour = h.parse::<u32>().ok().filter(|h| *h < 24)?;
        if !m.is_empty() {
            let minutes = m.parse::<u32>().ok().filter(|m| *m < 60)?;
            let (half, len) = french_half(list, at + 1);
            let half = if h.starts_with('0') { Half::Am } else { half };
            return on_the_clock(hour, i32::try_from(minutes).ok()?, half).map(|t| (t, 1 + len));
        }
        (hour, at + 1)
    } else {
        match word {
            // "après-midi", "cet après midi" are no time of day.
            "midi" if before != "apres" && before != "du" => (12, at + 1),
            "minuit" => (0, at + 1),
            _ => {
                let hour = number(list, at, 24)?;
                if !matches!(key(list, at + 1), "heure" | "heures" | "h") {
                    return None;
                }
                (hour, at + 2)
            }
        }
    };
    if matches!(before, "dans" | "pendant" | "depuis" | "sous" | "en") || key(list, next) == "sur" {
        return None;
    }
    let mut minutes = 0;
    let quarter = |i: usize| {
        if stands(list, i, &["le", "quart"]) {
            2
        } else {
            usize::from(key(list, i) == "quart")
        }
    };
    if key(list, next) == "et" && matches!(key(list, next + 1), "demie" | "demi") {
        minutes = 30;
        next += 2;
    } else if key(list, next) == "et" && quarter(next + 1) > 0 {
        minutes = 15;
        next += 1 + quarter(next + 1);
    } else if key(list, next) == "moins" && quarter(next + 1) > 0 {
        minutes = -15;
        next += 1 + quarter(next + 1);
    } else if key(list, next) == "moins"
        && let Some(n) = number(list, next + 1, 30).filter(|n| n % 5 == 0)
    {
        minutes = -i32::try_from(n).ok()?;
        next += 2;
    } else if let Some(n) = number(list, next, 60).filter(|n| *n > 0) {
        let counted = list[next].after.is_some()
            || key(list, next).len() < 2
            || list
                .get(next + 1)
                .is_some_and(|w| matches!(w.key.as_str(), "euros" | "minutes"));
        if !counted {
            minutes = i32::try_from(n).ok()?;
            next += 1;
        }
    }
    let (half, len) = french_half(list, next);
    on_the_clock(
        hour,
        minutes,
        if word == "minuit" { Half::Am } else { half },
    )
    .map(|t| (t, next + len - at))
}

fn french_half(list: &[Word], at: usize) -> (Half, usize) {
    if stands(list, at, &["du", "matin"]) {
        (Half::Am, 2)
    } else if stands(list, at, &["du", "soir"]) {
        (Half::Pm, 2)
    } else if stands(list, at, &["de", "l'", "apres", "midi"]) {
        (Half::Pm, 4)
    } else {
        (Half::Unsaid, 0)
    }
}
