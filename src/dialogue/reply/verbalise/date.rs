//! Days and times, as shown and as said.

use super::number::{cardinal, ordinal};
use crate::lang::Language;
use jiff::civil::{Date, Time, Weekday};

const EN_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const FR_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// The name of a weekday.
#[must_use]
pub fn weekday(language: Language, day: Weekday) -> &'static str {
    let i = day.to_monday_zero_offset() as usize;
    match language {
        Language::En => [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        ][i],
        Language::Fr => [
            "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
        ][i],
    }
}

fn month(language: Language, date: Date) -> &'static str {
    let i = date.month() as usize - 1;
    match language {
        Language::En => EN_MONTHS[i],
        Language::Fr => FR_MONTHS[i],
    }
}

/// "today", "tomorrow", "yesterday", where it is one of them.
fn near(language: Language, date: Date, today: Date) -> Option<&'static str> {
    let word = |en, fr| match language {
        Language::En => en,
        Language::Fr => fr,
    };
    if date == today {
        Some(word("today", "aujourd'hui"))
    } else if today.tomorrow().is_ok_and(|t| t == date) {
        Some(word("tomorrow", "demain"))
    } else if today.yesterday().is_ok_and(|y| y == date) {
        Some(word("yesterday", "hier"))
    } else {
        None
    }
}

/// As shown: "tomorrow", "Friday 20 November", "vendredi 20 novembre 2027". The year is
/// written when it is not today's.
#[must_use]
pub fn date_text(language: Language, date: Date, today: Date) -> String {
    if let Some(word) = near(language, date, today) {
        return word.to_owned();
    }
    let year = if date.year() == today.year() {
        String::new()
    } else {
        format!(" {}", date.year())
    };
    let day = match (language, date.day()) {
        (Language::Fr, 1) => "1er".to_owned(),
        (_, d) => d.to_string(),
    };
    format!(
        "{} {day} {}{year}",
        weekday(language, date.weekday()),
        month(language, date)
    )
}

/// As said: "tomorrow", "Friday the twentieth of November", "vendredi vingt novembre".
#[must_use]
pub fn date_speech(language: Language, date: Date, today: Date) -> String {
    if let Some(word) = near(language, date, today) {
        return word.to_owned();
    }
    let name = weekday(language, date.weekday());
    let day = u64::from(date.day().unsigned_abs());
    let year = u64::from(date.year().unsigned_abs());
    let said = match language {
        Language::En => format!(
            "{name} the {} of {}",
            ordinal(language, day),
            month(language, date)
        ),
        Language::Fr => {
            let day = if day == 1 {
                "premier".to_owned()
            } else {
                cardinal(language, day)
            };
            format!("{name} {day} {}", month(language, date))
        }
    };
    if date.year() == today.year() {
        said
    } else {
        match language {
            Language::En => format!("{said}, {}", cardinal(language, year)),
            Language::Fr => format!("{said} {}", cardinal(language, year)),
        }
    }
}

/// As shown: "6:30 pm", "18 h 30".
#[must_use]
pub fn time_text(language: Language, time: Time) -> String {
    let (h, m) = (time.hour(), time.minute());
    match language {
        Language::En => {
            let half = if h < 12 { "am" } else { "pm" };
            let hour = if h % 12 == 0 { 12 } else { h % 12 };
            if m == 0 {
                format!("{hour} {half}")
            } else {
                format!("{hour}:{m:02} {half}")
            }
        }
        Language::Fr if m == 0 => format!("{h} h"),
        Language::Fr => format!("{h} h {m:02}"),
    }
}

/// As said: "six thirty PM", "dix-huit heures trente", "noon", "midi".
#[must_use]
pub fn time_speech(language: Language, time: Time) -> String {
    let (h, m) = (
        u64::from(time.hour().unsigned_abs()),
        u64::from(time.minute().unsigned_abs()),
    );
    match (language, h, m) {
        (Language::En, 12, 0) => "noon".to_owned(),
        (Language::En, 0, 0) => "midnight".to_owned(),
        (Language::En, ..) => {
            let half = if h < 12 { "AM" } else { "PM" };
            let hour = cardinal(language, if h.is_multiple_of(12) { 12 } else { h % 12 });
            match m {
                0 => format!("{hour} {half}"),
                1..=9 => format!("{hour} oh {} {half}", cardinal(language, m)),
                _ => format!("{hour} {} {half}", cardinal(language, m)),
            }
        }
        (Language::Fr, 12, 0) => "midi".to_owned(),
        (Language::Fr, 0, 0) => "minuit".to_owned(),
        (Language::Fr, ..) => {
            // Hours are feminine: "une heure", "vingt et une heures".
            let mut hour = cardinal(language, h);
            if hour.ends_with("un") {
                hour.push('e');
            }
            let heures = if h < 2 { "heure" } else { "heures" };
            match m {
                0 => format!("{hour} {heures}"),
                _ => {
                    // Minutes too, when they are named by a bare number ending in one.
                    let mut minutes = cardinal(language, m);
                    if minutes.ends_with("un") {
                        minutes.push('e');
                    }
                    format!("{hour} {heures} {minutes}")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_are_said_in_full() {
        let today = date(2026, 11, 9);
        let friday = date(2026, 11, 20);
        assert_eq!(
            date_speech(Language::En, friday, today),
            "Friday the twentieth of November"
        );
        assert_eq!(
            date_speech(Language::Fr, friday, today),
            "vendredi vingt novembre"
        );
        assert_eq!(date_text(Language::En, friday, today), "Friday 20 November");
        assert_eq!(
            date_text(Language::Fr, friday, today),
            "vendredi 20 novembre"
        );
        assert_eq!(
            date_speech(Language::Fr, date(2026, 12, 1), today),
            "mardi premier décembre"
        );
        assert_eq!(
            date_text(Language::Fr, date(2027, 1, 1), today),
            "vendredi 1er janvier 2027"
        );
        assert_eq!(
            date_speech(Language::En, date(2026, 11, 10), today),
            "tomorrow"
        );
        assert_eq!(date_speech(Language::Fr, date(2026, 11, 8), today), "hier");
        assert_eq!(
            date_speech(Language::Fr, date(2027, 1, 4), today),
            "lundi quatre janvier deux mille vingt-sept"
        );
    }

    #[test]
    fn times_are_said_by_each_languages_clock() {
        let t = |h, m| Time::constant(h, m, 0, 0);
        assert_eq!(time_text(Language::En, t(18, 30)), "6:30 pm");
        assert_eq!(time_speech(Language::En, t(18, 30)), "six thirty PM");
        assert_eq!(time_speech(Language::En, t(9, 5)), "nine oh five AM");
        assert_eq!(time_speech(Language::En, t(12, 0)), "noon");
        assert_eq!(time_text(Language::Fr, t(18, 30)), "18 h 30");
        assert_eq!(
            time_speech(Language::Fr, t(18, 30)),
            "dix-huit heures trente"
        );
        assert_eq!(time_speech(Language::Fr, t(21, 0)), "vingt et une heures");
        assert_eq!(time_speech(Language::Fr, t(1, 0)), "une heure");
        assert_eq!(time_speech(Language::Fr, t(12, 0)), "midi");
    }
}
