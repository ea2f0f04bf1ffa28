//! Calling terminals that can be called: each event is posted, signed as terminals sign, in
//! order, until it is taken. A terminal that does not answer is tried less and less often, and
//! finds what it missed with `GET /v1/events` too.
//!
//! Two hubs on one database may post an event twice; its id makes it one.

use super::Hub;
use crate::{
    hub::{refusal::Refusal, store::Due},
    sync::{
        contract::{SIGNATURE, ShopEvent, TERMINAL, TIMESTAMP},
        signature::sign,
    },
};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a webhook may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How often it is looked who is behind, though nobody rang.
const LOOK: Duration = Duration::from_secs(15);
/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// So many webhooks are called at once.
const AT_ONCE: usize = 8;

/// Posts until the hub ends.
pub(super) async fn run(hub: Arc<Hub>) {
    // A webhook that sends us elsewhere does not get what was signed for it.
    let client = match reqwest::Client::builder()
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none())
        .build()
    {
        Ok(client) => client,
        Err(e) => {
            tracing::error!("hub: webhooks are not posted: {e}");
            return;
        }
    };
    let mut pauses: HashMap<String, (Instant, Duration)> = HashMap::new();
    loop {
        tokio::select! {
            () = hub.bells.for_webhooks() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = next(&pauses) => {}
            () = hub.ending.cancelled() => return,
        }
        let due = match hub.store.webhooks_due().await {
            Ok(due) => due,
            Err(e) => {
                tracing::debug!("hub: not known whose webhooks are behind: {e}");
                continue;
            }
        };
        pauses.retain(|name, _| due.iter().any(|d| d.terminal == *name));
        let now = Instant::now();
        let ready = due.into_iter().filter(|d| {
            pauses
                .get(&d.terminal)
                .is_none_or(|(until, _)| *until <= now)
        });
        let posted = stream::iter(ready)
            .map(|due| post(&hub, &client, due))
            .buffer_unordered(AT_ONCE)
            .take_until(hub.ending.cancelled())
            .collect::<Vec<_>>()
            .await;
        for (terminal, result) in posted {
            match result {
                Ok(()) => {
                    pauses.remove(&terminal);
                }
                Err(why) => {
                    let before = pauses.get(&terminal).map(|(_, pause)| *pause);
                    let pause = before.map_or(PAUSE.0, |p| (p * 2).min(PAUSE.1));
                    tracing::info!("hub: webhook of {terminal}: {why}; again in {pause:?}");
                    pauses.insert(terminal, (Instant::now() + pause, pause));
                }
            }
        }
    }
}

/// Waits until the first pause is over.
async fn next(pauses: &HashMap<String, (Instant, Duration)>) {
    match pauses.values().map(|(until, _)| *until).min() {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// How long one terminal's events are posted before it is the others' turn.
const TURN: Duration = Duration::from_secs(10);

/// Posts what a terminal has not taken, a page at most.
async fn post(hub: &Hub, client: &reqwest::Client, due: Due) -> (String, Result<(), String>) {
    let result = post_all(hub, client, &due).await;
    (due.terminal, result)
}

async fn post_all(hub: &Hub, client: &reqwest::Client, due: &Due) -> Result<(), String> {
    let told = |e: Refusal| e.to_string();
    let events = hub
        .store
        .events(&due.terminal, due.posted.unsigned_abs())
        .await
        .map_err(told)?;
    let begun = Instant::now();
    for event in events {
        // The others wait for this one: what is left is due again in the next round.
        if begun.elapsed() >= TURN {
            break;
        }
        post_one(hub, client, due, &event).await?;
        hub.store
            .posted(&due.terminal, event.number)
            .await
            .map_err(told)?;
    }
    Ok(())
}

async fn post_one(
    hub: &Hub,
    client: &reqwest::Client,
    due: &Due,
    event: &ShopEvent,
) -> Result<(), String> {
    let url = reqwest::Url::parse(&due.url).map_err(|e| e.to_string())?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let body = serde_json::to_vec(event).map_err(|e| e.to_string())?;
    let now = Timestamp::now().as_second();
    let secret = hub.how.key.terminal_secret(&due.terminal, &due.salt);
    let signature = sign(secret.as_bytes(), now, "POST", &target, &body);
    let answer = client
        .post(url)
        .header(TERMINAL, &due.terminal)
        .header(TIMESTAMP, now)
        .header(SIGNATURE, signature)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .map_err(|e| e.without_url().to_string())?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!(
            "expected a status of 2xx, found {}",
            answer.status()
        ))
    }
}
