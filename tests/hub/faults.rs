//! What breaks: the hub is killed, PostgreSQL crashes, there are too many at once. Whatever was
//! acknowledged is there once, to the cent.

use crate::support::{KEY, Shop, TOKEN, order, postgres, said, serving};
use comptoir::hub::{
    load::{Caller, Seen, an_order, place},
    serve::Serving,
    store::HubStore,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// The program as a hub, on a port that stays the same.
struct Process {
    child: Child,
    base: String,
}

impl Process {
    fn start(url: &str, listen: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args(["hub", "serve", "--migrate", "--json", "--listen", listen])
            .env("COMPTOIR_HUB_DATABASE_URL", url)
            .env("COMPTOIR_HUB_KEY", KEY)
            .env("COMPTOIR_HUB_ADMIN_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut told)
            .unwrap();
        let told: Value = serde_json::from_str(&told)
            .unwrap_or_else(|e| panic!("expected the hub to begin: {e}: {told}"));
        let base = told["listening"].as_str().unwrap().to_owned();
        Self { child, base }
    }

    /// kill -9.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_orders_survive_kill_9_and_crashes_of_postgresql() {
    const ORDERS: u64 = 500;
    let mut scratch = postgres().await;
    let url = scratch.postgres();
    let (process, listen) = tokio::task::spawn_blocking({
        let url = url.clone();
        move || {
            let process = Process::start(&url, "127.0.0.1:0");
            let listen = process.base.replace("http://", "");
            (process, listen)
        }
    })
    .await
    .unwrap();
    let base = process.base.clone();
    let process = Arc::new(Mutex::new(process));
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        .build()
        .unwrap();
    let mut callers = Vec::new();
    for n in 0..8 {
        let name = format!("till-{n}");
        let answer = client
            .post(format!("{base}/v1/admin/terminals"))
            .bearer_auth(TOKEN)
            .json(&json!({"name": name}))
            .send()
            .await
            .unwrap();
        let secret = said(answer).await.ok();
        callers.push(Caller {
            client: client.clone(),
            base: base.clone(),
            name,
            secret: secret["secret"].as_str().unwrap().into(),
        });
    }
    let seen = Arc::new(Seen::default());
    let until = Instant::now() + Duration::from_secs(240);
    let mut rng = fastrand::Rng::with_seed(20);
    let mut tills = tokio::task::JoinSet::new();
    for (n, caller) in callers.into_iter().enumerate() {
        let (seen, mut rng) = (Arc::clone(&seen), rng.fork());
        tills.spawn(async move {
            let mut made = Vec::new();
            for m in 0..ORDERS {
                if m as usize % 8 != n {
                    continue;
                }
                let order = an_order(Uuid::now_v7(), rng.u64(..), Timestamp::now());
                assert!(
                    place(&caller, &order, &seen, until).await,
                    "an order never got through"
                );
                made.push((order.order.id, order.total.minor));
                // Impatient tills send again what was acknowledged.
                if rng.u8(..4) == 0 {
                    place(&caller, &order, &seen, until).await;
                }
                tokio::time::sleep(Duration::from_millis(rng.u64(..120))).await;
            }
            made
        });
    }
    // While they order: five kills of the hub and two crashes of PostgreSQL, at random points.
    let breaking = tokio::task::spawn_blocking({
        let (process, url) = (Arc::clone(&process), url.clone());
        move || {
            let mut broke = 0;
            for n in 0..7 {
                std::thread::sleep(Duration::from_millis(rng.u64(200..1_200)));
                if n % 3 == 2 {
                    scratch.crash_and_restart().unwrap();
                } else {
                    let mut process = process.lock().unwrap();
                    process.kill();
                    *process = Process::start(&url, &listen);
                }
                broke += 1;
            }
            (scratch, broke)
        }
    });
    let mut made = Vec::new();
    while let Some(some) = tills.join_next().await {
        made.extend(some.unwrap());
    }
    let (scratch, broke) = breaking.await.unwrap();
    assert_eq!((made.len() as u64, broke), (ORDERS, 7));
    let account = seen.account();
    assert_eq!(account.acknowledged, made.len());
    assert!(
        account.retries > 0,
        "expected that something broke while they ordered"
    );
    let store = HubStore::open(&url, 2, 10_000).unwrap();
    let sum: i64 = made.iter().map(|(_, total)| total).sum();
    assert_eq!(store.order_sums().await.unwrap(), (ORDERS as i64, sum));
    for (id, total) in &made {
        let order = store.order(*id).await.unwrap().unwrap();
        assert_eq!(order.message["total"]["minor"], *total);
        assert_eq!(order.events.len(), 1);
    }
    println!("{} requests were sent again", account.retries);
    drop(process);
    tokio::task::spawn_blocking(move || drop(scratch))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_the_hub_says_so_and_goes_on_when_it_is_back() {
    let mut shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    till.get("/v1/events").await.ok();
    let mut scratch = shop.scratch.take().unwrap();
    let waiting = {
        let till = till.clone();
        tokio::spawn(async move { till.get("/v1/events?wait=30").await })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut scratch = tokio::task::spawn_blocking(move || {
        scratch.stop();
        scratch
    })
    .await
    .unwrap();
    let message = order(1);
    till.order(&message).await.refused(503, "busy");
    let get = async |path: &str| {
        said(
            shop.client
                .get(format!("{}{path}", shop.base))
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    get("/readyz").await.refused(503, "busy");
    get("/healthz").await.ok();
    let scratch = tokio::task::spawn_blocking(move || {
        scratch.begin().unwrap();
        scratch
    })
    .await
    .unwrap();
    let begun = Instant::now();
    while till.order(&message).await.status.as_u16() == 503 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    get("/readyz").await.ok();
    // Who waited through it is told as well, once somebody listens again.
    let target = format!("/v1/admin/orders/{}/status", message.order.id);
    shop.staff("POST", &target, json!({"state": "accepted"}))
        .await
        .ok();
    let page = waiting.await.unwrap();
    if page.status.is_success() {
        assert_eq!(page.body["events"][0]["state"], "accepted");
        assert!(begun.elapsed() < Duration::from_secs(25));
    } else {
        page.refused(503, "busy");
    }
    tokio::task::spawn_blocking(move || drop(scratch))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_told_to_come_again() {
    let shop = Shop::serving(Serving {
        at_once: 1,
        ..serving()
    })
    .await;
    let till = shop.terminal("till-1").await;
    // Somebody holds the only place: an order that waits for a lock.
    let url = shop.scratch.as_ref().unwrap().postgres();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client
        .batch_execute("BEGIN; LOCK TABLE hub.order_id IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let (first, second) = (order(1), order(2));
    let held = {
        let (till, first) = (till.clone(), first.clone());
        tokio::spawn(async move { till.order(&first).await })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    till.order(&second).await.refused(503, "busy");
    client.batch_execute("ROLLBACK").await.unwrap();
    held.await.unwrap().ok();
    till.order(&second).await.ok();
    connection.abort();
    assert_eq!(shop.store.order_sums().await.unwrap().0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_the_hub_ends_what_it_began() {
    let mut shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    till.get("/v1/events").await.ok();
    let url = shop.scratch.as_ref().unwrap().postgres();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client
        .batch_execute("BEGIN; LOCK TABLE hub.order_id IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let begun = {
        let (till, message) = (till.clone(), order(1));
        tokio::spawn(async move { till.order(&message).await })
    };
    let waiting = {
        let till = till.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            (till.get("/v1/events?wait=30").await, begun.elapsed())
        })
    };
    tokio::time::sleep(Duration::from_millis(800)).await;
    shop.ending.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    begun.await.unwrap().ok();
    let (page, took) = waiting.await.unwrap();
    assert_eq!(page.ok(), json!({"events": []}));
    assert!(took < Duration::from_secs(10));
    assert!(shop.end().await, "expected the hub to end by itself");
    connection.abort();
}
