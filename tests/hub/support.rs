//! A hub on a PostgreSQL of its own, and terminals and staff who talk to it. Every answer that
//! they get is held against `docs/backend.openapi.json`.

use comptoir::{
    hub::{
        keys::HubKey,
        load::{Caller, an_order},
        scratch::Scratch,
        serve::{self, Hub, Serving},
        store::HubStore,
    },
    sync::contract::OrderMessage,
};
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const KEY: &str = "a key that is long enough to be one";
pub const TOKEN: &str = "a token that is long enough";

/// An answer, and how it came.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: StatusCode,
    pub body: Value,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Said {
    /// The word of a refusal.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.body
    }

    #[track_caller]
    pub fn refused(&self, status: u16, kind: &str) {
        assert_eq!(
            (self.status.as_u16(), self.kind()),
            (status, kind),
            "{}",
            self.text
        );
        if status == 503 {
            assert!(self.headers.contains_key("retry-after"));
        }
    }
}

/// PostgreSQL, or what to install.
pub async fn postgres() -> Scratch {
    tokio::task::spawn_blocking(Scratch::start)
        .await
        .unwrap()
        .unwrap_or_else(|e| panic!("{e}"))
}

/// A hub that serves in this process.
pub struct Shop {
    pub store: HubStore,
    pub base: String,
    pub client: reqwest::Client,
    pub scratch: Option<Scratch>,
    pub ending: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

/// How the tests' hubs serve, unless they say otherwise.
pub fn serving() -> Serving {
    Serving {
        key: HubKey::new(KEY).unwrap(),
        admin: Some(Sha256::digest(TOKEN).into()),
        public_url: String::new(),
        at_once: 64,
        clients: 2_000,
        deadline: Duration::from_secs(10),
        drain: Duration::from_secs(5),
        auto_accept: false,
        payment: Duration::from_secs(600),
    }
}

impl Shop {
    pub async fn open() -> Self {
        Self::serving(serving()).await
    }

    pub async fn serving(mut how: Serving) -> Self {
        // What the hub says of its own failures, for who reads a failed test.
        comptoir::cli::log(0);
        let scratch = postgres().await;
        let store = HubStore::open(&scratch.postgres(), 8, 10_000).unwrap();
        store.migrate(Timestamp::now()).await.unwrap();
        store.ready_for(&how.key).await.unwrap();
        let (listener, bound) = serve::listen("127.0.0.1:0").await.unwrap();
        let base = format!("http://{bound}");
        how.public_url.clone_from(&base);
        let hub = Hub::new(store.clone(), how);
        let ending = CancellationToken::new();
        let told = ending.clone();
        let serving = tokio::spawn(async move {
            hub.serve(listener, async move { told.cancelled().await })
                .await
                .unwrap();
        });
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self {
            store,
            base,
            client,
            scratch: Some(scratch),
            ending,
            serving: Some(serving),
        }
    }

    /// Ends the hub; whether it ended by itself.
    pub async fn end(&mut self) -> bool {
        self.ending.cancel();
        let serving = self.serving.take().unwrap();
        tokio::time::timeout(Duration::from_secs(20), serving)
            .await
            .is_ok_and(|r| r.is_ok())
    }

    /// A terminal that was just added.
    pub async fn terminal(&self, name: &str) -> Till {
        let secret = self
            .staff("POST", "/v1/admin/terminals", json!({"name": name}))
            .await
            .ok();
        Till(Caller {
            client: self.client.clone(),
            base: self.base.clone(),
            name: name.into(),
            secret: secret["secret"].as_str().unwrap().into(),
        })
    }

    /// What staff ask.
    pub async fn staff(&self, method: &str, target: &str, body: Value) -> Said {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{}{target}", self.base))
            .bearer_auth(TOKEN);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let said = said(request.send().await.unwrap()).await;
        holds(method, target, &body, &said);
        said
    }

    /// Products with these ids, in English.
    pub async fn products(&self, ids: &[&str]) {
        let products: Vec<Value> = ids.iter().map(|id| product(id, "3.50 EUR")).collect();
        self.staff(
            "PUT",
            "/v1/admin/products?language=en",
            json!({"products": products}),
        )
        .await
        .ok();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

pub fn product(id: &str, price: &str) -> Value {
    json!({"id": id, "title": format!("The {id}"), "price": price, "availability": "in_stock",
           "quantity": "12"})
}

/// A terminal.
#[derive(Clone)]
pub struct Till(pub Caller);

impl Till {
    /// A message about a subject: its key, and its place.
    pub async fn post(&self, target: &str, message: (Uuid, u64), body: &Value) -> Said {
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body).unwrap()
        };
        let answer = self.0.send("POST", target, Some(message), &bytes).await;
        let said = said(answer.unwrap()).await;
        holds("POST", target, body, &said);
        said
    }

    pub async fn get(&self, target: &str) -> Said {
        let said = said(self.0.send("GET", target, None, b"").await.unwrap()).await;
        holds("GET", target, &Value::Null, &said);
        said
    }

    /// Places an order.
    pub async fn order(&self, order: &OrderMessage) -> Said {
        let body = serde_json::to_value(order).unwrap();
        self.post("/v1/orders", (order.order.id, 1), &body).await
    }
}

pub fn order(random: u64) -> OrderMessage {
    an_order(Uuid::now_v7(), random, Timestamp::now())
}

pub async fn said(answer: reqwest::Response) -> Said {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Said {
        status,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
        headers,
    }
}

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../docs/backend.openapi.json")).unwrap()
});

/// The operations and statuses that were seen in this process.
pub static SEEN: Mutex<Vec<(String, String, u16)>> = Mutex::new(Vec::new());

static VALIDATORS: LazyLock<Mutex<HashMap<String, jsonschema::Validator>>> =
    LazyLock::new(Mutex::default);

/// The document's path that a target is of.
fn path_of(target: &str) -> String {
    let path = target.split('?').next().unwrap();
    let parts: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths
        .keys()
        .find(|known| {
            let known: Vec<&str> = known.split('/').collect();
            known.len() == parts.len()
                && known
                    .iter()
                    .zip(&parts)
                    .all(|(k, p)| k == p || k.starts_with('{'))
        })
        .unwrap_or_else(|| panic!("expected {path} in the document"))
        .clone()
}

/// Holds an exchange against the document.
#[track_caller]
pub fn holds(method: &str, target: &str, body: &Value, said: &Said) {
    let path = path_of(target);
    let operation = &DOCUMENT["paths"][&path][method.to_lowercase()];
    assert!(
        operation.is_object(),
        "expected {method} {path} in the document"
    );
    let status = said.status.as_u16();
    SEEN.lock()
        .unwrap()
        .push((method.to_lowercase(), path.clone(), status));
    if said.status.is_success() && !body.is_null() {
        let at = "requestBody/content/application~1json/schema";
        valid(&path, operation.pointer(&format!("/{at}")), body);
    }
    let mut response = &operation["responses"][status.to_string()];
    if let Some(shared) = response["$ref"].as_str() {
        response = DOCUMENT.pointer(&shared[1..]).unwrap();
    }
    assert!(
        response.is_object(),
        "expected {status} among the answers of {method} {path}: {}",
        said.text
    );
    let kind = said.headers["content-type"].to_str().unwrap();
    let kind = kind.split(';').next().unwrap();
    let schema = &response["content"][kind]["schema"];
    assert!(
        schema.is_object(),
        "expected {kind} of {method} {path} {status}"
    );
    if kind.ends_with("json") {
        valid(&path, Some(schema), &said.body);
    }
}

#[track_caller]
pub fn valid(place: &str, schema: Option<&Value>, value: &Value) {
    let schema = schema.unwrap_or_else(|| panic!("expected a schema of {place}"));
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": DOCUMENT["components"],
        });
        jsonschema::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap()
    });
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{place}: {wrong:?}\n{value}");
}
