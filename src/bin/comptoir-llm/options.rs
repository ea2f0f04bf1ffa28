//! What the worker is told on its command line and in its environment.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Parser;

/// Text-to-commands worker: one GGUF model behind an OpenAI-compatible HTTP server.
///
/// Serves GET /health, GET /v1/models, POST /v1/completions and POST /v1/chat/completions.
/// Besides OpenAI's fields a request may carry `grammar` (GBNF), and `cache_messages` (chat)
/// or `cache_prefix` (completions): the leading part of the prompt that stays the same from
/// request to request, whose state is kept in memory and, with --cache-dir, on disk.
///
/// Once the model is loaded and warmed, one line `ready http://HOST:PORT` is printed on
/// standard output. The log goes to standard error (RUST_LOG; llama.cpp's own lines show
/// with RUST_LOG=debug).
#[derive(Debug, Parser)]
#[command(name = "comptoir-llm", version)]
pub struct Options {
    /// The model, a GGUF file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,

    /// A LoRA adapter for that model, a GGUF file
    #[arg(long, value_name = "GGUF")]
    pub adapter: Option<PathBuf>,

    /// The name the model has in /v1/models [default: the file's name without .gguf]
    #[arg(long, value_name = "NAME")]
    pub alias: Option<String>,

    /// Address to listen on; any but a loopback address needs COMPTOIR_LLM_TOKEN
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: IpAddr,

    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,

    /// Folder that keeps the state of fixed prompt prefixes from run to run
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Context length in tokens: the prompt and the answer together
    #[arg(long, default_value = "4096", value_name = "TOKENS")]
    pub ctx: NonZeroU32,

    /// Threads that generate. 2 is up to 1.4 times as fast on a quiet machine, and 10 times
    /// slower beside a busy process
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,

    /// Threads that read the prompt; one while other processes want the cores [default: 2, or
    /// 1 on a single core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub batch_threads: Option<u16>,

    /// Layers to put on the GPU, in builds with cuda, vulkan or metal
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub gpu_layers: u32,

    /// Requests that may wait while one is served; the next is answered 503
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub queue: u16,

    /// End when the process that started this one ends
    #[arg(long)]
    pub with_parent: bool,

    /// Bearer token that requests must carry
    #[arg(skip)]
    pub token: Option<String>,
}

/// Environment variable that holds the bearer token. Not an option: a command line can be
/// read by every user of the machine.
pub const TOKEN_VARIABLE: &str = "COMPTOIR_LLM_TOKEN";

impl Options {
    /// Threads that generate one token. One unless told otherwise, for the reason given in
    /// [`crate::contention`]; and it never changes while the worker runs, as the last digits
    /// of the logits depend on it in a long context.
    pub fn threads(&self) -> i32 {
        i32::from(self.threads)
    }

    /// Threads that read the prompt.
    pub fn batch_threads(&self) -> i32 {
        self.batch_threads.map_or_else(default_threads, i32::from)
    }

    /// The name of the model in the API.
    pub fn model_name(&self) -> String {
        match &self.alias {
            Some(alias) => alias.clone(),
            None => self.model.file_stem().map_or_else(
                || "model".to_owned(),
                |stem| stem.to_string_lossy().into_owned(),
            ),
        }
    }
}

/// At most two: the speech engines and the daemon want cores too.
fn default_threads() -> i32 {
    std::thread::available_parallelism().map_or(1, |cores| if cores.get() >= 2 { 2 } else { 1 })
}
