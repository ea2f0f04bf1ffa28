//! Wyoming events as bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The protocol version we write in each header. Peers ignore it.
const VERSION: &str = "1.8.0";

/// How much is asked of the stream in one read.
const READ_SIZE: usize = 16 * 1024;

/// One Wyoming event: its type, its data and its payload (audio), which may be empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// The event's type, such as `audio-chunk`.
    pub kind: String,
    /// The event's data.
    pub data: Map<String, Value>,
    /// Raw bytes that follow the event; audio in practice.
    pub payload: Bytes,
}

impl Event {
    /// An event of this type without data.
    #[must_use]
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            ..Self::default()
        }
    }

    /// The event as it goes over the wire, without its payload.
    fn head(&self) -> Result<Vec<u8>, CodecError> {
        let data = if self.data.is_empty() {
            Vec::new()
        } else {
            serde_json::to_vec(&self.data).map_err(CodecError::Unwritable)?
        };
        let header = HeaderOut {
            kind: &self.kind,
            version: VERSION,
            data_length: (!data.is_empty()).then_some(data.len()),
            payload_length: (!self.payload.is_empty()).then_some(self.payload.len()),
        };
        let mut bytes = serde_json::to_vec(&header).map_err(CodecError::Unwritable)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&data);
        Ok(bytes)
    }
}

#[derive(Serialize)]
struct HeaderOut<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_length: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct HeaderIn {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    data_length: Option<u64>,
    #[serde(default)]
    payload_length: Option<u64>,
}

/// The most bytes a peer may send in one event, by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The header line, in bytes.
    pub header: usize,
    /// The JSON data after the header, in bytes.
    pub data: usize,
    /// The payload, in bytes.
    pub payload: usize,
}

impl Default for Limits {
    /// 1 MiB of header (some peers put the data of `info` there), 1 MiB of data, 8 MiB of
    /// payload (two minutes of 16-bit audio at 32 kHz in one chunk; usual are 2 kB).
    fn default() -> Self {
        Self {
            header: 1 << 20,
            data: 1 << 20,
            payload: 8 << 20,
        }
    }
}

/// What a stream of events can fail with.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Reading or writing failed.
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    /// The header line is not a Wyoming header.
    #[error("expected a Wyoming header (a line of JSON with \"type\"), found {found:?}: {source}")]
    Header {
        /// The beginning of what was found.
        found: String,
        /// What the JSON parser said.
        source: serde_json::Error,
    },
    /// The data is not a JSON object.
    #[error("expected a JSON object as data of the event {kind:?}: {source}")]
    Data {
        /// The event's type.
        kind: String,
        /// What the JSON parser said.
        source: serde_json::Error,
    },
    /// A part is larger than its limit.
    #[error("the {part} of a Wyoming event is {size} bytes, at most {limit} are accepted")]
    TooLarge {
        /// `header`, `data` or `payload`.
        part: &'static str,
        /// What the peer announced, or had sent so far.
        size: u64,
        /// The limit.
        limit: usize,
    },
    /// The stream ended within an event.
    #[error("the connection closed in the middle of an event ({0} bytes of it had come)")]
    Truncated(usize),
    /// An event's data lacks a field or has one of the wrong type.
    #[error("the event {kind:?} has not the data expected: {source}")]
    Message {
        /// The event's type.
        kind: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// An event of another type was expected.
    #[error("expected the event {expected:?}, found {found:?}")]
    Unexpected {
        /// The type expected.
        expected: &'static str,
        /// The type found.
        found: String,
    },
    /// An event's data cannot be written as JSON.
    #[error("this event cannot be written as JSON: {0}")]
    Unwritable(serde_json::Error),
    /// The audio in a chunk is not in a format we read.
    #[error("{0}")]
    Audio(String),
}

/// Reads events from a stream.
///
/// [`next`](Self::next) is cancel-safe: dropped halfway, it loses nothing. Memory grows with
/// the bytes that came, never with the lengths that a peer announces.
#[derive(Debug)]
pub struct EventReader<R> {
    inner: R,
    limits: Limits,
    buffer: BytesMut,
    /// How far `buffer` was searched for the end of the header line.
    searched: usize,
    /// The header of the event whose body is still coming.
    header: Option<HeaderIn>,
    eof: bool,
    half_close: bool,
}

impl<R: AsyncRead + Unpin> EventReader<R> {
    /// Reads events from `inner`, within the default [`Limits`].
    pub fn new(inner: R) -> Self {
        Self::with_limits(inner, Limits::default())
    }

    /// Reads events from `inner`, within these limits.
    pub fn with_limits(inner: R, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            buffer: BytesMut::new(),
            searched: 0,
            header: None,
            eof: false,
            half_close: false,
        }
    }

    /// Says that the end of this stream does not mean that the peer has gone: it may have sent
    /// all it has to say and wait for the answer, as with `worker --uri stdio:// < events`.
    #[must_use]
    pub fn half_close(mut self) -> Self {
        self.half_close = true;
        self
    }

    /// The next event; `None` when the stream has ended between two events.
    ///
    /// # Errors
    /// What is not an event, exceeds the limits, or ends halfway. The stream cannot be read on
    /// after an error.
    pub async fn next(&mut self) -> Result<Option<Event>, CodecError> {
        loop {
            if let Some(event) = self.parse()? {
                return Ok(Some(event));
            }
            if self.eof || self.fill().await? == 0 {
                return match (&self.header, self.buffer.len()) {
                    (None, 0) => Ok(None),
                    (_, came) => Err(CodecError::Truncated(came)),
                };
            }
        }
    }

    /// Waits until the peer has closed the connection, or the connection has broken. What the
    /// peer sends meanwhile is kept for [`next`](Self::next), up to the limits of one event;
    /// a peer that sends more than that counts as gone.
    ///
    /// Never returns on a stream that may [half-close](Self::half_close). Cancel-safe.
    pub async fn closed(&mut self) {
        let most = self.limits.header + self.limits.data + self.limits.payload;
        while self.buffer.len() <= most {
            if self.eof || !matches!(self.fill().await, Ok(1..)) {
                break;
            }
        }
        if self.half_close {
            std::future::pending::<()>().await;
        }
    }

    async fn fill(&mut self) -> Result<usize, std::io::Error> {
        self.buffer.reserve(READ_SIZE);
        let came = self
            .inner
            .read_buf(&mut (&mut self.buffer).limit(READ_SIZE))
            .await?;
        self.eof = came == 0;
        Ok(came)
    }

    fn parse(&mut self) -> Result<Option<Event>, CodecError> {
        if self.header.is_none() {
            self.header = self.parse_header()?;
        }
        let Some(header) = &self.header else {
            return Ok(None);
        };
        let data_length = within("data", header.data_length, self.limits.data)?;
        let payload_length = within("payload", header.payload_length, self.limits.payload)?;
        if self.buffer.len() < data_length + payload_length {
            return Ok(None);
        }
        let Some(HeaderIn { kind, data, .. }) = self.header.take() else {
            return Ok(None);
        };
        let mut data = data.unwrap_or_default();
        if data_length > 0 {
            let bytes = self.buffer.split_to(data_length);
            match serde_json::from_slice::<Map<String, Value>>(&bytes) {
                Ok(more) => data.extend(more),
                Err(source) => return Err(CodecError::Data { kind, source }),
            }
        }
        let payload = self.buffer.split_to(payload_length).freeze();
        Ok(Some(Event {
            kind,
            data,
            payload,
        }))
    }

    fn parse_header(&mut self) -> Result<Option<HeaderIn>, CodecError> {
        let newline = self.buffer[self.searched..]
            .iter()
            .position(|&b| b == b'\n');
        let Some(end) = newline.map(|at| self.searched + at) else {
            self.searched = self.buffer.len();
            within("header", Some(self.searched as u64), self.limits.header)?;
            return Ok(None);
        };
        self.searched = 0;
        within("header", Some(end as u64), self.limits.header)?;
        let line = self.buffer.split_to(end);
        self.buffer.advance(1);
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|source| CodecError::Header {
                found: String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned(),
                source,
            })
    }
}

fn within(part: &'static str, size: Option<u64>, limit: usize) -> Result<usize, CodecError> {
    let size = size.unwrap_or(0);
    usize::try_from(size)
        .ok()
        .filter(|&size| size <= limit)
        .ok_or(CodecError::TooLarge { part, size, limit })
}

/// Writes events to a stream.
#[derive(Debug)]
pub struct EventWriter<W> {
    inner: W,
}

impl<W: AsyncWrite + Unpin> EventWriter<W> {
    /// Writes events to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner }
    }

    /// Writes an event and flushes. Not cancel-safe: dropped halfway, the peer gets half an
    /// event, and the connection is good for nothing more.
    ///
    /// # Errors
    /// When the stream breaks.
    pub async fn write(&mut self, event: &Event) -> Result<(), CodecError> {
        self.inner.write_all(&event.head()?).await?;
        if !event.payload.is_empty() {
            self.inner.write_all(&event.payload).await?;
        }
        self.inner.flush().await?;
        Ok(())
    }

    /// Ends the stream: the peer sees its end after the events written.
    ///
    /// # Errors
    /// When the stream breaks.
    pub async fn shutdown(&mut self) -> Result<(), CodecError> {
        Ok(self.inner.shutdown().await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    async fn read_all(bytes: &[u8]) -> Result<Vec<Event>, CodecError> {
        let mut reader = EventReader::new(bytes);
        let mut events = Vec::new();
        while let Some(event) = reader.next().await? {
            events.push(event);
        }
        Ok(events)
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[tokio::test]
    async fn reads_what_the_python_package_writes() {
        // `async_write_event` of wyoming 1.8.0, for a Synthesize and an AudioChunk.
        let bytes = b"{\"type\": \"synthesize\", \"version\": \"1.8.0\", \"data_length\": 19}\n{\"text\": \"caf\xc3\xa9 !\"}\
            {\"type\": \"audio-chunk\", \"version\": \"1.8.0\", \"data_length\": 61, \"payload_length\": 4}\n\
            {\"rate\": 16000, \"width\": 2, \"channels\": 1, \"timestamp\": null}\x01\x02\n\x04";
        let events = read_all(bytes).await.unwrap();
        assert_eq!(events[0].data["text"], "café !");
        assert_eq!(events[1].data["rate"], 16000);
        assert_eq!(&events[1].payload[..], b"\x01\x02\n\x04");
        assert_eq!(events.len(), 2);
    }

    #[tokio::test]
    async fn merges_data_of_the_header_with_the_data_after_it() {
        let bytes = b"{\"type\":\"x\",\"data\":{\"a\":1,\"b\":1},\"data_length\":7}\n{\"b\":2}";
        let events = read_all(bytes).await.unwrap();
        assert_eq!(events[0].data, object(json!({"a": 1, "b": 2})));
    }

    #[tokio::test]
    async fn tells_what_is_wrong_with_a_stream() {
        let cases: [(&[u8], &str); 6] = [
            (b"GET / HTTP/1.1\r\n", "expected a Wyoming header"),
            (b"{\"data\":{}}\n", "missing field `type`"),
            (
                b"{\"type\":\"x\",\"payload_length\":-4}\n",
                "expected a Wyoming header",
            ),
            (
                b"{\"type\":\"x\",\"data_length\":3}\n[1]",
                "expected a JSON object",
            ),
            (
                b"{\"type\":\"x\",\"payload_length\":9}\nabc",
                "in the middle of an event (3 bytes",
            ),
            (
                b"{\"type\":\"x\",\"payload_length\":99999999999}\n",
                "payload of a Wyoming event is 99999999999",
            ),
        ];
        for (bytes, part) in cases {
            let error = read_all(bytes).await.unwrap_err().to_string();
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
    }

    #[tokio::test]
    async fn refuses_a_header_without_end() {
        let endless = vec![b'a'; 3 << 20];
        let mut reader = EventReader::new(&endless[..]);
        let error = reader.next().await.unwrap_err();
        assert!(matches!(error, CodecError::TooLarge { part: "header", .. }));
        assert!(reader.buffer.len() < (1 << 20) + 2 * READ_SIZE);
    }

    #[tokio::test]
    async fn a_reader_dropped_halfway_loses_nothing() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut reader = EventReader::new(ours);
        theirs
            .write_all(b"{\"type\":\"x\",\"payload")
            .await
            .unwrap();
        let wait = std::time::Duration::from_millis(5);
        assert!(tokio::time::timeout(wait, reader.next()).await.is_err());
        theirs.write_all(b"_length\":3}\nab").await.unwrap();
        assert!(tokio::time::timeout(wait, reader.next()).await.is_err());
        theirs.write_all(b"c").await.unwrap();
        assert_eq!(&reader.next().await.unwrap().unwrap().payload[..], b"abc");
    }

    #[tokio::test]
    async fn closed_keeps_what_came_before_the_end() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut reader = EventReader::new(ours);
        theirs.write_all(b"{\"type\":\"ping\"}\n").await.unwrap();
        drop(theirs);
        reader.closed().await;
        assert_eq!(reader.next().await.unwrap().unwrap().kind, "ping");
        assert_eq!(reader.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_end_of_a_half_closed_stream_is_not_a_closed_connection() {
        let mut reader = EventReader::new(&b""[..]).half_close();
        let wait = std::time::Duration::from_millis(5);
        assert!(tokio::time::timeout(wait, reader.closed()).await.is_err());
        assert_eq!(reader.next().await.unwrap(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            kind in "[a-z-]{1,20}", text in ".{0,200}", payload in proptest::collection::vec(any::<u8>(), 0..2000),
            piece in 1usize..500,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let event = Event { kind, data: object(json!({"text": text})), payload: payload.into() };
                let (ours, theirs) = tokio::io::duplex(piece);
                let sent = event.clone();
                let writing = tokio::spawn(async move {
                    let mut writer = EventWriter::new(theirs);
                    for _ in 0..3 {
                        writer.write(&sent).await.unwrap();
                    }
                });
                let mut reader = EventReader::new(ours);
                for _ in 0..3 {
                    assert_eq!(reader.next().await.unwrap().as_ref(), Some(&event));
                }
                assert_eq!(reader.next().await.unwrap(), None);
                writing.await.unwrap();
            });
        }
    }
}
