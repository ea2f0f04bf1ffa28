//! A real terminal and the real hub: what was confirmed at the one arrives at the other, and what
//! staff do there is known here.

use crate::support::{Shop, Till};
use comptoir::{
    dialogue::effect::Purchase,
    lang::Language,
    nlu::slot::Method,
    settings::{Backend, Secret},
    shop::{
        cart::{Cart, CartLine},
        feed::{FeedFile, import},
        money::Money,
        order::{Fulfilment, Order, OrderState, PaymentState},
        product::ProductId,
        store::{ReturnWish, Store},
    },
    sync::{
        client::BackendClient,
        courier::{Courier, Shelf, World},
        events::Poller,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

/// A data folder that sells what the hub sells.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let feed = folder.path().join("products.en.tsv");
    std::fs::write(
        &feed,
        "id\ttitle\tprice\tavailability\ttax_rate\tquantity\n\
         tea\tThe tea\t3.50 EUR\tin_stock\t10\t12\n\
         cake\tThe cake\t3.50 EUR\tin_stock\t5.5\t12\n",
    )
    .unwrap();
    import(
        folder.path(),
        &[FeedFile::new(feed, Language::En)],
        None,
        Timestamp::now(),
    )
    .unwrap();
    folder
}

fn confirm(store: &mut Store, id: Uuid, method: Method) -> Order {
    let now = Timestamp::now();
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
    let cart = Cart {
        lines: vec![line("tea", 2), line("cake", 1)],
    };
    let keep = SignedDuration::from_mins(5);
    store.reserve(id, &cart, keep, now).unwrap().unwrap();
    let purchase = Purchase {
        order: id,
        total: cart.total(),
        delivery_fee: Money::new(0, cart.total().currency),
        cart,
        fulfilment: Fulfilment::Pickup,
        method,
        language: Language::En,
        service: None,
        wanted_at: None,
    };
    store
        .place_order(&purchase, id.as_u128() as u64, now)
        .unwrap()
}

struct Terminal {
    folder: tempfile::TempDir,
    courier: Courier,
    poller: Poller,
}

impl Terminal {
    fn of(till: &Till) -> Self {
        let folder = folder();
        let settings = Backend {
            url: till.0.base.clone(),
            terminal: till.0.name.clone(),
            secret: Secret::new(&till.0.secret),
            ..Backend::default()
        };
        let shelf = Shelf::new(Store::open(folder.path()).unwrap());
        let client = || BackendClient::new(&settings).unwrap();
        Self {
            courier: Courier::new(client(), shelf.clone(), World::machine()),
            poller: Poller::new(client(), shelf, World::machine()),
            folder,
        }
    }

    fn store(&self) -> Store {
        Store::open(self.folder.path()).unwrap()
    }

    fn order(&self, id: Uuid) -> Order {
        self.store().order(id).unwrap().unwrap()
    }
}

#[tokio::test]
async fn orders_go_to_the_hub_and_what_becomes_of_them_comes_back() {
    let mut shop = Shop::open().await;
    shop.products(&["tea", "cake"]).await;
    let terminal = Terminal::of(&shop.terminal("till-7").await);
    let (first, linked, unwanted) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    {
        let mut store = terminal.store();
        confirm(&mut store, first, Method::Counter);
        confirm(&mut store, linked, Method::Link);
        confirm(&mut store, unwanted, Method::Counter);
        store.cancel_order(unwanted, Timestamp::now()).unwrap();
    }
    assert_eq!(terminal.order(first).acknowledged_at, None);
    terminal.courier.send_all().await.unwrap();
    // A link is asked for once its order is known to be there.
    terminal.courier.send_all().await.unwrap();
    let waiting = terminal.store().outbox(false, 100).unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    assert!(terminal.order(first).acknowledged_at.is_some());
    let link = terminal.order(linked).payment_link.unwrap();

    // Staff see them, to the cent, and act.
    let there = shop
        .staff("GET", "/v1/admin/orders", json!(null))
        .await
        .ok();
    let there = there["items"].as_array().unwrap().clone();
    assert_eq!(there.len(), 3, "{there:?}");
    let act = |id: Uuid, body| {
        let target = format!("/v1/admin/orders/{id}/status");
        let shop = &shop;
        async move { shop.staff("POST", &target, body).await.ok() }
    };
    act(first, json!({"state": "accepted"})).await;
    act(first, json!({"state": "ready_for_pickup"})).await;
    act(
        linked,
        json!({"state": "rejected", "note": "The oven is broken"}),
    )
    .await;
    let change = json!({"changes": [
        {"type": "stock", "product": "tea", "quantity": 0, "available": false},
        {"type": "price", "product": "cake", "price": {"minor": 399, "currency": "EUR"}},
    ]});
    shop.staff("POST", "/v1/admin/changes", change).await.ok();

    while terminal.poller.poll(1).await.unwrap() > 0 {}
    assert_eq!(terminal.order(first).state, OrderState::ReadyForPickup);
    assert_eq!(terminal.order(unwanted).state, OrderState::Cancelled);
    let rejected = terminal.order(linked);
    assert_eq!(rejected.state, OrderState::Rejected);
    let told = rejected.events.last().unwrap().note.clone();
    assert_eq!(told.as_deref(), Some("The oven is broken"));
    assert!(link.0.starts_with(&shop.base), "{link:?}");
    let store = terminal.store();
    let row = |id: &str| {
        let id = ProductId(id.to_owned());
        store
            .product(&id, Language::En, Timestamp::now())
            .unwrap()
            .unwrap()
    };
    assert!(!row("tea").can_sell(1));
    assert_eq!(row("cake").price.minor, 399);

    // Delivered, sent back, refunded: a return is about itself, and does not wait for its order.
    act(first, json!({"state": "delivered"})).await;
    while terminal.poller.poll(1).await.unwrap() > 0 {}
    let wish = ReturnWish::default();
    let now = Timestamp::now();
    let asked = terminal.store().request_return(first, &wish, None, 5, now);
    asked.unwrap();
    terminal.courier.send_all().await.unwrap();
    let returns = shop
        .staff("GET", "/v1/admin/returns", json!(null))
        .await
        .ok();
    assert_eq!(returns["items"].as_array().unwrap().len(), 1, "{returns}");
    let target = format!("/v1/admin/orders/{first}/payment");
    // Money that was taken can be given back.
    shop.staff("POST", &target, json!({"payment": "paid"}))
        .await
        .ok();
    shop.staff("POST", &target, json!({"payment": "refunded"}))
        .await
        .ok();
    while terminal.poller.poll(1).await.unwrap() > 0 {}
    assert_eq!(terminal.order(first).payment, PaymentState::Refunded);
    let dead = terminal.store().outbox(true, 100).unwrap();
    assert!(dead.is_empty(), "{dead:?}");
    assert!(shop.end().await);
}
