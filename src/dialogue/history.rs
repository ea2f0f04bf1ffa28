//! What was bought before, and the same again.

use super::{
    effect::Effect,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    watch::standing,
    words,
};
use crate::shop::{
    order::Order,
    search::{Found, SearchQuery},
};

/// How many orders a history names.
const HISTORY: usize = 3;

impl Run<'_> {
    /// What was bought, newest first, or when one thing was.
    pub fn say_history(&mut self, list: &[Order], item: Option<&str>) {
        let today = self.now.date();
        let zone = self.now.time_zone().clone();
        let day = |o: &Order| Arg::Day(o.created_at.to_zoned(zone.clone()).date(), today);
        if let Some(item) = item {
            let bought = list.iter().find_map(|o| {
                let l = o
                    .lines
                    .iter()
                    .find(|l| words::likeness(item, &l.title) >= 0.5)?;
                Some((o, l))
            });
            let Some((order, line)) = bought else {
                self.say(Message::new("history-not-bought").words("item", item));
                return;
            };
            let message = Message::new("history-item")
                .words("title", line.title.clone())
                .with("day", day(order))
                .money("price", line.unit_price);
            self.s.order = Some(order.clone());
            if self.s.surface.public {
                self.say(Message::new("history-shown"));
                self.show(message);
            } else {
                self.say(message);
            }
            return;
        }
        let rows: Vec<Arg> = list
            .iter()
            .take(HISTORY)
            .map(|o| {
                Arg::Part(
                    Message::new("history-row")
                        .with("day", day(o))
                        .money("total", o.total())
                        .case("state", standing(o)),
                )
            })
            .collect();
        self.say(
            Message::new("history")
                .count("orders", list.len())
                .with("list", Arg::All(rows)),
        );
        let newest = list[0].clone();
        if self.s.surface.public {
            self.say_titles(&newest);
        } else {
            let titles = newest
                .lines
                .iter()
                .map(|l| Arg::words(l.title.clone()))
                .collect();
            self.say(Message::new("history-newest").with("list", Arg::All(titles)));
        }
        self.s.order = Some(newest);
    }

    /// Puts a past order back in the cart.
    pub fn reorder(&mut self, order: &Order, item: Option<&str>) {
        let lines: Vec<_> = order
            .lines
            .iter()
            .filter(|l| item.is_none_or(|i| words::likeness(i, &l.title) >= 0.5))
            .cloned()
            .collect();
        if lines.is_empty() {
            self.say(Message::new("history-not-bought").words("item", item.unwrap_or_default()));
            return;
        }
        let query = SearchQuery {
            among: lines.iter().map(|l| l.product.clone()).collect(),
            ..SearchQuery::words(self.s.language, "", 100)
        };
        self.wait(Then::Reorder(lines), |request| Effect::Search {
            request,
            query,
        });
    }

    /// The rows of a past order, at today's prices.
    pub fn reorder_found(&mut self, found: Found, lines: Vec<crate::shop::order::OrderLine>) {
        let mut gone = Vec::new();
        let mut added = 0u32;
        for line in lines {
            let row = found
                .hits
                .iter()
                .map(|h| &h.product)
                .find(|p| p.id == line.product);
            match row.filter(|p| p.can_sell(line.quantity)) {
                Some(p) => {
                    let chosen = super::options::choose(&p.options, Some(&line.options), &[]);
                    let before = self.s.turn.parts.len();
                    self.put(p, line.quantity, chosen.names, chosen.delta);
                    // One sentence for all lines says it, not one a line.
                    self.s.turn.parts.truncate(before);
                    added += 1;
                    // The whole reorder is one step to undo.
                    if added > 1 {
                        self.s.undo.pop();
                    }
                }
                None => gone.push(Arg::words(line.title)),
            }
        }
        if added > 0 {
            let lines = self
                .s
                .cart
                .lines
                .iter()
                .map(|l| self.line_part(l))
                .collect();
            self.say(
                Message::new("reordered")
                    .with("list", Arg::All(lines))
                    .money("total", self.s.cart.total()),
            );
        }
        if !gone.is_empty() {
            self.say(Message::new("reorder-gone").with("list", Arg::All(gone)));
        }
    }
}
