//! Buying, in two phases: the cart is read back, then a yes to exactly that is waited for.

use super::{
    effect::{Effect, Purchase, ReplyId},
    event::{ReserveRefusal, Reserved, WriteRefusal},
    policy::{Said, Void},
    question::Question,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    watch::standing,
};
use crate::{
    nlu::{
        command::Command,
        slot::{Delivery, Method, Service},
    },
    shop::{
        money::Money,
        order::{Fulfilment, Order, OrderState},
    },
};
use jiff::Timestamp;

/// How often prices may change under one checkout before the shopper is asked again.
const MAX_ROUNDS: u32 = 3;

/// How the shopper wants to receive and to pay.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms {
    pub fulfilment: Option<Fulfilment>,
    pub method: Option<Method>,
    pub service: Option<Service>,
    pub time: Option<String>,
}

/// A checkout under way.
#[derive(Clone, Debug)]
pub(super) struct Checkout {
    /// The stock that is kept for it, once it is.
    pub reserved: Option<Reserved>,
    /// The fingerprint of what was read back.
    pub hash: [u8; 32],
    /// What a yes would buy.
    pub purchase: Option<Box<Purchase>>,
    /// The reply whose end opens the window for the yes.
    pub reply: Option<ReplyId>,
    /// When that reply had been heard to its end.
    pub spoken_at: Option<Timestamp>,
    /// Whether the read-back itself has been heard to its end once.
    pub heard_in_full: bool,
    /// Whether `reply` reads everything back, and not the question alone.
    pub full: bool,
    /// Rounds of reserving, so that changing prices do not go on for ever.
    pub rounds: u32,
    /// Whether the order is being written.
    pub placing: bool,
}

impl Checkout {
    /// Whether a yes would be an answer to it.
    pub fn awaits_yes(&self) -> bool {
        self.purchase.is_some() && !self.placing
    }
}

impl Run<'_> {
    /// The checkout command.
    pub fn checkout(
        &mut self,
        method: Option<Method>,
        delivery: Option<Delivery>,
        service: Option<Service>,
        time: Option<String>,
    ) {
        let terms = &mut self.s.terms;
        if let Some(d) = delivery {
            terms.fulfilment = Some(match d {
                Delivery::Pickup => Fulfilment::Pickup,
                Delivery::Delivery => Fulfilment::Delivery,
            });
        }
        terms.method = method.or(terms.method);
        terms.service = service.or(terms.service);
        terms.time = time.or(terms.time.take());
        self.begin_checkout();
    }

    /// Reserves the cart; the read-back follows when the stock is kept.
    pub fn begin_checkout(&mut self) {
        let rounds = self.s.checkout.as_ref().map_or(0, |c| c.rounds);
        self.give_up_checkout();
        if self.s.cart.lines.is_empty() {
            self.say(Message::new("checkout-empty"));
            return;
        }
        let total = self.s.cart.total();
        if total.minor > self.s.policy.max_total.minor {
            let max = self.s.policy.max_total;
            self.say(Message::new("checkout-too-much").money("max", max));
            return;
        }
        self.s.checkout = Some(Checkout {
            reserved: None,
            hash: [0; 32],
            purchase: None,
            reply: None,
            spoken_at: None,
            heard_in_full: false,
            full: false,
            rounds: rounds + 1,
            placing: false,
        });
        let cart = self.s.cart.clone();
        self.wait(Then::Reserve, |request| Effect::Reserve { request, cart });
    }

    /// Gives an open read-back up: its stock is released and no yes will find it.
    pub fn give_up_checkout(&mut self) {
        if let Some(c) = self.s.checkout.take()
            && let Some(r) = c.reserved
        {
            self.out.push(Effect::Release { order: r.order });
        }
        if self
            .s
            .question
            .as_ref()
            .is_some_and(|q| matches!(q.question, Question::Buy))
        {
            self.s.question = None;
        }
    }

    /// The stock is kept, or something has changed since it was put in the cart.
    pub fn reserved(&mut self, result: Result<Reserved, ReserveRefusal>) {
        let rounds = self.s.checkout.as_ref().map_or(1, |c| c.rounds);
        match result {
            Ok(reserved) => {
                self.settle_terms();
                let purchase = self.purchase(reserved.order);
                let hash = self.s.cart.hash(&terms_text(&purchase, &self.s.terms));
                self.s.checkout = Some(Checkout {
                    reserved: Some(reserved),
                    hash,
                    purchase: Some(Box::new(purchase)),
                    reply: None,
                    spoken_at: None,
                    heard_in_full: false,
                    full: false,
                    rounds,
                    placing: false,
                });
                self.read_back();
            }
            Err(ReserveRefusal::Price { product }) => {
                let price = |cart: &crate::shop::cart::Cart| {
                    let line = cart.lines.iter().find(|l| l.product == product.id);
                    line.map_or(product.price, |l| l.unit_price)
                };
                let before = price(&self.s.cart);
                self.know(&product);
                let now = price(&self.s.cart);
                let changed = now != before;
                if changed && rounds < MAX_ROUNDS {
                    self.say(
                        Message::new("price-changed")
                            .words("title", product.title.clone())
                            .money("before", before)
                            .money("now", now),
                    );
                    self.begin_checkout_again(rounds);
                } else {
                    self.s.checkout = None;
                    self.say(Message::new("checkout-unavailable"));
                }
            }
            Err(ReserveRefusal::Stock { product, left }) => {
                self.s.checkout = None;
                self.s.remember_cart();
                let mut title = String::new();
                let mut room = left;
                for line in self
                    .s
                    .cart
                    .lines
                    .iter_mut()
                    .filter(|l| l.product == product)
                {
                    title.clone_from(&line.title);
                    line.quantity = line.quantity.min(room);
                    room -= line.quantity;
                }
                self.s.cart.lines.retain(|l| l.quantity > 0);
                if let Some(row) = self.s.rows.get_mut(&product) {
                    row.stock = Some(left);
                }
                let key = if left == 0 {
                    "stock-gone"
                } else {
                    "stock-less"
                };
                self.say(Message::new(key).words("title", title).count("left", left));
                self.ask_to_go_on();
            }
            Err(ReserveRefusal::Gone { product }) => {
                self.s.checkout = None;
                self.s.remember_cart();
                let title = self
                    .s
                    .cart
                    .lines
                    .iter()
                    .find(|l| l.product == product)
                    .map(|l| l.title.clone())
                    .unwrap_or_default();
                self.s.cart.lines.retain(|l| l.product != product);
                self.say(
                    Message::new("stock-gone")
                        .words("title", title)
                        .count("left", 0u32),
                );
                self.ask_to_go_on();
            }
            Err(ReserveRefusal::Unavailable) => {
                self.s.checkout = None;
                self.say(Message::new("checkout-unavailable"));
            }
            Err(ReserveRefusal::Offline) => {
                self.s.checkout = None;
                self.say(Message::new("checkout-offline"));
            }
        }
    }

    fn begin_checkout_again(&mut self, rounds: u32) {
        self.s.checkout = None;
        self.begin_checkout();
        if let Some(c) = &mut self.s.checkout {
            c.rounds = rounds + 1;
        }
    }

    fn ask_to_go_on(&mut self) {
        if self.s.cart.lines.is_empty() {
            self.say(Message::new("cart-now-empty"));
        } else {
            self.ask(
                Question::GoOn,
                Message::new("go-on").money("total", self.s.cart.total()),
            );
        }
    }

    /// What was left open is decided: pick-up at the counter, unless asked otherwise.
    fn settle_terms(&mut self) {
        let restricted = self.s.cart.lines.iter().any(|l| l.min_age.is_some());
        let terms = &mut self.s.terms;
        if terms.fulfilment == Some(Fulfilment::Delivery) {
            if self.s.info.delivery.price.is_none() {
                terms.fulfilment = Some(Fulfilment::Pickup);
                self.say(Message::new("no-delivery"));
            } else if restricted && !self.s.info.delivery.age_restricted {
                terms.fulfilment = Some(Fulfilment::Pickup);
                self.say(Message::new("no-delivery-age"));
            }
        }
    }

    fn purchase(&self, order: uuid::Uuid) -> Purchase {
        let fulfilment = self.s.terms.fulfilment.unwrap_or_default();
        let goods = self.s.cart.total();
        let delivery = &self.s.info.delivery;
        let free = delivery.free_from.is_some_and(|from| goods.minor >= from);
        let fee = match fulfilment {
            Fulfilment::Delivery if !free => delivery.price.unwrap_or(0),
            _ => 0,
        };
        let delivery_fee = Money::new(fee, goods.currency);
        // What needs a QR code needs a screen; without one it goes to the counter.
        let method = match (self.s.terms.method, fulfilment, self.s.surface.screen) {
            (Some(Method::Link) | None, Fulfilment::Delivery, true)
            | (Some(Method::Link), Fulfilment::Pickup, true) => Method::Link,
            (Some(m @ (Method::Card | Method::Cash)), ..) => m,
            _ => Method::Counter,
        };
        Purchase {
            order,
            cart: self.s.cart.clone(),
            fulfilment,
            delivery_fee,
            total: goods.plus(delivery_fee),
            method,
            language: self.s.language,
            service: self.s.terms.service,
            wanted_at: self.s.terms.time.clone(),
        }
    }

    /// What was said to the read-back.
    pub fn answer_to_read_back(&mut self, command: &Command, said: &Said) -> Option<usize> {
        match command {
            Command::Affirm {} => self.yes_to_read_back(said),
            Command::Deny {} | Command::Stop {} => {
                self.give_up_checkout();
                self.say(Message::new("checkout-dropped"));
            }
            Command::Repeat {} => self.read_back(),
            _ => return None,
        }
        Some(1)
    }

    fn yes_to_read_back(&mut self, said: &Said) {
        let Some((spoken_at, heard, hash, purchase, until)) =
            self.s.checkout.as_ref().and_then(|c| {
                let until = c.reserved.as_ref()?.until;
                Some((
                    c.spoken_at,
                    c.heard_in_full,
                    c.hash,
                    c.purchase.clone()?,
                    until,
                ))
            })
        else {
            return self.begin_checkout();
        };
        let verdict = self
            .s
            .policy
            // What was not heard cannot be confirmed: the short question again is not enough.
            .confirms(
                said,
                self.s.activation,
                spoken_at.filter(|_| heard),
                purchase.total,
            );
        let changed = self.s.cart.hash(&terms_text(&purchase, &self.s.terms)) != hash;
        match verdict {
            Ok(()) if changed => self.begin_checkout(),
            Ok(()) if self.now.timestamp() >= until => {
                self.say(Message::new("buy-late"));
                self.begin_checkout();
            }
            Ok(()) => {
                if let Some(c) = &mut self.s.checkout {
                    c.placing = true;
                }
                self.wait(Then::Place, |request| Effect::PlaceOrder {
                    request,
                    purchase,
                });
            }
            Err(Void::Late) => {
                self.say(Message::new("buy-late"));
                self.begin_checkout();
            }
            Err(Void::Early) if !heard => {
                self.say(Message::new("buy-early"));
                self.read_back();
            }
            Err(why) => {
                self.say(Message::new(match why {
                    Void::Early => "buy-early",
                    Void::NotPlain => "buy-plain",
                    Void::Doubtful => "buy-doubtful",
                    Void::NoPerson => "buy-no-person",
                    Void::AboveVoice | Void::Late => "buy-above-voice",
                }));
                self.ask_to_buy();
            }
        }
    }

    /// The order is written, or was refused.
    pub fn placed(&mut self, result: Result<Box<Order>, WriteRefusal>) {
        match result {
            Ok(order) => {
                self.s.checkout = None;
                self.s.cart.lines.clear();
                self.s.rows.clear();
                self.s.undo.clear();
                self.s.last_line = None;
                self.s.terms = Terms::default();
                self.say_placed(&order);
                self.s.order = Some((*order).clone());
                self.s.placed.push(*order);
            }
            Err(WriteRefusal::Expired) => {
                self.s.checkout = None;
                self.say(Message::new("buy-late"));
                self.begin_checkout();
            }
            Err(why) => {
                self.give_up_checkout();
                self.say(Message::new(match why {
                    WriteRefusal::NotAllowed => "order-refused",
                    WriteRefusal::Offline => "checkout-offline",
                    _ => "order-not-saved",
                }));
            }
        }
    }

    fn say_placed(&mut self, order: &Order) {
        if order.state == OrderState::Rejected {
            return self.say_rejected(order);
        }
        let state = match standing(order) {
            "saved" => "saved",
            _ => "sent",
        };
        self.say(
            Message::new("order-placed")
                .case("state", state)
                .with("number", Arg::OrderNumber(order.number.0.clone()))
                .money("total", order.total()),
        );
        if order.lines.iter().any(|l| l.held_for_age) {
            self.say(Message::new("order-held"));
        }
        self.say(Message::new("order-pay").case(
            "pays",
            match (order.method, order.fulfilment) {
                (Some(Method::Link), _) if order.payment_link.is_some() => "link",
                (Some(Method::Link), _) => "link-later",
                (_, Fulfilment::Pickup) => "counter",
                (_, Fulfilment::Delivery) => "counter-address",
            },
        ));
        self.show_payment_link(order);
    }
}

/// "18:30" as a time; anything else as it was said.
pub(super) fn time_arg(time: &str) -> Arg {
    let clock = time
        .split_once(':')
        .and_then(|(h, m)| jiff::civil::Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok());
    clock.map_or_else(|| Arg::words(time), Arg::Time)
}

/// The terms as they go into the fingerprint.
fn terms_text(p: &Purchase, terms: &Terms) -> String {
    format!(
        "{:?} {:?} {} {:?}",
        terms, p.fulfilment, p.delivery_fee, p.method
    )
}
