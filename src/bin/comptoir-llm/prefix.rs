//! What of a prompt need not be read again: the plan by which a prompt is read in batches,
//! what the context holds, and the files that keep the state of fixed prefixes.
//!
//! llama.cpp's sums depend a little on how a prompt is cut in batches. So that an answer is
//! the same with and without the cache, a prompt is always cut in the same places, and only
//! whole batches are taken over.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Crc;
use llama_cpp_2::token::LlamaToken;
use sha2::{Digest, Sha256};

/// Tokens read in one go. A cancelled request is noticed between two batches, so a batch
/// must take well under a second: 64 tokens of a 1.5B model take about 0.7 s on two slow
/// cores, and larger ones are hardly faster.
pub const BATCH_TOKENS: usize = 64;

/// Files kept in the cache folder; the least recently used go first.
const FILES_KEPT: usize = 8;

/// Changes when files of an earlier version of this worker must not be read: with
/// llama-cpp-2's version, the context's settings or the batch plan.
const FORMAT: &str = "comptoir-llm 1, llama-cpp-2 0.1.160, f16, batches of 64";

/// Last bytes of a file: this, the CRC-32 and the length of all before.
const SEAL: &[u8; 8] = b"CMPTRKV1";
const SEAL_BYTES: u64 = 8 + 4 + 8;

/// Where the batches of a prompt of `length` tokens end. A batch never reaches over a mark,
/// and after each mark the batches are counted anew, so that what stands before a mark is
/// read in the same way whatever follows it.
pub fn batch_ends(length: usize, marks: &[usize]) -> Vec<usize> {
    let mut stops: Vec<usize> = marks
        .iter()
        .copied()
        .filter(|&mark| mark > 0 && mark < length)
        .collect();
    stops.push(length);
    stops.sort_unstable();
    stops.dedup();
    let mut ends = Vec::new();
    let mut at = 0;
    for stop in stops {
        while at < stop {
            at = stop.min(at + BATCH_TOKENS);
            ends.push(at);
        }
    }
    ends
}

/// The tokens whose state the context holds, and the ends of the batches by which those of
/// the prompt were read.
#[derive(Debug, Default)]
pub struct Held {
    /// Tokens at positions 0, 1, 2 ...
    pub tokens: Vec<LlamaToken>,
    /// Ends of the batches; generated tokens are not among them.
    pub ends: Vec<usize>,
}

impl Held {
    /// How many tokens of a new prompt can be taken over. At least the last batch is always
    /// read, as the answer's first token comes from it.
    pub fn reusable(&self, tokens: &[LlamaToken], ends: &[usize]) -> usize {
        let same_tokens = self
            .tokens
            .iter()
            .zip(tokens)
            .take_while(|(a, b)| a == b)
            .count();
        self.ends
            .iter()
            .zip(ends)
            .take_while(|(a, b)| a == b)
            .map(|(&end, _)| end)
            .take_while(|&end| end <= same_tokens && end < tokens.len())
            .last()
            .unwrap_or(0)
    }

    /// Forgets all from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.tokens.truncate(length);
        self.ends.retain(|&end| end <= length);
    }
}

/// What the state depends on besides the prompt.
#[derive(Debug, Clone)]
pub struct Identity([u8; 32]);

impl Identity {
    /// From the model's and the adapter's files and the context length. Of a large file the
    /// beginning (with all metadata), the middle and the end are read, not gigabytes.
    pub fn of(model: &Path, adapter: Option<&Path>, n_ctx: u32) -> io::Result<Self> {
        let mut hash = Sha256::new();
        hash.update(FORMAT);
        hash.update(n_ctx.to_le_bytes());
        sample(model, &mut hash)?;
        if let Some(adapter) = adapter {
            hash.update(b"adapter");
            sample(adapter, &mut hash)?;
        }
        Ok(Self(hash.finalize().into()))
    }
}

fn sample(path: &Path, hash: &mut Sha256) -> io::Result<()> {
    const PART: u64 = 1 << 20;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    hash.update(length.to_le_bytes());
    for start in [0, length / 2, length.saturating_sub(PART)] {
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        (&mut file).take(PART).read_to_end(&mut part)?;
        hash.update(&part);
    }
    Ok(())
}

/// The folder with the state of fixed prefixes.
#[derive(Debug)]
pub struct PrefixFiles {
    folder: PathBuf,
    identity: Identity,
}

impl PrefixFiles {
    /// Opens the folder, making it (readable by its owner only) where it is missing.
    pub fn open(folder: &Path, identity: Identity) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            identity,
        })
    }

    /// Where the state of this prefix is, or would be.
    pub fn path(&self, prefix: &[LlamaToken]) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(self.identity.0);
        for token in prefix {
            hash.update(token.0.to_le_bytes());
        }
        let name: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(format!("{name}.kv"))
    }

    /// Keeps what `write` puts into the file it is given. The file appears under its name
    /// only when it is whole; then the oldest beyond the number kept are removed.
    pub fn keep(
        &self,
        prefix: &[LlamaToken],
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        let path = self.path(prefix);
        let unfinished = path.with_extension(format!("{}.part", std::process::id()));
        let written = write(&unfinished)
            .and_then(|()| seal(&unfinished))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        self.prune();
        Ok(path)
    }

    /// The file of this prefix if it is there and whole. A damaged one is removed.
    pub fn find(&self, prefix: &[LlamaToken]) -> Option<PathBuf> {
        let path = self.path(prefix);
        let mut file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read a kept prefix");
                return None;
            }
        };
        match is_whole(&mut file) {
            Ok(true) => {
                // The time of last use, by which the oldest is found.
                let _ = file.set_modified(SystemTime::now());
                Some(path)
            }
            Ok(false) => {
                tracing::warn!(path = %path.display(), "a kept prefix is damaged; reading the prompt anew");
                let _ = fs::remove_file(&path);
                None
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read a kept prefix");
                None
            }
        }
    }

    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "kv")
            })
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(FILES_KEPT);
        for (_, path) in files.drain(..surplus) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Adds length and checksum, so that a damaged file is known before llama.cpp reads it.
fn seal(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut file = File::options().read(true).write(true).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    let length = file.metadata()?.len();
    let checksum = checksum(&mut file, length)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(SEAL)?;
    file.write_all(&checksum.to_le_bytes())?;
    file.write_all(&length.to_le_bytes())?;
    file.sync_all()
}

fn is_whole(file: &mut File) -> io::Result<bool> {
    let Some(length) = file.metadata()?.len().checked_sub(SEAL_BYTES) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(length))?;
    let mut end = [0; SEAL_BYTES as usize];
    file.read_exact(&mut end)?;
    let mut expected = Vec::with_capacity(end.len());
    expected.extend_from_slice(SEAL);
    expected.extend_from_slice(&checksum(file, length)?.to_le_bytes());
    expected.extend_from_slice(&length.to_le_bytes());
    Ok(end[..] == expected[..])
}

fn checksum(file: &mut File, length: u64) -> io::Result<u32> {
    file.seek(SeekFrom::Start(0))?;
    let mut crc = Crc::new();
    let mut part = vec![0; 1 << 18];
    let mut rest = file.take(length);
    loop {
        match rest.read(&mut part)? {
            0 => return Ok(crc.sum()),
            read => crc.update(&part[..read]),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tokens(ids: impl IntoIterator<Item = i32>) -> Vec<LlamaToken> {
        ids.into_iter().map(LlamaToken::new).collect()
    }

    fn files(folder: &Path) -> PrefixFiles {
        PrefixFiles::open(folder, Identity([7; 32])).unwrap()
    }

    #[test]
    fn a_prompt_is_cut_at_its_marks_and_counted_anew_after_them() {
        assert_eq!(batch_ends(150, &[]), [64, 128, 150]);
        assert_eq!(batch_ends(150, &[70]), [64, 70, 134, 150]);
        assert_eq!(batch_ends(150, &[70, 70, 0, 150, 999]), [64, 70, 134, 150]);
        assert_eq!(batch_ends(0, &[3]), [] as [usize; 0]);
    }

    #[test]
    fn only_batches_read_in_the_same_way_are_taken_over() {
        let held = Held {
            tokens: tokens(0..100),
            ends: batch_ends(100, &[70]),
        };
        let same_prefix = tokens((0..70).chain(500..510));
        assert_eq!(held.reusable(&same_prefix, &batch_ends(80, &[70])), 70);
        // Without the mark, the second batch would have been another one.
        assert_eq!(held.reusable(&same_prefix, &batch_ends(80, &[])), 64);
        assert_eq!(held.reusable(&tokens(500..600), &batch_ends(100, &[70])), 0);
    }

    #[test]
    fn the_last_batch_is_read_again_even_if_all_is_held() {
        let held = Held {
            tokens: tokens(0..100),
            ends: batch_ends(100, &[]),
        };
        assert_eq!(held.reusable(&tokens(0..100), &batch_ends(100, &[])), 64);
        assert_eq!(held.reusable(&tokens(0..64), &batch_ends(64, &[])), 0);
    }

    #[test]
    fn a_kept_prefix_is_found_again_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let prefix = tokens([1, 2, 3]);
        assert_eq!(files.find(&prefix), None);
        let path = files
            .keep(&prefix, |path| fs::write(path, b"state of 1 2 3"))
            .unwrap();
        assert_eq!(files.find(&prefix), Some(path.clone()));
        assert_eq!(files.find(&tokens([1, 2])), None);

        let mut bytes = fs::read(&path).unwrap();
        bytes[3] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(files.find(&prefix), None, "one flipped bit");
        assert!(!path.exists());

        files
            .keep(&prefix, |path| fs::write(path, b"state of 1 2 3"))
            .unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        assert_eq!(files.find(&prefix), None, "cut short");
        fs::write(&path, b"").unwrap();
        assert_eq!(files.find(&prefix), None, "empty");
    }

    #[test]
    fn a_prefix_that_could_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let kept = files.keep(&tokens([1]), |path| {
            fs::write(path, b"half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(kept.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_folder_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        for id in 0..20 {
            files
                .keep(&tokens([id]), |path| fs::write(path, b"state"))
                .unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), FILES_KEPT);
        assert!(files.find(&tokens([19])).is_some());
    }

    #[test]
    fn another_model_has_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.gguf"), folder.path().join("b.gguf"));
        fs::write(&a, b"weights of a").unwrap();
        fs::write(&b, b"weights of b").unwrap();
        let name = |model: &Path, adapter: Option<&Path>, n_ctx| {
            let identity = Identity::of(model, adapter, n_ctx).unwrap();
            PrefixFiles::open(folder.path(), identity)
                .unwrap()
                .path(&tokens([1]))
        };
        assert_eq!(name(&a, None, 4096), name(&a, None, 4096));
        assert_ne!(name(&a, None, 4096), name(&b, None, 4096));
        assert_ne!(name(&a, None, 4096), name(&a, None, 2048));
        assert_ne!(name(&a, None, 4096), name(&a, Some(&b), 4096));
    }
}
