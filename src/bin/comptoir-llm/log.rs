//! The log on standard error. llama.cpp is talkative: its errors always show, the rest only
//! with RUST_LOG=debug.

use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The target that llama-cpp-2 gives to llama.cpp's lines.
const ENGINE: &str = "llama-cpp-2";
/// The target of its own lines, which are about how llama.cpp writes its.
const BINDING: &str = "llama_cpp_2";

static LAST_ENGINE_ERROR: Mutex<Option<String>> = Mutex::new(None);

/// Starts the log, for our own lines and llama.cpp's.
pub fn start() {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_debug = chosen
        .max_level_hint()
        .is_none_or(|level| level >= LevelFilter::DEBUG);
    let shown = filter_fn(move |line| {
        let is_theirs = line.target() == ENGINE || line.target().starts_with(BINDING);
        !is_theirs || is_debug || *line.level() == Level::ERROR
    });
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_filter(chosen.and(shown));
    let errors = EngineErrors.with_filter(filter_fn(|line| {
        line.target() == ENGINE && *line.level() == Level::ERROR
    }));
    tracing_subscriber::registry()
        .with(lines)
        .with(errors)
        .init();
    llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
}

/// The last error that llama.cpp wrote, which says more than the null pointer it returns.
pub fn last_engine_error() -> Option<String> {
    LAST_ENGINE_ERROR.lock().ok()?.take()
}

struct EngineErrors;

impl<S: Subscriber> Layer<S> for EngineErrors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" {
                    self.0 = value.to_owned();
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let text = message.0.trim();
        // The last line only repeats that it failed; the first one says why.
        if let Ok(mut last) = LAST_ENGINE_ERROR.lock()
            && last.is_none()
            && !text.is_empty()
        {
            *last = Some(text.to_owned());
        }
    }
}
