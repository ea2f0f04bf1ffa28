//! What must hold of an order before it is kept. Pure.

use super::refusal::Refusal;
use crate::{shop::order::OrderState, sync::contract::OrderMessage};

/// At most so many lines an order.
const LINES: usize = 500;
/// The longest text of an order, in characters.
const LONGEST_TEXT: usize = 1_000;

/// Checks an order: its form, one currency, and sums that agree to the cent.
///
/// # Errors
/// [`Refusal::Content`] or [`Refusal::Sum`].
pub fn order(message: &OrderMessage) -> Result<(), Refusal> {
    let order = &message.order;
    let content = |what: String| Err(Refusal::Content(what));
    if order.lines.is_empty() || order.lines.len() > LINES {
        let found = order.lines.len();
        return content(format!("expected 1 to {LINES} lines, found {found}"));
    }
    if order.number.0.is_empty() || order.number.0.chars().count() > 32 {
        return content("expected an order number of 1 to 32 characters".into());
    }
    if order.state != OrderState::Received {
        return content(
            "expected an order in state `received`, found another: the shop decides the rest"
                .into(),
        );
    }
    let options = order.lines.iter().flat_map(|line| &line.options);
    let texts = order
        .lines
        .iter()
        .flat_map(|line| [&line.title, &line.product.0])
        .chain(options)
        .chain(&order.customer)
        .chain(&message.wanted_at)
        .chain(&message.service);
    for text in texts {
        if text.chars().count() > LONGEST_TEXT {
            return content(format!(
                "expected texts of at most {LONGEST_TEXT} characters, found a longer one"
            ));
        }
    }
    let currency = message.total.currency;
    let amounts = [message.total, order.discount, order.delivery_fee];
    let prices = order.lines.iter().map(|line| line.unit_price);
    for amount in amounts.into_iter().chain(prices) {
        if amount.currency != currency {
            return content(format!(
                "expected all amounts in {}, found {}",
                currency.code(),
                amount.currency.code()
            ));
        }
        if amount.minor < 0 {
            return content(format!("expected no amount below 0, found {amount}"));
        }
    }
    let mut sum = i128::from(order.delivery_fee.minor) - i128::from(order.discount.minor);
    for (n, line) in order.lines.iter().enumerate() {
        if line.quantity == 0 {
            return content(format!("expected a quantity in line {}, found 0", n + 1));
        }
        sum += i128::from(line.unit_price.minor) * i128::from(line.quantity);
    }
    if sum != i128::from(message.total.minor) {
        return Err(Refusal::Sum(format!(
            "expected a total of {sum} minor units (lines + delivery - discount), found {}",
            message.total.minor
        )));
    }
    Ok(())
}

/// Whether staff may move an order from one state to another. What is over stays over; the
/// money of an order that is over can still be given back.
#[must_use]
pub fn may_follow(from: OrderState, to: OrderState) -> bool {
    use OrderState as S;
    match (from, to) {
        (_, S::Received) => false,
        (S::Refunded, _) => false,
        (S::Rejected | S::Cancelled, to) => to == S::Refunded,
        // What has left the shop can no longer be refused or cancelled, only come back.
        (
            S::Shipped | S::OutForDelivery | S::Delivered | S::PartiallyDelivered | S::Returned,
            S::Accepted | S::Rejected | S::Cancelled | S::Preparing | S::PaymentFailed,
        ) => false,
        (S::Received | S::Accepted | S::Preparing, S::Returned) => false,
        _ => true,
    }
}

/// A webhook's address: `http` or `https`, no name and password in it.
///
/// # Errors
/// What was expected and found.
pub fn webhook_url(text: &str) -> Result<String, String> {
    let expected = "expected a webhook such as https://till-1.shop.example/v1/webhooks/backend";
    let url = reqwest::Url::parse(text).map_err(|e| format!("{expected}, found: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{expected}, found `{}:`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{expected}, found a name or password in it"));
    }
    Ok(url.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::shop::money::{Currency, Money};
    use serde_json::json;

    fn message() -> OrderMessage {
        serde_json::from_value(json!({
            "id": "018f7f2e-0000-7000-8000-000000000001", "number": "A3C4E6", "customer": null,
            "state": "received", "discount": {"minor": 50, "currency": "EUR"},
            "delivery_fee": {"minor": 300, "currency": "EUR"}, "fulfilment": "delivery",
            "payment": "unpaid", "method": "card", "language": "en",
            "created_at": "2026-11-20T11:00:00Z", "promised": null, "carrier": null, "events": [],
            "lines": [
                {"product": "oat-milk", "title": "Oat milk", "quantity": 3, "tax_rate_bp": 550,
                 "unit_price": {"minor": 350, "currency": "EUR"}},
                {"product": "tea", "title": "Tea", "quantity": 1, "tax_rate_bp": 550,
                 "unit_price": {"minor": 199, "currency": "EUR"}},
            ],
            "total": {"minor": 1499, "currency": "EUR"},
        }))
        .unwrap()
    }

    #[test]
    fn sums_agree_to_the_cent_or_the_order_is_refused() {
        assert!(order(&message()).is_ok());
        for wrong in [1498, 1500, 0] {
            let mut m = message();
            m.total.minor = wrong;
            let refusal = order(&m).unwrap_err();
            assert_eq!(refusal.kind(), "sum");
            assert!(refusal.to_string().contains("1499"), "{refusal}");
        }
    }

    #[test]
    fn amounts_that_overflow_a_till_are_no_sum() {
        let mut m = message();
        m.order.lines[0].unit_price.minor = i64::MAX;
        m.order.lines[0].quantity = u32::MAX;
        assert_eq!(order(&m).unwrap_err().kind(), "sum");
    }

    #[test]
    fn currencies_signs_and_states_are_looked_at() {
        let mut m = message();
        m.order.lines[1].unit_price.currency = Currency::Gbp;
        assert!(order(&m).unwrap_err().to_string().contains("GBP"));
        let mut m = message();
        m.order.discount = Money::new(-1, Currency::Eur);
        assert_eq!(order(&m).unwrap_err().kind(), "content");
        let mut m = message();
        m.order.state = OrderState::Accepted;
        assert_eq!(order(&m).unwrap_err().kind(), "content");
        let mut m = message();
        m.order.lines[0].quantity = 0;
        assert_eq!(order(&m).unwrap_err().kind(), "content");
        let mut m = message();
        m.order.lines.clear();
        assert_eq!(order(&m).unwrap_err().kind(), "content");
    }

    #[test]
    fn what_is_over_stays_over() {
        use OrderState as S;
        assert!(may_follow(S::Received, S::Accepted));
        assert!(may_follow(S::Delayed, S::Shipped));
        assert!(may_follow(S::Cancelled, S::Refunded));
        assert!(!may_follow(S::Cancelled, S::Accepted));
        assert!(!may_follow(S::Delivered, S::Rejected));
        assert!(!may_follow(S::Accepted, S::Received));
    }
}
