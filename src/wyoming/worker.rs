//! A Wyoming service as a program of its own: it serves until a signal, its parent's end or
//! its engine's death.

use super::{
    Uri,
    server::{Connection, Listener, Manners},
};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::{
    future::Future,
    io,
    io::Write as _,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Why a worker cannot live and die with its parent.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// The kernel does not tell of a parent's end.
    #[error("this system gives no signal when the parent ends: {0}")]
    System(io::Error),
    /// There is no parent any more.
    #[error("the process that started this one has ended already")]
    Orphan,
}

/// Has this process ended (SIGTERM) when the one that started it ends, though that may be
/// killed.
///
/// # Errors
/// The kernel cannot tell, or the parent has ended already.
pub fn end_with_parent() -> Result<(), ParentError> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|e| ParentError::System(e.into()))?;
    // It may have ended before the line above, or before this process could look.
    let orphan = parent.is_none_or(|parent| parent.is_init() && adopts_orphans());
    if orphan || getppid() != parent {
        Err(ParentError::Orphan)
    } else {
        Ok(())
    }
}

/// Lets whoever plays and records sound go first on a busy processor: recognition that is a
/// little later is not heard, a loudspeaker that runs dry is, and confuses the echo canceller.
/// To be called before there are threads.
pub fn let_sound_go_first() {
    if let Err(e) = rustix::process::nice(5) {
        tracing::debug!("cannot lower this process's priority: {e}");
    }
}

/// Whether process 1 is one that takes over orphans. In a container it may be our own parent.
fn adopts_orphans() -> bool {
    let name = std::fs::read_to_string("/proc/1/comm").unwrap_or_default();
    ["systemd", "init", "tini", "dumb-init", "docker-init"].contains(&name.trim())
}

/// Why a worker stopped serving before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No signals or no connections from the operating system.
    #[error("cannot serve {uri} any longer: {source}")]
    System {
        /// Where it served.
        uri: Uri,
        /// Why not.
        source: io::Error,
    },
    /// What does the work has died.
    #[error("the speech engine died")]
    Engine,
}

/// Serves until SIGTERM or SIGINT, or until `died`. Says `ready URI` on standard output, unless
/// that is the connection.
///
/// # Errors
/// [`ServeError`].
pub async fn serve<H, F>(
    listener: Listener,
    handle: H,
    died: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    H: Fn(Connection, CancellationToken) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let uri = listener.uri().clone();
    let system = |source| ServeError::System {
        uri: uri.clone(),
        source,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(system)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system)?;
    let stop = CancellationToken::new();
    let manners = Manners {
        grace: Duration::from_millis(500),
        ..Manners::default()
    };
    let serving = listener.serve(manners, stop.clone(), handle);
    tokio::pin!(serving);
    if uri != Uri::Stdio {
        writeln!(io::stdout(), "ready {uri}").map_err(system)?;
    }
    tracing::info!(%uri, "ready");
    let ended = tokio::select! {
        ended = &mut serving => ended,
        _ = terminate.recv() => { stop.cancel(); serving.await }
        _ = interrupt.recv() => { stop.cancel(); serving.await }
        () = died => return Err(ServeError::Engine),
    };
    ended.map_err(system)
}

/// Waits until a thread has ended, at most so long: a native engine must not compute while the
/// process tears its libraries down.
pub fn wait_for<T>(thread: &std::thread::JoinHandle<T>, most: Duration) {
    let deadline = Instant::now() + most;
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}
