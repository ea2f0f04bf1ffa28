//! What runs beside the conversation while the shop has a backend: the courier, and the asking
//! for events.

use super::lock::Lock;
use crate::{
    nlu::slot::Method,
    settings::{Backend, Secret},
    shop::{
        customer::Customer,
        money::Money,
        order::{Order, OrderState},
        store::{LONGEST_WAIT, Store, StoreError},
    },
    sync::{
        client::{BackendClient, ClientError},
        courier::{Courier, Round, Shelf, World, back_off},
        events::Poller,
        webhook::Webhook,
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How often the outbox is looked at when nobody says that there is something: other programs
/// on this data folder write there too.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is looked whether the backend has answered to an order.
const ANSWER_LOOK: Duration = Duration::from_millis(20);
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
    desk: DeskLink,
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
        let up = Arc::new(AtomicBool::new(true));
        let courier = Courier::new(client.clone(), shelf.clone(), world.clone());
        let desk = DeskLink {
            client: client.clone(),
            runtime: Handle::current(),
            settings: settings.clone(),
            nudge: nudge.clone(),
            up: up.clone(),
        };
        let poller = Poller::new(client, shelf.clone(), world.clone());
        let task = tokio::spawn(serve(
            data.to_owned(),
            (courier, nudge, up),
            (poller, settings.poll_s),
            world.clone(),
            stop.clone(),
        ));
        Ok(Self {
            shelf,
            world,
            terminal: settings.terminal.clone(),
            secret,
            desk,
            stop,
            tasks: vec![task],
        })
    }

    /// What the shop's desk needs of it.
    #[must_use]
    pub fn desk(&self) -> DeskLink {
        self.desk.clone()
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

/// The backend as the shop's desk sees it. Its calls block, for as long as the settings allow.
#[derive(Clone)]
pub struct DeskLink {
    client: BackendClient,
    runtime: Handle,
    settings: Backend,
    nudge: Arc<Notify>,
    up: Arc<AtomicBool>,
}

impl DeskLink {
    /// Whether no further order of `total` is taken: too much is unsent, or for too long.
    ///
    /// # Errors
    /// [`StoreError`] when the orders cannot be read.
    pub fn refuses(&self, store: &Store, total: Money, now: Timestamp) -> Result<bool, StoreError> {
        let unsent = store.unsent_orders()?;
        let (amount, hours) = (
            self.settings.offline_max_amount,
            self.settings.offline_max_age_h,
        );
        let much =
            amount > 0 && unsent.orders > 0 && unsent.amount.saturating_add(total.minor) > amount;
        let long = hours > 0
            && unsent.oldest.is_some_and(|oldest| {
                now.duration_since(oldest) > SignedDuration::from_hours(hours.into())
            });
        Ok(much || long)
    }

    /// There is something to send.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// An order was written: has it sent, and waits a moment for what the backend says, so that
    /// the shopper hears it. Gives the order as it stands then.
    pub fn placed(&self, store: &Store, order: Order) -> Order {
        self.nudge();
        if !self.up.load(Ordering::Relaxed) {
            return order;
        }
        let until = Instant::now() + Duration::from_millis(self.settings.answer_ms);
        let mut known = order;
        while Instant::now() < until {
            std::thread::sleep(ANSWER_LOOK);
            match store.order(known.id) {
                Ok(Some(order)) => known = order,
                // What was written is written; what became of it is asked later.
                Ok(None) | Err(_) => break,
            }
            let by_link = known.method == Some(Method::Link);
            let settled =
                !by_link || known.payment_link.is_some() || known.state == OrderState::Rejected;
            if known.acknowledged_at.is_some() && settled {
                break;
            }
        }
        known
    }

    /// A customer's points, by the e-mail or telephone that the shop has of them. `None`: the
    /// backend does not know them, or did not answer in time.
    #[must_use]
    pub fn points(&self, customer: &Customer, now: Timestamp) -> Option<i64> {
        let (by, value) = match (&customer.email, &customer.phone) {
            (Some(email), _) => ("email", email),
            (None, Some(phone)) => ("phone", phone),
            (None, None) => return None,
        };
        let deadline = Duration::from_millis(self.settings.customer_deadline_ms);
        let asked = self.client.customer(by, value, deadline, now);
        match self.runtime.block_on(asked) {
            Ok(record) => record?.points,
            Err(e) => {
                tracing::warn!("a customer's points were not found: {e}");
                None
            }
        }
    }
}

async fn serve(
    data: PathBuf,
    (courier, nudge, up): (Courier, Arc<Notify>, Arc<AtomicBool>),
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
    tokio::join!(send(courier, (&nudge, &up), &world, &stop), polls);
}

async fn send(
    courier: Courier,
    (nudge, up): (&Notify, &AtomicBool),
    world: &World,
    stop: &CancellationToken,
) {
    let mut failures = 0u32;
    loop {
        let ends = stop.is_cancelled();
        let mut held = false;
        let wait = match courier.send_all().await {
            Ok(Round {
                hold: Some(hold), ..
            }) => {
                held = true;
                hold.min(LONGEST_WAIT).unsigned_abs()
            }
            Ok(round) if round.unreachable => {
                up.store(false, Ordering::Relaxed);
                failures = failures.saturating_add(1);
                // The messages wait by themselves as well; this keeps a thousand of them from
                // being tried one after the other at a backend that is away.
                wait(failures.min(6), world)
            }
            Ok(_) => {
                up.store(true, Ordering::Relaxed);
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
            () = nudge.notified(), if !held => {}
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
