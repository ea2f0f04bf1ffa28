//! From read-back to order: stock, prices, once and only once.

use super::*;
use crate::{
    dialogue::event::ReserveRefusal,
    shop::{
        order::{OrderEvent, OrderState, PaymentState},
        store::{RESERVATION, ReturnWish},
    },
};

#[test]
fn an_order_is_written_whole_and_says_its_true_state() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![
        line(&store, "milk", 2, &[]),
        line(&store, "beer", 1, &[]),
    ]);
    let kept = store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    assert_eq!((kept.order, kept.until), (id(1), noon() + minutes(10)));
    let order = store
        .place_order(&purchase(id(1), &cart), 7, noon() + minutes(1))
        .unwrap();
    assert_eq!(
        order.state,
        OrderState::Received,
        "saved, not yet sent to the shop"
    );
    assert_eq!(order.payment, PaymentState::Unpaid);
    assert_eq!(order.total(), cart.total());
    assert_eq!(order.events.len(), 1);
    assert!(!order.lines[0].held_for_age && order.lines[1].held_for_age);
    assert_eq!(store.order(id(1)).unwrap().unwrap(), order);
    assert_eq!(
        store.order_by_number(&order.number).unwrap().unwrap(),
        order
    );
    assert_eq!(store.outbox_summary().unwrap().waiting, 1);
    let message: String = store
        .orders
        .query_row("SELECT body FROM outbox", [], |row| row.get(0))
        .unwrap();
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["number"], order.number.0.as_str());
    assert_eq!(
        (&message["service"], &message["wanted_at"]),
        (&"takeaway".into(), &"17:30".into())
    );
}

#[test]
fn the_same_order_twice_is_one_order() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 2, &[])]);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    let one = store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
    let two = store
        .place_order(&purchase(id(1), &cart), 8, noon() + minutes(60))
        .unwrap();
    assert_eq!(one, two);
    assert_eq!(store.orders(10).unwrap().len(), 1);
    assert_eq!(store.outbox_summary().unwrap().waiting, 1);
    assert_eq!(stock(&store, "milk", noon()), Some(10));
}

#[test]
fn two_orders_never_have_one_number() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 1, &[])]);
    for n in 1..=3 {
        store
            .reserve(id(n), &cart, RESERVATION, noon())
            .unwrap()
            .unwrap();
        // The same randomness each time: the worst that can happen.
        store
            .place_order(&purchase(id(n), &cart), 7, noon())
            .unwrap();
    }
    let numbers: std::collections::HashSet<String> = store
        .orders(10)
        .unwrap()
        .into_iter()
        .map(|o| o.number.0)
        .collect();
    assert_eq!(numbers.len(), 3);
}

#[test]
fn reserved_stock_is_gone_for_others_until_it_is_released_or_expires() {
    let (folder, mut store) = corner_shop();
    let mut other_terminal = Store::open(folder.path()).unwrap();
    assert_eq!(stock(&store, "milk", noon()), Some(12));
    let ten = cart(vec![line(&store, "milk", 10, &[])]);
    store
        .reserve(id(1), &ten, RESERVATION, noon())
        .unwrap()
        .unwrap();
    assert_eq!(stock(&other_terminal, "milk", noon()), Some(2));
    let three = cart(vec![line(&store, "milk", 3, &[])]);
    let refusal = other_terminal
        .reserve(id(2), &three, RESERVATION, noon())
        .unwrap()
        .unwrap_err();
    let milk = ProductId("milk".to_owned());
    assert_eq!(
        refusal,
        ReserveRefusal::Stock {
            product: milk,
            left: 2
        }
    );
    // Reading the cart back again does not count it twice.
    store
        .reserve(id(1), &ten, RESERVATION, noon() + minutes(1))
        .unwrap()
        .unwrap();
    store.release(id(1)).unwrap();
    other_terminal
        .reserve(id(2), &three, RESERVATION, noon())
        .unwrap()
        .unwrap();
    assert_eq!(stock(&store, "milk", noon()), Some(9));
    assert_eq!(
        stock(&store, "milk", noon() + minutes(11)),
        Some(12),
        "expired"
    );
    assert_eq!(store.expire(noon() + minutes(11)).unwrap(), 1);
}

#[test]
fn a_yes_after_the_reservation_is_over_is_void() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 1, &[])]);
    let never = store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap_err();
    assert_eq!(refused(&never), WriteRefusal::Expired);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    let late = store
        .place_order(&purchase(id(1), &cart), 7, noon() + minutes(10))
        .unwrap_err();
    assert_eq!(refused(&late), WriteRefusal::Expired);
    assert_eq!(store.orders(10).unwrap(), []);
    assert_eq!(store.outbox_summary().unwrap().waiting, 0);
}

#[test]
fn what_was_not_read_back_is_not_ordered() {
    let (_folder, mut store) = corner_shop();
    let one = cart(vec![line(&store, "milk", 1, &[])]);
    let two = cart(vec![line(&store, "milk", 2, &[])]);
    store
        .reserve(id(1), &one, RESERVATION, noon())
        .unwrap()
        .unwrap();
    let other = store
        .place_order(&purchase(id(1), &two), 7, noon())
        .unwrap_err();
    assert_eq!(refused(&other), WriteRefusal::Expired);
    let wrong_sum = Purchase {
        total: euros(1),
        ..purchase(id(1), &one)
    };
    let wrong = store.place_order(&wrong_sum, 7, noon()).unwrap_err();
    assert_eq!(refused(&wrong), WriteRefusal::NotAllowed);
    let nothing = store
        .place_order(&purchase(id(1), &cart(vec![])), 7, noon())
        .unwrap_err();
    assert_eq!(refused(&nothing), WriteRefusal::NotAllowed);
}

#[test]
fn prices_are_the_rows_and_never_the_carts() {
    let (folder, mut store) = corner_shop();
    let mut cheap = cart(vec![line(&store, "milk", 1, &[])]);
    cheap.lines[0].unit_price = euros(1);
    let refusal = store
        .reserve(id(1), &cheap, RESERVATION, noon())
        .unwrap()
        .unwrap_err();
    let ReserveRefusal::Price { product } = refusal else {
        panic!("the price should be refused: {refusal:?}")
    };
    assert_eq!(product.price, euros(115));
    // A price that changes between read-back and yes voids the yes.
    let honest = cart(vec![line(&store, "milk", 1, &[])]);
    store
        .reserve(id(1), &honest, RESERVATION, noon())
        .unwrap()
        .unwrap();
    import_feeds(folder.path(), &[("corner-dearer.en.tsv", Language::En)]);
    let late = store
        .place_order(&purchase(id(1), &honest), 7, noon())
        .unwrap_err();
    assert_eq!(refused(&late), WriteRefusal::Expired);
    // What is no longer sold is gone.
    let beer = CartLine {
        product: ProductId("beer".to_owned()),
        ..honest.lines[0].clone()
    };
    let gone = store
        .reserve(id(2), &cart(vec![beer]), RESERVATION, noon())
        .unwrap();
    assert!(matches!(gone, Err(ReserveRefusal::Gone { .. })), "{gone:?}");
}

#[test]
fn a_promotion_counts_while_it_runs() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "jam", 1, &[])]);
    assert_eq!(
        cart.lines[0].unit_price,
        euros(250),
        "on promotion until midnight"
    );
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    let tomorrow = noon() + minutes(24 * 60);
    let refusal = store
        .reserve(id(2), &cart, RESERVATION, tomorrow)
        .unwrap()
        .unwrap_err();
    assert!(matches!(refusal, ReserveRefusal::Price { product } if product.price == euros(300)));
}

#[test]
fn options_are_priced_by_the_row_in_any_language() {
    let (_folder, mut store) = corner_shop();
    let plain = line(&store, "latte", 1, &[]);
    assert_eq!(
        plain.unit_price,
        euros(330),
        "the default size costs 30 more"
    );
    let large = line(&store, "latte", 1, &["large", "oat milk"]);
    assert_eq!(large.unit_price, euros(300 + 80 + 40));
    let french = CartLine {
        options: vec!["grand".to_owned(), "lait d'avoine".to_owned()],
        title: "Café latte".to_owned(),
        ..large.clone()
    };
    store
        .reserve(
            id(1),
            &cart(vec![plain, large, french.clone()]),
            RESERVATION,
            noon(),
        )
        .unwrap()
        .unwrap();
    let unknown = CartLine {
        options: vec!["gold leaf".to_owned()],
        ..french
    };
    let refusal = store
        .reserve(id(2), &cart(vec![unknown]), RESERVATION, noon())
        .unwrap();
    assert!(
        matches!(refusal, Err(ReserveRefusal::Price { .. })),
        "{refusal:?}"
    );
}

#[test]
fn an_order_can_be_cancelled_until_it_leaves_the_shop() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 4, &[])]);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
    assert_eq!(
        stock(&store, "milk", noon() + minutes(60)),
        Some(8),
        "sold stays sold"
    );
    let cancelled = store.cancel_order(id(1), noon() + minutes(1)).unwrap();
    assert_eq!(cancelled.state, OrderState::Cancelled);
    assert_eq!(
        stock(&store, "milk", noon() + minutes(1)),
        Some(12),
        "and is given back"
    );
    let again = store.cancel_order(id(1), noon() + minutes(2)).unwrap();
    assert_eq!(again.events.len(), 2, "cancelling again changes nothing");

    store
        .reserve(id(2), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(2), &cart), 8, noon())
        .unwrap();
    let shipped = OrderEvent {
        at: noon() + minutes(30),
        state: OrderState::Shipped,
        note: None,
    };
    store.record_event(id(2), &shipped).unwrap();
    let late = store.cancel_order(id(2), noon() + minutes(31)).unwrap_err();
    assert_eq!(refused(&late), WriteRefusal::NotAllowed);
    let nobodys = store.cancel_order(id(9), noon()).unwrap_err();
    assert_eq!(refused(&nobodys), WriteRefusal::NotAllowed);
}

#[test]
fn things_go_back_within_the_shops_days() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![
        line(&store, "milk", 1, &[]),
        line(&store, "jam", 1, &[]),
    ]);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
    let wish = ReturnWish {
        items: vec![cart.lines[1].title.clone()],
        ..ReturnWish::default()
    };
    let early = store
        .request_return(id(1), &wish, Some(30), 1, noon())
        .unwrap_err();
    assert_eq!(
        refused(&early),
        WriteRefusal::NotAllowed,
        "not delivered yet"
    );
    let delivered = OrderEvent {
        at: noon() + minutes(60),
        state: OrderState::Delivered,
        note: None,
    };
    store.record_event(id(1), &delivered).unwrap();
    let day = 24 * 60;
    let late = store.request_return(id(1), &wish, Some(30), 1, noon() + minutes(32 * day));
    assert_eq!(refused(&late.unwrap_err()), WriteRefusal::NotAllowed);
    let foreign = ReturnWish {
        items: vec!["A piano".to_owned()],
        ..ReturnWish::default()
    };
    let other = store.request_return(id(1), &foreign, Some(30), 1, noon() + minutes(day));
    assert_eq!(refused(&other.unwrap_err()), WriteRefusal::NotAllowed);
    let reference = store
        .request_return(id(1), &wish, Some(30), 1, noon() + minutes(30 * day))
        .unwrap();
    let order = store.order(id(1)).unwrap().unwrap();
    assert_eq!(order.state, OrderState::ReturnRequested);
    assert_eq!(
        order.events.last().unwrap().note.as_deref(),
        Some(reference.as_str())
    );
}

#[test]
fn tickets_reach_the_outbox_with_a_reference() {
    let (_folder, mut store) = corner_shop();
    let story = "x".repeat(100_000);
    let reference = store.open_ticket("human", &story, 3, noon()).unwrap();
    assert!(reference.starts_with('T') && reference.len() == 6);
    assert_eq!(store.outbox_summary().unwrap().waiting, 1);
}

#[test]
fn what_happened_is_never_rewritten() {
    let (_folder, mut store) = corner_shop();
    let cart = cart(vec![line(&store, "milk", 1, &[])]);
    store
        .reserve(id(1), &cart, RESERVATION, noon())
        .unwrap()
        .unwrap();
    store
        .place_order(&purchase(id(1), &cart), 7, noon())
        .unwrap();
    for tampering in [
        "DELETE FROM order_event",
        "UPDATE order_event SET state = 'delivered'",
    ] {
        let error = store.orders.execute(tampering, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}
