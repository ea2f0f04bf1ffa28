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
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

mod table;

pub use table::comparison;

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
    /// What kind of sentence it is (`angry`, `numbers`), for the report.
    #[serde(default)]
    pub tag: Option<String>,
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

/// Slot values, counted over all commands: found and expected, and both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// In the labels.
    pub expected: u32,
    /// In the answers.
    pub found: u32,
    /// In both, of the same command of the same line.
    pub both: u32,
}

impl Slots {
    fn count(&mut self, expected: &Value, found: &Value) {
        let values = |list: &Value| -> Vec<String> {
            list.as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_object)
                .flat_map(|c| {
                    let intent = c.get("intent").cloned().unwrap_or_default();
                    c.iter()
                        .filter(|(slot, _)| *slot != "intent")
                        .map(move |(slot, value)| format!("{intent}.{slot}={value}"))
                })
                .collect()
        };
        let (expected, mut found) = (values(expected), values(found));
        self.expected += expected.len() as u32;
        self.found += found.len() as u32;
        for value in expected {
            if let Some(at) = found.iter().position(|v| *v == value) {
                found.swap_remove(at);
                self.both += 1;
            }
        }
    }

    /// Harmonic mean of precision and recall, 0 to 1.
    #[must_use]
    pub fn f1(&self) -> f64 {
        2.0 * f64::from(self.both) / f64::from((self.expected + self.found).max(1))
    }
}

/// What was made of lines that ask for nothing (`out_of_scope`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uncalled {
    /// Such lines.
    pub lines: u32,
    /// Answered by a command that tells something.
    pub told: u32,
    /// Answered by a command that changes, buys or leaves a request.
    pub wrote: u32,
}

/// Lines for which a second model was asked too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Such lines.
    pub lines: u32,
    /// Exact by the first model alone.
    pub exact_before: u32,
    /// Exact by both.
    pub exact: u32,
}

/// How often answers of about the same confidence are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Answers of the model.
    pub lines: u32,
    /// Their confidences, added up.
    pub confidence: f64,
    /// Of them exact.
    pub exact: u32,
}

/// Confidence against truth, in tenths.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reliability {
    /// From 0 to 0.1, and so on.
    pub bins: [Bin; 10],
}

impl Reliability {
    fn count(&mut self, confidence: f32, exact: bool) {
        let bin = &mut self.bins[((confidence * 10.0) as usize).min(9)];
        bin.lines += 1;
        bin.confidence += f64::from(confidence);
        bin.exact += u32::from(exact);
    }

    /// Expected calibration error, 0 to 1: the gap between confidence and truth, by bin,
    /// weighed by how many answers are in it (Naeini and others 2015).
    #[must_use]
    pub fn error(&self) -> f64 {
        let all: u32 = self.bins.iter().map(|b| b.lines).sum();
        let gap = |b: &Bin| (b.confidence - f64::from(b.exact)).abs();
        self.bins.iter().map(gap).sum::<f64>() / f64::from(all.max(1))
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
    /// How sure it was, 0 to 1.
    pub confidence: f32,
}

/// The rates of a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// All lines.
    pub all: Rate,
    /// By tier that answered.
    pub tiers: BTreeMap<&'static str, Rate>,
    /// By language.
    pub languages: BTreeMap<&'static str, Rate>,
    /// By tag.
    pub tags: BTreeMap<String, Rate>,
    /// By first expected intent.
    pub intents: BTreeMap<String, Rate>,
    /// Slot values.
    pub slots: Slots,
    /// What was made of lines that ask for nothing.
    pub uncalled: Uncalled,
    /// First intent expected, first intent found instead, how often.
    pub confusion: BTreeMap<String, BTreeMap<String, u32>>,
    /// How the second model did where it was asked.
    pub second: Second,
    /// The model's confidence against truth.
    pub reliability: Reliability,
    /// Every answer of the model: its confidence, and whether it was exact (1 or 0).
    pub answers: Vec<(f32, u8)>,
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
        let of = |list: &[Command]| list.first().map_or("nothing", Command::intent).to_owned();
        let (first, instead) = (of(&line.expect), of(&heard.commands));
        let by = |map: &mut BTreeMap<String, Rate>, key: String| {
            map.entry(key).or_default().count(exact, intents);
        };
        by(&mut report.intents, first.clone());
        if let Some(tag) = &line.tag {
            by(&mut report.tags, tag.clone());
        }
        report
            .languages
            .entry(language.code())
            .or_default()
            .count(exact, intents);
        report.slots.count(&expected, &found);
        if let Some(before) = &heard.before_second {
            report.second.lines += 1;
            report.second.exact_before += u32::from(scored(before) == expected);
            report.second.exact += u32::from(exact);
        }
        if heard.tier == Tier::Llm {
            report.reliability.count(heard.confidence, exact);
            report.answers.push((heard.confidence, u8::from(exact)));
        }
        if line.expect == [Command::OutOfScope {}] {
            report.uncalled.lines += 1;
            report.uncalled.wrote += u32::from(heard.commands.iter().any(Command::writes));
            let told = |c: &Command| !c.writes() && !matches!(c, Command::OutOfScope {});
            report.uncalled.told += u32::from(heard.commands.iter().any(told));
        }
        if first != instead {
            *report
                .confusion
                .entry(first)
                .or_default()
                .entry(instead)
                .or_default() += 1;
        }
        if !exact {
            report.misses.push(Miss {
                id: line.id.clone(),
                text: line.text.clone(),
                expected: line.expect.clone(),
                found: heard.commands,
                tier: heard.tier,
                confidence: heard.confidence,
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
