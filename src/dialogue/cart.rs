//! The cart: view, change, remove, clear, undo.

use super::{
    add::Wish,
    effect::Effect,
    options,
    question::Question,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    words,
};
use crate::{
    nlu::{command::Command, slot::Ordinal},
    shop::{cart::CartLine, search::SearchQuery},
};

impl Run<'_> {
    /// "2 × Latte (large, oat milk)". All choices are shown; said are those that nobody would
    /// take for granted.
    pub fn line_part(&self, line: &CartLine) -> Arg {
        let all = line.options.iter().map(|o| Arg::words(o.clone())).collect();
        let default = |name: &String| {
            self.s.rows.get(&line.product).is_some_and(|p| {
                p.options
                    .iter()
                    .flat_map(|g| &g.choices)
                    .any(|c| c.default && c.name == *name)
            })
        };
        let said: Vec<Arg> = line
            .options
            .iter()
            .filter(|o| !default(o))
            .map(|o| Arg::words(o.clone()))
            .collect();
        let with = match (line.options.is_empty(), said.is_empty()) {
            (true, _) => "nothing",
            (false, true) => "defaults",
            (false, false) => "options",
        };
        Arg::Part(
            Message::new("cart-line")
                .count("quantity", line.quantity)
                .words("title", line.title.clone())
                .case("with", with)
                .with("options", Arg::All(all))
                .with("said", Arg::All(said)),
        )
    }

    /// "2 × Latte (large, oat milk), €9.00".
    pub fn priced_line(&self, line: &CartLine) -> Arg {
        Arg::Part(
            Message::new("cart-line-priced")
                .with("line", self.line_part(line))
                .money("amount", line.total()),
        )
    }

    /// Call before every change of the cart: it can be undone, and no earlier read-back holds.
    pub fn cart_changes(&mut self) {
        self.give_up_checkout();
        self.s.remember_cart();
    }

    /// Reads the cart.
    pub fn view_cart(&mut self) {
        if self.s.cart.lines.is_empty() {
            self.say(Message::new("cart-empty"));
            return;
        }
        let lines = self
            .s
            .cart
            .lines
            .iter()
            .map(|l| self.priced_line(l))
            .collect();
        self.say(
            Message::new("cart-view")
                .count("lines", self.s.cart.lines.len())
                .count("pieces", self.s.cart.pieces())
                .with("list", Arg::All(lines))
                .money("total", self.s.cart.total()),
        );
    }

    /// Asks whether the cart shall be emptied.
    pub fn clear_cart(&mut self) {
        if self.s.cart.lines.is_empty() {
            self.say(Message::new("cart-empty"));
            return;
        }
        self.ask(
            Question::Clear,
            Message::new("clear-sure").count("pieces", self.s.cart.pieces()),
        );
    }

    /// Empties the cart.
    pub fn clear_confirmed(&mut self) {
        self.cart_changes();
        self.s.cart.lines.clear();
        self.s.last_line = None;
        self.say(Message::new("cleared"));
    }

    /// Takes the last change back.
    pub fn undo(&mut self) {
        let Some(before) = self.s.undo.pop() else {
            self.say(Message::new("nothing-to-undo"));
            return;
        };
        self.give_up_checkout();
        self.s.cart = before;
        self.reprice();
        self.s.last_line = self.s.cart.lines.len().checked_sub(1);
        if self.s.cart.lines.is_empty() {
            self.say(Message::new("undone-empty"));
        } else {
            let lines = self
                .s
                .cart
                .lines
                .iter()
                .map(|l| self.line_part(l))
                .collect();
            self.say(
                Message::new("undone")
                    .with("list", Arg::All(lines))
                    .money("total", self.s.cart.total()),
            );
        }
    }

    /// Finds the cart line that a command is about, then runs it; asks when it is not clear.
    pub fn cart_command(&mut self, command: Command, item: Option<&str>, ordinal: Option<Ordinal>) {
        let lines = &self.s.cart.lines;
        if lines.is_empty() {
            self.say(Message::new("cart-empty"));
            return;
        }
        let titles = || lines.iter().map(|l| l.title.as_str());
        let line = match (ordinal, item.filter(|i| !words::points(i))) {
            (Some(n), _) => match n.index(lines.len()) {
                Some(i) => Some(i),
                None => {
                    let n = lines.len();
                    self.say(Message::new("no-such-line").count("lines", n));
                    return;
                }
            },
            (None, Some(item)) => {
                let fit: Vec<usize> = (0..lines.len())
                    .filter(|i| {
                        let name = format!("{} {}", lines[*i].title, lines[*i].options.join(" "));
                        words::likeness(item, &name) >= 0.5
                    })
                    .collect();
                match fit[..] {
                    [one] => Some(one),
                    [] => {
                        let item = item.to_owned();
                        self.say(Message::new("not-in-cart").words("item", item));
                        return;
                    }
                    _ => words::best(item, titles()),
                }
            }
            // "It": the line changed last, or the only one.
            (None, None) if lines.len() == 1 => Some(0),
            (None, None) => self.s.last_line.filter(|i| *i < lines.len()),
        };
        match line {
            Some(i) => self.on_line(i, command),
            None => {
                let list = lines.iter().map(|l| self.line_part(l)).collect();
                self.ask(
                    Question::WhichLine {
                        command: Box::new(command),
                    },
                    Message::new("which-line").with("list", Arg::Any(list)),
                );
            }
        }
    }

    /// Runs a command on one line of the cart.
    pub fn on_line(&mut self, line: usize, command: Command) {
        let Some(l) = self.s.cart.lines.get(line) else {
            return;
        };
        match command {
            Command::SetQuantity { quantity, .. } => match quantity {
                Some(n) => self.put_quantity(line, n),
                None => {
                    let message = Message::new("how-many").words("title", l.title.clone());
                    self.ask(Question::HowMany { line }, message);
                }
            },
            Command::RemoveFromCart { quantity, .. } => {
                let left = quantity.map_or(0, |n| l.quantity.saturating_sub(n));
                // "Take out zero" is no change; the least that can be meant is one.
                let left = if quantity == Some(0) {
                    l.quantity
                } else {
                    left
                };
                if left == l.quantity {
                    return self.view_cart();
                }
                self.put_quantity(line, left);
            }
            Command::ChangeOptions {
                options,
                size,
                color,
                ..
            } => {
                self.change_line(line, options, size, color);
            }
            _ => {}
        }
    }

    /// Sets how many of a line; 0 takes it out.
    pub fn put_quantity(&mut self, line: usize, quantity: u32) {
        let Some(l) = self.s.cart.lines.get(line).cloned() else {
            return;
        };
        if quantity == 0 {
            self.cart_changes();
            self.s.cart.lines.remove(line);
            self.s.last_line = None;
            let removed = Message::new("removed").with("line", self.line_part(&l));
            self.say(removed);
            if self.s.cart.lines.is_empty() {
                self.say(Message::new("cart-now-empty"));
            } else {
                self.say(Message::new("cart-total").money("total", self.s.cart.total()));
            }
            return;
        }
        let others: u32 = self
            .s
            .cart
            .lines
            .iter()
            .enumerate()
            .filter(|(i, o)| *i != line && o.product == l.product)
            .map(|(_, o)| o.quantity)
            .fold(0, u32::saturating_add);
        let stock = self
            .s
            .rows
            .get(&l.product)
            .map_or(Some(0), |p| if p.available { p.stock } else { Some(0) })
            .unwrap_or(u32::MAX);
        let cap = self.s.policy.max_quantity;
        let most = stock.min(cap).saturating_sub(others);
        if quantity > most && quantity > l.quantity {
            let key = if cap < stock {
                "cap-quantity"
            } else {
                "stock-short"
            };
            self.say(
                Message::new(key)
                    .words("title", l.title.clone())
                    .count("left", stock.min(cap)),
            );
            self.say(Message::new("quantity-kept").count("quantity", l.quantity));
            return;
        }
        self.cart_changes();
        self.s.cart.lines[line].quantity = quantity;
        self.s.last_line = Some(line);
        let line = self.s.cart.lines[line].clone();
        self.say(
            Message::new("quantity-set")
                .with("line", self.line_part(&line))
                .money("amount", line.total())
                .money("total", self.s.cart.total()),
        );
    }

    fn change_line(
        &mut self,
        line: usize,
        said: Vec<String>,
        size: Option<String>,
        color: Option<String>,
    ) {
        let l = self.s.cart.lines[line].clone();
        let Some(row) = self.s.rows.get(&l.product).cloned() else {
            return;
        };
        if !row.options.is_empty() {
            let mut words = said;
            words.extend(size.into_iter().chain(color));
            let chosen = options::choose(&row.options, Some(&l.options), &words);
            for unknown in &chosen.unknown {
                self.say(Message::new("option-unknown").words("option", unknown.clone()));
            }
            if chosen.names == l.options {
                if chosen.unknown.is_empty() {
                    self.say(Message::new("line-as-it-is").with("line", self.line_part(&l)));
                }
                return;
            }
            self.cart_changes();
            let line = self.replace_line(line, |l| {
                l.options = chosen.names;
                l.unit_price = row.price;
                l.unit_price.minor = row.price.minor.saturating_add(chosen.delta).max(0);
            });
            return self.say_changed(line);
        }
        let Some(group) = row.item_group_id.clone() else {
            self.say(Message::new("no-options").words("title", l.title));
            return;
        };
        // Colours and sizes that came as options ("make it blue").
        let wish = Wish {
            color,
            size,
            options: said,
            ..Wish::of(l.quantity)
        };
        let query = SearchQuery {
            item_group: Some(group),
            ..SearchQuery::words(self.s.language, "", 100)
        };
        self.wait(
            Then::SwapVariant {
                line,
                wish: Box::new(wish),
            },
            |request| Effect::Search { request, query },
        );
    }

    /// Changes a line; merges it with a line that it has become the same as.
    pub fn replace_line(&mut self, line: usize, change: impl FnOnce(&mut CartLine)) -> usize {
        let lines = &mut self.s.cart.lines;
        change(&mut lines[line]);
        let twin = (0..lines.len()).find(|i| {
            *i != line
                && lines[*i].product == lines[line].product
                && lines[*i].options == lines[line].options
        });
        let at = match twin {
            Some(i) => {
                let moved = lines.remove(line);
                let i = if i > line { i - 1 } else { i };
                lines[i].quantity = lines[i].quantity.saturating_add(moved.quantity);
                lines[i].unit_price = moved.unit_price;
                i
            }
            None => line,
        };
        self.s.last_line = Some(at);
        at
    }

    /// Says what a line has become.
    pub fn say_changed(&mut self, line: usize) {
        let line = self.s.cart.lines[line].clone();
        self.say(
            Message::new("line-changed")
                .with("line", self.line_part(&line))
                .money("amount", line.total())
                .money("total", self.s.cart.total()),
        );
    }
}
