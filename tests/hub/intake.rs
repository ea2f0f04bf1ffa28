//! Orders and other messages: once, in order, believed before they are read.

use crate::support::{Said, Shop, order, said};
use comptoir::sync::{
    contract::{IDEMPOTENCY_KEY, SEQUENCE, SIGNATURE, TERMINAL, TIMESTAMP},
    signature::sign,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_sent_from_many_connections_at_once_is_there_once() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    let message = order(7);
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (till, message) = (till.clone(), message.clone());
        sent.spawn(async move { till.order(&message).await });
    }
    while let Some(said) = sent.join_next().await {
        assert_eq!(said.unwrap().ok(), json!({"state": "received"}));
    }
    let sums = shop.store.order_sums().await.unwrap();
    assert_eq!(sums, (1, message.total.minor));
    let id = message.order.id;
    let kept = shop.store.order(id).await.unwrap().unwrap();
    assert_eq!(kept.message, serde_json::to_value(&message).unwrap());
    assert_eq!(kept.events.len(), 1);

    // The same key with another order; the same order with another key; another's order.
    let mut other = message.clone();
    other.order.customer = Some("someone".into());
    till.order(&other).await.refused(409, "idempotency");
    let body = serde_json::to_value(&message).unwrap();
    let again = till.post("/v1/orders", (Uuid::new_v4(), 1), &body).await;
    assert_eq!(again.ok(), json!({"state": "received"}));
    let body = serde_json::to_value(&other).unwrap();
    let changed = till.post("/v1/orders", (Uuid::new_v4(), 1), &body).await;
    changed.refused(409, "idempotency");
    let other = shop.terminal("till-2").await;
    other.order(&message).await.refused(409, "idempotency");
    assert_eq!(shop.store.order_sums().await.unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_take_effect_in_their_order() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    let message = order(1);
    let id = message.order.id;
    let cancel = json!({"at": Timestamp::now()});
    let target = format!("/v1/orders/{id}/cancel");
    let key = Uuid::new_v4();
    // Its order has not come yet.
    let early = till.post(&target, (key, 2), &cancel).await;
    early.refused(409, "sequence");
    till.order(&message).await.ok();
    // A gap.
    let gap = till.post(&target, (key, 3), &cancel).await;
    gap.refused(409, "sequence");
    assert!(gap.text.contains("expected message 2"), "{}", gap.text);
    for _ in 0..2 {
        let done = till.post(&target, (key, 2), &cancel).await;
        assert_eq!(done.ok(), json!({"state": "cancelled"}));
    }
    // A new message in an old one's place.
    let late = till.post(&target, (Uuid::new_v4(), 2), &cancel).await;
    late.refused(409, "sequence");
    let kept = shop.store.order(id).await.unwrap().unwrap();
    let states: Vec<_> = kept.events.iter().filter_map(|e| e.state.clone()).collect();
    assert_eq!(states, ["received", "cancelled"]);

    // Once it has left the shop it is too late; that is an answer, not a refusal.
    let shipped = order(2);
    let id = shipped.order.id;
    till.order(&shipped).await.ok();
    for state in ["accepted", "shipped"] {
        let target = format!("/v1/admin/orders/{id}/status");
        shop.staff("POST", &target, json!({"state": state}))
            .await
            .ok();
    }
    let target = format!("/v1/orders/{id}/cancel");
    let answer = till.post(&target, (Uuid::new_v4(), 2), &cancel).await.ok();
    assert_eq!(answer["state"], "shipped");
    assert!(answer["note"].as_str().unwrap().contains("too late"));
    // Another terminal has no such order, whatever it knows.
    let other = shop.terminal("till-2").await;
    let stolen = other.post(&target, (Uuid::new_v4(), 1), &cancel).await;
    stolen.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_is_not_read() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await.0;
    let message = order(3);
    let body = serde_json::to_vec(&message).unwrap();
    let now = Timestamp::now().as_second();
    let send = async |name: &str, at: i64, signature: Option<String>, body: Vec<u8>| -> Said {
        let mut request = shop
            .client
            .post(format!("{}/v1/orders", shop.base))
            .header(TERMINAL, name)
            .header(TIMESTAMP, at)
            .header(IDEMPOTENCY_KEY, message.order.id.to_string())
            .header(SEQUENCE, 1)
            .body(body);
        if let Some(signature) = signature {
            request = request.header(SIGNATURE, signature);
        }
        said(request.send().await.unwrap()).await
    };
    let signed = |secret: &str, at: i64, body: &[u8]| {
        Some(sign(secret.as_bytes(), at, "POST", "/v1/orders", body))
    };
    let good = signed(&till.secret, now, &body);
    send("till-1", now, None, body.clone())
        .await
        .refused(401, "signature");
    let other = signed("another secret", now, &body);
    send("till-1", now, other, body.clone())
        .await
        .refused(401, "signature");
    let old = signed(&till.secret, now - 400, &body);
    send("till-1", now - 400, old, body.clone())
        .await
        .refused(401, "signature");
    send("till-9", now, good.clone(), body.clone())
        .await
        .refused(401, "terminal");
    // Not even what is no JSON is looked at before its signature.
    send("till-1", now, good.clone(), b"{".to_vec())
        .await
        .refused(401, "signature");
    let broken = signed(&till.secret, now, b"{");
    send("till-1", now, broken, b"{".to_vec())
        .await
        .refused(400, "content");
    // A signature is of one route.
    let ticket = shop
        .client
        .post(format!("{}/v1/tickets", shop.base))
        .header(TERMINAL, "till-1")
        .header(TIMESTAMP, now)
        .header(SIGNATURE, good.clone().unwrap())
        .body(body.clone());
    said(ticket.send().await.unwrap())
        .await
        .refused(401, "signature");
    let long = vec![b' '; 300 << 10];
    let huge = signed(&till.secret, now, &long);
    send("till-1", now, huge, long)
        .await
        .refused(413, "too_large");
    assert_eq!(shop.store.order_sums().await.unwrap().0, 0);
    // And the same request once more is believed, twice.
    for _ in 0..2 {
        let said = send("till-1", now, good.clone(), body.clone()).await;
        assert_eq!(said.ok()["state"], "received");
    }
    assert_eq!(shop.store.order_sums().await.unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_whose_sums_or_texts_are_wrong_are_refused_whole() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    let mut message = order(4);
    message.total.minor += 1;
    till.order(&message).await.refused(422, "sum");
    let mut message = order(5);
    message.order.lines[0].title = "Milk\0".into();
    till.order(&message).await.refused(400, "content");
    let mut body: Value = serde_json::to_value(order(6)).unwrap();
    body["total"]["currency"] = "XXX".into();
    let said = till.post("/v1/orders", (Uuid::new_v4(), 1), &body).await;
    said.refused(400, "content");
    let said = till
        .post("/v1/orders", (Uuid::new_v4(), 0), &json!({}))
        .await;
    said.refused(400, "content");
    assert_eq!(shop.store.order_sums().await.unwrap(), (0, 0));
    // A refused order leaves no trace: once mended it is taken, in the same place.
    message.order.lines[0].title = "Milk".into();
    till.order(&message).await.ok();
}
