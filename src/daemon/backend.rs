//! What runs beside the conversation while the shop has a backend: the courier, and the asking
//! for events.

use super::lock::Lock;
use crate::{
    settings::{Backend, Secret},
    shop::store::{Store, StoreError},
    sync::{
        client::{BackendClient, ClientError},
        courier::{Courier, Shelf, World, back_off},
        events::Poller,
        webhook::Webhook,
    },
};
use jiff::SignedDuration;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How often the outbox is looked at when nobody says that there is something: other programs
/// on this data folder write there too.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is tried to become the courier while another program is.
const STAND_BY: Duration = Duration::from_secs(5);
/// How long the work under way may take to end. What is cut off then goes again.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Why there is no link to the backend.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The settings.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The courier and the poller of one data folder, until it is closed.
pub struct BackendLink {
    shelf: Shelf,
    world: World,
    terminal: String,
    secret: Secret,
    nudge: Arc<Notify>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl BackendLink {
    /// Begins to send and to ask. A program that runs on the same folder goes first; when it
    /// ends, this one takes over.
    ///
    /// # Errors
    /// [`BackendError`]: the secret, the address, the store.
    pub async fn open(settings: &Backend, data: &Path) -> Result<Self, BackendError> {
        let client = BackendClient::new(settings)?;
        let secret = settings.read_secret().map_err(ClientError::Settings)?;
        let folder = data.to_owned();
        let store = tokio::task::spawn_blocking(move || Store::open(&folder))
            .await
            .unwrap_or(Err(StoreError::Busy))?;
        let (shelf, world) = (Shelf::new(store), World::machine());
        let (nudge, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let courier = Courier::new(client.clone(), shelf.clone(), world.clone());
        let poller = Poller::new(client, shelf.clone(), world.clone());
        let task = tokio::spawn(serve(
            data.to_owned(),
            (courier, nudge.clone()),
            (poller, settings.poll_s),
            world.clone(),
            stop.clone(),
        ));
        Ok(Self {
            shelf,
            world,
            terminal: settings.terminal.clone(),
            secret,
            nudge,
            stop,
            tasks: vec![task],
        })
    }

    /// To be told when there is something to send.
    #[must_use]
    pub fn nudge(&self) -> Arc<Notify> {
        self.nudge.clone()
    }

    /// The webhook's route.
    #[must_use]
    pub fn webhook(&self) -> Webhook {
        Webhook::new(
            self.shelf.clone(),
            self.world.clone(),
            &self.terminal,
            self.secret.clone(),
        )
    }

    /// Sends what is due once more, for a moment, and ends. For programs that end as soon as
    /// they have said their last word.
    pub async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            let abort = task.abort_handle();
            if timeout(END_WITHIN, task).await.is_err() {
                abort.abort();
            }
        }
    }
}

async fn serve(
    data: PathBuf,
    (courier, nudge): (Courier, Arc<Notify>),
    (poller, wait_s): (Poller, u32),
    world: World,
    stop: CancellationToken,
) {
    // The kernel gives the lock back when the program that has it ends.
    let _lock = loop {
        let folder = data.clone();
        match tokio::task::spawn_blocking(move || Lock::courier(&folder)).await {
            Ok(Ok(lock)) => break lock,
            Ok(Err(e)) => tracing::debug!("another program sends: {e}"),
            Err(_) => return,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(STAND_BY) => {}
        }
    };
    let polls = async {
        if wait_s > 0 {
            poll(poller, wait_s, &world, &stop).await;
        }
    };
    tokio::join!(send(courier, &nudge, &world, &stop), polls);
}

async fn send(courier: Courier, nudge: &Notify, world: &World, stop: &CancellationToken) {
    let mut failures = 0u32;
    loop {
        let ends = stop.is_cancelled();
        let wait = match courier.send_all().await {
            Ok(round) if round.unreachable => {
                failures = failures.saturating_add(1);
                // The messages wait by themselves as well; this keeps a thousand of them from
                // being tried one after the other at a backend that is away.
                wait(failures.min(6), world)
            }
            Ok(_) => {
                failures = 0;
                LOOK
            }
            Err(e) => {
                failures = failures.saturating_add(1);
                tracing::error!("the outbox cannot be sent: {e}");
                wait(failures, world)
            }
        };
        if ends {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = nudge.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn poll(poller: Poller, wait_s: u32, world: &World, stop: &CancellationToken) {
    let mut failures = 0u32;
    loop {
        let polled = tokio::select! {
            () = stop.cancelled() => return,
            polled = poller.poll(wait_s) => polled,
        };
        let pause = match polled {
            Ok(0) if failures == 0 => Duration::from_millis(200),
            Ok(_) => {
                failures = 0;
                Duration::ZERO
            }
            Err(e) => {
                failures = failures.saturating_add(1);
                tracing::debug!("events were not read: {e}");
                wait(failures, world)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn wait(failures: u32, world: &World) -> Duration {
    let wait: SignedDuration = back_off(failures, (world.random)());
    wait.unsigned_abs()
}
