//! Colours, and lines that people read.

use crate::session::turn::Turn;
use anstyle::{AnsiColor, Style};
use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
};

/// Styles by what they say. [`anstream`] drops them where there is no terminal.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// The name of a stage.
    pub stage: Style,
    /// What the shopper said.
    pub shopper: Style,
    /// What is answered.
    pub reply: Style,
    /// Times and other asides.
    pub aside: Style,
    /// Something wrong.
    pub problem: Style,
}

impl Default for Palette {
    fn default() -> Self {
        Self {
            stage: Style::new().dimmed(),
            shopper: Style::new().fg_color(Some(AnsiColor::Cyan.into())),
            reply: Style::new().fg_color(Some(AnsiColor::Green.into())).bold(),
            aside: Style::new().dimmed(),
            problem: Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
        }
    }
}

/// Writes a line to stdout. A reader who has gone is an error for the caller, no panic.
///
/// # Errors
/// When stdout cannot be written.
pub fn line(what: fmt::Arguments<'_>) -> io::Result<()> {
    text(format_args!("{what}\n"))
}

/// Writes to stdout, without a line's end.
///
/// # Errors
/// When stdout cannot be written.
pub fn text(what: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_fmt(what)?;
    out.flush()
}

/// A turn, a line a stage with its time.
#[must_use]
pub fn turn_lines(turn: &Turn) -> String {
    let p = Palette::default();
    let t = &turn.timings_ms;
    let mut out = String::new();
    let mut line = |stage: &str, style: Style, text: &str, ms: Option<f64>| {
        let time = ms.map_or(String::new(), |ms| {
            format!("  {}{ms:.0} ms{:#}", p.aside, p.aside)
        });
        let _ = writeln!(
            out,
            "{}{stage:>10}{:#}  {style}{text}{style:#}{time}",
            p.stage, p.stage
        );
    };
    if let Some(file) = &turn.file {
        let span = turn.span_ms.map_or(String::new(), |(a, b)| {
            format!(
                "  speech {:.1} to {:.1} s",
                f64::from(a) / 1000.0,
                f64::from(b) / 1000.0
            )
        });
        let before = t.decode.zip(t.vad).map(|(a, b)| a + b);
        line("file", p.aside, &format!("{file}{span}"), before);
    }
    if turn.transcript.is_empty() {
        line("heard", p.aside, "nothing", t.stt);
    } else {
        line("heard", p.shopper, &turn.transcript, t.stt);
    }
    if let Some(tier) = turn.tier {
        let commands: Vec<String> = turn
            .commands
            .iter()
            .map(|c| serde_json::to_string(c).unwrap_or_default())
            .collect();
        line(
            "understood",
            Style::new(),
            &format!("{} ({})", commands.join(" "), tier.name()),
            t.nlu,
        );
    }
    if !turn.reply.is_empty() {
        line("reply", p.reply, &turn.reply, t.dialogue);
    }
    if let Some(file) = &turn.reply_file {
        line(
            "spoken",
            p.aside,
            &format!("{file}, first audio after"),
            t.tts_first,
        );
    }
    if let Some(total) = turn.cart_total() {
        let lines: Vec<String> = turn
            .cart
            .iter()
            .map(|l| {
                let options = if l.options.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", l.options.join(", "))
                };
                format!("{} x {}{options}", l.quantity, l.title)
            })
            .collect();
        line(
            "cart",
            Style::new(),
            &format!("{} = {total}", lines.join(", ")),
            None,
        );
    }
    for order in &turn.orders {
        let state = serde_json::to_value(order.state).unwrap_or_default();
        line(
            "order",
            Style::new(),
            &format!("{} {}", order.number, state.as_str().unwrap_or_default()),
            None,
        );
    }
    for problem in &turn.problems {
        line("problem", p.problem, problem, None);
    }
    if let Some(ms) = t.first_audio {
        line("total", p.aside, "end of speech to first audio", Some(ms));
    }
    out
}
