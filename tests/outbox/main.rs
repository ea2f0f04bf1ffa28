//! Orders that cannot be lost: the outbox before a backend that is slow, cut off, away, or
//! killed, and a terminal that is.
#![allow(clippy::unwrap_used)]

mod daemon;
mod shop;

use comptoir::{
    nlu::slot::Method,
    shop::store::{MessageKind, MessageState, Store},
    sync::courier::Courier,
};
use jiff::SignedDuration;
use shop::{Clock, Fault, Shop, courier, folder, order, settings};
use std::{process::Command, time::Duration};

/// Every confirmed order is there once, nothing else is, and the sums agree to the cent.
fn same(store: &Store, kept: &shop::Kept) {
    assert_eq!(kept.complaints, Vec::<String>::new());
    let ours = store.orders(10_000).unwrap();
    let sum = |totals: &mut dyn Iterator<Item = i64>| totals.sum::<i64>();
    assert_eq!(kept.orders.len(), ours.len());
    for order in &ours {
        let theirs = &kept.orders[&order.id];
        assert_eq!(theirs.order.lines, order.lines);
        assert_eq!(theirs.total, order.total());
        assert!(order.acknowledged_at.is_some());
    }
    assert_eq!(
        sum(&mut ours.iter().map(|o| o.total().minor)),
        sum(&mut kept.orders.values().map(|o| o.total.minor))
    );
    let mut keys: Vec<_> = kept.taken.iter().map(|t| t.1).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), kept.taken.len(), "nothing was done twice");
}

/// Sends until nothing waits; the clock goes on in between.
async fn send_until_empty(courier: &Courier, folder: &std::path::Path, clock: &Clock) -> usize {
    let store = Store::open(folder).unwrap();
    for rounds in 1..2_000 {
        courier.send_all().await.unwrap();
        if store.outbox_summary().unwrap().waiting == 0 {
            return rounds;
        }
        clock.move_by(SignedDuration::from_mins(10));
    }
    panic!("still waiting: {:?}", store.outbox(false, 5).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_network_does_each_order_arrives_once() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    shop.has().trouble = 45;
    let mut store = Store::open(folder.path()).unwrap();
    for n in 0..60 {
        let method = if n % 5 == 0 {
            Method::Link
        } else {
            Method::Counter
        };
        let order = order(&mut store, n, method, clock.now());
        if n % 7 == 0 {
            store.cancel_order(order.id, clock.now()).unwrap();
        }
    }
    let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
    send_until_empty(&courier, folder.path(), &clock).await;
    let kept = shop.has();
    same(&store, &kept);
    assert_eq!(kept.cancelled.len(), 9);
    assert!(
        kept.requests > kept.taken.len() + 20,
        "the network was kind: {} requests for {}",
        kept.requests,
        kept.taken.len()
    );
    assert!(store.outbox(true, 9).unwrap().is_empty());
    let by_link = store.orders(99).unwrap();
    let links = by_link.iter().filter(|o| o.payment_link.is_some()).count();
    assert!(links >= 9, "{links} links: a cancelled order needs none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_by_itself_changes_nothing() {
    for fault in [
        Fault::Lost,
        Fault::CutAnswer,
        Fault::Slow,
        Fault::Twice,
        Fault::Fails,
        Fault::FailsAfter,
        Fault::Says(409, None),
        Fault::Says(301, None),
        Fault::Says(401, None),
    ] {
        let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
        shop.has().faults = [fault.clone(), fault.clone()].into();
        let mut store = Store::open(folder.path()).unwrap();
        order(&mut store, 1, Method::Counter, clock.now());
        let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
        let first = courier.round().await.unwrap();
        assert_eq!(first.taken + first.failed, 1, "{fault:?}");
        send_until_empty(&courier, folder.path(), &clock).await;
        same(&store, &shop.has());
    }
}

#[tokio::test]
async fn what_the_backend_refuses_is_dead_seen_and_holds_back_only_its_own() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let first = order(&mut store, 1, Method::Counter, clock.now());
    store.cancel_order(first.id, clock.now()).unwrap();
    shop.has().faults = [Fault::Says(422, None)].into();
    let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
    let round = courier.round().await.unwrap();
    assert_eq!((round.refused, round.taken), (1, 0));
    order(&mut store, 2, Method::Counter, clock.now());
    courier.send_all().await.unwrap();
    assert_eq!(shop.has().orders.len(), 1, "the other one");
    let list = outbox(folder.path(), &shop, &["list", "--dead", "--json"]).await;
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&list["dead"], &list["waiting"]), (&1.into(), &1.into()));
    let message = &list["messages"][0];
    assert_eq!(message["state"], "dead");
    assert!(message["error"].as_str().unwrap().contains("422"));
    let tickets = store.tickets(9).unwrap();
    assert!(tickets[0].2.contains(&first.number.0), "{tickets:?}");
    let id = message["id"].to_string();
    for verb in [&["retry", &id][..], &["send"]] {
        let done = outbox(folder.path(), &shop, verb).await;
        assert!(done.status.success(), "{verb:?}: {done:?}");
    }
    let kept = shop.has();
    assert_eq!((kept.orders.len(), kept.cancelled.len()), (2, 1));
    same(&store, &kept);
}

#[tokio::test]
async fn a_payment_link_that_is_refused_does_not_keep_an_order_from_being_cancelled() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let order = order(&mut store, 1, Method::Link, clock.now());
    let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
    assert_eq!(courier.round().await.unwrap().taken, 1);
    // Another message with this key: no try will mend that. A missing predecessor may come.
    shop.has().faults = [
        Fault::Problem(409, "sequence"),
        Fault::Problem(409, "idempotency"),
    ]
    .into();
    assert_eq!(courier.round().await.unwrap().failed, 1);
    clock.move_by(SignedDuration::from_mins(1));
    assert_eq!(courier.round().await.unwrap().refused, 1);
    store.cancel_order(order.id, clock.now()).unwrap();
    send_until_empty(&courier, folder.path(), &clock).await;
    assert_eq!(shop.has().cancelled, [order.id]);
    // Sent again later, it comes after the cancellation.
    store.send_again(None).unwrap();
    send_until_empty(&courier, folder.path(), &clock).await;
    let last = shop.has().taken.last().unwrap().0.clone();
    assert!(last.ends_with("/payment-link"), "{last}");
    same(&store, &shop.has());
}

#[tokio::test]
async fn a_backend_that_asks_for_time_is_given_it() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    order(&mut store, 1, Method::Counter, clock.now());
    let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
    for as_date in [false, true] {
        let date = clock.now() + SignedDuration::from_secs(121);
        let after = match as_date {
            true => date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            false => "120".to_owned(),
        };
        shop.has().faults = [Fault::Says(503, Some(("retry-after", after.clone())))].into();
        let round = courier.round().await.unwrap();
        let hold = round.hold.unwrap();
        assert!(hold >= SignedDuration::from_secs(119), "{after}: {hold}");
        clock.move_by(SignedDuration::from_secs(100));
        assert!(courier.round().await.unwrap().is_empty(), "{after}");
        clock.move_by(SignedDuration::from_secs(201));
    }
    // A year is nobody's to ask for.
    let year = (365 * 24 * 3600).to_string();
    shop.has().faults = [Fault::Says(503, Some(("retry-after", year)))].into();
    courier.round().await.unwrap();
    clock.move_by(SignedDuration::from_hours(1) + SignedDuration::from_secs(1));
    assert_eq!(courier.round().await.unwrap().taken, 1);
}

#[tokio::test]
async fn days_without_a_backend_lose_nothing_and_keep_the_order_of_things() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let (at, kept) = (shop.at, shop.close());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut store = Store::open(folder.path()).unwrap();
    let (courier, _shelf) = courier(&settings(at), folder.path(), &clock);
    let mut tries = 0;
    for n in 0..40u128 {
        let order = order(&mut store, n, Method::Counter, clock.now());
        if n % 2 == 0 {
            store.cancel_order(order.id, clock.now()).unwrap();
        }
        let round = courier.send_all().await.unwrap();
        assert!(round.unreachable && round.taken == 0);
        tries += round.failed;
        clock.move_by(SignedDuration::from_hours(3));
    }
    let waiting = store.outbox_summary().unwrap();
    assert_eq!((waiting.waiting, waiting.dead), (60, 0));
    assert!(tries <= 40 * 32, "at most a batch a try: {tries}");
    let shop = Shop::open_at(at, kept).await;
    send_until_empty(&courier, folder.path(), &clock).await;
    same(&store, &shop.has());
    let kept = shop.has();
    assert_eq!(kept.cancelled.len(), 20);
    for id in &kept.cancelled {
        let place = |suffix: &str| {
            let at = |(path, key): &(String, uuid::Uuid)| match suffix {
                "" => key == id,
                _ => path.contains(&id.to_string()) && path.ends_with(suffix),
            };
            kept.taken.iter().position(at).unwrap()
        };
        assert!(place("") < place("/cancel"));
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_holds_nothing_up() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    clock.move_by(SignedDuration::from_hours(24 * 400));
    order(&mut store, 1, Method::Counter, clock.now());
    shop.has().faults = [Fault::Fails].into();
    let (courier, _shelf) = courier(&shop.settings(), folder.path(), &clock);
    assert_eq!(courier.round().await.unwrap().failed, 1);
    clock.move_by(SignedDuration::from_hours(-24 * 400));
    assert_eq!(courier.round().await.unwrap().taken, 1);
    order(&mut store, 2, Method::Counter, clock.now());
    assert_eq!(courier.round().await.unwrap().taken, 1);
    same(&store, &shop.has());
}

/// `comptoir outbox ...` on this folder and this backend.
fn command(folder: &std::path::Path, shop: &Shop, verb: &[&str]) -> Command {
    let config = folder.join("comptoir.toml");
    let text = format!(
        "[backend]\nurl = \"http://{}/shop\"\nterminal = \"{}\"\n",
        shop.at,
        shop::TERMINAL_NAME
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_comptoir"));
    command
        .args(["--config", config.to_str().unwrap()])
        .args(["--data", folder.to_str().unwrap(), "outbox"])
        .args(verb)
        .env("COMPTOIR_BACKEND_SECRET", shop::SECRET);
    command
}

/// The backend runs on the test's runtime: the program is waited for beside it.
async fn outbox(folder: &std::path::Path, shop: &Shop, verb: &[&str]) -> std::process::Output {
    let mut command = command(folder, shop, verb);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let (shop, folder, clock) = (Shop::open().await, folder(), Clock::new());
    let mut store = Store::open(folder.path()).unwrap();
    let mut random = fastrand::Rng::with_seed(20_261_120);
    for n in 0..500 {
        let order = order(&mut store, n, Method::Counter, clock.now());
        if n % 10 == 0 {
            store.cancel_order(order.id, clock.now()).unwrap();
        }
    }
    let (mut kills, mut alive) = (0, 0);
    // So long that it gets something done on this machine, and no longer.
    let mut longest = 20;
    loop {
        let before = shop.has().requests;
        let mut sender = command(folder.path(), &shop, &["send"]);
        sender.stdout(std::process::Stdio::null());
        let mut sender = sender.spawn().unwrap();
        let after = Duration::from_millis(random.u64(2..longest));
        tokio::time::sleep(after).await;
        if sender.try_wait().unwrap().is_none() {
            // SIGKILL.
            sender.kill().unwrap();
            kills += 1;
        } else {
            alive += 1;
        }
        sender.wait().unwrap();
        longest += if shop.has().requests == before { 10 } else { 0 };
        if store.outbox_summary().unwrap().waiting == 0 {
            break;
        }
        assert!(kills < 400, "{kills} kills and still waiting");
    }
    println!("{kills} kills, {alive} ends of its own");
    assert!(kills >= 5, "it was hardly ever killed");
    let kept = shop.has();
    same(&store, &kept);
    assert_eq!(kept.orders.len(), 500);
    assert_eq!(kept.cancelled.len(), 50);
    println!(
        "{} requests for {} messages",
        kept.requests,
        kept.taken.len()
    );
}

#[tokio::test]
async fn messages_in_the_list_do_not_say_what_is_in_them() {
    let (shop, folder) = (Shop::open().await, folder());
    let mut store = Store::open(folder.path()).unwrap();
    let story = "my PIN is 2580";
    store
        .open_ticket("human", story, 1, jiff::Timestamp::now())
        .unwrap();
    let listed = store.outbox(false, 9).unwrap();
    assert_eq!(
        (listed[0].kind, listed[0].state),
        (MessageKind::Ticket, MessageState::Waiting)
    );
    let out = outbox(folder.path(), &shop, &["list"]).await;
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("1 waiting") && !text.contains("2580"),
        "{text}"
    );
}
