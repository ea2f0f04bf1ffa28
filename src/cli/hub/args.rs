//! The flags of `comptoir hub`.

use super::bench::BenchArgs;
use crate::{hub::check, lang::Language, shop::order::OrderState};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use uuid::Uuid;

/// The reference backend for many terminals, over PostgreSQL
///
/// The database's URL, the hub's key and the back office's token come from files named in the
/// settings ([hub]) or from the environment: COMPTOIR_HUB_DATABASE_URL, COMPTOIR_HUB_KEY,
/// COMPTOIR_HUB_ADMIN_TOKEN. docs/backend.md describes the routes.
#[derive(Debug, Subcommand)]
pub enum HubVerb {
    /// Serve terminals, staff and payment pages, until SIGTERM
    Serve(Serve),
    /// Bring the database's schema to the newest number, and make partitions ahead
    Migrate(Json),
    /// Tell how the database, the schema, the catalog and the orders stand
    Status(Json),
    /// Look after terminals and their secrets
    #[command(subcommand)]
    Terminal(Terminal),
    /// Look after the catalog that terminals get
    #[command(subcommand)]
    Catalog(Catalog),
    /// Look at orders, and move them on
    #[command(subcommand)]
    Order(Order),
    /// Measure: terminals that sync and order, on a throw-away PostgreSQL
    Bench(BenchArgs),
}

impl HubVerb {
    /// Whether the verb ends by itself when it is told to end (SIGTERM, Ctrl-C).
    #[must_use]
    pub fn drains(&self) -> bool {
        matches!(self, Self::Serve(_))
    }
}

/// Options of `hub serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to serve [default: hub.listen, 127.0.0.1:8480]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// Bring the schema to the newest number first
    #[arg(long)]
    pub(super) migrate: bool,
    /// Tell where it is served as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A verb whose only option is this.
#[derive(Debug, Args)]
pub struct Json {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `hub terminal`.
#[derive(Debug, Subcommand)]
pub enum Terminal {
    /// Add a terminal; its secret is shown once
    Add {
        /// Its name: lower-case letters, digits, `.`, `_`, `-`
        name: String,
        /// Where it can be called with events
        #[arg(long, value_name = "URL", value_parser = check::webhook_url)]
        webhook: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the terminals
    List(Json),
    /// End a terminal: nothing that it signs is believed any more
    Revoke {
        /// Its name
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a terminal a new secret; it is shown once
    Rotate {
        /// Its name
        name: String,
        /// How long the old one still holds, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(..=604_800))]
        grace: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `hub catalog`.
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Replace a language's catalog by a product feed (TSV, CSV, or JSON lines of rows)
    ///
    /// All or nothing: what is not in the feed is gone. docs/feed.md says what is read. Only
    /// what differs is handed out to the terminals again.
    Load {
        /// The feed; `products.fr.tsv` is French by its name
        file: PathBuf,
        /// Language of the texts [default: by the file's name, else en]
        #[arg(long)]
        lang: Option<Language>,
        /// Take away more than 30 % of the products too
        #[arg(long)]
        force: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// `hub order`.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// List orders, the newest first
    List {
        /// Only those in this state
        #[arg(long, value_parser = state)]
        state: Option<OrderState>,
        /// Only this terminal's
        #[arg(long, value_name = "NAME")]
        terminal: Option<String>,
        /// Only those with this number
        #[arg(long)]
        number: Option<String>,
        /// The `next` of the page before
        #[arg(long)]
        cursor: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Move an order on; its terminal is told
    SetState {
        /// The order's id
        id: Uuid,
        /// accepted, rejected, preparing, ready_for_pickup, shipped, delivered ...
        #[arg(value_parser = state)]
        state: OrderState,
        /// Why, for the shopper
        #[arg(long)]
        note: Option<String>,
        /// The carrier's name
        #[arg(long)]
        carrier: Option<String>,
        /// The carrier's code
        #[arg(long)]
        tracking: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

fn state(text: &str) -> Result<OrderState, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
        format!("expected a state such as accepted, rejected, preparing, shipped, found `{text}`")
    })
}
