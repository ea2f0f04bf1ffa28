//! Load on a hub: terminals that wait for events, follow the catalog and place orders, and what
//! they saw. Latencies count from when a request was due, not from when it could be sent.

use crate::{
    lang::Language,
    shop::{
        money::{Currency, Money},
        order::{Fulfilment, Order, OrderLine, OrderNumber, OrderState, PaymentState},
        product::ProductId,
    },
    sync::{
        contract::{
            CatalogPage, EventPage, IDEMPOTENCY_KEY, OrderMessage, SEQUENCE, SIGNATURE, TERMINAL,
            TIMESTAMP,
        },
        signature::sign,
    },
};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

/// A terminal as a hub sees it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The connections.
    pub client: reqwest::Client,
    /// Where the hub is.
    pub base: String,
    /// The terminal's name.
    pub name: String,
    /// Its secret.
    pub secret: String,
}

impl Caller {
    /// A signed request; what `more` adds is not signed.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        message: Option<(Uuid, u64)>,
        body: &[u8],
    ) -> reqwest::Result<reqwest::Response> {
        let now = Timestamp::now().as_second();
        let signature = sign(self.secret.as_bytes(), now, method, target, body);
        let url = format!("{}{target}", self.base);
        let request = if method == "GET" {
            self.client.get(url)
        } else {
            self.client.post(url).body(body.to_vec())
        };
        let mut request = request
            .header(TERMINAL, &self.name)
            .header(TIMESTAMP, now)
            .header(SIGNATURE, signature)
            .header("content-type", "application/json");
        if let Some((key, sequence)) = message {
            request = request
                .header(IDEMPOTENCY_KEY, key.to_string())
                .header(SEQUENCE, sequence);
        }
        request.send().await
    }
}

/// An order of a few lines, made from a number.
#[must_use]
pub fn an_order(id: Uuid, random: u64, now: Timestamp) -> OrderMessage {
    let euros = |minor: i64| Money::new(minor, Currency::Eur);
    let count = 1 + random % 4;
    let lines: Vec<OrderLine> = (0..count)
        .map(|n| OrderLine {
            product: ProductId(format!("p{}", (random >> 8).wrapping_add(n) % 1_000)),
            title: format!("Product {}", n + 1),
            quantity: 1 + (random.rotate_right(n as u32 * 7) % 5) as u32,
            options: Vec::new(),
            unit_price: euros(1 + (random.rotate_left(n as u32 * 11) % 9_999) as i64),
            tax_rate_bp: 550,
            held_for_age: false,
        })
        .collect();
    let order = Order {
        id,
        number: OrderNumber(format!("{:06}", random % 1_000_000)),
        customer: None,
        state: OrderState::Received,
        lines,
        discount: euros(0),
        delivery_fee: euros(if random.is_multiple_of(3) { 390 } else { 0 }),
        fulfilment: Fulfilment::Pickup,
        payment: PaymentState::Unpaid,
        method: None,
        language: Language::En,
        created_at: now,
        promised: None,
        carrier: None,
        acknowledged_at: None,
        payment_link: None,
        events: Vec::new(),
    };
    let total = order.total();
    OrderMessage {
        order,
        total,
        service: None,
        wanted_at: None,
    }
}

/// How much load.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Terminals that wait for events and follow the catalog.
    pub terminals: usize,
    /// Orders a second, all terminals together.
    pub orders_per_s: u32,
    /// How long.
    pub seconds: u64,
    /// How often each terminal asks for what changed in the catalog, s.
    pub sync_every_s: u64,
}

/// Latencies of one kind of request, ms.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// How many.
    pub n: usize,
    /// Half are at most this.
    pub p50: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// 99 % are at most this.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Latency {
    fn of(mut ms: Vec<f64>) -> Self {
        ms.sort_by(f64::total_cmp);
        let rank = |p: f64| {
            let i = (p * ms.len() as f64).ceil() as usize;
            ms.get(i.max(1) - 1).copied().unwrap_or_default()
        };
        Self {
            n: ms.len(),
            p50: rank(0.5),
            p95: rank(0.95),
            p99: rank(0.99),
            max: ms.last().copied().unwrap_or_default(),
        }
    }
}

/// What the terminals saw.
#[derive(Debug, Default)]
pub struct Seen {
    latencies: Mutex<BTreeMap<&'static str, Vec<f64>>>,
    /// Orders that were acknowledged, with their totals.
    acknowledged: Mutex<BTreeMap<Uuid, i64>>,
    /// Events of each terminal, as numbered.
    events: Mutex<BTreeMap<String, Vec<u64>>>,
    retries: AtomicU64,
    refused: AtomicU64,
}

/// What the terminals saw, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// By kind of request.
    pub latency_ms: BTreeMap<&'static str, Latency>,
    /// Orders that were acknowledged.
    pub acknowledged: usize,
    /// Their sum in minor units.
    pub acknowledged_total: i64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Requests that were refused for good.
    pub refused: u64,
    /// Events that came, all terminals together.
    pub events: usize,
    /// Terminals that missed an event or got one twice.
    pub terminals_with_gaps: usize,
}

impl Seen {
    fn took(&self, kind: &'static str, since: Instant) {
        let mut all = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.entry(kind)
            .or_default()
            .push(since.elapsed().as_secs_f64() * 1000.0);
    }

    /// The orders that were acknowledged, with their totals.
    #[must_use]
    pub fn acknowledged(&self) -> BTreeMap<Uuid, i64> {
        let orders = self.acknowledged.lock();
        orders.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> Account {
        let latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let orders = self.acknowledged();
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |numbers: &Vec<u64>| (1u64..).zip(numbers).all(|(n, m)| n == *m);
        Account {
            latency_ms: latencies
                .iter()
                .map(|(kind, ms)| (*kind, Latency::of(ms.clone())))
                .collect(),
            acknowledged: orders.len(),
            acknowledged_total: orders.values().sum(),
            retries: self.retries.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            events: events.values().map(Vec::len).sum(),
            terminals_with_gaps: events.values().filter(|n| !whole(n)).count(),
        }
    }
}

/// Places one order, and again until it is acknowledged or refused for good. Returns whether it
/// was acknowledged.
pub async fn place(caller: &Caller, message: &OrderMessage, seen: &Seen, until: Instant) -> bool {
    let Ok(body) = serde_json::to_vec(message) else {
        return false;
    };
    let id = message.order.id;
    let mut pause = Duration::from_millis(20);
    loop {
        match caller
            .send("POST", "/v1/orders", Some((id, 1)), &body)
            .await
        {
            Ok(answer) if answer.status().is_success() => {
                let mut orders = seen
                    .acknowledged
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                orders.insert(id, message.total.minor);
                return true;
            }
            Ok(answer) if answer.status().is_client_error() => {
                seen.refused.fetch_add(1, Ordering::Relaxed);
                let status = answer.status();
                let text = answer.text().await.unwrap_or_default();
                tracing::warn!("load: an order was refused: {status} {text}");
                return false;
            }
            // Busy, cut off, or not there at the moment: the same again.
            _ => {
                seen.retries.fetch_add(1, Ordering::Relaxed);
                if Instant::now() >= until {
                    return false;
                }
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
        }
    }
}

/// Runs the load.
pub async fn run(callers: Vec<Caller>, plan: &Plan, random: u64) -> Arc<Seen> {
    let seen = Arc::new(Seen::default());
    let begun = Instant::now();
    let ends = begun + Duration::from_secs(plan.seconds);
    let mut tasks = JoinSet::new();
    for (n, caller) in callers.iter().enumerate() {
        let spread = plan.sync_every_s as f64 * n as f64 / callers.len().max(1) as f64;
        let (caller, seen) = (caller.clone(), Arc::clone(&seen));
        let every = Duration::from_secs(plan.sync_every_s.max(1));
        tasks.spawn(follow_events(caller.clone(), Arc::clone(&seen), ends));
        tasks.spawn(follow_catalog(
            caller,
            seen,
            begun + Duration::from_secs_f64(spread),
            every,
            ends,
        ));
    }
    let total = u64::from(plan.orders_per_s) * plan.seconds;
    let (sender, mut placed) = mpsc::unbounded_channel::<()>();
    for n in 0..total {
        let due = begun + Duration::from_secs_f64(n as f64 / f64::from(plan.orders_per_s));
        sleep_until(due).await;
        let Some(caller) = callers.get(n as usize % callers.len().max(1)).cloned() else {
            break;
        };
        let (seen, done) = (Arc::clone(&seen), sender.clone());
        let mut rng = fastrand::Rng::with_seed(random.wrapping_add(n));
        tasks.spawn(async move {
            let order = an_order(Uuid::now_v7(), rng.u64(..), Timestamp::now());
            if place(&caller, &order, &seen, ends + Duration::from_secs(30)).await {
                seen.took("order", due);
            }
            drop(done);
        });
    }
    drop(sender);
    while placed.recv().await.is_some() {}
    while tasks.join_next().await.is_some() {}
    seen
}

/// Waits for events, again and again.
async fn follow_events(caller: Caller, seen: Arc<Seen>, ends: Instant) {
    let mut after = 0;
    loop {
        let left = ends.saturating_duration_since(Instant::now()).as_secs();
        let target = format!("/v1/events?after={after}&wait={}", left.min(20));
        let page: Option<EventPage> = match caller.send("GET", &target, None, b"").await {
            Ok(answer) if answer.status().is_success() => answer.json().await.ok(),
            _ => None,
        };
        match page {
            Some(page) => {
                let mut events = seen.events.lock().unwrap_or_else(PoisonError::into_inner);
                let mine = events.entry(caller.name.clone()).or_default();
                mine.extend(page.events.iter().map(|e| e.number));
                after = mine.last().copied().unwrap_or(after);
            }
            None => {
                seen.retries.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(200)).await;
            }
        }
        if Instant::now() >= ends {
            return;
        }
    }
}

/// Takes the whole catalog, then what changed, again and again.
async fn follow_catalog(
    caller: Caller,
    seen: Arc<Seen>,
    first: Instant,
    every: Duration,
    ends: Instant,
) {
    let mut due = first;
    let mut cursor = String::new();
    while due < ends {
        sleep_until(due).await;
        let kind = if cursor.is_empty() {
            "catalog, whole, a page"
        } else {
            "catalog, changes"
        };
        let mut asked = due;
        loop {
            let target = format!("/v1/catalog?language=en&limit=500&cursor={cursor}");
            let page: Option<CatalogPage> = match caller.send("GET", &target, None, b"").await {
                Ok(answer) if answer.status().is_success() => answer.json().await.ok(),
                _ => None,
            };
            let Some(page) = page else {
                seen.retries.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(200)).await;
                if Instant::now() >= ends {
                    return;
                }
                continue;
            };
            seen.took(kind, asked);
            asked = Instant::now();
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
        due = (due + every).max(Instant::now());
    }
}
