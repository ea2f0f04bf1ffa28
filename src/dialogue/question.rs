//! Questions that wait for an answer, and what answers them.

use super::{
    add::Wish,
    event::{Source, Utterance},
    named::{said_ordinal, spoken},
    orders::Task,
    policy::Said,
    reply::Message,
    state::Asked,
    step::Run,
    words,
};
use crate::{
    nlu::{
        command::Command,
        slot::{Aspect, ReturnReason},
    },
    shop::{
        order::{Order, OrderNumber},
        product::Product,
    },
};

/// What the chosen product is wanted for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// To be put in the cart.
    Add(Box<Wish>),
    /// To be told about.
    Details(Option<Aspect>),
}

/// A question.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// Which of these products?
    Which {
        candidates: Vec<Product>,
        purpose: Purpose,
    },
    /// Which choice of this option group?
    Choice {
        wish: Box<Wish>,
        product: Box<Product>,
        group: usize,
    },
    /// Which colour, or which size, of these variants?
    Variant {
        wish: Box<Wish>,
        variants: Vec<Product>,
        size: bool,
    },
    /// Shall this be put in the cart?
    Offer {
        wish: Box<Wish>,
        product: Box<Product>,
    },
    /// What are you looking for, or what shall be added?
    Name { adding: bool, quantity: u32 },
    /// How many of this cart line?
    HowMany { line: usize },
    /// Which line of the cart?
    WhichLine { command: Box<Command> },
    /// Which of these was meant? (The model was not sure.)
    Meant { choices: Vec<Command> },
    /// Shall the cart be emptied?
    Clear,
    /// Shall I go on with what is left of the cart?
    GoOn,
    /// Do you order, with obligation to pay?
    Buy,
    /// Shall this order be cancelled?
    Cancel { order: Box<Order> },
    /// Why does it go back?
    Reason {
        order: Box<Order>,
        items: Vec<String>,
        exchange_for: Option<String>,
    },
    /// Which line of the order?
    WhichItem {
        order: Box<Order>,
        reason: Option<ReturnReason>,
        exchange_for: Option<String>,
    },
    /// Which order number?
    Number { task: Box<Task>, tries: u32 },
    /// Which post code (or PIN, typed)?
    SecondFact {
        number: OrderNumber,
        task: Box<Task>,
    },
}

impl Question {
    /// The intent of the command that the answer completes.
    pub fn intent(&self) -> &'static str {
        match self {
            Self::Which {
                purpose: Purpose::Details(_),
                ..
            } => "product_details",
            Self::Which { .. }
            | Self::Choice { .. }
            | Self::Variant { .. }
            | Self::Offer { .. } => "add_to_cart",
            Self::Name { adding: true, .. } => "add_to_cart",
            Self::Name { adding: false, .. } => "search_product",
            Self::HowMany { .. } => "set_quantity",
            Self::WhichLine { command } => command.intent(),
            Self::Meant { choices } => choices.first().map_or("out_of_scope", Command::intent),
            Self::Clear => "clear_cart",
            Self::GoOn | Self::Buy => "checkout",
            Self::Cancel { .. } => "cancel_order",
            Self::Reason { .. } | Self::WhichItem { .. } => "return_item",
            Self::Number { task, .. } | Self::SecondFact { task, .. } => task.intent(),
        }
    }

    /// Whether what was said after it in the same breath waits for its answer. An offer does
    /// not hold anything back.
    pub fn holds(&self) -> bool {
        !matches!(self, Self::Offer { .. })
    }

    /// Whether it is asked again after silence.
    pub fn worth_repeating(&self) -> bool {
        self.holds()
    }
}

impl Run<'_> {
    /// Tries what was said as the answer to the question. `Some` is how many commands it took.
    pub fn answer(&mut self, asked: &Asked, u: &Utterance, said: &Said) -> Option<usize> {
        let first = u.commands.first();
        let yes = matches!(first, Some(Command::Affirm {}));
        let no = matches!(first, Some(Command::Deny {} | Command::Stop {}));
        match &asked.question {
            Question::Buy => return self.answer_to_read_back(first?, said),
            Question::Cancel { order } => {
                if yes {
                    self.cancel_confirmed(asked, (**order).clone(), said);
                    return Some(1);
                }
                if no {
                    self.say(Message::new("cancel-kept"));
                    return Some(1);
                }
                return None;
            }
            Question::Number { task, tries } => {
                if no {
                    self.say(Message::new("all-right"));
                    return Some(1);
                }
                return self.answer_number(task, *tries, u);
            }
            Question::SecondFact { number, task } => {
                if no {
                    self.say(Message::new("all-right"));
                    return Some(1);
                }
                return self.answer_second_fact(number, task, u);
            }
            _ => {}
        }
        if no {
            match &asked.question {
                Question::Clear => self.say(Message::new("clear-kept")),
                Question::GoOn => self.say(Message::new("checkout-dropped")),
                _ => self.say(Message::new("all-right")),
            }
            return Some(1);
        }
        match &asked.question {
            Question::Meant { choices } => {
                let of = |c: &Command| c.intent();
                let chosen = match first? {
                    Command::Affirm {} => choices.first()?.clone(),
                    // Said again in clearer words, it carries its own slots.
                    said if choices.iter().any(|c| of(c) == of(said)) => {
                        let bare = serde_json::to_value(said).ok()?.as_object()?.len() == 1;
                        let meant = choices.iter().find(|c| of(c) == of(said));
                        if bare { meant?.clone() } else { said.clone() }
                    }
                    said => choices
                        .get(said_ordinal(said)?.index(choices.len())?)?
                        .clone(),
                };
                self.run(chosen, *said);
            }
            Question::Clear if yes => self.clear_confirmed(),
            Question::GoOn if yes => self.begin_checkout(),
            Question::Offer { wish, product } => {
                let mut wish = (**wish).clone();
                match first? {
                    Command::Affirm {} => {}
                    // "Yes, two": an add that names nothing else.
                    Command::AddToCart {
                        item,
                        ordinal: None,
                        quantity,
                        options,
                        ..
                    } if item.as_deref().is_none_or(words::points) => {
                        wish.quantity = quantity.unwrap_or(wish.quantity);
                        wish.options.extend(options.iter().cloned());
                    }
                    Command::SetQuantity {
                        item: None,
                        ordinal: None,
                        quantity: Some(n),
                    } if *n > 0 => wish.quantity = *n,
                    _ => return None,
                }
                let product = (**product).clone();
                self.add_picked(wish, product);
            }
            Question::Which {
                candidates,
                purpose,
            } => {
                let chosen = self.pick_product(candidates, u, yes)?;
                match purpose {
                    Purpose::Add(wish) => {
                        let mut wish = (**wish).clone();
                        if let Some(Command::AddToCart {
                            quantity, options, ..
                        }) = first
                        {
                            wish.quantity = quantity.unwrap_or(wish.quantity);
                            wish.options.extend(options.iter().cloned());
                        }
                        self.add_picked(wish, chosen);
                    }
                    Purpose::Details(aspect) => self.details_of(chosen, *aspect),
                }
            }
            Question::Choice {
                wish,
                product,
                group,
            } => {
                let groups = &product.options;
                let choices = &groups.get(*group)?.choices;
                let mut wish = (**wish).clone();
                if let Some(n) = first.and_then(said_ordinal) {
                    wish.options
                        .push(choices.get(n.index(choices.len())?)?.name.clone());
                } else if yes {
                    // "Yes" to "small or large?" is no answer.
                    self.s.question = Some(Asked {
                        said: false,
                        ..asked.clone()
                    });
                    return Some(1);
                } else {
                    let spoken = spoken(first, u);
                    if !super::options::any_choice(groups, &spoken) {
                        return None;
                    }
                    wish.options.extend(spoken);
                }
                self.add_product(wish, (**product).clone());
            }
            Question::Variant {
                wish,
                variants,
                size,
            } => {
                let values = super::variant::distinct(variants, super::variant::attribute(*size));
                let chosen = match first.and_then(said_ordinal) {
                    Some(n) => values.get(n.index(values.len())?)?.clone(),
                    None => spoken(first, u)
                        .iter()
                        .find_map(|said| words::value(said, &values).map(|i| values[i].clone()))?,
                };
                let mut wish = (**wish).clone();
                if *size {
                    wish.size = Some(chosen);
                } else {
                    wish.color = Some(chosen);
                }
                self.add_variant(wish, variants.clone());
            }
            Question::Name { adding, quantity } => {
                let name = match first? {
                    Command::SearchProduct { query: Some(q), .. }
                    | Command::RefineSearch { query: Some(q), .. }
                        if *adding =>
                    {
                        q.clone()
                    }
                    Command::Select {
                        item: Some(item), ..
                    } => item.clone(),
                    Command::OutOfScope {} if u.source == Source::Fallback => u.text.clone(),
                    _ => return None,
                };
                if *adding {
                    self.add_named(Wish::named(name, *quantity));
                } else {
                    self.search_for(name);
                }
            }
            Question::HowMany { line } => {
                let n = match first {
                    Some(
                        Command::SetQuantity {
                            quantity: Some(n), ..
                        }
                        | Command::AddToCart {
                            quantity: Some(n),
                            item: None,
                            ..
                        }
                        | Command::RemoveFromCart {
                            quantity: Some(n),
                            item: None,
                            ..
                        },
                    ) => *n,
                    Some(Command::Select { .. } | Command::OutOfScope {}) | None => {
                        words::number(&u.text)?
                    }
                    _ => return None,
                };
                self.put_quantity(*line, n);
            }
            Question::WhichLine { command } => {
                let titles: Vec<String> =
                    self.s.cart.lines.iter().map(|l| l.title.clone()).collect();
                let line = match first.and_then(said_ordinal) {
                    Some(n) => n.index(titles.len())?,
                    None => spoken(first, u)
                        .iter()
                        .find_map(|w| words::best(w, titles.iter().map(String::as_str)))?,
                };
                self.on_line(line, (**command).clone());
            }
            Question::Reason {
                order,
                items,
                exchange_for,
            } => {
                let reason = match first {
                    Some(Command::ReturnItem {
                        reason: Some(r), ..
                    }) => *r,
                    Some(
                        Command::ReturnItem { .. }
                        | Command::Feedback { .. }
                        | Command::OutOfScope {}
                        | Command::Select { .. },
                    )
                    | None => super::returns::reason(&u.text).unwrap_or(ReturnReason::Other),
                    _ => super::returns::reason(&u.text)?,
                };
                self.request_return(
                    (**order).clone(),
                    items.clone(),
                    Some(reason),
                    exchange_for.clone(),
                );
            }
            Question::WhichItem {
                order,
                reason,
                exchange_for,
            } => {
                let titles: Vec<&str> = order.lines.iter().map(|l| l.title.as_str()).collect();
                let folded = words::fold(&u.text);
                let all = ["all", "everything", "tout", "toute la commande", "both"]
                    .iter()
                    .any(|w| folded.split(' ').any(|t| t == *w));
                let items = match first.and_then(said_ordinal) {
                    _ if all => Vec::new(),
                    Some(n) => vec![titles.get(n.index(titles.len())?)?.to_string()],
                    None => {
                        let i = spoken(first, u)
                            .iter()
                            .find_map(|w| words::best(w, titles.iter().copied()))?;
                        vec![titles[i].to_owned()]
                    }
                };
                let said_reason = match first {
                    Some(Command::ReturnItem {
                        reason: Some(r), ..
                    }) => Some(*r),
                    _ => *reason,
                };
                self.return_these((**order).clone(), items, said_reason, exchange_for.clone());
            }
            _ => return None,
        }
        Some(1)
    }
}
