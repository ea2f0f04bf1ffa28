//! One reply as it is spoken: pieces to the engine, audio to the client.

use std::collections::VecDeque;
use std::time::Duration;

use comptoir::wyoming::Message;
use comptoir::wyoming::message::{AudioFormat, AudioStart, AudioStop};
use comptoir::wyoming::pcm;
use comptoir::wyoming::server::Connection;
use tokio::sync::oneshot;

use crate::clauses::{Cutter, Piece};
use crate::engine::{Engine, Job};
use crate::voice::{VoiceError, VoiceFacts};

/// A client that takes no audio for this long has gone.
const STALLED: Duration = Duration::from_secs(30);

/// Why a reply is not spoken to its end.
pub enum Gone {
    /// The client closed the connection, or reads no more.
    Client,
    /// The engine failed, or has stopped.
    Engine(String),
}

/// A reply under way.
pub struct Speech<'s> {
    engine: &'s Engine,
    voice: usize,
    speaker: Option<i64>,
    format: AudioFormat,
    cutter: Cutter,
    /// Frames sent.
    sent: u64,
}

type Spoken = oneshot::Receiver<Result<Vec<f32>, VoiceError>>;

impl<'s> Speech<'s> {
    /// A reply with a voice.
    pub fn new(engine: &'s Engine, voice: usize, facts: &VoiceFacts, speaker: Option<i64>) -> Self {
        Self {
            engine,
            voice,
            speaker,
            format: AudioFormat {
                rate: facts.rate,
                width: 2,
                channels: 1,
            },
            cutter: Cutter::new(facts.lengths),
            sent: 0,
        }
    }

    /// Announces the audio.
    pub async fn begin(&mut self, connection: &mut Connection) -> Result<(), Gone> {
        let start = AudioStart {
            format: self.format,
            timestamp: Some(0),
        };
        write(connection, &start.event()).await
    }

    /// Ends the audio.
    pub async fn end(&mut self, connection: &mut Connection) -> Result<(), Gone> {
        let stop = AudioStop {
            timestamp: Some(self.sent_ms()),
        };
        write(connection, &stop.event()).await
    }

    /// Speaks a cleaned text; the audio of each piece goes out as soon as it is made, while the
    /// next is being made. `last`: nothing will follow, so no pause is needed.
    pub async fn say(
        &mut self,
        connection: &mut Connection,
        text: &str,
        last: bool,
    ) -> Result<(), Gone> {
        let mut pieces = VecDeque::from(self.cutter.cut(text));
        let mut pending = None;
        loop {
            let following = match pieces.pop_front() {
                Some(piece) => {
                    let last = last && pieces.is_empty();
                    Some(self.submit(connection, piece, last).await?)
                }
                None => None,
            };
            match std::mem::replace(&mut pending, following) {
                Some(spoken) => self.send(connection, spoken).await?,
                None if pending.is_none() => return Ok(()),
                None => {}
            }
        }
    }

    async fn submit(
        &self,
        connection: &mut Connection,
        piece: Piece,
        last: bool,
    ) -> Result<Spoken, Gone> {
        let (reply, spoken) = oneshot::channel();
        let job = Job {
            voice: self.voice,
            speaker: self.speaker,
            piece,
            last,
            reply,
        };
        tokio::select! {
            submitted = self.engine.submit(job) => match submitted {
                Ok(()) => Ok(spoken),
                Err(stopped) => Err(Gone::Engine(stopped.to_string())),
            },
            () = connection.reader.closed() => Err(Gone::Client),
        }
    }

    async fn send(&mut self, connection: &mut Connection, spoken: Spoken) -> Result<(), Gone> {
        let samples = tokio::select! {
            spoken = spoken => match spoken {
                Ok(Ok(samples)) => samples,
                Ok(Err(error)) => return Err(Gone::Engine(error.to_string())),
                Err(_) => return Err(Gone::Engine("the speech engine has stopped".into())),
            },
            () = connection.reader.closed() => return Err(Gone::Client),
        };
        let begin = self.sent_ms();
        for mut chunk in pcm::chunks(&samples, self.format.rate) {
            chunk.timestamp = chunk.timestamp.map(|at| begin + at);
            write(connection, &chunk.event()).await?;
        }
        self.sent += samples.len() as u64;
        Ok(())
    }

    fn sent_ms(&self) -> u64 {
        self.sent * 1000 / u64::from(self.format.rate)
    }
}

async fn write(connection: &mut Connection, event: &comptoir::wyoming::Event) -> Result<(), Gone> {
    match tokio::time::timeout(STALLED, connection.writer.write(event)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone::Client),
    }
}
