//! The adapter that makes the small base model understand shoppers: ours, and part of the
//! program, so that it always fits the wire form that this version reads.
//!
//! llama.cpp loads files, so it is laid beside the models, named by its contents.

use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The adapter, a GGUF for `gemma-3-270m`; its card is `models/comptoir-nlu.md`.
const ADAPTER: &[u8] = include_bytes!("../../models/comptoir-nlu.gguf");

/// The file of the adapter in the folder of the models, written if it is not there.
///
/// # Errors
/// When it cannot be written.
pub fn adapter(folder: &Path) -> io::Result<PathBuf> {
    lay(folder, "comptoir-nlu", ADAPTER)
}

fn lay(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let hash = Sha256::digest(bytes);
    let short: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
    let path = folder.join(format!("{name}-{short}.gguf"));
    let there = fs::metadata(&path).is_ok_and(|m| m.len() == bytes.len() as u64);
    if !there {
        fs::create_dir_all(folder)?;
        let draft = folder.join(format!("{name}-{}.draft", uuid::Uuid::new_v4().simple()));
        let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_laid_once_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = lay(folder.path(), "a", b"GGUF...").unwrap();
        assert_eq!(lay(folder.path(), "a", b"GGUF...").unwrap(), path);
        assert_ne!(lay(folder.path(), "a", b"another").unwrap(), path);
        fs::write(&path, b"cut").unwrap();
        lay(folder.path(), "a", b"GGUF...").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"GGUF...");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_adapter_is_small_enough_to_be_carried() {
        assert!(ADAPTER.starts_with(b"GGUF"));
        assert!(ADAPTER.len() <= 16 << 20, "{}", ADAPTER.len());
    }
}
