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
use std::time::Duration;

use clap::Parser;
use comptoir::wyoming::server::{ListenError, Listener};
use comptoir::wyoming::worker;

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
    #[error("this system gives no threads: {0}")]
    Threads(std::io::Error),
    #[error(transparent)]
    Parent(#[from] worker::ParentError),
    #[error(transparent)]
    Serve(#[from] worker::ServeError),
}

fn main() -> ExitCode {
    let options = Options::parse();
    log::start();
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
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Refusal::Threads)?;
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
    let service = Arc::new(Service::new(engine.clone(), &name, &options.languages));
    let handle = move |client, stop| {
        let service = Arc::clone(&service);
        async move { service.serve(client, stop).await }
    };
    let served = tokio.block_on(worker::serve(listener, handle, engine.died()));
    tokio.shutdown_background();
    worker::wait_for(&thread, LAST_JOB);
    Ok(served?)
}
