//! What runs beside the conversation: the link to the backend, events told and asked for, and
//! what the shop's desk answers while the backend is there, away, or slow.

use super::{
    same,
    shop::{self, Clock, Fault, Shop, folder, order, settings},
};
use comptoir::{
    daemon::{backend::BackendLink, counter::Counter},
    dialogue::{
        Effect, Event,
        event::{RequestId, ReserveRefusal},
    },
    lang::Language,
    nlu::slot::Method,
    session::desk::Desk,
    settings::{Backend, Secret},
    shop::{
        cart::{Cart, CartLine},
        customer::Customer,
        info::ShopInfo,
        order::{Order, OrderState, PaymentState},
        product::ProductId,
        store::Store,
    },
    sync::{
        client::BackendClient,
        contract::{Happened, SIGNATURE, ShopEvent, TERMINAL, TIMESTAMP},
        courier::{Shelf, World},
        events::Poller,
        signature,
        webhook::Webhook,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;

fn state_event(n: u64, version: u64, order: Uuid, state: OrderState) -> ShopEvent {
    ShopEvent {
        id: Uuid::from_u128(u128::from(n) + 77),
        number: n,
        version,
        at: Timestamp::now(),
        what: Happened::OrderState {
            order,
            state,
            note: None,
            carrier: None,
            tracking: None,
        },
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(15), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A line of tea.
fn cart(store: &Store) -> Cart {
    let id = ProductId("tea".to_owned());
    let now = Timestamp::now();
    let row = store.product(&id, Language::En, now).unwrap().unwrap();
    Cart {
        lines: vec![CartLine {
            product: id,
            title: row.title,
            quantity: 2,
            options: Vec::new(),
            unit_price: row.price,
            tax_rate_bp: row.tax_rate_bp,
            min_age: None,
        }],
    }
}

/// Buys tea at the desk: the order as the shopper hears of it, or what is refused.
async fn buy(
    folder: &Path,
    link: Option<&BackendLink>,
    method: Method,
) -> Result<Order, Box<Event>> {
    let store = Store::open(folder).unwrap();
    let cart = cart(&store);
    let random = comptoir::daemon::counter::os_random();
    let mut desk =
        Counter::new(store, &ShopInfo::default(), random).with_backend(link.map(BackendLink::desk));
    tokio::task::spawn_blocking(move || {
        let now = Timestamp::now();
        let request = RequestId(1);
        let reserve = Effect::Reserve {
            request,
            cart: cart.clone(),
        };
        let reserved = match desk.answer(reserve, now).unwrap() {
            Event::Reserve {
                result: Ok(reserved),
                ..
            } => reserved,
            other => return Err(Box::new(other)),
        };
        let purchase = comptoir::dialogue::effect::Purchase {
            order: reserved.order,
            total: cart.total(),
            delivery_fee: comptoir::shop::money::Money::new(0, cart.total().currency),
            cart,
            fulfilment: comptoir::shop::order::Fulfilment::Pickup,
            method,
            language: Language::En,
            service: None,
            wanted_at: None,
        };
        let place = Effect::PlaceOrder {
            request,
            purchase: Box::new(purchase),
        };
        match desk.answer(place, now).unwrap() {
            Event::Placed {
                result: Ok(order), ..
            } => Ok(*order),
            other => Err(Box::new(other)),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shopper_hears_what_the_backend_said_if_it_said_it_in_time() {
    let (shop, folder) = (Shop::open().await, folder());
    let backend = Backend {
        answer_ms: 2_000,
        deadline_ms: 3_000,
        ..shop.settings()
    };
    let link = BackendLink::open(&backend, folder.path()).await.unwrap();
    let at = Instant::now();
    let placed = buy(folder.path(), Some(&link), Method::Link).await.unwrap();
    assert_eq!(placed.state, OrderState::Accepted);
    assert!(placed.payment_link.is_some() && at.elapsed() < Duration::from_millis(1_900));
    // Slower than the shopper: saved, and sent all the same.
    let impatient = Backend {
        answer_ms: 100,
        ..backend
    };
    link.close().await;
    let link = BackendLink::open(&impatient, folder.path()).await.unwrap();
    shop.has().faults = [Fault::Slow].into();
    let placed = buy(folder.path(), Some(&link), Method::Counter)
        .await
        .unwrap();
    assert_eq!(
        (placed.state, placed.acknowledged_at),
        (OrderState::Received, None)
    );
    let store = Store::open(folder.path()).unwrap();
    until("the order is sent", || {
        store.outbox_summary().unwrap().waiting == 0
    })
    .await;
    link.close().await;
    same(&store, &shop.has());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_its_caps_a_terminal_alone_takes_no_more_orders() {
    let (shop, folder) = (Shop::open().await, folder());
    let at = shop.at;
    shop.close();
    let two_orders = Backend {
        offline_max_amount: 2 * 470,
        answer_ms: 0,
        ..settings(at)
    };
    let link = BackendLink::open(&two_orders, folder.path()).await.unwrap();
    for n in 1..=3 {
        let bought = buy(folder.path(), Some(&link), Method::Counter).await;
        match bought.map_err(|e| *e) {
            Ok(order) => assert!(n <= 2 && order.total().minor == 470),
            Err(Event::Reserve { result, .. }) => {
                assert!(n == 3, "{n}");
                assert_eq!(result, Err(ReserveRefusal::Offline));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    link.close().await;
    // Old ones alone are enough.
    let old = Backend {
        offline_max_amount: 0,
        offline_max_age_h: 1,
        ..settings(at)
    };
    let link = BackendLink::open(&old, folder.path()).await.unwrap();
    let desk = link.desk();
    let store = Store::open(folder.path()).unwrap();
    let total = cart(&store).total();
    let later = |minutes| Timestamp::now() + SignedDuration::from_mins(minutes);
    assert!(!desk.refuses(&store, total, later(50)).unwrap());
    assert!(desk.refuses(&store, total, later(70)).unwrap());
    link.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_on_one_folder_are_one_courier() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let backend = Backend {
        poll_s: 1,
        ..shop.settings()
    };
    let first = BackendLink::open(&backend, folder.path()).await.unwrap();
    let second = BackendLink::open(&backend, folder.path()).await.unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let posts = |shop: &Shop| shop.has().taken.len();
    until("one of them has the lock", || {
        comptoir::daemon::lock::Lock::courier(folder.path()).is_err()
    })
    .await;
    for n in 0..20 {
        order(&mut store, n, Method::Counter, clock.now());
        first.desk().nudge();
        second.desk().nudge();
    }
    until("all are sent", || posts(&shop) == 20).await;
    until("all are marked", || {
        store.outbox_summary().unwrap().waiting == 0
    })
    .await;
    same(&store, &shop.has());
    let one = store.orders(1).unwrap().remove(0).id;
    shop.has().events = vec![state_event(1, 1, one, OrderState::ReadyForPickup)];
    until("an event is taken", || {
        store.order(one).unwrap().unwrap().state == OrderState::ReadyForPickup
    })
    .await;
    // `outbox send` keeps out of it.
    let out = super::outbox(folder.path(), &shop, &["send"]).await;
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(error.contains("another program sends"), "{error}");
    // The one that goes leaves the other in its place.
    first.close().await;
    order(&mut store, 20, Method::Counter, clock.now());
    until("the other takes over", || posts(&shop) == 21).await;
    second.close().await;
    same(&store, &shop.has());
}

async fn webhook(folder: &Path, world: World) -> SocketAddr {
    let shelf = Shelf::new(Store::open(folder).unwrap());
    let hook = Webhook::new(shelf, world, shop::TERMINAL_NAME, Secret::new(shop::SECRET));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, hook.routes()).await.unwrap() });
    at
}

const HOOK: &str = "/v1/webhooks/backend";

/// Tells an event, signed at `at`; what comes of it.
async fn tell(to: SocketAddr, body: &str, at: Timestamp, secret: &str) -> (u16, String) {
    let at = at.as_second();
    let signed = signature::sign(secret.as_bytes(), at, "POST", HOOK, body.as_bytes());
    let answer = reqwest::Client::new()
        .post(format!("http://{to}{HOOK}"))
        .header(TERMINAL, shop::TERMINAL_NAME)
        .header(TIMESTAMP, at)
        .header(SIGNATURE, signed)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_webhook_is_believed_by_its_signature_before_it_is_read() {
    let (folder, clock) = (folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let id = order(&mut store, 1, Method::Counter, clock.now()).id;
    let at = webhook(folder.path(), clock.world()).await;
    let event =
        |n, version, state| serde_json::to_string(&state_event(n, version, id, state)).unwrap();
    let accepted = event(1, 1, OrderState::Accepted);
    let now = clock.now();
    let (status, text) = tell(at, &accepted, now, "somebody else's secret").await;
    assert_eq!(status, 401, "{text}");
    let (status, text) = tell(at, "not even JSON", now, "somebody else's secret").await;
    assert!(
        status == 401 && text.contains("signature"),
        "{status} {text}"
    );
    for minutes in [-6, 6] {
        let other = now + SignedDuration::from_mins(minutes);
        let (status, _) = tell(at, &accepted, other, shop::SECRET).await;
        assert_eq!(status, 401, "{minutes} minutes off");
    }
    let (status, text) = tell(at, "not even JSON", now, shop::SECRET).await;
    assert!(status == 400 && text.contains("content"), "{status} {text}");
    let (status, _) = tell(at, &"x".repeat(70_000), now, shop::SECRET).await;
    assert_eq!(status, 413);
    let state = || store.order(id).unwrap().unwrap().state;
    assert_eq!(
        state(),
        OrderState::Received,
        "nothing of that was believed"
    );

    let (status, text) = tell(at, &accepted, now, shop::SECRET).await;
    assert!(status == 200 && text.contains("new"), "{status} {text}");
    assert_eq!(state(), OrderState::Accepted);
    let ready = event(3, 3, OrderState::ReadyForPickup);
    for expected in ["new", "known"] {
        let (status, text) = tell(at, &ready, now, shop::SECRET).await;
        assert!(status == 200 && text.contains(expected), "{status} {text}");
    }
    let (status, text) = tell(at, &event(2, 2, OrderState::Preparing), now, shop::SECRET).await;
    assert!(status == 200 && text.contains("older"), "{status} {text}");
    assert_eq!(state(), OrderState::ReadyForPickup);
    // The same again an hour later is a replay.
    clock.move_by(SignedDuration::from_hours(1));
    assert_eq!(tell(at, &ready, now, shop::SECRET).await.0, 401);
}

#[tokio::test]
async fn events_are_asked_for_once_each_also_twice_and_in_disorder() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let id = order(&mut store, 1, Method::Counter, clock.now()).id;
    let shipped = state_event(3, 3, id, OrderState::Shipped);
    let paid = ShopEvent {
        what: Happened::OrderPayment {
            order: id,
            payment: PaymentState::Paid,
        },
        ..state_event(4, 2, id, OrderState::Accepted)
    };
    shop.has().events = vec![
        shipped.clone(),
        state_event(5, 1, id, OrderState::Accepted),
        ShopEvent {
            number: 6,
            ..shipped
        },
        paid,
    ];
    let poller = Poller::new(
        BackendClient::new(&shop.settings()).unwrap(),
        Shelf::new(Store::open(folder.path()).unwrap()),
        clock.world(),
    );
    shop.has().faults = [Fault::CutAnswer, Fault::Lost].into();
    for _ in 0..2 {
        assert!(poller.poll(0).await.is_err());
    }
    assert_eq!(poller.poll(0).await.unwrap(), 4);
    assert_eq!(poller.poll(0).await.unwrap(), 0, "they are read");
    let order = store.order(id).unwrap().unwrap();
    assert_eq!(
        (order.state, order.payment),
        (OrderState::Shipped, PaymentState::Paid)
    );
    assert_eq!(order.events.len(), 2, "{:?}", order.events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_come_from_the_backend_where_the_shop_has_none_and_never_late() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let mut placed = order(&mut store, 1, Method::Counter, clock.now());
    let customer = |id: &str, email: &str, points| Customer {
        id: id.to_owned(),
        name: "Camille".to_owned(),
        language: Language::Fr,
        email: Some(email.to_owned()),
        phone: None,
        post_code: None,
        pin_hash: None,
        points,
    };
    let customers = [
        customer("C1", "camille@shop.example", None),
        customer("C2", "camille@shop.example", Some(7)),
        customer("C3", "nobody@shop.example", None),
    ];
    let mut orders = Vec::new();
    for c in &customers {
        placed.id = Uuid::new_v4();
        placed.number.0 = format!("NR{}", c.id);
        placed.customer = Some(c.id.clone());
        orders.push(placed.clone());
    }
    store.load_orders(&customers, &orders).unwrap();
    let backend = Backend {
        customer_deadline_ms: 300,
        ..shop.settings()
    };
    let link = BackendLink::open(&backend, folder.path()).await.unwrap();
    until("the order is sent", || {
        store.outbox_summary().unwrap().waiting == 0
    })
    .await;
    let (desk, folder) = (link.desk(), folder.path().to_owned());
    let kept = shop.kept.clone();
    let (found, late, took) = tokio::task::spawn_blocking(move || {
        let store = Store::open(&folder).unwrap();
        let random = comptoir::daemon::counter::os_random();
        let mut counter =
            Counter::new(store, &ShopInfo::default(), random).with_backend(Some(desk));
        let mut ask = |order: &Order| {
            let effect = Effect::FindPoints {
                request: RequestId(1),
                number: order.number.clone(),
            };
            match counter.answer(effect, Timestamp::now()) {
                Some(Event::Points { points, .. }) => points,
                other => panic!("{other:?}"),
            }
        };
        let found: Vec<_> = orders.iter().map(&mut ask).collect();
        kept.lock().unwrap().faults = [Fault::Slow].into();
        let at = Instant::now();
        (found, ask(&orders[0]), at.elapsed())
    })
    .await
    .unwrap();
    assert_eq!(found, [Some(120), Some(7), None]);
    assert_eq!(late, None);
    assert!(took < Duration::from_millis(600), "{took:?}");
    link.close().await;
}
