//! What the hub's verbs show.

use super::{Ending, line, tell};
use crate::{
    hub::store::{HubStore, KNOWN_SCHEMA, OrderRow, Page, Server, TerminalRow},
    shop::money::Money,
};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// How the hub stands.
#[derive(Serialize)]
struct Status {
    server: Server,
    schema: i32,
    schema_known: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders_total_minor: Option<i64>,
    terminals: usize,
    products: BTreeMap<String, i64>,
    dangers: Vec<&'static str>,
}

/// `hub status`.
pub(super) async fn status(store: &HubStore, json: bool) -> anyhow::Result<Ending> {
    let server = store.server().await?;
    let schema = store.schema().await?;
    let current = schema == KNOWN_SCHEMA;
    let sums = if current {
        Some(store.order_sums().await?)
    } else {
        None
    };
    let status = Status {
        dangers: server.dangers(),
        schema,
        schema_known: KNOWN_SCHEMA,
        orders: sums.map(|(count, _)| count),
        orders_total_minor: sums.map(|(_, total)| total),
        terminals: if current {
            store.terminals().await?.len()
        } else {
            0
        },
        products: if current {
            store.catalog_sizes().await?
        } else {
            BTreeMap::new()
        },
        server,
    };
    tell(json, &status, || {
        let mut out = format!(
            "PostgreSQL {}, {:.1} MB, synchronous_commit = {}, standbys: {}\n",
            status.server.version,
            status.server.bytes as f64 / 1e6,
            status.server.synchronous_commit,
            status.server.standbys,
        );
        if current {
            let products: Vec<String> = status
                .products
                .iter()
                .map(|(language, n)| format!("{n} {language}"))
                .collect();
            out.push_str(&format!(
                "schema {schema}; terminals: {}; orders: {}; products: {}",
                status.terminals,
                status.orders.unwrap_or_default(),
                if products.is_empty() {
                    "none".to_owned()
                } else {
                    products.join(", ")
                }
            ));
        } else {
            out.push_str(&format!(
                "schema {schema}, expected {KNOWN_SCHEMA}: run `comptoir hub migrate`"
            ));
        }
        for danger in &status.dangers {
            out.push_str(&format!("\nwarning: {danger}"));
        }
        out
    })?;
    Ok(if current && status.dangers.is_empty() {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// `hub terminal list`.
pub(super) fn terminals(terminals: &[TerminalRow], json: bool) -> anyhow::Result<()> {
    tell(json, &terminals, || {
        if terminals.is_empty() {
            return "no terminals yet; `comptoir hub terminal add NAME` adds one".into();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["name", "last seen", "events", "webhook", ""]);
        for t in terminals {
            let seen = t.last_seen.map_or("never".to_owned(), |at| at.to_string());
            table.add_row([
                t.name.as_str(),
                &seen,
                &t.events.to_string(),
                t.webhook_url.as_deref().unwrap_or_default(),
                if t.revoked_at.is_some() {
                    "revoked"
                } else {
                    ""
                },
            ]);
        }
        table.to_string()
    })
}

/// `hub order list`.
pub(super) fn orders(page: &Page<OrderRow>, json: bool) -> anyhow::Result<()> {
    tell(json, page, || {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "number", "state", "payment", "total", "terminal", "came", "id",
        ]);
        for o in &page.items {
            let total = o
                .currency
                .parse()
                .map_or(o.total.to_string(), |c| Money::new(o.total, c).to_string());
            table.add_row([
                o.number.clone(),
                word(&o.state),
                word(&o.payment),
                total,
                o.terminal.clone(),
                o.placed_at.to_string(),
                o.id.to_string(),
            ]);
        }
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut out = table.to_string();
        if let Some(next) = &page.next {
            out.push_str(&format!("\nmore with --cursor {next}"));
        }
        out
    })
}

fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A line on stdout for every refused row, as people read them.
pub(super) fn refused(rows: &[crate::sync::contract::RefusedRow]) -> anyhow::Result<()> {
    for row in rows {
        line(format_args!("  row {}: {}", row.line, row.why))?;
    }
    Ok(())
}
