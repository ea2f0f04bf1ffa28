//! How many can be had: stock and caps, alternatives, and the line that is put in the cart.

use super::{
    add::{Wish, shown_name},
    effect::Effect,
    question::Question,
    reply::Message,
    step::Run,
    then::Then,
    words,
};
use crate::shop::{
    cart::CartLine,
    product::Product,
    search::{Found, SearchQuery},
};

impl Run<'_> {
    /// Whether so many more can be had; says why not, and offers what can.
    pub fn can_have(&mut self, product: &Product, quantity: u32, held: u32, wish: &Wish) -> bool {
        let cap = self.s.policy.max_quantity;
        let title = shown_name(product);
        let wanted = held.saturating_add(quantity);
        let stock = if product.available {
            product.stock.unwrap_or(u32::MAX)
        } else {
            0
        };
        if wanted <= cap.min(stock) {
            return true;
        }
        let more = cap.min(stock).saturating_sub(held);
        let offer = |n: u32| Question::Offer {
            wish: Box::new(Wish {
                quantity: n,
                color: product.color.clone(),
                size: product.size.clone(),
                ..wish.clone()
            }),
            product: Box::new(product.clone()),
        };
        if stock == 0 {
            self.say(Message::new("out-of-stock").words("title", title));
            self.look_for_another(product);
        } else if more == 0 {
            let key = if cap <= stock {
                "cap-reached"
            } else {
                "stock-all-in-cart"
            };
            self.say(
                Message::new(key)
                    .words("title", title)
                    .count("max", cap.min(stock)),
            );
        } else {
            let key = if cap < stock {
                "cap-quantity"
            } else {
                "stock-short"
            };
            self.say(
                Message::new(key)
                    .words("title", title)
                    .count("left", cap.min(stock)),
            );
            self.ask(
                offer(more),
                Message::new("offer-so-many").count("quantity", more),
            );
        }
        false
    }

    fn look_for_another(&mut self, product: &Product) {
        let Some(category) = product.category.last().cloned() else {
            return;
        };
        let query = SearchQuery {
            category: Some(category),
            in_stock_only: true,
            ..SearchQuery::words(self.s.language, "", 20)
        };
        self.wait(Then::Instead(Box::new(product.clone())), |request| {
            Effect::Search { request, query }
        });
    }

    /// Offers the product that is most like the one that cannot be had.
    pub fn offer_instead(&mut self, found: Found, wanted: Product) {
        let likeness = |p: &Product| {
            let shared = words::likeness(&wanted.title, &p.title);
            let apart = (p.price.minor - wanted.price.minor).unsigned_abs() as f32;
            shared - apart / (wanted.price.minor.max(1) as f32 * 4.0)
        };
        let best = found
            .hits
            .into_iter()
            .map(|h| h.product)
            .filter(|p| p.id != wanted.id && p.can_sell(1))
            .max_by(|a, b| {
                let near = likeness(a).total_cmp(&likeness(b));
                near.then_with(|| b.price.minor.cmp(&a.price.minor))
            });
        let Some(other) = best else { return };
        let message = Message::new("offer-instead")
            .words("title", shown_name(&other))
            .money("price", other.price);
        self.s.focus = Some(other.clone());
        self.ask(
            Question::Offer {
                wish: Box::new(Wish::of(1)),
                product: Box::new(other),
            },
            message,
        );
    }

    /// Keeps a product's newest row; lines of it cost what it says.
    pub fn know(&mut self, product: &Product) {
        self.s.rows.insert(product.id.clone(), product.clone());
        self.reprice();
    }

    /// Every line costs what its row says. A line whose choices are not in the row (it is in
    /// another language) keeps its price; the shop checks all of them at the read-back.
    pub fn reprice(&mut self) {
        for line in &mut self.s.cart.lines {
            let Some(row) = self.s.rows.get(&line.product) else {
                continue;
            };
            let delta = |name: &String| {
                row.options
                    .iter()
                    .flat_map(|g| &g.choices)
                    .find(|c| c.name == *name)
                    .map(|c| c.price_delta)
            };
            if let Some(deltas) = line.options.iter().map(delta).collect::<Option<Vec<i64>>>() {
                let minor = deltas
                    .into_iter()
                    .fold(row.price.minor, i64::saturating_add);
                line.unit_price = row.price;
                line.unit_price.minor = minor.max(0);
            }
        }
    }

    /// Puts the line in the cart and says so.
    pub fn put(&mut self, product: &Product, quantity: u32, names: Vec<String>, delta: i64) {
        self.cart_changes();
        let mut unit_price = product.price;
        unit_price.minor = unit_price.minor.saturating_add(delta).max(0);
        self.know(product);
        let same = self
            .s
            .cart
            .lines
            .iter()
            .position(|l| l.product == product.id && l.options == names);
        let line = match same {
            Some(i) => {
                let line = &mut self.s.cart.lines[i];
                line.quantity = line.quantity.saturating_add(quantity);
                line.unit_price = unit_price;
                i
            }
            None if self.s.cart.lines.len() >= self.s.policy.max_lines => {
                self.s.undo.pop();
                self.say(Message::new("cart-full").count("max", self.s.policy.max_lines));
                return;
            }
            None => {
                self.s.cart.lines.push(CartLine {
                    product: product.id.clone(),
                    title: shown_name(product),
                    quantity,
                    options: names,
                    unit_price,
                    tax_rate_bp: product.tax_rate_bp,
                    min_age: product.min_age,
                });
                self.s.cart.lines.len() - 1
            }
        };
        self.s.last_line = Some(line);
        let added = CartLine {
            quantity,
            ..self.s.cart.lines[line].clone()
        };
        self.say(
            Message::new("added")
                .with("line", self.line_part(&added))
                .money("amount", added.total())
                .count("lines", self.s.cart.lines.len())
                .money("total", self.s.cart.total()),
        );
        if let Some(age) = product.min_age {
            self.say(Message::new("age-note").count("age", age));
        }
    }
}
