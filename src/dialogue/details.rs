//! Questions about one product.

use super::{
    add::{Settled, settle, shown_name},
    effect::Effect,
    question::Purpose,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    variant::{distinct, group_name},
    words,
};
use crate::{
    nlu::slot::{Aspect, Ordinal},
    shop::{
        product::{Allergens, Product},
        search::{Found, SearchQuery},
    },
};

impl Run<'_> {
    /// Finds the product that is asked about, then answers.
    pub fn details(
        &mut self,
        item: Option<String>,
        ordinal: Option<Ordinal>,
        aspect: Option<Aspect>,
    ) {
        let window = self.s.shown.window();
        if let Some(n) = ordinal {
            return match n.index(window.len()).map(|i| window[i].clone()) {
                Some(p) => self.details_of(p, aspect),
                None => self.no_such_position(),
            };
        }
        let Some(name) = item.filter(|i| !words::points(i)) else {
            let in_cart = self
                .s
                .last_line
                .and_then(|i| self.s.cart.lines.get(i))
                .and_then(|l| self.s.rows.get(&l.product));
            let it = self.s.focus.as_ref().or(match window {
                [first, ..] => Some(first),
                [] => in_cart,
            });
            return match it.cloned() {
                Some(p) => self.details_of(p, aspect),
                None => self.say(Message::new("which-product")),
            };
        };
        let mut known = self.known(&name);
        for p in self.s.rows.values() {
            if known.is_empty() && words::names(&name, &p.title) {
                known.push(p.clone());
            }
        }
        match known.len() {
            1 => self.details_of(known.swap_remove(0), aspect),
            0 => {
                let query = SearchQuery::words(self.s.language, name.clone(), 12);
                self.wait(Then::Details { name, aspect }, |request| Effect::Search {
                    request,
                    query,
                });
            }
            _ => self.ask_which(known, Purpose::Details(aspect), "which-one"),
        }
    }

    /// The products found for a name that was asked about.
    pub fn details_found(&mut self, found: Found, name: &str, aspect: Option<Aspect>) {
        match settle(name, found.hits) {
            Settled::One(p) => self.details_of(p, aspect),
            Settled::Perhaps(p) => {
                self.say(Message::new("results-similar").words("query", name));
                self.details_of(p, aspect);
            }
            Settled::Several(list) => {
                self.ask_which(list, Purpose::Details(aspect), "did-you-mean")
            }
            Settled::None => self.say(Message::new("no-such-product").words("query", name)),
        }
    }

    /// Answers about this product.
    pub fn details_of(&mut self, p: Product, aspect: Option<Aspect>) {
        self.s.focus = Some(p.clone());
        let title = shown_name(&p);
        let about = |key| Message::new(key).words("title", title.clone());
        match aspect {
            Some(Aspect::Price) => {
                self.say(about("price-is").money("price", p.price));
                if let Some((amount, measure)) =
                    p.unit_price.as_ref().filter(|(unit, _)| *unit != p.price)
                {
                    self.say(
                        Message::new("price-per")
                            .money("unit", *amount)
                            .words("measure", measure.clone()),
                    );
                }
                self.price_before(&p);
            }
            Some(Aspect::Stock) => self.say(match (p.available, p.stock) {
                (false, _) | (_, Some(0)) => about("stock-none"),
                (true, None) => about("stock-made"),
                (true, Some(n)) => about("stock-some").count("left", n),
            }),
            Some(Aspect::Reviews) => self.say(match p.rating {
                Some((stars, n)) if n > 0 => about("reviews")
                    .words("stars", self.decimal(stars))
                    .count("reviews", n),
                _ => about("reviews-none"),
            }),
            Some(aspect @ (Aspect::Sizes | Aspect::Colors)) => self.variants(p, aspect),
            Some(Aspect::Ingredients) => self.say_ingredients(&p),
            Some(Aspect::Dimensions) => {
                let found = detail(&p, DIMENSIONS).or_else(|| p.size.clone());
                self.say(match found {
                    Some(value) => about("dimensions").words("value", value),
                    None => about("not-known").case("what", "dimensions"),
                });
            }
            Some(Aspect::Warranty) => self.say(match p.warranty_months {
                Some(n) if n > 0 && n % 12 == 0 => about("warranty-years").count("years", n / 12),
                Some(n) if n > 0 => about("warranty-months").count("months", n),
                _ => match self.s.info.text("warranty", self.s.language) {
                    Some(text) => Message::new("as-written").words("text", text),
                    None => about("not-known").case("what", "warranty"),
                },
            }),
            Some(Aspect::Location) => self.say(match &p.location {
                Some(place) => about("location").words("place", place.clone()),
                None => about("not-known").case("what", "location"),
            }),
            Some(Aspect::Description) => self.describe(&p),
            Some(Aspect::Other) | None => {
                self.describe(&p);
                self.say(Message::new("price-only").money("price", p.price));
                self.price_before(&p);
                if !p.can_sell(1) {
                    self.say(Message::new("is-out-of-stock"));
                }
            }
        }
    }

    fn describe(&mut self, p: &Product) {
        let mut text = p.description.trim().to_owned();
        if text.is_empty() {
            text = p
                .details
                .iter()
                .take(2)
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
                .join(", ");
        }
        let message = if text.is_empty() {
            Message::new("not-known").case("what", "description")
        } else {
            Message::new("description").words("text", with_stop(&text))
        };
        self.say(message.words("title", shown_name(p)));
    }

    /// Ingredients as declared; allergens from their own field or not at all.
    fn say_ingredients(&mut self, p: &Product) {
        let about = |key| Message::new(key).words("title", shown_name(p));
        // The name is said once, and always: an answer about another product than the one that
        // was meant must be noticed.
        let named = match &p.ingredients {
            Some(list) => {
                self.say(about("ingredients").words("list", list.trim_end_matches('.')));
                "yes"
            }
            None => "no",
        };
        self.say(
            match &p.allergens {
                Allergens::Unknown => about("allergens-unknown"),
                Allergens::None => about("allergens-none"),
                Allergens::Contains(list) => {
                    about("allergens").with("list", Arg::All(list.iter().map(Arg::words).collect()))
                }
            }
            .case("named", named),
        );
    }

    fn variants(&mut self, p: Product, aspect: Aspect) {
        if let Some(group) = p.item_group_id.clone() {
            let query = SearchQuery {
                item_group: Some(group),
                ..SearchQuery::words(self.s.language, "", 100)
            };
            let product = Box::new(p);
            self.wait(Then::Variants { product, aspect }, |request| {
                Effect::Search { request, query }
            });
            return;
        }
        // A made-to-order product has its sizes in an option group.
        let named = |group: &str| {
            let group = words::fold(group);
            match aspect {
                Aspect::Colors => ["color", "colour", "couleur"]
                    .iter()
                    .any(|w| group.contains(w)),
                _ => ["size", "taille"].iter().any(|w| group.contains(w)),
            }
        };
        let group = p.options.iter().find(|g| named(&g.name));
        let values: Vec<String> = match (group, aspect) {
            (Some(g), _) => g.choices.iter().map(|c| c.name.clone()).collect(),
            (None, Aspect::Colors) => p.color.clone().into_iter().collect(),
            (None, _) => p.size.clone().into_iter().collect(),
        };
        self.say_values(&p, aspect, values, Vec::new());
    }

    /// The variants are known: says the sizes or colours that can be had.
    pub fn variants_found(&mut self, found: Found, product: Product, aspect: Aspect) {
        let value = |p: &Product| match aspect {
            Aspect::Colors => p.color.clone(),
            _ => p.size.clone(),
        };
        let all: Vec<Product> = found.hits.into_iter().map(|h| h.product).collect();
        let (can, out): (Vec<Product>, Vec<Product>) = all.into_iter().partition(|p| p.can_sell(1));
        let can = distinct(&can, value);
        let out = distinct(&out, value)
            .into_iter()
            .filter(|v| !can.contains(v))
            .collect();
        self.say_values(&product, aspect, can, out);
    }

    fn say_values(&mut self, p: &Product, aspect: Aspect, can: Vec<String>, out: Vec<String>) {
        let what = if aspect == Aspect::Colors {
            "colors"
        } else {
            "sizes"
        };
        let list = |values: &[String]| Arg::All(values.iter().map(Arg::words).collect());
        let title = group_name(p);
        if can.is_empty() && out.is_empty() {
            self.say(
                Message::new("not-known")
                    .case("what", what)
                    .words("title", title),
            );
            return;
        }
        if !can.is_empty() {
            self.say(
                Message::new("comes-in")
                    .case("what", what)
                    .words("title", title)
                    .with("list", list(&can)),
            );
        }
        if !out.is_empty() {
            self.say(Message::new("comes-not-now").with("list", list(&out)));
        }
    }

    /// "4.5", "4,5".
    pub fn decimal(&self, n: f32) -> String {
        let text = format!("{n:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        match self.s.language {
            crate::lang::Language::En => text.to_owned(),
            crate::lang::Language::Fr => text.replace('.', ","),
        }
    }
}

const DIMENSIONS: &[&str] = &[
    "dimension",
    "dimensions",
    "width",
    "height",
    "depth",
    "length",
    "weight",
    "capacity",
    "largeur",
    "hauteur",
    "profondeur",
    "longueur",
    "poids",
    "contenance",
    "capacite",
    "diametre",
    "diameter",
];

/// The details whose name is one of these, as "name: value".
fn detail(p: &Product, names: &[&str]) -> Option<String> {
    let found: Vec<String> = p
        .details
        .iter()
        .filter(|(name, _)| {
            words::all_words(name)
                .iter()
                .any(|w| names.contains(&w.as_str()))
        })
        .map(|(name, value)| {
            if words::fold(name).starts_with("dimension") {
                value.clone()
            } else {
                format!("{} {value}", name.to_lowercase())
            }
        })
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// With a full stop, so that what follows begins a sentence.
pub(super) fn with_stop(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
