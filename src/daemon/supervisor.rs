//! One worker process: spawned, waited for, restarted with back-off, ended with us.
//!
//! A worker prints one line on stdout when it can serve: `ready URI`. It exits with code 2 and
//! one sentence on stderr when it cannot start at all (a missing model); that is final until it
//! is asked for again. Any other end is a crash, and it is started again after a pause that
//! doubles from 100 ms to 10 s and is forgotten after a minute of service.

use std::{
    collections::VecDeque,
    ffi::OsString,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What people call it: `comptoir-stt`.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to its environment (the LLM's token, never on a command line).
    pub env: Vec<(&'static str, OsString)>,
    /// How long it may take until it is ready.
    pub ready_within: Duration,
}

/// Where a worker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Started, not ready yet.
    Starting,
    /// Serving at this URI, as this process.
    Ready {
        /// Where it serves.
        uri: String,
        /// Its process id.
        pid: u32,
    },
    /// Ended; it will be started again.
    Waiting {
        /// How it ended.
        reason: String,
    },
    /// It cannot start; the sentence says what to do.
    Failed {
        /// What it said.
        reason: String,
    },
    /// Ended with us.
    Stopped,
}

/// A worker cannot be used now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// It said why it cannot start.
    #[error("{name} cannot start: {reason}")]
    Failed {
        /// Which worker.
        name: &'static str,
        /// What it said.
        reason: String,
    },
    /// It was not ready in time.
    #[error("expected {name} to be ready within {within:?}; it is still {standing}")]
    Late {
        /// Which worker.
        name: &'static str,
        /// How long was waited.
        within: Duration,
        /// What it was doing.
        standing: String,
    },
}

/// A supervised worker. Dropping it ends the process.
#[derive(Debug)]
pub struct Worker {
    name: &'static str,
    standing: watch::Receiver<Standing>,
    restarts: Arc<AtomicU32>,
    stop: CancellationToken,
}

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(10);
/// After so long in service an earlier crash no longer counts.
const SETTLED: Duration = Duration::from_secs(60);
/// How long a worker may take to end before it is killed.
const GRACE: Duration = Duration::from_millis(1500);

impl Worker {
    /// Starts the worker and keeps it running until [`Worker::stop`] or drop.
    #[must_use]
    pub fn spawn(launch: Launch) -> Self {
        let (tell, standing) = watch::channel(Standing::Starting);
        let restarts = Arc::new(AtomicU32::new(0));
        let stop = CancellationToken::new();
        let name = launch.name;
        tokio::spawn(keep_running(launch, tell, restarts.clone(), stop.clone()));
        Self {
            name,
            standing,
            restarts,
            stop,
        }
    }

    /// Where it serves, waiting until it does.
    ///
    /// # Errors
    /// At once when it cannot start at all; otherwise after `within`.
    pub async fn uri(&self, within: Duration) -> Result<String, WorkerError> {
        let mut standing = self.standing.clone();
        let settled = timeout(
            within,
            standing.wait_for(|s| {
                matches!(
                    s,
                    Standing::Ready { .. } | Standing::Failed { .. } | Standing::Stopped
                )
            }),
        )
        .await;
        match settled {
            Ok(Ok(s)) => match &*s {
                Standing::Ready { uri, .. } => Ok(uri.clone()),
                Standing::Failed { reason } => Err(WorkerError::Failed {
                    name: self.name,
                    reason: reason.clone(),
                }),
                _ => Err(WorkerError::Failed {
                    name: self.name,
                    reason: "it was stopped".into(),
                }),
            },
            Ok(Err(_)) => Err(WorkerError::Failed {
                name: self.name,
                reason: "its supervisor ended".into(),
            }),
            Err(_) => Err(WorkerError::Late {
                name: self.name,
                within,
                standing: match &*self.standing.borrow() {
                    Standing::Waiting { reason } => format!("down ({reason})"),
                    _ => "starting".to_owned(),
                },
            }),
        }
    }

    /// Where it stands now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// How often it was started again after a crash.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Ends the process: asked first, killed after 1.5 s.
    pub async fn stop(&self) {
        self.stop.cancel();
        let mut standing = self.standing.clone();
        // An error means that the supervisor has ended already.
        let _ = standing.wait_for(|s| *s == Standing::Stopped).await;
    }

    /// Waits until the worker is no longer the process that served at `uri`: it died, and its
    /// next one may be asked.
    pub async fn gone(&self, uri: &str, within: Duration) -> bool {
        let mut standing = self.standing.clone();
        let gone = standing.wait_for(|s| !matches!(s, Standing::Ready { uri: u, .. } if u == uri));
        timeout(within, gone).await.is_ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The task sees it and ends the process; `kill_on_drop` does so if the runtime is gone.
        self.stop.cancel();
    }
}

async fn keep_running(
    launch: Launch,
    tell: watch::Sender<Standing>,
    restarts: Arc<AtomicU32>,
    stop: CancellationToken,
) {
    let mut pause = BACKOFF_FIRST;
    loop {
        tell.send_replace(Standing::Starting);
        let started = Instant::now();
        let end = run_once(&launch, &tell, &stop).await;
        match end {
            End::Asked => {
                tell.send_replace(Standing::Stopped);
                return;
            }
            End::Refused(reason) => {
                tracing::error!(worker = launch.name, %reason, "cannot start");
                tell.send_replace(Standing::Failed { reason });
                stop.cancelled().await;
                tell.send_replace(Standing::Stopped);
                return;
            }
            End::Crashed(reason) => {
                if started.elapsed() > SETTLED {
                    pause = BACKOFF_FIRST;
                }
                tracing::warn!(worker = launch.name, %reason, ?pause, "ended; starting again");
                tell.send_replace(Standing::Waiting { reason });
                restarts.fetch_add(1, Ordering::Relaxed);
                tokio::select! {
                    () = sleep(pause) => {}
                    () = stop.cancelled() => {
                        tell.send_replace(Standing::Stopped);
                        return;
                    }
                }
                pause = (pause * 2).min(BACKOFF_MOST);
            }
        }
    }
}

enum End {
    /// We ended it.
    Asked,
    /// It cannot start.
    Refused(String),
    /// It ended by itself.
    Crashed(String),
}

async fn run_once(
    launch: &Launch,
    tell: &watch::Sender<Standing>,
    stop: &CancellationToken,
) -> End {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .envs(launch.env.iter().map(|(k, v)| (k, v)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            return End::Refused(format!(
                "expected the program {}, found: {e}; build it with `cargo build --release`",
                launch.program.display()
            ));
        }
    };
    let said = Said::default();
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(listen(launch.name, stderr, said.clone()));
    }
    let pid = child.id().unwrap_or_default();
    let mut lines = child.stdout.take().map(|out| BufReader::new(out).lines());
    let ready = async {
        match &mut lines {
            None => None,
            Some(lines) => loop {
                match lines.next_line().await {
                    Ok(Some(line)) => {
                        if let Some(uri) = line.strip_prefix("ready ") {
                            return Some(uri.trim().to_owned());
                        }
                    }
                    Ok(None) | Err(_) => return None,
                }
            },
        }
    };
    let uri = tokio::select! {
        () = stop.cancelled() => return end(child).await,
        uri = timeout(launch.ready_within, ready) => uri,
    };
    match uri {
        Ok(Some(uri)) => {
            tracing::debug!(worker = launch.name, %uri, pid, "ready");
            tell.send_replace(Standing::Ready { uri, pid });
        }
        Ok(None) => {}
        Err(_) => {
            let _ = child.kill().await;
            return End::Crashed(format!("not ready within {:?}", launch.ready_within));
        }
    }
    tokio::select! {
        () = stop.cancelled() => end(child).await,
        status = child.wait() => {
            // What it said last may still be in the pipe.
            sleep(Duration::from_millis(20)).await;
            match status {
                Ok(status) if status.code() == Some(2) => End::Refused(said.sentence().unwrap_or_else(
                    || format!("it ended with {status} and did not say why"))),
                Ok(status) => End::Crashed(match said.sentence() {
                    Some(last) => format!("{status}: {last}"),
                    None => status.to_string(),
                }),
                Err(e) => End::Crashed(e.to_string()),
            }
        }
    }
}

async fn end(mut child: Child) -> End {
    if let Some(pid) = child
        .id()
        .and_then(|p| rustix::process::Pid::from_raw(p.cast_signed()))
    {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    End::Asked
}

/// The last lines of a worker's stderr.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<VecDeque<String>>>);

impl Said {
    fn push(&self, line: String) {
        let mut lines = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.len() == 20 {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Its `error: ...` line, else the last one.
    fn sentence(&self) -> Option<String> {
        let lines = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        lines
            .iter()
            .rev()
            .find_map(|l| l.strip_prefix("error: "))
            .or_else(|| lines.back().map(String::as_str))
            .map(str::to_owned)
    }
}

async fn listen(name: &'static str, stderr: tokio::process::ChildStderr, said: Said) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(worker = name, "{line}");
        said.push(line);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A worker whose behaviour is a shell script.
    fn shell(script: &str) -> Launch {
        Launch {
            name: "comptoir-test",
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("TOKEN", "secret".into())],
            ready_within: Duration::from_secs(5),
        }
    }

    #[tokio::test]
    async fn a_worker_that_is_ready_is_used_and_ended_with_us() {
        let worker = Worker::spawn(shell(
            "echo warming; echo ready unix:///tmp/$TOKEN; exec sleep 60",
        ));
        assert_eq!(
            worker.uri(Duration::from_secs(5)).await.unwrap(),
            "unix:///tmp/secret"
        );
        let Standing::Ready { pid, .. } = worker.standing() else {
            panic!("not ready")
        };
        worker.stop().await;
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[tokio::test]
    async fn a_worker_that_cannot_start_says_why_at_once() {
        let worker = Worker::spawn(shell(
            "echo 'error: expected a model in /m, found none; run `comptoir models fetch`' >&2; exit 2",
        ));
        let error = worker.uri(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "comptoir-test cannot start: expected a model in /m, found none; run `comptoir models fetch`"
        );
        assert_eq!(worker.restarts(), 0);
    }

    #[tokio::test]
    async fn a_worker_that_is_killed_is_started_again() {
        let worker = Worker::spawn(shell("echo ready tcp://127.0.0.1:$$; exec sleep 60"));
        let first = worker.uri(Duration::from_secs(5)).await.unwrap();
        let Standing::Ready { pid, .. } = worker.standing() else {
            panic!("not ready")
        };
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let mut standing = worker.standing.clone();
        standing
            .wait_for(|s| !matches!(s, Standing::Ready { .. }))
            .await
            .unwrap();
        let second = worker.uri(Duration::from_secs(5)).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(worker.restarts(), 1);
    }

    #[tokio::test]
    async fn a_worker_that_hangs_is_killed_at_its_deadline() {
        let mut launch = shell("exec sleep 60");
        launch.ready_within = Duration::from_millis(50);
        let worker = Worker::spawn(launch);
        let error = worker.uri(Duration::from_millis(400)).await.unwrap_err();
        assert!(matches!(error, WorkerError::Late { .. }), "{error}");
        assert!(worker.restarts() >= 1);
    }
}
