//! Events for terminals: numbered per terminal, handed out in order, announced on a channel.

use super::{HubStore, db, get, json, terminals::TERMINALS_CHANGED, time, when};
use crate::{
    hub::refusal::Refusal,
    sync::contract::{Happened, ShopEvent},
};
use deadpool_postgres::Transaction;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

/// The channel that tells hubs that a terminal has events; `*` is every terminal.
const EVENTS: &str = "hub_event";
/// At most so many events at once.
const PAGE: i64 = 500;
/// How long the listening connection may be silent before it is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(20);

/// Something that happened, before it is numbered.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Names it.
    pub id: Uuid,
    /// Its place among those about the same subject.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// What the listening connection tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bells {
    /// A terminal has events.
    Events(String),
    /// Every terminal may have: something was told to all, or we were away.
    Everybody,
    /// A terminal was added, rotated or revoked.
    Terminal(String),
}

impl HubStore {
    /// A terminal's events after a number, in order.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn events(&self, terminal: &str, after: u64) -> Result<Vec<ShopEvent>, Refusal> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT number, id, version, at, what FROM hub.event \
                 WHERE terminal = $1 AND number > $2 ORDER BY number LIMIT $3",
            )
            .await
            .map_err(db)?;
        let rows = client
            .query(&statement, &[&terminal, &after, &PAGE])
            .await
            .map_err(db)?;
        rows.iter()
            .map(|row| {
                let what: serde_json::Value = get(row, 4)?;
                Ok(ShopEvent {
                    number: get::<i64>(row, 0)?.unsigned_abs(),
                    id: get(row, 1)?,
                    version: get::<i64>(row, 2)?.unsigned_abs(),
                    at: when(row, 3)?,
                    what: serde_json::from_value(what)
                        .map_err(|e| Refusal::Failed(format!("an event of the database: {e}")))?,
                })
            })
            .collect()
    }

    /// Listens on a connection of its own until it breaks, or nobody wants to hear any more.
    ///
    /// # Errors
    /// [`Refusal`] when the connection cannot be made or broke.
    pub async fn listen(&self, bells: &mpsc::Sender<Bells>) -> Result<(), Refusal> {
        let (client, mut connection) = self.config().connect(NoTls).await.map_err(db)?;
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        let listen = format!("LISTEN {EVENTS}; LISTEN {TERMINALS_CHANGED}");
        let mut begun = Box::pin(client.batch_execute(&listen));
        let mut listening = false;
        loop {
            tokio::select! {
                done = &mut begun, if !listening => {
                    done.map_err(db)?;
                    listening = true;
                    // What happened before we listened was not told.
                    if bells.send(Bells::Everybody).await.is_err() {
                        return Ok(());
                    }
                }
                message = tokio::time::timeout(SILENCE, messages.next()) => {
                    let bell = match message {
                        Ok(Some(Ok(AsyncMessage::Notification(note)))) => bell(&note),
                        Ok(Some(Ok(_))) => continue,
                        Ok(Some(Err(e))) => return Err(db(e)),
                        Ok(None) => return Err(Refusal::Busy("the listening connection ended".into())),
                        Err(_) if !listening => {
                            return Err(Refusal::Busy("the listening connection is silent".into()));
                        }
                        Err(_) => {
                            // Asking needs the connection's own stream to be read as well.
                            let ask = client.simple_query("SELECT 1");
                            let read = async {
                                loop {
                                    match messages.next().await {
                                        Some(Ok(AsyncMessage::Notification(note))) => {
                                            let _ = bells.send(bell(&note)).await;
                                        }
                                        Some(Ok(_)) => {}
                                        Some(Err(e)) => return db(e),
                                        None => return Refusal::Busy("the listening connection ended".into()),
                                    }
                                }
                            };
                            tokio::select! {
                                asked = tokio::time::timeout(SILENCE, ask) => match asked {
                                    Ok(Ok(_)) => continue,
                                    Ok(Err(e)) => return Err(db(e)),
                                    Err(_) => return Err(Refusal::Busy("the listening connection is silent".into())),
                                },
                                broken = read => return Err(broken),
                            }
                        }
                    };
                    if bells.send(bell).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn bell(note: &tokio_postgres::Notification) -> Bells {
    match (note.channel(), note.payload()) {
        (TERMINALS_CHANGED, name) => Bells::Terminal(name.to_owned()),
        (_, "*") => Bells::Everybody,
        (_, name) => Bells::Events(name.to_owned()),
    }
}

/// Tells one terminal. The number is taken under the lock of the terminal's mailbox.
pub(super) async fn tell(
    tx: &Transaction<'_>,
    terminal: &str,
    happening: &Happening,
) -> Result<(), Refusal> {
    let statement = tx
        .prepare_cached(
            "WITH box AS (UPDATE hub.mailbox SET events = events + 1 WHERE terminal = $1 \
                 RETURNING events) \
             INSERT INTO hub.event (terminal, number, at, id, version, what) \
             SELECT $1, box.events, $2, $3, $4, $5::text::jsonb FROM box \
             RETURNING pg_notify($6, $1)::text",
        )
        .await
        .map_err(db)?;
    tx.query(
        &statement,
        &[
            &terminal,
            &time(happening.at),
            &happening.id,
            &happening.version,
            &json(&happening.what)?,
            &EVENTS,
        ],
    )
    .await
    .map_err(db)?;
    Ok(())
}

/// Tells every terminal that is not revoked. Mailboxes are locked by name, so that two who tell
/// everybody do not wait for each other in a circle.
pub(super) async fn tell_all(
    tx: &Transaction<'_>,
    happenings: &[Happening],
    at: Timestamp,
) -> Result<(), Refusal> {
    let count = happenings.len() as i64;
    if count == 0 {
        return Ok(());
    }
    let names = tx
        .query(
            "SELECT m.terminal FROM hub.mailbox m JOIN hub.terminal t ON t.name = m.terminal \
             WHERE t.revoked_at IS NULL ORDER BY m.terminal FOR UPDATE OF m",
            &[],
        )
        .await
        .map_err(db)?;
    let names: Vec<String> = names
        .iter()
        .map(|row| get(row, 0))
        .collect::<Result<_, _>>()?;
    let ids: Vec<Uuid> = happenings.iter().map(|h| h.id).collect();
    let versions: Vec<i64> = happenings.iter().map(|h| h.version).collect();
    let whats: Vec<String> = happenings
        .iter()
        .map(|h| json(&h.what))
        .collect::<Result<_, _>>()?;
    tx.execute(
        "WITH box AS (UPDATE hub.mailbox SET events = events + $1 WHERE terminal = ANY ($2) \
             RETURNING terminal, events - $1 AS before) \
         INSERT INTO hub.event (terminal, number, at, id, version, what) \
         SELECT box.terminal, box.before + e.n, $3, e.id, e.version, e.what::jsonb \
         FROM box, unnest($4::uuid[], $5::bigint[], $6::text[]) \
             WITH ORDINALITY AS e (id, version, what, n)",
        &[&count, &names, &time(at), &ids, &versions, &whats],
    )
    .await
    .map_err(db)?;
    tx.execute("SELECT pg_notify($1, '*')", &[&EVENTS])
        .await
        .map_err(db)?;
    Ok(())
}
