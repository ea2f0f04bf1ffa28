//! Which command is run where, and where each answer goes.

use super::{
    add::Wish,
    event::WriteRefusal,
    orders::{Task, Want},
    policy::Said,
    reply::Message,
    search::slots,
    step::Run,
    then::Then,
    words,
};
use crate::{nlu::command::Command, shop::search::Found};

impl Run<'_> {
    /// Runs one command.
    pub fn run(&mut self, command: Command, _said: Said) {
        match command {
            Command::SearchProduct { .. } => {
                if let Some((slots, _)) = slots(command) {
                    self.search_product(slots);
                }
            }
            Command::RefineSearch { .. } => {
                if let Some((slots, page)) = slots(command) {
                    self.refine(slots, page);
                }
            }
            Command::ProductDetails {
                item,
                ordinal,
                aspect,
            } => self.details(item, ordinal, aspect),
            Command::CompareProducts { items, ordinals } => self.compare(items, &ordinals),
            Command::Recommend {
                item,
                occasion,
                recipient,
                query,
                max_price,
            } => {
                // "Something for my mother" asks for a present, which is a word of the catalog;
                // mothers are not.
                let query = query.or_else(|| {
                    (item.is_none() && recipient.is_some())
                        .then(|| super::advice::present(self.s.language).to_owned())
                });
                let hints = occasion.into_iter().chain(recipient).collect();
                self.recommend(item, hints, query, max_price);
            }
            Command::AddToCart {
                item,
                ordinal,
                quantity,
                color,
                size,
                brand,
                options,
            } => {
                // "None of it" adds nothing.
                if quantity == Some(0) {
                    return self.view_cart();
                }
                let quantity = quantity.unwrap_or(1);
                self.add_to_cart(
                    Wish {
                        item,
                        quantity,
                        color,
                        size,
                        brand,
                        options,
                        ..Wish::default()
                    },
                    ordinal,
                );
            }
            // "I'll take two" of what is being talked about, and not in the cart yet.
            Command::SetQuantity {
                item: None,
                ordinal: None,
                quantity: Some(quantity @ 1..),
            } if self.speaks_of_something_new() => {
                self.add_to_cart(
                    Wish {
                        quantity,
                        ..Wish::default()
                    },
                    None,
                );
            }
            Command::ChangeOptions {
                ref item, ordinal, ..
            }
            | Command::SetQuantity {
                ref item, ordinal, ..
            }
            | Command::RemoveFromCart {
                ref item, ordinal, ..
            } => {
                let item = item.clone();
                self.cart_command(command, item.as_deref(), ordinal);
            }
            Command::ViewCart {} => self.view_cart(),
            Command::ClearCart {} => self.clear_cart(),
            Command::Checkout {
                method,
                delivery,
                service,
                time,
            } => {
                self.checkout(method, delivery, service, time);
            }
            Command::TrackOrder { order_number, item } => {
                self.order_task(Task::new(Want::Track, order_number, item));
            }
            Command::OrderHistory { item } => self.order_task(Task::new(Want::History, None, item)),
            Command::Reorder { order_number, item } => {
                self.order_task(Task::new(Want::Reorder, order_number, item));
            }
            Command::CancelOrder { order_number, item } => {
                self.order_task(Task::new(Want::Cancel, order_number, item));
            }
            Command::ReturnItem {
                item,
                order_number,
                reason,
            } => {
                self.order_task(Task::new(Want::Return { reason }, order_number, item));
            }
            Command::ExchangeItem {
                item,
                order_number,
                color,
                size,
            } => {
                let wanted: Vec<String> = size.into_iter().chain(color).collect();
                let exchange_for = (!wanted.is_empty()).then(|| wanted.join(", "));
                self.order_task(Task::new(
                    Want::Exchange { exchange_for },
                    order_number,
                    item,
                ));
            }
            Command::PaymentProblem {
                order_number,
                problem,
            } => {
                self.order_task(Task::new(Want::Payment { problem }, order_number, None));
            }
            Command::StoreInfo { topic } => self.store_info(topic),
            Command::Promotions { query, code } => self.promotions(query, code),
            Command::Loyalty { action } => self.loyalty(action),
            Command::BookAppointment {
                service,
                date,
                time,
            } => {
                self.appointment(service, &[date, time], "Book an");
            }
            Command::ChangeAppointment { date, time } => {
                self.appointment(None, &[date, time], "Move an");
            }
            Command::CancelAppointment {} => self.appointment(None, &[], "Cancel an"),
            Command::NotifyMe { item, order_number } => self.notify(item, order_number),
            Command::TalkToHuman { reason } => {
                let why = reason.unwrap_or_default();
                self.ticket(
                    "human",
                    format!("Wants to talk to a person. {why}")
                        .trim()
                        .to_owned(),
                );
            }
            Command::Feedback { score, comment } => self.feedback(score, comment),
            Command::Privacy { action } => self.privacy(action),
            Command::ChangeLanguage { language } => self.change_language(language),
            Command::Explain {} => self.explain(),
            Command::Help {} => self.help(),
            Command::Repeat {} => self.repeat(),
            Command::Speech { volume, rate } => self.adjust_speech(volume, rate),
            Command::Undo {} => self.undo(),
            Command::Select { item, ordinal } => self.select(item, ordinal),
            Command::Affirm {} => self.say(Message::new("yes-to-what")),
            Command::Deny {} => self.say(Message::new("all-right")),
            Command::Stop {} => self.out.push(super::effect::Effect::StopSpeaking),
            Command::Greet {} => self.say(Message::new("greet")),
            Command::Thank {} => self.say(Message::new("thank")),
            Command::Goodbye {} => self.goodbye(),
            Command::OutOfScope {} => self.out_of_scope(),
        }
    }

    fn notify(&mut self, item: Option<String>, number: Option<String>) {
        if number.is_some() {
            return self.order_task(Task::new(Want::Notify, number, item));
        }
        let name = item
            .filter(|i| !words::points(i))
            .or_else(|| self.s.focus.as_ref().map(|p| p.title.clone()));
        match name {
            Some(name) => self.ticket("notify", format!("Wants to hear when it is back: {name}.")),
            None => self.say(Message::new("which-product")),
        }
    }

    /// A search was answered.
    pub fn found(&mut self, found: Found, then: Then) {
        match then {
            Then::Show(query) => self.show_found(found, *query),
            Then::Add(wish) => self.add_found(found, *wish),
            Then::AddVariant(wish, product) => self.add_variants_found(found, *wish, *product),
            Then::SwapVariant { line, wish } => self.swap_variant(found, line, *wish),
            Then::Instead(product) => self.offer_instead(found, *product),
            Then::Details { name, aspect } => self.details_found(found, &name, aspect),
            Then::Variants { product, aspect } => self.variants_found(found, *product, aspect),
            Then::Compare { left, got } => self.compare_found(found, left, got),
            Then::Recommend { about } => self.recommend_found(found, about),
            Then::Promotions { about } => self.promotions_found(found, about),
            Then::Retitle => self.retitled(found),
            Then::Reorder(lines) => self.reorder_found(found, lines),
            Then::Reserve
            | Then::Place
            | Then::Points
            | Then::Watch
            | Then::Orders(_)
            | Then::Cancelled
            | Then::Returned { .. }
            | Then::Ticket { .. } => self.say(Message::new("went-wrong")),
        }
    }

    /// A write was answered.
    pub fn written(&mut self, result: Result<Option<String>, WriteRefusal>, then: Then) {
        match then {
            Then::Cancelled => self.cancelled(result),
            Then::Returned { reason, exchange } => self.returned(result, reason, exchange),
            Then::Ticket { kind } => self.ticket_opened(result, kind),
            _ => self.say(Message::new("went-wrong")),
        }
    }

    /// Whether the product being talked about is not in the cart.
    fn speaks_of_something_new(&self) -> bool {
        self.s
            .focus
            .as_ref()
            .is_some_and(|p| self.s.cart.lines.iter().all(|l| l.product != p.id))
    }
}
