//! The client of the daemon against the real speech worker and the real model. The speech is
//! made on the spot by espeak-ng. Fails, rather than skips, when the model is missing: run
//! `comptoir models fetch`.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use comptoir::audio::{Pcm, decode};
use comptoir::lang::Language;
use comptoir::stt::gate::{GateSettings, Phantoms, Verdict, judge};
use comptoir::stt::{SttError, Transcribe, TranscribeRequest, Transcript, WyomingStt};
use comptoir::vad::{VadSettings, utterances};
use comptoir::wyoming::client::{describe, ping};

/// Long enough for a machine that is busy with the other tests.
const SOON: Duration = Duration::from_secs(60);

struct Worker {
    process: Child,
    stt: WyomingStt,
    _folder: tempfile::TempDir,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn model() -> PathBuf {
    let folder = std::env::var_os("COMPTOIR_MODELS").map_or_else(
        || dirs::cache_dir().unwrap().join("comptoir/models"),
        PathBuf::from,
    );
    let model = folder.join("ggml-base.bin");
    assert!(
        model.is_file(),
        "{} is missing: run `comptoir models fetch`",
        model.display()
    );
    model
}

fn worker() -> Worker {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("unix://{}", folder.path().join("stt.sock").display());
    let mut process = Command::new(env!("CARGO_BIN_EXE_comptoir-stt"))
        .args(["--uri", &uri, "--with-parent", "--model"])
        .arg(model())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    assert_eq!(ready.trim(), format!("ready {uri}"));
    Worker {
        process,
        stt: WyomingStt::new(uri.parse().unwrap()),
        _folder: folder,
    }
}

fn say(voice: &str, text: &str) -> Pcm {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("said.wav");
    let done = Command::new("espeak-ng")
        .args(["-v", voice, "-s", "140", "-w"])
        .arg(path)
        .arg(text)
        .status();
    assert!(done.unwrap().success());
    decode(path).unwrap()
}

fn request(pcm: Pcm, language: Option<Language>) -> TranscribeRequest {
    TranscribeRequest {
        pcm,
        language,
        prompt: None,
        within: SOON,
    }
}

fn verdict(said: &Transcript, pcm: &Pcm) -> Verdict {
    let speech_ms = utterances(pcm, &VadSettings::default())
        .unwrap()
        .iter()
        .map(|s| s.speech_ms)
        .sum();
    judge(
        &said.text,
        &said.evidence,
        Some(speech_ms),
        Phantoms::builtin(),
        &GateSettings::default(),
    )
}

/// Noise that is the same each time.
fn noise(seconds: usize) -> Pcm {
    let mut state = 1u32;
    let samples = (0..16_000 * seconds)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 25) as f32 - 0.25
        })
        .collect();
    Pcm {
        samples,
        rate: 16_000,
    }
}

#[tokio::test]
async fn a_conversation_with_the_worker() {
    let worker = worker();
    let stt = &worker.stt;
    ping(stt.uri(), SOON).await.unwrap();
    let info = describe(stt.uri(), SOON).await.unwrap();
    assert_eq!(info.asr[0].models[0].languages, ["en", "fr"]);

    // Both languages, detected.
    let english = say("en", "I want to return the blue shoes, please");
    let said = stt
        .transcribe(request(english.clone(), None))
        .await
        .unwrap();
    assert_eq!(said.language, Some(Language::En));
    assert!(said.text.to_lowercase().contains("blue shoes"), "{said:?}");
    assert!(
        matches!(verdict(&said, &english), Verdict::Heard(_)),
        "{said:?}"
    );
    let french = say("fr", "Merci beaucoup, au revoir.");
    let said = stt.transcribe(request(french, None)).await.unwrap();
    assert_eq!(said.language, Some(Language::Fr));
    assert!(said.text.to_lowercase().contains("revoir"), "{said:?}");

    // A wrong language is told apart from a right one.
    let wrong = stt
        .transcribe(request(english.clone(), Some(Language::Fr)))
        .await
        .unwrap();
    assert!(wrong.evidence.language_prob.unwrap() < 0.3, "{wrong:?}");

    // Silence, noise and next to nothing are nothing.
    let silence = Pcm {
        samples: vec![0.0; 48_000],
        rate: 16_000,
    };
    let blip = Pcm {
        samples: vec![0.1; 800],
        rate: 16_000,
    };
    for nothing in [silence, noise(3), blip] {
        let said = stt
            .transcribe(request(nothing.clone(), None))
            .await
            .unwrap();
        assert!(
            matches!(verdict(&said, &nothing), Verdict::Nothing(_)),
            "{said:?}"
        );
    }

    // A request that is dropped does not hold up the next for long, and a late one is told.
    let hasty = TranscribeRequest {
        within: Duration::from_millis(20),
        ..request(english.clone(), None)
    };
    let late = stt.transcribe(hasty).await.unwrap_err();
    assert!(matches!(late, SttError::Deadline(_)), "{late}");
    let began = Instant::now();
    stt.transcribe(request(english, Some(Language::En)))
        .await
        .unwrap();
    assert!(began.elapsed() < SOON);

    // A worker that died is not there.
    let stt = stt.clone();
    drop(worker);
    let gone = stt.transcribe(request(noise(1), None)).await.unwrap_err();
    assert!(matches!(gone, SttError::Unreachable(_)), "{gone}");
}
