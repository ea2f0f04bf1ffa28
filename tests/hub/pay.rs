//! The payment page: one order, one payment, until a time.

use crate::support::{Said, Shop, holds, order, said, serving};
use comptoir::{hub::serve::Serving, lang::Language};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

async fn page(shop: &Shop, url: &str) -> Said {
    let said = said(shop.client.get(url).send().await.unwrap()).await;
    holds("GET", &url[shop.base.len()..], &Value::Null, &said);
    said
}

async fn send(shop: &Shop, url: &str, form: &str, site: &str) -> Said {
    let request = shop
        .client
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site)
        .body(format!("form={form}"));
    let said = said(request.send().await.unwrap()).await;
    holds("POST", &url[shop.base.len()..], &Value::Null, &said);
    said
}

fn form_of(page: &Said) -> String {
    let (_, rest) = page.text.split_once("name=\"form\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_once_with_the_pages_own_form() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    let mut message = order(9);
    message.order.lines[0].title = "<b>Milk</b> & \"honey\"".into();
    message.order.language = Language::Fr;
    till.order(&message).await.ok();
    let target = format!("/v1/orders/{}/payment-link", message.order.id);
    let key = Uuid::new_v4();
    let link = till.post(&target, (key, 2), &Value::Null).await.ok();
    // The same key gives the same address.
    let again = till.post(&target, (key, 2), &Value::Null).await.ok();
    assert_eq!(link, again);
    let url = link["url"].as_str().unwrap();
    let first = page(&shop, url).await;
    assert!(
        first
            .text
            .contains("&lt;b&gt;Milk&lt;/b&gt; &amp; &quot;honey&quot;")
    );
    assert!(first.text.contains("<html lang=\"fr\">") && !first.text.contains("<script"));
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        let value = first.headers[name].to_str().unwrap();
        assert!(value.contains(part), "{name}: {value}");
    }
    let form = form_of(&first);
    send(&shop, url, "", "same-origin")
        .await
        .refused(400, "content");
    send(&shop, url, &"0".repeat(32), "same-origin")
        .await
        .refused(400, "content");
    send(&shop, url, &form, "cross-site")
        .await
        .refused(400, "content");
    assert_eq!(till.get("/v1/events").await.ok(), json!({"events": []}));
    // Twice at the same time is once.
    let (a, b) = tokio::join!(
        send(&shop, url, &form, "same-origin"),
        send(&shop, url, &form, "same-origin")
    );
    assert!(a.status.is_success() && b.status.is_success());
    assert!(a.text.contains("payée") && !a.text.contains("<form"));
    let events = till.get("/v1/events").await.ok();
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    assert_eq!(events["events"][0]["type"], "order_payment");
    assert_eq!(events["events"][0]["payment"], "paid");
    assert!(page(&shop, url).await.text.contains("payée"));
    // What is paid needs no other link; what is not ours is not found.
    let more = till.post(&target, (Uuid::new_v4(), 3), &Value::Null).await;
    more.refused(409, "state");
    let other = format!("{}/pay/{}", shop.base, "0".repeat(64));
    page(&shop, &other).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_its_time_and_with_its_order() {
    let shop = Shop::serving(Serving {
        payment: Duration::from_secs(2),
        ..serving()
    })
    .await;
    let till = shop.terminal("till-1").await;
    let mut urls = Vec::new();
    for n in 0..2 {
        let message = order(n);
        till.order(&message).await.ok();
        let target = format!("/v1/orders/{}/payment-link", message.order.id);
        let link = till.post(&target, (Uuid::new_v4(), 2), &Value::Null).await;
        urls.push((
            message.order.id,
            link.ok()["url"].as_str().unwrap().to_owned(),
        ));
    }
    let form = form_of(&page(&shop, &urls[0].1).await);
    let cancel = format!("/v1/orders/{}/cancel", urls[1].0);
    let at = json!({"at": jiff::Timestamp::now()});
    till.post(&cancel, (Uuid::new_v4(), 3), &at).await.ok();
    assert_eq!(page(&shop, &urls[1].1).await.status.as_u16(), 410);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let late = page(&shop, &urls[0].1).await;
    assert_eq!(late.status.as_u16(), 410);
    assert!(late.text.contains("too old") && !late.text.contains("<form"));
    let late = send(&shop, &urls[0].1, &form, "same-origin").await;
    assert_eq!(late.status.as_u16(), 410);
    let order = shop.store.order(urls[0].0).await.unwrap().unwrap();
    assert_eq!(order.payment, comptoir::shop::order::PaymentState::Unpaid);
}
