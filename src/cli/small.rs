//! Verbs of a few lines: say, engines, settings, completions.

use super::{
    Ending,
    args::{Cli, Completions, Engines, Global, Say, Settings as SettingsArgs},
    output::{line, text},
};
use crate::{
    audio::{devices, write_wav},
    daemon::{self, Needs, voices::Voice},
    settings::Settings,
    tts::{Synthesize, SynthesizeRequest},
};
use clap::CommandFactory;
use std::{path::Path, sync::Arc, time::Duration};

/// How long the engines may take until they are ready.
const READY: Duration = Duration::from_secs(60);

/// How long a whole text may take.
const WHOLE: Duration = Duration::from_secs(600);

/// `comptoir say`.
///
/// # Errors
/// When there is no voice, or the file cannot be written.
pub async fn say(args: &Say, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let engines = Arc::new(
        daemon::Engines::start(
            &settings,
            Needs {
                tts: true,
                ..Needs::default()
            },
            false,
        )
        .await?,
    );
    engines.tts.uri(READY).await?;
    let voice = Voice::of(engines.clone());
    let deadline = Duration::from_millis(settings.tts.deadline_ms);
    let mut request = SynthesizeRequest::new(&args.text, args.lang, WHOLE);
    request.first_within = deadline;
    let pcm = voice.synthesize(request, &mut |_| {}).await?;
    match &args.out {
        None => tokio::task::spawn_blocking(move || devices::play(&pcm)).await??,
        Some(path) if path == Path::new("-") => {
            let dir = tempdir()?;
            let file = dir.join("say.wav");
            write_wav(&file, &pcm)?;
            std::io::copy(&mut std::fs::File::open(&file)?, &mut std::io::stdout())?;
            std::fs::remove_dir_all(dir)?;
        }
        Some(path) => write_wav(path, &pcm)?,
    }
    engines.stop().await;
    Ok(Ending::Well)
}

fn tempdir() -> std::io::Result<std::path::PathBuf> {
    let dir = std::env::temp_dir().join(format!("comptoir-say-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&dir)?;
    Ok(dir)
}

/// `comptoir engines`: runs until it is told to stop.
///
/// # Errors
/// When an engine cannot be started.
pub async fn engines(_args: &Engines, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let engines = Arc::new(daemon::Engines::start(&settings, Needs::ALL, true).await?);
    engines.announce(READY).await?;
    for (name, endpoint) in [
        ("stt", &engines.stt),
        ("llm", &engines.llm),
        ("tts", &engines.tts),
    ] {
        line(format_args!("{name}  {}", endpoint.uri(READY).await?))?;
    }
    line(format_args!("ready; end with Ctrl-C"))?;
    // `main` ends every verb at a signal; the workers end when they are dropped.
    std::future::pending::<()>().await;
    Ok(Ending::Well)
}

/// `comptoir settings`.
///
/// # Errors
/// When the settings cannot be read.
pub fn settings(args: &SettingsArgs, global: &Global) -> anyhow::Result<Ending> {
    if args.example {
        text(format_args!("{}", Settings::EXAMPLE))?;
        return Ok(Ending::Well);
    }
    let mut settings = super::settings(global)?;
    settings.data = settings.data_folder();
    if !settings.llm.token.is_empty() {
        settings.llm.token = "(set)".into();
    }
    settings.hub = settings.hub.redacted();
    if args.json {
        line(format_args!("{}", serde_json::to_string_pretty(&settings)?))?;
    } else {
        text(format_args!("{}", toml::to_string_pretty(&settings)?))?;
    }
    Ok(Ending::Well)
}

/// `comptoir completions`.
///
/// # Errors
/// When stdout cannot be written.
pub fn completions(args: &Completions) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "comptoir", &mut script);
    text(format_args!("{}", String::from_utf8_lossy(&script)))?;
    Ok(Ending::Well)
}
