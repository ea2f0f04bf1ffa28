//! Digests: SHA-256 as the manifest and PyPI write it, SHA-512 as npm writes it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256, Sha512};

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest(
    /// The 32 bytes.
    pub [u8; 32],
);

impl Sha256Digest {
    /// Digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Digest of a file, read in a stream. `tick` is told of every chunk's length.
    pub fn of_file(path: &Path, tick: &mut dyn FnMut(u64)) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        stream(path, &mut |chunk| {
            hasher.update(chunk);
            tick(chunk.len() as u64);
        })?;
        Ok(Self(hasher.finalize().into()))
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected 64 hexadecimal digits of a SHA-256, found `{text}`");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a package index says a package's bytes hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageDigest {
    /// `#sha256=HEX` of a PyPI simple index.
    Sha256(Sha256Digest),
    /// `sha512-BASE64` of an npm registry (Subresource Integrity).
    Sha512(String),
}

impl PackageDigest {
    /// Reads npm's `dist.integrity`: the SHA-512 among its space-separated digests.
    pub fn from_integrity(integrity: &str) -> Option<Self> {
        let mut digests = integrity.split_ascii_whitespace();
        let base64 = digests.find_map(|one| one.strip_prefix("sha512-"))?;
        Some(Self::Sha512(base64.to_owned()))
    }

    /// Whether the file has this digest: `Ok(Err(found))` says what it has instead.
    pub fn check(&self, path: &Path) -> io::Result<Result<(), String>> {
        let (expected, found) = match self {
            Self::Sha256(digest) => (
                digest.to_string(),
                Sha256Digest::of_file(path, &mut |_| ())?.to_string(),
            ),
            Self::Sha512(expected) => {
                let mut hasher = Sha512::new();
                stream(path, &mut |chunk| hasher.update(chunk))?;
                (expected.clone(), base64(&hasher.finalize()))
            }
        };
        Ok(if expected == found {
            Ok(())
        } else {
            Err(found)
        })
    }
}

impl fmt::Display for PackageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Sha512(base64) => f.write_str(base64),
        }
    }
}

fn stream(path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => each(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let index = (word >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_digest_survives_being_written_and_read() {
        let digest = Sha256Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Sha256Digest>().unwrap(), digest);
        assert!("ba78".parse::<Sha256Digest>().is_err());
        assert!("é".repeat(32).parse::<Sha256Digest>().is_err());
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn npm_integrity_is_checked_against_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let right = "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0= sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05\
                     ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        let digest = PackageDigest::from_integrity(right).unwrap();
        assert_eq!(digest.check(&path).unwrap(), Ok(()));
        std::fs::write(&path, "abd").unwrap();
        assert!(digest.check(&path).unwrap().is_err());
        assert_eq!(
            PackageDigest::from_integrity("sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            None
        );
    }
}
