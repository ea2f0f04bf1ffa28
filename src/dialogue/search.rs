//! Looking for products: search, refine, page.

use super::{
    add::{Wish, full_name, shown_name},
    effect::Effect,
    question::Question,
    reply::{Arg, Message},
    step::Run,
    then::Then,
    words,
};
use crate::{
    nlu::{
        command::Command,
        slot::{Page, Price, Sort},
    },
    shop::{
        money::Money,
        product::Product,
        search::{Found, Hit, MatchKind, SearchQuery},
    },
};

/// How many options a reply names.
pub(super) const AT_ONCE: usize = 3;
/// How many a search brings, to be paged through.
const BATCH: usize = 30;

/// What was last shown, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// The search that found it.
    pub query: Option<SearchQuery>,
    /// Products, one a variant group.
    pub products: Vec<Product>,
    /// Where the window on them begins.
    pub at: usize,
    /// How they were found.
    pub matched: Option<MatchKind>,
}

impl Shown {
    /// What ordinals count in.
    pub fn window(&self) -> &[Product] {
        let end = self.products.len().min(self.at + AT_ONCE);
        self.products.get(self.at..end).unwrap_or_default()
    }
}

/// The search slots of a command, whichever it was.
#[derive(Default)]
pub(super) struct Slots {
    pub query: Option<String>,
    pub color: Option<String>,
    pub size: Option<String>,
    pub brand: Option<String>,
    pub material: Option<String>,
    pub category: Option<String>,
    pub min_price: Option<Price>,
    pub max_price: Option<Price>,
    pub hints: Vec<String>,
    pub sort: Option<Sort>,
    pub exclude: Option<String>,
}

impl Slots {
    /// Puts what was said over an earlier query.
    fn over(self, mut q: SearchQuery) -> SearchQuery {
        fn set<T>(to: &mut Option<T>, from: Option<T>) {
            if from.is_some() {
                *to = from;
            }
        }
        set(&mut q.color, self.color);
        set(&mut q.size, self.size);
        set(&mut q.brand, self.brand);
        set(&mut q.material, self.material);
        set(&mut q.category, self.category);
        set(&mut q.min_price, self.min_price);
        set(&mut q.max_price, self.max_price);
        set(&mut q.sort, self.sort);
        set(&mut q.exclude, self.exclude);
        q.hints.extend(self.hints);
        q
    }
}

/// One product a variant group, in order; the first that can be had stands for its group,
/// without the colour or size in which the variants found differ.
pub(super) fn one_a_group(hits: impl IntoIterator<Item = Hit>) -> Vec<Product> {
    let mut out: Vec<Product> = Vec::new();
    for Hit { product, .. } in hits {
        let same = out.iter_mut().find(|p| {
            p.id == product.id
                || (p.item_group_id.is_some() && p.item_group_id == product.item_group_id)
        });
        match same {
            Some(first) => {
                let color = first
                    .color
                    .take()
                    .filter(|c| product.color.as_ref() == Some(c));
                let size = first
                    .size
                    .take()
                    .filter(|s| product.size.as_ref() == Some(s));
                if !first.can_sell(1) && product.can_sell(1) {
                    *first = product;
                }
                (first.color, first.size) = (color, size);
            }
            None => out.push(product),
        }
    }
    out
}

impl Run<'_> {
    /// Runs a search command.
    pub fn search_product(&mut self, slots: Slots) {
        let text = slots.query.clone().unwrap_or_default();
        let query = SearchQuery::words(self.s.language, text, BATCH);
        let query = slots.over(query);
        if empty(&query) {
            self.ask(
                Question::Name {
                    adding: false,
                    quantity: 1,
                },
                Message::new("search-what"),
            );
            return;
        }
        self.send_search(query);
    }

    /// Searches for words.
    pub fn search_for(&mut self, words: String) {
        self.send_search(SearchQuery::words(self.s.language, words, BATCH));
    }

    fn send_search(&mut self, query: SearchQuery) {
        self.wait(Then::Show(Box::new(query.clone())), |request| {
            Effect::Search { request, query }
        });
    }

    /// Narrows, widens, sorts or pages through the search just made.
    pub fn refine(&mut self, slots: Slots, page: Option<Page>) {
        if let Some(page) = page {
            self.turn_page(page);
            return;
        }
        let before = match (&self.s.shown.query, &self.s.focus) {
            (Some(q), _) => q.clone(),
            (None, Some(p)) => SearchQuery::words(self.s.language, p.title.clone(), BATCH),
            (None, None) => return self.search_product(slots),
        };
        let mut query = SearchQuery {
            language: self.s.language,
            offset: 0,
            limit: BATCH,
            ..before
        };
        if let Some(words) = &slots.query {
            // "The red ones" adds a word; a word that is there already changes nothing.
            if !words::names(words, &query.text) && !words::points(words) {
                query.text = format!("{} {words}", query.text).trim().to_owned();
            }
        }
        // "Something cheaper": below the cheapest of what was just shown.
        if slots.sort == Some(Sort::PriceAsc) && slots.max_price.is_none() {
            query.sort = Some(Sort::PriceAsc);
        }
        self.send_search(slots.over(query));
    }

    fn turn_page(&mut self, page: Page) {
        let shown = &mut self.s.shown;
        match page {
            Page::Next if shown.at + AT_ONCE < shown.products.len() => shown.at += AT_ONCE,
            Page::Previous if shown.at > 0 => shown.at = shown.at.saturating_sub(AT_ONCE),
            Page::Next | Page::Previous => {
                let none = shown.products.is_empty();
                self.say(Message::new(if none {
                    "search-first"
                } else {
                    "no-more-results"
                }));
                return;
            }
        }
        let (list, left) = self.window_list();
        self.say(
            Message::new("results-page")
                .with("list", list)
                .count("left", left),
        );
    }

    /// The products in the window, and how many come after it.
    fn window_list(&self) -> (Arg, usize) {
        let shown = &self.s.shown;
        let items = shown
            .window()
            .iter()
            .enumerate()
            .map(|(i, p)| Arg::Part(result(i, p)))
            .collect();
        let left = shown.products.len().saturating_sub(shown.at + AT_ONCE);
        (Arg::All(items), left)
    }

    /// Shows what a search found.
    pub fn show_found(&mut self, found: Found, query: SearchQuery) {
        let matched = found.hits.first().map(|h| h.matched);
        let said = describe(&query);
        let products = one_a_group(found.hits);
        if products.is_empty() {
            let message = match said {
                Some(words) => Message::new("no-results").words("query", words),
                None => Message::new("no-results-at-all"),
            };
            // What was shown before stays: "the first one" still is what the shopper sees.
            self.say(message);
            return;
        }
        if let Some(filter) = &found.relaxed {
            let (name, value) = relaxed(filter, &query);
            self.say(
                Message::new("results-relaxed")
                    .case("filter", name)
                    .words("value", value),
            );
        } else if matched == Some(MatchKind::Similar)
            && let Some(words) = &said
        {
            self.say(Message::new("results-similar").words("query", words.clone()));
        }
        self.s.shown = Shown {
            query: Some(query),
            products,
            at: 0,
            matched,
        };
        if let [one] = &self.s.shown.products[..] {
            let one = one.clone();
            self.present(one);
            return;
        }
        self.s.focus = None;
        let total = self.s.shown.products.len();
        let (list, left) = self.window_list();
        let key = if left == 0 {
            "results-few"
        } else {
            "results-many"
        };
        self.say(
            Message::new(key)
                .count("total", total)
                .with("list", list)
                .count("left", left),
        );
    }

    /// Shows one product and offers to put it in the cart.
    pub fn present(&mut self, product: Product) {
        self.s.focus = Some(product.clone());
        let mut message = Message::new("result-one")
            .words("title", shown_name(&product))
            .money("price", product.price);
        message = match product
            .unit_price
            .as_ref()
            .filter(|(unit, _)| *unit != product.price)
        {
            Some((amount, measure)) => message
                .case("measured", "yes")
                .money("unit", *amount)
                .words("measure", measure.clone()),
            None => message
                .case("measured", "no")
                .money("unit", Money::default())
                .words("measure", ""),
        };
        self.say(message);
        self.price_before(&product);
        if product.can_sell(1) {
            self.ask(
                Question::Offer {
                    wish: Box::new(Wish::of(1)),
                    product: Box::new(product),
                },
                Message::new("offer-add"),
            );
        } else {
            self.say(Message::new("is-out-of-stock"));
        }
    }

    /// Says the price before a promotion, where one runs.
    pub fn price_before(&mut self, product: &Product) {
        if let Some(prior) = product.prior_price
            && prior.minor > product.price.minor
        {
            self.say(Message::new("price-before").money("price", prior));
        }
    }

    /// "The second one", "the blue one": shows one of what was shown.
    pub fn select(&mut self, item: Option<String>, ordinal: Option<crate::nlu::slot::Ordinal>) {
        let window = self.s.shown.window();
        let chosen = match (ordinal, item.as_deref()) {
            (Some(n), _) => n.index(window.len()).map(|i| window[i].clone()),
            (None, Some(words)) if !words::points(words) => {
                let names: Vec<String> = window.iter().map(full_name).collect();
                words::best(words, names.iter().map(String::as_str)).map(|i| window[i].clone())
            }
            _ => self.s.focus.clone(),
        };
        match (chosen, item) {
            (Some(product), _) => self.present(product),
            (None, Some(words)) if !words::points(&words) => self.search_for(words),
            _ => self.no_such_position(),
        }
    }

    /// There is no such position in what was shown.
    pub fn no_such_position(&mut self) {
        match self.s.shown.window().len() {
            0 => self.say(Message::new("search-first")),
            n => self.say(Message::new("no-such-position").count("shown", n)),
        }
    }

    /// Why these were suggested.
    pub fn explain(&mut self) {
        let shown = &self.s.shown;
        let Some(query) = shown.query.clone().filter(|_| !shown.products.is_empty()) else {
            self.say(Message::new("explain-nothing"));
            return;
        };
        let how = match (query.sort, shown.matched) {
            (Some(Sort::PriceAsc), _) => "cheapest",
            (Some(Sort::PriceDesc), _) => "dearest",
            (Some(Sort::Rating), _) => "rating",
            (Some(Sort::Newest), _) => "newest",
            (None, Some(MatchKind::Similar | MatchKind::SomeWords)) => "similar",
            (None, _) => "words",
        };
        self.say(
            Message::new("explain-results")
                .case("how", how)
                .words("query", describe(&query).unwrap_or_default()),
        );
    }
}

/// One line of a list of results.
pub(super) fn result(i: usize, p: &Product) -> Message {
    Message::new("result-item")
        .count("n", i + 1)
        .with("position", Arg::Position(i as u64 + 1))
        .words("title", shown_name(p))
        .money("price", p.price)
        .case("stock", if p.can_sell(1) { "in" } else { "out" })
}

fn empty(q: &SearchQuery) -> bool {
    describe(q).is_none()
        && q.min_price.is_none()
        && q.max_price.is_none()
        && q.hints.is_empty()
        && q.exclude.is_none()
}

/// The words of a query, as they are said back.
pub(super) fn describe(q: &SearchQuery) -> Option<String> {
    let mut words = vec![q.text.clone()];
    for slot in [&q.category, &q.brand, &q.material, &q.color, &q.size] {
        if let Some(word) = slot
            && !words::names(word, &words.join(" "))
        {
            words.push(word.clone());
        }
    }
    let said = words.join(" ").trim().to_owned();
    (!said.is_empty()).then_some(said)
}

/// The filter that had to be dropped, and what was asked of it.
fn relaxed(filter: &str, q: &SearchQuery) -> (&'static str, String) {
    let value = |slot: &Option<String>| slot.clone().unwrap_or_default();
    match filter {
        "color" => ("color", value(&q.color)),
        "size" => ("size", value(&q.size)),
        "brand" => ("brand", value(&q.brand)),
        "material" => ("material", value(&q.material)),
        "category" => ("category", value(&q.category)),
        "price" | "max_price" | "min_price" => ("price", String::new()),
        "exclude" => ("exclude", value(&q.exclude)),
        _ => ("other", String::new()),
    }
}

/// The slots of a search command; `None` when it is another command.
pub(super) fn slots(command: Command) -> Option<(Slots, Option<Page>)> {
    let turned = match &command {
        Command::RefineSearch { page, .. } => *page,
        _ => None,
    };
    match command {
        Command::SearchProduct {
            query,
            color,
            size,
            brand,
            material,
            category,
            min_price,
            max_price,
            occasion,
            recipient,
            sort,
            exclude,
        }
        | Command::RefineSearch {
            query,
            color,
            size,
            brand,
            material,
            category,
            min_price,
            max_price,
            occasion,
            recipient,
            sort,
            exclude,
            page: _,
        } => Some((
            Slots {
                query,
                color,
                size,
                brand,
                material,
                category,
                min_price,
                max_price,
                hints: occasion.into_iter().chain(recipient).collect(),
                sort,
                exclude,
            },
            turned,
        )),
        _ => None,
    }
}
