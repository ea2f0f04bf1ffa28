//! The read-back: what would be bought, said in full, and the window for the yes.

use super::{
    checkout::time_arg,
    effect::ReplyId,
    event::Activation,
    question::Question,
    reply::{Arg, Message},
    step::Run,
};
use crate::{
    nlu::slot::{Method, Service},
    shop::{money::Money, order::Fulfilment},
};

impl Run<'_> {
    /// Reads the cart back in full and asks for the yes.
    pub fn read_back(&mut self) {
        let Some(p) = self.s.checkout.as_ref().and_then(|c| c.purchase.clone()) else {
            return;
        };
        let lines = p.cart.lines.iter().map(|l| self.priced_line(l)).collect();
        let tax: Money = p
            .cart
            .lines
            .iter()
            .map(|l| l.total().tax_included(l.tax_rate_bp))
            .fold(Money::new(0, p.total.currency), Money::plus);
        self.say(
            Message::new("read-back")
                .count("pieces", p.cart.pieces())
                .with("list", Arg::All(lines)),
        );
        self.say(
            Message::new("read-back-terms")
                .case(
                    "fulfilment",
                    match p.fulfilment {
                        Fulfilment::Pickup => "pickup",
                        Fulfilment::Delivery => "delivery",
                    },
                )
                .case(
                    "service",
                    match p.service {
                        Some(Service::OnSite) => "on-site",
                        Some(Service::Takeaway) => "takeaway",
                        None => "none",
                    },
                )
                .case(
                    "free",
                    if p.delivery_fee.minor == 0 {
                        "yes"
                    } else {
                        "no"
                    },
                )
                .money("fee", p.delivery_fee)
                .case(
                    "pays",
                    if p.method == Method::Link {
                        "link"
                    } else {
                        "counter"
                    },
                ),
        );
        if let Some(time) = &p.wanted_at {
            self.say(Message::new("read-back-time").with("time", time_arg(time)));
        }
        if let Some(age) = p.cart.lines.iter().filter_map(|l| l.min_age).max() {
            self.say(Message::new("read-back-age").count("age", age));
        }
        self.say(
            Message::new("read-back-total")
                .money("total", p.total)
                .money("tax", tax),
        );
        if let Some(c) = &mut self.s.checkout {
            c.heard_in_full = false;
        }
        self.ask_to_buy();
    }

    /// The question itself: by voice, or only by touch.
    pub fn ask_to_buy(&mut self) {
        let Some(total) = self
            .s
            .checkout
            .as_ref()
            .and_then(|c| c.purchase.as_ref())
            .map(|p| p.total)
        else {
            return;
        };
        let voice = total.minor <= self.s.policy.voice_total.minor
            && self.s.activation != Activation::Sound;
        let by = match (voice, self.s.surface.screen) {
            (true, _) => "voice",
            (false, true) => "touch",
            (false, false) => "counter",
        };
        self.ask(
            Question::Buy,
            Message::new("buy").case("by", by).money("total", total),
        );
    }

    /// After something else was said while a read-back is open.
    pub fn ask_again_to_confirm(&mut self) {
        self.ask_to_buy();
    }

    /// A reply was made that ends with the current question: the window opens when it has been
    /// heard to its end. `full`: the cart and its terms are in it, not the question alone.
    pub fn read_back_said(&mut self, id: ReplyId, full: bool) {
        let buying = self
            .s
            .question
            .as_ref()
            .is_some_and(|q| matches!(q.question, Question::Buy));
        if let (true, Some(c)) = (buying, &mut self.s.checkout) {
            c.reply = Some(id);
            c.full = full;
            c.spoken_at = None;
        }
    }

    /// A reply was heard to its end.
    pub fn heard_to_its_end(&mut self, reply: ReplyId) {
        let now = self.now.timestamp();
        if let Some(c) = &mut self.s.checkout
            && c.reply == Some(reply)
            && c.spoken_at.is_none()
        {
            c.spoken_at = Some(now);
            c.heard_in_full |= c.full;
        }
    }

    /// A reply was cut off. If it was the read-back, it was not heard.
    pub fn cut_off(&mut self, reply: ReplyId) {
        if let Some(c) = &mut self.s.checkout
            && c.reply == Some(reply)
        {
            c.spoken_at = None;
            c.heard_in_full &= !c.full;
        }
    }
}
