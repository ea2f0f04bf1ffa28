//! Everything around the shopping: help, repeat, stop, languages, people, privacy.

use super::{
    effect::{Effect, ReplyId},
    event::WriteRefusal,
    question::Question,
    reply::Message,
    step::Run,
    then::Then,
};
use crate::{
    lang::Language,
    nlu::{
        command::Command,
        slot::{PrivacyAction, Rate, Score, Volume},
    },
    shop::search::SearchQuery,
};

/// How long the story for staff may be, characters.
const STORY_CHARS: usize = 4_000;

/// Whether a command says nothing about the question that is open: it stays open.
pub(super) fn leaves_question(command: &Command) -> bool {
    matches!(
        command,
        Command::Repeat {}
            | Command::Speech { .. }
            | Command::Thank {}
            | Command::Greet {}
            | Command::Help {}
            | Command::ChangeLanguage { .. }
    )
}

impl Run<'_> {
    /// What can be said here, depending on where one is.
    pub fn help(&mut self) {
        let key = if self.s.checkout.as_ref().is_some_and(|c| c.awaits_yes()) {
            "help-buying"
        } else if self.s.question.as_ref().is_some_and(|q| q.question.holds()) {
            "help-question"
        } else if !self.s.cart.lines.is_empty() {
            "help-cart"
        } else if !self.s.shown.window().is_empty() {
            "help-results"
        } else {
            "help"
        };
        self.say(Message::new(key));
        if let Some(q) = &mut self.s.question {
            q.said = false;
        }
    }

    /// Says the last reply again.
    pub fn repeat(&mut self) {
        if self
            .s
            .question
            .as_ref()
            .is_some_and(|q| matches!(q.question, Question::Buy))
        {
            return self.read_back();
        }
        let Some(mut reply) = self.s.last_reply.clone() else {
            self.say(Message::new("nothing-to-repeat"));
            return;
        };
        self.s.replies += 1;
        reply.id = ReplyId(self.s.replies);
        self.s.last_reply = Some(reply.clone());
        self.out.push(Effect::Say(reply));
    }

    /// Louder, softer, slower, faster. What was too fast is said again.
    pub fn adjust_speech(&mut self, volume: Option<Volume>, rate: Option<Rate>) {
        self.out.push(Effect::AdjustSpeech {
            volume: match volume {
                Some(Volume::Up) => 1,
                Some(Volume::Down) => -1,
                None => 0,
            },
            rate: match rate {
                Some(Rate::Faster) => 1,
                Some(Rate::Slower) => -1,
                None => 0,
            },
        });
        let repeated = self
            .s
            .turn
            .queue
            .iter()
            .any(|q| matches!(q.command, Command::Repeat {}));
        if !repeated && self.s.last_reply.is_some() {
            self.repeat();
        }
    }

    /// Out of scope: said once, then only what can be done.
    pub fn out_of_scope(&mut self) {
        let words = self.s.asked.back().cloned().unwrap_or_default();
        if let Some(answer) = self.faq(&words, true) {
            self.say(Message::new("as-written").words("text", answer));
            return;
        }
        let key = if self.s.said_scope {
            "out-of-scope-again"
        } else {
            "out-of-scope"
        };
        self.s.said_scope = true;
        self.say(Message::new(key));
    }

    /// Goodbye: the session is wiped.
    pub fn goodbye(&mut self) {
        self.give_up_checkout();
        let key = if self.s.placed.is_empty() {
            "goodbye"
        } else {
            "goodbye-bought"
        };
        self.say(Message::new(key));
        self.end();
    }

    /// Says what there is to say, then ends the session and wipes it.
    fn end(&mut self) {
        self.s.question = None;
        self.s.later.clear();
        self.s.turn.queue.clear();
        self.finish();
        self.s.wipe();
        self.out.push(Effect::EndSession);
    }

    /// Personal data.
    pub fn privacy(&mut self, action: Option<PrivacyAction>) {
        match action {
            Some(PrivacyAction::ForgetMe) => {
                self.give_up_checkout();
                self.say(Message::new("privacy-forgotten"));
                self.end();
            }
            Some(PrivacyAction::Export) => {
                self.ticket("privacy", "Asks for a copy of their data.".to_owned())
            }
            Some(PrivacyAction::Consent) => self.say(Message::new("privacy-consent")),
            Some(PrivacyAction::Refuse) => self.say(Message::new("privacy-refuse")),
            Some(PrivacyAction::Explain) | None => self.say(Message::new("privacy-explain")),
        }
    }

    /// Another language, if it is spoken here.
    pub fn change_language(&mut self, wanted: Option<String>) {
        let wanted = wanted.as_deref().map(str::trim).unwrap_or_default();
        let language =
            wanted
                .parse::<Language>()
                .ok()
                .or_else(|| match super::words::fold(wanted).as_str() {
                    "english" | "anglais" => Some(Language::En),
                    "french" | "francais" => Some(Language::Fr),
                    _ => None,
                });
        match language {
            Some(language) => {
                self.set_language(language);
                self.say(Message::new("language-changed"));
            }
            None => self.say(Message::new("language-unknown")),
        }
        if let Some(q) = &mut self.s.question {
            q.said = false;
        }
    }

    /// Speaks this language from now on. A read-back in another language no longer holds.
    pub fn set_language(&mut self, language: Language) {
        if language == self.s.language {
            return;
        }
        self.s.language = language;
        self.s.retitle = !self.s.cart.lines.is_empty();
        self.out.push(Effect::SetLanguage(language));
    }

    /// Looks up the names of the cart's lines in the new language.
    pub fn retitle(&mut self) {
        self.s.retitle = false;
        if self.s.cart.lines.is_empty() {
            return;
        }
        let query = SearchQuery {
            among: self
                .s
                .cart
                .lines
                .iter()
                .map(|l| l.product.clone())
                .collect(),
            ..SearchQuery::words(self.s.language, "", 100)
        };
        self.wait(Then::Retitle, |request| Effect::Search { request, query });
    }

    /// The names of the cart's lines in the new language.
    pub fn retitled(&mut self, found: crate::shop::search::Found) {
        for hit in found.hits {
            let p = hit.product;
            let before = self.s.rows.get(&p.id).cloned();
            for line in self.s.cart.lines.iter_mut().filter(|l| l.product == p.id) {
                line.title = super::add::shown_name(&p);
                // Choices stand at the same place of the same group in every language.
                if let Some(before) = &before {
                    for name in &mut line.options {
                        let place = before.options.iter().enumerate().find_map(|(g, group)| {
                            Some((g, group.choices.iter().position(|c| c.name == *name)?))
                        });
                        if let Some((g, c)) = place
                            && let Some(choice) = p.options.get(g).and_then(|g| g.choices.get(c))
                        {
                            name.clone_from(&choice.name);
                        }
                    }
                }
            }
            if before.is_some() {
                self.know(&p);
            }
        }
    }

    /// Praise or complaint.
    pub fn feedback(&mut self, score: Option<Score>, comment: Option<String>) {
        let said = comment
            .or_else(|| self.s.asked.back().cloned())
            .unwrap_or_default();
        let score = score.map(Score::get);
        self.say(Message::new(match score {
            Some(4..) => "feedback-good",
            Some(..=2) => "feedback-bad",
            _ => "feedback-thanks",
        }));
        let stars = score.map_or("no score".to_owned(), |n| format!("{n} of 5"));
        self.ticket("feedback", format!("Feedback ({stars}): {said}"));
    }

    /// Leaves word for the staff.
    pub fn ticket(&mut self, kind: &'static str, about: String) {
        let story = self.story(&about);
        self.wait(Then::Ticket { kind }, |request| Effect::OpenTicket {
            request,
            kind: kind.to_owned(),
            story,
        });
    }

    /// What staff should know: what was asked, the cart, the orders.
    fn story(&self, about: &str) -> String {
        let mut story = format!("{about}\nLanguage: {}.", self.s.language);
        if !self.s.asked.is_empty() {
            story.push_str("\nSaid:");
            for words in &self.s.asked {
                story.push_str("\n- ");
                story.push_str(words);
            }
        }
        if !self.s.cart.lines.is_empty() {
            story.push_str("\nCart:");
            for l in &self.s.cart.lines {
                let options = if l.options.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", l.options.join(", "))
                };
                story.push_str(&format!(
                    "\n- {} x {}{options}, {}",
                    l.quantity,
                    l.title,
                    l.total()
                ));
            }
            story.push_str(&format!("\nTotal {}", self.s.cart.total()));
        }
        for o in self.s.placed.iter().chain(&self.s.order) {
            let line = format!("\nOrder {}: {:?}, {}", o.number.0, o.state, o.total());
            if !story.contains(&line) {
                story.push_str(&line);
            }
        }
        if story.chars().count() > STORY_CHARS {
            story = story.chars().take(STORY_CHARS).collect();
        }
        story
    }

    /// The staff was told, or could not be.
    pub fn ticket_opened(
        &mut self,
        result: Result<Option<String>, WriteRefusal>,
        kind: &'static str,
    ) {
        let Ok(reference) = result else {
            self.say(Message::new("ticket-failed"));
            return;
        };
        match kind {
            // The thanks were said already.
            "feedback" => return,
            "payment" => self.say(Message::new("ticket-payment")),
            "notify" => self.say(Message::new("ticket-notify")),
            "appointment" => self.say(Message::new("ticket-appointment")),
            "privacy" => self.say(Message::new("ticket-privacy")),
            _ => self.say(Message::new("ticket-human")),
        }
        if let Some(reference) = reference {
            self.say(
                Message::new("reference")
                    .with("reference", super::reply::Arg::OrderNumber(reference)),
            );
        }
    }
}
