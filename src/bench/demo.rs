//! The demo's recordings, in the program: a bench needs no files.

use crate::lang::Language;
use std::{
    io,
    path::{Path, PathBuf},
};

macro_rules! recordings {
    ($($file:literal),*) => {
        &[$(($file, include_bytes!(concat!("../../assets/demo/", $file)))),*]
    };
}

/// File names and bytes of the demo conversation in a language, in order.
#[must_use]
pub fn recordings(language: Language) -> &'static [(&'static str, &'static [u8])] {
    match language {
        Language::En => recordings!(
            "en-1.ogg", "en-2.ogg", "en-3.ogg", "en-4.ogg", "en-5.ogg", "en-6.ogg"
        ),
        Language::Fr => recordings!(
            "fr-1.ogg", "fr-2.ogg", "fr-3.ogg", "fr-4.ogg", "fr-5.ogg", "fr-6.ogg"
        ),
    }
}

/// Writes the demo conversation in a language into a folder; gives the files, in order.
///
/// # Errors
/// When a file cannot be written.
pub fn write(language: Language, folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let one = |(name, bytes): &(&str, &[u8])| {
        let path = folder.join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    };
    recordings(language).iter().map(one).collect()
}
