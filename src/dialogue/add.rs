//! Putting something in the cart: which product, which variant, which options, how many.

use super::{
    effect::Effect,
    options,
    question::{Purpose, Question},
    reply::{Arg, Message},
    search::{AT_ONCE, one_a_group, result},
    step::Run,
    then::Then,
    words,
};
use crate::{
    nlu::slot::Ordinal,
    shop::{
        cart::CartLine,
        product::Product,
        search::{Found, Hit, MatchKind, SearchQuery},
    },
};

/// Two hits whose scores are this near are asked about.
const NEAR: f32 = 0.08;
/// A vague match below this score is asked about ("did you mean").
const SURE: f32 = 0.6;

/// What the shopper wants in the cart.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub item: Option<String>,
    pub quantity: u32,
    pub color: Option<String>,
    pub size: Option<String>,
    pub brand: Option<String>,
    pub options: Vec<String>,
}

impl Wish {
    /// So many of what is chosen already.
    pub fn of(quantity: u32) -> Self {
        Self {
            quantity,
            ..Self::default()
        }
    }

    /// So many of what has this name.
    pub fn named(item: String, quantity: u32) -> Self {
        Self {
            item: Some(item),
            quantity,
            ..Self::default()
        }
    }
}

/// What a name came to among hits.
pub(super) enum Settled {
    /// Surely this one.
    One(Product),
    /// One of these.
    Several(Vec<Product>),
    /// Perhaps this one.
    Perhaps(Product),
    /// None.
    None,
}

/// Decides which of the hits was meant, or that it must be asked.
pub(super) fn settle(name: &str, hits: Vec<Hit>) -> Settled {
    let Some(top) = hits.first().map(|h| (h.score, h.matched)) else {
        return Settled::None;
    };
    let vague = top.1 > MatchKind::Prefix && top.1 != MatchKind::Filter;
    let near: Vec<Hit> = hits
        .into_iter()
        .filter(|h| top.0 - h.score <= NEAR && h.matched <= top.1.max(MatchKind::Words))
        .collect();
    let mut products = one_a_group(near);
    // "Oat milk" among "oat milk" and "oat milk vanilla": the whole name was said.
    let exact: Vec<usize> = (0..products.len())
        .filter(|i| words::same_name(name, &products[*i].title))
        .collect();
    if let [i] = exact[..] {
        return Settled::One(products.swap_remove(i));
    }
    match products.len() {
        0 => Settled::None,
        1 if vague && top.0 < SURE => Settled::Perhaps(products.swap_remove(0)),
        1 => Settled::One(products.swap_remove(0)),
        _ => {
            products.truncate(AT_ONCE);
            Settled::Several(products)
        }
    }
}

/// The name with everything that tells variants and twins apart.
pub(super) fn full_name(p: &Product) -> String {
    [
        Some(&p.title),
        p.color.as_ref(),
        p.size.as_ref(),
        p.brand.as_ref(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect::<Vec<_>>()
    .join(" ")
}

/// The name as shown, with the colour and size of a variant where the title lacks them.
pub(super) fn shown_name(p: &Product) -> String {
    let mut name = p.title.clone();
    if p.item_group_id.is_some() {
        for attribute in [&p.color, &p.size].into_iter().flatten() {
            if !words::names(attribute, &name)
                && !words::fold(&name).contains(&words::fold(attribute))
            {
                name = format!("{name}, {attribute}");
            }
        }
    }
    name
}

/// The values of an attribute among variants, each once, in their order.
pub(super) fn distinct(
    variants: &[Product],
    attribute: impl Fn(&Product) -> Option<String>,
) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for value in variants.iter().filter_map(attribute) {
        if !out.contains(&value) {
            out.push(value);
        }
    }
    out
}

/// Whether a variant's attribute is what was said ("blue" is "navy blue"; "m" is "M").
fn attribute_is(said: &str, value: Option<&String>) -> bool {
    value.is_some_and(|v| {
        let (s, v) = (words::fold(said), words::fold(v));
        s == v || words::names(&s, &v) || (v.len() > 2 && words::names(&v, &s))
    })
}

impl Run<'_> {
    /// Adds by position, by "it" or by name.
    pub fn add_to_cart(&mut self, wish: Wish, ordinal: Option<Ordinal>) {
        let window = self.s.shown.window();
        if let Some(n) = ordinal {
            let chosen = n.index(window.len()).map(|i| window[i].clone());
            return match chosen {
                Some(product) => self.add_chosen(wish, product),
                None => self.no_such_position(),
            };
        }
        match wish.item.as_deref() {
            Some(item) if !words::points(item) => self.add_named(wish),
            _ => {
                let only = match window {
                    [one] => Some(one.clone()),
                    _ => None,
                };
                match self.s.focus.clone().or(only) {
                    Some(product) => self.add_chosen(wish, product),
                    None if !window.is_empty() => {
                        let candidates = window.to_vec();
                        self.ask_which(candidates, Purpose::Add(Box::new(wish)), "which-one");
                    }
                    None => self.ask(
                        Question::Name {
                            adding: true,
                            quantity: wish.quantity,
                        },
                        Message::new("add-what"),
                    ),
                }
            }
        }
    }

    /// Adds what has this name: among what was shown, in the cart, or in the catalog.
    pub fn add_named(&mut self, wish: Wish) {
        let name = wish.item.clone().unwrap_or_default();
        let mut known = self.known(&name);
        match known.len() {
            1 => return self.add_chosen(wish, known.swap_remove(0)),
            0 => {}
            _ => {
                return self.ask_which(known, Purpose::Add(Box::new(wish)), "which-one");
            }
        }
        let query = SearchQuery {
            color: wish.color.clone(),
            size: wish.size.clone(),
            brand: wish.brand.clone(),
            ..SearchQuery::words(self.s.language, name, 12)
        };
        self.wait(Then::Add(Box::new(wish)), |request| Effect::Search {
            request,
            query,
        });
    }

    /// What was shown or is in focus and has every word of this name; only the one that has no
    /// other word, where there is one.
    pub fn known(&self, name: &str) -> Vec<Product> {
        let mut out: Vec<Product> = Vec::new();
        for p in self.s.focus.iter().chain(self.s.shown.window()) {
            if words::names(name, &full_name(p)) && !out.iter().any(|o| o.id == p.id) {
                out.push(p.clone());
            }
        }
        let exact: Vec<usize> = (0..out.len())
            .filter(|i| words::same_name(name, &out[*i].title))
            .collect();
        if let [i] = exact[..] {
            return vec![out.swap_remove(i)];
        }
        out
    }

    /// Which of the products found shall be added.
    pub fn add_found(&mut self, found: Found, wish: Wish) {
        let name = wish.item.clone().unwrap_or_default();
        if let Some(filter @ ("color" | "size")) = found.relaxed.as_deref() {
            // The variants are looked at below; here only what no variant can have.
            let said = if filter == "color" {
                &wish.color
            } else {
                &wish.size
            };
            let none = !found
                .hits
                .iter()
                .any(|h| h.product.item_group_id.is_some() || !h.product.options.is_empty());
            if none && let Some(value) = said {
                self.say(
                    Message::new("results-relaxed")
                        .case("filter", if filter == "color" { "color" } else { "size" })
                        .words("value", value.clone()),
                );
            }
        }
        match settle(&name, found.hits) {
            Settled::One(p) => self.add_chosen(wish, p),
            Settled::Several(candidates) => {
                self.ask_which(candidates, Purpose::Add(Box::new(wish)), "did-you-mean");
            }
            Settled::Perhaps(p) => {
                let message = Message::new("did-you-mean-one")
                    .words("title", shown_name(&p))
                    .money("price", p.price);
                let candidates = vec![p];
                self.ask(
                    Question::Which {
                        candidates,
                        purpose: Purpose::Add(Box::new(wish)),
                    },
                    message,
                );
            }
            Settled::None => self.say(Message::new("no-such-product").words("query", name)),
        }
    }

    /// Asks which of these products is meant; they are what ordinals count in from now on.
    pub fn ask_which(&mut self, candidates: Vec<Product>, purpose: Purpose, key: &'static str) {
        let list = candidates
            .iter()
            .take(AT_ONCE)
            .enumerate()
            .map(|(i, p)| Arg::Part(result(i, p)))
            .collect();
        self.s.shown.products = candidates.clone();
        self.s.shown.at = 0;
        self.s.focus = None;
        self.ask(
            Question::Which {
                candidates,
                purpose,
            },
            Message::new(key).with("list", Arg::Any(list)),
        );
    }

    /// Adds this product, or the variant of it that is wanted.
    pub fn add_chosen(&mut self, wish: Wish, product: Product) {
        let Some(group) = product.item_group_id.clone() else {
            return self.add_product(wish, product);
        };
        let query = SearchQuery {
            item_group: Some(group),
            ..SearchQuery::words(self.s.language, "", 100)
        };
        self.wait(
            Then::AddVariant(Box::new(wish), Box::new(product)),
            |request| Effect::Search { request, query },
        );
    }

    /// The variants of the chosen product are known: what was already said or filtered by
    /// decides, the rest is asked.
    pub fn add_variants_found(&mut self, found: Found, mut wish: Wish, product: Product) {
        let variants: Vec<Product> = found.hits.into_iter().map(|h| h.product).collect();
        if variants.len() < 2 {
            return self.add_product(wish, product);
        }
        // The search that showed it may have named a colour or a size, or the item itself.
        let filter = self.s.shown.query.as_ref();
        let from_item = |values: Vec<String>| {
            let item = wish.item.clone()?;
            words::best(&item, values.iter().map(String::as_str)).map(|i| values[i].clone())
        };
        if wish.color.is_none() {
            wish.color = filter
                .and_then(|q| q.color.clone())
                .filter(|c| attribute_is(c, product.color.as_ref()))
                .or_else(|| from_item(distinct(&variants, |p| p.color.clone())));
        }
        if wish.size.is_none() {
            wish.size = filter
                .and_then(|q| q.size.clone())
                .filter(|s| attribute_is(s, product.size.as_ref()))
                .or_else(|| from_item(distinct(&variants, |p| p.size.clone())));
        }
        self.add_variant(wish, variants);
    }

    /// Takes the variant that fits, or asks for what is missing.
    pub fn add_variant(&mut self, wish: Wish, variants: Vec<Product>) {
        let title = variants
            .first()
            .map(|p| p.title.clone())
            .unwrap_or_default();
        let mut left = variants;
        for (said, size) in [(&wish.color, false), (&wish.size, true)] {
            let Some(said) = said else { continue };
            let attribute = |p: &Product| {
                if size {
                    p.size.clone()
                } else {
                    p.color.clone()
                }
            };
            let fit: Vec<Product> = left
                .iter()
                .filter(|p| attribute_is(said, attribute(p).as_ref()))
                .cloned()
                .collect();
            let exact: Vec<Product> = fit
                .iter()
                .filter(|p| attribute(p).is_some_and(|v| words::fold(&v) == words::fold(said)))
                .cloned()
                .collect();
            let fit = if exact.is_empty() { fit } else { exact };
            let can: Vec<Product> = fit.iter().filter(|p| p.can_sell(1)).cloned().collect();
            if can.is_empty() {
                let others: Vec<Product> = left.iter().filter(|p| p.can_sell(1)).cloned().collect();
                let values = distinct(&others, attribute);
                let key = if fit.is_empty() {
                    "variant-unknown"
                } else {
                    "variant-out"
                };
                let message = Message::new(key)
                    .words("title", title.clone())
                    .words("value", said.clone());
                self.say(message);
                let mut wish = wish.clone();
                if size {
                    wish.size = None;
                } else {
                    wish.color = None;
                }
                return self.ask_variant(wish, others, size, values);
            }
            left = can;
        }
        let can: Vec<Product> = left.iter().filter(|p| p.can_sell(1)).cloned().collect();
        let left = if can.is_empty() { left } else { can };
        for size in [false, true] {
            let attribute = |p: &Product| {
                if size {
                    p.size.clone()
                } else {
                    p.color.clone()
                }
            };
            let values = distinct(&left, attribute);
            if values.len() > 1 {
                return self.ask_variant(wish, left, size, values);
            }
        }
        if let Some(variant) = left.into_iter().next() {
            self.add_product(wish, variant);
        }
    }

    fn ask_variant(&mut self, wish: Wish, variants: Vec<Product>, size: bool, values: Vec<String>) {
        match &values[..] {
            [] => {}
            _ => {
                let list = values.iter().map(Arg::words).collect();
                let message = Message::new(if size { "which-size" } else { "which-color" })
                    .words("title", variants[0].title.clone())
                    .with("list", Arg::Any(list));
                self.ask(
                    Question::Variant {
                        wish: Box::new(wish),
                        variants,
                        size,
                    },
                    message,
                );
            }
        }
    }

    /// The product is settled: options, quantity and stock next.
    pub fn add_product(&mut self, wish: Wish, product: Product) {
        self.s.focus = Some(product.clone());
        let mut said = wish.options.clone();
        if !product.options.is_empty() {
            if let Some(item) = &wish.item {
                said.splice(
                    0..0,
                    options::within(&product.options, item, &product.title),
                );
            }
            said.extend(wish.size.iter().chain(&wish.color).cloned());
        }
        let chosen = options::choose(&product.options, None, &said);
        if let Some(group) = chosen.missing {
            let g = &product.options[group];
            let list = g
                .choices
                .iter()
                .map(|c| Arg::words(c.name.clone()))
                .collect();
            let message = Message::new("which-option")
                .words("group", g.name.to_lowercase())
                .words("title", product.title.clone())
                .with("list", Arg::Any(list));
            // What could not be placed is said once, not after every answer.
            let mut wish = wish;
            for unknown in &chosen.unknown {
                self.say(Message::new("option-unknown").words("option", unknown.clone()));
                wish.options.retain(|o| o != unknown);
            }
            return self.ask(
                Question::Choice {
                    wish: Box::new(wish),
                    product: Box::new(product),
                    group,
                },
                message,
            );
        }
        let quantity = wish.quantity.max(1);
        let held: u32 = self
            .s
            .cart
            .lines
            .iter()
            .filter(|l| l.product == product.id)
            .map(|l| l.quantity)
            .fold(0, u32::saturating_add);
        if !self.can_have(&product, quantity, held, &wish) {
            return;
        }
        for unknown in chosen.unknown.iter().filter(|u| wish.options.contains(u)) {
            self.say(Message::new("option-unknown").words("option", unknown.clone()));
        }
        self.put(&product, quantity, chosen.names, chosen.delta);
    }

    /// Whether so many more can be had; says why not, and offers what can.
    fn can_have(&mut self, product: &Product, quantity: u32, held: u32, wish: &Wish) -> bool {
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
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
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

    /// Puts the line in the cart and says so.
    pub fn put(&mut self, product: &Product, quantity: u32, names: Vec<String>, delta: i64) {
        self.cart_changes();
        let mut unit_price = product.price;
        unit_price.minor = unit_price.minor.saturating_add(delta).max(0);
        self.s.rows.insert(product.id.clone(), product.clone());
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
