//! `comptoir hub catalog load`: from a feed's file to the hub's catalog.

use super::{Ending, show, tell};
use crate::{
    hub::{
        rows::{self, KeptRow},
        store::{HubStore, Loaded},
    },
    lang::Language,
    shop::{feed, money::Currency},
    sync::contract::RefusedRow,
};
use anyhow::Context;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};
use tokio::sync::mpsc;

/// So many rows are checked and sent at once; so many such parts may wait.
const PART: usize = 300;
const PARTS: usize = 4;
/// So many refused rows are told one by one.
const TOLD: usize = 1_000;
/// The longest line of a feed.
const LONGEST_LINE: u64 = 1 << 20;

/// What was read, refused and loaded.
#[derive(Serialize)]
struct Account {
    language: Language,
    read: u64,
    #[serde(flatten)]
    loaded: Loaded,
    refused_rows: u64,
    refused: Vec<RefusedRow>,
}

/// What the reading thread has to say at the end.
struct Read_ {
    read: u64,
    refused_rows: u64,
    refused: Vec<RefusedRow>,
}

/// Loads a feed.
pub(super) async fn load(
    store: &HubStore,
    file: &Path,
    language: Option<Language>,
    forced: bool,
    json: bool,
) -> anyhow::Result<Ending> {
    let language = language
        .or_else(|| feed::language_of(file))
        .unwrap_or(Language::En);
    let currency = store.currency().await?;
    let (sender, mut receiver) = mpsc::channel(PARTS);
    let path: PathBuf = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&path, language, currency, &sender));
    let mut account = None;
    let loaded = store
        .load_catalog(
            language,
            &mut receiver,
            async || match reading.await {
                Ok(Ok(read)) => {
                    account = Some(read);
                    Ok(())
                }
                Ok(Err(e)) => Err(format!("{e:#}; the catalog is as it was")),
                Err(e) => Err(e.to_string()),
            },
            forced,
        )
        .await?;
    let read = account.context("expected the feed to be read to its end")?;
    let account = Account {
        language,
        read: read.read,
        loaded,
        refused_rows: read.refused_rows,
        refused: read.refused,
    };
    tell(json, &account, || {
        format!(
            "{} ({language}): {} rows read, {} kept, {} new or changed, {} removed, {} refused",
            file.display(),
            account.read,
            loaded.kept,
            loaded.changed,
            loaded.removed,
            account.refused_rows
        )
    })?;
    if !json {
        show::refused(&account.refused)?;
    }
    Ok(if account.refused_rows == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// Reads, checks and sends rows, a part at a time.
fn read(
    path: &Path,
    language: Language,
    mut currency: Option<Currency>,
    to: &mpsc::Sender<Vec<KeptRow>>,
) -> anyhow::Result<Read_> {
    let file =
        File::open(path).with_context(|| format!("expected a feed in {}", path.display()))?;
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut out = Read_ {
        read: 0,
        refused_rows: 0,
        refused: Vec::new(),
    };
    let first = reader
        .fill_buf()?
        .iter()
        .copied()
        .find(|b| !b.is_ascii_whitespace());
    let mut part = Vec::new();
    let mut send = |part: &mut Vec<Map<String, Value>>, out: &mut Read_| -> anyhow::Result<()> {
        if part.is_empty() {
            return Ok(());
        }
        let before = out.read;
        out.read += part.len() as u64;
        let checked = rows::check(part, language, currency)?;
        currency = checked.currency.or(currency);
        for mut row in checked.refused {
            row.line += before;
            out.refused_rows += u64::from(row.severity == feed::Severity::Refused);
            if out.refused.len() < TOLD {
                out.refused.push(row);
            }
        }
        part.clear();
        to.blocking_send(checked.kept)
            .context("expected the database to take rows, found it gone")
    };
    if first == Some(b'{') {
        json_lines(reader, |row| {
            part.push(row);
            if part.len() < PART {
                return Ok(());
            }
            send(&mut part, &mut out)
        })?;
    } else {
        separated(reader, |row| {
            part.push(row);
            if part.len() < PART {
                return Ok(());
            }
            send(&mut part, &mut out)
        })?;
    }
    send(&mut part, &mut out)?;
    Ok(out)
}

/// One row in JSON a line.
fn json_lines(
    mut reader: impl BufRead,
    mut take: impl FnMut(Map<String, Value>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        if (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row = serde_json::from_slice(&line)
            .with_context(|| format!("expected a row in JSON in line {number}"))?;
        take(row)?;
    }
    Ok(())
}

/// Values between tabs, commas or semicolons: the header decides.
fn separated(
    mut reader: impl BufRead,
    mut take: impl FnMut(Map<String, Value>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut header = Vec::new();
    (&mut reader)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut header)?;
    let header = String::from_utf8(header).context("expected a header in UTF-8")?;
    let header = header.trim_start_matches('\u{feff}').trim_end();
    let count = |c: char| header.matches(c).count();
    let delimiter = if count('\t') > 0 {
        b'\t'
    } else if count(';') > count(',') {
        b';'
    } else {
        b','
    };
    let read = |input: &mut dyn Read| {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // Between tabs most shops do not quote: a quote is a character like another.
            .quoting(delimiter != b'\t')
            .delimiter(delimiter)
            .from_reader(input)
            .into_records()
            .collect::<Result<Vec<_>, _>>()
    };
    let names: Vec<String> = read(&mut header.as_bytes())?
        .first()
        .map(|r| r.iter().map(str::to_owned).collect())
        .unwrap_or_default();
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(delimiter != b'\t')
        .delimiter(delimiter)
        .from_reader(reader);
    for record in rows.records() {
        let record = record.context("expected rows in UTF-8")?;
        let row = names
            .iter()
            .zip(record.iter())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.clone(), Value::String(unquoted(value, delimiter))))
            .collect();
        take(row)?;
    }
    Ok(())
}

/// A value between tabs that is quoted whole is what stands within.
fn unquoted(value: &str, delimiter: u8) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|v| v.strip_suffix('"'))
        .filter(|inner| delimiter == b'\t' && !inner.replace("\"\"", "").contains('"'));
    inner.map_or(value.to_owned(), |inner| inner.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rows(text: &str) -> Vec<Map<String, Value>> {
        let mut out = Vec::new();
        separated(text.as_bytes(), |row| {
            out.push(row);
            Ok(())
        })
        .unwrap();
        out
    }

    #[test]
    fn the_header_decides_what_separates() {
        for text in [
            "\u{feff}id\ttitle\r\na\tMilk, 24\"\r\n",
            "id,title\na,\"Milk, 24\"\"\"\n",
            "id;title\na;Milk, 24\"\n",
        ] {
            let rows = rows(text);
            assert_eq!(rows.len(), 1, "{text}");
            assert_eq!(rows[0]["id"], "a");
            assert_eq!(rows[0]["title"], "Milk, 24\"", "{text}");
        }
        assert_eq!(
            rows("id\ttitle\na\t\"A \"\"big\"\" pie\"\n")[0]["title"],
            "A \"big\" pie"
        );
        assert_eq!(
            rows("id\ttitle\na\t\"Best\" tea\n")[0]["title"],
            "\"Best\" tea"
        );
    }
}
