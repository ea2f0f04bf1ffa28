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
use std::time::Duration;

use clap::Parser;
use comptoir::wyoming::server::{ListenError, Listener};
use comptoir::wyoming::worker;

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
    #[error("this system gives no threads: {0}")]
    Threads(std::io::Error),
    #[error(transparent)]
    Parent(#[from] worker::ParentError),
    #[error(transparent)]
    Serve(#[from] worker::ServeError),
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
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("error: {refusal}");
            match refusal {
                Refusal::Serve(_) => ExitCode::FAILURE,
                _ => ExitCode::from(2),
            }
        }
    }
}

fn run(options: &Options) -> Result<(), Refusal> {
    if options.with_parent {
        worker::end_with_parent()?;
        worker::let_sound_go_first();
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
        .map_err(Refusal::Threads)?;
    let listener = tokio.block_on(Listener::bind(&options.uri))?;
    let (engine, voices, thread) = Engine::start(Settings {
        runtime,
        voices: options.voices.clone(),
        threads: options.threads(),
        small_memory: options.small_memory,
    })?;
    let service = Arc::new(Service::new(engine.clone(), voices));
    let handle = move |connection, stop| Arc::clone(&service).serve(connection, stop);
    let served = tokio.block_on(worker::serve(listener, handle, engine.died()));
    tokio.shutdown_background();
    worker::wait_for(&thread, LAST_PIECE);
    Ok(served?)
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
