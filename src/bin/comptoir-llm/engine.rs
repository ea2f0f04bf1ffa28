//! The one thread that owns model and context, and serves requests in turn.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llama_cpp_2::llama_backend::LlamaBackend;
use tokio::sync::mpsc;

use crate::answer::Event;
use crate::chat::ChatTemplate;
use crate::load::{self, ContextMaker, LoadError, Threads};
use crate::options::Options;
use crate::prefix::{Identity, PrefixFiles};
use crate::reader::Reader;
use crate::request::Generation;
use crate::sampler::SingleBytes;
use crate::worker::Worker;

/// The grammar check of llama.cpp recurses once for each rule of a chain.
const STACK_BYTES: usize = 64 << 20;

/// One request on its way to the engine. Closing the receiver of `events` cancels it.
#[derive(Debug)]
pub struct Job {
    /// What is to be generated.
    pub asked: Generation,
    /// Where the answer goes. Must have room for one event a token and three more: the
    /// engine never waits for a slow reader.
    pub events: mpsc::Sender<Event>,
}

/// The running engine.
#[derive(Debug)]
pub struct Engine {
    /// Takes requests; full when the queue is.
    pub queue: SyncSender<Job>,
    /// Tokens of context.
    pub n_ctx: u32,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Engine {
    /// Starts the thread and waits until the model is loaded and warmed.
    pub fn start(options: Arc<Options>) -> Result<Self, LoadError> {
        let (queue, jobs) = sync_channel(usize::from(options.queue));
        let (report, loaded) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                if let Err(error) = run(&options, &jobs, &stopped, &report) {
                    let _ = report.send(Err(error));
                }
            })
            .map_err(|error| LoadError::Thread(error.to_string()))?;
        let n_ctx = loaded
            .recv()
            .map_err(|_| LoadError::Thread("it ended while loading".to_owned()))??;
        Ok(Self {
            queue,
            n_ctx,
            stop,
            thread,
        })
    }

    /// Ends the request in progress at its next token or batch.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Stops the engine and waits for its thread, though not longer than `patience`: a batch
    /// in progress cannot be interrupted. All other senders to the queue must be gone.
    pub fn end(self, patience: Duration) {
        self.stop();
        drop(self.queue);
        let deadline = Instant::now() + patience;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn run(
    options: &Options,
    jobs: &Receiver<Job>,
    stop: &AtomicBool,
    report: &SyncSender<Result<u32, LoadError>>,
) -> Result<(), LoadError> {
    let backend = LlamaBackend::init()?;
    let (model, adapter) = load::model(&backend, options)?;
    let maker = ContextMaker::new(&backend, &model, adapter, options.ctx);
    let template = ChatTemplate::of(&model)
        .ok_or_else(|| LoadError::WarmUp("no chat template can be made".to_owned()))?;
    let files = options.cache_dir.as_ref().and_then(|folder| {
        Identity::of(
            &options.model,
            options.adapter.as_deref(),
            options.ctx.get(),
        )
        .and_then(|identity| PrefixFiles::open(folder, identity))
        .inspect_err(|error| {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "no prefixes are kept on disk");
        })
        .ok()
    });
    let single_bytes = SingleBytes::of(&model).map(Rc::new);
    let threads = Threads {
        generate: options.threads(),
        read: options.batch_threads(),
    };
    let reader = Reader::new(maker, threads, files)?;
    let n_ctx = reader.room() as u32;
    let mut worker = Worker::new(&model, reader, template, single_bytes, stop);
    worker.warm_up()?;
    let _ = report.send(Ok(n_ctx));

    while let Ok(job) = jobs.recv() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        worker.serve(&job);
    }
    Ok(())
}
