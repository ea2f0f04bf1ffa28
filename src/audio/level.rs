//! How loud a recording is.

/// From this level on a sample counts as clipped: full scale of 16 bits, less a little for
/// what resampling does to it.
const CLIPPED: f32 = 0.999;

/// Below this level a recording holds nothing that a microphone would have heard, dBFS.
pub const DIGITAL_SILENCE_DBFS: f32 = -80.0;

/// The mean square of samples from -1 to 1; 0 of none.
#[must_use]
pub fn mean_square(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32
}

/// Facts about the loudness of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The largest absolute sample, 0 to 1.
    pub peak: f32,
    /// The root mean square in dB below full scale; -inf for digital silence.
    pub rms_dbfs: f32,
    /// The share of samples at full scale, 0 to 1.
    pub clipped: f32,
}

impl Level {
    /// Measures samples from -1 to 1.
    #[must_use]
    pub fn of(samples: &[f32]) -> Self {
        let (mut peak, mut squares, mut clipped) = (0f32, 0f64, 0usize);
        for &sample in samples {
            let size = sample.abs();
            peak = peak.max(size);
            squares += f64::from(size) * f64::from(size);
            clipped += usize::from(size >= CLIPPED);
        }
        let count = samples.len().max(1);
        Self {
            peak,
            rms_dbfs: (10.0 * (squares / count as f64).log10()) as f32,
            clipped: clipped as f32 / count as f32,
        }
    }

    /// Whether nothing was recorded: a muted or unplugged microphone.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.rms_dbfs < DIGITAL_SILENCE_DBFS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f32) -> Vec<f32> {
        (0..16_000)
            .map(|n| amplitude * (n as f32 * 0.1).sin())
            .collect()
    }

    #[test]
    fn a_full_sine_is_3_db_below_full_scale() {
        let level = Level::of(&sine(0.9));
        assert!((level.peak - 0.9).abs() < 0.001);
        assert!((level.rms_dbfs - -3.9).abs() < 0.1, "{}", level.rms_dbfs);
        assert_eq!(level.clipped, 0.0);
        assert!(!level.is_silent());
    }

    #[test]
    fn an_overdriven_sine_is_clipped() {
        let loud: Vec<f32> = sine(3.0).iter().map(|s| s.clamp(-1.0, 1.0)).collect();
        assert!(Level::of(&loud).clipped > 0.5);
    }

    #[test]
    fn nothing_is_silent() {
        assert!(Level::of(&[]).is_silent());
        assert!(Level::of(&[0.0; 100]).is_silent());
        assert!(Level::of(&sine(0.00001)).is_silent());
    }
}
