#![allow(clippy::unwrap_used)]
//! The kiosk's own voice comes back through a room: late, reverberant, from a clock that runs
//! 100 ppm off. Real recordings, no devices.

use super::*;
use crate::{
    audio::{decode, resample},
    bench::{
        acoustics::{Echo, EchoPath},
        trials::noise,
    },
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

/// What a microphone hears of a loudspeaker, at a level.
fn through_a_room(played: &[f32], level: f32) -> Vec<f32> {
    let mut heard = vec![0.0; played.len()];
    EchoPath::new(Echo {
        level,
        ..Echo::ROOM
    })
    .pass(played, &mut heard);
    heard
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

#[test]
fn it_is_quiet_when_the_kiosk_falls_silent() {
    for cut in [3, 5, 7] {
        let mut played = kiosk();
        // In the middle of a word.
        played.truncate(cut * SPEECH_RATE as usize);
        played.resize((cut + 20) * SPEECH_RATE as usize, 0.0);
        let heard = through_a_room(&played, 0.5);
        let mut cleaner = Cleaner::new(true);
        let mut loud = 0;
        for (out, back) in played.chunks(256).zip(heard.chunks(256)) {
            cleaner.render(out);
            cleaner.capture(back, |frame| {
                let late = frame.at > (cut as u64 + 2) * u64::from(SPEECH_RATE);
                loud += usize::from(late && frame.score > 0.3);
            });
        }
        assert_eq!(loud, 0, "cut after {cut} s");
    }
}

#[test]
fn clicks_coughs_thumps_tills_and_steam_are_no_voice() {
    let played = kiosk();
    for number in 0..25 {
        let noise = noise(number);
        let mut heard = through_a_room(&played, 0.5);
        let from = 6 * SPEECH_RATE as usize;
        for (slot, sample) in heard[from..].iter_mut().zip(&noise) {
            *slot += sample;
        }
        let mut cleaner = Cleaner::new(true);
        let mut voiced = 0;
        for (out, back) in played.chunks(256).zip(heard.chunks(256)) {
            cleaner.render(out);
            cleaner.capture(back, |frame| voiced += usize::from(frame.score >= 0.6));
        }
        assert!(voiced < 12, "noise {number}: {voiced} frames");
    }
}
