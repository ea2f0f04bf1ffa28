//! `comptoir bench --shop`: a shop of any size.

use super::{
    Ending,
    output::{line, text},
};
use crate::{
    bench::shop::{self, Shop},
    daemon::shopfront::Scratch,
};
use comfy_table::{Table, presets};
use jiff::Timestamp;

/// Runs the verb.
///
/// # Errors
/// When there is no room for it.
pub async fn run(products: usize, json: bool) -> anyhow::Result<Ending> {
    let scratch = Scratch::new()?;
    let folder = scratch.path().to_owned();
    let shop = tokio::task::spawn_blocking(move || shop::run(&folder, products, Timestamp::now()));
    let shop = shop.await??;
    if json {
        line(format_args!("{}", serde_json::to_string_pretty(&shop)?))?;
    } else {
        text(format_args!("{}", table(&shop)))?;
    }
    Ok(Ending::Well)
}

fn table(s: &Shop) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["search, ms", "n", "median", "p95", "max", "found in 3"]);
    for search in &s.searches {
        if let Some(ms) = &search.ms {
            table.add_row([
                search.kind.to_owned(),
                ms.n.to_string(),
                format!("{:.1}", ms.median),
                format!("{:.1}", ms.p95),
                format!("{:.1}", ms.max),
                search.found.to_string(),
            ]);
        }
    }
    let peak = s
        .peak_mib
        .map_or("unknown".to_owned(), |m| format!("{m:.0} MiB"));
    format!(
        "{} products, feed {:.1} MB: import {:.1} s, catalog {:.1} MB, peak memory {peak}\n\
         1,000 changes {:.0} ms; the first search {:.0} ms\n{table}\n",
        s.products, s.feed_mb, s.import_s, s.catalog_mb, s.changes_ms, s.first_search_ms
    )
}
