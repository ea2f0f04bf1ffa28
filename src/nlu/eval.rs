//! How well utterances are understood: labelled lines in, rates out.
//!
//! A line is `{"id","text","context"?,"lang"?,"expect":[...]}`, as for `comptoir understand
//! --jsonl`. A line is exact when every command with every slot is right, in order
//! (`feedback.comment` and `talk_to_human.reason` are free text and not scored).

use super::{
    Interpreter, Tier, Utterance,
    command::{Command, Context},
    lexicon::guess_language,
};
use crate::lang::Language;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// A labelled utterance.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Its name in reports.
    pub id: Value,
    /// What was said.
    pub text: String,
    /// What the conversation was about.
    #[serde(default)]
    pub context: Context,
    /// Its language; guessed from the words when absent.
    #[serde(default)]
    pub lang: Option<Language>,
    /// What it means.
    pub expect: Vec<Command>,
}

/// A file of labelled lines that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: expected {{\"id\",\"text\",\"expect\"}}: {reason}")]
pub struct LineError {
    number: usize,
    reason: serde_json::Error,
}

/// Reads labelled lines (JSON Lines; empty lines are skipped).
///
/// # Errors
/// The first line that is no labelled utterance.
pub fn read(text: &str) -> Result<Vec<Line>, LineError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(i, line)| {
            serde_json::from_str(line).map_err(|reason| LineError {
                number: i + 1,
                reason,
            })
        })
        .collect()
}

/// Right and wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Lines.
    pub lines: u32,
    /// With every slot of every command right.
    pub exact: u32,
    /// With the right intents in the right order.
    pub intents: u32,
}

impl Rate {
    fn count(&mut self, exact: bool, intents: bool) {
        self.lines += 1;
        self.exact += u32::from(exact);
        self.intents += u32::from(intents);
    }

    /// The share that is exact, 0 to 1.
    #[must_use]
    pub fn exact_share(&self) -> f64 {
        f64::from(self.exact) / f64::from(self.lines.max(1))
    }

    /// The share with the right intents, 0 to 1.
    #[must_use]
    pub fn intent_share(&self) -> f64 {
        f64::from(self.intents) / f64::from(self.lines.max(1))
    }
}

/// A line that was not exact.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// The line's name.
    pub id: Value,
    /// What was said.
    pub text: String,
    /// What it means.
    pub expected: Vec<Command>,
    /// What was understood.
    pub found: Vec<Command>,
    /// By which tier.
    pub tier: Tier,
}

/// The rates of a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// All lines.
    pub all: Rate,
    /// By tier that answered.
    pub tiers: BTreeMap<&'static str, Rate>,
    /// By first expected intent.
    pub intents: BTreeMap<String, Rate>,
    /// Median time of a line, in ms, by tier; `all` for all.
    pub ms_p50: BTreeMap<&'static str, f64>,
    /// 95th percentile of the time of a line, in ms.
    pub ms_p95: BTreeMap<&'static str, f64>,
    /// What was not exact.
    pub misses: Vec<Miss>,
}

/// Understands every line and compares.
pub async fn evaluate(
    lines: &[Line],
    language: Option<Language>,
    interpreter: &Interpreter,
) -> Report {
    let mut report = Report::default();
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for line in lines {
        let language = line
            .lang
            .or(language)
            .or_else(|| guess_language(&line.text))
            .unwrap_or(Language::En);
        let utterance = Utterance {
            text: &line.text,
            language,
            context: &line.context,
        };
        let begun = Instant::now();
        let heard = interpreter.interpret(&utterance).await;
        let took = begun.elapsed();
        times.entry(heard.tier.name()).or_default().push(took);
        times.entry("all").or_default().push(took);

        let (expected, found) = (scored(&line.expect), scored(&heard.commands));
        let exact = expected == found;
        let names = |list: &[Command]| list.iter().map(Command::intent).collect::<Vec<_>>();
        let intents = names(&line.expect) == names(&heard.commands);
        report.all.count(exact, intents);
        report
            .tiers
            .entry(heard.tier.name())
            .or_default()
            .count(exact, intents);
        let first = line
            .expect
            .first()
            .map_or("none", Command::intent)
            .to_owned();
        report
            .intents
            .entry(first)
            .or_default()
            .count(exact, intents);
        if !exact {
            report.misses.push(Miss {
                id: line.id.clone(),
                text: line.text.clone(),
                expected: line.expect.clone(),
                found: heard.commands,
                tier: heard.tier,
            });
        }
    }
    for (tier, mut list) in times {
        list.sort_unstable();
        let at = |share: f64| {
            let i = ((list.len() as f64 * share).ceil() as usize).clamp(1, list.len()) - 1;
            list[i].as_secs_f64() * 1000.0
        };
        report.ms_p50.insert(tier, at(0.5));
        report.ms_p95.insert(tier, at(0.95));
    }
    report
}

/// Commands without the slots that are not scored.
fn scored(commands: &[Command]) -> Value {
    let mut value = serde_json::to_value(commands).unwrap_or_default();
    for command in value
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        match command.get("intent").and_then(Value::as_str) {
            Some("feedback") => command.remove("comment"),
            Some("talk_to_human") => command.remove("reason"),
            _ => None,
        };
    }
    value
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let row = |name: &str, rate: &Rate| {
            [
                name.to_owned(),
                rate.lines.to_string(),
                percent(rate.exact_share()),
                percent(rate.intent_share()),
            ]
        };
        let mut tiers = Table::new();
        tiers.load_style(UTF8_FULL_CONDENSED);
        tiers.set_header(["tier", "lines", "exact", "intents", "p50 ms", "p95 ms"]);
        let all = [("all", &self.all)];
        for (name, rate) in all
            .into_iter()
            .chain(self.tiers.iter().map(|(n, r)| (*n, r)))
        {
            let time = |of: &BTreeMap<&str, f64>| {
                of.get(name).map_or("-".to_owned(), |ms| format!("{ms:.1}"))
            };
            let [a, b, c, d] = row(name, rate);
            tiers.add_row([a, b, c, d, time(&self.ms_p50), time(&self.ms_p95)]);
        }
        writeln!(f, "{tiers}")?;
        let mut intents = Table::new();
        intents.load_style(UTF8_FULL_CONDENSED);
        intents.set_header(["intent", "lines", "exact", "intents"]);
        for (name, rate) in &self.intents {
            intents.add_row(row(name, rate));
        }
        writeln!(f, "{intents}")?;
        for miss in &self.misses {
            let json = |commands: &[Command]| serde_json::to_string(commands).unwrap_or_default();
            writeln!(f, "{} [{}] {}", miss.id, miss.tier.name(), miss.text)?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn lines_are_compared_command_by_command() {
        let lines = read(concat!(
            "{\"id\":1,\"text\":\"what's in my basket\",\"expect\":[{\"intent\":\"view_cart\"}]}\n\n",
            "{\"id\":2,\"text\":\"add two teas\",\"expect\":[{\"intent\":\"add_to_cart\",\"item\":\"teas\",\"quantity\":3}]}\n",
            "{\"id\":3,\"text\":\"un humain\",\"expect\":[{\"intent\":\"talk_to_human\",\"reason\":\"x\"}]}\n",
        ))
        .unwrap();
        let report = evaluate(&lines, None, &Interpreter::new(None)).await;
        assert_eq!(
            report.all,
            Rate {
                lines: 3,
                exact: 2,
                intents: 3
            }
        );
        assert_eq!(report.misses[0].id, 2);
        assert!(report.to_string().contains("66.7 %"));
        assert!(read("{}").unwrap_err().to_string().starts_with("line 1"));
    }
}
