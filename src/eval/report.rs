//! What came of the scenarios: a table, JSON and JUnit.

use super::scenario::Scenario;
use crate::session::turn::Turn;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use std::{path::Path, time::Duration};

/// What came of one scenario.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Its turns, as they went.
    pub turns: Vec<Turn>,
    /// What was not as expected: the turn (from 1) and a sentence.
    pub misses: Vec<(usize, String)>,
    /// How long it took, ms.
    pub ms: f64,
}

impl Outcome {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.misses.is_empty()
    }
}

/// What came of all of them.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// One each.
    pub scenarios: Vec<Outcome>,
}

impl Report {
    /// Counts the outcomes.
    #[must_use]
    pub fn of(scenarios: Vec<Outcome>) -> Self {
        let passed = scenarios.iter().filter(|o| o.passed()).count();
        Self {
            passed,
            failed: scenarios.len() - passed,
            scenarios,
        }
    }

    /// A row a scenario, then what was missed.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["", "scenario", "turns", "first audio p50", "about"]);
        for o in &self.scenarios {
            let mut first: Vec<f64> = o
                .turns
                .iter()
                .filter_map(|t| t.timings_ms.first_audio)
                .collect();
            first.sort_by(f64::total_cmp);
            let median = first
                .get(first.len() / 2)
                .map_or("-".to_owned(), |ms| format!("{ms:.0} ms"));
            table.add_row([
                if o.passed() { "pass" } else { "FAIL" },
                &o.name,
                &o.turns.len().to_string(),
                &median,
                &o.about,
            ]);
        }
        let mut out = table.to_string();
        for o in &self.scenarios {
            for (turn, miss) in &o.misses {
                let heard = turn
                    .checked_sub(1)
                    .and_then(|i| o.turns.get(i))
                    .map(|t| t.transcript.as_str())
                    .unwrap_or_default();
                out.push_str(&format!("\n{} turn {turn} (`{heard}`): {miss}", o.name));
            }
        }
        out.push_str(&format!(
            "\n{} passed, {} failed\n",
            self.passed, self.failed
        ));
        out
    }

    /// Writes JUnit XML, for CI.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_junit(&self, path: &Path) -> std::io::Result<()> {
        let mut suite = TestSuite::new("comptoir scenarios");
        for o in &self.scenarios {
            let status = if o.passed() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let lines: Vec<_> = o
                    .misses
                    .iter()
                    .map(|(turn, miss)| format!("turn {turn}: {miss}"))
                    .collect();
                status.set_message(lines.join("\n"));
                status
            };
            let mut case = TestCase::new(o.name.clone(), status);
            case.set_time(Duration::from_secs_f64(o.ms.max(0.0) / 1000.0));
            suite.add_test_case(case);
        }
        let mut report = quick_junit::Report::new("comptoir eval");
        report.add_test_suite(suite);
        let text = report.to_string().map_err(std::io::Error::other)?;
        std::fs::write(path, text)
    }
}

/// Turns what just happened into a scenario: a miss in a shop becomes a test.
///
/// The recordings are copied beside `scenario.toml`; what was understood, answered and left in
/// the cart is written down as expected, for a person to correct.
///
/// # Errors
/// When the folder cannot be written.
pub fn save(folder: &Path, turns: &[Turn]) -> std::io::Result<()> {
    use super::scenario::{Expected, ExpectedLine, ExpectedOrder};
    std::fs::create_dir_all(folder)?;
    let mut expected = Vec::new();
    let mut copied: Vec<&str> = Vec::new();
    for turn in turns {
        let mut e = Expected {
            commands: Some(
                turn.commands
                    .iter()
                    .filter_map(|c| toml::Table::try_from(c).ok())
                    .collect(),
            ),
            reply: if turn.reply.is_empty() {
                Vec::new()
            } else {
                vec![turn.reply.clone()]
            },
            cart: Some(
                turn.cart
                    .iter()
                    .map(|l| ExpectedLine {
                        id: Some(l.product_id.clone()),
                        quantity: Some(l.quantity),
                        options: l.options.clone(),
                        total_minor: Some(l.total_minor),
                        ..ExpectedLine::default()
                    })
                    .collect(),
            ),
            orders: Some(
                turn.orders
                    .iter()
                    .map(|o| ExpectedOrder {
                        state: Some(o.state),
                        total_minor: Some(o.total_minor),
                    })
                    .collect(),
            ),
            ..Expected::default()
        };
        match &turn.file {
            // A long file is cut in several turns: it is one recording all the same.
            Some(file) if copied.last() == Some(&file.as_str()) => continue,
            Some(file) => {
                let source = Path::new(file);
                let ending = source.extension().unwrap_or_default().to_string_lossy();
                let name = format!("{:02}.{ending}", expected.len() + 1);
                std::fs::copy(source, folder.join(&name))?;
                copied.push(file);
                e.audio = Some(name.into());
            }
            None => e.text = Some(turn.transcript.clone()),
        }
        expected.push(e);
    }
    let scenario = Scenario {
        about: "Saved from what happened; correct what is not as it should be".into(),
        language: turns.first().map(|t| t.language),
        shop: None,
        turns: expected,
        path: Default::default(),
    };
    let text = toml::to_string_pretty(&scenario).map_err(std::io::Error::other)?;
    let part = folder.join("scenario.toml.part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, folder.join("scenario.toml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{lang::Language, nlu::command::Command};

    #[test]
    fn what_happened_becomes_a_scenario_that_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let wav = dir.path().join("heard.wav");
        std::fs::write(&wav, b"RIFF").unwrap();
        let mut turn = Turn::new(Language::En);
        turn.file = Some(wav.display().to_string());
        turn.commands = vec![
            serde_json::from_str::<Command>(r#"{"intent":"search_product","max_price":200}"#)
                .unwrap(),
        ];
        turn.reply = "I found three.".into();
        let out = dir.path().join("saved");
        save(&out, std::slice::from_ref(&turn)).unwrap();
        let scenario = Scenario::read(&out.join("scenario.toml")).unwrap();
        assert!(
            scenario
                .beside(scenario.turns[0].audio.as_deref().unwrap())
                .is_file()
        );
        assert_eq!(
            super::super::check::misses(&scenario.turns[0], &turn),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_failure_is_in_the_table_and_in_junit() {
        let report = Report::of(vec![Outcome {
            name: "coat".into(),
            about: "a coat".into(),
            turns: vec![Turn::new(Language::En)],
            misses: vec![(1, "expected `189` in the reply, found ``".into())],
            ms: 12.0,
        }]);
        assert!(report.table().contains("FAIL") && report.table().contains("0 passed, 1 failed"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("junit.xml");
        report.write_junit(&path).unwrap();
        let xml = std::fs::read_to_string(path).unwrap();
        assert!(
            xml.contains("<failure") && xml.contains("expected `189`"),
            "{xml}"
        );
    }
}
