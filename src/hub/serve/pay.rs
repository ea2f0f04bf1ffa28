//! The test page where an order is paid. It stands for a payment provider's page: nothing is
//! charged. It is self-contained and readable by everybody: plain HTML, no script.
//!
//! Whoever has the address may pay, as with every payment link; the address cannot be guessed.
//! There is no cookie and no login, so another site has nothing to ride on; the form sends along
//! a value that only the page's reader knows, all the same.

use super::{Hub, signed::read};
use crate::{
    hub::{
        refusal::Refusal,
        store::{Paid, Payable},
    },
    lang::Language,
    shop::{money::Money, order::PaymentState},
};
use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use std::{fmt::Write as _, sync::Arc};
use uuid::Uuid;

/// The form is short.
const LONGEST_FORM: usize = 1024;

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;\
padding:0 1rem;color:#111;background:#fff}table{width:100%;border-collapse:collapse}\
caption{text-align:left;font-weight:600}th,td{text-align:left;padding:.4rem 0;\
border-bottom:1px solid #767676}.n{text-align:right}button{font:inherit;padding:.8rem 1.6rem;\
margin-top:1.5rem;border:0;border-radius:.4rem;background:#0b4f8a;color:#fff}\
button:focus-visible{outline:3px solid #000;outline-offset:3px}.note{border-left:.4rem solid \
#0b4f8a;padding-left:1rem}";

/// What the page says, in one language.
struct Words {
    title: &'static str,
    test: &'static str,
    what: &'static str,
    number: &'static str,
    price: &'static str,
    delivery: &'static str,
    discount: &'static str,
    total: &'static str,
    until: &'static str,
    pay: &'static str,
    paid: &'static str,
    expired: &'static str,
    not_due: &'static str,
}

const EN: Words = Words {
    title: "Pay for order",
    test: "This is a test page: nothing is charged.",
    what: "What was ordered",
    number: "Number",
    price: "Price",
    delivery: "Delivery",
    discount: "Discount",
    total: "Total, tax included",
    until: "This page can be used until",
    pay: "Order with obligation to pay: pay",
    paid: "This order is paid. Thank you. You may close this page.",
    expired: "This payment link is too old. Please ask at the counter for a new one.",
    not_due: "Nothing is to be paid for this order: it was cancelled, rejected or refunded.",
};

const FR: Words = Words {
    title: "Payer la commande",
    test: "Ceci est une page d'essai : rien n'est débité.",
    what: "Ce qui a été commandé",
    number: "Nombre",
    price: "Prix",
    delivery: "Livraison",
    discount: "Remise",
    total: "Total, taxes comprises",
    until: "Cette page peut servir jusqu'au",
    pay: "Commande avec obligation de paiement : payer",
    paid: "Cette commande est payée. Merci. Vous pouvez fermer cette page.",
    expired: "Ce lien de paiement est trop ancien. Demandez-en un autre au comptoir.",
    not_due: "Il n'y a rien à payer pour cette commande : elle a été annulée, refusée ou remboursée.",
};

/// `GET /pay/{token}`.
pub(super) async fn page(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let (link, payable) = hub.payable(&token).await?;
    Ok(hub.show(link, &payable, Timestamp::now()))
}

/// `POST /pay/{token}`.
pub(super) async fn pay(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let (link, _) = hub.payable(&token).await?;
    let body = read(&parts.headers, body, LONGEST_FORM).await?;
    let form = std::str::from_utf8(&body)
        .ok()
        .and_then(|text| text.split('&').find_map(|pair| pair.strip_prefix("form=")))
        .unwrap_or_default();
    if from_elsewhere(&parts.headers) || !hub.how.key.is_payment_form(link, form) {
        return Err(Refusal::Content(
            "expected the form of the payment page, found another: open the page again".into(),
        ));
    }
    let now = Timestamp::now();
    match hub.within(hub.store.pay(link, now)).await? {
        Paid::Now => tracing::info!("hub: an order was paid"),
        Paid::Before | Paid::Expired | Paid::NotDue => {}
    }
    let (_, payable) = hub.payable(&token).await?;
    Ok(hub.show(link, &payable, now))
}

/// Whether a browser says that another site sent this.
fn from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

impl Hub {
    async fn payable(&self, token: &str) -> Result<(Uuid, Payable), Refusal> {
        // An address that is not ours costs no question to the database.
        let link = self
            .how
            .key
            .payment_link(token)
            .ok_or(Refusal::NotFound("a payment link"))?;
        let payable = self.within(self.store.payable(link)).await?;
        payable
            .map(|payable| (link, payable))
            .ok_or(Refusal::NotFound("a payment link"))
    }

    fn show(&self, link: Uuid, payable: &Payable, now: Timestamp) -> Response {
        let order = &payable.message.order;
        let words = match order.language {
            Language::En => &EN,
            Language::Fr => &FR,
        };
        let due = !matches!(
            payable.payment,
            PaymentState::Refunded | PaymentState::Cancelled
        ) && payable.is_due();
        let (status, form) = if payable.payment == PaymentState::Paid {
            (StatusCode::OK, note(words.paid))
        } else if !due {
            (StatusCode::GONE, note(words.not_due))
        } else if now >= payable.expires_at {
            (StatusCode::GONE, note(words.expired))
        } else {
            let form = self.how.key.payment_form(link);
            let until = payable.expires_at.strftime("%Y-%m-%d %H:%M UTC");
            let total = amount(payable.total, order.language);
            (
                StatusCode::OK,
                format!(
                    "<p>{} <time>{until}</time>.</p><form method=\"post\">\
                     <input type=\"hidden\" name=\"form\" value=\"{form}\">\
                     <button type=\"submit\">{} {total}</button></form>",
                    words.until, words.pay
                ),
            )
        };
        let nonce = Uuid::new_v4().simple().to_string();
        let html = html(payable, words, &form, &nonce);
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_LANGUAGE, order.language.code()),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

fn html(payable: &Payable, words: &Words, form: &str, nonce: &str) -> String {
    let order = &payable.message.order;
    let language = order.language;
    let mut rows = String::new();
    for line in &order.lines {
        let options = if line.options.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&line.options.join(", ")))
        };
        let _ = write!(
            rows,
            "<tr><td>{}{options}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(&line.title),
            line.quantity,
            amount(line.total(), language)
        );
    }
    for (name, sum) in [
        (words.discount, -order.discount),
        (words.delivery, order.delivery_fee),
    ] {
        if sum.minor != 0 {
            let sum = amount(sum, language);
            let _ = write!(
                rows,
                "<tr><td colspan=\"2\">{name}</td><td class=\"n\">{sum}</td></tr>"
            );
        }
    }
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title} {number}</title>\
         <style nonce=\"{nonce}\">{STYLE}</style></head><body><main>\
         <h1>{title} {number}</h1><p class=\"note\">{test}</p>\
         <table><caption>{what}</caption><thead><tr><th scope=\"col\">{what}</th>\
         <th scope=\"col\" class=\"n\">{count}</th><th scope=\"col\" class=\"n\">{price}</th></tr>\
         </thead><tbody>{rows}</tbody><tfoot><tr><th scope=\"row\" colspan=\"2\">{all}</th>\
         <td class=\"n\"><strong>{total}</strong></td></tr></tfoot></table>{form}</main></body></html>",
        title = words.title,
        number = escaped(&order.number.0),
        test = words.test,
        what = words.what,
        count = words.number,
        price = words.price,
        all = words.total,
        total = amount(payable.total, language),
    )
}

fn note(text: &str) -> String {
    format!("<p class=\"note\" role=\"status\">{text}</p>")
}

/// An amount as it is written in a language.
fn amount(money: Money, language: Language) -> String {
    let plain = money.to_string();
    match (language, plain.split_once(' ')) {
        (Language::Fr, Some((number, code))) => {
            format!("{}\u{a0}{code}", number.replace('.', ","))
        }
        (Language::En, Some((number, code))) => format!("{code}\u{a0}{number}"),
        (_, None) => plain,
    }
}

/// Text that is text in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::money::Currency;

    #[test]
    fn amounts_are_written_as_in_each_language() {
        let money = Money::new(1_234_50, Currency::Eur);
        assert_eq!(amount(money, Language::Fr), "1234,50\u{a0}EUR");
        assert_eq!(amount(money, Language::En), "EUR\u{a0}1234.50");
    }

    #[test]
    fn markup_in_a_title_is_text() {
        assert_eq!(
            escaped("<script>\"Fish\" & 'chips'"),
            "&lt;script&gt;&quot;Fish&quot; &amp; &#39;chips&#39;"
        );
    }
}
