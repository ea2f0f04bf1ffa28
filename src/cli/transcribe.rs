//! `comptoir transcribe`: what is said in recordings.

use super::{
    Ending,
    args::{Global, Transcribe as Args},
    output,
};
use crate::{
    daemon::{Engines, Needs, shopfront, voices::Ears},
    lang::Language,
    session::recording::cut,
    stt::{Transcribe, TranscribeRequest, Transcript, gate},
};
use serde::Serialize;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// What was heard in one utterance.
#[derive(Debug, Serialize)]
pub struct Line {
    /// The recording.
    pub file: String,
    /// Begin and end in it, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_ms: Option<(u32, u32)>,
    /// What was said.
    pub text: String,
    /// In which language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// What the gate made of it: `heard`, `doubtful` or `nothing`.
    pub verdict: &'static str,
    /// The recogniser's probability that there was no speech, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_speech_prob: Option<f32>,
    /// The mean log probability of its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_logprob: Option<f32>,
    /// Time of the recogniser, ms.
    pub ms: f64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Runs the verb.
///
/// # Errors
/// When the recogniser cannot be started.
pub async fn run(args: &Args, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let needs = Needs {
        stt: true,
        ..Needs::default()
    };
    let engines = Arc::new(Engines::start(&settings, needs, false).await?);
    engines.stt.uri(Duration::from_secs(60)).await?;
    let ears = Ears::of(engines.clone());
    let vad = shopfront::vad(&settings.vad);
    let deadline = Duration::from_millis(settings.stt.deadline_ms);
    let mut ending = Ending::Well;
    for file in &args.files {
        let lines = lines(
            &ears,
            file,
            &vad,
            args.lang.language(),
            args.prompt.as_deref(),
            deadline,
        )
        .await;
        for line in lines {
            if line.problem.is_some() {
                ending = Ending::SomethingFailed;
            }
            if args.json {
                output::line(format_args!("{}", serde_json::to_string(&line)?))?;
            } else if let Some(problem) = &line.problem {
                anstream::eprintln!("error: {problem}");
            } else {
                let shown = if line.verdict == NOTHING {
                    ""
                } else {
                    &line.text
                };
                output::line(format_args!("{}\t{shown}", line.file))?;
            }
        }
    }
    engines.stop().await;
    Ok(ending)
}

const NOTHING: &str = "nothing";

fn verdict(t: &Transcript, speech_ms: u32) -> &'static str {
    let judged = gate::judge(
        &t.text,
        &t.evidence,
        Some(speech_ms.into()),
        gate::Phantoms::builtin(),
        &gate::GateSettings::default(),
    );
    match judged {
        gate::Verdict::Heard(_) => "heard",
        gate::Verdict::Doubtful(..) => "doubtful",
        gate::Verdict::Nothing(_) => NOTHING,
    }
}

/// The utterances of a recording; one without text when nobody speaks.
pub async fn lines(
    ears: &dyn Transcribe,
    file: &Path,
    vad: &crate::vad::VadSettings,
    language: Option<Language>,
    prompt: Option<&str>,
    deadline: Duration,
) -> Vec<Line> {
    let nothing = |problem: Option<String>| Line {
        file: file.display().to_string(),
        span_ms: None,
        text: String::new(),
        language: None,
        verdict: NOTHING,
        no_speech_prob: None,
        avg_logprob: None,
        ms: 0.0,
        problem,
    };
    let (path, settings) = (file.to_owned(), *vad);
    let cuts = match tokio::task::spawn_blocking(move || cut(&path, &settings)).await {
        Ok(Ok(cuts)) => cuts.cuts,
        Ok(Err(e)) => return vec![nothing(Some(e.to_string()))],
        Err(e) => return vec![nothing(Some(e.to_string()))],
    };
    let mut out = Vec::new();
    for cut in &cuts {
        let at = Instant::now();
        let request = TranscribeRequest {
            pcm: cut.pcm.clone(),
            language,
            prompt: prompt.map(str::to_owned),
            within: deadline,
        };
        let heard = ears.transcribe(request).await;
        let ms = at.elapsed().as_secs_f64() * 1000.0;
        out.push(match heard {
            Ok(t) => Line {
                span_ms: Some(cut.span_ms),
                verdict: verdict(&t, cut.speech_ms),
                language: t.language,
                no_speech_prob: t.evidence.no_speech_prob,
                avg_logprob: t.evidence.avg_logprob,
                text: t.text,
                ms,
                ..nothing(None)
            },
            Err(e) => nothing(Some(e.to_string())),
        });
    }
    if out.is_empty() {
        out.push(nothing(None));
    }
    out
}
