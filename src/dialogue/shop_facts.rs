//! Questions about the shop: hours, policies, promotions, loyalty, appointments.

use super::{
    details::with_stop,
    effect::Effect,
    reply::{Arg, Message, verbalise::date::weekday},
    search::{AT_ONCE, Shown, one_a_group, result},
    step::Run,
    then::Then,
    words,
};
use crate::{
    lang::Language,
    nlu::slot::{LoyaltyAction, Topic},
    shop::{
        info::Span,
        search::{Found, SearchQuery},
    },
};
use jiff::{ToSpan, civil::Date, civil::Weekday};

/// How many words of a frequent question must have been said.
const FAQ_LIKE: f32 = 0.75;

impl Run<'_> {
    /// Answers about the shop.
    pub fn store_info(&mut self, topic: Option<Topic>) {
        let said = self.s.asked.back().cloned().unwrap_or_default();
        // A frequent question is closer to what was asked than the text on its topic.
        if topic != Some(Topic::Hours)
            && let Some(answer) = self.faq(&said, !matches!(topic, None | Some(Topic::Other)))
        {
            self.say(Message::new("as-written").words("text", with_stop(&answer)));
            return;
        }
        let topic = match topic {
            Some(Topic::Hours) => return self.hours(&said),
            Some(topic) => topic.word(),
            None => "contact",
        };
        match self.s.info.text(topic, self.s.language).map(str::to_owned) {
            Some(text) => {
                self.say(Message::new("as-written").words("text", with_stop(&text)));
                if topic == "contact" && !self.s.info.phone.is_empty() {
                    let phone = self.s.info.phone.clone();
                    self.show(Message::new("contact-phone").words("phone", phone));
                }
            }
            None => self.say(Message::new("info-unknown")),
        }
    }

    /// The frequent question that was asked, if one was. `strict`: every word of one of its
    /// forms was said.
    pub fn faq(&self, said: &str, strict: bool) -> Option<String> {
        let language = self.s.language;
        let least = if strict { 1.0 } else { FAQ_LIKE };
        self.s
            .info
            .faq
            .iter()
            .filter_map(|f| {
                let f = f.get(language);
                let best = f
                    .also
                    .iter()
                    .chain(std::iter::once(&f.question))
                    .filter(|form| tells(form, said))
                    .map(|form| (words::likeness(form, said), words::name_words(form).len()))
                    .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
                (best.0 >= least && !f.answer.is_empty()).then_some((best, &f.answer))
            })
            .max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, answer)| answer.clone())
    }

    /// The hours of today against the clock, or of the day that was named.
    fn hours(&mut self, said: &str) {
        let today = self.now.date();
        let day = self.named_day(said, today);
        let (spans, why) = self.s.info.hours.on(day);
        let spans = spans.to_vec();
        let why = why
            .map(|e| e.name.get(self.s.language).to_owned())
            .filter(|n| !n.is_empty());
        if day != today {
            self.hours_of(day, today, &spans, why);
            return;
        }
        let time = self.now.time();
        let open = spans.iter().find(|s| s.from <= time && time < s.until);
        let later = spans.iter().find(|s| time < s.from);
        match (open, later) {
            (Some(s), _) => self.say(Message::new("open-now").with("until", Arg::Time(s.until))),
            (None, Some(s)) => self.say(
                Message::new("opens-later")
                    .with("from", Arg::Time(s.from))
                    .with("until", Arg::Time(s.until)),
            ),
            (None, None) => {
                let closed = Message::new("closed-today")
                    .case("had", if spans.is_empty() { "none" } else { "over" });
                self.say(match why {
                    Some(name) => closed.case("named", "yes").words("name", name),
                    None => closed.case("named", "no").words("name", ""),
                });
                if let Some((day, span)) = self.next_open(today) {
                    self.say(
                        Message::new("opens-again")
                            .with("day", Arg::Day(day, today))
                            .with("from", Arg::Time(span.from))
                            .with("until", Arg::Time(span.until)),
                    );
                }
            }
        }
    }

    fn hours_of(&mut self, day: Date, today: Date, spans: &[Span], why: Option<String>) {
        let day = Arg::Day(day, today);
        if spans.is_empty() {
            let closed = Message::new("closed-on").with("day", day);
            self.say(match why {
                Some(name) => closed.case("named", "yes").words("name", name),
                None => closed.case("named", "no").words("name", ""),
            });
            return;
        }
        let list = spans
            .iter()
            .map(|s| {
                Arg::Part(
                    Message::new("span")
                        .with("from", Arg::Time(s.from))
                        .with("until", Arg::Time(s.until)),
                )
            })
            .collect();
        self.say(
            Message::new("open-on")
                .with("day", day)
                .with("list", Arg::All(list)),
        );
    }

    fn next_open(&self, today: Date) -> Option<(Date, Span)> {
        (1..=14).find_map(|n| {
            let day = today.checked_add(n.days()).ok()?;
            Some((day, *self.s.info.hours.on(day).0.first()?))
        })
    }

    /// The day that the words name: a weekday, tomorrow, a holiday; else today.
    fn named_day(&self, said: &str, today: Date) -> Date {
        let heard = words::all_words(said);
        let has = |w: &str| {
            heard
                .iter()
                .any(|h| h == w || h.strip_suffix('s') == Some(w))
        };
        if has("tomorrow") || has("demain") {
            return today.tomorrow().unwrap_or(today);
        }
        for ahead in 0..7 {
            let Ok(day) = today.checked_add(ahead.days()) else {
                continue;
            };
            let w: Weekday = day.weekday();
            let named = Language::ALL
                .iter()
                .any(|l| has(&words::fold(weekday(*l, w))));
            if named {
                return day;
            }
        }
        for ahead in 0..366 {
            let Ok(day) = today.checked_add(ahead.days()) else {
                continue;
            };
            if let (_, Some(e)) = self.s.info.hours.on(day) {
                let named = Language::ALL
                    .iter()
                    .any(|l| words::names(e.name.get(*l), said));
                if named {
                    return day;
                }
            }
        }
        today
    }

    /// Offers and codes.
    pub fn promotions(&mut self, about: Option<String>, code: Option<String>) {
        let today = self.now.date();
        let language = self.s.language;
        if let Some(code) = code {
            let code: String = code.chars().filter(|c| c.is_alphanumeric()).collect();
            let found = self
                .s
                .info
                .promotions
                .iter()
                .find(|p| p.code.eq_ignore_ascii_case(&code))
                .cloned();
            match found {
                Some(p) if p.runs_on(today) => {
                    let text = with_stop(p.text.get(language));
                    self.say(Message::new("code-good").words("text", text));
                }
                Some(_) => self.say(Message::new("code-over")),
                None => self.say(Message::new("code-unknown").words("code", code)),
            }
            return;
        }
        let running: Vec<String> = self
            .s
            .info
            .promotions
            .iter()
            .filter(|p| p.runs_on(today))
            .map(|p| p.text.get(language).to_owned())
            .filter(|text| {
                about
                    .as_deref()
                    .is_none_or(|a| words::likeness(a, text) >= 0.5)
            })
            .take(2)
            .collect();
        for text in &running {
            self.say(Message::new("as-written").words("text", with_stop(text)));
        }
        let query = SearchQuery {
            promoted_only: true,
            ..SearchQuery::words(language, about.clone().unwrap_or_default(), 10)
        };
        self.wait(Then::Promotions { about }, |request| Effect::Search {
            request,
            query,
        });
    }

    /// The products on offer.
    pub fn promotions_found(&mut self, found: Found, about: Option<String>) {
        let products = one_a_group(found.hits);
        if products.is_empty() {
            if self.s.turn.parts.is_empty() {
                self.say(match about {
                    Some(a) => Message::new("no-promotions-on").words("query", a),
                    None => Message::new("no-promotions"),
                });
            }
            return;
        }
        let list = products
            .iter()
            .take(AT_ONCE)
            .enumerate()
            .map(|(i, p)| Arg::Part(result(i, p)))
            .collect();
        self.say(Message::new("promoted").with("list", Arg::All(list)));
        self.s.shown = Shown {
            query: None,
            products,
            at: 0,
            matched: None,
        };
    }

    /// The loyalty programme. Balances need the card, at the counter.
    pub fn loyalty(&mut self, action: Option<LoyaltyAction>) {
        let text = self.s.info.loyalty.text.get(self.s.language).to_owned();
        if text.is_empty() {
            self.say(Message::new("loyalty-none"));
            return;
        }
        match action {
            Some(LoyaltyAction::Balance) => {
                // Points are for their owner: proven, and where nobody else hears or reads them.
                let unseen = !self.s.surface.public || self.s.surface.screen;
                match self.s.proven.clone().filter(|_| unseen) {
                    Some(number) => self.wait(Then::Points, |request| Effect::FindPoints {
                        request,
                        number,
                    }),
                    None => self.say(Message::new("loyalty-balance")),
                }
            }
            Some(LoyaltyAction::Join) => {
                self.say(Message::new("as-written").words("text", with_stop(&text)));
                self.say(Message::new("loyalty-join"));
            }
            Some(LoyaltyAction::Rewards) | None => {
                self.say(Message::new("as-written").words("text", with_stop(&text)));
            }
        }
    }

    /// How many points there are: where others may hear, it is shown and not said.
    pub fn points_found(&mut self, points: Option<i64>) {
        let Some(points) = points.and_then(|p| u64::try_from(p).ok()) else {
            self.say(Message::new("loyalty-balance"));
            return;
        };
        let message = Message::new("loyalty-points").count("points", points);
        if self.s.surface.public {
            self.say(Message::new("history-shown"));
            self.show(message);
        } else {
            self.say(message);
        }
    }

    /// Appointments are made by people: what is wished is passed on.
    pub fn appointment(&mut self, service: Option<String>, when: &[Option<String>], verb: &str) {
        let language = self.s.language;
        let services = &self.s.info.services;
        let known = service.as_ref().and_then(|said| {
            services.iter().find(|s| {
                words::names(said, s.name.get(language))
                    || s.synonyms
                        .get(language)
                        .iter()
                        .any(|n| words::names(said, n) || words::names(n, said))
            })
        });
        if let Some(s) = known {
            let text = s.text.get(language);
            if !text.is_empty() {
                let text = with_stop(text);
                self.say(Message::new("as-written").words("text", text));
            }
        }
        let when: Vec<&str> = when.iter().flatten().map(String::as_str).collect();
        let service = service.unwrap_or_default();
        self.ticket(
            "appointment",
            format!("{verb} appointment: {service} {}", when.join(" ")),
        );
    }
}
/// Whether a form of a question tells it from others: by two words at least, or said in full.
/// Of "quelle taille" only the first is a word that names, and it opens any question.
fn tells(form: &str, said: &str) -> bool {
    match words::name_words(form).len() {
        0 => false,
        1 => {
            let said = words::all_words(said);
            words::all_words(form)
                .iter()
                .all(|w| said.iter().any(|s| words::same_word(w, s)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::tells;

    #[test]
    fn one_word_of_a_form_is_not_the_question() {
        assert!(!tells(
            "quelle taille",
            "Quelles sont vos conditions de retour ?"
        ));
        assert!(tells("quelle taille", "Je fais quelle taille ?"));
        assert!(tells("dog", "May my dog come in?"));
        assert!(tells("guide des tailles", "Avez-vous un guide ?"));
    }
}
