//! The demo's recordings, in the program: a bench needs no files.

use crate::lang::Language;

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
