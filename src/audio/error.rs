//! What can be wrong with a recording, and how we tell.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use symphonia::core::errors::Error as Symphonia;

use super::resample::RateError;

/// Why a recording could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The file cannot be opened.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file has no bytes, or a header and no sound.
    #[error("{} is empty: there is no sound in it", .0.display())]
    Empty(PathBuf),
    /// The file is not a recording.
    #[error(
        "{} is not a recording: expected WAV, FLAC, MP3 or Ogg Vorbis, found {found}",
        .path.display()
    )]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// The file is a recording in a coding that we do not read.
    #[error(
        "{} is coded in a way that is not read here ({what}); \
         convert it: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav", .path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported.
        what: String,
    },
    /// Nothing in the file can be decoded.
    #[error("{} is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// The recording is longer than allowed.
    #[error("{} is longer than {} minutes; cut it first", .path.display(), .limit.as_secs() / 60)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: Duration,
    },
    /// The recording has a sample rate that we do not read.
    #[error("{}: {source}", .path.display())]
    Rate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: RateError,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Why a file was not recognised as a recording.
pub(super) fn not_audio(path: &Path, error: Symphonia) -> AudioError {
    match error {
        Symphonia::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            AudioError::Unreadable {
                path: path.into(),
                source,
            }
        }
        Symphonia::DecodeError(reason) => AudioError::Damaged {
            path: path.into(),
            reason: reason.into(),
        },
        _ if beginning(path).starts_with(b"RIFF") => AudioError::Empty(path.into()),
        _ if is_known_format(path) => AudioError::Damaged {
            path: path.into(),
            reason: "it ends before the first sound".into(),
        },
        _ => AudioError::NotAudio {
            path: path.into(),
            found: describe(path),
        },
    }
}

fn beginning(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // What cannot be read is described as nothing.
        let _ = file.take(64).read_to_end(&mut bytes);
    }
    bytes
}

pub(super) fn has_id3(path: &Path) -> bool {
    beginning(path).starts_with(b"ID3")
}

fn is_known_format(path: &Path) -> bool {
    let bytes = beginning(path);
    [&b"OggS"[..], b"fLaC", b"ID3"]
        .iter()
        .any(|magic| bytes.starts_with(magic))
}

pub(super) fn is_opus(path: &Path) -> bool {
    beginning(path).windows(8).any(|bytes| bytes == b"OpusHead")
}

/// What a file seems to be, from its first bytes.
pub(super) fn describe(path: &Path) -> String {
    const KNOWN: [(usize, &[u8], &str); 9] = [
        (
            4,
            b"ftyp",
            "an MP4 or M4A file; convert it: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav",
        ),
        (
            0,
            &[0x1a, 0x45, 0xdf, 0xa3],
            "a WebM or Matroska file; convert it: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav",
        ),
        (
            0,
            b"FORM",
            "an AIFF file; convert it: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav",
        ),
        (
            0,
            b"#!AMR",
            "an AMR file; convert it: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav",
        ),
        (0, b"%PDF", "a PDF"),
        (0, &[0x89, b'P', b'N', b'G'], "a PNG picture"),
        (0, &[0xff, 0xd8, 0xff], "a JPEG picture"),
        (0, b"PK\x03\x04", "a ZIP archive"),
        (0, b"\x7fELF", "a program"),
    ];
    let bytes = beginning(path);
    for (at, magic, what) in KNOWN {
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return what.into();
        }
    }
    let bytes = &bytes[..bytes.len().min(16)];
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => format!("text that begins with {text:?}"),
        _ => format!("bytes that begin with {bytes:02x?}"),
    }
}
