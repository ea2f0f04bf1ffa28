//! Putting something in the cart: which product, which variant, which options, how many.

use super::{
    effect::Effect,
    options,
    packs::packs,
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
    /// What was shown and has every word of the name, while the catalog is asked for more.
    pub seen: Vec<Product>,
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
        .filter(|i| words::same_title(name, &products[*i].title))
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

/// The one of these whose whole name was said, where the slot holds only a part of it: "a cup of
/// tea" is understood as tea, counted in cups, and is still the cup of tea among the teas.
fn said_whole(candidates: &[Product], name: &str, utterance: &str) -> Option<usize> {
    let fits = |p: &Product| {
        let head = words::head(&p.title);
        words::names(name, head) && words::names(head, utterance)
    };
    let mut fit = (0..candidates.len()).filter(|i| fits(&candidates[*i]));
    let one = fit.next()?;
    fit.next().is_none().then_some(one)
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

impl Run<'_> {
    /// Adds by position, by "it" or by name.
    pub fn add_to_cart(&mut self, wish: Wish, ordinal: Option<Ordinal>) {
        let window = self.s.shown.window();
        if let Some(n) = ordinal {
            let chosen = n.index(window.len()).map(|i| window[i].clone());
            return match chosen {
                Some(product) => self.add_picked(wish, product),
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
                    // "It" has no such options: what was said is the name of something else.
                    Some(product) if product.options.is_empty() && !wish.options.is_empty() => {
                        let item = Some(wish.options.join(" "));
                        let options = Vec::new();
                        self.add_named(Wish {
                            item,
                            options,
                            ..wish
                        });
                    }
                    Some(product) => self.add_picked(wish, product),
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
        if let [one] = &known[..]
            && words::same_title(&name, &one.title)
        {
            return self.add_picked(wish, known.swap_remove(0));
        }
        // "Oat milk" after "oat milk with vanilla" was shown may be either: where the catalog
        // has a product of just that name, it is meant.
        let wish = Wish {
            seen: known,
            ..wish
        };
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
            let same = |o: &Product| {
                o.id == p.id || (o.item_group_id.is_some() && o.item_group_id == p.item_group_id)
            };
            if words::names(name, &full_name(p)) && !out.iter().any(same) {
                out.push(p.clone());
            }
        }
        let exact: Vec<usize> = (0..out.len())
            .filter(|i| words::same_title(name, &out[*i].title))
            .collect();
        if let [i] = exact[..] {
            return vec![out.swap_remove(i)];
        }
        out
    }

    /// Which of the products found shall be added.
    pub fn add_found(&mut self, found: Found, mut wish: Wish) {
        let name = wish.item.clone().unwrap_or_default();
        let mut seen = std::mem::take(&mut wish.seen);
        let exact = found
            .hits
            .iter()
            .any(|h| words::same_title(&name, &h.product.title));
        if !seen.is_empty() && !exact {
            return match seen.len() {
                1 => self.add_picked(wish, seen.swap_remove(0)),
                _ => self.ask_which(seen, Purpose::Add(Box::new(wish)), "which-one"),
            };
        }
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
            Settled::Several(mut candidates) => {
                let utterance = self.s.asked.back().map_or("", String::as_str);
                match said_whole(&candidates, &name, utterance) {
                    Some(i) => self.add_chosen(wish, candidates.swap_remove(i)),
                    None => {
                        self.ask_which(candidates, Purpose::Add(Box::new(wish)), "did-you-mean");
                    }
                }
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

    /// Whether a list is too long to be said: where there is a screen, it is shown instead.
    pub fn many(&self, list: &[Arg]) -> &'static str {
        if list.len() > 5 && self.s.surface.screen {
            "yes"
        } else {
            "no"
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
            let list: Vec<Arg> = g
                .choices
                .iter()
                .map(|c| Arg::words(c.name.clone()))
                .collect();
            let message = Message::new("which-option")
                .words("group", g.name.to_lowercase())
                .words("title", product.title.clone())
                .case("many", self.many(&list))
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
        let packs = packs(
            wish.size.as_deref(),
            product.size.as_deref(),
            &product.title,
        );
        let quantity = wish.quantity.max(1).saturating_mul(packs);
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
}
