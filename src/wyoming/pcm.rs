//! The payload of audio chunks.

use bytes::{BufMut, Bytes, BytesMut};

use super::codec::CodecError;
use super::message::{AudioChunk, AudioFormat};

/// Frames in a chunk that we send: 64 ms at 16 kHz, as other Wyoming programs do.
pub const CHUNK_FRAMES: usize = 1024;

/// Joins audio chunks to mono samples from -1 to 1, at the rate they come in.
#[derive(Debug, Default)]
pub struct Collector {
    samples: Vec<f32>,
    format: Option<AudioFormat>,
    /// Bytes of a frame that the next chunk continues.
    rest: Vec<u8>,
    max_samples: usize,
}

impl Collector {
    /// A collector that refuses audio longer than `max_samples` frames.
    #[must_use]
    pub fn new(max_samples: usize) -> Self {
        Self {
            max_samples,
            ..Self::default()
        }
    }

    /// Adds a chunk.
    ///
    /// # Errors
    /// A format that changes midway or that cannot be read (rate 0 or above 384 kHz, width
    /// other than 1 to 4 bytes, more than 32 channels), or more audio than allowed.
    pub fn push(&mut self, chunk: &AudioChunk) -> Result<(), CodecError> {
        let format = *self.format.get_or_insert(chunk.format);
        if format != chunk.format {
            return Err(CodecError::Audio(format!(
                "the audio format changed midway from {format:?} to {:?}",
                chunk.format
            )));
        }
        let readable = (1..=384_000).contains(&format.rate)
            && (1..=4).contains(&format.width)
            && (1..=32).contains(&format.channels);
        if !readable {
            return Err(CodecError::Audio(format!(
                "expected PCM of 1 to 4 bytes a sample, up to 32 channels and 384000 Hz, \
                 found {format:?}"
            )));
        }
        let frame = format.frame_bytes();
        let mut bytes = std::mem::take(&mut self.rest);
        let joined = if bytes.is_empty() {
            &chunk.audio[..]
        } else {
            bytes.extend_from_slice(&chunk.audio);
            &bytes[..]
        };
        if self.samples.len() + joined.len() / frame > self.max_samples {
            return Err(CodecError::Audio(format!(
                "the audio is longer than {:.0} s",
                self.max_samples as f64 / f64::from(format.rate)
            )));
        }
        let frames = joined.chunks_exact(frame);
        self.rest = frames.remainder().to_vec();
        let (width, channels) = (usize::from(format.width), f32::from(format.channels));
        self.samples
            .extend(frames.map(|f| f.chunks_exact(width).map(sample).sum::<f32>() / channels));
        Ok(())
    }

    /// The mono samples that have come since the last call, for audio that is played as it comes.
    #[must_use]
    pub fn take(&mut self) -> Vec<f32> {
        std::mem::take(&mut self.samples)
    }

    /// The mono samples so far, and their rate in Hz (none before the first chunk).
    #[must_use]
    pub fn finish(self) -> (Vec<f32>, Option<u32>) {
        (self.samples, self.format.map(|format| format.rate))
    }
}

/// One little-endian sample of 1 (unsigned, as in WAV) to 4 bytes, as -1 to 1.
fn sample(bytes: &[u8]) -> f32 {
    match *bytes {
        [a] => (f32::from(a) - 128.0) / 128.0,
        [a, b] => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
        [a, b, c] => i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0,
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
        _ => 0.0,
    }
}

/// Mono samples from -1 to 1 as 16-bit little-endian PCM; what is louder is clipped.
#[must_use]
pub fn to_bytes(samples: &[f32]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(samples.len() * 2);
    for &sample in samples {
        // A saturating cast: NaN becomes silence.
        bytes.put_i16_le((sample * 32_768.0).round() as i16);
    }
    bytes.freeze()
}

/// Cuts mono samples at `rate` Hz in chunks of 16-bit PCM.
pub fn chunks(samples: &[f32], rate: u32) -> impl Iterator<Item = AudioChunk> + '_ {
    let format = AudioFormat {
        rate,
        width: 2,
        channels: 1,
    };
    samples
        .chunks(CHUNK_FRAMES)
        .enumerate()
        .map(move |(n, piece)| AudioChunk {
            format,
            timestamp: Some((n * CHUNK_FRAMES) as u64 * 1000 / u64::from(rate.max(1))),
            audio: to_bytes(piece),
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn chunk(width: u8, channels: u8, audio: &[u8]) -> AudioChunk {
        let format = AudioFormat {
            rate: 8000,
            width,
            channels,
        };
        AudioChunk {
            format,
            timestamp: None,
            audio: Bytes::copy_from_slice(audio),
        }
    }

    #[test]
    fn samples_survive_the_wire() {
        let samples: Vec<f32> = (0..5000).map(|n| (n as f32 * 0.01).sin()).collect();
        let mut collector = Collector::new(5000);
        for chunk in chunks(&samples, 22_050) {
            collector.push(&chunk).unwrap();
        }
        let (heard, rate) = collector.finish();
        assert_eq!(rate, Some(22_050));
        assert_eq!(heard.len(), samples.len());
        assert!(
            heard
                .iter()
                .zip(&samples)
                .all(|(a, b)| (a - b).abs() < 1e-4)
        );
    }

    #[test]
    fn reads_every_width_and_mixes_channels_down() {
        for (width, half) in [
            (1, &[192u8][..]),
            (2, &[0, 64]),
            (3, &[0, 0, 64]),
            (4, &[0, 0, 0, 64]),
        ] {
            let mut collector = Collector::new(9);
            collector.push(&chunk(width, 1, half)).unwrap();
            assert_eq!(collector.finish().0, [0.5], "width {width}");
        }
        let mut collector = Collector::new(9);
        collector.push(&chunk(2, 2, &[0, 64, 0, 0])).unwrap();
        assert_eq!(collector.finish().0, [0.25]);
    }

    #[test]
    fn a_frame_may_lie_across_two_chunks() {
        let mut collector = Collector::new(9);
        collector.push(&chunk(2, 1, &[0, 64, 0])).unwrap();
        collector.push(&chunk(2, 1, &[32])).unwrap();
        assert_eq!(collector.finish().0, [0.5, 0.25]);
    }

    #[test]
    fn what_was_taken_does_not_come_again() {
        let mut collector = Collector::new(9);
        collector.push(&chunk(2, 1, &[0, 64, 0])).unwrap();
        assert_eq!(collector.take(), [0.5]);
        collector.push(&chunk(2, 1, &[32])).unwrap();
        assert_eq!(collector.take(), [0.25]);
        assert_eq!(collector.finish(), (vec![], Some(8000)));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let mut collector = Collector::new(1);
        assert!(
            collector.push(&chunk(2, 1, &[0, 0, 0, 0])).is_err(),
            "too long"
        );
        let mut collector = Collector::new(9);
        assert!(collector.push(&chunk(9, 1, &[0; 9])).is_err(), "width 9");
        let mut collector = Collector::new(9);
        collector.push(&chunk(2, 1, &[0, 0])).unwrap();
        assert!(
            collector.push(&chunk(2, 2, &[0; 4])).is_err(),
            "changed midway"
        );
    }

    #[test]
    fn too_loud_is_clipped_and_nan_is_silence() {
        assert_eq!(
            &to_bytes(&[2.0, -2.0, f32::NAN])[..],
            &[0xff, 0x7f, 0, 0x80, 0, 0]
        );
    }
}
