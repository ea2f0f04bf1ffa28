//! What may be said about the shop, and the rules it sells by: `shop.toml` and `faq.toml` as
//! plain data. Pure; the files are read elsewhere.

use super::money::{Currency, Money};
use crate::lang::Language;
use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;

/// A text in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Words {
    /// In English.
    #[serde(default)]
    pub en: String,
    /// In French.
    #[serde(default)]
    pub fr: String,
}

impl Words {
    /// In this language; in the other where this one is missing.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        let (first, second) = match language {
            Language::En => (&self.en, &self.fr),
            Language::Fr => (&self.fr, &self.en),
        };
        if first.is_empty() { second } else { first }
    }
}

/// From when to when the shop is open, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Opens.
    pub from: Time,
    /// Closes.
    pub until: Time,
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let bad = || {
            D::Error::custom(format!(
                "expected hours such as 09:00-19:30, found `{text}`"
            ))
        };
        let clock = |t: &str| -> Option<Time> {
            let (h, m) = t.trim().split_once(':')?;
            Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok()
        };
        let (from, until) = text.split_once('-').ok_or_else(bad)?;
        let (from, until) = (clock(from).ok_or_else(bad)?, clock(until).ok_or_else(bad)?);
        if from >= until {
            return Err(bad());
        }
        Ok(Self { from, until })
    }
}

/// A day whose hours differ from those of the week.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Exception {
    /// Each year: "12-25".
    #[serde(default)]
    pub every: Option<String>,
    /// In one year.
    #[serde(default)]
    pub date: Option<Date>,
    /// When it is open; empty is closed.
    pub open: Vec<Span>,
    /// What the day is called.
    #[serde(default)]
    pub name: Words,
}

/// Opening hours, in the shop's time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the days are their own description")]
pub struct Hours {
    #[serde(default)]
    pub monday: Vec<Span>,
    #[serde(default)]
    pub tuesday: Vec<Span>,
    #[serde(default)]
    pub wednesday: Vec<Span>,
    #[serde(default)]
    pub thursday: Vec<Span>,
    #[serde(default)]
    pub friday: Vec<Span>,
    #[serde(default)]
    pub saturday: Vec<Span>,
    #[serde(default)]
    pub sunday: Vec<Span>,
    /// Holidays and other days that differ.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// The hours of a day, and the exception that they come from, if any.
    #[must_use]
    pub fn on(&self, day: Date) -> (&[Span], Option<&Exception>) {
        let yearly = format!("{:02}-{:02}", day.month(), day.day());
        let exception = self
            .exceptions
            .iter()
            .find(|e| e.date == Some(day))
            .or_else(|| {
                self.exceptions
                    .iter()
                    .find(|e| e.every.as_deref() == Some(&yearly))
            });
        if let Some(e) = exception {
            return (&e.open, Some(e));
        }
        let week = match day.weekday() {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        };
        (week, None)
    }
}

/// How goods are brought or fetched. Amounts in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DeliveryTerms {
    /// The price of delivery; `None`: the shop does not deliver.
    pub price: Option<i64>,
    /// From this much of goods on delivery is free.
    pub free_from: Option<i64>,
    /// Working days it takes at least.
    pub min_days: u32,
    /// Working days it takes at most.
    pub max_days: u32,
    /// Minutes until an order can be fetched.
    pub pickup_ready_minutes: u32,
    /// Minutes until something made to order can be fetched.
    pub made_to_order_minutes: u32,
    /// Whether age-restricted goods are delivered.
    pub age_restricted: bool,
}

/// How goods go back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReturnTerms {
    /// Days from delivery.
    pub days: u32,
    /// Days until the refund, at most.
    pub refund_days: u32,
    /// Category prefixes that do not go back.
    pub excluded: Vec<String>,
}

/// Caps of what is sold here. Amounts in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Pieces of one product.
    pub max_quantity_per_line: Option<u32>,
    /// Lines of a cart.
    pub max_lines: Option<usize>,
    /// Total of a cart.
    pub max_cart_total: Option<i64>,
    /// Above it only a touch confirms.
    pub voice_total: Option<i64>,
    /// How long stock is kept from the read-back on.
    pub reserve_minutes: Option<u32>,
}

/// The loyalty programme. Amounts in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Loyalty {
    /// What it is called.
    pub name: Words,
    /// What is said about it.
    pub text: Words,
    /// Points for each major unit of currency.
    pub points_per_euro: u32,
    /// So many points are worth a reward.
    pub reward_points: u32,
    /// What the reward is worth.
    pub reward_amount: i64,
}

/// An offer with a code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Promotion {
    /// What is to be said or typed, upper case.
    pub code: String,
    /// Off the price, percent.
    #[serde(default)]
    pub percent: Option<u32>,
    /// Off the total, minor units.
    #[serde(default)]
    pub amount: Option<i64>,
    /// Only for this prefix of the category path.
    #[serde(default)]
    pub category: Option<String>,
    /// Only from this total on, minor units.
    #[serde(default)]
    pub min_total: Option<i64>,
    /// Only for somebody's first order.
    #[serde(default)]
    pub first_order: bool,
    /// The first day.
    #[serde(default)]
    pub from: Option<Date>,
    /// The last day.
    #[serde(default)]
    pub until: Option<Date>,
    /// What is said about it.
    pub text: Words,
}

impl Promotion {
    /// Whether it runs on this day.
    #[must_use]
    pub fn runs_on(&self, day: Date) -> bool {
        self.from.is_none_or(|f| f <= day) && self.until.is_none_or(|u| day <= u)
    }
}

/// Something that can be booked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// How long it takes, minutes.
    pub minutes: u32,
    /// What it costs, minor units.
    #[serde(default)]
    pub price: i64,
    /// Its name.
    pub name: Words,
    /// What is said about it.
    #[serde(default)]
    pub text: Words,
    /// Other names.
    #[serde(default)]
    pub synonyms: Synonyms,
}

/// Other names, by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the languages are their own description")]
pub struct Synonyms {
    pub en: Vec<String>,
    pub fr: Vec<String>,
}

impl Synonyms {
    /// In this language.
    #[must_use]
    pub fn get(&self, language: Language) -> &[String] {
        match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
        }
    }
}

/// A question and its answer, in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// As it is asked.
    pub question: String,
    /// Other ways to ask.
    pub also: Vec<String>,
    /// As it is answered, spoken as it stands.
    pub answer: String,
}

/// A frequent question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Faq {
    /// Its id.
    pub id: String,
    /// The `store_info` topic it belongs to.
    #[serde(default)]
    pub topic: String,
    /// In English.
    #[serde(default)]
    pub en: Answer,
    /// In French.
    #[serde(default)]
    pub fr: Answer,
}

impl Faq {
    /// In this language.
    #[must_use]
    pub fn get(&self, language: Language) -> &Answer {
        match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
        }
    }
}

/// The shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ShopInfo {
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Its telephone number.
    pub phone: String,
    /// Its e-mail address.
    pub email: String,
    /// Opening hours.
    pub hours: Hours,
    /// What is said on each topic of `store_info`, and as greeting (`greeting`).
    pub texts: BTreeMap<String, Words>,
    /// Delivery.
    pub delivery: DeliveryTerms,
    /// Returns.
    pub returns: ReturnTerms,
    /// Caps.
    pub limits: Limits,
    /// Loyalty.
    pub loyalty: Loyalty,
    /// Offers with codes.
    pub promotions: Vec<Promotion>,
    /// What can be booked.
    pub services: Vec<Service>,
    /// Frequent questions.
    pub faq: Vec<Faq>,
}

/// Why the shop's facts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// `shop.toml` or `faq.toml` is not what it should be.
    #[error("expected the facts of a shop in {file}, found a mistake: {source}")]
    Toml {
        /// Which file.
        file: &'static str,
        /// What is wrong, with its line.
        source: toml::de::Error,
    },
}

impl ShopInfo {
    /// Reads the texts of `shop.toml` and `faq.toml`.
    ///
    /// # Errors
    /// Which file, what and where, when one is not TOML of this shape.
    pub fn from_toml(shop: &str, faq: &str) -> Result<Self, InfoError> {
        #[derive(Deserialize)]
        struct Faqs {
            #[serde(default)]
            faq: Vec<Faq>,
        }
        let toml = |file| move |source| InfoError::Toml { file, source };
        let mut info: Self = toml::from_str(shop).map_err(toml("shop.toml"))?;
        let faqs: Faqs = toml::from_str(faq).map_err(toml("faq.toml"))?;
        info.faq = faqs.faq;
        Ok(info)
    }

    /// An amount in the shop's currency.
    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// The text on a topic.
    #[must_use]
    pub fn text(&self, topic: &str, language: Language) -> Option<&str> {
        self.texts
            .get(topic)
            .map(|w| w.get(language))
            .filter(|t| !t.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::civil::date;

    fn sample() -> ShopInfo {
        ShopInfo::from_toml(
            include_str!("../../assets/shop/shop.toml"),
            include_str!("../../assets/shop/faq.toml"),
        )
        .unwrap()
    }

    #[test]
    fn the_sample_shop_is_read_in_full() {
        let info = sample();
        assert_eq!(info.name, "Le Comptoir");
        assert_eq!(info.delivery.price, Some(490));
        assert!(
            info.text("returns", Language::Fr)
                .unwrap()
                .contains("30 jours")
        );
        assert!(info.faq.len() > 5 && info.faq.iter().all(|f| !f.fr.answer.is_empty()));
        assert!(info.services.iter().all(|s| !s.synonyms.fr.is_empty()));
    }

    #[test]
    fn holidays_go_before_the_week() {
        let info = sample();
        let (friday, none) = info.hours.on(date(2026, 11, 20));
        assert_eq!(friday[0].from, Time::constant(9, 0, 0, 0));
        assert!(none.is_none());
        let (christmas, why) = info.hours.on(date(2026, 12, 25));
        assert!(christmas.is_empty());
        assert_eq!(why.unwrap().name.get(Language::Fr), "Noël");
    }

    #[test]
    fn promotions_run_between_their_days() {
        let info = sample();
        let shoes = info
            .promotions
            .iter()
            .find(|p| p.code == "PASAPAS15")
            .unwrap();
        assert!(shoes.runs_on(date(2026, 11, 20)) && !shoes.runs_on(date(2026, 12, 7)));
    }

    #[test]
    fn a_mistake_in_the_hours_is_named() {
        let error = ShopInfo::from_toml("[hours]\nmonday = [\"9-5\"]", "").unwrap_err();
        assert!(error.to_string().contains("shop.toml"), "{error}");
    }
}
