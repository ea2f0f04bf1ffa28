//! Asking a service: one connection a request, with a deadline for all of it. Dropping the
//! client closes the connection, which cancels the request.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

use super::codec::{CodecError, Event};
use super::info::Info;
use super::message::{Describe, Failure, Message, Ping, Pong};
use super::server::Connection;
use super::uri::Uri;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody serves there.
    #[error("no speech service answers at {uri}: {source}")]
    Unreachable {
        /// The address.
        uri: Uri,
        /// What the operating system says.
        source: io::Error,
    },
    /// The answer did not come in time.
    #[error("{uri} did not answer within {} ms", .after.as_millis())]
    Deadline {
        /// The address.
        uri: Uri,
        /// How long was waited.
        after: Duration,
    },
    /// The service closed the connection before it had answered.
    #[error("{uri} closed the connection before it had answered")]
    Closed {
        /// The address.
        uri: Uri,
    },
    /// What came is not the protocol, or not the answer expected.
    #[error("{uri} answered something else than expected: {source}")]
    Protocol {
        /// The address.
        uri: Uri,
        /// What is wrong.
        source: CodecError,
    },
    /// The service answered that it failed.
    #[error("{uri} could not answer: {}", .failure.text)]
    Failed {
        /// The address.
        uri: Uri,
        /// What it said.
        failure: Failure,
    },
}

/// One request to a service.
pub struct Client {
    connection: Connection,
    uri: Uri,
    began: Instant,
    deadline: Instant,
}

impl Client {
    /// Connects. The whole request, connecting included, has to end within `within`.
    ///
    /// # Errors
    /// When nobody serves there, or the deadline passes.
    pub async fn connect(uri: &Uri, within: Duration) -> Result<Self, ClientError> {
        let began = Instant::now();
        let deadline = began + within;
        let connecting = async {
            match uri {
                Uri::Unix(path) => {
                    let (reader, writer) = UnixStream::connect(path).await?.into_split();
                    Ok(Connection::new(reader, writer))
                }
                Uri::Tcp { host, port } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    let (reader, writer) = stream.into_split();
                    Ok(Connection::new(reader, writer))
                }
                Uri::Stdio => Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "stdio:// is for the program that starts the service; \
                     use unix:// or tcp:// to connect",
                )),
            }
        };
        match tokio::time::timeout_at(deadline, connecting).await {
            Ok(Ok(connection)) => Ok(Self {
                connection,
                uri: uri.clone(),
                began,
                deadline,
            }),
            Ok(Err(source)) => Err(ClientError::Unreachable {
                uri: uri.clone(),
                source,
            }),
            Err(_) => Err(ClientError::Deadline {
                uri: uri.clone(),
                after: within,
            }),
        }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// When the connection breaks, or the deadline passes. When the service has answered that
    /// it failed before it closed, that answer is the error.
    pub async fn send(&mut self, event: &Event) -> Result<(), ClientError> {
        let written =
            tokio::time::timeout_at(self.deadline, self.connection.writer.write(event)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            // A service that refuses says so and closes; we may notice while still sending.
            Ok(Err(CodecError::Io(_))) => match self.receive().await {
                Err(error) => Err(error),
                Ok(_) => Err(ClientError::Closed {
                    uri: self.uri.clone(),
                }),
            },
            Ok(Err(source)) => Err(ClientError::Protocol {
                uri: self.uri.clone(),
                source,
            }),
            Err(_) => Err(self.late()),
        }
    }

    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// The end of the connection is one, and so is an `error` event.
    pub async fn receive(&mut self) -> Result<Event, ClientError> {
        let uri = || self.uri.clone();
        match tokio::time::timeout_at(self.deadline, self.connection.reader.next()).await {
            Ok(Ok(Some(event))) if event.kind == Failure::KIND => {
                Err(match Failure::from_event(&event) {
                    Ok(failure) => ClientError::Failed {
                        uri: uri(),
                        failure,
                    },
                    Err(source) => ClientError::Protocol { uri: uri(), source },
                })
            }
            Ok(Ok(Some(event))) => Ok(event),
            Ok(Ok(None) | Err(CodecError::Io(_) | CodecError::Truncated(_))) => {
                Err(ClientError::Closed { uri: uri() })
            }
            Ok(Err(source)) => Err(ClientError::Protocol { uri: uri(), source }),
            Err(_) => Err(self.late()),
        }
    }

    /// The next message of this type. Events of other types are skipped, as the protocol asks.
    ///
    /// # Errors
    /// See [`receive`](Self::receive).
    pub async fn expect<M: Message>(&mut self) -> Result<M, ClientError> {
        loop {
            let event = self.receive().await?;
            if event.kind == M::KIND {
                return M::from_event(&event).map_err(|source| self.protocol(source));
            }
        }
    }

    /// Makes an error of an event that is not as expected.
    #[must_use]
    pub fn protocol(&self, source: CodecError) -> ClientError {
        ClientError::Protocol {
            uri: self.uri.clone(),
            source,
        }
    }

    /// The address.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    fn late(&self) -> ClientError {
        ClientError::Deadline {
            uri: self.uri.clone(),
            after: self.deadline - self.began,
        }
    }
}

/// Asks whether a service lives; says how long it took.
///
/// # Errors
/// When it does not answer in time.
pub async fn ping(uri: &Uri, within: Duration) -> Result<Duration, ClientError> {
    let began = Instant::now();
    let mut client = Client::connect(uri, within).await?;
    client.send(&Ping { text: None }.event()).await?;
    client.expect::<Pong>().await?;
    Ok(began.elapsed())
}

/// Asks a service what it is.
///
/// # Errors
/// When it does not answer in time.
pub async fn describe(uri: &Uri, within: Duration) -> Result<Info, ClientError> {
    let mut client = Client::connect(uri, within).await?;
    client.send(&Describe {}.event()).await?;
    client.expect::<Info>().await
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
