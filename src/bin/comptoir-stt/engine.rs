//! The thread that hears: the model lives on it, jobs come one at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use comptoir::audio::{Pcm, SPEECH_RATE, resample, resample::RateError};
use comptoir::vad::{Segment, VadSettings, utterances};
use tokio::sync::{mpsc, oneshot};

use crate::hearing::{HearError, Heard, WINDOW_SAMPLES, Whisper};
use crate::model::{self, ModelError};

/// Jobs that may wait while one is being done.
const WAITING: usize = 4;

/// How the engine starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The model's file.
    pub model: PathBuf,
    /// Languages to choose from.
    pub languages: Vec<String>,
    /// Threads that compute.
    pub threads: usize,
    /// The smallest encoder context.
    pub min_audio_ctx: usize,
}

/// An utterance to hear.
pub struct Job {
    /// The sound, at any rate.
    pub pcm: Pcm,
    /// The language spoken, when it is known.
    pub language: Option<String>,
    /// What biases the words.
    pub prompt: Option<String>,
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Too many are waiting.
    #[error("{WAITING} requests are waiting already, try again")]
    Busy,
    /// The sound cannot be resampled.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// It was not heard.
    #[error(transparent)]
    Hear(#[from] HearError),
    /// The thread has ended.
    #[error("the speech engine has stopped")]
    Gone,
}

type Answer = Result<Heard, JobError>;

struct Ticket {
    job: Job,
    cancelled: Arc<AtomicBool>,
    answer: oneshot::Sender<Answer>,
}

/// A handle on the thread.
#[derive(Clone)]
pub struct Engine {
    jobs: mpsc::Sender<Ticket>,
}

/// A job that was handed in. Dropped, it is cancelled.
pub struct Pending {
    answer: oneshot::Receiver<Answer>,
    cancelled: Arc<AtomicBool>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Pending {
    /// The answer. Cancel-safe.
    pub async fn answer(&mut self) -> Answer {
        (&mut self.answer).await.unwrap_or(Err(JobError::Gone))
    }
}

impl Engine {
    /// Loads the model on a thread of its own and warms it up.
    pub fn start(settings: Settings) -> Result<(Self, JoinHandle<()>), ModelError> {
        model::check(&settings.model)?;
        let (jobs, queue) = mpsc::channel(WAITING);
        let (started, starting) = std::sync::mpsc::channel();
        let path = settings.model.clone();
        let thread = std::thread::Builder::new()
            .name("whisper".into())
            .spawn(move || match load(&settings) {
                Ok(whisper) => {
                    // The receiver waits for exactly this; it can only be gone at exit.
                    let _ = started.send(Ok(()));
                    work(whisper, queue);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .map_err(|source| ModelError::Refused {
                path: path.clone(),
                what: source.to_string(),
            })?;
        match starting.recv() {
            Ok(Ok(())) => Ok((Self { jobs }, thread)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ModelError::Refused {
                path,
                what: "it crashed while loading".into(),
            }),
        }
    }

    /// Hands in a job.
    pub fn hear(&self, job: Job) -> Result<Pending, JobError> {
        let (sender, answer) = oneshot::channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let ticket = Ticket {
            job,
            cancelled: Arc::clone(&cancelled),
            answer: sender,
        };
        match self.jobs.try_send(ticket) {
            Ok(()) => Ok(Pending { answer, cancelled }),
            Err(mpsc::error::TrySendError::Full(_)) => Err(JobError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(JobError::Gone),
        }
    }

    /// Waits until the thread has ended: only a crash ends it while there is a handle.
    pub async fn died(&self) {
        self.jobs.closed().await;
    }
}

fn load(settings: &Settings) -> Result<Whisper, ModelError> {
    let began = Instant::now();
    let mut whisper = Whisper::load(
        &settings.model,
        &settings.languages,
        settings.threads,
        settings.min_audio_ctx,
    )?;
    let loaded = began.elapsed();
    // The first encode allocates; nobody should wait for that.
    let silence = vec![0.0; SPEECH_RATE as usize];
    whisper
        .hear(&silence, None, None, &AtomicBool::new(false))
        .map_err(|error| ModelError::Refused {
            path: settings.model.clone(),
            what: error.to_string(),
        })?;
    tracing::info!(
        model = %settings.model.display(), threads = settings.threads,
        loaded_ms = loaded.as_millis() as u64, warm_ms = began.elapsed().as_millis() as u64,
        "model loaded"
    );
    Ok(whisper)
}

fn work(mut whisper: Whisper, mut queue: mpsc::Receiver<Ticket>) {
    while let Some(ticket) = queue.blocking_recv() {
        if ticket.cancelled.load(Ordering::Relaxed) {
            continue;
        }
        let answer = hear(&mut whisper, &ticket.job, &ticket.cancelled);
        if let Ok(heard) = &answer {
            tracing::debug!(?heard, ms = ticket.job.pcm.ms(), "heard");
        }
        // Nobody waits for the answer of a cancelled job.
        let _ = ticket.answer.send(answer);
    }
}

/// Hears a job: at once up to 30 s, longer sound window by window, cut where nobody speaks.
fn hear(whisper: &mut Whisper, job: &Job, cancelled: &AtomicBool) -> Answer {
    let sound = resample(&job.pcm, SPEECH_RATE)?;
    let (mut language, prompt) = (job.language.clone(), job.prompt.as_deref());
    if sound.samples.len() <= WINDOW_SAMPLES {
        return Ok(whisper.hear(&sound.samples, language.as_deref(), prompt, cancelled)?);
    }
    let mut heard: Vec<(Heard, u64)> = Vec::new();
    for window in windows(&utterances(&sound, &VadSettings::default())?) {
        let part = sound.slice(window.start_ms, window.end_ms);
        let said = whisper.hear(&part.samples, language.as_deref(), prompt, cancelled)?;
        // A recording keeps to the language it begins in.
        language.get_or_insert_with(|| said.language.clone());
        heard.push((said, part.ms()));
    }
    Ok(join(&heard, || {
        whisper.languages().first().cloned().unwrap_or_default()
    }))
}

/// Joins neighbouring utterances to windows of at most 30 s: each window costs an encode.
fn windows(utterances: &[Segment]) -> Vec<Segment> {
    const MOST_MS: u64 = WINDOW_SAMPLES as u64 * 1000 / SPEECH_RATE as u64;
    let mut windows: Vec<Segment> = Vec::new();
    for &next in utterances {
        match windows.last_mut() {
            Some(last) if next.end_ms - last.start_ms <= MOST_MS => {
                last.end_ms = next.end_ms;
                last.speech_ms += next.speech_ms;
            }
            _ => windows.push(next),
        }
    }
    windows
}

/// One answer out of many: the words in order, the means weighted by length.
fn join(heard: &[(Heard, u64)], default_language: impl FnOnce() -> String) -> Heard {
    let Some((first, _)) = heard.first() else {
        return Heard {
            language: default_language(),
            no_speech_prob: 1.0,
            ..Heard::default()
        };
    };
    let total: u64 = heard.iter().map(|(_, ms)| ms).sum::<u64>().max(1);
    let mean = |of: fn(&Heard) -> f32| {
        heard
            .iter()
            .map(|(said, ms)| of(said) * *ms as f32)
            .sum::<f32>()
            / total as f32
    };
    let words: Vec<&str> = heard
        .iter()
        .map(|(said, _)| said.text.as_str())
        .filter(|text| !text.is_empty())
        .collect();
    Heard {
        text: words.join(" "),
        language: first.language.clone(),
        language_prob: mean(|said| said.language_prob),
        no_speech_prob: mean(|said| said.no_speech_prob),
        avg_logprob: mean(|said| said.avg_logprob),
        encode_ms: heard.iter().map(|(said, _)| said.encode_ms).sum(),
        decode_ms: heard.iter().map(|(said, _)| said.decode_ms).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start_ms: u64, end_ms: u64) -> Segment {
        Segment {
            start_ms,
            end_ms,
            speech_ms: end_ms - start_ms,
        }
    }

    #[test]
    fn windows_hold_as_many_utterances_as_fit_in_30_s() {
        let said = [
            segment(0, 9_000),
            segment(10_000, 29_000),
            segment(30_000, 60_000),
        ];
        let joined = windows(&said);
        assert_eq!(joined.len(), 2);
        assert_eq!((joined[0].start_ms, joined[0].end_ms), (0, 29_000));
        assert_eq!(windows(&[]), []);
    }

    #[test]
    fn a_long_recording_without_speech_has_no_words() {
        let nothing = join(&[], || "fr".into());
        assert_eq!((nothing.text.as_str(), nothing.no_speech_prob), ("", 1.0));
    }

    #[test]
    fn longer_parts_weigh_more() {
        let said = |text: &str, avg_logprob| Heard {
            text: text.into(),
            avg_logprob,
            ..Heard::default()
        };
        let both = join(
            &[
                (said("a", -1.0), 3000),
                (said("", 0.0), 1000),
                (said("b", 0.0), 0),
            ],
            String::new,
        );
        assert_eq!(both.text, "a b");
        assert!((both.avg_logprob - -0.75).abs() < 1e-6);
    }
}
