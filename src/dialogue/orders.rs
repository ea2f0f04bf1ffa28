//! Orders that were placed: whose they are, where they stand, cancelling, history, reorder.

use super::{
    effect::{Effect, OrderLookup, SecondFact},
    event::{OrdersFound, Utterance, WriteRefusal},
    policy::{Said, Void},
    question::Question,
    reply::{Arg, Message},
    state::Asked,
    step::Run,
    then::Then,
    watch::standing,
    words,
};
use crate::{
    nlu::{
        command::Command,
        slot::{PaymentProblem, ReturnReason},
    },
    shop::order::{Order, OrderNumber, OrderState, PaymentState},
};

/// How often a wrong number is asked again.
const TRIES: u32 = 2;

/// What is wanted of an order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Want {
    Track,
    History,
    Reorder,
    Cancel,
    Return { reason: Option<ReturnReason> },
    Exchange { exchange_for: Option<String> },
    Payment { problem: Option<PaymentProblem> },
    Notify,
}

/// A command about an order, while the order is being found.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub want: Want,
    pub number: Option<OrderNumber>,
    pub item: Option<String>,
    /// Whether the look-up under way proves who the shopper is.
    pub proves: bool,
    /// Whether a second fact was already asked for.
    pub asked_fact: bool,
}

impl Task {
    pub fn new(want: Want, number: Option<String>, item: Option<String>) -> Self {
        let number = number
            .map(|n| {
                n.chars()
                    .filter(|c| c.is_alphanumeric())
                    .collect::<String>()
                    .to_uppercase()
            })
            .filter(|n| !n.is_empty())
            .map(OrderNumber);
        Self {
            want,
            number,
            item: item.filter(|i| !words::points(i)),
            proves: false,
            asked_fact: false,
        }
    }

    /// The intent that it completes.
    pub fn intent(&self) -> &'static str {
        match self.want {
            Want::Track => "track_order",
            Want::History => "order_history",
            Want::Reorder => "reorder",
            Want::Cancel => "cancel_order",
            Want::Return { .. } => "return_item",
            Want::Exchange { .. } => "exchange_item",
            Want::Payment { .. } => "payment_problem",
            Want::Notify => "notify_me",
        }
    }
}

impl Run<'_> {
    /// Finds the order, by what proof there is, or asks for it.
    pub fn order_task(&mut self, mut task: Task) {
        // What was placed in this session needs no further proof.
        let own = self
            .s
            .placed
            .iter()
            .rev()
            .find(|o| match (&task.number, &task.item) {
                (Some(n), _) => o.number == *n,
                (None, Some(item)) => o.lines.iter().any(|l| words::names(item, &l.title)),
                (None, None) => true,
            });
        if let Some(own) = own {
            let lookup = OrderLookup::OwnSession { order: own.id };
            return self.look_up(task, lookup);
        }
        // Nor does the proven customer's.
        if let Some(number) = self.s.proven.clone() {
            return self.look_up(task, OrderLookup::SameCustomer { number });
        }
        match task.number.clone() {
            Some(number) => {
                task.proves = true;
                self.look_up(
                    task,
                    OrderLookup::Number {
                        number,
                        second: None,
                    },
                );
            }
            None => self.ask(
                Question::Number {
                    task: Box::new(task),
                    tries: 0,
                },
                Message::new("which-number"),
            ),
        }
    }

    fn look_up(&mut self, task: Task, lookup: OrderLookup) {
        self.wait(Then::Orders(Box::new(task)), |request| Effect::FindOrders {
            request,
            lookup,
        });
    }

    /// The order number was asked for: is this one?
    pub fn answer_number(&mut self, task: &Task, tries: u32, u: &Utterance) -> Option<usize> {
        let slot = u.commands.first().and_then(|c| match c {
            Command::TrackOrder { order_number, .. }
            | Command::Reorder { order_number, .. }
            | Command::CancelOrder { order_number, .. }
            | Command::ReturnItem { order_number, .. }
            | Command::ExchangeItem { order_number, .. }
            | Command::PaymentProblem { order_number, .. }
            | Command::NotifyMe { order_number, .. } => order_number.clone(),
            _ => None,
        });
        let unnamed = matches!(
            u.commands.first(),
            None | Some(
                Command::OutOfScope {}
                    | Command::Select { .. }
                    | Command::SearchProduct { .. }
                    | Command::SetQuantity { .. }
                    | Command::TrackOrder {
                        order_number: None,
                        ..
                    }
            )
        );
        let number = slot.or_else(|| unnamed.then(|| words::code(&u.text)).flatten());
        match number {
            Some(n) => {
                let mut task = Task::new(task.want.clone(), Some(n), task.item.clone());
                task.proves = true;
                let number = task.number.clone()?;
                self.look_up(
                    task,
                    OrderLookup::Number {
                        number,
                        second: None,
                    },
                );
                Some(1)
            }
            None if unnamed && tries < TRIES => {
                self.ask(
                    Question::Number {
                        task: Box::new(task.clone()),
                        tries: tries + 1,
                    },
                    Message::new("which-number-again"),
                );
                Some(1)
            }
            None => None,
        }
    }

    /// The post code was asked for: is this one?
    pub fn answer_second_fact(
        &mut self,
        number: &OrderNumber,
        task: &Task,
        u: &Utterance,
    ) -> Option<usize> {
        // Post codes are in no slot of the command language: the words themselves are read,
        // unless they were surely something else.
        let slot = u.commands.first().and_then(|c| match c {
            Command::TrackOrder { order_number, .. } => order_number.clone(),
            _ => None,
        });
        let code = words::code(&u.text).or(slot)?;
        let second = Some(SecondFact::PostCode(code));
        let number = number.clone();
        self.look_up(task.clone(), OrderLookup::Number { number, second });
        Some(1)
    }

    /// A PIN was typed on the screen.
    pub fn typed(&mut self, pin: String) {
        let Some(Asked {
            question: Question::SecondFact { number, task },
            ..
        }) = &self.s.question
        else {
            return;
        };
        let (number, task) = (number.clone(), (**task).clone());
        self.s.question = None;
        let second = Some(SecondFact::Pin(pin));
        self.look_up(task, OrderLookup::Number { number, second });
    }

    /// What the look-up gave.
    pub fn orders_found(&mut self, found: OrdersFound, mut task: Task) {
        match found {
            OrdersFound::Known { list } => {
                if task.proves
                    && let Some(first) = list.first()
                {
                    let number = task.number.clone().unwrap_or_else(|| first.number.clone());
                    self.s.proven = Some(number.clone());
                    if task.want == Want::History {
                        // One order proves who it is; the history is about all of them.
                        task.proves = false;
                        return self.look_up(task, OrderLookup::SameCustomer { number });
                    }
                }
                self.with_orders(list, task);
            }
            OrdersFound::NotFound => {
                self.say(Message::new("order-not-found"));
                task.proves = false;
                task.number = None;
                self.ask(
                    Question::Number {
                        task: Box::new(task),
                        tries: TRIES,
                    },
                    Message::new("which-number"),
                );
            }
            OrdersFound::Unavailable => self.say(Message::new("orders-down")),
            OrdersFound::Locked { until } => {
                let left = until.duration_since(self.now.timestamp()).as_secs();
                let minutes = (left.max(0) as u64).div_ceil(60).max(1);
                self.say(Message::new("orders-locked").count("minutes", minutes));
            }
            OrdersFound::NeedsSecondFact { number } => {
                task.asked_fact = true;
                let message = Message::new("which-postcode")
                    .case("screen", if self.s.surface.screen { "yes" } else { "no" });
                self.ask(
                    Question::SecondFact {
                        number,
                        task: Box::new(task),
                    },
                    message,
                );
            }
        }
    }

    fn with_orders(&mut self, list: Vec<Order>, task: Task) {
        if list.is_empty() {
            self.say(Message::new("no-orders"));
            return;
        }
        if task.want == Want::History {
            return self.say_history(&list, task.item.as_deref());
        }
        let by_item = |o: &&Order| {
            task.item
                .as_ref()
                .is_some_and(|i| o.lines.iter().any(|l| words::likeness(i, &l.title) >= 0.5))
        };
        let order = match &task.number {
            Some(n) => match list.iter().find(|o| o.number == *n) {
                Some(o) => Some(o),
                None => {
                    // A number that is not this customer's needs its own proof.
                    let mut task = task.clone();
                    task.proves = true;
                    let lookup = OrderLookup::Number {
                        number: n.clone(),
                        second: None,
                    };
                    return self.look_up(task, lookup);
                }
            },
            None => list.iter().find(by_item).or_else(|| list.first()),
        };
        let Some(order) = order.cloned() else { return };
        self.s.order = Some(order.clone());
        match task.want {
            Want::Track => self.say_state(&order),
            Want::History => {}
            Want::Reorder => self.reorder(&order, task.item.as_deref()),
            Want::Cancel => self.cancel(order),
            Want::Return { reason } => self.return_item(order, task.item, reason, None),
            Want::Exchange { exchange_for } => {
                self.return_item(
                    order,
                    task.item,
                    None,
                    Some(exchange_for.unwrap_or_default()),
                );
            }
            Want::Payment { problem } => self.payment(&order, problem),
            Want::Notify => {
                self.ticket(
                    "notify",
                    format!("Wants to hear when order {} moves.", order.number.0),
                );
            }
        }
    }

    /// Where an order stands, in words.
    fn say_state(&mut self, order: &Order) {
        if order.state == OrderState::Rejected {
            self.say_rejected(order);
            return self.say_titles(order);
        }
        let today = self.now.date();
        let number = Arg::OrderNumber(order.number.0.clone());
        self.say(
            Message::new("order-state")
                .case("state", standing(order))
                .with("number", number),
        );
        let moving = matches!(
            order.state,
            OrderState::Accepted
                | OrderState::Preparing
                | OrderState::Shipped
                | OrderState::OutForDelivery
                | OrderState::Delayed
                | OrderState::Received
        );
        if let (true, Some(day)) = (moving, order.promised) {
            self.say(Message::new("order-promised").with("day", Arg::Day(day, today)));
        }
        if let (
            OrderState::Shipped | OrderState::OutForDelivery | OrderState::Delayed,
            Some((name, code)),
        ) = (order.state, &order.carrier)
        {
            self.say(Message::new("order-carrier").words("carrier", name.clone()));
            self.show(Message::new("order-tracking").words("code", code.clone()));
        }
        if order.lines.iter().any(|l| l.held_for_age)
            && matches!(
                order.state,
                OrderState::ReadyForPickup | OrderState::Received
            )
        {
            self.say(Message::new("order-held"));
        }
        self.show_payment_link(order);
        self.say_titles(order);
    }

    /// What is in an order: where others may hear, it is shown and not said.
    pub fn say_titles(&mut self, order: &Order) {
        let lines = order
            .lines
            .iter()
            .map(|l| {
                let with = if l.options.is_empty() {
                    "nothing"
                } else {
                    "options"
                };
                let options: Vec<Arg> = l.options.iter().map(Arg::words).collect();
                Arg::Part(
                    Message::new("cart-line")
                        .count("quantity", l.quantity)
                        .words("title", l.title.clone())
                        .case("with", with)
                        .with("options", Arg::All(options.clone()))
                        .with("said", Arg::All(options)),
                )
            })
            .collect();
        self.show(Message::new("order-items").with("list", Arg::All(lines)));
    }

    fn cancel(&mut self, order: Order) {
        let number = Arg::OrderNumber(order.number.0.clone());
        if !order.state.can_cancel() {
            let key = match order.state {
                OrderState::Cancelled => "cancel-already",
                OrderState::Delivered | OrderState::PartiallyDelivered => "cancel-delivered",
                _ => "cancel-too-late",
            };
            self.say(
                Message::new(key)
                    .with("number", number)
                    .case("state", state_word(order.state)),
            );
            return;
        }
        let message = Message::new("cancel-sure")
            .with("number", number)
            .money("total", order.total());
        self.ask(
            Question::Cancel {
                order: Box::new(order),
            },
            message,
        );
    }

    /// A yes to the cancellation: as plain as a yes to a purchase.
    pub fn cancel_confirmed(&mut self, asked: &Asked, order: Order, said: &Said) {
        match self.s.policy.plain_yes(said, self.s.activation) {
            Ok(()) => {
                let id = order.id;
                self.wait(Then::Cancelled, |request| Effect::CancelOrder {
                    request,
                    order: id,
                });
            }
            Err(why) => {
                self.say(Message::new(match why {
                    Void::NoPerson => "cancel-no-person",
                    Void::Doubtful => "buy-doubtful",
                    _ => "buy-plain",
                }));
                self.s.question = Some(Asked {
                    said: false,
                    ..asked.clone()
                });
            }
        }
    }

    /// The cancellation was written or refused.
    pub fn cancelled(&mut self, result: Result<Option<String>, WriteRefusal>) {
        let message = match (result, self.s.order.clone()) {
            (Ok(_), Some(mut order)) => {
                order.state = OrderState::Cancelled;
                if let Some(own) = self.s.placed.iter_mut().find(|o| o.id == order.id) {
                    own.state = OrderState::Cancelled;
                }
                let paid = order.payment == PaymentState::Paid;
                let message = Message::new("cancelled")
                    .with("number", Arg::OrderNumber(order.number.0.clone()))
                    .case("paid", if paid { "yes" } else { "no" });
                self.s.order = Some(order);
                message
            }
            (Err(WriteRefusal::NotAllowed | WriteRefusal::Expired), Some(order)) => {
                Message::new("cancel-too-late")
                    .with("number", Arg::OrderNumber(order.number.0))
                    .case("state", "moved")
            }
            _ => Message::new("write-failed"),
        };
        self.say(message);
    }

    fn payment(&mut self, order: &Order, problem: Option<PaymentProblem>) {
        let state = match order.payment {
            PaymentState::Unpaid => "unpaid",
            PaymentState::Pending => "pending",
            PaymentState::Paid => "paid",
            PaymentState::Failed => "failed",
            PaymentState::Refunded => "refunded",
            PaymentState::Cancelled => "cancelled",
        };
        self.say(
            Message::new("payment-state")
                .case("state", state)
                .money("total", order.total()),
        );
        let problem = problem.map_or("other", PaymentProblem::word);
        self.ticket(
            "payment",
            format!(
                "Payment problem with order {}: {problem}; payment is {state}.",
                order.number.0
            ),
        );
    }
}

/// The state as the messages name it.
pub(super) fn state_word(state: OrderState) -> &'static str {
    match state {
        OrderState::Received => "received",
        OrderState::Accepted => "accepted",
        OrderState::Rejected => "rejected",
        OrderState::Preparing => "preparing",
        OrderState::ReadyForPickup => "ready",
        OrderState::Shipped => "shipped",
        OrderState::OutForDelivery => "out",
        OrderState::Delivered => "delivered",
        OrderState::PartiallyDelivered => "partly",
        OrderState::Delayed => "delayed",
        OrderState::Cancelled => "cancelled",
        OrderState::ReturnRequested => "return-requested",
        OrderState::Returned => "returned",
        OrderState::Refunded => "refunded",
        OrderState::PaymentFailed => "payment-failed",
    }
}
