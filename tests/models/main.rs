//! The model store against a web server that misbehaves in every way a network does.
#![allow(clippy::unwrap_used)]

mod fetching;
mod registries;
mod server;
mod verbs;
mod whisper;

use std::path::{Path, PathBuf};
use std::time::Duration;

use comptoir::models::fetch::{FetchOptions, Fetched, fetch};
use comptoir::models::http::Pace;
use comptoir::models::packages::Registries;
use comptoir::models::progress::Progress;
use comptoir::models::{Manifest, ModelStore, ModelsError, Sha256Digest};
use server::Server;

/// A store in an empty folder, a server, and a manifest of files with sources of the test's.
struct Bench {
    folder: tempfile::TempDir,
    server: Server,
    options: FetchOptions,
    models: String,
}

impl Bench {
    fn new() -> Self {
        let server = Server::start();
        let options = FetchOptions {
            mirror: None,
            registries: Registries {
                pypi: server.url("/simple"),
                npm: server.url("/npm"),
            },
            pace: Pace {
                upstream_connect: Duration::from_millis(300),
                upstream_stall: Duration::from_secs(5),
                connect: Duration::from_secs(5),
                stall: Duration::from_secs(5),
                retries: 2,
                backoff: Duration::from_millis(5),
            },
            patience: Duration::from_millis(200),
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            server,
            options,
            models: String::new(),
        }
    }

    /// A model of one file: its id is `name`, its bytes are to be `bytes`.
    fn model(&mut self, name: &str, bytes: &[u8], sources: &[String]) -> &mut Self {
        self.models.push_str(&format!(
            "[[model]]\nid = \"{name}\"\nkind = \"llm\"\ntitle = \"{name}\"\nprofiles = [\"*\"]\n\
             licence = \"MIT\"\ncommercial = \"yes\"\n\
             [[model.file]]\nname = \"{name}.bin\"\nsize = {}\nsha256 = \"{}\"\nsources = [{}]\n",
            bytes.len(),
            Sha256Digest::of(bytes),
            sources.join(", "),
        ));
        self
    }

    fn manifest(&self) -> Manifest {
        let head = "default_profile = \"p\"\n[profile.p]\nabout = \"all\"\n";
        Manifest::parse("test", &format!("{head}{}", self.models)).unwrap()
    }

    fn store(&self) -> ModelStore {
        ModelStore::at(self.folder.path())
    }

    /// Fetches every model of the manifest.
    fn fetch(&self) -> Result<Vec<Fetched>, ModelsError> {
        let manifest = self.manifest();
        let models: Vec<_> = manifest.models.iter().collect();
        fetch(
            &manifest,
            &self.store(),
            &models,
            &self.options,
            &Progress::silent(),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, path: &str) -> String {
        url(&self.server.url(path))
    }

    /// The names in the store's folder, the store's own records left out.
    fn files(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

fn url(url: &str) -> String {
    format!("{{ url = \"{url}\" }}")
}

fn pypi(packages: &[&str], member: &str) -> String {
    format!("{{ pypi = {packages:?}, member = \"{member}\", join = true }}")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name != ".lock" && name != ".verified.json");
    names.sort();
    names
}

/// Bytes that differ everywhere, so that a shift or a swap shows.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(step).collect()
}
