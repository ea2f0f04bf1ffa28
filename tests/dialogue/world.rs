//! A small shop in memory that answers the core's effects, as the real one does.

use comptoir::{
    dialogue::{
        Effect, Event,
        effect::{OrderLookup, Purchase, SecondFact},
        event::{OrdersFound, RequestId, ReserveRefusal, Reserved, WriteRefusal},
    },
    lang::Language,
    shop::{
        cart::Cart,
        info::ShopInfo,
        money::{Currency, Money},
        order::*,
        product::*,
        search::*,
    },
};
use jiff::{ToSpan, Zoned};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    title: [String; 2],
    category: [Vec<String>; 2],
    #[serde(default)]
    description: Option<[String; 2]>,
    brand: Option<String>,
    price: i64,
    prior: Option<i64>,
    unit: Option<(i64, String)>,
    tax: u32,
    stock: Option<u32>,
    allergens: Option<[Vec<String>; 2]>,
    ingredients: Option<[String; 2]>,
    location: Option<[String; 2]>,
    rating: Option<(f32, u32)>,
    min_age: Option<u8>,
    group_id: Option<String>,
    color: Option<[String; 2]>,
    size: Option<String>,
    warranty: Option<u32>,
    #[serde(default)]
    details: Vec<[String; 3]>,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Clone, Deserialize)]
struct Group {
    name: [String; 2],
    min: u32,
    max: u32,
    choices: Vec<Choice>,
}

#[derive(Clone, Deserialize)]
struct Choice {
    name: [String; 2],
    #[serde(default)]
    alias: Option<[Vec<String>; 2]>,
    #[serde(default)]
    delta: i64,
    #[serde(default)]
    default: bool,
}

impl Row {
    fn product(&self, language: Language) -> Product {
        let i = usize::from(language == Language::Fr);
        let money = |minor| Money::new(minor, Currency::Eur);
        Product {
            id: ProductId(self.id.clone()),
            language,
            title: self.title[i].clone(),
            description: self
                .description
                .as_ref()
                .map(|d| d[i].clone())
                .unwrap_or_default(),
            brand: self.brand.clone(),
            gtin: None,
            category: self.category[i].clone(),
            color: self.color.as_ref().map(|c| c[i].clone()),
            size: self.size.clone(),
            material: None,
            item_group_id: self.group_id.clone(),
            price: money(self.price),
            prior_price: self.prior.map(money),
            unit_price: self.unit.clone().map(|(m, text)| (money(m), text)),
            tax_rate_bp: self.tax,
            stock: self.stock,
            available: self.stock != Some(0),
            options: self
                .group
                .iter()
                .map(|g| OptionGroup {
                    name: g.name[i].clone(),
                    min: g.min,
                    max: g.max,
                    choices: g
                        .choices
                        .iter()
                        .map(|c| OptionChoice {
                            name: c.name[i].clone(),
                            aliases: c.alias.as_ref().map(|a| a[i].clone()).unwrap_or_default(),
                            price_delta: c.delta,
                            default: c.default,
                        })
                        .collect(),
                })
                .collect(),
            allergens: match &self.allergens {
                None => Allergens::Unknown,
                Some(a) if a[i].is_empty() => Allergens::None,
                Some(a) => Allergens::Contains(a[i].clone()),
            },
            ingredients: self.ingredients.as_ref().map(|t| t[i].clone()),
            min_age: self.min_age,
            location: self.location.as_ref().map(|t| t[i].clone()),
            warranty_months: self.warranty,
            details: self
                .details
                .iter()
                .map(|d| (d[i].clone(), d[2].clone()))
                .collect(),
            rating: self.rating,
            link: None,
        }
    }
}

#[derive(Clone, Deserialize)]
struct PastOrder {
    number: String,
    state: OrderState,
    lines: Vec<(String, u32)>,
    days_ago: i64,
    promised_in: Option<i64>,
    carrier: Option<(String, String)>,
    paid: bool,
}

/// The shop of the scripts.
#[derive(Clone)]
pub struct World {
    rows: Vec<Row>,
    pub orders: Vec<Order>,
    reserved: BTreeMap<Uuid, Cart>,
    pub placed: Vec<Purchase>,
    pub tickets: Vec<(String, String)>,
    pub returns: Vec<(Vec<String>, Option<String>)>,
    pub cancelled: Vec<Uuid>,
    pub down: bool,
    pub disk_full: bool,
    /// The backend acknowledges at once.
    pub acknowledges: bool,
    /// The backend has been away for too long.
    pub offline: bool,
    /// The shop rejects the next order as it comes.
    pub rejects_new: Option<String>,
    next_order: u128,
    wrong: u32,
    reserve_minutes: i64,
}

pub fn info() -> ShopInfo {
    static INFO: std::sync::LazyLock<ShopInfo> = std::sync::LazyLock::new(read_info);
    INFO.clone()
}

fn read_info() -> ShopInfo {
    let text = include_str!("shop.toml");
    let mut info = ShopInfo::from_toml(text, "").unwrap();
    #[derive(Deserialize)]
    struct Faqs {
        faq: Vec<comptoir::shop::info::Faq>,
    }
    info.faq = toml::from_str::<Faqs>(text).unwrap().faq;
    info
}

impl World {
    pub fn new(now: &Zoned) -> Self {
        // All conversations begin in the same shop: it is read once for each clock.
        static FIRST: std::sync::Mutex<Option<(Zoned, World)>> = std::sync::Mutex::new(None);
        let mut first = FIRST.lock().unwrap();
        match &*first {
            Some((at, world)) if at == now => world.clone(),
            _ => {
                let world = Self::read(now);
                *first = Some((now.clone(), world.clone()));
                world
            }
        }
    }

    fn read(now: &Zoned) -> Self {
        #[derive(Deserialize)]
        struct Catalog {
            product: Vec<Row>,
        }
        #[derive(Deserialize)]
        struct Orders {
            order: Vec<PastOrder>,
        }
        let rows = toml::from_str::<Catalog>(include_str!("catalog.toml"))
            .unwrap()
            .product;
        let past = toml::from_str::<Orders>(include_str!("orders.toml"))
            .unwrap()
            .order;
        let mut world = Self {
            rows,
            orders: Vec::new(),
            reserved: BTreeMap::new(),
            placed: Vec::new(),
            tickets: Vec::new(),
            returns: Vec::new(),
            cancelled: Vec::new(),
            down: false,
            disk_full: false,
            acknowledges: false,
            offline: false,
            rejects_new: None,
            next_order: 1,
            wrong: 0,
            reserve_minutes: 15,
        };
        world.orders = past
            .into_iter()
            .enumerate()
            .map(|(i, o)| Order {
                id: Uuid::from_u128(1000 + i as u128),
                number: OrderNumber(o.number),
                customer: Some("C1".into()),
                state: o.state,
                lines: o
                    .lines
                    .iter()
                    .map(|(id, n)| world.order_line(id, *n, Language::En, Vec::new(), None))
                    .collect(),
                discount: Money::default(),
                delivery_fee: Money::default(),
                fulfilment: Fulfilment::Delivery,
                payment: if o.paid {
                    PaymentState::Paid
                } else {
                    PaymentState::Unpaid
                },
                method: None,
                language: Language::En,
                created_at: now.checked_sub(o.days_ago.days()).unwrap().timestamp(),
                promised: o
                    .promised_in
                    .map(|d| now.date().checked_add(d.days()).unwrap()),
                carrier: o.carrier,
                events: Vec::new(),
                acknowledged_at: Some(now.timestamp()),
                payment_link: None,
            })
            .collect();
        world
    }

    fn order_line(
        &self,
        id: &str,
        n: u32,
        l: Language,
        options: Vec<String>,
        price: Option<Money>,
    ) -> OrderLine {
        let p = self.rows.iter().find(|r| r.id == id).unwrap().product(l);
        OrderLine {
            product: p.id.clone(),
            title: p.title.clone(),
            quantity: n,
            options,
            unit_price: price.unwrap_or(p.price),
            tax_rate_bp: p.tax_rate_bp,
            held_for_age: p.min_age.is_some(),
        }
    }

    pub fn set_price(&mut self, id: &str, minor: i64) {
        self.rows.iter_mut().find(|r| r.id == id).unwrap().price = minor;
    }

    pub fn set_stock(&mut self, id: &str, n: u32) {
        self.rows.iter_mut().find(|r| r.id == id).unwrap().stock = Some(n);
    }

    pub fn remove(&mut self, id: &str) {
        self.rows.retain(|r| r.id != id);
    }

    pub fn reject_last(&mut self, note: &str, at: jiff::Timestamp) {
        let order = self.orders.last_mut().unwrap();
        order.state = OrderState::Rejected;
        order.acknowledged_at = Some(at);
        order.events.push(comptoir::shop::order::OrderEvent {
            at,
            state: OrderState::Rejected,
            note: Some(note.to_owned()),
        });
    }

    pub fn short_reservations(&mut self) {
        self.reserve_minutes = 0;
    }

    /// The event that answers an effect, where one does.
    pub fn answer(&mut self, effect: &Effect, now: &Zoned) -> Option<Event> {
        match effect {
            Effect::Search { request, query } => Some(Event::Found {
                request: *request,
                found: (!self.down).then(|| self.search(query)),
            }),
            Effect::FindOrders { request, lookup } => Some(Event::Orders {
                request: *request,
                found: self.find_orders(lookup, now),
            }),
            Effect::FindPoints { request, number } => Some(Event::Points {
                request: *request,
                points: self
                    .orders
                    .iter()
                    .any(|o| o.number == *number && o.customer.is_some())
                    .then_some(340),
            }),
            Effect::Reserve { request, cart } => Some(self.reserve(*request, cart, now)),
            Effect::Release { order } => {
                self.reserved.remove(order);
                None
            }
            Effect::PlaceOrder { request, purchase } => {
                if self.disk_full {
                    return Some(Event::Placed {
                        request: *request,
                        result: Err(WriteRefusal::Failed),
                    });
                }
                assert!(
                    self.reserved.remove(&purchase.order).is_some(),
                    "placed without a reservation"
                );
                let order = self.write(purchase, now);
                self.placed.push((**purchase).clone());
                self.orders.push(order);
                if let Some(note) = self.rejects_new.take() {
                    self.reject_last(&note, now.timestamp());
                }
                let order = self.orders.last().cloned().unwrap();
                Some(Event::Placed {
                    request: *request,
                    result: Ok(Box::new(order)),
                })
            }
            Effect::CancelOrder { request, order } => {
                let o = self.orders.iter_mut().find(|o| o.id == *order).unwrap();
                let result = if o.state.can_cancel() {
                    o.state = OrderState::Cancelled;
                    self.cancelled.push(*order);
                    Ok(None)
                } else {
                    Err(WriteRefusal::NotAllowed)
                };
                Some(Event::Written {
                    request: *request,
                    result,
                })
            }
            Effect::RequestReturn {
                request,
                items,
                exchange_for,
                ..
            } => {
                self.returns.push((items.clone(), exchange_for.clone()));
                Some(Event::Written {
                    request: *request,
                    result: Ok(Some("R12".into())),
                })
            }
            Effect::OpenTicket {
                request,
                kind,
                story,
            } => {
                self.tickets.push((kind.clone(), story.clone()));
                Some(Event::Written {
                    request: *request,
                    result: Ok(Some("T34".into())),
                })
            }
            _ => None,
        }
    }

    fn write(&self, p: &Purchase, now: &Zoned) -> Order {
        Order {
            id: p.order,
            number: OrderNumber(format!("N{}X", self.placed.len() + 7)),
            customer: None,
            state: if self.acknowledges {
                OrderState::Accepted
            } else {
                OrderState::Received
            },
            lines: p
                .cart
                .lines
                .iter()
                .map(|l| {
                    self.order_line(
                        &l.product.0,
                        l.quantity,
                        p.language,
                        l.options.clone(),
                        Some(l.unit_price),
                    )
                })
                .collect(),
            discount: Money::default(),
            delivery_fee: p.delivery_fee,
            fulfilment: p.fulfilment,
            payment: PaymentState::Unpaid,
            method: Some(p.method),
            language: p.language,
            created_at: now.timestamp(),
            promised: None,
            carrier: None,
            events: Vec::new(),
            acknowledged_at: self.acknowledges.then(|| now.timestamp()),
            payment_link: None,
        }
    }

    fn reserve(&mut self, request: RequestId, cart: &Cart, now: &Zoned) -> Event {
        if self.offline {
            let result = Err(ReserveRefusal::Offline);
            return Event::Reserve { request, result };
        }
        for line in &cart.lines {
            let wanted: u32 = cart
                .lines
                .iter()
                .filter(|l| l.product == line.product)
                .map(|l| l.quantity)
                .sum();
            let Some(row) = self.rows.iter().find(|r| r.id == line.product.0) else {
                let result = Err(ReserveRefusal::Gone {
                    product: line.product.clone(),
                });
                return Event::Reserve { request, result };
            };
            if row.stock.is_some_and(|s| s < wanted) {
                let left = row.stock.unwrap_or(0);
                let result = Err(ReserveRefusal::Stock {
                    product: line.product.clone(),
                    left,
                });
                return Event::Reserve { request, result };
            }
            // In whichever language the line was made.
            let deltas: i64 = row
                .group
                .iter()
                .flat_map(|g| &g.choices)
                .filter(|c| c.name.iter().any(|n| line.options.contains(n)))
                .map(|c| c.delta)
                .sum();
            if row.price + deltas != line.unit_price.minor {
                let language = if row.title[1] == line.title {
                    Language::Fr
                } else {
                    Language::En
                };
                let product = Box::new(row.product(language));
                return Event::Reserve {
                    request,
                    result: Err(ReserveRefusal::Price { product }),
                };
            }
        }
        let order = Uuid::from_u128(self.next_order);
        self.next_order += 1;
        self.reserved.insert(order, cart.clone());
        let until = now.timestamp() + jiff::SignedDuration::from_mins(self.reserve_minutes);
        Event::Reserve {
            request,
            result: Ok(Reserved { order, until }),
        }
    }

    /// Reservations that nobody gave back.
    pub fn open_reservations(&self) -> usize {
        self.reserved.len()
    }

    fn find_orders(&mut self, lookup: &OrderLookup, now: &Zoned) -> OrdersFound {
        let mut own: Vec<Order> = self.orders.clone();
        own.sort_by_key(|o| std::cmp::Reverse(o.created_at));
        match lookup {
            OrderLookup::OwnSession { order } => {
                own.retain(|o| o.id == *order);
                OrdersFound::Known { list: own }
            }
            OrderLookup::SameCustomer { .. } => {
                own.retain(|o| o.customer.is_some());
                OrdersFound::Known { list: own }
            }
            OrderLookup::Number { number, second } => {
                if self.wrong >= 5 {
                    let until = now.timestamp() + jiff::SignedDuration::from_mins(15);
                    return OrdersFound::Locked { until };
                }
                let right = match second {
                    None => {
                        return OrdersFound::NeedsSecondFact {
                            number: number.clone(),
                        };
                    }
                    Some(SecondFact::PostCode(code)) => code == "69004",
                    Some(SecondFact::Pin(pin)) => pin == "2580",
                };
                own.retain(|o| o.number == *number && o.customer.is_some());
                if right && !own.is_empty() {
                    OrdersFound::Known { list: own }
                } else {
                    self.wrong += 1;
                    OrdersFound::NotFound
                }
            }
        }
    }

    fn search(&self, q: &SearchQuery) -> Found {
        let fold = |t: &str| -> Vec<String> {
            t.to_lowercase()
                .replace(['\'', '’', ','], " ")
                .split_whitespace()
                .filter(|w| w.len() > 2)
                .map(|w| w.trim_end_matches('s').to_owned())
                .collect()
        };
        let words = fold(&q.text);
        let mut hits: Vec<Hit> = Vec::new();
        for row in &self.rows {
            let p = row.product(q.language);
            let text = fold(&format!(
                "{} {} {}",
                p.title,
                p.description,
                p.category.join(" ")
            ));
            let in_title = fold(&p.title);
            let found = words.iter().filter(|w| text.contains(w)).count();
            let titled = words.iter().filter(|w| in_title.contains(w)).count();
            let fits = |want: &Option<String>, has: &Option<String>| {
                want.as_ref().is_none_or(|w| {
                    has.as_ref()
                        .is_some_and(|h| h.to_lowercase() == w.to_lowercase())
                })
            };
            let matched = if words.is_empty() {
                MatchKind::Filter
            } else if found == words.len() {
                MatchKind::Words
            } else if titled > 0 {
                MatchKind::SomeWords
            } else {
                continue;
            };
            let ok = (q.among.is_empty() || q.among.contains(&p.id))
                && q.item_group
                    .as_ref()
                    .is_none_or(|g| p.item_group_id.as_ref() == Some(g))
                && (!q.promoted_only || p.prior_price.is_some())
                && (!q.in_stock_only || p.can_sell(1))
                && fits(&q.color, &p.color)
                && (p.size.is_none() || fits(&q.size, &p.size))
                && q.max_price.is_none_or(|m| p.price.minor <= m.minor())
                && q.min_price.is_none_or(|m| p.price.minor >= m.minor())
                && q.category.as_ref().is_none_or(|c| p.category.contains(c));
            if ok {
                let share = if words.is_empty() {
                    0.5
                } else {
                    found as f32 / words.len() as f32
                };
                let exact = if in_title.len() == titled { 0.05 } else { 0.0 };
                hits.push(Hit {
                    product: p,
                    score: share * 0.9 + exact,
                    matched,
                });
            }
        }
        if hits.iter().any(|h| h.matched == MatchKind::Words) {
            hits.retain(|h| h.matched == MatchKind::Words);
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        match q.sort {
            Some(comptoir::nlu::slot::Sort::PriceAsc) => {
                hits.sort_by_key(|h| h.product.price.minor)
            }
            Some(comptoir::nlu::slot::Sort::PriceDesc) => {
                hits.sort_by_key(|h| std::cmp::Reverse(h.product.price.minor));
            }
            _ => {}
        }
        let total = hits.len();
        let mut relaxed = None;
        if hits.is_empty() && q.color.is_some() {
            let wider = SearchQuery {
                color: None,
                ..q.clone()
            };
            let found = self.search(&wider);
            relaxed = (!found.hits.is_empty()).then(|| "color".to_owned());
            return Found { relaxed, ..found };
        }
        hits.truncate(q.limit);
        Found {
            hits,
            total,
            relaxed,
        }
    }
}
