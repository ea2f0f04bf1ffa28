//! The client against services of every temper.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::lang::Language;
use crate::wyoming::message::{Failure, code};
use crate::wyoming::pcm;
use crate::wyoming::server::{Connection, Listener, Manners};
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(5);
const RATE: u32 = 22_050;

/// A service that answers the first request of each connection so.
async fn service<F, T>(answer: F) -> WyomingTts
where
    F: Fn(Ask, Connection) -> T + Send + Sync + Copy + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let uri = "tcp://127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&uri).await.unwrap();
    let client = WyomingTts::new(listener.uri().clone());
    let stop = CancellationToken::new();
    tokio::spawn(
        listener.serve(Manners::default(), stop, move |mut it, _| async move {
            if let Ok(Some(event)) = it.reader.next().await {
                answer(Ask::from_event(&event).unwrap(), it).await;
            }
        }),
    );
    client
}

/// The voice of these services: a tenth of a second for each character.
async fn speak(text: &str, it: &mut Connection) {
    let samples = vec![0.25; text.chars().count() * RATE as usize / 10];
    for chunk in pcm::chunks(&samples, RATE) {
        it.writer.write(&chunk.event()).await.unwrap();
    }
}

async fn stop(it: &mut Connection) {
    it.writer
        .write(&AudioStop::default().event())
        .await
        .unwrap();
}

/// Says nothing until the client goes. (A closure would drop the half that it does not use.)
async fn hold(mut it: Connection) {
    it.reader.closed().await;
}

fn request(text: &str) -> SynthesizeRequest<'_> {
    SynthesizeRequest::new(text, Language::Fr, SOON)
}

#[tokio::test]
async fn audio_is_heard_before_the_end_of_it_is_made() {
    let tts = service(|ask, mut it| async move {
        assert_eq!(ask.voice.unwrap().language.unwrap(), "fr");
        speak(&ask.text, &mut it).await;
        // The rest is never made: who waited for all of it would wait in vain.
        it.reader.closed().await;
    })
    .await;
    let (first, mut heard) = mpsc::unbounded_channel();
    let mut tell = move |piece: &Pcm| first.send(piece.clone()).unwrap();
    tokio::select! {
        ended = tts.synthesize(request("bonjour"), &mut tell) => panic!("{ended:?}"),
        piece = heard.recv() => {
            let piece = piece.unwrap();
            assert_eq!(piece.rate, RATE);
            assert!((piece.samples[0] - 0.25).abs() < 1e-3);
        }
    }
}

#[tokio::test]
async fn the_whole_is_what_was_heard() {
    let tts = service(|ask, mut it| async move {
        speak(&ask.text, &mut it).await;
        stop(&mut it).await;
    })
    .await;
    let mut heard = 0;
    let mut count = |piece: &Pcm| heard += piece.samples.len();
    let speech = tts
        .synthesize(request("bonjour"), &mut count)
        .await
        .unwrap();
    assert_eq!(speech.ms(), 700);
    assert_eq!(heard, speech.samples.len());
}

#[tokio::test]
async fn a_text_without_sound_is_no_error() {
    let tts = service(|_, mut it| async move { stop(&mut it).await }).await;
    let speech = tts.synthesize(request("🙂"), &mut |_| {}).await.unwrap();
    assert!(speech.samples.is_empty());
}

#[tokio::test]
async fn silence_and_endless_speech_end_at_their_deadlines() {
    let mute = service(|_, it| hold(it)).await;
    let hurried = SynthesizeRequest {
        first_within: Duration::from_millis(30),
        ..request("bonjour")
    };
    let error = mute.synthesize(hurried, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, TtsError::FirstAudioLate { .. }), "{error}");
    assert!(
        error.to_string().ends_with("gave no audio within 30 ms"),
        "{error}"
    );

    let endless = service(|ask, mut it| async move {
        speak(&ask.text, &mut it).await;
        it.reader.closed().await;
    })
    .await;
    let short = SynthesizeRequest {
        within: Duration::from_millis(100),
        ..request("bonjour")
    };
    let error = endless.synthesize(short, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, TtsError::Late { .. }), "{error}");
}

#[tokio::test]
async fn dropping_the_request_is_seen_by_the_service() {
    let (uri, mut gone) = {
        let (gone, left) = mpsc::unbounded_channel();
        let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let uri = listener.uri().clone();
        let serve = move |mut it: Connection, _| {
            let gone = gone.clone();
            async move {
                speak("a", &mut it).await;
                it.reader.closed().await;
                let _ = gone.send(());
            }
        };
        tokio::spawn(listener.serve(Manners::default(), CancellationToken::new(), serve));
        (uri, left)
    };
    let tts = WyomingTts::new(uri);
    let short = Duration::from_millis(50);
    let cut = tokio::time::timeout(short, tts.synthesize(request("bonjour"), &mut |_| {})).await;
    assert!(cut.is_err());
    tokio::time::timeout(SOON, gone.recv())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn tells_its_troubles_apart() {
    let nobody = WyomingTts::new("unix:///nowhere/at/all.sock".parse().unwrap());
    let error = nobody
        .synthesize(request("a"), &mut |_| {})
        .await
        .unwrap_err();
    assert!(error.is_unreachable(), "{error}");

    let died = service(|ask, mut it| async move { speak(&ask.text, &mut it).await }).await;
    let error = died
        .synthesize(request("a"), &mut |_| {})
        .await
        .unwrap_err();
    assert!(error.is_unreachable(), "{error}");

    let refuses = service(|_, mut it| async move {
        let failure = Failure::new(code::BAD_REQUEST, "no voice speaks \"fr\"");
        it.writer.write(&failure.event()).await.unwrap();
    })
    .await;
    let error = refuses
        .synthesize(request("a"), &mut |_| {})
        .await
        .unwrap_err();
    assert!(matches!(&error, TtsError::Refused { code: Some(c), .. } if c == code::BAD_REQUEST));
    assert!(
        error.to_string().ends_with("says: no voice speaks \"fr\""),
        "{error}"
    );
    assert!(!error.is_unreachable());

    let babbles = service(|_, mut it| async move {
        let chunk = crate::wyoming::Event::new(AudioChunk::KIND);
        it.writer.write(&chunk).await.unwrap();
        it.reader.closed().await;
    })
    .await;
    let error = babbles
        .synthesize(request("a"), &mut |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, TtsError::Protocol(_)), "{error}");
}
