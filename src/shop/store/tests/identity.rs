//! Who may see an order.

use super::*;
use crate::{
    dialogue::{
        effect::{OrderLookup, SecondFact},
        event::OrdersFound,
    },
    shop::{load, order::OrderNumber},
};

/// The sample shop: its customers and orders. (Every PIN in it is 2580.)
fn shop() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    load::sample(&mut store, noon()).unwrap();
    (folder, store)
}

fn post_code(number: &str, code: &str) -> OrderLookup {
    OrderLookup::Number {
        number: OrderNumber(number.to_owned()),
        second: Some(SecondFact::PostCode(code.to_owned())),
    }
}

fn pin(number: &str, pin: &str) -> OrderLookup {
    OrderLookup::Number {
        number: OrderNumber(number.to_owned()),
        second: Some(SecondFact::Pin(pin.to_owned())),
    }
}

fn found(store: &mut Store, lookup: &OrderLookup, now: Timestamp) -> OrdersFound {
    store.find_orders(lookup, now).unwrap()
}

#[test]
fn a_number_and_a_second_fact_show_the_order() {
    let (_folder, mut store) = shop();
    let bare = OrderLookup::Number {
        number: OrderNumber("a7k 2p9".to_owned()),
        second: None,
    };
    let number = OrderNumber("A7K2P9".to_owned());
    assert_eq!(
        found(&mut store, &bare, noon()),
        OrdersFound::NeedsSecondFact { number }
    );
    for proof in [
        post_code("A7K2P9", "69006"),
        post_code("a7k-2p9", "69 006"),
        post_code("A7K2P9", "oliver.hartley@example.com"),
        pin("A7K2P9", "2580"),
    ] {
        let OrdersFound::Known { list } = found(&mut store, &proof, noon()) else {
            panic!("{proof:?} is a proof")
        };
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].number.0, "A7K2P9");
    }
    let rest = OrderLookup::SameCustomer {
        number: OrderNumber("A7K2P9".to_owned()),
    };
    let OrdersFound::Known { list } = found(&mut store, &rest, noon()) else {
        panic!("the customer's orders")
    };
    assert!(list.len() > 1 && list.iter().all(|o| o.customer.as_deref() == Some("C1002")));
    assert!(
        list.is_sorted_by(|a, b| a.created_at >= b.created_at),
        "newest first"
    );
}

#[test]
fn a_wrong_fact_and_no_such_order_are_told_alike() {
    let (_folder, mut store) = shop();
    for lookup in [
        post_code("A7K2P9", "75001"),
        post_code("XXXXXX", "75001"),
        post_code("A7K2P9", ""),
        pin("XXXXXX", "0000"),
    ] {
        assert_eq!(
            found(&mut store, &lookup, noon()),
            OrdersFound::NotFound,
            "{lookup:?}"
        );
    }
}

#[test]
fn five_wrong_tries_lock_for_a_quarter_of_an_hour_also_after_a_restart() {
    let (folder, mut store) = shop();
    for _ in 0..4 {
        let wrong = post_code("A7K2P9", "75001");
        assert_eq!(found(&mut store, &wrong, noon()), OrdersFound::NotFound);
    }
    let until = noon() + minutes(15);
    let fifth = found(&mut store, &post_code("A7K2P9", "75002"), noon());
    assert_eq!(fifth, OrdersFound::Locked { until });
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    let right = post_code("A7K2P9", "69006");
    let locked = found(&mut store, &right, noon() + minutes(14));
    assert_eq!(locked, OrdersFound::Locked { until });
    let other_order = found(
        &mut store,
        &post_code("48213", "69004"),
        noon() + minutes(14),
    );
    assert_eq!(
        other_order,
        OrdersFound::Locked { until },
        "the terminal is locked too"
    );
    let later = found(&mut store, &right, noon() + minutes(15));
    assert!(matches!(later, OrdersFound::Known { .. }), "{later:?}");
}

#[test]
fn right_answers_in_between_do_not_help_to_guess() {
    let (_folder, mut store) = shop();
    for n in 0..5 {
        let own = found(&mut store, &post_code("48213", "69004"), noon());
        assert!(matches!(own, OrdersFound::Known { .. }), "try {n}: {own:?}");
        let guess = post_code("A7K2P9", &format!("6900{n}"));
        let answer = found(&mut store, &guess, noon());
        assert_eq!(
            matches!(answer, OrdersFound::Locked { .. }),
            n == 4,
            "{answer:?}"
        );
    }
}

#[test]
fn old_mistakes_are_forgotten() {
    let (_folder, mut store) = shop();
    for n in 0..20 {
        let wrong = post_code("A7K2P9", "75001");
        let answer = found(&mut store, &wrong, noon() + minutes(16 * n));
        assert_eq!(answer, OrdersFound::NotFound);
    }
}

#[test]
fn a_session_sees_its_own_order_without_more() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 1, &[])]);
    store
        .reserve(id(1), &cart, minutes(10), noon())
        .unwrap()
        .unwrap();
    let order = store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
    let own = found(
        &mut store,
        &OrderLookup::OwnSession { order: id(1) },
        noon(),
    );
    assert_eq!(
        own,
        OrdersFound::Known {
            list: vec![order.clone()]
        }
    );
    let unknown = found(
        &mut store,
        &OrderLookup::OwnSession { order: id(2) },
        noon(),
    );
    assert_eq!(unknown, OrdersFound::NotFound);
    // An order without a customer has no second fact: nobody can look it up by number.
    let stranger = found(&mut store, &post_code(&order.number.0, ""), noon());
    assert_eq!(stranger, OrdersFound::NotFound);
}
