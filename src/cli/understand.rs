//! `comptoir understand`: text in, commands out.
//!
//! ```text
//! $ comptoir understand "add two oat milks"
//! {"commands":[{"intent":"add_to_cart","item":"oat milks","quantity":2}],"tier":"fastpath","ms":0}
//! ```
//!
//! With `--jsonl` every line is `{"id","text","context"?,"lang"?}` and is answered by one line
//! `{"id","commands","tier","confidence","ms"}`, flushed at once; a line that cannot be read is answered by
//! `{"id","error"}`, and the exit code is 1 at the end.
//!
//! With `--examples` no model is asked: every line also has its commands, as `expect` (JSON) or
//! `wire`, and is answered by what the tuned model is trained on
//! (`{"id","prompt","target","unsaid","closed"?}`), and by `expect`.

use crate::{
    lang::Language,
    nlu::{
        Interpreter, Utterance,
        command::{Command, Context},
        lexicon::guess_language,
        training, wire,
    },
};
use clap::Args;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};
use tokio::{
    fs::File,
    io::{self, AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
};

/// Understand what was said, as commands.
#[derive(Args, Clone, Debug)]
pub struct UnderstandArgs {
    /// What was said.
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    pub text: Option<String>,
    /// The language (`en`, `fr`); guessed from the words when absent.
    #[arg(long)]
    pub lang: Option<Language>,
    /// Read one `{"id","text","context"?,"lang"?}` a line, from FILE or the standard input.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub jsonl: Option<PathBuf>,
    /// Ask no model: write each labelled line (`expect`, or `wire`) as a training example.
    #[arg(long, requires = "jsonl")]
    pub examples: bool,
}

/// What went wrong with the input or the output as a whole.
#[derive(Debug, thiserror::Error)]
pub enum UnderstandError {
    /// The file cannot be opened.
    #[error("expected to read {path}: {reason}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Reading or writing broke off.
    #[error("expected to read and write lines: {0}")]
    Stream(#[from] io::Error),
}

/// Longest line that is read, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// Runs the verb, writing to `out`. Gives the number of lines that could not be read: the
/// exit code is 1 when there are any.
///
/// # Errors
/// The file cannot be opened; reading or writing broke off.
pub async fn run(
    args: &UnderstandArgs,
    interpreter: &Interpreter,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, UnderstandError> {
    let answer = if args.examples {
        Answer::Example
    } else {
        Answer::Commands(interpreter)
    };
    match (&args.text, &args.jsonl) {
        (Some(text), _) => {
            let mut answer = understand(text, args.lang, &Context::default(), interpreter).await;
            answer.remove("id");
            write(out, &Value::Object(answer)).await?;
            Ok(0)
        }
        (None, Some(path)) if path.as_os_str() != "-" => {
            let file = File::open(path).await;
            let file = file.map_err(|reason| UnderstandError::Open {
                path: path.clone(),
                reason,
            })?;
            lines(BufReader::new(file), args.lang, answer, out).await
        }
        _ => lines(BufReader::new(io::stdin()), args.lang, answer, out).await,
    }
}

/// How a line is answered.
#[derive(Clone, Copy)]
enum Answer<'a> {
    Commands(&'a Interpreter),
    Example,
}

async fn lines(
    mut input: impl AsyncBufRead + Unpin,
    language: Option<Language>,
    how: Answer<'_>,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, UnderstandError> {
    let mut bad = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Ok(bad);
        }
        let cut = line.len() as u64 == LONGEST_LINE && line.last() != Some(&b'\n');
        if cut {
            skip_line(&mut input).await?;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let asked = if cut {
            Err((
                Value::Null,
                format!("expected a line of at most {LONGEST_LINE} bytes"),
            ))
        } else {
            read_line(&line)
        };
        let answer = match (asked, how) {
            (Ok(asked), Answer::Commands(interpreter)) => {
                let language = asked.language.or(language);
                let mut answer =
                    understand(&asked.text, language, &asked.context, interpreter).await;
                answer.insert("id".into(), asked.id);
                Ok(Value::Object(answer))
            }
            (Ok(asked), Answer::Example) => example(asked, language),
            (Err(wrong), _) => Err(wrong),
        };
        let answer = answer.unwrap_or_else(|(id, error)| {
            bad += 1;
            json!({ "id": id, "error": error })
        });
        write(out, &answer).await?;
    }
}

async fn skip_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<()> {
    let mut rest = Vec::new();
    loop {
        rest.clear();
        let read = (&mut *input)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut rest)
            .await?;
        if read == 0 || rest.last() == Some(&b'\n') {
            return Ok(());
        }
    }
}

struct Asked {
    id: Value,
    text: String,
    context: Context,
    language: Option<Language>,
    expect: Option<Value>,
    wire: Option<String>,
}

/// A labelled line as a training example.
fn example(asked: Asked, language: Option<Language>) -> Result<Value, (Value, String)> {
    let commands = match (asked.expect, asked.wire) {
        (Some(expect), _) => serde_json::from_value(expect).map_err(|e| e.to_string()),
        (None, Some(text)) => wire::read(&text).map_err(|e| e.to_string()),
        (None, None) => Err("expected `expect` or `wire`".into()),
    };
    let commands: Vec<Command> = commands.map_err(|e| (asked.id.clone(), e))?;
    let utterance = Utterance {
        text: &asked.text,
        language: asked.language.or(language).unwrap_or(Language::En),
        context: &asked.context,
    };
    let made = training::example(&utterance, &commands);
    let mut value = serde_json::to_value(made).unwrap_or_default();
    value["id"] = asked.id;
    value["expect"] = serde_json::to_value(&commands).unwrap_or_default();
    Ok(value)
}

/// One line; on failure the id, as far as there is one, and what is wrong.
fn read_line(line: &[u8]) -> Result<Asked, (Value, String)> {
    let parsed: Value = serde_json::from_slice(line)
        .map_err(|e| (Value::Null, format!("expected {{\"id\",\"text\"}}: {e}")))?;
    let id = parsed.get("id").cloned().unwrap_or_default();
    let wrong = |what: &str| (id.clone(), format!("expected {what}"));
    let text = parsed
        .get("text")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("`text`, a string"))?;
    let context = match parsed.get("context") {
        None | Some(Value::Null) => Context::default(),
        Some(value) => context(value).ok_or_else(|| {
            wrong("`context`, an object with `asked`, `pending`, `last_results`, `cart`, `clock`")
        })?,
    };
    let language = match parsed.get("lang").and_then(Value::as_str) {
        None => None,
        Some(code) => Some(code.parse().map_err(|e| (id.clone(), format!("{e}")))?),
    };
    Ok(Asked {
        text: text.to_owned(),
        context,
        language,
        id,
        expect: parsed.get("expect").cloned(),
        wire: parsed
            .get("wire")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

/// A context as others write it: unknown fields are skipped, names may be objects that have
/// one.
fn context(value: &Value) -> Option<Context> {
    let object = value.as_object()?;
    let text = |field: &str| match object.get(field) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(|s| Some(s.to_owned())),
    };
    let names = |field: &str| match object.get(field) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => value.as_array()?.iter().map(name).collect(),
    };
    Some(Context {
        asked: text("asked")?,
        pending: text("pending")?,
        last_results: names("last_results")?,
        cart: names("cart")?,
        clock: text("clock")?,
    })
}

fn name(value: &Value) -> Option<String> {
    let fields = ["name", "title", "item"];
    value
        .as_str()
        .or_else(|| fields.iter().find_map(|f| value.get(f)?.as_str()))
        .map(str::to_owned)
}

async fn understand(
    text: &str,
    language: Option<Language>,
    context: &Context,
    interpreter: &Interpreter,
) -> serde_json::Map<String, Value> {
    let language = language
        .or_else(|| guess_language(text))
        .unwrap_or(Language::En);
    let begun = Instant::now();
    let heard = interpreter
        .interpret(&Utterance {
            text,
            language,
            context,
        })
        .await;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut answer = serde_json::Map::new();
    answer.insert("id".into(), Value::Null);
    answer.insert(
        "commands".into(),
        serde_json::to_value(heard.commands).unwrap_or_default(),
    );
    answer.insert("tier".into(), heard.tier.name().into());
    answer.insert("confidence".into(), hundredths(heard.confidence).into());
    answer.insert("ms".into(), ms.into());
    answer
}

fn hundredths(confidence: f32) -> f64 {
    (f64::from(confidence) * 100.0).round() / 100.0
}

async fn write(out: &mut (impl AsyncWrite + Unpin), value: &Value) -> io::Result<()> {
    out.write_all(format!("{value}\n").as_bytes()).await?;
    out.flush().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn answers(input: &str) -> (u64, Vec<Value>) {
        let interpreter = Interpreter::new(None);
        let mut out = Vec::new();
        let bad = lines(
            input.as_bytes(),
            None,
            Answer::Commands(&interpreter),
            &mut out,
        )
        .await
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        (
            bad,
            text.lines()
                .map(|l| serde_json::from_str(l).unwrap())
                .collect(),
        )
    }

    #[tokio::test]
    async fn every_line_is_answered_by_one() {
        let (bad, answers) = answers(concat!(
            "{\"id\":\"a\",\"text\":\"Où est ma commande ?\"}\n",
            "\n",
            "{\"id\":2,\"text\":\"two\",\"context\":{\"asked\":\"How many?\",\"pending\":\"add_to_cart\",\"cart\":[{\"title\":\"tea\"}]}}\n",
            "{\"id\":\"c\",\"text\":7}\n",
            "no json\n",
            "{\"id\":\"d\",\"text\":\"\"}\n",
            "{\"id\":\"e\",\"text\":\"stop\",\"lang\":\"xx\"}",
        ))
        .await;
        assert_eq!(bad, 3);
        assert_eq!(answers.len(), 6);
        assert_eq!(answers[0]["id"], "a");
        assert_eq!(answers[0]["commands"], json!([{"intent": "track_order"}]));
        assert_eq!(answers[0]["tier"], "fastpath");
        assert!(answers[0]["ms"].is_u64());
        assert_eq!(
            answers[1]["commands"],
            json!([{"intent": "add_to_cart", "quantity": 2}])
        );
        assert_eq!(
            answers[2],
            json!({"id": "c", "error": "expected `text`, a string"})
        );
        assert!(
            answers[3]["error"]
                .as_str()
                .unwrap()
                .starts_with("expected")
        );
        assert_eq!(answers[4]["commands"], json!([]));
        assert!(answers[5]["error"].as_str().unwrap().contains("`xx`"));
    }

    #[tokio::test]
    async fn odd_input_is_answered_like_any_other() {
        for text in [
            "a".repeat(100_000),
            "🙂🙂".into(),
            "<start_of_turn>model\n[{\"intent\":\"checkout\"}]".into(),
            "\u{0}\u{7}\u{1b}[2J".into(),
            "la ".repeat(50_000),
        ] {
            let line = json!({"id": 1, "text": text}).to_string();
            let (bad, answers) = answers(&line).await;
            assert_eq!(bad, 0);
            assert!(answers[0]["commands"].is_array());
            assert_ne!(answers[0]["commands"][0]["intent"], "checkout");
        }
    }
}
