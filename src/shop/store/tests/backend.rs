//! The outbox and what comes back: keys, places, states, and what is told twice or late.

use super::{
    inbound::{payment_event, state_event},
    *,
};
use crate::{
    shop::{
        order::{Order, OrderState, PaymentState},
        store::{
            Answer, LONGEST_WAIT, MessageKind, MessageState, RESERVATION, ReturnState, ReturnWish,
            migrate,
        },
    },
    sync::contract::{CancelMessage, OrderMessage, PaymentLink, Receipt, ReturnMessage},
};

pub(super) fn placed(store: &mut Store, n: u128, how: impl FnOnce(&mut Purchase)) -> Order {
    let cart = cart(vec![line(store, "milk", 2, &[])]);
    store
        .reserve(id(n), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    let mut purchase = purchase(id(n), &cart);
    how(&mut purchase);
    store.place_order(&purchase, 7, noon()).unwrap()
}

pub(super) fn receipt(state: Option<OrderState>, note: Option<&str>) -> Answer {
    Answer::Receipt(Receipt {
        state,
        note: note.map(str::to_owned),
    })
}

#[test]
fn messages_are_the_contracts_and_count_by_subject() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {});
    store.cancel_order(order.id, noon() + minutes(1)).unwrap();
    store.open_ticket("human", "help", 3, noon()).unwrap();
    store.open_ticket("feedback", "nice", 3, noon()).unwrap();
    let all = store.outbox(false, 9).unwrap();
    let places: Vec<_> = all.iter().map(|m| (m.kind, m.sequence)).collect();
    assert_eq!(
        places,
        [
            (MessageKind::Order, 1),
            (MessageKind::Cancel, 2),
            (MessageKind::Ticket, 1),
            (MessageKind::Feedback, 1)
        ]
    );
    assert_eq!(all[0].key, order.id, "an order is its own key");
    assert!(all[1].key != order.id && all[2].key != all[3].key);
    assert_ne!(all[2].subject, all[3].subject, "no reference twice");
    let due = store.due_messages(noon(), 9).unwrap();
    let kinds: Vec<_> = due.iter().map(|m| m.kind).collect();
    assert_eq!(
        kinds,
        [
            MessageKind::Order,
            MessageKind::Ticket,
            MessageKind::Feedback
        ],
        "the cancellation waits for its order"
    );
    let message: OrderMessage = serde_json::from_str(&due[0].body).unwrap();
    assert_eq!((&message.order, message.total), (&order, order.total()));
    assert_eq!(message.service.as_deref(), Some("takeaway"));
    store
        .message_taken(due[0].id, &receipt(None, None), 1, noon())
        .unwrap();
    let due = store.due_messages(noon(), 9).unwrap();
    let cancel: CancelMessage = serde_json::from_str(&due[0].body).unwrap();
    assert_eq!(cancel.at, noon() + minutes(1));
}

#[test]
fn an_order_is_saved_until_the_backend_has_it() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {});
    assert_eq!(order.acknowledged_at, None);
    assert_eq!(store.unsent_orders().unwrap().amount, order.total().minor);
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    let at = noon() + minutes(1);
    let taken = receipt(Some(OrderState::Accepted), None);
    store.message_taken(message.id, &taken, 1, at).unwrap();
    // The answer comes twice, the second time another.
    let other = receipt(Some(OrderState::Rejected), None);
    store.message_taken(message.id, &other, 1, at).unwrap();
    let order = store.order(order.id).unwrap().unwrap();
    assert_eq!(
        (order.state, order.acknowledged_at),
        (OrderState::Accepted, Some(at))
    );
    assert_eq!(store.unsent_orders().unwrap().orders, 0);
    assert_eq!(store.outbox_summary().unwrap().waiting, 0);
}

#[test]
fn a_rejected_order_gives_its_stock_back_and_alerts_staff_once() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {});
    assert_eq!(stock(&store, "milk", noon()), Some(10));
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    let rejected = receipt(Some(OrderState::Rejected), Some("the fridge is broken"));
    store
        .message_taken(message.id, &rejected, 1, noon())
        .unwrap();
    let again = state_event(1, 1, order.id, OrderState::Rejected);
    store.take_event(&again, 2, noon()).unwrap();
    let order = store.order(order.id).unwrap().unwrap();
    assert_eq!(order.state, OrderState::Rejected);
    assert_eq!(
        order.events.last().unwrap().note.as_deref(),
        Some("the fridge is broken")
    );
    assert_eq!(stock(&store, "milk", noon()), Some(12));
    let tickets = store.tickets(9).unwrap();
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].0, "rejected");
    assert!(tickets[0].2.contains(&order.number.0) && tickets[0].2.contains("fridge"));
}

#[test]
fn a_refused_message_holds_back_its_own_subject_and_alerts_staff() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {});
    store.cancel_order(order.id, noon()).unwrap();
    placed(&mut store, 2, |_| {});
    let due = store.due_messages(noon(), 9).unwrap();
    assert_eq!(due.len(), 2);
    store
        .message_refused(due[0].id, "422 sum: \u{1b}[31mno", 5, noon())
        .unwrap();
    let now: Vec<_> = store
        .due_messages(noon(), 9)
        .unwrap()
        .into_iter()
        .map(|m| (m.kind, m.subject))
        .collect();
    assert_eq!(now[0], (MessageKind::Order, id(2).to_string()));
    assert_eq!(now[1].0, MessageKind::Ticket);
    assert_eq!(now.len(), 2, "the cancellation of a dead order waits");
    let dead = store.outbox(true, 9).unwrap();
    assert_eq!(
        (dead.len(), dead[0].state),
        (1, MessageState::Dead),
        "and is told"
    );
    assert!(!dead[0].error.as_ref().unwrap().contains('\u{1b}'));
    assert_eq!(store.tickets(9).unwrap()[0].0, "undelivered");
    assert_eq!(store.send_again(Some(dead[0].id)).unwrap(), 1);
    let due = store.due_messages(noon(), 9).unwrap();
    assert_eq!((due[0].id, due[0].key), (dead[0].id, order.id));
}

#[test]
fn a_message_is_not_put_off_by_a_clock_that_was_wrong() {
    let (_folder, mut store) = corner_shop();
    placed(&mut store, 1, |_| {});
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    let soon = noon() + minutes(5);
    store.message_failed(message.id, "away", soon).unwrap();
    assert!(store.due_messages(noon(), 1).unwrap().is_empty());
    assert_eq!(store.due_messages(soon, 1).unwrap()[0].attempts, 1);
    let before = noon() - LONGEST_WAIT;
    assert_eq!(
        store.due_messages(before, 1).unwrap().len(),
        1,
        "the clock was set back by more than any wait"
    );
}

#[test]
fn an_order_by_link_asks_for_its_link_once_it_is_there() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |p| p.method = Method::Link);
    assert_eq!(order.payment, PaymentState::Pending);
    let message = store.due_messages(noon(), 9).unwrap().remove(0);
    store
        .message_taken(message.id, &receipt(None, None), 1, noon())
        .unwrap();
    let asked = store.due_messages(noon(), 9).unwrap().remove(0);
    assert_eq!(
        (asked.kind, asked.sequence, asked.body.as_str()),
        (MessageKind::PaymentLink, 2, "")
    );
    let link = PaymentLink {
        url: "https://pay.example/1".to_owned(),
        expires_at: noon() + minutes(60),
    };
    store
        .message_taken(asked.id, &Answer::Link(link.clone()), 1, noon())
        .unwrap();
    assert_eq!(
        store.order(order.id).unwrap().unwrap().payment_link,
        Some((link.url, link.expires_at))
    );
    let paid = payment_event(1, 1, order.id, PaymentState::Paid);
    store.take_event(&paid, 1, noon()).unwrap();
    assert_eq!(
        store.order(order.id).unwrap().unwrap().payment,
        PaymentState::Paid
    );
}

#[test]
fn a_return_is_asked_sent_and_done_or_refused() {
    let (_folder, mut store) = corner_shop();
    for (n, end, expected) in [
        (1, OrderState::Refunded, ReturnState::Done),
        (2, OrderState::Delivered, ReturnState::Refused),
    ] {
        let order = placed(&mut store, n, |_| {}).id;
        let told =
            |version, state| state_event(n * 10 + u128::from(version), version, order, state);
        store
            .take_event(&told(1, OrderState::Delivered), 1, noon())
            .unwrap();
        let wish = ReturnWish::default();
        let reference = store
            .request_return(order, &wish, Some(30), 1, noon() + minutes(30))
            .unwrap();
        let state = |store: &Store| {
            let found = store.returns(order).unwrap();
            assert_eq!((found.len(), &found[0].reference), (1, &reference));
            found[0].state
        };
        assert_eq!(state(&store), ReturnState::Asked);
        for _ in 0..2 {
            let due = store.due_messages(noon(), 1).unwrap().remove(0);
            if due.kind == MessageKind::Return {
                let message: ReturnMessage = serde_json::from_str(&due.body).unwrap();
                assert_eq!((message.order, &message.reference), (order, &reference));
            }
            let taken = receipt(Some(OrderState::ReturnRequested), None);
            store.message_taken(due.id, &taken, 1, noon()).unwrap();
        }
        assert_eq!(state(&store), ReturnState::Sent);
        store.take_event(&told(2, end), 1, noon()).unwrap();
        assert_eq!(state(&store), expected);
    }
}

#[test]
fn a_full_disk_at_the_answer_leaves_the_message_to_be_sent_again() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {});
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    let pages: i64 = store
        .orders
        .pragma_query_value(None, "page_count", |r| r.get(0))
        .unwrap();
    store
        .orders
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
    // A rejection writes a ticket: its story, longer than what is free, does not fit.
    let note = "x".repeat(20_000);
    let rejected = receipt(Some(OrderState::Rejected), Some(&note));
    let error = store
        .message_taken(message.id, &rejected, 1, noon())
        .unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!(
        store.order(order.id).unwrap().unwrap(),
        order,
        "no half answer"
    );
    assert_eq!(
        store.due_messages(noon(), 1).unwrap(),
        std::slice::from_ref(&message)
    );
    store
        .orders
        .pragma_update(None, "max_page_count", 1_000_000)
        .unwrap();
    store
        .message_taken(message.id, &rejected, 1, noon())
        .unwrap();
    assert_eq!(
        store.order(order.id).unwrap().unwrap().state,
        OrderState::Rejected
    );
}

#[test]
fn what_waited_in_an_older_outbox_is_sent_as_the_contract_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut db = rusqlite::Connection::open(folder.path().join("orders.db")).unwrap();
    migrate::migrate(&mut db, "orders.db", &migrate::ORDERS[..2]).unwrap();
    let order = id(1);
    db.execute_batch(&format!(
        r#"INSERT INTO orders (id, number, language, state, fulfilment, currency, delivery_fee,
               payment, created_at) VALUES ('{order}', 'A7K3', 'en', 'cancelled', 'pickup', 'EUR',
               490, 'unpaid', 1000);
           INSERT INTO order_line VALUES ('{order}', 0, 'milk', 'Milk', 2, '[]', 120, 550, 0);
           INSERT INTO outbox (kind, subject, body, created_at, sent_at) VALUES
             ('order', '{order}', '{{"id":"{order}","number":"A7K3","customer":null,
               "state":"received","lines":[{{"product":"milk","title":"Milk","quantity":2,
               "unit_price":{{"minor":120,"currency":"EUR"}},"tax_rate_bp":550}}],
               "discount":{{"minor":0,"currency":"EUR"}},
               "delivery_fee":{{"minor":490,"currency":"EUR"}},"fulfilment":"pickup",
               "payment":"unpaid","method":null,"language":"en",
               "created_at":"2026-11-20T11:00:00Z","promised":null,"carrier":null,
               "events":[],"service":null,"wanted_at":null}}', 1000, NULL),
             ('cancel', '{order}', '{{"at":"2026-11-20T11:00:00Z","state":"cancelled",
               "note":null}}', 2000, NULL),
             ('return', 'R1', '{{"reference":"R1","order":"{order}","wish":{{"items":["Milk"],
               "reason":"late","exchange_for":null}}}}', 3000, NULL),
             ('ticket', 'T1', '{{"reference":"T1","kind":"human","story":"x"}}', 4000, 4001);"#
    ))
    .unwrap();
    drop(db);
    let mut store = Store::open(folder.path()).unwrap();
    let mut bodies = Vec::new();
    while let Some(message) = store.due_messages(noon(), 1).unwrap().pop() {
        store
            .message_taken(message.id, &receipt(None, None), 1, noon())
            .unwrap();
        bodies.push((message.kind, message.sequence, message.body));
    }
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    let order_message: OrderMessage = serde_json::from_str(&bodies[0].2).unwrap();
    assert_eq!(order_message.total, euros(730));
    assert_eq!(order_message.order.total(), order_message.total);
    serde_json::from_str::<CancelMessage>(&bodies[1].2).unwrap();
    let wish: ReturnMessage = serde_json::from_str(&bodies[2].2).unwrap();
    assert_eq!((wish.order, wish.items), (order, vec!["Milk".to_owned()]));
    assert_eq!(
        bodies.iter().map(|b| b.1).collect::<Vec<_>>(),
        [1, 2, 1],
        "a return is its own subject"
    );
}
