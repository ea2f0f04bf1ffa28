//! `comptoir hear`: recordings in, a conversation out.

use super::{
    Ending,
    args::{Global, Hear},
    output::{self, line},
};
use crate::{
    audio::{Pcm, write_wav},
    daemon::{Needs, shopfront::Shopfront},
    eval::report,
    session::{
        Answer, Session, Sound,
        recording::{Cuts, cut},
        turn::Turn,
    },
    vad::VadSettings,
};
use std::path::Path;

/// Runs the verb.
///
/// # Errors
/// When it cannot be begun: settings, shop, engines.
pub async fn run(args: &Hear, global: &Global) -> anyhow::Result<Ending> {
    let settings = super::settings(global)?;
    let needs = Needs {
        tts: !args.silent,
        ..Needs::ALL
    };
    let front = Shopfront::open_for_customers(settings, args.shop.as_deref(), needs).await?;
    let mut ending = Ending::Well;
    let mut turns = Vec::new();
    let mut session = front.hearing(args.lang.language());
    for (i, file) in args.files.iter().enumerate() {
        if args.each && i > 0 {
            session = front.hearing(args.lang.language());
        }
        for (nth, answer) in hear_file(&mut session, file, &front.vad())
            .await
            .into_iter()
            .enumerate()
        {
            let Answer { mut turn, speech } = answer;
            if let (Some(folder), Some(pcm)) = (&args.out, &speech) {
                match write_reply(folder, i + 1, nth, file, pcm) {
                    Ok(path) => turn.reply_file = Some(path),
                    Err(e) => turn.problems.push(e.to_string()),
                }
            }
            if !turn.problems.is_empty() {
                ending = Ending::SomethingFailed;
            }
            print_turn(&turn, args.json)?;
            if args.play
                && let Some(pcm) = &speech
            {
                crate::audio::devices::play(pcm)?;
            }
            turns.push(turn);
        }
    }
    if let Some(folder) = &args.save_scenario {
        report::save(folder, &turns)?;
        anstream::eprintln!("saved as {}", folder.join("scenario.toml").display());
    }
    front.close().await;
    Ok(ending)
}

/// Hears a file: an answer an utterance, or one that says what is wrong with the file.
pub async fn hear_file(session: &mut Session, file: &Path, vad: &VadSettings) -> Vec<Answer> {
    let (path, vad) = (file.to_owned(), *vad);
    let cuts = tokio::task::spawn_blocking(move || cut(&path, &vad)).await;
    let name = file.display().to_string();
    let cuts = match cuts
        .map_err(|e| e.to_string())
        .and_then(|c| c.map_err(|e| e.to_string()))
    {
        Ok(cuts) => cuts,
        Err(problem) => {
            // The shopper's side of it: nothing was heard.
            let mut answer = session.hear_nothing().await;
            answer.turn.file = Some(name);
            answer.turn.problems.push(problem);
            return vec![answer];
        }
    };
    let Cuts {
        cuts,
        damage,
        decode_ms,
        vad_ms,
    } = cuts;
    let mut answers = Vec::new();
    for cut in &cuts {
        let sound = Sound {
            pcm: &cut.pcm,
            span_ms: Some(cut.span_ms),
            speech_ms: cut.speech_ms,
        };
        answers.push(session.hear(sound).await);
    }
    if answers.is_empty() {
        answers.push(session.hear_nothing().await);
    }
    for answer in &mut answers {
        answer.turn.file = Some(name.clone());
    }
    if let Some(first) = answers.first_mut() {
        first.turn.timings_ms.decode = Some(decode_ms);
        first.turn.timings_ms.vad = Some(vad_ms);
        first.turn.problems.extend(damage);
    }
    answers
}

/// `03-coat.wav`, and `03-coat-2.wav` for the second utterance of a long file.
fn write_reply(
    folder: &Path,
    nth_file: usize,
    nth: usize,
    file: &Path,
    pcm: &Pcm,
) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let part = if nth == 0 {
        String::new()
    } else {
        format!("-{}", nth + 1)
    };
    let path = folder.join(format!("{nth_file:02}-{stem}{part}.wav"));
    write_wav(&path, pcm)?;
    Ok(path.display().to_string())
}

/// Prints a turn, for people or on one line of JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn print_turn(turn: &Turn, json: bool) -> anyhow::Result<()> {
    if json {
        line(format_args!("{}", serde_json::to_string(turn)?))?;
    } else {
        line(format_args!("{}", output::turn_lines(turn)))?;
    }
    Ok(())
}
