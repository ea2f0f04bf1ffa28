//! The flags, as they are written. What they resolve to is in each verb's module.

use crate::lang::Language;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  everything was done and was well
  1  it was done, and something in it failed: a recording that cannot be read, a
     scenario that did not pass, an engine that died
  2  it could not be begun: wrong usage, wrong settings, a missing model
  130, 143  interrupted (Ctrl-C, SIGTERM)";

/// Comptoir: a voice shopping assistant that runs on this machine alone.
#[derive(Debug, Parser)]
#[command(name = "comptoir", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Settings file [default: ./comptoir.toml, then ~/.config/comptoir/comptoir.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the shop's state (catalog, orders) [default: ~/.local/share/comptoir]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Say more on stderr: -v what the workers do, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// When to write colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The language of an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spoken {
    /// Detected on the first utterance, then the session's.
    Auto,
    /// English.
    En,
    /// French.
    Fr,
}

/// Reads a language for clap.
fn language(text: &str) -> Result<Language, String> {
    text.parse()
        .map_err(|e: crate::lang::UnknownLanguage| e.to_string())
}

impl Spoken {
    /// The language, where it is given.
    #[must_use]
    pub fn language(self) -> Option<Language> {
        match self {
            Self::Auto => None,
            Self::En => Some(Language::En),
            Self::Fr => Some(Language::Fr),
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each verb's own struct is documented")]
pub enum Verb {
    #[cfg(feature = "audio")]
    Run(Run),
    #[cfg(feature = "audio")]
    Devices(Devices),
    Hear(Hear),
    Chat(Chat),
    Say(Say),
    Transcribe(Transcribe),
    Understand(super::understand::UnderstandArgs),
    #[command(subcommand)]
    Catalog(super::catalog::Catalog),
    #[command(subcommand)]
    Outbox(super::outbox::Outbox),
    Models(crate::models::verbs::ModelsArgs),
    Eval(Eval),
    Bench(Bench),
    #[cfg(feature = "hub")]
    #[command(subcommand)]
    Hub(super::hub::HubVerb),
    Engines(Engines),
    Doctor(Doctor),
    Settings(Settings),
    Completions(Completions),
}

impl Verb {
    /// Whether the verb ends by itself when it is told to end (SIGTERM, Ctrl-C).
    #[must_use]
    pub fn drains(&self) -> bool {
        match self {
            #[cfg(feature = "hub")]
            Self::Hub(verb) => verb.drains(),
            _ => false,
        }
    }
}

/// Listen at the microphone and answer aloud, until Ctrl-C
///
/// A session begins with Enter, with `POST /v1/push_to_talk`, or by itself with --open. It can
/// be interrupted: speak, and it gives way.
#[derive(Debug, Args)]
pub struct Run {
    /// The microphone, by its name or a part of it [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub input: Option<String>,
    /// The loudspeaker, by its name or a part of it [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// The language spoken
    #[arg(long, default_value = "auto")]
    pub lang: Spoken,
    /// Hear whoever speaks, without touch or key: put up a notice that it listens
    #[arg(long)]
    pub open: bool,
    /// Where to serve `POST /v1/push_to_talk`: a loopback address, or off [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Leave the noise in
    #[arg(long)]
    pub raw: bool,
    /// Show how loud it is, every second
    #[arg(long)]
    pub levels: bool,
    /// The shop's folder instead of the sample shop
    #[arg(long, value_name = "DIR")]
    pub shop: Option<PathBuf>,
    /// What happens as JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Show microphones and loudspeakers, and how loud it is
#[derive(Debug, Args)]
pub struct Devices {
    /// Show a level meter of the microphone for so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10")]
    pub meter: Option<u16>,
    /// The microphone of the meter, by its name or a part of it [default: the system's]
    #[arg(long, value_name = "NAME")]
    pub input: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Play recordings of a conversation through the whole path and answer aloud
///
/// Each file is one turn of one conversation: wav, flac, mp3 or ogg, any rate and channel
/// count. A file longer than 30 s is cut into utterances at its silences.
#[derive(Debug, Args)]
pub struct Hear {
    /// The recordings, in order
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The language spoken
    #[arg(long, default_value = "auto")]
    pub lang: Spoken,
    /// One JSON object a turn, on one line
    #[arg(long)]
    pub json: bool,
    /// Write each reply as a WAV file into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Every file is a conversation of its own, on a fresh session
    #[arg(long)]
    pub each: bool,
    /// Another shop folder than the sample (products.en.tsv, shop.toml ...)
    #[arg(long, value_name = "DIR")]
    pub shop: Option<PathBuf>,
    /// Turn what happened into a scenario in this folder
    #[arg(long, value_name = "DIR")]
    pub save_scenario: Option<PathBuf>,
    /// Play the replies on the loudspeaker
    #[arg(long)]
    pub play: bool,
    /// Do not make speech: transcripts, commands and replies only
    #[arg(long, conflicts_with_all = ["out", "play"])]
    pub silent: bool,
}

/// Converse in writing: text in, text out
#[derive(Debug, Args)]
pub struct Chat {
    /// The language of the session
    #[arg(long, default_value = "en", value_parser = language)]
    pub lang: Language,
    /// One JSON object a turn, on one line
    #[arg(long)]
    pub json: bool,
    /// Another shop folder than the sample
    #[arg(long, value_name = "DIR")]
    pub shop: Option<PathBuf>,
    /// Turn what happened into a scenario in this folder
    #[arg(long, value_name = "DIR")]
    pub save_scenario: Option<PathBuf>,
}

/// Speak a text
#[derive(Debug, Args)]
pub struct Say {
    /// The text
    pub text: String,
    /// Its language
    #[arg(long, default_value = "en", value_parser = language)]
    pub lang: Language,
    /// Write a WAV file here (`-`: to stdout); without it the loudspeaker is used
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Write down what is said in recordings
#[derive(Debug, Args)]
pub struct Transcribe {
    /// The recordings
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The language spoken
    #[arg(long, default_value = "auto")]
    pub lang: Spoken,
    /// Words that are likely, to help the recogniser
    #[arg(long, value_name = "WORDS")]
    pub prompt: Option<String>,
    /// One JSON object an utterance, on one line
    #[arg(long)]
    pub json: bool,
}

/// Run scenarios: recorded or written conversations with what must come of them
#[derive(Debug, Args)]
pub struct Eval {
    /// A scenario (TOML) or a folder of them
    #[arg(value_name = "DIR", required_unless_present = "nlu")]
    pub path: Option<PathBuf>,
    /// Measure understanding on sentences with expected commands (JSON lines) instead
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["path", "junit", "only"])]
    pub nlu: Vec<PathBuf>,
    /// Measure these models side by side: profiles (small, standard, none), or `PROFILE:MODEL`
    #[arg(long, value_name = "MODEL", num_args = 1.., requires = "nlu")]
    pub compare: Vec<String>,
    /// Only scenarios whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// The report as JSON
    #[arg(long)]
    pub json: bool,
    /// Also write a JUnit report here
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Measure: time by stage, word errors, memory
#[derive(Clone, Debug, Args)]
pub struct Bench {
    /// Recordings of one conversation [default: the demo's]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How often the conversation is replayed
    #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub runs: u16,
    /// Recordings with `transcripts.json` (file name to words), for the word error rate; the
    /// language is the ending of the folder's name (commands-fr)
    #[arg(long, value_name = "DIR")]
    pub transcripts: Vec<PathBuf>,
    /// Recordings of coffee orders with `labels.json` (file name to slots), each ordered on a
    /// fresh session
    #[arg(long, value_name = "DIR")]
    pub coffee: Option<PathBuf>,
    /// With --coffee: noise to mix in, once at each --snr
    #[arg(long, value_name = "FILE", requires = "coffee")]
    pub noise: Option<PathBuf>,
    /// With --noise: how far the noise is below the speech, dB
    #[arg(
        long,
        value_name = "DB",
        value_delimiter = ',',
        default_value = "24,18,12,6",
        requires = "noise"
    )]
    pub snr: Vec<f32>,
    /// Measure the live daemon (`comptoir run`) over a sound server of its own, in real time
    #[cfg(feature = "audio")]
    #[arg(long, conflicts_with_all = ["files", "transcripts", "coffee", "nlu"])]
    pub live: bool,
    /// Try the live daemon in a simulated room: its own echo, interruptions, noise, people around
    #[cfg(feature = "audio")]
    #[arg(long, conflicts_with_all = ["files", "transcripts", "coffee", "nlu", "live"])]
    pub room: bool,
    /// With --room: only these trials
    #[cfg(feature = "audio")]
    #[arg(
        long,
        value_enum,
        value_name = "TRIAL",
        value_delimiter = ',',
        requires = "room"
    )]
    pub trials: Vec<Trial>,
    /// Hold conversations with the live daemon in a simulated room for so many turns, and tell
    /// what it costs at the end against the middle
    #[cfg(feature = "audio")]
    #[arg(long, value_name = "TURNS", conflicts_with_all = ["files", "transcripts", "coffee", "nlu", "live", "room"], value_parser = clap::value_parser!(u32).range(20..))]
    pub soak: Option<u32>,
    /// With --room: recordings of people who speak beside the kiosk and not to it (en-*, fr-*)
    #[cfg(feature = "audio")]
    #[arg(long, value_name = "DIR", requires = "room")]
    pub bystanders: Option<PathBuf>,
    /// Measure understanding alone, on these sentences (JSON lines as for `eval --nlu`)
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["files", "transcripts", "coffee"])]
    pub nlu: Vec<PathBuf>,
    /// Measure a made-up shop of so many products: import, size, search
    #[arg(long, value_name = "PRODUCTS", conflicts_with_all = ["files", "transcripts", "coffee", "nlu"])]
    pub shop: Option<usize>,
    /// Only so many recordings of each folder, or so many sentences
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// The report as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is tried in a simulated room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Trial {
    /// An order over the kiosk's own echo
    Echo,
    /// The same with people around
    Cafe,
    /// Wishes spoken over the kiosk's voice
    Interruptions,
    /// Clicks, coughs, thumps, tills and steam over the kiosk's voice
    Noises,
    /// People who speak beside the kiosk and not to it (with --bystanders)
    Bystanders,
}

/// Start the workers and keep them: other verbs on the same data folder then use them
#[derive(Debug, Args)]
pub struct Engines {}

/// Say what is present, what is missing and what to do
#[derive(Debug, Args)]
pub struct Doctor {
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Start every worker too
    #[arg(long)]
    pub start: bool,
}

/// Show the settings in force
#[derive(Debug, Args)]
pub struct Settings {
    /// The documented example instead
    #[arg(long)]
    pub example: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Write shell completions to stdout
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}
