//! The command line: what each verb does and how its answer is shown.

pub mod args;
pub mod bench;
mod bench_coffee;
#[cfg(feature = "audio")]
mod bench_live;
mod bench_nlu;
mod bench_shop;
#[cfg(feature = "audio")]
mod bench_room;
#[cfg(feature = "audio")]
mod bench_soak;
pub mod catalog;
pub mod chat;
#[cfg(feature = "audio")]
pub mod devices;
pub mod doctor;
pub mod eval;
pub mod hear;
pub mod outbox;
#[cfg(feature = "hub")]
pub mod hub;
pub mod output;
#[cfg(feature = "audio")]
pub mod run;
pub mod small;
pub mod transcribe;
pub mod understand;

use crate::{
    daemon::shopfront::Mind,
    models::ModelStore,
    settings::{Settings, SettingsError},
};
use args::Global;

/// How a verb ended, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was well.
    Well,
    /// It was done, and something in it failed.
    SomethingFailed,
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::SomethingFailed => 1,
        }
    }
}

/// The settings in force: file, environment, then flags.
///
/// # Errors
/// [`SettingsError`] names the file or variable.
pub fn settings(global: &Global) -> Result<Settings, SettingsError> {
    let mut settings = Settings::load(global.config.as_deref(), std::env::vars())?;
    if let Some(data) = &global.data {
        settings.data.clone_from(data);
    }
    Ok(settings)
}

/// Logs go to stderr: warnings, and with `-v` what the workers do. `RUST_LOG` stands above it.
pub fn log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = match verbose {
        // A sound server's client tells of its own end as an error.
        0 => "warn,pulseaudio=off",
        1 => "comptoir=debug,warn,pulseaudio=off",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second call (in tests) leaves the first in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}

/// Does what the command line asks.
///
/// # Errors
/// When it cannot be begun; what fails in the course of it is told and makes
/// [`Ending::SomethingFailed`].
pub async fn run(cli: args::Cli) -> anyhow::Result<Ending> {
    use args::Verb;
    let global = &cli.global;
    match cli.verb {
        #[cfg(feature = "audio")]
        Verb::Run(a) => Box::pin(run::run(&a, global)).await,
        #[cfg(feature = "audio")]
        Verb::Devices(a) => tokio::task::spawn_blocking(move || devices::run(&a)).await?,
        Verb::Hear(a) => hear::run(&a, global).await,
        Verb::Chat(a) => chat::run(&a, global).await,
        Verb::Say(a) => small::say(&a, global).await,
        Verb::Transcribe(a) => transcribe::run(&a, global).await,
        Verb::Understand(a) => understand(a, global).await,
        Verb::Catalog(a) => catalog(a, global).await,
        Verb::Outbox(a) => outbox::run(a, global).await,
        Verb::Models(a) => models(a, global).await,
        Verb::Eval(a) => eval::run(&a, global).await,
        Verb::Bench(a) => bench::run(&a, global).await,
        #[cfg(feature = "hub")]
        Verb::Hub(a) => Box::pin(hub::run(a, global)).await,
        Verb::Engines(a) => small::engines(&a, global).await,
        Verb::Doctor(a) => doctor::run(&a, global).await,
        Verb::Settings(a) => small::settings(&a, global),
        Verb::Completions(a) => small::completions(&a),
    }
}

/// `comptoir understand`: the language model alone, and its worker where it is ours.
async fn understand(args: understand::UnderstandArgs, global: &Global) -> anyhow::Result<Ending> {
    let mut settings = settings(global)?;
    if args.examples {
        settings.llm.profile = crate::settings::LlmProfile::None;
    }
    let mind = Mind::open(&settings).await?;
    let refused = understand::run(&args, &mind.interpreter(), &mut tokio::io::stdout()).await?;
    mind.close().await;
    Ok(if refused == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// `comptoir catalog`: blocks on the store, so it has a thread of its own.
async fn catalog(verb: catalog::Catalog, global: &Global) -> anyhow::Result<Ending> {
    let settings = settings(global)?;
    let well = tokio::task::spawn_blocking(move || {
        let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
        let here = catalog::Surroundings {
            data: &settings.data_folder(),
            settings: &settings.catalog,
            now: jiff::Timestamp::now(),
            random: fastrand::u64(..),
        };
        catalog::execute_in(&verb, &here, &mut input, &mut out)
    })
    .await??;
    Ok(if well {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}

/// `comptoir models`: blocks on disk and network, so it has a thread of its own.
async fn models(args: crate::models::verbs::ModelsArgs, global: &Global) -> anyhow::Result<Ending> {
    let store = ModelStore::from_settings(&settings(global)?.models)?;
    let code = tokio::task::spawn_blocking(move || {
        crate::models::verbs::run_on(&args, &store, &mut std::io::stdout().lock())
    })
    .await??;
    Ok(if code == 0 {
        Ending::Well
    } else {
        Ending::SomethingFailed
    })
}
