//! Signing and checking what goes between a terminal and its backend.

use super::contract::SKEW_S;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Why a request is not believed. It says nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    /// No signature, or none of the form `v1=HEX`.
    #[error("expected a signature `v1=` and 64 hex digits, found none")]
    Missing,
    /// The time is no number or too far off.
    #[error("expected a time within {SKEW_S} s of ours")]
    Time,
    /// Somebody else's secret, or a changed message.
    #[error("expected the signature of this message, found another")]
    Other,
}

/// The header's value for a message: `target` is the path with its query, as sent.
#[must_use]
pub fn sign(secret: &[u8], timestamp_s: i64, method: &str, target: &str, body: &[u8]) -> String {
    let digest = mac(secret, timestamp_s, method, target, body).finalize();
    let hex: String = digest
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("v1={hex}")
}

/// Checks a message's signature over its raw body, in a time that tells nothing.
///
/// # Errors
/// [`Unbelieved`]; the body is not to be read then.
pub fn check(
    secret: &[u8],
    (signature, timestamp): (Option<&str>, Option<&str>),
    now_s: i64,
    (method, target): (&str, &str),
    body: &[u8],
) -> Result<(), Unbelieved> {
    let claimed = signature
        .and_then(|s| s.strip_prefix("v1="))
        .and_then(bytes_of)
        .ok_or(Unbelieved::Missing)?;
    let at: i64 = timestamp
        .and_then(|t| t.parse().ok())
        .ok_or(Unbelieved::Time)?;
    if at.abs_diff(now_s) > SKEW_S.unsigned_abs() {
        return Err(Unbelieved::Time);
    }
    mac(secret, at, method, target, body)
        .verify_slice(&claimed)
        .map_err(|_| Unbelieved::Other)
}

fn mac(secret: &[u8], timestamp_s: i64, method: &str, target: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        // HMAC takes keys of any length (RFC 2104).
        Err(_) => unreachable!(),
    };
    mac.update(format!("{timestamp_s}.{method}.{target}.").as_bytes());
    mac.update(body);
    mac
}

fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let hex = hex.as_bytes();
    let mut out = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(hex.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret";

    fn checked(
        signature: &str,
        at: &str,
        now: i64,
        target: &str,
        body: &[u8],
    ) -> Result<(), Unbelieved> {
        check(
            SECRET,
            (Some(signature), Some(at)),
            now,
            ("POST", target),
            body,
        )
    }

    #[test]
    fn a_message_is_believed_as_it_was_signed_and_not_otherwise() {
        let signed = sign(SECRET, 1_000, "POST", "/v1/orders", b"{}");
        assert_eq!(checked(&signed, "1000", 1_290, "/v1/orders", b"{}"), Ok(()));
        assert_eq!(
            checked(&signed, "1000", 1_290, "/v1/orders", b"{ }"),
            Err(Unbelieved::Other)
        );
        assert_eq!(
            checked(&signed, "1000", 1_290, "/v1/tickets", b"{}"),
            Err(Unbelieved::Other)
        );
        assert_eq!(
            checked(&signed, "1001", 1_290, "/v1/orders", b"{}"),
            Err(Unbelieved::Other)
        );
        assert_eq!(
            checked(&signed, "1000", 1_301, "/v1/orders", b"{}"),
            Err(Unbelieved::Time)
        );
        assert_eq!(
            checked(&signed, "x", 1_000, "/v1/orders", b"{}"),
            Err(Unbelieved::Time)
        );
        assert_eq!(
            checked("v1=00", "1000", 1_000, "/v1/orders", b"{}"),
            Err(Unbelieved::Missing)
        );
        let other = sign(b"another", 1_000, "POST", "/v1/orders", b"{}");
        assert_eq!(
            checked(&other, "1000", 1_000, "/v1/orders", b"{}"),
            Err(Unbelieved::Other)
        );
        let nothing = check(SECRET, (None, Some("1000")), 1_000, ("POST", "/"), b"");
        assert_eq!(nothing, Err(Unbelieved::Missing));
    }

    /// RFC 4231, test case 2, by way of our own prefix: the digest is HMAC-SHA256's.
    #[test]
    fn the_digest_is_hmac_sha256() {
        let mut rfc = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap_or_else(|_| unreachable!());
        rfc.update(b"what do ya want for nothing?");
        let hex: String = rfc
            .finalize()
            .into_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            sign(b"Jefe", 1, "GET", "/v1/events?after=0", b"").len(),
            "v1=".len() + 64
        );
    }
}
