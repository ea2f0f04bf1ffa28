//! The courier: takes the messages whose time has come out of the outbox and brings them to
//! the shop's backend.
//!
//! At least once: the mark "sent" is written when the answer is there, so a message whose
//! answer was lost goes again, with the same key, and the backend answers as it did. There is
//! one courier a data folder ([`crate::daemon::backend`] sees to that).

use super::{
    client::{BackendClient, Failure, Post, read},
    contract::{PaymentLink, Receipt},
};
use crate::shop::store::{Answer, LONGEST_WAIT, Message, MessageKind, Store, StoreError};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

/// So many messages are on their way at once, each about something else.
const AT_ONCE: usize = 4;
/// So many are taken out at a time.
const BATCH: usize = 32;
/// The first wait after a failure is up to this.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
/// No wait of our own is longer.
const LONGEST_BACK_OFF: SignedDuration = SignedDuration::from_mins(10);

/// The store, shared by what runs beside the conversation. Calls run where blocking is allowed.
#[derive(Clone)]
pub struct Shelf(Arc<Mutex<Store>>);

impl Shelf {
    /// Shares a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    /// Does something with the store.
    ///
    /// # Errors
    /// What the store says.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A store is whole after each call, also after one that panicked.
            work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
        });
        // The program ends: nothing was done, or all of it.
        done.await.unwrap_or(Err(StoreError::Busy))
    }
}

/// Where time and randomness come from.
#[derive(Clone)]
pub struct World {
    /// The time now.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// A random number.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl World {
    /// The machine's clock and a generator seeded by it.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            now: Arc::new(Timestamp::now),
            random: Arc::new(|| fastrand::u64(..)),
        }
    }
}

/// What one round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Round {
    /// Messages that the backend took.
    pub taken: usize,
    /// Messages that it refuses.
    pub refused: usize,
    /// Messages that are tried again later.
    pub failed: usize,
    /// Whether nobody answered at all.
    pub unreachable: bool,
    /// How long the backend asks to be left alone.
    #[serde(skip)]
    pub hold: Option<SignedDuration>,
}

impl Round {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taken + self.refused + self.failed == 0
    }
}

/// Brings messages to the backend.
#[derive(Clone)]
pub struct Courier {
    client: BackendClient,
    shelf: Shelf,
    world: World,
}

impl Courier {
    /// A courier between this store and that backend.
    #[must_use]
    pub fn new(client: BackendClient, shelf: Shelf, world: World) -> Self {
        Self {
            client,
            shelf,
            world,
        }
    }

    /// Sends what is due now, at most one message a subject.
    ///
    /// # Errors
    /// [`StoreError`] when the outbox cannot be read or written; what was sent without being
    /// marked goes again.
    pub async fn round(&self) -> Result<Round, StoreError> {
        let now = (self.world.now)();
        let due = self
            .shelf
            .with(move |store| store.due_messages(now, BATCH))
            .await?;
        let mut round = Round::default();
        let mut unreachable = 0;
        let all = due.len();
        let mut under_way = stream::iter(due)
            .map(|message| async move {
                let result = self.send(&message).await;
                (message, result)
            })
            .buffer_unordered(AT_ONCE);
        let mut broken = None;
        while let Some((message, result)) = under_way.next().await {
            match &result {
                Ok(_) => round.taken += 1,
                Err(Failure::Refused { .. }) => round.refused += 1,
                Err(e) => {
                    round.failed += 1;
                    unreachable += usize::from(matches!(e, Failure::Unreachable(_)));
                    if let Failure::Later { after, .. } = e {
                        round.hold = round.hold.max(*after);
                    }
                }
            }
            if let Err(e) = self.note(&message, result).await {
                broken = Some(e);
            }
        }
        round.unreachable = unreachable > 0 && unreachable == all;
        broken.map_or(Ok(round), Err)
    }

    /// Sends until nothing is due any more, or nobody answers.
    ///
    /// # Errors
    /// As [`Self::round`].
    pub async fn send_all(&self) -> Result<Round, StoreError> {
        let mut sum = Round::default();
        loop {
            let round = self.round().await?;
            sum.taken += round.taken;
            sum.refused += round.refused;
            sum.failed += round.failed;
            sum.unreachable = round.unreachable;
            sum.hold = round.hold;
            if round.is_empty() || round.unreachable || round.hold.is_some() {
                return Ok(sum);
            }
        }
    }

    async fn send(&self, message: &Message) -> Result<Answer, Failure> {
        let path = match message.kind {
            MessageKind::Order => "/v1/orders".to_owned(),
            MessageKind::Cancel => format!("/v1/orders/{}/cancel", message.subject),
            MessageKind::PaymentLink => format!("/v1/orders/{}/payment-link", message.subject),
            MessageKind::Return => "/v1/returns".to_owned(),
            MessageKind::Ticket => "/v1/tickets".to_owned(),
            MessageKind::Feedback => "/v1/feedback".to_owned(),
        };
        let post = Post {
            path: &path,
            key: message.key,
            sequence: message.sequence,
            body: &message.body,
        };
        let body = self.client.post(&post, (self.world.now)()).await?;
        match message.kind {
            MessageKind::PaymentLink => read::<PaymentLink>(&body).map(Answer::Link),
            // A backend that has nothing to say has taken it all the same.
            _ if body.iter().all(u8::is_ascii_whitespace) => Ok(Answer::Receipt(Receipt {
                state: None,
                note: None,
            })),
            _ => read::<Receipt>(&body).map(Answer::Receipt),
        }
    }

    async fn note(
        &self,
        message: &Message,
        result: Result<Answer, Failure>,
    ) -> Result<(), StoreError> {
        let (now, random) = ((self.world.now)(), (self.world.random)());
        let (id, kind, subject) = (message.id, message.kind, message.subject.clone());
        let next_at = |after: Option<SignedDuration>| {
            let own = back_off(message.attempts, random);
            let wait = after.map_or(own, |after| own.max(after)).min(LONGEST_WAIT);
            now.checked_add(wait).unwrap_or(now)
        };
        match result {
            Ok(answer) => {
                self.shelf
                    .with(move |store| store.message_taken(id, &answer, random, now))
                    .await
            }
            Err(Failure::Refused { status, detail }) => {
                tracing::error!(
                    "the backend refused the {kind:?} {subject} with {status}: {detail}; \
                     see `comptoir outbox list --dead`"
                );
                self.shelf
                    .with(move |store| {
                        store.message_refused(id, &format!("{status} {detail}"), random, now)
                    })
                    .await
            }
            Err(failure) => {
                tracing::debug!("the {kind:?} {subject} waits: {failure}");
                let after = match &failure {
                    Failure::Later { after, .. } => *after,
                    _ => None,
                };
                let next_at = next_at(after);
                self.shelf
                    .with(move |store| store.message_failed(id, &failure.to_string(), next_at))
                    .await
            }
        }
    }
}

/// How long is waited after so many tries: at random up to a limit that doubles ("full
/// jitter"), so that terminals that failed together do not come back together.
#[must_use]
pub fn back_off(tries: u32, random: u64) -> SignedDuration {
    let limit = FIRST_WAIT
        .as_millis()
        .saturating_mul(1i128 << tries.min(30))
        .min(LONGEST_BACK_OFF.as_millis());
    let limit = u64::try_from(limit).unwrap_or(1).max(1);
    SignedDuration::from_millis(i64::try_from(random % limit).unwrap_or(0) + 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let longest = |tries| {
            (0..2_000u64)
                .map(|n| back_off(tries, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
                .max()
        };
        let spread: std::collections::HashSet<_> = (0..100u64)
            .map(|n| back_off(6, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        assert!(spread.len() > 90, "{}", spread.len());
        for (tries, limit) in [(0, 1), (1, 2), (3, 8), (20, 600), (u32::MAX, 600)] {
            let limit = SignedDuration::from_secs(limit) + SignedDuration::from_millis(50);
            let longest = longest(tries).unwrap_or_default();
            assert!(
                longest <= limit && longest * 10 > limit * 9,
                "{tries}: {longest:?}"
            );
        }
    }
}
