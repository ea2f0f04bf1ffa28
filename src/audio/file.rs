//! Recordings in files, read.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;

use super::error::{AudioError, describe, has_id3, is_opus, not_audio};
use super::wav_header::Source;
use super::{Pcm, Resampler, SPEECH_RATE};

/// Broken packets in a row after which the rest of a recording is given up.
const MAX_BROKEN_PACKETS: usize = 64;

/// What a recording may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// The longest recording read; a longer one is an error.
    pub max_duration: Duration,
}

impl Default for ReadLimits {
    /// An hour, which is 230 MB of samples.
    fn default() -> Self {
        Self {
            max_duration: Duration::from_secs(3600),
        }
    }
}

/// What is wrong with a recording of which a part could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It ends before it should.
    Truncated,
    /// Packets within it could not be decoded, and were left out.
    Skipped {
        /// How many.
        packets: usize,
    },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Damage::Truncated => f.write_str("the file ends before the recording does"),
            Damage::Skipped { packets } => {
                write!(f, "{packets} damaged pieces of the recording were left out")
            }
        }
    }
}

/// A recording, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The sound: 16 kHz mono.
    pub pcm: Pcm,
    /// The container, such as `wave`.
    pub format: &'static str,
    /// The rate in the file, Hz.
    pub rate: u32,
    /// The channels in the file.
    pub channels: usize,
    /// What was wrong with the file, when something was.
    pub damage: Option<Damage>,
}

/// Reads a recording (WAV, FLAC, MP3, Ogg Vorbis, told by its content) of at most an hour, as
/// 16 kHz mono. A truncated recording is read as far as it goes; see [`read`] to be told.
///
/// # Errors
/// When there is no sound to be had from the file.
pub fn decode(path: impl AsRef<Path>) -> Result<Pcm, AudioError> {
    read(path, &ReadLimits::default()).map(|recording| recording.pcm)
}

/// Reads a recording as [`decode`] does, within limits, and says what it found.
///
/// The file is decoded and resampled piece by piece: memory holds the result, never the source.
///
/// # Errors
/// When there is no sound to be had from the file, or more than the limit.
pub fn read(path: impl AsRef<Path>, limits: &ReadLimits) -> Result<Recording, AudioError> {
    let path = path.as_ref();
    let unreadable = |source| AudioError::Unreadable {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(AudioError::Empty(path.into()));
    }
    let source = Source::new(file).map_err(unreadable)?;
    let missing = source.missing;
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    let reader = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, Default::default(), Default::default())
        .map_err(|error| not_audio(path, error))?;

    let mut reading = Reading::new(path, limits, reader)?;
    reading.run()?;
    let mut recording = reading.finish(metadata.len())?;
    if missing > 0 {
        recording.damage = Some(Damage::Truncated);
    }
    Ok(recording)
}

struct Reading<'p> {
    path: &'p Path,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Frames that the file says it has, at its own rate.
    expected: Option<u64>,
    resampler: Option<(u32, Resampler)>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    samples: Vec<f32>,
    max_samples: usize,
    limits: ReadLimits,
    /// Rate and channels of the first piece.
    shape: Option<(u32, usize)>,
    decoded_frames: u64,
    decoded_bytes: u64,
    broken: usize,
    last_error: Option<String>,
    ended_early: bool,
}

impl<'p> Reading<'p> {
    fn new(
        path: &'p Path,
        limits: &ReadLimits,
        reader: Box<dyn FormatReader>,
    ) -> Result<Self, AudioError> {
        let (decoder, track, expected) = open_track(path, reader.as_ref())?;
        let max = limits.max_duration.as_secs_f64() * f64::from(SPEECH_RATE);
        Ok(Self {
            path,
            reader,
            decoder,
            track,
            expected,
            resampler: None,
            interleaved: Vec::new(),
            mono: Vec::new(),
            samples: Vec::new(),
            max_samples: max as usize,
            limits: *limits,
            shape: None,
            decoded_frames: 0,
            decoded_bytes: 0,
            broken: 0,
            last_error: None,
            ended_early: false,
        })
    }

    fn run(&mut self) -> Result<(), AudioError> {
        let mut broken_in_a_row = 0;
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(()),
                // Another stream follows in the same file, as in chained Ogg.
                Err(Symphonia::ResetRequired) => {
                    (self.decoder, self.track, _) = open_track(self.path, self.reader.as_ref())?;
                    self.expected = None;
                    continue;
                }
                Err(error) => {
                    self.last_error = Some(error.to_string());
                    self.ended_early = true;
                    return Ok(());
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(piece) => {
                    let (rate, channels) = (piece.spec().rate(), piece.spec().channels().count());
                    piece.copy_to_vec_interleaved(&mut self.interleaved);
                    self.decoded_frames += piece.frames() as u64;
                    self.decoded_bytes += packet.data.len() as u64;
                    broken_in_a_row = 0;
                    self.take(rate, channels.max(1))?;
                }
                Err(Symphonia::ResetRequired) => self.decoder.reset(),
                Err(error) => {
                    self.last_error = Some(error.to_string());
                    self.broken += 1;
                    broken_in_a_row += 1;
                    if broken_in_a_row > MAX_BROKEN_PACKETS {
                        self.ended_early = true;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Mixes what was decoded down to mono and resamples it.
    fn take(&mut self, rate: u32, channels: usize) -> Result<(), AudioError> {
        self.shape.get_or_insert((rate, channels));
        self.mono.clear();
        self.mono
            .extend(self.interleaved.chunks_exact(channels).map(|frame| {
                let mean = frame.iter().sum::<f32>() / channels as f32;
                if mean.is_finite() { mean } else { 0.0 }
            }));
        let failed = |source| AudioError::Rate {
            path: self.path.into(),
            source,
        };
        if self
            .resampler
            .as_ref()
            .is_none_or(|(from, _)| *from != rate)
        {
            if let Some((_, old)) = self.resampler.take() {
                old.finish(&mut self.samples).map_err(failed)?;
            }
            let new = Resampler::new(rate, SPEECH_RATE).map_err(failed)?;
            self.resampler = Some((rate, new));
            let seconds = self.expected.map(|frames| frames as f64 / f64::from(rate));
            if seconds.is_some_and(|seconds| seconds > self.limits.max_duration.as_secs_f64()) {
                return Err(self.too_long());
            }
        }
        if let Some((_, resampler)) = &mut self.resampler {
            resampler
                .push(&self.mono, &mut self.samples)
                .map_err(failed)?;
        }
        if self.samples.len() > self.max_samples {
            return Err(self.too_long());
        }
        Ok(())
    }

    fn too_long(&self) -> AudioError {
        AudioError::TooLong {
            path: self.path.into(),
            limit: self.limits.max_duration,
        }
    }

    fn finish(mut self, file_bytes: u64) -> Result<Recording, AudioError> {
        let path = self.path;
        if let Some((_, resampler)) = self.resampler.take() {
            resampler
                .finish(&mut self.samples)
                .map_err(|source| AudioError::Rate {
                    path: path.into(),
                    source,
                })?;
        }
        let format = self.reader.format_info().short_name;
        let Some((rate, channels)) = self.shape.filter(|_| !self.samples.is_empty()) else {
            return Err(match self.last_error {
                Some(reason) => AudioError::Damaged {
                    path: path.into(),
                    reason,
                },
                None => AudioError::Empty(path.into()),
            });
        };
        // Any file can hold a few bytes that look like an MP3 frame.
        if format.starts_with("mp") && self.decoded_bytes * 2 < file_bytes && !has_id3(path) {
            return Err(AudioError::NotAudio {
                path: path.into(),
                found: describe(path),
            });
        }
        self.samples
            .iter_mut()
            .for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        let short = self
            .expected
            .is_some_and(|frames| self.decoded_frames < frames);
        let damage = if self.broken > 0 {
            Some(Damage::Skipped {
                packets: self.broken,
            })
        } else if self.ended_early || short {
            Some(Damage::Truncated)
        } else {
            None
        };
        let pcm = Pcm {
            samples: self.samples,
            rate: SPEECH_RATE,
        };
        Ok(Recording {
            pcm,
            format,
            rate,
            channels,
            damage,
        })
    }
}

/// The decoder of a track, the track's id, and the frames that it says it has.
type OpenTrack = (Box<dyn AudioDecoder>, u32, Option<u64>);

/// Opens the first audio track.
fn open_track(path: &Path, reader: &dyn FormatReader) -> Result<OpenTrack, AudioError> {
    let unsupported = |what: &str| AudioError::Unsupported {
        path: path.into(),
        what: what.into(),
    };
    let track: &Track = reader
        .default_track(TrackType::Audio)
        .or_else(|| reader.first_track(TrackType::Audio))
        .ok_or_else(|| match reader.tracks().is_empty() {
            true => AudioError::Empty(path.into()),
            false => unsupported("no track of it is sound, or not in a coding known here"),
        })?;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        return Err(unsupported("its coding is not known"));
    };
    let decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| match error {
            Symphonia::Unsupported(_) if is_opus(path) => unsupported("Opus"),
            Symphonia::Unsupported(what) => unsupported(what),
            other => AudioError::Damaged {
                path: path.into(),
                reason: other.to_string(),
            },
        })?;
    Ok((decoder, track.id, track.num_frames))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
