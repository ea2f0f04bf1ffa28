//! Sound that the test makes: silence, noises, tones, and speech by espeak-ng.

#![allow(clippy::unwrap_used)]

use super::*;
use std::process::Command;

/// White noise between -1 and 1, the same each time (xorshift32).
fn noise(seconds: f32) -> Vec<f32> {
    let mut state = 0x9e37_79b9u32;
    (0..(16_000.0 * seconds) as usize)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / (u32::MAX / 2) as f32 - 1.0
        })
        .collect()
}

fn tone(hz: f32, seconds: f32) -> Vec<f32> {
    (0..(16_000.0 * seconds) as usize)
        .map(|n| (n as f32 * hz * std::f32::consts::TAU / 16_000.0).sin())
        .collect()
}

fn scaled(samples: &[f32], by: f32) -> Pcm {
    Pcm {
        samples: samples.iter().map(|s| (s * by).clamp(-1.0, 1.0)).collect(),
        rate: 16_000,
    }
}

fn speech(voice: &str, text: &str) -> Pcm {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("speech.wav");
    let done = Command::new("espeak-ng")
        .args(["-v", voice, "-w"])
        .arg(&path)
        .arg(text)
        .status();
    assert!(
        done.unwrap().success(),
        "espeak-ng (a Debian package) is needed for this test"
    );
    crate::audio::decode(path).unwrap()
}

/// Joins recordings, with so much silence (a little hiss, as of a room) around each.
fn with_silence(recordings: &[&Pcm], silence_s: f32) -> Pcm {
    let hiss: Vec<f32> = noise(silence_s).iter().map(|s| s * 0.001).collect();
    let mut samples = hiss.clone();
    for recording in recordings {
        samples.extend(&recording.samples);
        samples.extend(&hiss);
    }
    Pcm {
        samples,
        rate: 16_000,
    }
}

fn found(pcm: &Pcm) -> Vec<Segment> {
    utterances(pcm, &VadSettings::default()).unwrap()
}

#[test]
fn silence_noise_and_tones_have_no_utterance() {
    let white = noise(6.0);
    let mut brown = vec![0.0; white.len()];
    for n in 1..white.len() {
        brown[n] = 0.98 * brown[n - 1] + 0.05 * white[n];
    }
    let clicks: Vec<f32> = (0..96_000)
        .map(|n| if n % 8_000 < 20 { 0.9 } else { 0.0 })
        .collect();
    let hum: Vec<f32> = tone(50.0, 6.0)
        .iter()
        .zip(tone(150.0, 6.0))
        .map(|(a, b)| a + b)
        .collect();
    for (what, samples, by) in [
        ("silence", vec![0.0; 96_000], 1.0),
        ("quiet noise", white.clone(), 0.003),
        ("loud noise", white.clone(), 0.5),
        ("clipped noise", white, 4.0),
        ("brown noise", brown, 1.0),
        ("a tone", tone(440.0, 6.0), 0.5),
        ("a loud tone", tone(1000.0, 6.0), 2.0),
        ("hum", hum, 0.3),
        ("clicks", clicks, 1.0),
    ] {
        let heard = found(&scaled(&samples, by));
        assert_eq!(heard, [], "{what} is taken for speech");
    }
}

#[test]
fn nothing_and_a_tenth_of_a_second_have_no_utterance() {
    assert_eq!(found(&scaled(&[], 1.0)), []);
    assert_eq!(found(&scaled(&noise(0.1), 0.2)), []);
}

#[test]
fn a_file_is_cut_in_its_utterances() {
    let (question, answer) = (
        speech("en", "I would like two coffees"),
        speech("fr", "Et un croissant"),
    );
    let recording = with_silence(&[&question, &answer], 1.2);
    let heard = found(&recording);
    assert_eq!(heard.len(), 2, "{heard:?}");
    let second_begins = 1200 + question.ms() + 1200;
    for (segment, begins, length) in [
        (heard[0], 1200, question.ms()),
        (heard[1], second_begins, answer.ms()),
    ] {
        assert!(segment.start_ms <= begins + 50, "{segment:?} begins late");
        assert!(segment.start_ms + 400 >= begins, "{segment:?} begins early");
        assert!(
            segment.end_ms + 100 >= begins + length - 250,
            "{segment:?} ends early"
        );
        assert!(
            segment.end_ms <= begins + length + 300,
            "{segment:?} ends late"
        );
        assert!(
            segment.speech_ms > length / 3,
            "{segment:?} has little speech"
        );
    }
}

#[test]
fn speech_is_found_whatever_the_rate_and_level() {
    let said = speech("en", "Where is my order");
    for by in [0.02, 0.3, 1.0, 8.0] {
        let heard = found(&with_silence(&[&scaled(&said.samples, by)], 1.0));
        assert_eq!(heard.len(), 1, "at {by}: {heard:?}");
    }
    let loud = with_silence(&[&said], 1.0);
    let faster = crate::audio::resample(&loud, 44_100).unwrap();
    assert_eq!(found(&faster).len(), 1);
}

#[test]
fn a_short_yes_is_an_utterance() {
    for (voice, word) in [("en", "yes"), ("fr", "oui"), ("en", "no"), ("fr", "non")] {
        let heard = found(&with_silence(&[&speech(voice, word)], 1.0));
        assert_eq!(heard.len(), 1, "{word}: {heard:?}");
    }
}
