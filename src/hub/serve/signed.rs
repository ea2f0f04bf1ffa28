//! Requests of terminals: believed before they are read.

use super::{Hub, query::Query};
use crate::{
    hub::{
        refusal::Refusal,
        start::digest,
        store::{Message, Salts},
    },
    sync::{
        contract::{IDEMPOTENCY_KEY, SEQUENCE, SIGNATURE, TERMINAL, TIMESTAMP},
        signature::{self, Unbelieved},
    },
};
use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use bytes::Bytes;
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(10);
/// A terminal's salt is asked for again after so long, should nobody have told of a change.
const KEPT: Duration = Duration::from_secs(5);
/// So many names are remembered.
const NAMES: usize = 10_000;

/// Terminals' salts, as the database last told.
#[derive(Default)]
pub(super) struct Salted(Mutex<HashMap<String, (Instant, Option<Salts>)>>);

impl Salted {
    /// Forgets one, or all.
    pub(super) fn forget(&self, name: Option<&str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => {
                known.remove(name);
            }
            None => known.clear(),
        }
    }

    fn fresh(&self, name: &str) -> Option<Option<Salts>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .filter(|(at, _)| at.elapsed() < KEPT)
            .map(|(_, salts)| salts.clone())
    }

    fn keep(&self, name: &str, salts: Option<Salts>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= NAMES {
            known.clear();
        }
        known.insert(name.to_owned(), (Instant::now(), salts));
    }
}

/// A request that a terminal signed.
pub(super) struct Signed {
    pub(super) terminal: String,
    pub(super) body: Bytes,
    pub(super) query: Query,
    pub(super) now: Timestamp,
    headers: HeaderMap,
    hash: [u8; 32],
}

impl Signed {
    /// The request as a message about a subject: with its key and its place.
    pub(super) fn message(&self, subject: String) -> Result<Message, Refusal> {
        let key = text(&self.headers, IDEMPOTENCY_KEY)
            // The draft has it as a quoted string; bare ones are common.
            .and_then(|key| Uuid::try_parse(key.trim_matches('"')).ok())
            .ok_or_else(|| {
                Refusal::Content(format!("expected a UUID in the header {IDEMPOTENCY_KEY}"))
            })?;
        let sequence: i64 = text(&self.headers, SEQUENCE)
            .and_then(|n| n.parse().ok())
            .filter(|n| (1..=1_000_000).contains(n))
            .ok_or_else(|| {
                Refusal::Content(format!(
                    "expected a whole number from 1 in the header {SEQUENCE}"
                ))
            })?;
        Ok(Message {
            terminal: self.terminal.clone(),
            key,
            sequence,
            subject,
            hash: self.hash,
            at: self.now,
        })
    }

    /// The digest of the body alone.
    pub(super) fn body_hash(&self) -> [u8; 32] {
        digest(&self.body)
    }
}

impl Hub {
    /// Believes a request or refuses it, before anything of it is parsed.
    pub(super) async fn signed(&self, request: Request, limit: usize) -> Result<Signed, Refusal> {
        let (parts, body) = request.into_parts();
        let name = text(&parts.headers, TERMINAL)
            .filter(|name| !name.is_empty() && name.len() <= 63)
            .ok_or_else(|| Refusal::Terminal(format!("no header {TERMINAL}")))?
            .to_owned();
        let (claimed, at) = (
            text(&parts.headers, SIGNATURE),
            text(&parts.headers, TIMESTAMP),
        );
        if claimed.is_none() {
            return Err(Unbelieved::Missing.into());
        }
        let salts = match self.salts.fresh(&name) {
            Some(salts) => salts,
            None => {
                let salts = self.within(self.store.salts(&name)).await?;
                self.salts.keep(&name, salts.clone());
                salts
            }
        };
        let salts = salts.ok_or_else(|| Refusal::Terminal("another".into()))?;
        let body = read(&parts.headers, body, limit).await?;
        let now = Timestamp::now();
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", axum::http::uri::PathAndQuery::as_str);
        let method = parts.method.as_str();
        let check = |salt: &[u8]| {
            let secret = self.how.key.terminal_secret(&name, salt);
            signature::check(
                secret.as_bytes(),
                (claimed, at),
                now.as_second(),
                (method, target),
                &body,
            )
        };
        check(&salts.now).or_else(|refused| match &salts.old {
            // A terminal that has not got its new secret yet.
            Some((salt, until)) if now < *until => check(salt),
            _ => Err(refused),
        })?;
        self.saw(&name, now);
        let mut whole = format!("{method} {target}\n").into_bytes();
        whole.extend_from_slice(&body);
        Ok(Signed {
            hash: digest(&whole),
            query: Query::of(&parts.uri),
            headers: parts.headers,
            terminal: name,
            body,
            now,
        })
    }
}

/// A body that is not too long and does not take too long.
pub(super) async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let told: Option<u64> = headers
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse().ok());
    if told.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::TooLarge(limit));
    }
    match timeout(BODY, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Either too long, or the sender went away and does not read this.
        Ok(Err(_)) => Err(Refusal::TooLarge(limit)),
        Err(_) => Err(Refusal::Busy(
            "expected the whole body within 10 s, found less".into(),
        )),
    }
}

/// A header's text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
