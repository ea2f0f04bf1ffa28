//! From one sample rate to another.

use std::borrow::Cow;

use rubato::audioadapter_buffers::SizeError;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, ResampleError, Resampler as _, ResamplerConstructionError};

use super::Pcm;

/// Input frames in a step.
const CHUNK: usize = 1024;

/// The lowest and highest rates that are resampled, Hz.
pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// Resampling failed.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    /// A rate outside [`RATES`].
    #[error("expected a sample rate from {low} to {high} Hz, found {0} Hz", low = RATES.start(), high = RATES.end())]
    OutOfRange(u32),
    /// The resampler could not be made.
    #[error("cannot resample: {0}")]
    Unmade(#[from] ResamplerConstructionError),
    /// The resampler failed.
    #[error("cannot resample: {0}")]
    Failed(#[from] ResampleError),
    /// A buffer of the resampler has a wrong size.
    #[error("cannot resample: {0}")]
    Size(#[from] SizeError),
}

/// Resamples a stream of mono samples. What comes out is as long as what goes in, without the
/// delay of the filter.
pub struct Resampler {
    /// None: the rates are the same.
    fft: Option<Box<Fft<f32>>>,
    from: u32,
    to: u32,
    /// Input that does not fill a chunk yet.
    pending: Vec<f32>,
    /// Output of one chunk.
    scratch: Vec<f32>,
    /// Frames of delay still to drop from the output.
    delay: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler between two rates in Hz.
    ///
    /// # Errors
    /// For rates outside [`RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self, RateError> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(RateError::OutOfRange(rate));
            }
        }
        let fft = if from == to {
            None
        } else {
            Some(Box::new(Fft::new(
                from as usize,
                to as usize,
                CHUNK,
                1,
                FixedSync::Both,
            )?))
        };
        let (delay, most) = fft
            .as_ref()
            .map_or((0, 0), |fft| (fft.output_delay(), fft.output_frames_max()));
        Ok(Self {
            fft,
            from,
            to,
            pending: Vec::new(),
            scratch: vec![0.0; most],
            delay,
            taken: 0,
            given: 0,
        })
    }

    /// Takes samples, and appends what is ready to `out`.
    ///
    /// # Errors
    /// When the resampler fails, which it does not for a well-formed stream.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), RateError> {
        self.taken += samples.len() as u64;
        let Some(fft) = &self.fft else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        // Fixed at both ends: every step takes the same number of frames.
        let step = fft.input_frames_next();
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(samples);
        let mut used = 0;
        for chunk in pending.chunks_exact(step) {
            self.step(chunk, out)?;
            used += step;
        }
        pending.drain(..used);
        self.pending = pending;
        Ok(())
    }

    /// Ends the stream: appends what is left to `out`.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(mut self, out: &mut Vec<f32>) -> Result<(), RateError> {
        if self.fft.is_none() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.pending);
        let whole =
            (u128::from(self.taken) * u128::from(self.to)).div_ceil(self.from.into()) as u64;
        self.step(&rest, out)?;
        while self.given < whole {
            self.step(&[], out)?;
        }
        out.truncate(out.len() - (self.given - whole) as usize);
        Ok(())
    }

    /// Feeds one chunk, filled up with silence when it is short.
    fn step(&mut self, chunk: &[f32], out: &mut Vec<f32>) -> Result<(), RateError> {
        let Some(fft) = &mut self.fft else {
            return Ok(());
        };
        let most = self.scratch.len();
        let made = {
            let silence = [0.0];
            let input = if chunk.is_empty() {
                &silence[..]
            } else {
                chunk
            };
            let input = InterleavedSlice::new(input, 1, input.len())?;
            let mut output = InterleavedSlice::new_mut(&mut self.scratch, 1, most)?;
            let part = Indexing::new().partial_len(chunk.len());
            fft.process_into_buffer(&input, &mut output, Some(&part))?.1
        };
        let late = self.delay.min(made);
        self.delay -= late;
        out.extend_from_slice(&self.scratch[late..made]);
        self.given += (made - late) as u64;
        Ok(())
    }
}

/// Resamples a whole recording. The filter can overshoot; the result stays within -1 to 1.
///
/// # Errors
/// For rates outside [`RATES`].
pub fn resample(pcm: &Pcm, rate: u32) -> Result<Cow<'_, Pcm>, RateError> {
    if pcm.rate == rate {
        return Ok(Cow::Borrowed(pcm));
    }
    let mut resampler = Resampler::new(pcm.rate, rate)?;
    let mut samples = Vec::with_capacity(pcm.samples.len() * rate as usize / pcm.rate as usize + 1);
    for piece in pcm.samples.chunks(1 << 16) {
        resampler.push(piece, &mut samples)?;
    }
    resampler.finish(&mut samples)?;
    samples
        .iter_mut()
        .for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
    Ok(Cow::Owned(Pcm { samples, rate }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(hz: f32, rate: u32, seconds: f32) -> Pcm {
        let count = (rate as f32 * seconds) as usize;
        let step = std::f32::consts::TAU * hz / rate as f32;
        Pcm {
            samples: (0..count).map(|n| 0.5 * (n as f32 * step).sin()).collect(),
            rate,
        }
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_and_place() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000] {
            let heard = resample(&tone(440.0, rate, 1.0), 16_000)
                .unwrap()
                .into_owned();
            assert_eq!(heard.samples.len(), 16_000, "{rate} Hz");
            let wanted = tone(440.0, 16_000, 1.0);
            // The ends ring: the tone begins and ends abruptly.
            let worst = (800..15_200)
                .map(|n| (heard.samples[n] - wanted.samples[n]).abs())
                .fold(0.0, f32::max);
            // Half a sample of this tone is 0.043; the filter's delay is whole samples.
            assert!(worst < 0.07, "{rate} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_16_khz_cannot_carry_is_removed_not_folded() {
        let heard = resample(&tone(12_000.0, 48_000, 0.5), 16_000)
            .unwrap()
            .into_owned();
        assert!(heard.slice(100, 400).level().rms_dbfs < -60.0);
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for rate in [0, 100, 500_000, u32::MAX] {
            let error = resample(
                &Pcm {
                    samples: vec![0.0; 9],
                    rate,
                },
                16_000,
            )
            .unwrap_err();
            assert!(
                error.to_string().contains("from 4000 to 384000 Hz"),
                "{error}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_stream_gives_what_the_whole_gives(
            rate in prop::sample::select(vec![8_000u32, 16_000, 22_050, 44_100, 44_101, 48_000]),
            pieces in prop::collection::vec(0usize..3000, 0..8),
        ) {
            let whole = tone(300.0, rate, pieces.iter().sum::<usize>() as f32 / rate as f32);
            let mut stream = Resampler::new(rate, 16_000).unwrap();
            let (mut out, mut at) = (Vec::new(), 0);
            for piece in pieces {
                let end = (at + piece).min(whole.samples.len());
                stream.push(&whole.samples[at..end], &mut out).unwrap();
                at = end;
            }
            stream.push(&whole.samples[at..], &mut out).unwrap();
            stream.finish(&mut out).unwrap();
            let expected = resample(&whole, 16_000).unwrap();
            prop_assert_eq!(&out, &expected.samples);
        }
    }
}
