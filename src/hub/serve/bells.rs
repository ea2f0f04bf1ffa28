//! Waking who waits: one connection listens for all terminals, so that two hundred waiting ones
//! hold none.

use super::Hub;
use crate::hub::store::Bells as Rung;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// How long until the listening connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A bell a terminal.
#[derive(Default)]
pub(super) struct Bells {
    bells: Mutex<HashMap<String, watch::Sender<()>>>,
    webhooks: tokio::sync::Notify,
}

impl Bells {
    /// The bell of a terminal that was believed.
    pub(super) fn of(&self, terminal: &str) -> watch::Receiver<()> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        match bells.get(terminal) {
            Some(bell) => bell.subscribe(),
            None => bells.entry(terminal.to_owned()).or_default().subscribe(),
        }
    }

    /// Waits until there may be something to post to webhooks.
    pub(super) async fn for_webhooks(&self) {
        self.webhooks.notified().await;
    }

    fn ring(&self, terminal: Option<&str>) {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        match terminal {
            Some(name) => {
                if let Some(bell) = bells.get(name) {
                    bell.send_replace(());
                }
            }
            None => {
                bells.retain(|_, bell| bell.receiver_count() > 0);
                for bell in bells.values() {
                    bell.send_replace(());
                }
            }
        }
        drop(bells);
        self.webhooks.notify_one();
    }
}

/// Listens until the hub ends; a broken connection is made again.
pub(super) async fn run(hub: Arc<Hub>) {
    let (sender, mut rung) = mpsc::channel(256);
    let hear = async {
        loop {
            if let Err(e) = hub.store.listen(&sender).await {
                tracing::warn!("hub: not listening to the database: {e}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    let tell = async {
        while let Some(bell) = rung.recv().await {
            match bell {
                Rung::Events(terminal) => hub.bells.ring(Some(&terminal)),
                Rung::Everybody => {
                    hub.salts.forget(None);
                    hub.bells.ring(None);
                }
                Rung::Terminal(name) => hub.salts.forget(Some(&name)),
            }
        }
    };
    tokio::select! {
        () = hear => {}
        () = tell => {}
        () = hub.ending.cancelled() => {}
    }
}
