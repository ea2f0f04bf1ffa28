//! A shop's backend that does what the contract says, over a network that does what networks
//! do; and a data folder with orders for it.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use comptoir::{
    dialogue::effect::Purchase,
    lang::Language,
    nlu::slot::Method as Pay,
    settings::Backend,
    shop::{
        cart::{Cart, CartLine},
        feed::{FeedFile, import},
        order::{Fulfilment, Order, OrderState},
        product::ProductId,
        store::Store,
    },
    sync::{
        client::BackendClient,
        contract::{
            IDEMPOTENCY_KEY, OrderMessage, PaymentLink, Problem, Receipt, SEQUENCE, SIGNATURE,
            ShopEvent, TERMINAL, TIMESTAMP,
        },
        courier::{Courier, Shelf, World},
        signature,
    },
};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

pub const SECRET: &str = "a secret of the tests";
pub const TERMINAL_NAME: &str = "till-1";

/// What the network, or the backend, does to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It does not get there: the connection is cut before the backend has read it.
    Lost,
    /// The backend has it; its answer is cut in mid-body.
    CutAnswer,
    /// The backend has it; its answer comes after the deadline.
    Slow,
    /// It gets there twice.
    Twice,
    /// The backend fails before it has it.
    Fails,
    /// The backend has it, and fails at the answer.
    FailsAfter,
    /// This status, with this header.
    Says(u16, Option<(&'static str, String)>),
    /// A problem of this kind.
    Problem(u16, &'static str),
}

/// What the backend has.
#[derive(Default)]
pub struct Kept {
    pub orders: BTreeMap<Uuid, OrderMessage>,
    pub cancelled: Vec<Uuid>,
    /// Path and key of all that was taken, in order, each once.
    pub taken: Vec<(String, Uuid)>,
    answers: HashMap<Uuid, (u16, String)>,
    places: HashMap<String, u64>,
    /// Requests that got there, also those that were known.
    pub requests: usize,
    pub faults: VecDeque<Fault>,
    /// Out of 100, how many requests meet a fault at random.
    pub trouble: u64,
    random: fastrand::Rng,
    pub events: Vec<ShopEvent>,
    /// What is wrong with what came: nothing may be.
    pub complaints: Vec<String>,
}

/// A backend that serves.
pub struct Shop {
    pub at: SocketAddr,
    pub kept: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

impl Shop {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0".parse().unwrap(), Arc::default()).await
    }

    pub async fn open_at(at: SocketAddr, kept: Arc<Mutex<Kept>>) -> Self {
        let listener = tokio::net::TcpListener::bind(at).await.unwrap();
        let at = listener.local_addr().unwrap();
        let routes = Router::new().fallback(take).with_state(kept.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { at, kept, task }
    }

    /// Goes away. What it has stays.
    pub fn close(self) -> Arc<Mutex<Kept>> {
        self.task.abort();
        self.kept
    }

    pub fn settings(&self) -> Backend {
        settings(self.at)
    }

    pub fn has(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

pub fn settings(at: SocketAddr) -> Backend {
    Backend {
        url: format!("http://{at}/shop"),
        terminal: TERMINAL_NAME.to_owned(),
        secret: comptoir::settings::Secret::new(SECRET),
        deadline_ms: 400,
        poll_s: 0,
        ..Backend::default()
    }
}

async fn take(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = {
        let mut kept = kept.lock().unwrap();
        kept.requests += 1;
        kept.fault()
    };
    match fault {
        Some(Fault::Lost) => return cut(""),
        Some(Fault::Fails) => return (StatusCode::INTERNAL_SERVER_ERROR, "oh").into_response(),
        Some(Fault::Problem(status, kind)) => {
            let (status, text) = problem(status, kind);
            return (StatusCode::from_u16(status).unwrap(), text).into_response();
        }
        Some(Fault::Says(status, header)) => {
            let mut response = Response::new(Body::from("no"));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            return response;
        }
        _ => {}
    }
    let answer = |kept: &Mutex<Kept>| {
        let mut kept = kept.lock().unwrap();
        kept.answer(&method, &uri, &headers, &body)
    };
    let (mut status, mut text) = answer(&kept);
    if fault == Some(Fault::Twice) {
        (status, text) = answer(&kept);
    }
    match fault {
        Some(Fault::CutAnswer) => cut(&text),
        Some(Fault::FailsAfter) => (StatusCode::BAD_GATEWAY, "oh").into_response(),
        Some(Fault::Slow) => {
            tokio::time::sleep(Duration::from_millis(700)).await;
            (StatusCode::from_u16(status).unwrap(), text).into_response()
        }
        _ => (StatusCode::from_u16(status).unwrap(), text).into_response(),
    }
}

/// An answer that breaks off in the middle: more was promised than comes.
fn cut(text: &str) -> Response {
    let start = text[..text.len() / 2].to_owned();
    let broken = Err(std::io::Error::other("cut"));
    let body = Body::from_stream(stream::iter([Ok(start), broken]));
    let mut response = Response::new(body);
    let length = (text.len() + 10).to_string();
    response
        .headers_mut()
        .insert("content-length", length.parse().unwrap());
    response
}

impl Kept {
    fn fault(&mut self) -> Option<Fault> {
        if let Some(fault) = self.faults.pop_front() {
            return Some(fault);
        }
        if self.random.u64(..100) >= self.trouble {
            return None;
        }
        let all = [
            Fault::Lost,
            Fault::CutAnswer,
            Fault::Slow,
            Fault::Twice,
            Fault::Fails,
            Fault::FailsAfter,
            Fault::Says(409, None),
            Fault::Says(429, None),
        ];
        Some(all[self.random.usize(..all.len())].clone())
    }

    fn answer(
        &mut self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> (u16, String) {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let target = uri.path_and_query().unwrap().as_str();
        let at: i64 = header(TIMESTAMP).unwrap_or("0").parse().unwrap();
        let signed = (header(SIGNATURE), header(TIMESTAMP));
        let believed = signature::check(
            SECRET.as_bytes(),
            signed,
            at,
            (method.as_str(), target),
            body,
        );
        if believed.is_err() || header(TERMINAL) != Some(TERMINAL_NAME) {
            self.complaints.push(format!("{target}: {believed:?}"));
            return problem(401, "signature");
        }
        let path = uri.path().strip_prefix("/shop").unwrap_or("?").to_owned();
        if method == Method::GET {
            return self.get(&path, uri.query().unwrap_or_default());
        }
        let key: Uuid = header(IDEMPOTENCY_KEY).unwrap().parse().unwrap();
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let place: u64 = header(SEQUENCE).unwrap().parse().unwrap();
        let subject = subject(&path, body);
        let last = self.places.entry(subject).or_default();
        if place != *last + 1 {
            return problem(409, "sequence");
        }
        *last = place;
        let answer = self.write(&path, body, key);
        self.taken.push((path, key));
        self.answers.insert(key, answer.clone());
        answer
    }

    fn write(&mut self, path: &str, body: &[u8], key: Uuid) -> (u16, String) {
        let mut state = None;
        if path == "/v1/orders" {
            let message: OrderMessage = serde_json::from_slice(body).unwrap();
            if message.order.id != key || message.order.total() != message.total {
                self.complaints.push(format!("{message:?}"));
            }
            if self.orders.insert(key, message).is_some() {
                self.complaints.push(format!("{key} twice"));
            }
            state = Some(OrderState::Accepted);
        } else if let Some(order) = path.strip_suffix("/cancel") {
            let id = order.rsplit('/').next().unwrap().parse().unwrap();
            self.cancelled.push(id);
            state = Some(OrderState::Cancelled);
        } else if path.ends_with("/payment-link") {
            let link = PaymentLink {
                url: format!("https://pay.example{path}"),
                expires_at: Timestamp::now() + SignedDuration::from_hours(1),
            };
            return (201, serde_json::to_string(&link).unwrap());
        }
        let receipt = Receipt { state, note: None };
        (201, serde_json::to_string(&receipt).unwrap())
    }

    fn get(&self, path: &str, query: &str) -> (u16, String) {
        let field = |name: &str| {
            let value = query.split('&').find_map(|f| f.strip_prefix(name))?;
            Some(value.strip_prefix('=')?.to_owned())
        };
        match path {
            "/v1/events" => {
                let after: u64 = field("after").unwrap().parse().unwrap();
                let events: Vec<_> = self.events.iter().filter(|e| e.number > after).collect();
                (200, serde_json::json!({ "events": events }).to_string())
            }
            "/v1/customers" if field("email").is_some_and(|e| e.contains("camille")) => (
                200,
                r#"{"id":"K9","name":"Camille","points":120}"#.to_owned(),
            ),
            _ => problem(404, "not_found"),
        }
    }
}

fn subject(path: &str, body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    match path {
        "/v1/orders" => field("id"),
        "/v1/returns" | "/v1/tickets" | "/v1/feedback" => field("reference"),
        _ => path.split('/').nth(3).unwrap_or_default().to_owned(),
    }
}

fn problem(status: u16, kind: &str) -> (u16, String) {
    let problem = Problem {
        kind: kind.to_owned(),
        detail: "expected otherwise".to_owned(),
    };
    (status, serde_json::to_string(&problem).unwrap())
}

/// A clock that the test moves, and numbers that look random and are the same each time.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(Timestamp::now().as_millisecond())))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub fn move_by(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    pub fn world(&self) -> World {
        let (clock, random) = (self.clone(), AtomicU64::new(1));
        World {
            now: Arc::new(move || clock.now()),
            random: Arc::new(move || {
                let n = random.fetch_add(1, Ordering::SeqCst);
                n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            }),
        }
    }
}

pub fn courier(backend: &Backend, folder: &Path, clock: &Clock) -> (Courier, Shelf) {
    let shelf = Shelf::new(Store::open(folder).unwrap());
    let client = BackendClient::new(backend).unwrap();
    let courier = Courier::new(client, shelf.clone(), clock.world());
    (courier, shelf)
}

/// A data folder with two products that never run out.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let feed = folder.path().join("products.en.tsv");
    std::fs::write(
        &feed,
        "id\ttitle\tprice\tavailability\ttax_rate\n\
         tea\tCup of tea\t2.35 EUR\tin_stock\t10\n\
         cake\tSlice of cake\t4.10 EUR\tin_stock\t5.5\n",
    )
    .unwrap();
    let feeds = [FeedFile::new(feed, Language::En)];
    import(folder.path(), &feeds, None, Timestamp::now()).unwrap();
    folder
}

/// Confirms an order.
pub fn order(store: &mut Store, n: u128, method: Pay, now: Timestamp) -> Order {
    let line = |id: &str, quantity| {
        let id = ProductId(id.to_owned());
        let row = store.product(&id, Language::En, now).unwrap().unwrap();
        CartLine {
            product: id,
            title: row.title,
            quantity,
            options: Vec::new(),
            unit_price: row.price,
            tax_rate_bp: row.tax_rate_bp,
            min_age: None,
        }
    };
    let lines = vec![
        line("tea", 1 + (n % 4) as u32),
        line("cake", 1 + (n % 3) as u32),
    ];
    let cart = Cart { lines };
    let id = Uuid::from_u128(0x4000_8000_0000_0000_0000 + n);
    let keep = SignedDuration::from_mins(5);
    store.reserve(id, &cart, keep, now).unwrap().unwrap();
    let purchase = Purchase {
        order: id,
        total: cart.total(),
        delivery_fee: comptoir::shop::money::Money::new(0, cart.total().currency),
        cart,
        fulfilment: Fulfilment::Pickup,
        method,
        language: Language::En,
        service: None,
        wanted_at: None,
    };
    store.place_order(&purchase, n as u64, now).unwrap()
}
