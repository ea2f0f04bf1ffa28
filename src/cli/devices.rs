//! `comptoir devices`: what there is to hear and to speak with, and how loud it is.

use super::{
    Ending,
    args::Devices,
    output::{line, text},
};
use crate::audio::{devices, live::microphone::Microphone};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// How often the meter moves.
const PERIOD: Duration = Duration::from_millis(100);

/// Runs the verb.
///
/// # Errors
/// When stdout cannot be written, or the microphone of the meter cannot be opened.
pub fn run(args: &Devices) -> anyhow::Result<Ending> {
    let all = devices::list();
    if args.json {
        let value = serde_json::json!({"inputs": all.inputs, "outputs": all.outputs});
        line(format_args!("{}", serde_json::to_string_pretty(&value)?))?;
    } else {
        for (title, names, missing) in [
            (
                "microphones",
                &all.inputs,
                "none: connect one, or start a sound server (PipeWire, PulseAudio)",
            ),
            (
                "loudspeakers",
                &all.outputs,
                "none: connect one, or start a sound server (PipeWire, PulseAudio)",
            ),
        ] {
            line(format_args!("{title}"))?;
            if names.is_empty() {
                line(format_args!("  {missing}"))?;
            }
            for name in names {
                line(format_args!("  {name}"))?;
            }
        }
    }
    if let Some(seconds) = args.meter {
        level(args.input.as_deref(), Duration::from_secs(seconds.into()))?;
    }
    let complete = !all.inputs.is_empty() && !all.outputs.is_empty();
    Ok(if complete {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// Shows how loud the microphone is, for a time.
fn level(name: Option<&str>, time: Duration) -> anyhow::Result<()> {
    let mut microphone = Microphone::open(name)?;
    let on_terminal = std::io::stdout().is_terminal();
    let began = Instant::now();
    while began.elapsed() < time {
        std::thread::sleep(PERIOD);
        let mut sum = 0.0;
        let mut count = 0u32;
        while let Ok(sample) = microphone.samples.pop() {
            sum += f64::from(sample * sample);
            count += 1;
        }
        let rms = (sum / f64::from(count.max(1))).sqrt() as f32;
        let meter = super::run::meter(20.0 * rms.max(1e-5).log10());
        if on_terminal {
            text(format_args!("\r{meter}"))?;
        } else {
            line(format_args!("{meter}"))?;
        }
    }
    if on_terminal {
        line(format_args!(""))?;
    }
    Ok(())
}
