//! What the hub derives from its one key: terminals' secrets and payment links.
//!
//! The database holds salts, never secrets: a copy of it signs nothing and pays nothing.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// The least length of the key, in bytes.
pub const LEAST_KEY: usize = 32;

/// The hub's key.
#[derive(Clone)]
pub struct HubKey(Vec<u8>);

impl fmt::Debug for HubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubKey(..)")
    }
}

impl HubKey {
    /// A key; `None` when it is too short to be one.
    #[must_use]
    pub fn new(key: &str) -> Option<Self> {
        (key.len() >= LEAST_KEY).then(|| Self(key.as_bytes().to_vec()))
    }

    /// What a database keeps of the key, to know it again.
    #[must_use]
    pub fn check(&self) -> Vec<u8> {
        self.derive(&[b"check"]).finalize().into_bytes().to_vec()
    }

    /// A terminal's secret: 64 hex digits. Those characters are the key of its signatures.
    #[must_use]
    pub fn terminal_secret(&self, name: &str, salt: &[u8]) -> String {
        hex(&self
            .derive(&[b"terminal", name.as_bytes(), salt])
            .finalize()
            .into_bytes())
    }

    /// The last part of a payment page's address. It cannot be guessed, and it is kept nowhere.
    #[must_use]
    pub fn payment_token(&self, link: Uuid) -> String {
        let mac = self.derive(&[b"pay", link.as_bytes()]).finalize();
        format!("{}{}", link.simple(), hex(&mac.into_bytes()[..16]))
    }

    /// The link of a payment page's address, where it is one of ours.
    #[must_use]
    pub fn payment_link(&self, token: &str) -> Option<Uuid> {
        if token.len() != 64 || !token.is_ascii() {
            return None;
        }
        let link = Uuid::try_parse(token.get(..32)?).ok()?;
        let claimed = unhex(token.get(32..)?)?;
        self.derive(&[b"pay", link.as_bytes()])
            .verify_truncated_left(&claimed)
            .is_ok()
            .then_some(link)
    }

    /// What the page's button sends along: only who has read the page knows it.
    #[must_use]
    pub fn payment_form(&self, link: Uuid) -> String {
        let mac = self.derive(&[b"form", link.as_bytes()]).finalize();
        hex(&mac.into_bytes()[..16])
    }

    /// Whether a form is the page's own.
    #[must_use]
    pub fn is_payment_form(&self, link: Uuid, form: &str) -> bool {
        unhex(form).is_some_and(|claimed| {
            claimed.len() == 16
                && self
                    .derive(&[b"form", link.as_bytes()])
                    .verify_truncated_left(&claimed)
                    .is_ok()
        })
    }

    /// HMAC over the parts, each with its length before it.
    fn derive(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mac) => mac,
            // HMAC takes keys of any length (RFC 2104).
            Err(_) => unreachable!(),
        };
        mac.update(b"comptoir hub 1");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// 32 bytes that nobody can guess (244 bits of them, from the system's source).
#[must_use]
pub fn fresh_salt() -> Vec<u8> {
    [Uuid::new_v4(), Uuid::new_v4()]
        .iter()
        .flat_map(|half| *half.as_bytes())
        .collect()
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(fill: char) -> HubKey {
        HubKey::new(&String::from(fill).repeat(LEAST_KEY)).unwrap()
    }

    #[test]
    fn a_short_key_is_none() {
        assert!(HubKey::new(&"k".repeat(LEAST_KEY - 1)).is_none());
    }

    #[test]
    fn secrets_differ_by_key_name_and_salt() {
        let secret = key('a').terminal_secret("till-1", b"salt");
        assert_eq!(secret.len(), 64);
        assert_eq!(secret, key('a').terminal_secret("till-1", b"salt"));
        assert_ne!(secret, key('b').terminal_secret("till-1", b"salt"));
        assert_ne!(secret, key('a').terminal_secret("till-2", b"salt"));
        assert_ne!(secret, key('a').terminal_secret("till-1", b"tlas"));
        // The parts' borders count.
        assert_ne!(
            key('a').terminal_secret("ab", b"c"),
            key('a').terminal_secret("a", b"bc")
        );
    }

    #[test]
    fn a_payment_token_is_ours_or_none() {
        let link = Uuid::from_u128(7);
        let token = key('a').payment_token(link);
        assert_eq!(token.len(), 64);
        assert_eq!(key('a').payment_link(&token), Some(link));
        assert_eq!(key('b').payment_link(&token), None);
        assert_eq!(key('a').payment_link(&token[..63]), None);
        assert_eq!(key('a').payment_link(&token[..32]), None);
        let mut other = token.clone();
        other.replace_range(0..1, if token.starts_with('1') { "2" } else { "1" });
        assert_eq!(key('a').payment_link(&other), None);
        assert!(key('a').is_payment_form(link, &key('a').payment_form(link)));
        assert!(!key('a').is_payment_form(link, &token[32..]));
        assert!(!key('a').is_payment_form(link, ""));
        assert_eq!(key('a').payment_link("é"), None);
    }
}
