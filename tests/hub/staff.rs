//! Staff move orders on, and terminals are told.

use crate::support::{KEY, Shop, TOKEN, order, said};
use comptoir::hub::keys::HubKey;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_waits_is_told_at_once_and_in_order() {
    let shop = Shop::open().await;
    let (till, other) = (shop.terminal("till-1").await, shop.terminal("till-2").await);
    let message = order(1);
    let id = message.order.id;
    till.order(&message).await.ok();
    assert_eq!(
        till.get("/v1/events?after=0").await.ok(),
        json!({"events": []})
    );
    let waiting = {
        let till = till.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            (
                till.get("/v1/events?after=0&wait=20").await.ok(),
                begun.elapsed(),
            )
        })
    };
    tokio::time::sleep(Duration::from_millis(700)).await;
    let target = format!("/v1/admin/orders/{id}/status");
    let move_to = async |body: Value| shop.staff("POST", &target, body).await;
    let done = move_to(json!({"state": "accepted"})).await.ok();
    assert_eq!(done, json!({"changed": true, "version": 2}));
    let (page, took) = waiting.await.unwrap();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(page["events"][0]["state"], "accepted");
    assert_eq!(page["events"][0]["number"], 1);

    // The same again is nothing new; what does not follow is refused.
    assert_eq!(
        move_to(json!({"state": "accepted"})).await.ok()["changed"],
        false
    );
    move_to(json!({"state": "rejected", "note": "no oat milk left"}))
        .await
        .ok();
    move_to(json!({"state": "shipped"}))
        .await
        .refused(409, "state");
    let page = till.get("/v1/events?after=1").await.ok();
    assert_eq!(page["events"][0]["number"], 2);
    assert_eq!(page["events"][0]["version"], 3);
    assert_eq!(page["events"][0]["note"], "no oat milk left");
    // Others are not told of it.
    assert_eq!(other.get("/v1/events").await.ok(), json!({"events": []}));
    // Stock and prices are everybody's, and the catalog's.
    shop.products(&["tea", "milk"]).await;
    let changes = json!({"changes": [
        {"type": "stock", "product": "tea", "quantity": 3, "available": true},
        {"type": "price", "product": "tea", "price": {"minor": 300, "currency": "EUR"},
         "sale_price": {"minor": 250, "currency": "EUR"}},
        {"type": "stock", "product": "no-such", "available": false},
        {"type": "price", "product": "milk", "price": {"minor": 300, "currency": "GBP"}},
    ]});
    let done = shop.staff("POST", "/v1/admin/changes", changes).await.ok();
    assert_eq!(done["kept"], 2);
    let refused: Vec<_> = done["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["line"])
        .collect();
    assert_eq!(refused, [3, 4]);
    let page = other.get("/v1/events?wait=5").await.ok();
    let told: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            (
                e["type"].as_str().unwrap(),
                e["number"].as_u64().unwrap(),
                e["version"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("stock", 1, 1), ("price", 2, 2)]);
    let page = till.get("/v1/catalog?language=en").await.ok();
    let tea = page["products"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["id"] == "tea")
        .unwrap();
    assert_eq!(
        (&tea["quantity"], &tea["price"], &tea["sale_price"]),
        (&json!("3"), &json!("3.00 EUR"), &json!("2.50 EUR"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_terminals_wait_without_two_hundred_connections() {
    let shop = Shop::open().await;
    shop.products(&["tea"]).await;
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..200 {
        let till = shop.terminal(&format!("till-{n}")).await;
        waiting.spawn(async move { till.get("/v1/events?after=0&wait=30").await.ok() });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(waiting.len(), 200);
    let url = shop.scratch.as_ref().unwrap().postgres();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let row = client
        .query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'comptoir-hub'",
            &[],
        )
        .await
        .unwrap();
    let connections: i64 = row.get(0);
    assert!((1..=9).contains(&connections), "{connections} connections");
    connection.abort();
    // The shop is open for others meanwhile, and one change reaches all.
    let begun = Instant::now();
    let changes =
        json!({"changes": [{"type": "stock", "product": "tea", "quantity": 1, "available": true}]});
    shop.staff("POST", "/v1/admin/changes", changes).await.ok();
    while let Some(page) = waiting.join_next().await {
        assert_eq!(page.unwrap()["events"][0]["quantity"], 1);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_rotated_and_revoked() {
    let shop = Shop::open().await;
    let old = shop.terminal("till-1").await;
    let again = json!({"name": "till-1"});
    shop.staff("POST", "/v1/admin/terminals", again)
        .await
        .refused(409, "state");
    let odd = json!({"name": "Till 1"});
    shop.staff("POST", "/v1/admin/terminals", odd)
        .await
        .refused(400, "content");
    old.get("/v1/events").await.ok();
    let rotate = "/v1/admin/terminals/till-1/rotate";
    let told = shop
        .staff("POST", rotate, json!({"grace_s": 600}))
        .await
        .ok();
    let mut new = old.clone();
    new.0.secret = told["secret"].as_str().unwrap().into();
    assert_ne!(new.0.secret, old.0.secret);
    new.get("/v1/events").await.ok();
    old.get("/v1/events").await.ok();
    // Without grace the one before is over.
    let told = shop.staff("POST", rotate, json!({"grace_s": 0})).await.ok();
    new.get("/v1/events").await.refused(401, "signature");
    new.0.secret = told["secret"].as_str().unwrap().into();
    new.get("/v1/events").await.ok();
    let revoke = "/v1/admin/terminals/till-1/revoke";
    shop.staff("POST", revoke, Value::Null).await.ok();
    new.get("/v1/events").await.refused(401, "terminal");
    shop.staff("POST", "/v1/admin/terminals/nobody/revoke", Value::Null)
        .await
        .refused(404, "not_found");

    // The database holds no secret.
    let url = shop.scratch.as_ref().unwrap().postgres();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let row = client
        .query_one("SELECT t::text FROM hub.terminal t", &[])
        .await
        .unwrap();
    let text: String = row.get(0);
    assert!(text.contains("till-1") && !text.contains(&new.0.secret));
    connection.abort();
    // Another key is told apart.
    let other = HubKey::new(&KEY.to_uppercase()).unwrap();
    let e = shop.store.ready_for(&other).await.unwrap_err().to_string();
    assert!(e.contains("COMPTOIR_HUB_KEY"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_office_needs_its_token() {
    let shop = Shop::open().await;
    for token in [None, Some("another token, also long"), Some("")] {
        let mut request = shop.client.get(format!("{}/v1/admin/orders", shop.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let said = said(request.send().await.unwrap()).await;
        said.refused(401, "token");
        assert!(!said.text.contains(TOKEN));
    }
    let strange = shop.client.get(format!("{}/v1/nothing", shop.base));
    said(strange.send().await.unwrap())
        .await
        .refused(404, "not_found");
    let wrong = shop.client.delete(format!("{}/v1/orders", shop.base));
    said(wrong.send().await.unwrap())
        .await
        .refused(405, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_page_by_page() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    let mut placed = Vec::new();
    for n in 0..25 {
        let message = order(n);
        till.order(&message).await.ok();
        placed.push(message.order.id);
    }
    let mut read: Vec<Uuid> = Vec::new();
    let mut cursor = String::new();
    loop {
        let target = format!("/v1/admin/orders?limit=10&cursor={cursor}");
        let page = shop.staff("GET", &target, Value::Null).await.ok();
        let items = page["items"].as_array().unwrap();
        read.extend(
            items
                .iter()
                .map(|o| o["id"].as_str().unwrap().parse::<Uuid>().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    placed.reverse();
    assert_eq!(read, placed);
    let none = shop
        .staff("GET", "/v1/admin/orders?state=accepted", Value::Null)
        .await
        .ok();
    assert_eq!(none["items"], json!([]));
    shop.staff("GET", "/v1/admin/orders?state=odd", Value::Null)
        .await
        .refused(400, "content");
    shop.staff("GET", "/v1/admin/orders?cursor=x", Value::Null)
        .await
        .refused(400, "content");
}
