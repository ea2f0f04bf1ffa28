//! The client against a service made for the test.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::audio::Pcm;
use crate::lang::Language;
use crate::wyoming::message::{AudioChunk, Failure, code};
use crate::wyoming::server::{Listener, Manners};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the service heard: the request's data and the samples.
type Heard = (Map<String, Value>, usize);

/// A service that answers with `answer`, or never.
async fn service(
    answer: Option<Value>,
) -> (
    WyomingStt,
    mpsc::UnboundedReceiver<Heard>,
    mpsc::UnboundedReceiver<()>,
) {
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let stt = WyomingStt::new(listener.uri().clone());
    let (heard, hears) = mpsc::unbounded_channel();
    let (left, leaves) = mpsc::unbounded_channel();
    let serve = listener.serve(
        Manners::default(),
        CancellationToken::new(),
        move |mut it, _| {
            let (answer, heard, left) = (answer.clone(), heard.clone(), left.clone());
            async move {
                let (mut asked, mut samples) = (Map::new(), 0);
                while let Ok(Some(event)) = it.reader.next().await {
                    match event.kind.as_str() {
                        "transcribe" => asked = event.data,
                        "audio-chunk" => {
                            samples += AudioChunk::from_event(&event).unwrap().audio.len() / 2
                        }
                        "audio-stop" => break,
                        _ => {}
                    }
                }
                let _ = heard.send((asked, samples));
                match answer {
                    Some(Value::Object(data)) => {
                        let event = crate::wyoming::Event {
                            kind: "transcript".into(),
                            data,
                            ..Default::default()
                        };
                        it.writer.write(&event).await.unwrap();
                    }
                    Some(_) => it
                        .writer
                        .write(&Failure::new(code::BUSY, "later").event())
                        .await
                        .unwrap(),
                    None => {
                        it.reader.closed().await;
                        let _ = left.send(());
                    }
                }
            }
        },
    );
    tokio::spawn(serve);
    (stt, hears, leaves)
}

fn request(ms: u64) -> TranscribeRequest {
    TranscribeRequest {
        pcm: Pcm {
            samples: vec![0.1; 48 * ms as usize],
            rate: 48_000,
        },
        language: Some(Language::Fr),
        prompt: Some("Flat white, mocha.".into()),
        within: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn sends_the_sound_at_16_khz_and_reads_text_and_evidence() {
    let answer = json!({"text": " Un moka. ", "language": "fr", "context": {"no_speech_prob": 0.02,
        "avg_logprob": -0.3, "language_prob": 0.9, "language": "fr", "encode_ms": 200, "novelty": [1]}});
    let (stt, mut hears, _) = service(Some(answer)).await;
    let said = stt.transcribe(request(500)).await.unwrap();
    assert_eq!(
        (said.text.as_str(), said.language),
        ("Un moka.", Some(Language::Fr))
    );
    assert_eq!(said.evidence.no_speech_prob, Some(0.02));
    assert_eq!(said.evidence.encode_ms, Some(200));
    let (asked, samples) = hears.recv().await.unwrap();
    assert_eq!(
        Value::Object(asked),
        json!({"language": "fr", "context": {"prompt": "Flat white, mocha."}})
    );
    assert_eq!(samples, 8_000);
}

#[tokio::test]
async fn another_service_need_not_know_more_than_the_text() {
    let (stt, _hears, _) = service(Some(
        json!({"text": "un moka", "context": {"no_speech_prob": "?"}}),
    ))
    .await;
    let said = stt.transcribe(request(100)).await.unwrap();
    assert_eq!(
        (said.language, said.evidence),
        (Some(Language::Fr), Evidence::default())
    );
}

#[tokio::test]
async fn dropping_a_request_cancels_it() {
    let (stt, mut hears, mut leaves) = service(None).await;
    let asking = tokio::spawn(async move { stt.transcribe(request(100)).await });
    hears.recv().await.unwrap();
    asking.abort();
    tokio::time::timeout(Duration::from_secs(5), leaves.recv())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn tells_its_troubles_apart() {
    let (stt, _hears, _leaves) = service(None).await;
    let hasty = TranscribeRequest {
        within: Duration::from_millis(80),
        ..request(100)
    };
    let began = Instant::now();
    let late = stt.transcribe(hasty).await.unwrap_err();
    assert!(
        matches!(late, SttError::Deadline(_)) && late.is_passing(),
        "{late}"
    );
    assert!(began.elapsed() < Duration::from_secs(2));

    let (stt, _hears, _) = service(Some(json!("busy"))).await;
    let busy = stt.transcribe(request(100)).await.unwrap_err();
    assert!(
        matches!(busy, SttError::Failed(_)) && busy.is_passing(),
        "{busy}"
    );

    let (stt, _hears, _) = service(Some(json!({"words": 3}))).await;
    let odd = stt.transcribe(request(100)).await.unwrap_err();
    assert!(
        matches!(odd, SttError::Protocol(_)) && !odd.is_passing(),
        "{odd}"
    );

    let nobody = WyomingStt::new("unix:///nowhere/stt.sock".parse().unwrap());
    let gone = nobody.transcribe(request(100)).await.unwrap_err();
    assert!(
        matches!(gone, SttError::Unreachable(_)) && gone.is_passing(),
        "{gone}"
    );
}
