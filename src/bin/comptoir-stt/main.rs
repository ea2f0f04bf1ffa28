//! Speech to text: a Wyoming service with a Whisper model on whisper.cpp.
//!
//! A request is audio; the answer is a transcript and how sure the engine is of it.
//!
//! ```text
//! service   what clients ask: info, ping, transcribe
//! engine    the thread that hears, one job at a time
//! hearing   one utterance: encode, language, words
//! model     the file, checked before it is loaded
//! ```

mod engine;
mod hearing;
mod log;
mod model;
mod options;
mod service;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use comptoir::wyoming::Uri;
use comptoir::wyoming::server::{ListenError, Listener, Manners};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Settings};
use crate::model::ModelError;
use crate::options::Options;
use crate::service::Service;

/// How long the thread that hears may go on after the stop, before the process ends anyway.
const LAST_JOB: Duration = Duration::from_millis(400);

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("this system gives no {what}: {source}")]
    System {
        what: &'static str,
        source: std::io::Error,
    },
    #[error("the process that started this one has ended already")]
    Orphan,
}

fn main() -> ExitCode {
    let options = Options::parse();
    log::start();
    match run(&options) {
        Ok(code) => code,
        Err(refusal) => {
            eprintln!("error: {refusal}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Refusal> {
    if options.with_parent {
        follow_parent()?;
    }
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| Refusal::System {
            what: "threads",
            source,
        })?;
    let listener = tokio.block_on(Listener::bind(&options.uri))?;
    let (engine, thread) = Engine::start(Settings {
        model: options.model.clone(),
        languages: options.languages.clone(),
        threads: options.threads(),
        min_audio_ctx: usize::from(options.min_audio_ctx),
    })?;
    let name = options
        .model
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let service = Service::new(engine.clone(), &name, &options.languages);
    let code = tokio.block_on(serve(listener, engine, service))?;
    tokio.shutdown_background();
    // whisper.cpp should not compute while the process takes its memory down.
    let deadline = Instant::now() + LAST_JOB;
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(code)
}

async fn serve(listener: Listener, engine: Engine, service: Service) -> Result<ExitCode, Refusal> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = |source| Refusal::System {
        what: "signals",
        source,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let stop = CancellationToken::new();
    let service = Arc::new(service);
    let uri = listener.uri().clone();
    let manners = Manners {
        grace: Duration::from_millis(500),
        ..Manners::default()
    };
    let serving = listener.serve(manners, stop.clone(), move |client, stop| {
        let service = Arc::clone(&service);
        async move { service.serve(client, stop).await }
    });
    tokio::pin!(serving);
    if uri != Uri::Stdio {
        println!("ready {uri}");
    }
    tracing::info!(%uri, "ready");
    let ended = tokio::select! {
        ended = &mut serving => ended,
        _ = terminate.recv() => { stop.cancel(); serving.await }
        _ = interrupt.recv() => { stop.cancel(); serving.await }
        () = engine.died() => {
            eprintln!("error: the speech engine died");
            return Ok(ExitCode::FAILURE);
        }
    };
    Ok(match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot serve {uri} any longer: {error}");
            ExitCode::FAILURE
        }
    })
}

/// Ends with the parent process, though it may be killed.
fn follow_parent() -> Result<(), Refusal> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM)).map_err(|source| Refusal::System {
        what: "signal when the parent ends",
        source: source.into(),
    })?;
    // It may have ended before the line above, or before this process could look.
    let orphan = parent.is_none_or(|parent| parent.is_init() && adopts_orphans());
    if orphan || getppid() != parent {
        Err(Refusal::Orphan)
    } else {
        Ok(())
    }
}

/// Whether process 1 is one that takes over orphans. In a container it may be our own parent.
fn adopts_orphans() -> bool {
    let name = std::fs::read_to_string("/proc/1/comm").unwrap_or_default();
    ["systemd", "init", "tini", "dumb-init", "docker-init"].contains(&name.trim())
}
