//! The report of an evaluation, for people.

use super::{Rate, Report};
use crate::nlu::command::Command;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use std::{collections::BTreeMap, fmt};

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn table(header: impl IntoIterator<Item = &'static str>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header.into_iter().collect::<Vec<_>>());
    table
}

fn row(name: &str, rate: &Rate) -> Vec<String> {
    vec![
        name.to_owned(),
        rate.lines.to_string(),
        percent(rate.exact_share()),
        percent(rate.intent_share()),
    ]
}

/// Confusions that are listed, the most frequent first.
const CONFUSIONS: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tiers = table(["tier", "lines", "exact", "intents", "p50 ms", "p95 ms"]);
        let all = [("all", &self.all)];
        for (name, rate) in all
            .into_iter()
            .chain(self.tiers.iter().map(|(n, r)| (*n, r)))
        {
            let time = |of: &BTreeMap<&str, f64>| {
                of.get(name).map_or("-".to_owned(), |ms| format!("{ms:.1}"))
            };
            let mut cells = row(name, rate);
            cells.extend([time(&self.ms_p50), time(&self.ms_p95)]);
            tiers.add_row(cells);
        }
        writeln!(f, "{tiers}")?;
        let mut kinds = table(["", "lines", "exact", "intents"]);
        for (name, rate) in &self.languages {
            kinds.add_row(row(name, rate));
        }
        for (name, rate) in self.tags.iter().chain(&self.intents) {
            kinds.add_row(row(name, rate));
        }
        writeln!(f, "{kinds}")?;
        let slots = &self.slots;
        writeln!(
            f,
            "slots: F1 {} ({} expected, {} found, {} right)",
            percent(slots.f1()),
            slots.expected,
            slots.found,
            slots.both
        )?;
        let uncalled = &self.uncalled;
        writeln!(
            f,
            "lines that ask for nothing: {}, of them {} told something, {} changed something",
            uncalled.lines, uncalled.told, uncalled.wrote
        )?;
        let mut confusion: Vec<(u32, String)> = self
            .confusion
            .iter()
            .flat_map(|(expected, found)| {
                found
                    .iter()
                    .map(move |(found, n)| (*n, format!("{expected} taken for {found}")))
            })
            .collect();
        confusion.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (n, pair) in confusion.iter().take(CONFUSIONS) {
            writeln!(f, "{n:>4} x {pair}")?;
        }
        let second = &self.second;
        if second.lines > 0 {
            writeln!(
                f,
                "second model: asked for {} of the lines; of those {} were exact without it, {} with it",
                percent(f64::from(second.lines) / f64::from(self.all.lines.max(1))),
                second.exact_before,
                second.exact
            )?;
        }
        writeln!(
            f,
            "calibration of the model: expected error {}",
            percent(self.reliability.error())
        )?;
        for (i, bin) in self.reliability.bins.iter().enumerate() {
            if bin.lines == 0 {
                continue;
            }
            let share = f64::from(bin.exact) / f64::from(bin.lines);
            let bar = "#".repeat((share * 40.0).round() as usize);
            writeln!(
                f,
                "  {:.1}-{:.1} {:>5} lines, {:>7} right {bar}",
                i as f64 / 10.0,
                (i + 1) as f64 / 10.0,
                bin.lines,
                percent(share)
            )?;
        }
        for miss in &self.misses {
            let json = |commands: &[Command]| serde_json::to_string(commands).unwrap_or_default();
            writeln!(
                f,
                "{} [{} {:.2}] {}",
                miss.id,
                miss.tier.name(),
                miss.confidence,
                miss.text
            )?;
            writeln!(
                f,
                "  expected {}\n  found    {}",
                json(&miss.expected),
                json(&miss.found)
            )?;
        }
        Ok(())
    }
}

/// Models side by side.
#[must_use]
pub fn comparison(reports: &[(String, Report)]) -> String {
    let mut out = table([
        "model",
        "lines",
        "exact",
        "intents",
        "slot F1",
        "en",
        "fr",
        "wrote uncalled",
        "p50 ms",
        "p95 ms",
    ]);
    for (name, r) in reports {
        let language = |code: &str| {
            r.languages
                .get(code)
                .map_or("-".to_owned(), |rate| percent(rate.exact_share()))
        };
        let time = |of: &BTreeMap<&str, f64>| {
            of.get("all")
                .map_or("-".to_owned(), |ms| format!("{ms:.0}"))
        };
        let mut cells = row(name, &r.all);
        cells.extend([
            percent(r.slots.f1()),
            language("en"),
            language("fr"),
            format!("{} of {}", r.uncalled.wrote, r.uncalled.lines),
            time(&r.ms_p50),
            time(&r.ms_p95),
        ]);
        out.add_row(cells);
    }
    out.to_string()
}
