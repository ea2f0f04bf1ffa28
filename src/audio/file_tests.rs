//! Files of every kind, whole and damaged. The compressed ones in `tests/data/audio` are half
//! a second of 440 Hz at half of full scale, made with sox (flac), LAME (mp3) and
//! ffmpeg (ogg); `opus.ogg` is a tenth of a second of it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::audio::write_wav;
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

fn sine(rate: u32, seconds: f32) -> Vec<f32> {
    let step = std::f32::consts::TAU * 440.0 / rate as f32;
    (0..(rate as f32 * seconds) as usize)
        .map(|n| 0.5 * (n as f32 * step).sin())
        .collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/audio")
        .join(name)
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

fn wav(rate: u32, channels: u16, bits: u16, float: bool, seconds: f32) -> Vec<u8> {
    use hound::SampleFormat::{Float, Int};
    let sample_format = if float { Float } else { Int };
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format,
    };
    let mut bytes = io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in sine(rate, seconds) {
        for _ in 0..channels {
            if float {
                writer.write_sample(sample).unwrap();
            } else {
                writer
                    .write_sample((f64::from(sample) * 2f64.powi(i32::from(bits) - 1)) as i32)
                    .unwrap();
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// Whether this is the tone of half a second.
fn is_tone(pcm: &Pcm) -> Result<(), String> {
    if pcm.rate != 16_000 || !(7_900..9_200).contains(&pcm.samples.len()) {
        return Err(format!("{} samples at {} Hz", pcm.samples.len(), pcm.rate));
    }
    let middle = &pcm.samples[2000..6000];
    let crossings = middle
        .windows(2)
        .filter(|w| (w[0] < 0.0) != (w[1] < 0.0))
        .count();
    let level = pcm.slice(125, 375).level();
    // 0.25 s of 440 Hz cross zero 220 times; half of full scale is -9 dB.
    if crossings.abs_diff(220) > 2 || (level.rms_dbfs - -9.0).abs() > 0.5 {
        return Err(format!("{crossings} zero crossings, {level:?}"));
    }
    Ok(())
}

#[test]
fn reads_every_format_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format, rate, channels) in [
        ("tone.flac", "flac", 44_100, 2),
        ("tone.mp3", "mp3", 22_050, 2),
        ("tone.ogg", "ogg", 48_000, 1),
    ] {
        let misnamed = file(&folder, "tone.wav", &std::fs::read(fixture(name)).unwrap());
        for path in [fixture(name), misnamed] {
            let heard = read(&path, &ReadLimits::default()).unwrap();
            is_tone(&heard.pcm)
                .map_err(|e| format!("{name}: {e}"))
                .unwrap();
            assert_eq!(
                (heard.format, heard.rate, heard.channels),
                (format, rate, channels)
            );
            assert_eq!(heard.damage, None, "{name}");
        }
    }
}

#[test]
fn reads_wav_of_every_rate_width_and_channel_count() {
    let folder = tempfile::tempdir().unwrap();
    for rate in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000] {
        for (channels, bits, float) in [
            (1, 8, false),
            (1, 16, false),
            (2, 16, false),
            (6, 24, false),
            (1, 32, false),
            (2, 32, true),
        ] {
            let path = file(&folder, "tone.mp3", &wav(rate, channels, bits, float, 0.5));
            let heard = read(&path, &ReadLimits::default()).unwrap();
            let what = format!("{rate} Hz, {channels} channels, {bits} bits");
            is_tone(&heard.pcm)
                .map_err(|e| format!("{what}: {e}"))
                .unwrap();
            assert_eq!(heard.pcm.samples.len(), 8_000, "{what}");
            assert_eq!(heard.damage, None, "{what}");
        }
    }
}

#[test]
fn what_was_written_is_read_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.wav");
    let pcm = Pcm {
        samples: sine(22_050, 0.5),
        rate: 22_050,
    };
    write_wav(&path, &pcm).unwrap();
    let spec = hound::WavReader::open(&path).unwrap().spec();
    assert_eq!(
        (spec.sample_rate, spec.channels, spec.bits_per_sample),
        (22_050, 1, 16)
    );
    is_tone(&decode(&path).unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_recording_that_cannot_be_written_says_so_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pcm = Pcm {
        samples: vec![0.0; 10],
        rate: 16_000,
    };
    let error = write_wav(folder.path().join("no/such/folder.wav"), &pcm).unwrap_err();
    assert!(error.to_string().starts_with("cannot write"), "{error}");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(write_wav(&taken, &pcm).is_err());
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "no draft is left"
    );
}

#[test]
fn a_wav_of_unknown_length_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    for unknown in [0u32, 0x7fff_f000, u32::MAX] {
        let mut bytes = wav(16_000, 1, 16, false, 0.5);
        bytes[4..8].copy_from_slice(&unknown.saturating_add(36).to_le_bytes());
        bytes[40..44].copy_from_slice(&unknown.to_le_bytes());
        let heard = read(file(&folder, "piped.wav", &bytes), &ReadLimits::default()).unwrap();
        assert_eq!(heard.pcm.samples.len(), 8_000, "{unknown:x}");
        assert_eq!(heard.damage, None, "{unknown:x}");
    }
}

#[test]
fn a_truncated_recording_is_read_as_far_as_it_goes_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = vec![("a.wav", wav(44_100, 2, 16, false, 0.5))];
    for name in ["tone.flac", "tone.mp3", "tone.ogg"] {
        whole.push((name, std::fs::read(fixture(name)).unwrap()));
    }
    for (name, bytes) in whole {
        // Most of so short an Ogg file is the decoder's tables.
        let kept = if name == "tone.ogg" { 94 } else { 60 };
        let path = file(&folder, name, &bytes[..bytes.len() * kept / 100]);
        let heard = read(&path, &ReadLimits::default()).unwrap();
        assert!(
            (150..400).contains(&heard.pcm.ms()),
            "{name}: {} ms",
            heard.pcm.ms()
        );
        // Ogg and MP3 files need not say how long they are.
        if name == "a.wav" || name == "tone.flac" {
            assert!(heard.damage.is_some(), "{name} is not reported as damaged");
        }
    }
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let silent = wav(16_000, 1, 16, false, 0.0);
    let opus = std::fs::read(fixture("opus.ogg")).unwrap();
    let vorbis = std::fs::read(fixture("tone.ogg")).unwrap();
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty.wav", b"", "is empty"),
        ("header.wav", &silent, "is empty"),
        ("half-header.wav", &silent[..30], "is empty"),
        (
            "notes.wav",
            b"two loaves of bread, please, and a jar of honey",
            "text that begins with",
        ),
        (
            "photo.flac",
            b"\x89PNG\r\n\x1a\n and so on and so on and so on",
            "a PNG picture",
        ),
        (
            "phone.wav",
            b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom",
            "an MP4 or M4A file",
        ),
        (
            "bytes.mp3",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            "bytes that begin with [00, 01",
        ),
        ("opus.ogg", &opus, "(Opus)"),
        ("cut.ogg", &vorbis[..300], "damaged"),
    ];
    for (name, bytes, part) in cases {
        let path = file(&folder, name, bytes);
        let error = decode(&path).unwrap_err().to_string();
        assert!(error.contains(name), "{error:?} does not name the file");
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
    assert!(
        decode(folder.path())
            .unwrap_err()
            .to_string()
            .starts_with("cannot read")
    );
    let none = decode(folder.path().join("none.wav"))
        .unwrap_err()
        .to_string();
    assert!(none.contains("No such file"), "{none}");
}

#[test]
fn a_recording_too_long_is_refused_early() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "long.wav", &wav(16_000, 1, 16, false, 3.0));
    let limits = ReadLimits {
        max_duration: Duration::from_secs(2),
    };
    let error = read(&path, &limits).unwrap_err();
    assert!(matches!(error, AudioError::TooLong { .. }), "{error}");
    assert!(
        read(
            &path,
            &ReadLimits {
                max_duration: Duration::from_secs(3)
            }
        )
        .is_ok()
    );
}

#[test]
fn a_hundredth_of_a_second_and_not_a_number_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "short.wav", &wav(44_100, 1, 16, false, 0.01));
    assert_eq!(decode(path).unwrap().samples.len(), 160);

    let mut bytes = wav(16_000, 1, 32, true, 0.1);
    let at = bytes.len() - 400;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    bytes[at + 4..at + 8].copy_from_slice(&f32::INFINITY.to_le_bytes());
    bytes[at + 8..at + 12].copy_from_slice(&1e30f32.to_le_bytes());
    let heard = decode(file(&folder, "nan.wav", &bytes)).unwrap();
    assert!(
        heard
            .samples
            .iter()
            .all(|sample| (-1.0..=1.0).contains(sample))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_damage_makes_it_panic(
        which in 0usize..4, at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = match which {
            0 => wav(16_000, 1, 16, false, 0.1),
            1 => std::fs::read(fixture("tone.flac")).unwrap(),
            2 => std::fs::read(fixture("tone.mp3")).unwrap(),
            _ => std::fs::read(fixture("tone.ogg")).unwrap(),
        };
        let at = at.index(bytes.len());
        for (slot, byte) in bytes[at..].iter_mut().zip(with) {
            *slot = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2));
        let folder = tempfile::tempdir().unwrap();
        if let Ok(heard) = read(file(&folder, "x", &bytes), &ReadLimits::default()) {
            prop_assert!(heard.pcm.samples.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}
