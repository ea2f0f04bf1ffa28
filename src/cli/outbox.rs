//! `comptoir outbox`: what the shop's backend does not have yet.

use super::{Ending, args::Global, output::line};
use crate::{
    daemon::lock::Lock,
    settings::Settings,
    shop::store::{MessageState, OutboxEntry, Store},
    sync::{
        client::BackendClient,
        courier::{Courier, Shelf, World},
    },
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde_json::json;

/// Look after the messages to the shop's backend
///
/// Orders, cancellations, returns and tickets wait in the outbox until the backend has them.
/// `run`, `chat` and `hear` send by themselves.
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// Show what waits, and what the backend refuses
    List(List),
    /// Have messages sent again that the backend refused
    Retry(Retry),
    /// Send what waits, now, once
    Send(Send),
}

/// Options of `outbox list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only what the backend refuses
    #[arg(long)]
    dead: bool,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Options of `outbox retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// Which message, by its number in the list [default: all]
    #[arg(value_name = "ID")]
    id: Option<i64>,
}

/// Options of `outbox send`.
#[derive(Debug, Args)]
pub struct Send {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// When it cannot be begun: settings, data folder, backend.
pub async fn run(verb: Outbox, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let data = settings.data_folder();
    let store = tokio::task::spawn_blocking(move || Store::open(&data)).await??;
    match verb {
        Outbox::List(a) => tokio::task::spawn_blocking(move || list(&a, &store)).await?,
        Outbox::Retry(a) => tokio::task::spawn_blocking(move || retry(&a, store)).await?,
        Outbox::Send(a) => send(&a, &settings, store).await,
    }
}

fn list(args: &List, store: &Store) -> anyhow::Result<Ending> {
    let entries = store.outbox(args.dead, args.limit)?;
    let summary = store.outbox_summary()?;
    if args.json {
        let all = json!({ "waiting": summary.waiting, "dead": summary.dead, "messages": entries });
        line(format_args!("{}", serde_json::to_string_pretty(&all)?))?;
        return Ok(Ending::Well);
    }
    if !entries.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "id", "what", "about", "place", "state", "tries", "written", "last try",
        ]);
        for e in &entries {
            table.add_row(row(e));
        }
        line(format_args!("{table}"))?;
    }
    line(format_args!(
        "{} waiting, {} refused by the backend",
        summary.waiting, summary.dead
    ))?;
    Ok(Ending::Well)
}

fn row(e: &OutboxEntry) -> [String; 8] {
    [
        e.id.to_string(),
        format!("{:?}", e.kind).to_lowercase(),
        e.subject.clone(),
        e.sequence.to_string(),
        match e.state {
            MessageState::Waiting => "waiting",
            MessageState::Sent => "sent",
            MessageState::Dead => "dead",
        }
        .to_owned(),
        e.attempts.to_string(),
        e.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
        e.error.clone().unwrap_or_default(),
    ]
}

fn retry(args: &Retry, mut store: Store) -> anyhow::Result<Ending> {
    let again = store.send_again(args.id)?;
    match (again, args.id) {
        (0, Some(id)) => {
            anstream::eprintln!(
                "expected message {id} among those not sent, found none; `comptoir outbox list` shows them"
            );
            return Ok(Ending::SomethingFailed);
        }
        (n, _) => line(format_args!("{n} to be sent again"))?,
    }
    Ok(Ending::Well)
}

async fn send(args: &Send, settings: &Settings, mut store: Store) -> anyhow::Result<Ending> {
    if !settings.backend.is_set() {
        anyhow::bail!("expected backend.url in the settings, found none: there is nowhere to send");
    }
    let client = BackendClient::new(&settings.backend)?;
    let _lock = Lock::courier(store.folder()).context("another program sends already")?;
    let store = tokio::task::spawn_blocking(move || store.due_now().map(|()| store)).await??;
    let shelf = Shelf::new(store);
    let round = Courier::new(client, shelf.clone(), World::machine())
        .send_all()
        .await?;
    let left = shelf.with(|store| store.outbox_summary()).await?;
    if args.json {
        let all = json!({ "round": round, "waiting": left.waiting, "dead": left.dead });
        line(format_args!("{all}"))?;
    } else {
        line(format_args!(
            "{} sent, {} waiting, {} refused by the backend",
            round.taken, left.waiting, left.dead
        ))?;
    }
    Ok(if left.waiting + left.dead == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}
