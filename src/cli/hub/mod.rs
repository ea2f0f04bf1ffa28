//! `comptoir hub`: the reference backend.

mod args;
mod bench;
mod feed;
mod show;

pub use args::{Catalog, HubVerb, Json, Order, Serve, Terminal};

use super::{Ending, args::Global, output::line};
use crate::{
    hub::{
        keys::fresh_salt,
        refusal::Refusal,
        serve::{self, Hub, Serving},
        start::{self, StartError},
        store::{HubStore, KNOWN_SCHEMA, Moved, OrderFilter},
    },
    settings::Hub as HubSettings,
};
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

/// Runs a verb.
///
/// # Errors
/// When it cannot be begun, or the database refuses.
pub async fn run(verb: HubVerb, global: &Global) -> anyhow::Result<Ending> {
    if let HubVerb::Bench(args) = verb {
        return bench::run(&args).await;
    }
    let settings = super::settings(global)?.hub;
    let store = open(&settings)?;
    match verb {
        HubVerb::Serve(args) => return serve(&args, &settings, store).await,
        HubVerb::Migrate(args) => {
            let before = store.migrate(Timestamp::now()).await?;
            #[derive(Serialize)]
            struct Migrated {
                before: i32,
                now: i32,
            }
            let done = Migrated {
                before,
                now: KNOWN_SCHEMA,
            };
            tell(args.json, &done, || {
                if before == KNOWN_SCHEMA {
                    format!("the schema is at number {KNOWN_SCHEMA}; nothing was to be done")
                } else {
                    format!("the schema was at number {before} and is at {KNOWN_SCHEMA}")
                }
            })?;
        }
        HubVerb::Status(args) => return show::status(&store, args.json).await,
        HubVerb::Terminal(verb) => terminal(verb, &settings, &store).await?,
        HubVerb::Catalog(Catalog::Load {
            file,
            lang,
            force,
            json,
        }) => return feed::load(&store, &file, lang, force, json).await,
        HubVerb::Order(verb) => order(verb, &store).await?,
        HubVerb::Bench(_) => {}
    }
    Ok(Ending::Well)
}

/// The store of the settings.
fn open(settings: &HubSettings) -> Result<HubStore, StartError> {
    let url = start::database_url(settings)?;
    HubStore::open(&url, settings.connections, settings.deadline_ms)
}

async fn serve(args: &Serve, settings: &HubSettings, store: HubStore) -> anyhow::Result<Ending> {
    let key = start::key(settings)?;
    let admin = start::admin_token(settings)?;
    // Heard from here on: a signal while the hub begins ends it too.
    let mut told = (
        signal(SignalKind::terminate()).context("expected to hear SIGTERM")?,
        signal(SignalKind::interrupt()).context("expected to hear Ctrl-C")?,
    );
    let now = Timestamp::now();
    if args.migrate {
        store.migrate(now).await?;
    }
    store.ready_for(&key).await?;
    store.maintain(now).await?;
    for danger in store.server().await?.dangers() {
        tracing::warn!("hub: {danger}");
    }
    let (listener, bound) =
        serve::listen(args.listen.as_deref().unwrap_or(&settings.listen)).await?;
    let public_url = match settings.public_url.trim_end_matches('/') {
        "" => format!("http://{bound}"),
        url => url.to_owned(),
    };
    let hub = Hub::new(
        store,
        Serving {
            key,
            admin,
            public_url,
            at_once: settings.at_once,
            clients: settings.clients,
            deadline: Duration::from_millis(settings.deadline_ms),
            drain: Duration::from_millis(settings.drain_ms),
            auto_accept: settings.auto_accept,
            payment: Duration::from_secs(u64::from(settings.payment_minutes) * 60),
        },
    );
    let listening = format!("http://{bound}");
    #[derive(Serialize)]
    struct Listening<'a> {
        listening: &'a str,
        staff: bool,
    }
    let serving = Listening {
        listening: &listening,
        staff: admin.is_some(),
    };
    tell_line(args.json, &serving, || {
        let staff = if admin.is_some() {
            ""
        } else {
            "; the back office's routes are shut (no hub.admin_token)"
        };
        format!("the hub is at {listening}{staff}")
    })?;
    hub.serve(listener, async move {
        tokio::select! {
            _ = told.0.recv() => {}
            _ = told.1.recv() => {}
        }
        tracing::info!("hub: ending; requests that are begun are ended first");
    })
    .await?;
    Ok(Ending::Well)
}

async fn terminal(verb: Terminal, settings: &HubSettings, store: &HubStore) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Secret<'a> {
        name: &'a str,
        secret: &'a str,
    }
    let secret_told = |name: &str, secret: &str, json: bool| {
        tell(json, &Secret { name, secret }, || {
            format!(
                "{secret}\n\nThis is the secret of {name}; it is not shown again. Put it into a \
                 file that only the terminal can read."
            )
        })
    };
    match verb {
        Terminal::Add {
            name,
            webhook,
            json,
        } => {
            let key = start::key(settings)?;
            store.ready_for(&key).await?;
            let salt = fresh_salt();
            let now = Timestamp::now();
            store
                .add_terminal(&name, &salt, webhook.as_deref(), now)
                .await?;
            secret_told(&name, &key.terminal_secret(&name, &salt), json)
        }
        Terminal::Rotate { name, grace, json } => {
            let key = start::key(settings)?;
            store.ready_for(&key).await?;
            let salt = fresh_salt();
            let until = Timestamp::now() + SignedDuration::from_secs(i64::from(grace));
            store
                .rotate_terminal(&name, &salt, until)
                .await
                .map_err(|e| unknown(e, &name))?;
            secret_told(&name, &key.terminal_secret(&name, &salt), json)
        }
        Terminal::Revoke { name, json } => {
            store
                .revoke_terminal(&name, Timestamp::now())
                .await
                .map_err(|e| unknown(e, &name))?;
            #[derive(Serialize)]
            struct Revoked<'a> {
                revoked: &'a str,
            }
            tell(json, &Revoked { revoked: &name }, || {
                format!("{name} is revoked: hubs that serve know it within 5 s")
            })
        }
        Terminal::List(args) => show::terminals(&store.terminals().await?, args.json),
    }
}

fn unknown(refusal: Refusal, name: &str) -> anyhow::Error {
    match refusal {
        Refusal::NotFound(_) => anyhow::anyhow!(
            "expected a terminal that is not revoked, found none with the name `{name}`; \
             see `comptoir hub terminal list`"
        ),
        other => other.into(),
    }
}

async fn order(verb: Order, store: &HubStore) -> anyhow::Result<()> {
    match verb {
        Order::List {
            state,
            terminal,
            number,
            cursor,
            limit,
            json,
        } => {
            let filter = OrderFilter {
                state,
                terminal,
                number,
            };
            let page = store.orders(&filter, cursor.as_deref(), limit).await?;
            show::orders(&page, json)
        }
        Order::SetState {
            id,
            state,
            note,
            carrier,
            tracking,
            json,
        } => {
            let moved = Moved {
                state,
                note,
                carrier,
                tracking,
            };
            let (changed, version) = store
                .move_order(id, &moved, Timestamp::now())
                .await
                .map_err(|e| match e {
                    Refusal::NotFound(_) => anyhow::anyhow!(
                        "expected an order, found none with the id {id}; see `comptoir hub order list`"
                    ),
                    other => other.into(),
                })?;
            #[derive(Serialize)]
            struct Set {
                order: Uuid,
                changed: bool,
                version: i64,
            }
            let set = Set {
                order: id,
                changed,
                version,
            };
            tell(json, &set, || {
                if changed {
                    format!("order {id} moved on; its terminal is told")
                } else {
                    format!("order {id} was in this state already; nothing was changed")
                }
            })
        }
    }
}

/// Tells a result, as JSON or in words.
fn tell<T: Serialize>(json: bool, value: &T, words: impl FnOnce() -> String) -> anyhow::Result<()> {
    if json {
        line(format_args!("{}", serde_json::to_string_pretty(value)?))?;
    } else {
        line(format_args!("{}", words()))?;
    }
    Ok(())
}

/// The same on one line, for a program that reads line by line.
fn tell_line<T: Serialize>(
    json: bool,
    value: &T,
    words: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    if json {
        line(format_args!("{}", serde_json::to_string(value)?))?;
    } else {
        line(format_args!("{}", words()))?;
    }
    Ok(())
}
