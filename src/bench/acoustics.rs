//! What a microphone hears in a room: the loudspeaker's echo, and noise. Made from numbers, the
//! same each time.

use crate::audio::{SPEECH_RATE, mean_square};

/// How the loudspeaker comes back into the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Echo {
    /// Its amplitude, 1: as loud as it was played.
    pub level: f32,
    /// How late its first sound is, ms.
    pub late_ms: u32,
    /// How much slower the microphone's clock runs, parts per million.
    pub drift_ppm: f64,
}

impl Echo {
    /// At half the amplitude (-6 dB), 80 ms late, with clocks 100 ppm apart.
    pub const ROOM: Self = Self {
        level: 0.5,
        late_ms: 80,
        drift_ppm: 100.0,
    };
}

/// How many reflections there are.
const REFLECTIONS: usize = 60;
/// Within how many samples they come: 150 ms.
const TAIL: f32 = 2400.0;
/// In how many samples they lose two thirds: 50 ms.
const DECAY: f32 = 800.0;

/// A generator of numbers from 0 to 1 (Numerical Recipes' LCG).
#[derive(Clone, Debug)]
pub struct Noise(u32);

impl Noise {
    /// The same numbers for the same seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next number, 0 to 1.
    pub fn next_unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 as f32 / u32::MAX as f32
    }
}

/// The way from the loudspeaker to the microphone, 16 kHz.
#[derive(Clone, Debug)]
pub struct EchoPath {
    echo: Echo,
    /// How late, in samples, and how strong.
    reflections: Vec<(usize, f32)>,
    /// What was played lately.
    played: Vec<f32>,
    /// The count of its first sample.
    first: usize,
    /// Samples heard so far.
    heard: usize,
}

impl EchoPath {
    /// A room in which nothing was played yet.
    #[must_use]
    pub fn new(echo: Echo) -> Self {
        let mut noise = Noise::new(1);
        let direct = (echo.late_ms * SPEECH_RATE / 1000) as usize;
        let mut reflections = vec![(direct, 1.0)];
        for _ in 0..REFLECTIONS {
            let late = noise.next_unit() * TAIL;
            let sign = if noise.next_unit() < 0.5 { -1.0 } else { 1.0 };
            let gain = sign * 0.4 * (-late / DECAY).exp();
            reflections.push((direct + late as usize, gain));
        }
        // As loud as it was played, before the level.
        let power: f32 = reflections.iter().map(|(_, gain)| gain * gain).sum();
        for (_, gain) in &mut reflections {
            *gain *= echo.level / power.sqrt();
        }
        Self {
            echo,
            reflections,
            played: Vec::new(),
            first: 0,
            heard: 0,
        }
    }

    /// As much as was played comes back, adding to `heard`, which is as long.
    pub fn pass(&mut self, played: &[f32], heard: &mut [f32]) {
        self.played.extend_from_slice(played);
        for slot in heard {
            let exact = self.heard as f64 * (1.0 - self.echo.drift_ppm * 1e-6);
            let (whole, part) = (exact as usize, exact.fract() as f32);
            *slot += (1.0 - part) * self.at(whole) + part * self.at(whole + 1);
            self.heard += 1;
        }
        // What no reflection reaches any more.
        let reach = (self.echo.late_ms * SPEECH_RATE / 1000) as usize + TAIL as usize + 2;
        let exact = (self.heard as f64 * (1.0 - self.echo.drift_ppm * 1e-6)) as usize;
        let done = exact.saturating_sub(self.first + reach);
        self.played.drain(..done.min(self.played.len()));
        self.first += done;
    }

    fn at(&self, n: usize) -> f32 {
        self.reflections
            .iter()
            .filter_map(|(late, gain)| {
                let at = n.checked_sub(*late)?.checked_sub(self.first)?;
                Some(gain * self.played.get(at)?)
            })
            .sum()
    }
}

/// Each recording is a voice so many times, begun somewhere else: with fewer it is no murmur, but
/// two people at the next table.
const AT_ONCE: usize = 5;

/// Many people at once, as in a café: recordings over one another, each begun somewhere, going
/// round for ever; as loud as speech of root mean square `rms`.
#[derive(Clone, Debug)]
pub struct Babble {
    voices: Vec<(Vec<f32>, usize)>,
    gain: f32,
}

impl Babble {
    /// Of these recordings, 16 kHz.
    #[must_use]
    pub fn new(recordings: &[Vec<f32>], rms: f32) -> Self {
        let mut noise = Noise::new(7);
        let voices: Vec<(Vec<f32>, usize)> = recordings
            .iter()
            .filter(|voice| !voice.is_empty())
            .flat_map(|voice| std::iter::repeat_n(voice, AT_ONCE))
            .map(|voice| {
                let at = (noise.next_unit() * voice.len() as f32) as usize % voice.len();
                (voice.clone(), at)
            })
            .collect();
        let mut babble = Self { voices, gain: 1.0 };
        let sample: Vec<f32> = {
            let mut trial = babble.clone();
            let mut heard = vec![0.0; 8 * SPEECH_RATE as usize];
            trial.pass(&mut heard);
            heard
        };
        babble.gain = rms / mean_square(&sample).sqrt().max(1e-6);
        babble
    }

    /// Adds to what is heard.
    pub fn pass(&mut self, heard: &mut [f32]) {
        for slot in heard {
            for (voice, at) in &mut self.voices {
                *slot += self.gain * voice[*at];
                *at = (*at + 1) % voice.len();
            }
        }
    }
}
