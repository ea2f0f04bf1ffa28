//! From settings and model files to the command line of each worker.

use super::supervisor::Launch;
use crate::{
    lang::Language,
    models::{
        Manifest, ModelStore, ModelsError, bundled,
        licence::{self, LicenceRefusal},
    },
    settings::{self, Settings},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a worker cannot be started from these settings.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A model is missing or damaged, or not in the manifest.
    #[error(transparent)]
    Model(#[from] ModelsError),
    /// A model's licence does not allow it here.
    #[error(transparent)]
    Licence(#[from] LicenceRefusal),
    /// A file named in the settings is not there.
    #[error("expected the file {} ({key}), found none; name a file that is there, or a model id of `comptoir models list`", path.display())]
    File {
        /// The settings' key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// No folder for the workers' sockets.
    #[error("expected a folder for the workers' sockets: {source}")]
    RunFolder {
        /// Why not.
        source: std::io::Error,
    },
    /// Our adapter cannot be laid beside the models.
    #[error("expected to write the language model's adapter to {}: {source}; free some space, or set models.folder to a folder that can be written", folder.display())]
    Adapter {
        /// The folder of the models.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A worker program is not there.
    #[error("expected the program {name} beside {}, found none; build it with `cargo build --release`, or set COMPTOIR_WORKERS to its folder", folder.display())]
    Program {
        /// Which.
        name: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
}

/// Model files, and which of them may load.
#[derive(Debug)]
pub struct Weights {
    store: ModelStore,
    manifest: Manifest,
    rule: settings::Models,
}

impl Weights {
    /// The model folder and licence rule of the settings.
    ///
    /// # Errors
    /// When no folder can be found for the models.
    pub fn of(settings: &Settings) -> Result<Self, ModelsError> {
        Ok(Self {
            store: ModelStore::from_settings(&settings.models)?,
            manifest: Manifest::embedded()?,
            rule: settings.models.clone(),
        })
    }

    /// The folder of the model files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }

    /// The file of a model named by id or by path.
    ///
    /// # Errors
    /// When it is missing, damaged, or its licence forbids it here.
    pub fn file(&self, key: &'static str, name: &str) -> Result<PathBuf, LaunchError> {
        if name.contains(['/', '\\']) || Path::new(name).is_file() {
            let path = PathBuf::from(name);
            return if path.is_file() {
                Ok(path)
            } else {
                Err(LaunchError::File { key, path })
            };
        }
        let model = self.manifest.get(name)?;
        licence::may_load(model, self.rule.licences, &self.rule.accept)?;
        Ok(self.store.require(model)?)
    }

    /// A `--voice` argument: `en=PATH.onnx` or `fr=kokoro:MODEL:VOICE`.
    fn voice(&self, language: Language, voice: &str) -> Result<OsString, LaunchError> {
        let key = "tts.voices";
        let mut arg = OsString::from(format!("{language}="));
        if let Some(rest) = voice.strip_prefix("kokoro:") {
            for part in rest.split(':') {
                self.file(key, part)?;
            }
            arg.push(voice);
            return Ok(arg);
        }
        let file = self.file(key, voice)?;
        if file.extension().is_some_and(|e| e == "bin") {
            arg.push("kokoro:");
            arg.push(self.file(key, "kokoro")?);
            arg.push(":");
        }
        arg.push(file);
        Ok(arg)
    }
}

/// The folder of the worker programs: `COMPTOIR_WORKERS`, else beside this program.
#[must_use]
pub fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("COMPTOIR_WORKERS") {
        return folder.into();
    }
    let exe = std::env::current_exe().unwrap_or_default();
    let folder = exe.parent().unwrap_or(Path::new("."));
    // A test's own program lies one folder below the bins.
    if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    }
    .to_owned()
}

fn program(name: &'static str) -> Result<PathBuf, LaunchError> {
    let folder = programs();
    let path = folder.join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(LaunchError::Program { name, folder })
    }
}

fn args<const N: usize>(list: [&str; N]) -> Vec<OsString> {
    list.into_iter().map(Into::into).collect()
}

/// How `comptoir-stt` is started, serving on a socket.
///
/// # Errors
/// [`LaunchError`]: no model, no program.
pub fn stt(settings: &Settings, weights: &Weights, socket: &Path) -> Result<Launch, LaunchError> {
    let languages: Vec<_> = settings.languages.iter().map(|l| l.code()).collect();
    let mut list = args([
        "--with-parent",
        "--languages",
        &languages.join(","),
        "--threads",
    ]);
    list.push(settings.stt.threads.to_string().into());
    list.push("--model".into());
    list.push(weights.file("stt.model", &settings.stt.model)?.into());
    list.push("--uri".into());
    list.push(unix(socket));
    Ok(Launch {
        name: "comptoir-stt",
        program: program("comptoir-stt")?,
        args: list,
        env: Vec::new(),
        ready_within: Duration::from_secs(30),
    })
}

/// How `comptoir-tts` is started, serving on a socket.
///
/// # Errors
/// [`LaunchError`]: no voice, no runtime, no program.
pub fn tts(settings: &Settings, weights: &Weights, socket: &Path) -> Result<Launch, LaunchError> {
    let mut list = args(["--with-parent", "--threads"]);
    list.push(settings.tts.threads.to_string().into());
    for language in &settings.languages {
        if let Some(voice) = settings.tts.voices.get(language) {
            list.push("--voice".into());
            list.push(weights.voice(*language, voice)?);
        }
    }
    list.push("--uri".into());
    list.push(unix(socket));
    let mut env = Vec::new();
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        env.push((
            "ORT_DYLIB_PATH",
            weights.file("onnxruntime", "onnxruntime")?.into(),
        ));
    }
    Ok(Launch {
        name: "comptoir-tts",
        program: program("comptoir-tts")?,
        args: list,
        env,
        ready_within: Duration::from_secs(30),
    })
}

/// How `comptoir-llm` is started, on a free loopback port, with this token.
///
/// # Errors
/// [`LaunchError`]: no model, no program.
pub fn llm(
    llm: &settings::Llm,
    weights: &Weights,
    cache: &Path,
    token: &str,
) -> Result<Launch, LaunchError> {
    let mut list = args([
        "--with-parent",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--model",
    ]);
    list.push(weights.file("llm.model", llm.model())?.into());
    let adapter = if llm.takes_our_adapter() {
        let laid = bundled::adapter(weights.folder());
        Some(laid.map_err(|source| LaunchError::Adapter {
            folder: weights.folder().to_owned(),
            source,
        })?)
    } else if llm.adapter.is_empty() {
        None
    } else {
        Some(weights.file("llm.adapter", &llm.adapter)?)
    };
    if let Some(adapter) = adapter {
        list.push("--adapter".into());
        list.push(adapter.into());
    }
    list.push("--cache-dir".into());
    list.push(cache.into());
    for (flag, number) in [
        ("--threads", u32::from(llm.threads)),
        ("--batch-threads", u32::from(llm.batch_threads)),
        ("--gpu-layers", llm.gpu_layers),
    ] {
        list.push(flag.into());
        list.push(number.to_string().into());
    }
    Ok(Launch {
        name: "comptoir-llm",
        program: program("comptoir-llm")?,
        args: list,
        env: vec![("COMPTOIR_LLM_TOKEN", token.into())],
        ready_within: Duration::from_secs(60),
    })
}

fn unix(socket: &Path) -> OsString {
    let mut uri = OsString::from("unix://");
    uri.push(socket);
    uri
}
