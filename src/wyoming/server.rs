//! Serving the protocol.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::codec::{EventReader, EventWriter};
use super::message::{Failure, Message, code};
use super::uri::{MAX_SOCKET_PATH, Uri};

/// The reading half of a connection.
pub type Reader = EventReader<Box<dyn AsyncRead + Send + Unpin>>;
/// The writing half of a connection.
pub type Writer = EventWriter<Box<dyn AsyncWrite + Send + Unpin>>;

/// A client, connected. The halves are apart so that a handler can write the answer and watch
/// [`Reader::closed`](EventReader::closed) at the same time.
pub struct Connection {
    /// What the client sends.
    pub reader: Reader,
    /// What the client gets.
    pub writer: Writer,
}

impl Connection {
    /// A connection over any two streams.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: EventReader::new(Box::new(reader)),
            writer: EventWriter::new(Box::new(writer)),
        }
    }
}

/// Why a service cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process serves there.
    #[error("{uri} is in use by another process; stop it or choose another address")]
    InUse {
        /// The address.
        uri: Uri,
    },
    /// The path of the socket is taken by something else.
    #[error("{} exists and is not a socket; remove it or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// The operating system refuses.
    #[error("cannot listen on {uri}: {source}; {hint}")]
    Refused {
        /// The address.
        uri: Uri,
        /// What the operating system says.
        source: io::Error,
        /// What to do.
        hint: &'static str,
    },
}

/// How a service treats its clients.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Connections served at once; the next is told `busy` and closed.
    pub max_connections: usize,
    /// How long connections may go on after the stop, before they are cut.
    pub grace: Duration,
}

impl Default for Manners {
    /// 16 connections, 1 s of grace.
    fn default() -> Self {
        Self {
            max_connections: 16,
            grace: Duration::from_secs(1),
        }
    }
}

enum Socket {
    /// The file is removed when this is dropped.
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
    Tcp(TcpListener),
    Stdio,
}

/// A service that listens, not yet serving. Dropped, it removes its socket file.
pub struct Listener {
    socket: Socket,
    uri: Uri,
}

impl Listener {
    /// Listens at an address. A Unix socket gets mode 0600 before anyone can see it, and
    /// replaces one that nobody serves any more.
    ///
    /// # Errors
    /// When the address is in use or cannot be had.
    pub async fn bind(uri: &Uri) -> Result<Self, ListenError> {
        let (socket, uri) = match uri {
            Uri::Unix(path) => (bind_unix(path, uri).await?, uri.clone()),
            Uri::Tcp { host, port } => {
                let refused = |source: io::Error| match source.kind() {
                    io::ErrorKind::AddrInUse => ListenError::InUse { uri: uri.clone() },
                    _ => ListenError::Refused {
                        uri: uri.clone(),
                        source,
                        hint: "the host must be this machine (127.0.0.1, or 0.0.0.0 for all)",
                    },
                };
                let listener = TcpListener::bind((host.as_str(), *port))
                    .await
                    .map_err(refused)?;
                let port = listener.local_addr().map_err(refused)?.port();
                (
                    Socket::Tcp(listener),
                    Uri::Tcp {
                        host: host.clone(),
                        port,
                    },
                )
            }
            Uri::Stdio => (Socket::Stdio, Uri::Stdio),
        };
        Ok(Self { socket, uri })
    }

    /// The address to connect to, with the port that was got for port 0.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Serves until `stop`; over `stdio://` also until the input ends.
    ///
    /// Each connection is one call of `handle` in a task of its own; when its future ends, the
    /// connection closes. The token it is given is cancelled by `stop`; what still runs after
    /// the grace period is dropped.
    ///
    /// A program that serves `stdio://` should end with `Runtime::shutdown_background`, for a
    /// read of standard input cannot be interrupted.
    ///
    /// # Errors
    /// When the operating system stops giving connections.
    pub async fn serve<H, F>(
        self,
        manners: Manners,
        stop: CancellationToken,
        handle: H,
    ) -> io::Result<()>
    where
        H: Fn(Connection, CancellationToken) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut serving = JoinSet::new();
        let places = Arc::new(Semaphore::new(manners.max_connections.max(1)));
        if let Socket::Stdio = self.socket {
            let mut connection = Connection::new(tokio::io::stdin(), tokio::io::stdout());
            connection.reader = connection.reader.half_close();
            serving.spawn(handle(connection, stop.child_token()));
            tokio::select! {
                () = stop.cancelled() => {}
                _ = serving.join_next() => {}
            }
        } else {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => break,
                    Some(_) = serving.join_next() => continue,
                    accepted = self.accept() => accepted,
                };
                let mut connection = match accepted {
                    Ok(connection) => connection,
                    Err(error) if passes(&error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        // Out of file descriptors: accept fails at once until some are freed.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    tracing::warn!(most = manners.max_connections, "too many connections");
                    serving.spawn(async move {
                        let busy =
                            Failure::new(code::BUSY, "too many connections, try again").event();
                        let answer = connection.writer.write(&busy);
                        let _ = tokio::time::timeout(Duration::from_secs(1), answer).await;
                    });
                    continue;
                };
                let served = handle(connection, stop.child_token());
                serving.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
        }
        let finished = async { while serving.join_next().await.is_some() {} };
        if tokio::time::timeout(manners.grace, finished).await.is_err() {
            serving.shutdown().await;
        }
        Ok(())
    }

    async fn accept(&self) -> io::Result<Connection> {
        match &self.socket {
            Socket::Unix { listener, .. } => {
                let (reader, writer) = listener.accept().await?.0.into_split();
                Ok(Connection::new(reader, writer))
            }
            Socket::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok(Connection::new(reader, writer))
            }
            Socket::Stdio => std::future::pending().await,
        }
    }
}

/// Errors of `accept` that concern one connection, or pass when others end.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput};
    let out_of_files = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    out_of_files
        || matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted | InvalidInput
        )
}

async fn bind_unix(path: &Path, uri: &Uri) -> Result<Socket, ListenError> {
    let refused = |hint| {
        move |source| ListenError::Refused {
            uri: uri.clone(),
            source,
            hint,
        }
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.into()));
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(ListenError::InUse { uri: uri.clone() });
        }
        _ => {}
    }
    // Bound beside its place, closed to others, then renamed: nobody can connect before the
    // mode is right, and a stale socket is replaced in one step.
    let draft = SocketFile::draft(path);
    if draft.path.as_os_str().len() > MAX_SOCKET_PATH {
        let source = io::Error::from(io::ErrorKind::InvalidFilename);
        return Err(refused("choose a shorter path")(source));
    }
    let hint = "the folder must exist and be writable";
    let listener = UnixListener::bind(&draft.path).map_err(refused(hint))?;
    std::fs::set_permissions(&draft.path, std::fs::Permissions::from_mode(0o600))
        .map_err(refused(hint))?;
    std::fs::rename(&draft.path, path).map_err(refused(hint))?;
    let inode = std::fs::metadata(path).map_err(refused(hint))?.ino();
    let file = SocketFile {
        path: path.into(),
        inode: Some(inode),
    };
    Ok(Socket::Unix {
        listener,
        _file: file,
    })
}

/// A socket file, removed on drop if it is still the same one.
struct SocketFile {
    path: PathBuf,
    inode: Option<u64>,
}

impl SocketFile {
    fn draft(path: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".{:x}-{count:x}", std::process::id());
        Self {
            path: path.with_file_name(name),
            inode: None,
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| self.inode.is_none_or(|inode| inode == found.ino())) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
