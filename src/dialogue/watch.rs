//! What became of an order: whether the shop has it, takes it, and where it can be paid.

use super::{
    details::with_stop,
    event::OrdersFound,
    orders::state_word,
    reply::{Arg, Message},
    step::Run,
};
use crate::shop::order::{Order, OrderState, PaymentState};

/// At most so many characters of what the shop says of an order are passed on.
const NOTE: usize = 200;

impl Run<'_> {
    /// The shop does not take the order, and why, where it says.
    pub fn say_rejected(&mut self, order: &Order) {
        self.say(
            Message::new("order-state")
                .case("state", "rejected")
                .with("number", Arg::OrderNumber(order.number.0.clone())),
        );
        let note = order
            .events
            .iter()
            .rev()
            .find(|e| e.state == OrderState::Rejected)
            .and_then(|e| e.note.clone());
        if let Some(note) = note {
            let note: String = note.chars().take(NOTE).collect();
            self.say(Message::new("order-note").words("note", with_stop(&note)));
        }
    }

    /// Where an order can still be paid: for the eyes.
    pub fn show_payment_link(&mut self, order: &Order) {
        let open = matches!(
            order.payment,
            PaymentState::Unpaid | PaymentState::Pending | PaymentState::Failed
        );
        if let (true, Some((url, until))) = (open, &order.payment_link)
            && self.now.timestamp() < *until
        {
            self.show(Message::new("order-pay-here").words("url", url.clone()));
        }
    }

    /// Whether an order of this session has to be asked after, and which: staff and shopper
    /// have to know while the shopper is still here.
    pub fn to_watch(&self) -> Option<uuid::Uuid> {
        let now = self.now.timestamp();
        let rested = self
            .s
            .watched_at
            .is_none_or(|at| now.duration_since(at) >= self.s.policy.watch || now < at);
        let order = self
            .s
            .placed
            .iter()
            .rev()
            .find(|o| matches!(o.state, OrderState::Received | OrderState::Accepted))?;
        rested.then_some(order.id)
    }

    /// An order of this session was looked at again.
    pub fn watched(&mut self, found: OrdersFound) {
        let OrdersFound::Known { list } = found else {
            return;
        };
        for order in list {
            let Some(own) = self.s.placed.iter_mut().find(|o| o.id == order.id) else {
                continue;
            };
            let before = own.state;
            *own = order.clone();
            if order.state == OrderState::Rejected && before != OrderState::Rejected {
                self.say_rejected(&order);
                self.s.order = Some(order);
            }
        }
    }
}

/// Where an order stands, as the messages name it: `saved` until the shop has it.
pub(super) fn standing(order: &Order) -> &'static str {
    match (order.state, order.acknowledged_at) {
        (OrderState::Received, None) => "saved",
        (state, _) => state_word(state),
    }
}
