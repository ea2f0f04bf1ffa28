#![allow(clippy::unwrap_used)]
//! The kiosk's own voice comes back through a room: late, reverberant, from a clock that runs
//! 100 ppm off. Real recordings, no devices.

use super::*;
use crate::{
    audio::{decode, resample},
    vad::{Edge, Endpointer, VadSettings},
};

/// The recordings of the demo, one after another, at 16 kHz.
fn recorded(names: &[&str]) -> Vec<f32> {
    names
        .iter()
        .flat_map(|name| {
            let path = format!("{}/assets/demo/{name}.ogg", env!("CARGO_MANIFEST_DIR"));
            resample(&decode(path).unwrap(), SPEECH_RATE)
                .unwrap()
                .into_owned()
                .samples
        })
        .collect()
}

/// What a microphone hears of a loudspeaker: 80 ms late, with a tail of echoes, at a level, by a
/// clock that is 100 ppm slow.
fn through_a_room(played: &[f32], level: f32) -> Vec<f32> {
    // Echoes at random times, each weaker; a fixed generator (Numerical Recipes' LCG).
    let mut seed = 1u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed as f32 / u32::MAX as f32
    };
    let mut taps = vec![(1280usize, 1.0f32)];
    for _ in 0..60 {
        let late = random() * 2400.0;
        let sign = if random() < 0.5 { -1.0 } else { 1.0 };
        taps.push((1280 + late as usize, sign * 0.4 * (-late / 800.0).exp()));
    }
    let heard = |n: usize| -> f32 {
        taps.iter()
            .filter_map(|(late, gain)| Some(gain * played.get(n.checked_sub(*late)?)?))
            .sum()
    };
    (0..played.len() - 1)
        .map(|n| {
            let exact = n as f64 * (1.0 - 100e-6);
            let (whole, part) = (exact as usize, exact.fract() as f32);
            level * ((1.0 - part) * heard(whole) + part * heard(whole + 1))
        })
        .collect()
}

/// Runs the front end, 10 ms of each side at a time; gives the edges with their times, ms.
fn edges(played: &[f32], heard: &[f32]) -> Vec<(u64, Edge)> {
    let mut cleaner = Cleaner::new(true);
    let mut endpointer = Endpointer::new(VadSettings::default());
    let mut edges = Vec::new();
    for (out, back) in played.chunks(TEN_MS).zip(heard.chunks(TEN_MS)) {
        cleaner.render(out);
        cleaner.capture(back, |frame| {
            let edge = endpointer.step(frame.at, frame.score);
            edges.extend(edge.map(|edge| (frame.at / 16, edge)));
        });
    }
    edges
}

fn kiosk() -> Vec<f32> {
    recorded(&[
        "en-1", "fr-1", "en-2", "fr-2", "en-3", "fr-3", "en-4", "fr-4",
    ])
}

#[test]
fn the_kiosk_does_not_hear_itself() {
    let played = kiosk();
    for level in [0.25, 0.5, 1.0] {
        let heard = edges(&played, &through_a_room(&played, level));
        let began = heard
            .iter()
            .filter(|(_, edge)| matches!(edge, Edge::Ended(_) | Edge::Paused(_)))
            .count();
        assert_eq!(began, 0, "at {level}: {heard:?}");
    }
}

#[test]
fn a_shopper_is_heard_over_the_kiosk() {
    let played = kiosk();
    let mut heard = through_a_room(&played, 0.5);
    let shopper = recorded(&["en-5", "en-6"]);
    let from = 6 * SPEECH_RATE as usize;
    for (slot, sample) in heard[from..].iter_mut().zip(&shopper) {
        *slot += sample;
    }
    let all = edges(&played, &heard);
    let began = all
        .iter()
        .find(|(_, edge)| matches!(edge, Edge::Began { .. }));
    let (at, _) = began.unwrap();
    assert!((6_000..6_900).contains(at), "{all:?}");
    assert!(all.iter().any(|(_, edge)| matches!(edge, Edge::Paused(_))));
}

#[test]
fn without_echo_speech_passes() {
    let shopper = recorded(&["en-1"]);
    let all = edges(&vec![0.0; shopper.len()], &shopper);
    assert!(
        matches!(all.first(), Some((_, Edge::Began { .. }))),
        "{all:?}"
    );
}
