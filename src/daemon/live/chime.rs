//! Short sounds of our own: listening, done.

use crate::audio::live::loudspeaker::PLAY_RATE;
use std::f32::consts::TAU;

/// A note: its pitch (Hz) and length (ms).
pub type Note = (f32, u32);

/// The kiosk listens: a fifth up.
pub const LISTENING: &[Note] = &[(523.25, 70), (783.99, 110)];
/// The session is over: a fifth down.
pub const DONE: &[Note] = &[(783.99, 70), (523.25, 130)];

/// How loud, 0 to 1.
const LEVEL: f32 = 0.12;

/// The sound of some notes, at [`PLAY_RATE`].
#[must_use]
pub fn sound(notes: &[Note]) -> Vec<f32> {
    let mut out = Vec::new();
    for (hz, ms) in notes {
        let length = (PLAY_RATE * ms / 1000) as usize;
        for n in 0..length {
            let time = n as f32 / PLAY_RATE as f32;
            // A soft beginning and end, no clicks.
            let shape = (std::f32::consts::PI * n as f32 / length as f32).sin();
            let tone = (TAU * hz * time).sin() + 0.3 * (2.0 * TAU * hz * time).sin();
            out.push(LEVEL * shape * tone);
        }
    }
    out
}
