//! WAV files whose header does not tell how much sound there is.
//!
//! A program that pipes a WAV (`espeak-ng --stdout`, `ffmpeg -f wav -`) cannot know its
//! length, a recorder that was killed did not come to write it, and a copy can be cut short.
//! All three leave a length in the header that the file does not have. This source shows a
//! reader the same file with the length that it does have, so that its last packet is kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// What is written as length when the length is not known: 0 and everything from
/// 0x7fff_f000 (espeak-ng) to 0xffff_ffff (ffmpeg).
const UNKNOWN_FROM: u32 = 0x7fff_f000;

/// The most chunks looked at before the one with the sound.
const MAX_CHUNKS: usize = 64;

/// A file, with the lengths in its WAV header put right.
pub(super) struct Source {
    file: File,
    length: Option<u64>,
    at: u64,
    /// Where other bytes stand than in the file.
    patches: Vec<(u64, [u8; 4])>,
    /// Bytes of sound that the header promises beyond the end of the file.
    pub(super) missing: u64,
}

impl Source {
    /// Opens a file that stands at its beginning.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let mut source = Self {
            file,
            length: None,
            at: 0,
            patches: Vec::new(),
            missing: 0,
        };
        if metadata.is_file() {
            source.length = Some(metadata.len());
            source.look_at_header(metadata.len())?;
            source.file.seek(SeekFrom::Start(0))?;
        }
        Ok(source)
    }

    fn look_at_header(&mut self, length: u64) -> io::Result<()> {
        let mut head = [0; 12];
        if length < 44 || self.file.read_exact(&mut head).is_err() {
            return Ok(());
        }
        if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
            return Ok(());
        }
        let mut at = 12;
        for _ in 0..MAX_CHUNKS {
            let mut chunk = [0; 8];
            self.file.seek(SeekFrom::Start(at))?;
            if self.file.read_exact(&mut chunk).is_err() {
                return Ok(());
            }
            let declared = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
            let body = at + 8;
            if &chunk[..4] == b"data" {
                let there = length.saturating_sub(body);
                let unknown = declared == 0 || declared >= UNKNOWN_FROM;
                if u64::from(declared) > there || (unknown && there > 0) {
                    let real = u32::try_from(there).unwrap_or(u32::MAX);
                    self.patches.push((4, u32::MAX.to_le_bytes()));
                    self.patches.push((at + 4, real.to_le_bytes()));
                    self.missing = if unknown {
                        0
                    } else {
                        u64::from(declared) - there
                    };
                }
                return Ok(());
            }
            // Chunks begin at even places.
            at = body + u64::from(declared) + u64::from(declared % 2);
        }
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let came = self.file.read(buffer)?;
        for (place, bytes) in &self.patches {
            for (place, byte) in (*place..).zip(bytes) {
                let index = place
                    .checked_sub(self.at)
                    .and_then(|index| usize::try_from(index).ok());
                if let Some(slot) = index.and_then(|index| buffer[..came].get_mut(index)) {
                    *slot = *byte;
                }
            }
        }
        self.at += came as u64;
        Ok(came)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        self.length.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.length
    }
}
