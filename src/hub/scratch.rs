//! A throw-away PostgreSQL in a temporary folder: for tests and measurements, never for a shop.
//!
//! PostgreSQL refuses to run as root; then it runs as the user `postgres`.

use super::keys::{fresh_salt, hex};
use std::{
    fs, io,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long PostgreSQL may take to begin, and to recover after a crash.
const BEGIN: Duration = Duration::from_secs(60);
/// How long it may take to end.
const END: Duration = Duration::from_secs(20);

/// Why there is no throw-away PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// It is not installed.
    #[error(
        "expected PostgreSQL's initdb in the PATH or in /usr/lib/postgresql/*/bin, found none; \
         install it: apt-get install postgresql (scripts/setup --tests does)"
    )]
    Missing,
    /// Root, and nobody else to run it.
    #[error(
        "expected the user `postgres` and the program setpriv to run PostgreSQL (it refuses to \
         run as root), found none; apt-get install postgresql util-linux"
    )]
    Root,
    /// A step failed.
    #[error("expected {what} to work: {why}")]
    Failed {
        /// Which.
        what: &'static str,
        /// What it said.
        why: String,
    },
}

/// A PostgreSQL of our own. It ends, and its folder goes, when this is dropped.
pub struct Scratch {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    password: String,
    port: u16,
    server: Option<Child>,
}

impl Scratch {
    /// Makes one and starts it. Blocks for some seconds.
    ///
    /// # Errors
    /// [`ScratchError`] says what is missing.
    pub fn start() -> Result<Self, ScratchError> {
        let programs = programs().ok_or(ScratchError::Missing)?;
        let user = if rustix::process::geteuid().is_root() {
            Some(postgres_user().ok_or(ScratchError::Root)?)
        } else {
            None
        };
        let secret = hex(&fresh_salt());
        let (name, password) = secret.split_at(12);
        let folder = std::env::temp_dir().join(format!("comptoir-pg-{name}"));
        let mut scratch = Self {
            folder,
            programs,
            user,
            password: password.to_owned(),
            port: free_port().map_err(failed("a free port"))?,
            server: None,
        };
        scratch.make()?;
        scratch.begin()?;
        Ok(scratch)
    }

    /// The URL of a database in it, over loopback.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgresql://hub:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// The URL of the database that is there from the beginning.
    #[must_use]
    pub fn postgres(&self) -> String {
        self.url("postgres")
    }

    /// The same by its Unix socket.
    #[must_use]
    pub fn by_socket(&self) -> String {
        format!(
            "host={} port={} user=hub password={} dbname=postgres",
            self.folder.display(),
            self.port,
            self.password
        )
    }

    /// Kills it as a crash would (`pg_ctl stop -m immediate`) and starts it again: it recovers
    /// from its log.
    ///
    /// # Errors
    /// [`ScratchError`] when it does not come up again.
    pub fn crash_and_restart(&mut self) -> Result<(), ScratchError> {
        self.end(rustix::process::Signal::QUIT);
        self.begin()
    }

    /// Stops it and leaves it stopped.
    pub fn stop(&mut self) {
        self.end(rustix::process::Signal::INT);
    }

    /// Starts it again after a stop.
    ///
    /// # Errors
    /// [`ScratchError`] when it does not come up.
    pub fn begin(&mut self) -> Result<(), ScratchError> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .map_err(failed("its log"))?;
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .stdout(log.try_clone().map_err(failed("its log"))?)
            .stderr(log)
            .spawn()
            .map_err(failed("postgres"))?;
        self.server = Some(child);
        let begun = Instant::now();
        loop {
            let ready = self
                .command("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .args(["-U", "hub", "-d", "postgres"])
                .status()
                .map_err(failed("pg_isready"))?;
            if ready.success() {
                return Ok(());
            }
            let ended = self
                .server
                .as_mut()
                .and_then(|s| s.try_wait().ok().flatten());
            if ended.is_some() || begun.elapsed() > BEGIN {
                return Err(ScratchError::Failed {
                    what: "postgres",
                    why: self.last_words(),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn make(&self) -> Result<(), ScratchError> {
        fs::create_dir(&self.folder).map_err(failed("a temporary folder"))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&self.folder, private).map_err(failed("a private folder"))?;
        let password = self.folder.join("password");
        fs::write(&password, &self.password).map_err(failed("a password file"))?;
        if let Some((uid, gid)) = self.user {
            for path in [&self.folder, &password] {
                chown(path, Some(uid), Some(gid)).map_err(failed("chown"))?;
            }
        }
        let made = self
            .command("initdb")
            .arg("-D")
            .arg(self.data())
            .args(["-U", "hub", "-E", "UTF8", "--locale=C", "--no-sync"])
            .arg("--auth=scram-sha-256")
            .arg("--pwfile")
            .arg(&password)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .map_err(failed("initdb"))?;
        if made.status.success() {
            return Ok(());
        }
        Err(ScratchError::Failed {
            what: "initdb",
            why: String::from_utf8_lossy(&made.stderr).trim().to_owned(),
        })
    }

    /// One of PostgreSQL's programs, as a user that may run it.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.user {
            None => Command::new(program),
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        };
        command.current_dir(&self.folder).stdin(Stdio::null());
        // What somebody set for their own PostgreSQL is not meant for this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }

    fn end(&mut self, signal: rustix::process::Signal) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let pid = i32::try_from(server.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, signal);
        }
        let begun = Instant::now();
        while begun.elapsed() < END {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = server.kill();
        let _ = server.wait();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.end(rustix::process::Signal::QUIT);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An error of a step.
fn failed(what: &'static str) -> impl Fn(io::Error) -> ScratchError {
    move |e| ScratchError::Failed {
        what,
        why: e.to_string(),
    }
}

/// Where PostgreSQL's programs are: in the PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    debian.sort_unstable_by(|a, b| b.cmp(a));
    folders.extend(debian.into_iter().map(|(_, folder)| folder));
    let has_all = |folder: &Path| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    folders.into_iter().find(|folder| has_all(folder))
}

/// The user and group `postgres`.
fn postgres_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
