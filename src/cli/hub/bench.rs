//! `comptoir hub bench`: a hub of its own on a throw-away PostgreSQL, under load.

use super::{Ending, line, tell};
use crate::{
    hub::{
        keys::{fresh_salt, hex},
        load::{self, Account, Caller, Plan},
        scratch::Scratch,
        store::{HubStore, Server},
    },
    lang::Language,
};
use anyhow::Context;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// What is wanted of orders, ms at the 99th percentile.
const WANTED_P99: f64 = 300.0;

/// Options of `hub bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Terminals that wait for events and follow the catalog
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5000))]
    terminals: u16,
    /// Orders a second, all terminals together
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// How long, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Products in the catalog
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    products: u32,
    /// How often each terminal asks for what changed in the catalog, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    sync: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    plan: Plan,
    products: u32,
    cores: usize,
    server: Server,
    #[serde(flatten)]
    account: Account,
    /// Orders in the database, and their sum.
    kept: i64,
    kept_total: i64,
    /// Orders that were acknowledged and are not in the database.
    lost: usize,
    /// Changes of stock that staff made, and orders that they accepted.
    changes: u64,
    accepted: u64,
    wanted_p99_ms: f64,
    well: bool,
}

/// Runs the verb.
pub(super) async fn run(args: &BenchArgs) -> anyhow::Result<Ending> {
    let scratch = tokio::task::spawn_blocking(Scratch::start).await??;
    let (key, token) = (hex(&fresh_salt()), hex(&fresh_salt()));
    let url = scratch.postgres();
    let (mut hub, base) = serve(&url, &key, &token).await?;
    let staff = Staff {
        client: reqwest::Client::new(),
        base: base.clone(),
        token,
    };
    let callers = staff.terminals(args.terminals).await?;
    staff.products(args.products).await?;
    let plan = Plan {
        terminals: callers.len(),
        orders_per_s: args.rate,
        seconds: args.seconds,
        sync_every_s: args.sync,
    };
    if !args.json {
        line(format_args!(
            "{} terminals, {} orders/s for {} s, {} products; PostgreSQL in a temporary folder",
            plan.terminals, plan.orders_per_s, plan.seconds, args.products
        ))?;
    }
    let load = load::run(
        callers,
        &plan,
        Timestamp::now().as_microsecond().unsigned_abs(),
    );
    let (seen, (changes, accepted)) = tokio::join!(
        load,
        staff.work(Duration::from_secs(args.seconds.saturating_sub(1)))
    );
    let store = HubStore::open(&url, 2, 60_000)?;
    let (kept, kept_total) = store.order_sums().await?;
    let mut lost = 0;
    for (id, total) in seen.acknowledged() {
        let found = store.order(id).await?;
        let same = found.is_some_and(|o| {
            o.message.pointer("/total/minor").and_then(Value::as_i64) == Some(total)
        });
        lost += usize::from(!same);
    }
    let account = seen.account();
    let p99 = account.latency_ms.get("order").map_or(f64::MAX, |l| l.p99);
    let report = Report {
        well: lost == 0
            && kept as usize == account.acknowledged
            && kept_total == account.acknowledged_total
            && account.acknowledged as u64 == u64::from(plan.orders_per_s) * plan.seconds
            && account.terminals_with_gaps == 0
            && account.refused == 0
            && p99 <= WANTED_P99,
        plan,
        products: args.products,
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        server: store.server().await?,
        account,
        kept,
        kept_total,
        lost,
        changes,
        accepted,
        wanted_p99_ms: WANTED_P99,
    };
    store.close();
    // Our own child, by its handle.
    hub.kill().await?;
    tell(args.json, &report, || table(&report))?;
    tokio::task::spawn_blocking(move || drop(scratch)).await?;
    Ok(if report.well {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["request", "n", "p50 ms", "p95 ms", "p99 ms", "max ms"]);
    for (kind, l) in &report.account.latency_ms {
        table.add_row([
            (*kind).to_owned(),
            l.n.to_string(),
            format!("{:.1}", l.p50),
            format!("{:.1}", l.p95),
            format!("{:.1}", l.p99),
            format!("{:.1}", l.max),
        ]);
    }
    for column in 1..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let a = &report.account;
    format!(
        "{table}\n\n{} cores, PostgreSQL {}, synchronous_commit = {}, fsync = {}\n\
         orders: {} acknowledged ({} minor units), {} in the database ({}), {} lost; {} requests \
         sent again, {} refused\nevents: {} to {} terminals, {} of them with gaps or doubles; \
         staff made {} changes of stock and accepted {} orders\n{}",
        report.cores,
        report.server.version,
        report.server.synchronous_commit,
        if report.server.fsync { "on" } else { "off" },
        a.acknowledged,
        a.acknowledged_total,
        report.kept,
        report.kept_total,
        report.lost,
        a.retries,
        a.refused,
        a.events,
        report.plan.terminals,
        a.terminals_with_gaps,
        report.changes,
        report.accepted,
        if report.well {
            "as wanted: nothing lost or doubled, orders within 300 ms at the 99th percentile"
        } else {
            "NOT as wanted: nothing lost or doubled, every order, 300 ms at the 99th percentile"
        }
    )
}

/// Starts this program as a hub; it ends with its handle.
async fn serve(url: &str, key: &str, token: &str) -> anyhow::Result<(Child, String)> {
    let program = std::env::current_exe().context("expected to find this program")?;
    let mut hub = Command::new(program)
        .args(["hub", "serve", "--migrate", "--json"])
        .args(["--listen", "127.0.0.1:0"])
        .env("COMPTOIR_HUB_DATABASE_URL", url)
        .env("COMPTOIR_HUB_KEY", key)
        .env("COMPTOIR_HUB_ADMIN_TOKEN", token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("expected to start the hub")?;
    let out = hub.stdout.take().context("expected the hub's output")?;
    let mut lines = BufReader::new(out).lines();
    let told = tokio::time::timeout(Duration::from_secs(60), lines.next_line())
        .await
        .context("expected the hub to begin within 60 s")??
        .context("expected the hub to begin, it ended")?;
    let told: Value = serde_json::from_str(&told)?;
    let base = told["listening"].as_str().unwrap_or_default().to_owned();
    Ok((hub, base))
}

/// The back office.
struct Staff {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Staff {
    async fn ask(&self, method: &str, target: &str, body: Value) -> anyhow::Result<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let answer = self
            .client
            .request(method, format!("{}{target}", self.base))
            .bearer_auth(&self.token)
            .json(&body)
            .send()
            .await?;
        let status = answer.status();
        let value: Value = answer.json().await?;
        anyhow::ensure!(
            status.is_success(),
            "expected 2xx of {target}, found {status}: {value}"
        );
        Ok(value)
    }

    async fn terminals(&self, count: u16) -> anyhow::Result<Vec<Caller>> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(45))
            .build()?;
        let mut out = Vec::new();
        for n in 1..=count {
            let name = format!("till-{n}");
            let body = json!({"name": name});
            let told = self.ask("POST", "/v1/admin/terminals", body).await?;
            out.push(Caller {
                client: client.clone(),
                base: self.base.clone(),
                name,
                secret: told["secret"].as_str().unwrap_or_default().to_owned(),
            });
        }
        Ok(out)
    }

    async fn products(&self, count: u32) -> anyhow::Result<()> {
        let ids: Vec<u32> = (0..count).collect();
        for part in ids.chunks(1_000) {
            let products: Vec<Value> = part
                .iter()
                .map(|n| {
                    json!({
                        "id": format!("p{n}"), "title": format!("Product number {n}"),
                        "description": "One of many, for measuring: it has a sentence or two that \
                                        could be spoken, as products have.",
                        "price": format!("{}.{:02} EUR", 1 + n % 90, n % 100),
                        "availability": "in_stock", "quantity": 100, "brand": "Vertaville",
                        "product_type": "Grocery > Pantry > Measures",
                    })
                })
                .collect();
            let target = format!("/v1/admin/products?language={}", Language::En);
            self.ask("PUT", &target, json!({"products": products}))
                .await?;
        }
        Ok(())
    }

    /// Changes the stock of a product every two seconds, and accepts ten orders a second.
    async fn work(&self, lasts: Duration) -> (u64, u64) {
        let begun = tokio::time::Instant::now();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let (mut changes, mut accepted) = (0, 0);
        while begun.elapsed() < lasts {
            let n = tick.tick().await.duration_since(begun).as_secs();
            if n.is_multiple_of(2) {
                let change = json!({"changes": [{
                    "type": "stock", "product": format!("p{}", n % 50), "quantity": n, "available": true,
                }]});
                changes += u64::from(self.ask("POST", "/v1/admin/changes", change).await.is_ok());
            }
            let list = "/v1/admin/orders?state=received&limit=10";
            let list = self.ask("GET", list, Value::Null).await.unwrap_or_default();
            let ids: BTreeMap<String, ()> = list["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|o| Some((o["id"].as_str()?.to_owned(), ())))
                .collect();
            for id in ids.keys() {
                let target = format!("/v1/admin/orders/{id}/status");
                let done = self
                    .ask("POST", &target, json!({"state": "accepted"}))
                    .await;
                accepted += u64::from(done.is_ok());
            }
        }
        (changes, accepted)
    }
}
