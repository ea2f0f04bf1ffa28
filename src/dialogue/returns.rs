//! Sending back and exchanging.

use super::{
    effect::Effect,
    event::WriteRefusal,
    orders::state_word,
    question::Question,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    words,
};
use crate::{nlu::slot::ReturnReason, shop::order::Order};

impl Run<'_> {
    /// Which line goes back, and why, then asks the shop. `exchange_for` is `Some` for an
    /// exchange, empty when nothing particular was named.
    pub fn return_item(
        &mut self,
        order: Order,
        item: Option<String>,
        reason: Option<ReturnReason>,
        exchange_for: Option<String>,
    ) {
        if !order.state.can_return() {
            self.say(
                Message::new("return-not-now")
                    .with("number", Arg::OrderNumber(order.number.0.clone()))
                    .case("state", state_word(order.state)),
            );
            return;
        }
        let titles: Vec<&str> = order.lines.iter().map(|l| l.title.as_str()).collect();
        let chosen = match (&item, &titles[..]) {
            (_, [one]) => Some((*one).to_owned()),
            (Some(item), _) => {
                words::best(item, titles.iter().copied()).map(|i| titles[i].to_owned())
            }
            (None, _) => None,
        };
        match chosen {
            Some(title) => self.return_these(order, vec![title], reason, exchange_for),
            None => {
                let list: Vec<Arg> = titles.iter().map(|t| Arg::words(*t)).collect();
                let message = if self.s.surface.public {
                    self.show(Message::new("order-items").with("list", Arg::All(list)));
                    Message::new("return-which-shown")
                } else {
                    Message::new("return-which").with("list", Arg::Any(list))
                };
                self.ask(
                    Question::WhichItem {
                        order: Box::new(order),
                        reason,
                        exchange_for,
                    },
                    message,
                );
            }
        }
    }

    /// The lines are known; the reason next.
    pub fn return_these(
        &mut self,
        order: Order,
        items: Vec<String>,
        reason: Option<ReturnReason>,
        exchange_for: Option<String>,
    ) {
        if reason.is_some() || exchange_for.is_some() {
            return self.request_return(order, items, reason, exchange_for);
        }
        self.ask(
            Question::Reason {
                order: Box::new(order),
                items,
                exchange_for,
            },
            Message::new("return-why"),
        );
    }

    /// Asks the shop to take it back.
    pub fn request_return(
        &mut self,
        order: Order,
        items: Vec<String>,
        reason: Option<ReturnReason>,
        exchange_for: Option<String>,
    ) {
        let exchange = exchange_for.is_some();
        let id = order.id;
        self.s.order = Some(order);
        let then = Then::Returned {
            reason: reason.unwrap_or(ReturnReason::Other),
            exchange,
        };
        self.wait(then, |request| Effect::RequestReturn {
            request,
            order: id,
            items,
            reason,
            exchange_for: exchange_for.filter(|e| !e.is_empty()),
        });
    }

    /// The shop took the request, or not.
    pub fn returned(
        &mut self,
        result: Result<Option<String>, WriteRefusal>,
        reason: ReturnReason,
        exchange: bool,
    ) {
        match result {
            Ok(reference) => {
                let kind = if exchange { "exchange" } else { "return" };
                self.say(Message::new("return-requested").case("kind", kind));
                if let Some(reference) = reference {
                    self.say(
                        Message::new("reference").with("reference", Arg::OrderNumber(reference)),
                    );
                }
                if matches!(reason, ReturnReason::Damaged | ReturnReason::WrongItem) {
                    self.say(Message::new("return-sorry"));
                }
                let days = self.s.info.returns.refund_days;
                if !exchange && days > 0 {
                    self.say(Message::new("return-refund").count("days", days));
                }
            }
            Err(WriteRefusal::Failed) => self.say(Message::new("write-failed")),
            Err(_) => {
                self.say(Message::new("return-refused").count("days", self.s.info.returns.days));
            }
        }
    }
}

/// The reason in free words.
pub(super) fn reason(text: &str) -> Option<ReturnReason> {
    const CUES: &[(ReturnReason, &[&str])] = &[
        (
            ReturnReason::WrongSize,
            &[
                "size", "small", "big", "large", "tight", "short", "taille", "petit", "petite",
                "grand", "grande", "serre",
            ],
        ),
        (
            ReturnReason::WrongItem,
            &["wrong", "another", "erreur", "mauvais", "trompe", "autre"],
        ),
        (
            ReturnReason::NotAsDescribed,
            &[
                "described",
                "description",
                "picture",
                "photo",
                "decrit",
                "different",
                "expected",
            ],
        ),
        (
            ReturnReason::Damaged,
            &[
                "damaged",
                "broken",
                "defective",
                "faulty",
                "torn",
                "scratched",
                "works",
                "missing",
                "casse",
                "cassee",
                "abime",
                "abimee",
                "defectueux",
                "panne",
                "marche",
                "manque",
                "raye",
            ],
        ),
        (ReturnReason::Late, &["late", "tard", "retard"]),
        (
            ReturnReason::ChangedMind,
            &[
                "mind", "anymore", "like", "need", "avis", "plait", "besoin", "envie",
            ],
        ),
    ];
    let said = words::all_words(text);
    CUES.iter()
        .find(|(_, cues)| said.iter().any(|w| cues.contains(&w.as_str())))
        .map(|(reason, _)| *reason)
}
