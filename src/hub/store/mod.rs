//! What the hub keeps, in PostgreSQL. The only SQL of the hub is in this folder.
//!
//! Whatever must not be lost is committed with `synchronous_commit = on`: an answer is given
//! after PostgreSQL has the transaction on disk (and, with `synchronous_standby_names` set, on
//! the standby's).

mod catalog;
mod catalog_write;
mod customers;
mod events;
mod intake;
mod lists;
mod migrate;
mod orders;
mod partitions;
mod payments;
mod terminals;
mod webhooks;

pub use catalog_write::{Change, Loaded};
pub use customers::{By, Customer};
pub use events::{Bells, Happening};
pub use intake::{Answered, Message};
pub use lists::{OrderFilter, OrderRow, Page, ReturnRow, TicketRow};
pub use migrate::KNOWN as KNOWN_SCHEMA;
pub use orders::{Moved, StoredEvent, StoredOrder};
pub use payments::{Link, Paid, Payable};
pub use terminals::{Salts, TERMINALS_CHANGED, TerminalRow};
pub use webhooks::Due;

use super::{refusal::Refusal, start::StartError};
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use jiff::Timestamp;
use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};
use tokio_postgres::{Config, NoTls, Row, error::SqlState, types::FromSql};

/// How long a free connection is waited for.
const WAIT: Duration = Duration::from_secs(2);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// The hub's database.
#[derive(Clone)]
pub struct HubStore {
    pool: Pool,
    config: Config,
}

impl HubStore {
    /// A store at a URL. Nothing is asked of the database yet.
    ///
    /// # Errors
    /// [`StartError::Url`] when it is no URL, or asks for TLS (which goes through a socket or a
    /// tunnel here).
    pub fn open(url: &str, connections: u16, statement_ms: u64) -> Result<Self, StartError> {
        let mut config = Config::from_str(url).map_err(|e| {
            let source = std::error::Error::source(&e).map(ToString::to_string);
            StartError::Url(source.unwrap_or_else(|| e.to_string()))
        })?;
        config
            .connect_timeout(CONNECT)
            .application_name("comptoir-hub");
        config.keepalives_idle(Duration::from_secs(30));
        // What somebody set in the URL stands first; ours stands above it.
        let told = config.get_options().unwrap_or_default().to_owned();
        config.options(format!(
            "{told} -c synchronous_commit=on -c timezone=UTC -c statement_timeout={statement_ms} \
             -c lock_timeout={statement_ms} -c idle_in_transaction_session_timeout={}",
            statement_ms * 2
        ));
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(usize::from(connections))
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StartError::Database(e.to_string()))?;
        Ok(Self { pool, config })
    }

    /// How a connection beside the pool is made (the one that listens).
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    async fn client(&self) -> Result<Object, Refusal> {
        self.pool.get().await.map_err(|e| match e {
            PoolError::Backend(e) => refusal(&e),
            PoolError::Timeout(_) => {
                Refusal::Busy("expected a free connection to the database, found none".into())
            }
            other => Refusal::Busy(format!("expected the database, found: {other}")),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Refusal`] when it does not.
    pub async fn ping(&self) -> Result<(), Refusal> {
        let client = self.client().await?;
        client.simple_query("SELECT 1").await.map_err(db)?;
        Ok(())
    }

    /// What the server is, and whether it keeps what it says it kept.
    ///
    /// # Errors
    /// [`Refusal`] when it does not answer.
    pub async fn server(&self) -> Result<Server, Refusal> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "SELECT current_setting('server_version'), current_setting('fsync') = 'on', \
                 current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'), \
                 current_setting('synchronous_standby_names'), \
                 pg_database_size(current_database()), \
                 (SELECT count(*) FROM pg_stat_replication)",
                &[],
            )
            .await
            .map_err(db)?;
        Ok(Server {
            version: get(&row, 0)?,
            fsync: get(&row, 1)?,
            full_page_writes: get(&row, 2)?,
            synchronous_commit: get(&row, 3)?,
            synchronous_standby_names: get(&row, 4)?,
            bytes: get(&row, 5)?,
            standbys: get(&row, 6)?,
        })
    }

    /// Closes every connection.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// What the server says of itself.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Server {
    /// Its version.
    pub version: String,
    /// Whether it waits for the disk. Without it a power cut loses orders.
    pub fsync: bool,
    /// Whether half-written pages can be mended.
    pub full_page_writes: bool,
    /// When a commit is answered, on the hub's connections.
    pub synchronous_commit: String,
    /// The standbys that a commit waits for; empty: none.
    pub synchronous_standby_names: String,
    /// How large the database is.
    pub bytes: i64,
    /// How many standbys follow it now.
    pub standbys: i64,
}

impl Server {
    /// What endangers orders here.
    #[must_use]
    pub fn dangers(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if !self.fsync {
            out.push("fsync is off: a power cut can lose orders that were acknowledged");
        }
        if !self.full_page_writes {
            out.push("full_page_writes is off: a power cut can damage the database");
        }
        if self.synchronous_commit == "off" {
            out.push("synchronous_commit is off: a crash can lose orders that were acknowledged");
        }
        out
    }
}

/// What a failure of the database means for who asked.
pub(super) fn refusal(error: &tokio_postgres::Error) -> Refusal {
    let Some(code) = error.code() else {
        // No answer of the server's: the connection broke, or never was. A transaction whose
        // commit was not answered may be there or not; the same message again will tell.
        return match std::error::Error::source(error) {
            Some(source)
                if source.downcast_ref::<std::io::Error>().is_none() && !error.is_closed() =>
            {
                Refusal::Failed(format!("{error}: {source}"))
            }
            _ => Refusal::Busy(format!(
                "expected an answer of the database, found: {error}"
            )),
        };
    };
    let told = error.as_db_error().map_or_else(
        || error.to_string(),
        |e| format!("{} ({})", e.message(), code.code()),
    );
    let no_partition = *code == SqlState::CHECK_VIOLATION && told.contains("no partition");
    match code.code().get(..2) {
        // Connection, resources, operator (shutdown, cancelled by time), conflict, locks.
        Some("08" | "53" | "57" | "40" | "55" | "58") => {
            Refusal::Busy(format!("the database is not ready: {told}"))
        }
        Some("25") if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Refusal::Busy("expected the primary, found a standby".into())
        }
        _ if no_partition => Refusal::Busy(format!("this month has no partition yet: {told}")),
        // A value that PostgreSQL cannot hold (a NUL in a text, a number out of range).
        Some("22") => Refusal::Content(format!("expected values that can be kept, found: {told}")),
        _ => Refusal::Failed(told),
    }
}

/// The same, as a function of the error for `map_err`.
fn db(error: tokio_postgres::Error) -> Refusal {
    refusal(&error)
}

/// A column of a row.
fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Refusal> {
    row.try_get(column)
        .map_err(|e| Refusal::Failed(format!("a column is not what was expected: {e}")))
}

/// A time as PostgreSQL takes it.
fn time(at: Timestamp) -> SystemTime {
    SystemTime::from(at)
}

/// A time of a row.
fn when(row: &Row, column: usize) -> Result<Timestamp, Refusal> {
    let at: SystemTime = get(row, column)?;
    Timestamp::try_from(at).map_err(|e| Refusal::Failed(format!("a time is out of range: {e}")))
}

/// A time of a row that may be missing.
fn when_any(row: &Row, column: usize) -> Result<Option<Timestamp>, Refusal> {
    let at: Option<SystemTime> = get(row, column)?;
    at.map(Timestamp::try_from)
        .transpose()
        .map_err(|e| Refusal::Failed(format!("a time is out of range: {e}")))
}

/// A word of the contract's as it stands in JSON and in the database.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A word of the database's as a value of the contract.
fn read_word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, Refusal> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|e| Refusal::Failed(format!("a word of the database is not known: {e}")))
}

/// Anything as JSON text.
fn json<T: serde::Serialize>(value: &T) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|e| Refusal::Failed(e.to_string()))
}
