//! The model file, looked at before whisper.cpp sees it.
//!
//! whisper.cpp trusts the numbers in the file: a damaged one ends in an allocation of terabytes
//! or in a crash. Format: `whisper.cpp/models/convert-pt-to-ggml.py`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const MAGIC: u32 = 0x6767_6d6c;

/// More than the largest Whisper has of anything counted in the header.
const PLAUSIBLE: std::ops::RangeInclusive<i32> = 1..=100_000;

/// What to do about each of the errors below.
const FETCH: &str = "run `comptoir models fetch`, or give another file with --model";

/// Why a file is not a model that can be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be read.
    #[error("cannot read the speech model {}: {source}; {FETCH}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{} is not a Whisper model: expected a ggml file (magic ggml), found {found}; {FETCH}",
        .path.display()
    )]
    NotWhisper {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// It ends early, or its numbers make no sense.
    #[error("the speech model {} is damaged: {what}; {FETCH}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It knows one language only.
    #[error(
        "the speech model {} hears English only, but --languages names {language}; \
         use a multilingual model such as ggml-base.bin", .path.display()
    )]
    EnglishOnly {
        /// The file.
        path: PathBuf,
        /// The language.
        language: String,
    },
    /// whisper.cpp refuses it.
    #[error("whisper.cpp cannot load the speech model {}: {what}; {FETCH}", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it says.
        what: String,
    },
    /// A language that Whisper does not know.
    #[error("expected languages by their codes (en,fr), found {0:?}")]
    UnknownLanguage(String),
}

/// Checks that a file is a whole ggml Whisper: magic, plausible numbers, and each tensor within
/// the file. Reads a few kilobytes.
pub fn check(path: &Path) -> Result<(), ModelError> {
    let unreadable = |source| ModelError::Unreadable {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    let mut walk = Walk {
        reader: BufReader::new(file),
        end: metadata.len(),
    };
    let mut magic = [0; 4];
    if walk.reader.read_exact(&mut magic).is_err() || u32::from_le_bytes(magic) != MAGIC {
        let found = match &magic {
            _ if metadata.len() == 0 => "an empty file".into(),
            b"GGUF" => "a GGUF file (a language model?)".into(),
            b"PK\x03\x04" => "a ZIP archive".into(),
            other => format!("bytes {other:02x?}"),
        };
        return Err(ModelError::NotWhisper {
            path: path.into(),
            found,
        });
    }
    walk.body().map_err(|error| match error {
        Bad::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => unreadable(source),
        Bad::Io(_) => ModelError::Damaged {
            path: path.into(),
            what: format!(
                "it ends after {} bytes, in the middle of the weights",
                metadata.len()
            ),
        },
        Bad::Number(what, number) => ModelError::Damaged {
            path: path.into(),
            what: format!("{what} is {number}"),
        },
    })
}

enum Bad {
    Io(io::Error),
    Number(&'static str, i32),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Bad::Io(error)
    }
}

struct Walk {
    reader: BufReader<File>,
    end: u64,
}

impl Walk {
    fn body(&mut self) -> Result<(), Bad> {
        for what in [
            "the vocabulary size",
            "the audio context",
            "the audio width",
            "the audio heads",
            "the audio layers",
            "the text context",
            "the text width",
            "the text heads",
            "the text layers",
            "the mel bands",
        ] {
            self.number(what, PLAUSIBLE)?;
        }
        self.number("the weight format", 0..=100_000)?;
        let bands = self.number("the mel bands", PLAUSIBLE)?;
        let bins = self.number("the mel bins", PLAUSIBLE)?;
        self.skip(bands as u64 * bins as u64 * 4)?;
        for _ in 0..self.number("the vocabulary size", PLAUSIBLE)? {
            let length = self.number("the length of a word", 0..=10_000)?;
            self.skip(length as u64)?;
        }
        while self.reader.stream_position()? < self.end {
            self.tensor()?;
        }
        Ok(())
    }

    fn tensor(&mut self) -> Result<(), Bad> {
        let rank = self.number("the rank of a tensor", 1..=4)?;
        let name = self.number("the length of a tensor's name", 1..=200)?;
        let kind = self.number("the type of a tensor", 0..=40)?;
        let mut elements = 1u64;
        for _ in 0..rank {
            elements *= self.number("a dimension of a tensor", 1..=1_000_000)? as u64;
        }
        // Elements in a block and bytes of a block: ggml's type table.
        let (block, bytes) = match kind {
            0 => (1, 4),
            1 => (1, 2),
            2 => (32, 18),
            3 => (32, 20),
            6 => (32, 22),
            7 => (32, 24),
            8 => (32, 34),
            10 => (256, 84),
            11 => (256, 110),
            12 => (256, 144),
            13 => (256, 176),
            14 => (256, 210),
            other => return Err(Bad::Number("the type of a tensor", other)),
        };
        self.skip(name as u64 + elements / block * bytes)
    }

    fn number(
        &mut self,
        what: &'static str,
        plausible: std::ops::RangeInclusive<i32>,
    ) -> Result<i32, Bad> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes)?;
        let number = i32::from_le_bytes(bytes);
        if plausible.contains(&number) {
            Ok(number)
        } else {
            Err(Bad::Number(what, number))
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Bad> {
        let at = self.reader.stream_position()?;
        if at.saturating_add(bytes) > self.end {
            return Err(Bad::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Ok(bytes) = i64::try_from(bytes) {
            // Keeps the buffer where `seek` would throw it away.
            self.reader.seek_relative(bytes)?;
        } else {
            self.reader.seek(SeekFrom::Start(at + bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A tiny ggml Whisper: one word, one tensor of 2 x 3 f16.
    fn tiny() -> Vec<u8> {
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        let numbers = [51_865, 1500, 4, 1, 1, 448, 4, 1, 1, 2, 1, 2, 1];
        bytes.extend(numbers.iter().flat_map(|n: &i32| n.to_le_bytes()));
        bytes.extend([0; 8]);
        bytes.extend([1i32, 3].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(b"yes");
        bytes.extend([2i32, 1, 1, 2, 3].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(b"w");
        bytes.extend([0; 12]);
        bytes
    }

    fn checked(bytes: &[u8]) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_model_passes() {
        assert_eq!(checked(&tiny()), Ok(()));
    }

    #[test]
    fn any_cut_is_seen() {
        let whole = tiny();
        for cut in 4..whole.len() {
            // Between the vocabulary and the first tensor a file ends well, without tensors;
            // whisper.cpp says so.
            let error = checked(&whole[..cut]);
            assert!(
                error.is_err() || cut == whole.len() - 33,
                "cut at {cut} of {}",
                whole.len()
            );
        }
    }

    #[test]
    fn says_what_is_there_instead() {
        for (bytes, part) in [
            (&b""[..], "an empty file"),
            (b"GGUF\x03\0\0\0", "a GGUF file"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"<html>", "bytes [3c"),
        ] {
            let error = checked(bytes).unwrap_err();
            assert!(
                error.contains(part) && error.contains("comptoir models fetch"),
                "{error}"
            );
        }
        let mut odd = tiny();
        odd[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
        assert!(
            checked(&odd)
                .unwrap_err()
                .contains("the vocabulary size is 2147483647")
        );
        let missing = check(Path::new("/no/such/model.bin"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("No such file") && missing.contains("fetch"),
            "{missing}"
        );
    }
}
