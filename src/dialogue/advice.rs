//! Comparing and recommending.

use super::{
    add::{Settled, full_name, settle, shown_name},
    effect::Effect,
    reply::{Arg, Message},
    search::{AT_ONCE, Shown, one_a_group, result},
    step::Run,
    then::Then,
    words,
};
use crate::{
    lang::Language,
    nlu::slot::{Ordinal, Price, Sort},
    shop::{
        product::Product,
        search::{Found, SearchQuery},
    },
};

/// The word that catalogs have for what is given to somebody.
pub(super) fn present(language: Language) -> &'static str {
    match language {
        Language::En => "gift",
        Language::Fr => "cadeau",
    }
}

impl Run<'_> {
    /// Gathers what is to be compared, then compares.
    pub fn compare(&mut self, items: Vec<String>, ordinals: &[Ordinal]) {
        let window = self.s.shown.window();
        let mut got: Vec<Product> = ordinals
            .iter()
            .filter_map(|n| n.index(window.len()).map(|i| window[i].clone()))
            .collect();
        if got.len() < ordinals.len() {
            return self.no_such_position();
        }
        let mut left = Vec::new();
        for name in items {
            let names: Vec<String> = window.iter().map(full_name).collect();
            match words::best(&name, names.iter().map(String::as_str)) {
                Some(i) if words::likeness(&name, &names[i]) >= 0.99 => got.push(window[i].clone()),
                _ => left.push(name),
            }
        }
        if got.is_empty() && left.is_empty() {
            got = window.to_vec();
        }
        // "Which is better, this or the oat one?"
        if got.len() + left.len() == 1
            && let Some(it) = self.s.focus.clone()
            && !got.iter().any(|p| p.id == it.id)
        {
            got.insert(0, it);
        }
        self.compare_next(left, got);
    }

    fn compare_next(&mut self, mut left: Vec<String>, got: Vec<Product>) {
        if left.is_empty() {
            return self.say_comparison(&got);
        }
        let name = left.remove(0);
        left.insert(0, name.clone());
        let query = SearchQuery::words(self.s.language, name, 12);
        self.wait(Then::Compare { left, got }, |request| Effect::Search {
            request,
            query,
        });
    }

    /// One more of what is to be compared was looked up.
    pub fn compare_found(&mut self, found: Found, mut left: Vec<String>, mut got: Vec<Product>) {
        let name = if left.is_empty() {
            String::new()
        } else {
            left.remove(0)
        };
        match settle(&name, found.hits) {
            Settled::One(p) | Settled::Perhaps(p) => got.push(p),
            // The best of several is compared, and named in the answer.
            Settled::Several(mut list) => got.push(list.swap_remove(0)),
            Settled::None => {
                self.say(Message::new("no-such-product").words("query", name));
                return;
            }
        }
        self.compare_next(left, got);
    }

    fn say_comparison(&mut self, got: &[Product]) {
        let mut got: Vec<Product> = got.to_vec();
        got.dedup_by(|a, b| a.id == b.id);
        got.truncate(AT_ONCE);
        if got.len() < 2 {
            self.say(Message::new("compare-what"));
            return;
        }
        let rows = got
            .iter()
            .map(|p| {
                Arg::Part(
                    Message::new("compare-row")
                        .words("title", shown_name(p))
                        .money("price", p.price),
                )
            })
            .collect();
        self.say(Message::new("compare").with("list", Arg::All(rows)));
        let (low, high) = (
            got.iter().min_by_key(|p| p.price.minor),
            got.iter().max_by_key(|p| p.price.minor),
        );
        if let (Some(low), Some(high)) = (low, high) {
            if low.price == high.price {
                self.say(Message::new("compare-same-price"));
            } else {
                self.say(
                    Message::new("compare-cheaper")
                        .words("title", shown_name(low))
                        .money("difference", high.price.plus(-low.price)),
                );
            }
        }
        let rated: Vec<(&Product, f32)> = got
            .iter()
            .filter_map(|p| p.rating.filter(|r| r.1 > 0).map(|r| (p, r.0)))
            .collect();
        if rated.len() > 1
            && let Some((best, stars)) = rated.iter().max_by(|a, b| a.1.total_cmp(&b.1))
            && rated.iter().filter(|(_, s)| s == stars).count() == 1
        {
            self.say(
                Message::new("compare-rated")
                    .words("title", shown_name(best))
                    .words("stars", self.decimal(*stars)),
            );
        }
        for p in got.iter().filter(|p| !p.can_sell(1)) {
            self.say(Message::new("out-of-stock").words("title", shown_name(p)));
        }
        self.s.shown = Shown {
            query: self.s.shown.query.clone(),
            products: got,
            at: 0,
            matched: None,
        };
    }

    /// Suggests something: by words, for an occasion or a person, or to go with a product.
    pub fn recommend(
        &mut self,
        item: Option<String>,
        hints: Vec<String>,
        text: Option<String>,
        max_price: Option<Price>,
    ) {
        let it = item
            .as_deref()
            .filter(|i| !words::points(i))
            .and_then(|i| self.known(i).into_iter().next())
            .or_else(|| item.is_some().then(|| self.s.focus.clone()).flatten())
            .or_else(|| {
                // Nothing was said at all: to go with what is in focus or in the cart.
                let bare = item.is_none() && text.is_none() && hints.is_empty();
                let last = self
                    .s
                    .cart
                    .lines
                    .last()
                    .and_then(|l| self.s.rows.get(&l.product));
                bare.then(|| self.s.focus.as_ref().or(last).cloned())
                    .flatten()
            });
        let mut query = SearchQuery {
            max_price,
            sort: Some(Sort::Rating),
            in_stock_only: true,
            hints,
            ..SearchQuery::words(self.s.language, text.unwrap_or_default(), 30)
        };
        let about = match &it {
            // What goes with it stands in the same department, on another shelf.
            Some(p) => {
                query.category = p.category.first().cloned();
                Some(p.title.clone())
            }
            None => {
                if query.text.is_empty()
                    && let Some(item) = item
                {
                    query.text = item;
                }
                None
            }
        };
        self.s.focus = it.or(self.s.focus.take());
        self.wait(Then::Recommend { about }, |request| Effect::Search {
            request,
            query,
        });
    }

    /// What can be suggested.
    pub fn recommend_found(&mut self, found: Found, about: Option<String>) {
        let it = self
            .s
            .focus
            .clone()
            .filter(|p| about.as_ref() == Some(&p.title));
        let hits = found.hits.into_iter().filter(|h| match &it {
            Some(it) => h.product.id != it.id && h.product.category.last() != it.category.last(),
            None => true,
        });
        let mut products = one_a_group(hits);
        products.retain(|p| p.can_sell(1));
        if let Some(it) = &it {
            // The nearer the shelf, the better it goes with it.
            let apart = |p: &Product| {
                let shared = it
                    .category
                    .iter()
                    .zip(&p.category)
                    .take_while(|(a, b)| a == b);
                usize::MAX - shared.count()
            };
            products.sort_by_key(apart);
        }
        if products.is_empty() {
            self.say(Message::new("recommend-none"));
            return;
        }
        products.truncate(AT_ONCE * 3);
        let list = products
            .iter()
            .take(AT_ONCE)
            .enumerate()
            .map(|(i, p)| Arg::Part(result(i, p)))
            .collect();
        let message = match &about {
            Some(title) => Message::new("recommend-with").words("title", title.clone()),
            None => Message::new("recommend"),
        };
        self.say(message.with("list", Arg::All(list)));
        let query = SearchQuery {
            sort: Some(Sort::Rating),
            ..SearchQuery::words(self.s.language, about.unwrap_or_default(), 30)
        };
        self.s.shown = Shown {
            query: Some(query),
            products,
            at: 0,
            matched: None,
        };
    }
}
