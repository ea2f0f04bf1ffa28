//! The wake word, by any Wyoming wake service (`wake.uri`: openWakeWord, microWakeWord ...).
//!
//! It gets the sound from before a session; what it makes of it is its own, and it should run
//! on this machine. When it is away it is looked for again; the other ways to begin remain.

use super::Press;
use crate::{
    audio::{SPEECH_RATE, live::front::Frame},
    wyoming::{
        Client, ClientError, Message, Uri,
        message::{AudioChunk, AudioFormat, AudioStart, Detect, Detection},
        pcm,
    },
};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often a service that is away is looked for.
const AGAIN: Duration = Duration::from_secs(5);
/// A connection is made anew after so long: a day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Frames that may wait for the service: half a second.
const WAITING: usize = 32;

/// Listens for the wake word; gives where to put the sound. Ends when that is dropped.
#[must_use]
pub fn spawn(uri: Uri, word: Option<String>, presses: mpsc::Sender<Press>) -> mpsc::Sender<Frame> {
    let (frames, mut inbox) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            match listen(&uri, word.as_deref(), &presses, &mut inbox).await {
                Ok(()) => return,
                Err(e) => tracing::warn!("wake word: {e}; trying again"),
            }
            tokio::time::sleep(AGAIN).await;
            // What waited meanwhile is old.
            while inbox.try_recv().is_ok() {}
        }
    });
    frames
}

/// One connection. `Ok` when nobody gives sound any more.
async fn listen(
    uri: &Uri,
    word: Option<&str>,
    presses: &mpsc::Sender<Press>,
    frames: &mut mpsc::Receiver<Frame>,
) -> Result<(), ClientError> {
    let mut client = Client::connect(uri, LONGEST).await?;
    let names = word.map(|word| vec![word.to_owned()]);
    client.send(&Detect { names }.event()).await?;
    let start = AudioStart::from(AudioFormat::SPEECH);
    client.send(&start.event()).await?;
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                let chunk = AudioChunk {
                    format: AudioFormat::SPEECH,
                    timestamp: Some(frame.at * 1000 / u64::from(SPEECH_RATE)),
                    audio: pcm::to_bytes(&frame.samples),
                };
                client.send(&chunk.event()).await?;
            }
            detection = client.expect::<Detection>() => {
                let name = detection?.name.unwrap_or_default();
                tracing::debug!(name, "wake word");
                let _ = presses.send(Press::Wake).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wyoming::{EventReader, EventWriter};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_detection_begins_a_session() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("tcp://{}", service.local_addr().unwrap())
            .parse()
            .unwrap();
        let (presses, mut pressed) = mpsc::channel(1);
        let sound = spawn(uri, Some("hey comptoir".into()), presses);
        let served = tokio::spawn(async move {
            let (reader, writer) = service.accept().await.unwrap().0.into_split();
            let (mut reader, mut writer) = (EventReader::new(reader), EventWriter::new(writer));
            let asked = Detect::from_event(&reader.next().await.unwrap().unwrap()).unwrap();
            assert_eq!(asked.names, Some(vec!["hey comptoir".to_owned()]));
            reader.next().await.unwrap().unwrap();
            let chunk = reader.next().await.unwrap().unwrap();
            assert_eq!(chunk.payload.len(), 512);
            let heard = Detection {
                name: Some("hey comptoir".into()),
                timestamp: None,
            };
            writer.write(&heard.event()).await.unwrap();
            // It stays connected.
            let _ = reader.next().await;
        });
        let frame = Frame {
            at: 0,
            samples: [0.0; 256],
            score: 0.0,
        };
        sound.send(frame).await.unwrap();
        assert_eq!(pressed.recv().await, Some(Press::Wake));
        drop(sound);
        served.await.unwrap();
    }
}
