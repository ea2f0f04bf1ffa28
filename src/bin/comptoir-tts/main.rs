//! Text to speech: a Wyoming service with Piper and Kokoro voices on ONNX Runtime.
//!
//! A request is a text; the answer is audio, the first clause of it before the rest is made.
//!
//! ```text
//! service   what clients ask: info, ping, text whole or in pieces
//! speech    one reply: pieces to the engine, audio to the client
//! clauses   text cut in pieces
//! engine    the thread that speaks
//! voice     a voice of either family: piper, or kokoro with phonemes and graph
//! level     loudness, silence, pauses
//! runtime, espeak   what must be there before anything speaks
//! ```
//!
//! This program links espeak-ng, which is GPL-3.0.

mod clauses;
mod engine;
mod espeak;
mod graph;
mod kokoro;
mod level;
mod options;
mod phonemes;
mod piper;
mod runtime;
mod service;
mod speech;
mod voice;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use comptoir::wyoming::server::{ListenError, Listener, Manners};
use comptoir::wyoming::uri::Uri;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Settings, StartError};
use crate::options::{Options, comptoir_env};
use crate::service::Service;

/// How long the thread that speaks may go on after the stop, before the process ends anyway.
const LAST_PIECE: Duration = Duration::from_secs(1);

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Espeak(#[from] espeak::NoEspeakData),
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
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,ort=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
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
    for voice in &options.voices {
        voice::check_files(voice).map_err(StartError::Voice)?;
    }
    let executable = std::env::current_exe().ok();
    let named = options.espeak_data.as_deref();
    let named = named.filter(|path| !path.as_os_str().is_empty());
    let espeak_data = espeak::locate(named, executable.as_deref())?;
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var(comptoir_env::ESPEAK_DATA, &espeak_data) };

    let named = options.ort.as_deref();
    let named = named.filter(|path| !path.as_os_str().is_empty());
    let runtime = runtime::locate(named, library_folders(options)).map_err(StartError::Runtime)?;

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| Refusal::System {
            what: "threads",
            source,
        })?;
    let listener = tokio.block_on(Listener::bind(&options.uri))?;
    let (engine, voices, thread) = Engine::start(Settings {
        runtime,
        voices: options.voices.clone(),
        threads: options.threads(),
        small_memory: options.small_memory,
    })?;
    let code = tokio.block_on(serve(listener, engine, voices))?;
    tokio.shutdown_background();
    // ONNX Runtime must not compute while the process tears its library down.
    let deadline = Instant::now() + LAST_PIECE;
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(code)
}

async fn serve(
    listener: Listener,
    engine: Engine,
    voices: Vec<voice::VoiceFacts>,
) -> Result<ExitCode, Refusal> {
    let signals = |source| Refusal::System {
        what: "signals",
        source,
    };
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let stop = CancellationToken::new();
    let service = Arc::new(Service::new(engine.clone(), voices));
    let uri = listener.uri().clone();
    let manners = Manners {
        grace: Duration::from_millis(500),
        ..Manners::default()
    };
    let serving = listener.serve(manners, stop.clone(), move |connection, stop| {
        Arc::clone(&service).serve(connection, stop)
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
    let parent = rustix::process::getppid();
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM)).map_err(
        |source| Refusal::System {
            what: "signal when the parent ends",
            source: source.into(),
        },
    )?;
    // It may have ended before the line above, or before this process could look.
    let orphan = parent.is_none_or(|parent| parent.is_init() && adopts_orphans());
    if orphan || rustix::process::getppid() != parent {
        return Err(Refusal::Orphan);
    }
    Ok(())
}

/// Whether process 1 is one that takes over orphans. In a container it may be our own parent.
fn adopts_orphans() -> bool {
    let name = std::fs::read_to_string("/proc/1/comm").unwrap_or_default();
    ["systemd", "init", "tini", "dumb-init", "docker-init"].contains(&name.trim())
}

/// Where libonnxruntime.so is looked for: beside the voices, then in the model folder.
fn library_folders(options: &Options) -> Vec<PathBuf> {
    let beside = options
        .voices
        .iter()
        .filter_map(|voice| Some(voice.files.model().parent()?.to_path_buf()));
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in beside.chain(model_folder()) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The folder that `comptoir models fetch` fills.
fn model_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("COMPTOIR_MODELS")
        .map(PathBuf::from)
        .or_else(|| Some(dirs::cache_dir()?.join("comptoir/models")))
}
