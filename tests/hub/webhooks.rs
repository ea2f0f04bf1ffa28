//! Terminals that can be called are called: signed, in order, until they take it.

use crate::support::{Shop, Till, order};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use comptoir::sync::{
    contract::{SIGNATURE, ShopEvent, TERMINAL, TIMESTAMP},
    signature::check,
};
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What came, and whether its signature was right.
type Came = Arc<Mutex<Vec<(ShopEvent, bool)>>>;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_posted_in_order_until_they_are_taken() {
    let shop = Shop::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/v1/webhooks/backend?shop=1",
        listener.local_addr().unwrap()
    );
    let added = json!({"name": "till-1", "webhook_url": url});
    let secret = shop.staff("POST", "/v1/admin/terminals", added).await.ok();
    let secret = secret["secret"].as_str().unwrap().to_owned();
    let came: Came = Arc::default();
    let refuse = Arc::new(Mutex::new(1));
    let routes = Router::new()
        .route(
            "/v1/webhooks/backend",
            post({
                let (secret, refuse) = (secret.clone(), Arc::clone(&refuse));
                async move |State(came): State<Came>, headers: HeaderMap, body: Bytes| {
                    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
                    let now = jiff::Timestamp::now().as_second();
                    let target = ("POST", "/v1/webhooks/backend?shop=1");
                    let right = check(
                        secret.as_bytes(),
                        (text(SIGNATURE), text(TIMESTAMP)),
                        now,
                        target,
                        &body,
                    )
                    .is_ok()
                        && text(TERMINAL) == Some("till-1");
                    let mut refuse = refuse.lock().unwrap();
                    if *refuse > 0 {
                        *refuse -= 1;
                        return StatusCode::SERVICE_UNAVAILABLE;
                    }
                    came.lock()
                        .unwrap()
                        .push((serde_json::from_slice(&body).unwrap(), right));
                    StatusCode::NO_CONTENT
                }
            }),
        )
        .with_state(Arc::clone(&came));
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    let till = Till(comptoir::hub::load::Caller {
        client: shop.client.clone(),
        base: shop.base.clone(),
        name: "till-1".into(),
        secret,
    });
    let message = order(1);
    till.order(&message).await.ok();
    let target = format!("/v1/admin/orders/{}/status", message.order.id);
    for state in ["accepted", "preparing", "ready_for_pickup"] {
        shop.staff("POST", &target, json!({"state": state}))
            .await
            .ok();
    }
    for _ in 0..200 {
        if came.lock().unwrap().len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let numbers: Vec<(u64, bool)> = came
        .lock()
        .unwrap()
        .iter()
        .map(|(e, right)| (e.number, *right))
        .collect();
    assert_eq!(numbers, [(1, true), (2, true), (3, true)]);
    // Who can be called may ask as well: the same events, by the same ids.
    let page = till.get("/v1/events").await.ok();
    let ids: Vec<String> = came
        .lock()
        .unwrap()
        .iter()
        .map(|(e, _)| e.id.to_string())
        .collect();
    let asked: Vec<String> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, asked);
    serving.abort();
}
