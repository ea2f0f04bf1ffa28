//! `models/manifest.toml`: every model, its licence, its files and where they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::models::{ModelsError, Sha256Digest};

/// All models there are. Read once, valid as a whole: see [`Manifest::parse`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The profile `comptoir models fetch` brings when none is named.
    pub default_profile: String,
    /// Profile by name.
    #[serde(rename = "profile")]
    pub profiles: BTreeMap<String, Profile>,
    /// The models, of every platform, as written.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// A set of models that work together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is for, in one line.
    pub about: String,
}

/// One model: weights, a voice, or the runtime they need.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name users and settings call it by.
    pub id: String,
    /// What it does.
    pub kind: Kind,
    /// One line for people.
    pub title: String,
    /// `OS-ARCH` it runs on; `None` is any.
    pub platform: Option<String>,
    /// Profiles that need it; `*` is every profile.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Models it does not work without, by id.
    #[serde(default)]
    pub requires: Vec<String>,
    /// ISO 639-1 codes of the languages Comptoir uses it for.
    #[serde(default)]
    pub languages: Vec<String>,
    /// SPDX expression, or `LicenseRef-...`.
    pub licence: String,
    /// May a shop use it in trade?
    pub commercial: Commercial,
    /// What the licence's name does not say.
    pub licence_note: Option<String>,
    /// What it was finetuned from.
    pub base: Option<String>,
    /// Its files; the first is the one a worker is pointed at.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Speech to text.
    Stt,
    /// Text to commands.
    Llm,
    /// A fine-tuning laid over an `llm`.
    Adapter,
    /// Text to speech: the part that voices share.
    Tts,
    /// A voice.
    Voice,
    /// A library that runs models.
    Runtime,
    /// Voice activity detection.
    Vad,
    /// Wake word.
    Wake,
}

impl Kind {
    /// As written in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Adapter => "adapter",
            Self::Tts => "tts",
            Self::Voice => "voice",
            Self::Runtime => "runtime",
            Self::Vad => "vad",
            Self::Wake => "wake",
        }
    }
}

/// May a shop use the weights in trade?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Commercial {
    /// The licence, and that of every base, allows it.
    Yes,
    /// It, or that of a base, forbids it.
    No,
    /// Nobody has established it.
    Unknown,
}

impl Commercial {
    /// As written in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the store, which is flat.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of the final file.
    pub sha256: Sha256Digest,
    /// Tried in order.
    pub sources: Vec<Source>,
}

/// Where a file can be had.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SourceKeys")]
pub enum Source {
    /// The file itself, at the one who published it.
    Url(String),
    /// A member of one or more packages, joined in order.
    Packed(Packed),
    /// A CTranslate2 Whisper in packages, to be rewritten as ggml.
    Ct2Whisper {
        /// `model.bin`, perhaps in parts.
        packed: Packed,
        /// Id of a ggml Whisper that gives mel filters, vocabulary and tensor order.
        reference: String,
    },
}

/// A member of packages of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The packages, in the order their members are joined.
    pub packages: Vec<PackageRef>,
    /// Which member: `*` stands for any run of characters; exactly one member must match.
    pub member: String,
}

/// A package of a registry, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageRef {
    /// Which registry.
    pub registry: Registry,
    /// As the registry spells it.
    pub name: String,
    /// Exactly this.
    pub version: String,
}

/// The kinds of package registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Registry {
    /// Python wheels (zip).
    Pypi,
    /// npm tarballs (tar.gz).
    Npm,
}

impl std::fmt::Display for PackageRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.registry {
            Registry::Pypi => write!(f, "{}=={}", self.name, self.version),
            Registry::Npm => write!(f, "{}@{}", self.name, self.version),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceKeys {
    url: Option<String>,
    pypi: Option<Vec<String>>,
    npm: Option<String>,
    member: Option<String>,
    #[serde(default)]
    join: bool,
    convert: Option<String>,
    reference: Option<String>,
}

impl TryFrom<SourceKeys> for Source {
    type Error = String;

    fn try_from(keys: SourceKeys) -> Result<Self, String> {
        let packages = match (&keys.url, keys.pypi, keys.npm) {
            (Some(url), None, None) => {
                if keys.member.is_some() || keys.convert.is_some() || keys.join {
                    return Err(format!(
                        "source {url}: a `url` is the file itself and takes no other key"
                    ));
                }
                if !url.starts_with("https://") && !url.starts_with("http://") {
                    return Err(format!("source {url}: expected an http or https URL"));
                }
                return Ok(Self::Url(url.clone()));
            }
            (None, Some(names), None) => names
                .iter()
                .map(|text| pinned(Registry::Pypi, text, text.split_once("==")))
                .collect::<Result<Vec<_>, _>>()?,
            (None, None, Some(name)) => vec![pinned(Registry::Npm, &name, name.rsplit_once('@'))?],
            _ => return Err("a source has exactly one of `url`, `pypi`, `npm`".to_owned()),
        };
        let first = packages
            .first()
            .map(ToString::to_string)
            .ok_or("`pypi` names no package")?;
        let member = keys
            .member
            .ok_or(format!("source {first}: expected `member`"))?;
        if packages.len() > 1 && !keys.join {
            return Err(format!(
                "source {first}: several packages are joined; say `join = true`"
            ));
        }
        let packed = Packed { packages, member };
        match (keys.convert.as_deref(), keys.reference) {
            (None, None) => Ok(Self::Packed(packed)),
            (Some("ct2-whisper"), Some(reference)) => Ok(Self::Ct2Whisper { packed, reference }),
            (Some("ct2-whisper"), None) => Err(format!(
                "source {first}: convert = \"ct2-whisper\" needs `reference`"
            )),
            (Some(other), _) => Err(format!(
                "source {first}: expected convert = \"ct2-whisper\", found \"{other}\""
            )),
            (None, Some(_)) => Err(format!("source {first}: `reference` goes with `convert`")),
        }
    }
}

fn pinned(
    registry: Registry,
    text: &str,
    parts: Option<(&str, &str)>,
) -> Result<PackageRef, String> {
    match parts {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => Ok(PackageRef {
            registry,
            name: name.to_owned(),
            version: version.to_owned(),
        }),
        _ => Err(match registry {
            Registry::Pypi => format!("source {text}: expected name==version"),
            Registry::Npm => format!("source {text}: expected name@version"),
        }),
    }
}

/// This machine, as the manifest's `platform` writes it: `linux-x86_64`.
pub fn this_platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

impl Manifest {
    /// The manifest this program was built with.
    pub fn embedded() -> Result<Self, ModelsError> {
        Self::parse("(built in)", include_str!("../../models/manifest.toml"))
    }

    /// A manifest of the user's own.
    pub fn load(path: &Path) -> Result<Self, ModelsError> {
        let text = fs::read_to_string(path).map_err(ModelsError::disk("reading manifest", path))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads and checks a manifest. Unknown keys are errors; so are double names, dangling
    /// references and file names that leave the store.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ModelsError> {
        let wrong = |reason: String| ModelsError::Manifest {
            origin: origin.to_owned(),
            reason,
        };
        let manifest: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let known = |profile: &String| profile == "*" || self.profiles.contains_key(profile);
        if !self.profiles.contains_key(&self.default_profile) {
            return Err(format!(
                "default_profile `{}` is not described",
                self.default_profile
            ));
        }
        let ids: BTreeSet<_> = self.models.iter().map(|model| model.id.as_str()).collect();
        let mut taken = BTreeSet::new();
        for model in &self.models {
            let id = &model.id;
            let platform = model.platform.as_deref().unwrap_or("*");
            if !taken.insert((id.as_str(), platform)) {
                return Err(format!("model `{id}` is there twice"));
            }
            if let Some(profile) = model.profiles.iter().find(|profile| !known(profile)) {
                return Err(format!(
                    "model `{id}`: profile `{profile}` is not described"
                ));
            }
            if let Some(other) = model.requires.iter().find(|id| !ids.contains(id.as_str())) {
                return Err(format!(
                    "model `{id}` requires `{other}`, which is not there"
                ));
            }
            if model.files.is_empty() {
                return Err(format!("model `{id}` has no file"));
            }
            for file in &model.files {
                let name = &file.name;
                if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
                    return Err(format!("model `{id}`: `{name}` is not a plain file name"));
                }
                if !taken.insert((name.as_str(), platform)) {
                    return Err(format!("file `{name}` is there twice"));
                }
                if file.sources.is_empty() {
                    return Err(format!("file `{name}` has no source"));
                }
                for source in &file.sources {
                    if let Source::Ct2Whisper { reference, .. } = source
                        && !ids.contains(reference.as_str())
                    {
                        return Err(format!(
                            "file `{name}`: reference `{reference}` is not there"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// The models that run on `platform` (see [`this_platform`]), as written.
    pub fn on(&self, platform: &str) -> Vec<&Model> {
        let fits = |model: &&Model| model.platform.as_deref().is_none_or(|p| p == platform);
        self.models.iter().filter(fits).collect()
    }

    /// The model of this id, or with a file of this name, on this machine.
    pub fn get(&self, name: &str) -> Result<&Model, ModelsError> {
        let named =
            |model: &&Model| model.id == name || model.files.iter().any(|file| file.name == name);
        let here = self.on(&this_platform());
        here.iter()
            .copied()
            .find(named)
            .ok_or_else(|| ModelsError::UnknownModel {
                asked: name.to_owned(),
                known: here
                    .iter()
                    .map(|model| model.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// The models of a profile on `platform`, with all they require.
    pub fn profile(&self, profile: &str, platform: &str) -> Result<Vec<&Model>, ModelsError> {
        if !self.profiles.contains_key(profile) {
            return Err(ModelsError::UnknownProfile {
                asked: profile.to_owned(),
                known: self.profiles.keys().cloned().collect::<Vec<_>>().join(", "),
            });
        }
        let wanted = |model: &&Model| model.profiles.iter().any(|p| p == "*" || p == profile);
        Ok(self.with_required(
            self.on(platform).into_iter().filter(wanted).collect(),
            platform,
        ))
    }

    /// These models and all they require, each once, in the manifest's order.
    pub fn with_required<'a>(&'a self, models: Vec<&'a Model>, platform: &str) -> Vec<&'a Model> {
        let mut ids: BTreeSet<&str> = models.iter().map(|model| model.id.as_str()).collect();
        let here = self.on(platform);
        loop {
            let before = ids.len();
            for model in &here {
                if ids.contains(model.id.as_str()) {
                    ids.extend(model.requires.iter().map(String::as_str));
                }
            }
            if ids.len() == before {
                return here
                    .into_iter()
                    .filter(|m| ids.contains(m.id.as_str()))
                    .collect();
            }
        }
    }
}
