//! The command line.

use std::path::PathBuf;

use clap::Parser;
use comptoir::wyoming::Uri;

/// Writes down what is said: a Wyoming speech-to-text service with a Whisper model.
///
/// Prints `ready URI` on standard output once it can serve. Exit codes: 0 stopped as asked,
/// 1 failed while serving, 2 could not start (the message says what to do).
#[derive(Debug, Parser)]
#[command(name = "comptoir-stt", version, max_term_width = 100)]
pub struct Options {
    /// A Whisper model in whisper.cpp's ggml format, such as ggml-base.bin
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,

    /// Where to serve: unix://PATH, tcp://HOST:PORT (port 0 picks a free one) or stdio://
    #[arg(long, value_name = "URI")]
    pub uri: Uri,

    /// The languages among which the spoken one is found, as Whisper's codes
    #[arg(
        long,
        value_name = "LANGS",
        value_delimiter = ',',
        default_value = "en,fr"
    )]
    pub languages: Vec<String>,

    /// Threads that compute [default: 2, or 1 on a single core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,

    /// The smallest stretch that is encoded, in Whisper positions of 20 ms (up to 1500). Less is
    /// faster; below 768 words are lost
    #[arg(long, value_name = "N", default_value_t = 768,
        value_parser = clap::value_parser!(u16).range(64..=1500))]
    pub min_audio_ctx: u16,

    /// Stop when the process that started this one ends
    #[arg(long)]
    pub with_parent: bool,
}

impl Options {
    /// How many threads compute.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        self.threads.map_or(cores.min(2), usize::from)
    }
}
