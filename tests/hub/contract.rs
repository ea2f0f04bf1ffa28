//! The document is the contract: every operation is done, and every answer is as it says.

use crate::support::{DOCUMENT, SEEN, Shop, holds, order, product, said, valid};
use comptoir::sync::contract::{Happened, ShopEvent};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_the_document_says() {
    let shop = Shop::open().await;
    let get = async |target: &str| shop.staff("GET", target, Value::Null).await.ok();
    for path in ["/healthz", "/readyz"] {
        let said = said(
            shop.client
                .get(format!("{}{path}", shop.base))
                .send()
                .await
                .unwrap(),
        )
        .await;
        holds("GET", path, &Value::Null, &said);
    }
    let till = shop.terminal("till-1").await;
    get("/v1/admin/terminals").await;
    let products = json!({"products": [product("tea", "2.00 EUR"), product("jam", "2.00 EUR")]});
    shop.staff("PUT", "/v1/admin/products?language=en", products)
        .await
        .ok();
    shop.staff("DELETE", "/v1/admin/products/jam", Value::Null)
        .await
        .ok();
    let changes = json!({"changes": [
        {"type": "stock", "product": "tea", "quantity": null, "available": false},
        {"type": "price", "product": "tea", "price": {"minor": 100, "currency": "EUR"},
         "sale_price": null},
    ]});
    shop.staff("POST", "/v1/admin/changes", changes).await.ok();
    let customers = json!({"customers": [
        {"id": "c1", "name": "Ana", "card": "2000 1234", "phone": "+33 6 12 34 56 78",
         "email": "ana@shop.example", "points": 120},
        {"id": "c2", "name": "Bo", "phone": "0033612345679"},
        {"id": "c3", "name": "Bea", "phone": "0033612345679"},
    ]});
    shop.staff("PUT", "/v1/admin/customers", customers)
        .await
        .ok();
    for asked in [
        "card=20001234",
        "phone=%2B33612345678",
        "email=Ana@shop.example",
    ] {
        let found = till.get(&format!("/v1/customers?{asked}")).await.ok();
        assert_eq!(
            (&found["id"], &found["points"]),
            (&json!("c1"), &json!(120)),
            "{asked}"
        );
    }
    // Two could be meant: nobody is.
    till.get("/v1/customers?phone=0033612345679")
        .await
        .refused(404, "not_found");
    till.get("/v1/customers").await.refused(400, "content");
    till.get("/v1/catalog?language=en").await.ok();

    let mut message = order(1);
    message.service = Some("takeaway".into());
    message.order.customer = Some("c1".into());
    let id = message.order.id;
    till.order(&message).await.ok();
    let target = format!("/v1/orders/{id}/payment-link");
    let link = till
        .post(&target, (Uuid::new_v4(), 2), &Value::Null)
        .await
        .ok();
    let pay = &link["url"].as_str().unwrap()[shop.base.len()..];
    let page = said(
        shop.client
            .get(link["url"].as_str().unwrap())
            .send()
            .await
            .unwrap(),
    )
    .await;
    holds("GET", pay, &Value::Null, &page);
    let form = page
        .text
        .split("value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let paid = shop
        .client
        .post(link["url"].as_str().unwrap())
        .body(format!("form={form}"));
    holds(
        "POST",
        pay,
        &Value::Null,
        &said(paid.send().await.unwrap()).await,
    );
    for body in [
        json!({"state": "accepted"}),
        json!({"state": "shipped", "note": "on its way", "carrier": "Post", "tracking": "X1"}),
        json!({"state": "delivered"}),
    ] {
        shop.staff("POST", &format!("/v1/admin/orders/{id}/status"), body)
            .await
            .ok();
    }
    let refund = json!({"payment": "refunded", "note": "late"});
    shop.staff("POST", &format!("/v1/admin/orders/{id}/payment"), refund)
        .await
        .ok();
    let now = jiff::Timestamp::now();
    let wish = json!({"reference": "R1", "order": id, "items": ["Product 1"], "reason": "too_small",
        "exchange_for": "42", "at": now});
    let answer = till
        .post("/v1/returns", (Uuid::new_v4(), 1), &wish)
        .await
        .ok();
    assert_eq!(answer["state"], "return_requested");
    for (path, reference) in [("/v1/tickets", "T1"), ("/v1/feedback", "T2")] {
        let ticket = json!({"reference": reference, "kind": "human", "story": "Hello.", "at": now});
        till.post(path, (Uuid::new_v4(), 1), &ticket).await.ok();
    }
    let other = order(2);
    till.order(&other).await.ok();
    let cancel = format!("/v1/orders/{}/cancel", other.order.id);
    till.post(&cancel, (Uuid::new_v4(), 2), &json!({"at": now}))
        .await
        .ok();

    assert_eq!(
        get("/v1/admin/tickets").await["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        get("/v1/admin/tickets?box=feedback").await["items"][0]["reference"],
        "T2"
    );
    assert_eq!(
        get("/v1/admin/returns").await["items"][0]["order"],
        json!(id)
    );
    assert_eq!(
        get("/v1/admin/orders?state=cancelled").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let whole = get(&format!("/v1/admin/orders/{id}")).await;
    let by: Vec<_> = whole["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["by"].as_str().unwrap())
        .collect();
    assert_eq!(
        by,
        [
            "terminal", "page", "staff", "staff", "staff", "staff", "terminal"
        ]
    );
    let events = till.get("/v1/events").await.ok();
    let told: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "stock",
            "price",
            "order_payment",
            "order_state",
            "order_state",
            "order_state",
            "order_payment"
        ]
    );
    shop.staff("POST", "/v1/admin/terminals/till-1/rotate", json!({}))
        .await
        .ok();
    shop.staff("POST", "/v1/admin/terminals/till-1/revoke", Value::Null)
        .await
        .ok();

    // Nothing that the document promises was left out.
    let done: BTreeSet<(String, String)> = SEEN
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, _, status)| *status == 200)
        .map(|(method, path, _)| (method.clone(), path.clone()))
        .collect();
    let promised: BTreeSet<(String, String)> = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations
                .as_object()
                .unwrap()
                .keys()
                .map(move |m| (m.clone(), path.clone()))
        })
        .collect();
    assert_eq!(done, promised);
}

#[test]
fn every_event_is_as_the_document_says() {
    let schema = DOCUMENT.pointer("/components/schemas/ShopEvent");
    let money = |minor| comptoir::shop::money::Money::new(minor, Default::default());
    for what in [
        Happened::Price {
            product: "tea".into(),
            price: money(300),
            sale_price: None,
        },
        Happened::Price {
            product: "tea".into(),
            price: money(300),
            sale_price: Some(money(200)),
        },
        Happened::Stock {
            product: "tea".into(),
            quantity: None,
            available: true,
        },
    ] {
        let event = ShopEvent {
            id: Uuid::nil(),
            number: 1,
            version: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            what,
        };
        valid("ShopEvent", schema, &serde_json::to_value(&event).unwrap());
    }
}
