//! What the backend tells: twice, late, out of order, and absurd.

use super::{
    backend::{placed, receipt},
    *,
};
use crate::{
    shop::{
        order::{OrderState, PaymentState},
        store::{Applied, MessageKind},
    },
    sync::contract::{Happened, ShopEvent},
};

/// An event of the backend; `n` names it.
pub(super) fn event(n: u128, version: u64, what: Happened) -> ShopEvent {
    ShopEvent {
        id: id(1_000 + n),
        number: n as u64,
        version,
        at: noon() + minutes(n as i64),
        what,
    }
}

pub(super) fn state_event(n: u128, version: u64, order: Uuid, state: OrderState) -> ShopEvent {
    event(
        n,
        version,
        Happened::OrderState {
            order,
            state,
            note: None,
            carrier: None,
            tracking: None,
        },
    )
}

pub(super) fn payment_event(
    n: u128,
    version: u64,
    order: Uuid,
    payment: PaymentState,
) -> ShopEvent {
    event(n, version, Happened::OrderPayment { order, payment })
}

#[test]
fn events_come_twice_late_and_out_of_order() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {}).id;
    let shipped = event(
        3,
        4,
        Happened::OrderState {
            order,
            state: OrderState::Shipped,
            note: None,
            carrier: Some("Colis Express".to_owned()),
            tracking: Some("CE42".to_owned()),
        },
    );
    assert_eq!(store.take_event(&shipped, 1, noon()).unwrap(), Applied::New);
    assert_eq!(
        store.take_event(&shipped, 1, noon()).unwrap(),
        Applied::Known
    );
    let late = state_event(2, 2, order, OrderState::Preparing);
    assert_eq!(store.take_event(&late, 1, noon()).unwrap(), Applied::Older);
    // About the payment nothing newer is known.
    let paid = payment_event(1, 3, order, PaymentState::Paid);
    assert_eq!(store.take_event(&paid, 1, noon()).unwrap(), Applied::New);
    let unpaid = payment_event(4, 1, order, PaymentState::Pending);
    assert_eq!(
        store.take_event(&unpaid, 1, noon()).unwrap(),
        Applied::Older
    );
    let found = store.order(order).unwrap().unwrap();
    assert_eq!(
        (found.state, found.payment),
        (OrderState::Shipped, PaymentState::Paid)
    );
    assert_eq!(
        found.carrier,
        Some(("Colis Express".to_owned(), "CE42".to_owned()))
    );
    assert!(found.acknowledged_at.is_some());
    // The answer to the order itself comes last: it is older than all that.
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    let accepted = receipt(Some(OrderState::Accepted), None);
    store
        .message_taken(message.id, &accepted, 1, noon())
        .unwrap();
    assert_eq!(store.order(order).unwrap().unwrap(), found);
    let nobodys = state_event(9, 1, id(9), OrderState::Accepted);
    assert_eq!(
        store.take_event(&nobodys, 1, noon()).unwrap(),
        Applied::NotOurs
    );
}

#[test]
fn stock_and_prices_change_one_row_and_nothing_absurd_is_taken() {
    let (_folder, mut store) = corner_shop();
    let product = || "milk".to_owned();
    let row = |store: &Store| {
        let id = ProductId(product());
        store.product(&id, Language::En, noon()).unwrap().unwrap()
    };
    let before = row(&store);
    let what = |quantity, available| Happened::Stock {
        product: product(),
        quantity,
        available,
    };
    let price = |minor, currency, sale| Happened::Price {
        product: product(),
        price: Money::new(minor, currency),
        sale_price: sale,
    };
    let mut take = |n, version, what| {
        store
            .take_event(&event(n, version, what), 1, noon())
            .unwrap()
    };
    assert_eq!(take(1, 2, what(Some(3), true)), Applied::New);
    assert_eq!(take(2, 1, what(Some(99), true)), Applied::Older);
    assert_eq!(take(3, 1, price(0, Currency::Eur, None)), Applied::Wrong);
    assert_eq!(take(4, 2, price(1, Currency::Gbp, None)), Applied::Wrong);
    assert_eq!(take(5, 3, price(199, Currency::Eur, None)), Applied::New);
    let gone = Happened::Stock {
        product: "unicorn".to_owned(),
        quantity: Some(1),
        available: true,
    };
    assert_eq!(take(6, 1, gone), Applied::NotOurs);
    let after = row(&store);
    assert_eq!((after.stock, after.price), (Some(3), euros(199)));
    assert_eq!(after.title, before.title);
}

#[test]
fn the_cursor_never_goes_back() {
    let (_folder, mut store) = corner_shop();
    store.set_events_read("hub", 7).unwrap();
    store.set_events_read("hub", 5).unwrap();
    store.set_events_read("other", 1).unwrap();
    assert_eq!(store.events_read("hub").unwrap(), 7);
    assert_eq!(store.events_read("other").unwrap(), 1);
    assert_eq!(store.events_read("none").unwrap(), 0);
}

#[test]
fn a_cancellation_that_the_backend_could_not_know_of_stands_until_it_answers() {
    let (_folder, mut store) = corner_shop();
    let order = placed(&mut store, 1, |_| {}).id;
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    store
        .message_taken(message.id, &receipt(None, None), 1, noon())
        .unwrap();
    store.cancel_order(order, noon()).unwrap();
    let preparing = state_event(1, 2, order, OrderState::Preparing);
    store.take_event(&preparing, 1, noon()).unwrap();
    let state = |store: &Store| store.order(order).unwrap().unwrap().state;
    assert_eq!(state(&store), OrderState::Cancelled);
    let message = store.due_messages(noon(), 1).unwrap().remove(0);
    assert_eq!(message.kind, MessageKind::Cancel);
    let too_late = receipt(Some(OrderState::Shipped), None);
    store
        .message_taken(message.id, &too_late, 1, noon())
        .unwrap();
    assert_eq!(state(&store), OrderState::Shipped);
    assert_eq!(store.tickets(9).unwrap()[0].0, "cancel_refused");
}
