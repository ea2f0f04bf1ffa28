//! Variants: which colour and size of a product, when it is added and when a line is changed.

use super::{
    add::{Wish, shown_name},
    effect::Effect,
    question::Question,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    words,
};
use crate::shop::{
    product::Product,
    search::{Found, SearchQuery},
};

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

/// Which attribute of a variant is asked about: its size, or its colour.
pub(super) fn attribute(size: bool) -> fn(&Product) -> Option<String> {
    if size {
        |p| p.size.clone()
    } else {
        |p| p.color.clone()
    }
}

/// The name of a product without what tells its variants apart: "Trench coat" of "Trench coat,
/// navy, size M".
pub(super) fn group_name(p: &Product) -> String {
    if p.item_group_id.is_none() {
        return p.title.clone();
    }
    let mut parts = p.title.split(", ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .filter(|part| {
            let tells = |value: &Option<String>| {
                value.as_ref().is_some_and(|v| {
                    words::names(v, part) || words::fold(part).contains(&words::fold(v))
                })
            };
            !tells(&p.color) && !tells(&p.size)
        })
        .fold(first, |name, part| format!("{name}, {part}"))
}

/// Whether a variant's attribute is what was said ("blue" is "navy blue"; "m" is "M").
fn attribute_is(said: &str, value: Option<&String>) -> bool {
    value.is_some_and(|v| {
        let (s, v) = (words::fold(said), words::fold(v));
        s == v || words::names(&s, &v) || (v.len() > 2 && words::names(&v, &s))
    })
}

impl Run<'_> {
    /// Adds what the shopper picked from what was shown. A variant that was shown by its colour
    /// and size is just that one; of a product that was shown as a whole the variant is asked.
    pub fn add_picked(&mut self, wish: Wish, product: Product) {
        let same = |said: &Option<String>, value: &Option<String>| {
            said.as_ref()
                .is_none_or(|s| attribute_is(s, value.as_ref()))
        };
        let shown_so = product.color.is_some() || product.size.is_some();
        if shown_so && same(&wish.color, &product.color) && same(&wish.size, &product.size) {
            return self.add_product(wish, product);
        }
        self.add_chosen(wish, product);
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
        let title = variants.first().map(group_name).unwrap_or_default();
        let mut left = variants;
        for (said, size) in [(&wish.color, false), (&wish.size, true)] {
            let Some(said) = said else { continue };
            let attribute = attribute(size);
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
            if !fit.iter().any(|p| p.can_sell(1)) {
                let key = if fit.is_empty() {
                    "variant-unknown"
                } else {
                    "variant-out"
                };
                self.say(
                    Message::new(key)
                        .words("title", title)
                        .words("value", said.clone()),
                );
                left.retain(|p| p.can_sell(1));
                let mut wish = wish.clone();
                if size {
                    wish.size = None;
                } else {
                    wish.color = None;
                }
                return self.ask_variant(wish, left, size);
            }
            left = fit;
        }
        if left.iter().any(|p| p.can_sell(1)) {
            left.retain(|p| p.can_sell(1));
        }
        for size in [false, true] {
            if distinct(&left, attribute(size)).len() > 1 {
                return self.ask_variant(wish, left, size);
            }
        }
        if let Some(variant) = left.into_iter().next() {
            self.add_product(wish, variant);
        }
    }

    /// Asks which colour or size of these; offers it when there is only one.
    fn ask_variant(&mut self, wish: Wish, variants: Vec<Product>, size: bool) {
        let values = distinct(&variants, attribute(size));
        let Some(first) = variants.first() else {
            return;
        };
        if let [only] = &values[..]
            && distinct(&variants, attribute(!size)).len() < 2
        {
            let message = Message::new("offer-variant").words("value", only.clone());
            let product = Box::new(first.clone());
            let (color, size) = (product.color.clone(), product.size.clone());
            let wish = Box::new(Wish {
                color,
                size,
                ..wish
            });
            return self.ask(Question::Offer { wish, product }, message);
        }
        let list: Vec<Arg> = values.iter().map(Arg::words).collect();
        let message = Message::new(if size { "which-size" } else { "which-color" })
            .words("title", group_name(first))
            .case("many", self.many(&list))
            .with("list", Arg::Any(list));
        let wish = Box::new(wish);
        self.ask(
            Question::Variant {
                wish,
                variants,
                size,
            },
            message,
        );
    }

    /// Swaps a line for the variant that was asked for.
    pub fn swap_variant(&mut self, found: Found, line: usize, wish: Wish) {
        let Some(l) = self.s.cart.lines.get(line).cloned() else {
            return;
        };
        let Some(row) = self.s.rows.get(&l.product).cloned() else {
            return;
        };
        let said: Vec<&String> = wish
            .color
            .iter()
            .chain(&wish.size)
            .chain(&wish.options)
            .collect();
        if said.is_empty() {
            self.say(Message::new("no-options").words("title", l.title));
            return;
        }
        let has = |value: &Option<String>| {
            value.as_ref().is_some_and(|v| {
                said.iter()
                    .any(|s| words::fold(s) == words::fold(v) || words::names(s, v))
            })
        };
        let fits = |p: &crate::shop::product::Product| {
            // What was not said stays as it was.
            let color = has(&p.color) || (p.color == row.color);
            let size = has(&p.size) || (p.size == row.size);
            color && size && (has(&p.color) || has(&p.size))
        };
        let variants: Vec<_> = found
            .hits
            .into_iter()
            .map(|h| h.product)
            .filter(fits)
            .collect();
        let value = said
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let Some(p) = variants
            .iter()
            .filter(|p| p.id != row.id)
            .find(|p| p.can_sell(l.quantity))
            .cloned()
        else {
            let key = if variants.is_empty() {
                "variant-unknown"
            } else {
                "variant-out"
            };
            self.say(
                Message::new(key)
                    .words("title", group_name(&row))
                    .words("value", value),
            );
            self.say(Message::new("line-kept"));
            return;
        };
        self.cart_changes();
        self.know(&p);
        let line = self.replace_line(line, |l| {
            l.product = p.id.clone();
            l.title = shown_name(&p);
            l.unit_price = p.price;
            l.tax_rate_bp = p.tax_rate_bp;
            l.min_age = p.min_age;
        });
        self.say_changed(line);
    }
}
