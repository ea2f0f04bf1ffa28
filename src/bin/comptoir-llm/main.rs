//! `comptoir-llm`: one GGUF model, served by llama.cpp, as an OpenAI-compatible HTTP server.
//!
//! A request comes in at [`server`], is checked in [`wire`] and [`request`], waits in a bounded queue and
//! is answered by the one [`engine`] thread, which owns the model. [`worker`] is the order of
//! work on one request: [`chat`] writes the conversation out, [`reader`] has the model read
//! what [`prefix`] says it has not read yet, [`sampler`] chooses tokens (under a [`grammar`] if there is one), [`text`]
//! makes text of them, [`answer`] makes JSON of that.

mod answer;
mod chat;
mod contention;
mod engine;
mod failure;
mod grammar;
mod load;
mod log;
mod options;
mod prefix;
mod reader;
mod request;
mod sampler;
mod server;
mod text;
mod wire;
mod worker;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use engine::Engine;
use options::{Options, TOKEN_VARIABLE};
use server::Service;

/// From the signal on, requests in progress may take so long to finish.
const GRACE: Duration = Duration::from_millis(300);
/// Then the engine may take so long to notice that it is to stop.
const ENGINE_GRACE: Duration = Duration::from_millis(650);

/// Exit code when the worker cannot start.
const CANNOT_START: u8 = 2;

fn main() -> ExitCode {
    let mut options = Options::parse();
    options.token = std::env::var(TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.is_empty());
    log::start();
    let (service, engine, listener) = match start(options) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(CANNOT_START);
        }
    };
    let served = serve(service, listener);
    engine.end(ENGINE_GRACE);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All that can go wrong before the first request.
fn start(options: Options) -> anyhow::Result<(Arc<Service>, Engine, TcpListener)> {
    if options.with_parent {
        comptoir::wyoming::worker::end_with_parent()?;
        comptoir::wyoming::worker::let_sound_go_first();
    }
    anyhow::ensure!(
        options.token.is_some() || options.host.is_loopback(),
        "expected a bearer token in {TOKEN_VARIABLE} for --host {}, found none; set one or listen on 127.0.0.1",
        options.host
    );
    load::check_gguf(&options.model)?;
    if let Some(adapter) = &options.adapter {
        load::check_gguf(adapter)?;
    }
    let address = SocketAddr::new(options.host, options.port);
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; choose another --port, or 0"))?;
    listener.set_nonblocking(true)?;
    if options.token.is_none() {
        tracing::info!("{TOKEN_VARIABLE} is not set: every program on this machine may ask");
    }

    let loading = Instant::now();
    let options = Arc::new(options);
    let engine = Engine::start(Arc::clone(&options))?;
    tracing::info!(
        model = options.model_name(),
        ctx = engine.n_ctx,
        threads = options.threads(),
        batch_threads = options.batch_threads(),
        ms = loading.elapsed().as_millis(),
        "model loaded"
    );
    let service = Arc::new(Service {
        model: options.model_name(),
        n_ctx: engine.n_ctx,
        started: server::unix_time(),
        token: options.token.as_deref().map(server::token_hash),
        queue: engine.queue.clone(),
    });
    Ok((service, engine, listener))
}

fn serve(service: Arc<Service>, listener: TcpListener) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        writeln!(std::io::stdout(), "ready http://{address}")
            .context("cannot write to standard output")?;

        let (signalled, is_signalled) = tokio::sync::oneshot::channel();
        let server = axum::serve(listener, server::routes(service))
            .with_graceful_shutdown(async { is_signalled.await.unwrap_or(()) });
        let watched = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let _ = signalled.send(());
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = server.into_future() => served.context("the HTTP server failed"),
            () = watched => Ok(()),
        }
    });
    runtime.shutdown_background();
    served
}
