//! A room with a kiosk in it: a sound server of its own (PulseAudio, two null sinks), what is
//! said in it, and what `comptoir run` tells. For `bench --live` and the tests of the live
//! daemon: real devices as far as a program can tell, real time, no hardware.

use super::acoustics::{Echo, EchoPath};
use serde_json::Value;
use std::{
    cell::RefCell,
    io::{self, BufRead, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How long a server, an engine or an answer may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// Why the room cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// A program of the sound server is missing.
    #[error(
        "expected {program}, found none ({source}): apt-get install pulseaudio pulseaudio-utils"
    )]
    Missing {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// Something did not come in time, or failed.
    #[error("expected {0}, and it did not come")]
    Absent(String),
    /// A folder or file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A process that ends with its owner: SIGTERM first, so that a recorder ends its file.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sound server with a microphone (`vmic`) and a loudspeaker (`speaker`) of 48 kHz.
#[derive(Debug)]
pub struct Room {
    folder: PathBuf,
    program: PathBuf,
    /// What makes the echo; ends before the server.
    echo: RefCell<Vec<Ended>>,
    server: RefCell<Option<Ended>>,
}

impl Room {
    /// A room whose files are in `folder` (which stays) and whose kiosk is `program`.
    ///
    /// # Errors
    /// When PulseAudio is missing or does not start.
    pub fn new(folder: &Path, program: &Path) -> Result<Self, RoomError> {
        std::fs::create_dir_all(folder)?;
        let room = Self {
            folder: folder.to_owned(),
            program: program.to_owned(),
            echo: RefCell::default(),
            server: RefCell::new(None),
        };
        room.start_server()?;
        Ok(room)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_RUNTIME_DIR", &self.folder)
            .env("PULSE_RUNTIME_PATH", self.folder.join("pulse"))
            .env("PULSE_SERVER", format!("unix:{}", self.socket().display()))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("sound")
    }

    fn tool(&self, program: &str, args: &[&str]) -> Result<Output, RoomError> {
        let done = self.command(Path::new(program)).args(args).output();
        done.map_err(|source| RoomError::Missing {
            program: program.into(),
            source,
        })
    }

    fn pactl(&self, args: &[&str]) -> Result<String, RoomError> {
        let done = self.tool("pactl", args)?;
        if done.status.success() {
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        } else {
            Err(RoomError::Absent(format!(
                "`pactl {}` to succeed",
                args.join(" ")
            )))
        }
    }

    /// Starts the sound server, again after [`Self::stop_server`].
    ///
    /// # Errors
    /// When it is missing or does not answer.
    pub fn start_server(&self) -> Result<(), RoomError> {
        let socket = self.socket();
        let _ = std::fs::remove_file(&socket);
        let protocol = format!(
            "module-native-protocol-unix auth-anonymous=1 socket={}",
            socket.display()
        );
        let child = self
            .command(Path::new("pulseaudio"))
            .env("HOME", &self.folder)
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
            ])
            .args(["-L", &protocol])
            .args(["-L", "module-null-sink sink_name=vmic rate=48000"])
            .args(["-L", "module-null-sink sink_name=speaker rate=48000"])
            .stdout(Stdio::null())
            .spawn()
            .map_err(|source| RoomError::Missing {
                program: "pulseaudio".into(),
                source,
            })?;
        *self.server.borrow_mut() = Some(Ended(child));
        let until = Instant::now() + SOON;
        while let Err(e) = self.pactl(&["set-default-source", "vmic.monitor"]) {
            if Instant::now() > until {
                return Err(e);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.pactl(&["set-default-sink", "speaker"])?;
        Ok(())
    }

    /// Ends the sound server: every device goes away.
    pub fn stop_server(&self) {
        *self.server.borrow_mut() = None;
    }

    /// The loudspeaker comes back into the microphone from now on. (PulseAudio's own loopback
    /// changes its pace by a hundredth to keep its latency, which no room does.)
    ///
    /// # Errors
    /// When the server refuses.
    pub fn feed_back(&self, echo: Echo) -> Result<(), RoomError> {
        const FORM: [&str; 5] = [
            "--raw",
            "--format=float32le",
            "--rate=16000",
            "--channels=1",
            "--latency-msec=20",
        ];
        let missing = |program: &str| {
            let program = program.to_owned();
            move |source| RoomError::Missing { program, source }
        };
        let mut from = self
            .command(Path::new("parec"))
            .args(FORM)
            .arg("--device=speaker.monitor")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(missing("parec"))?;
        let mut to = self
            .command(Path::new("pacat"))
            .args(FORM)
            .args(["--playback", "--device=vmic"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(missing("pacat"))?;
        let (out, into) = (from.stdout.take(), to.stdin.take());
        let (Some(mut out), Some(mut into)) = (out, into) else {
            return Err(RoomError::Absent("the pipes of parec and pacat".into()));
        };
        // It ends with either program.
        std::thread::spawn(move || {
            let mut path = EchoPath::new(echo);
            let mut bytes = [0u8; 640];
            while out.read_exact(&mut bytes).is_ok() {
                let (samples, _) = bytes.as_chunks::<4>();
                let played: Vec<f32> = samples.iter().map(|b| f32::from_le_bytes(*b)).collect();
                let mut heard = vec![0.0; played.len()];
                path.pass(&played, &mut heard);
                let heard: Vec<u8> = heard.iter().flat_map(|s| s.to_le_bytes()).collect();
                if into.write_all(&heard).is_err() {
                    return;
                }
            }
        });
        self.echo.borrow_mut().extend([Ended(from), Ended(to)]);
        Ok(())
    }

    /// Plays a recording into the microphone, to its end.
    ///
    /// # Errors
    /// When it cannot be played.
    pub fn say(&self, recording: &Path) -> Result<(), RoomError> {
        let path = recording.display().to_string();
        let done = self.tool("paplay", &["--device=vmic", &path])?;
        done.status
            .success()
            .then_some(())
            .ok_or_else(|| RoomError::Absent(format!("paplay to play {path}")))
    }

    /// Records what the loudspeaker plays.
    ///
    /// # Errors
    /// When the recorder is missing.
    pub fn record(&self) -> Result<Recording<'_>, RoomError> {
        let path = self.folder.join("played.wav");
        let child = self
            .command(Path::new("parecord"))
            .args(["--device=speaker.monitor", "--file-format=wav"])
            .arg(&path)
            .spawn()
            .map_err(|source| RoomError::Missing {
                program: "parecord".into(),
                source,
            })?;
        Ok(Recording {
            room: self,
            path,
            recorder: Ended(child),
        })
    }

    /// Runs a verb of the kiosk's program in the room, to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, args: &[&str]) -> Result<Output, RoomError> {
        Ok(self.kiosk(args).stderr(Stdio::piped()).output()?)
    }

    fn kiosk(&self, args: &[&str]) -> Command {
        let mut command = self.command(&self.program);
        command
            .args(args)
            .arg("--data")
            .arg(self.folder.join("data"));
        command
    }
}

/// What the loudspeaker plays, as it is being recorded.
#[derive(Debug)]
pub struct Recording<'a> {
    room: &'a Room,
    path: PathBuf,
    recorder: Ended,
}

impl Recording<'_> {
    /// Ends it, and gives the words in it.
    ///
    /// # Errors
    /// When it cannot be transcribed.
    pub fn transcribe(self, language: &str) -> Result<String, RoomError> {
        drop(self.recorder);
        let path = self.path.display().to_string();
        let done = self.room.run(&["transcribe", "--lang", language, &path])?;
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

/// What the kiosk tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It listens; where to press.
    Ready(String),
    /// A turn, as JSON.
    Turn(Value),
    /// It gave way to a voice, or went on.
    GaveWay(bool),
    /// A device (`microphone`, `loudspeaker`) is `gone` or `back`.
    Device(String, String),
    /// It speaks, or not any more.
    Speaking(bool),
    /// First sound of an answer, ms after the end of speech, endpointing included.
    FirstAudio(f64),
    /// Words that were not meant for it.
    Ignored(String),
    /// Something else.
    Other,
}

/// `comptoir run` in a room.
#[derive(Debug)]
pub struct Kiosk {
    events: mpsc::Receiver<Told>,
    push_to_talk: String,
    process: Ended,
}

impl Kiosk {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(room: &Room, args: &[&str]) -> Result<Self, RoomError> {
        let mut process = room
            .kiosk(&["run", "--json", "--listen", "127.0.0.1:0"])
            .args(args)
            .stderr(Stdio::inherit())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process
            .stdout
            .take()
            .ok_or_else(|| RoomError::Absent("the kiosk's output".into()))?;
        let (tell, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                tracing::debug!("{line}");
                let value: Value = serde_json::from_str(&line).unwrap_or_default();
                if tell.send(told(&value)).is_err() {
                    return;
                }
            }
        });
        let mut kiosk = Self {
            events,
            push_to_talk: String::new(),
            process: Ended(process),
        };
        kiosk.push_to_talk = kiosk.until(2 * SOON, "the kiosk to be ready", |t| match t {
            Told::Ready(at) => Some(at.clone()),
            _ => None,
        })?;
        Ok(kiosk)
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Begins a session, as a touch does.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn talk(&self) -> Result<(), RoomError> {
        let sent = reqwest::blocking::Client::new()
            .post(&self.push_to_talk)
            .send();
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            _ => Err(RoomError::Absent("push_to_talk to be accepted".into())),
        }
    }

    /// The first thing of a kind that is told within a time; what comes before is passed over.
    ///
    /// # Errors
    /// When it is not told; `what` names it.
    pub fn until<T>(
        &mut self,
        within: Duration,
        what: &str,
        mut is: impl FnMut(&Told) -> Option<T>,
    ) -> Result<T, RoomError> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(told) => {
                    if let Some(found) = is(&told) {
                        return Ok(found);
                    }
                }
                Err(_) => return Err(RoomError::Absent(what.to_owned())),
            }
        }
    }

    /// The next turn of a shopper.
    ///
    /// # Errors
    /// When none is taken.
    pub fn turn(&mut self) -> Result<Value, RoomError> {
        self.until(SOON, "a turn", |t| match t {
            Told::Turn(turn) if turn["transcript"] != "" => Some(turn.clone()),
            _ => None,
        })
    }

    /// Waits until it begins (true) or has ended (false) to speak.
    ///
    /// # Errors
    /// When it does not.
    pub fn speaks(&mut self, speaking: bool) -> Result<(), RoomError> {
        let what = if speaking {
            "speech"
        } else {
            "the end of speech"
        };
        self.until(SOON, what, |t| {
            (*t == Told::Speaking(speaking)).then_some(())
        })
    }
}

fn told(value: &Value) -> Told {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    if value["ready"] == true {
        Told::Ready(text("push_to_talk"))
    } else if value["turn"].is_object() {
        Told::Turn(value["turn"].clone())
    } else if let Some(gave_way) = value["gave_way"].as_bool() {
        Told::GaveWay(gave_way)
    } else if value["device"].is_string() {
        Told::Device(text("device"), text("state"))
    } else if let Some(speaking) = value["speaking"].as_bool() {
        Told::Speaking(speaking)
    } else if let Some(ms) = value["first_audio_ms"].as_f64() {
        Told::FirstAudio(ms)
    } else if value["ignored"].is_string() {
        Told::Ignored(text("ignored"))
    } else {
        Told::Other
    }
}
