//! The shop's events, asked for: for terminals that nobody can call from outside.

use super::{
    client::{BackendClient, Failure, Told},
    courier::{Shelf, World},
};
use crate::shop::store::{Applied, StoreError};

/// Why events were not read.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The backend.
    #[error(transparent)]
    Backend(#[from] Failure),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks for events and takes them.
#[derive(Clone)]
pub struct Poller {
    client: BackendClient,
    shelf: Shelf,
    world: World,
}

impl Poller {
    /// A poller between that backend and this store.
    #[must_use]
    pub fn new(client: BackendClient, shelf: Shelf, world: World) -> Self {
        Self {
            client,
            shelf,
            world,
        }
    }

    /// Asks once, for at most `wait_s` seconds, and takes what came. Returns how many events
    /// there were. What was taken is taken, also where a later one cannot be written: it comes
    /// again.
    ///
    /// # Errors
    /// [`PollError`].
    pub async fn poll(&self, wait_s: u32) -> Result<usize, PollError> {
        let name = self.client.name();
        let backend = name.clone();
        let after = self
            .shelf
            .with(move |store| store.events_read(&backend))
            .await?;
        let now = (self.world.now)();
        let told = self.client.events(after, wait_s, now).await?;
        let count = told.len();
        for told in told {
            let (now, random) = ((self.world.now)(), (self.world.random)());
            let backend = name.clone();
            self.shelf
                .with(move |store| {
                    let number = match told {
                        Told::Event(event) => {
                            let applied = store.take_event(&event, random, now)?;
                            if matches!(applied, Applied::NotOurs | Applied::Wrong) {
                                tracing::warn!("event {} of the backend: {applied:?}", event.id);
                            }
                            event.number
                        }
                        Told::Unknown { number, why } => {
                            tracing::warn!("event {number} of the backend is left out: {why}");
                            number
                        }
                    };
                    store.set_events_read(&backend, number)
                })
                .await?;
        }
        Ok(count)
    }
}
