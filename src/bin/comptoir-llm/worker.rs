//! One request after the other on the one context: read the prompt, then choose token by
//! token.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use crate::answer::{Event, Piece, ScoredToken, Summary};
use crate::chat::{self, ChatTemplate};
use crate::engine::Job;
use crate::failure::Refusal;
use crate::grammar::{self, CompiledGrammars};
use crate::load::LoadError;
use crate::prefix::batch_ends;
use crate::reader::{Reader, Reading};
use crate::request::{Generation, Message, Prompt};
use crate::sampler::{Choice, Sampler, SingleBytes, log_sum_exp, top};
use crate::text::TextAssembly;

/// Why a request ends without its answer.
enum Halt {
    Cancelled,
    Refused(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves requests on one context.
pub struct Worker<'m> {
    model: &'m LlamaModel,
    reader: Reader<'m>,
    template: ChatTemplate,
    /// What control tokens look like in text.
    control: Vec<String>,
    single_bytes: Option<Rc<SingleBytes>>,
    grammars: CompiledGrammars,
    stop: &'m AtomicBool,
}

impl<'m> Worker<'m> {
    /// With nothing read yet. A set `stop` ends the request in progress.
    pub fn new(
        model: &'m LlamaModel,
        reader: Reader<'m>,
        template: ChatTemplate,
        single_bytes: Option<Rc<SingleBytes>>,
        stop: &'m AtomicBool,
    ) -> Self {
        Self {
            model,
            reader,
            template,
            control: control_texts(model),
            single_bytes,
            grammars: CompiledGrammars::default(),
            stop,
        }
    }

    /// Reads one token, so that the weights are in memory before the first request.
    pub fn warm_up(&mut self) -> Result<(), LoadError> {
        let token = self.model.vocab().tokens().next();
        let token = token.ok_or_else(|| LoadError::WarmUp("its vocabulary is empty".to_owned()))?;
        self.reader
            .decode(&[token])
            .map_err(|refusal| LoadError::WarmUp(refusal.message))?;
        self.reader.synchronize();
        self.reader.forget();
        Ok(())
    }

    /// Answers one request; whatever happens, the next one finds a sound context.
    pub fn serve(&mut self, job: &Job) {
        if job.events.is_closed() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| self.answer(job)));
        let last = match outcome {
            Ok(Ok(summary)) => Event::Done(summary),
            Ok(Err(Halt::Cancelled)) => {
                tracing::info!("request cancelled");
                return;
            }
            Ok(Err(Halt::Refused(refusal))) => {
                if refusal.status >= 500 {
                    tracing::error!(%refusal, "request failed");
                    self.reader.forget();
                }
                Event::Failed(refusal)
            }
            Err(_) => {
                self.reader.forget();
                Event::Failed(Refusal::engine(
                    "the engine failed on this request (see the worker's log); others are not affected",
                ))
            }
        };
        let _ = job.events.try_send(last);
    }

    fn answer(&mut self, job: &Job) -> Result<Summary, Halt> {
        let asked = &job.asked;
        let reading = self.plan(&asked.prompt)?;
        let prompt_tokens = reading.tokens.len();
        let mut sampler = self.sampler(asked)?;
        let _ = job.events.try_send(Event::Accepted);

        let started = Instant::now();
        let cached_tokens = {
            let Self { reader, stop, .. } = self;
            reader.read(&reading, || check_cancelled(job, stop))?
        };
        let prompt_ms = started.elapsed().as_secs_f64() * 1000.0;

        let started = Instant::now();
        let room = self.reader.room().saturating_sub(prompt_tokens);
        let budget = asked
            .max_tokens
            .map_or(room, |most| room.min(most as usize));
        let (completion_tokens, was_cut) = self.generate(job, &mut sampler, budget)?;
        let predicted_ms = started.elapsed().as_secs_f64() * 1000.0;

        tracing::info!(
            prompt = prompt_tokens,
            cached = cached_tokens,
            prompt_ms = prompt_ms.round(),
            tokens = completion_tokens,
            ms = predicted_ms.round(),
            "answered"
        );
        Ok(Summary {
            was_cut,
            prompt_tokens,
            cached_tokens,
            completion_tokens,
            prompt_ms,
            predicted_ms,
        })
    }

    fn sampler(&mut self, asked: &Generation) -> Result<Sampler, Refusal> {
        let mut single_bytes = None;
        let grammar = match &asked.grammar {
            None => None,
            Some(text) => {
                if !grammar::inspect(text)?.names_tokens {
                    single_bytes.clone_from(&self.single_bytes);
                }
                Some(self.grammars.sampler(self.model, text)?)
            }
        };
        // Without a seed, another draw each time.
        let seed = asked
            .seed
            .unwrap_or_else(|| uuid::Uuid::new_v4().as_fields().0);
        Ok(Sampler::new(
            grammar,
            asked.temperature,
            asked.top_p,
            seed,
            single_bytes,
        ))
    }

    /// The prompt as tokens. Borders of its parts become borders of batches.
    fn plan(&self, prompt: &Prompt) -> Result<Reading, Refusal> {
        let (text, fixed_bytes, marks) = match prompt {
            Prompt::Text { text, fixed_bytes } => (text.clone(), *fixed_bytes, Vec::new()),
            Prompt::Chat { messages, fixed } => {
                let messages: Vec<Message> = messages
                    .iter()
                    .map(|message| Message {
                        role: message.role,
                        content: chat::without_control_tokens(&message.content, &self.control)
                            .into_owned(),
                    })
                    .collect();
                let written = chat::write_out(&messages, *fixed, |messages, opens_answer| {
                    self.template.render(self.model, messages, opens_answer)
                })?;
                let marks = vec![written.context_bytes, written.messages_bytes];
                (written.text, written.fixed_bytes, marks)
            }
        };
        let tokenize = |text: &str| self.model.vocab().tokenize(text.as_bytes(), true, true);
        let tokens = tokenize(&text);
        let room = self.reader.room();
        if tokens.is_empty() {
            return Err(Refusal::invalid(
                Some("prompt"),
                "expected a prompt, found an empty one",
            ));
        }
        if tokens.len() >= room {
            let mut refusal = Refusal::invalid(
                None,
                format!(
                    "expected a prompt of less than {room} tokens (the context, --ctx), found {}; shorten it or start the worker with a larger --ctx",
                    tokens.len()
                ),
            );
            refusal.code = Some("context_length_exceeded");
            return Err(refusal);
        }
        // The last token before a border may depend on what follows it: what counts is how
        // far the tokens of the part agree with those of the whole.
        let border = |bytes: usize| match bytes {
            0 => 0,
            _ => {
                let part = tokenize(&text[..bytes]);
                part.iter().zip(&tokens).take_while(|(a, b)| a == b).count()
            }
        };
        let fixed = border(fixed_bytes);
        let mut marks: Vec<usize> = marks.into_iter().map(border).collect();
        // Before the fixed prefix ends, nothing may depend on what follows it.
        marks.retain(|&mark| mark > fixed);
        marks.push(fixed);
        Ok(Reading {
            ends: batch_ends(tokens.len(), &marks),
            tokens,
            fixed,
        })
    }

    /// Chooses tokens until the answer ends. Returns their number, and whether it was cut.
    fn generate(
        &mut self,
        job: &Job,
        sampler: &mut Sampler,
        budget: usize,
    ) -> Result<(usize, bool), Halt> {
        let mut assembly = TextAssembly::new(job.asked.stop.clone());
        let mut scored = Vec::new();
        let mut count = 0;
        let mut was_cut = true;
        while count < budget {
            check_cancelled(job, self.stop)?;
            let logits = self.reader.logits();
            let Some(choice) = sampler.choose(logits) else {
                tracing::warn!("the grammar permits no token of this vocabulary; the answer ends");
                was_cut = false;
                break;
            };
            if self.model.vocab().is_eog(choice.token) {
                was_cut = false;
                break;
            }
            count += 1;
            let bytes = self.model.vocab().token_to_piece(choice.token, false, None);
            if let Some(alternatives) = job.asked.alternatives {
                scored.push(self.scored(choice, &bytes, logits, alternatives));
            }
            sampler.accept(choice.token);
            let released = assembly.push(&bytes);
            if !released.text.is_empty() {
                let tokens = std::mem::take(&mut scored);
                let _ = job.events.try_send(Event::Text(Piece {
                    text: released.text,
                    tokens,
                }));
            }
            if released.stopped || sampler.is_complete() {
                was_cut = false;
                break;
            }
            if count < budget {
                self.reader.decode(&[choice.token])?;
            }
        }
        let text = assembly.finish();
        if !text.is_empty() || !scored.is_empty() {
            let _ = job.events.try_send(Event::Text(Piece {
                text,
                tokens: scored,
            }));
        }
        Ok((count, was_cut))
    }

    fn scored(
        &self,
        choice: Choice,
        bytes: &[u8],
        logits: &[f32],
        alternatives: usize,
    ) -> ScoredToken {
        let total = log_sum_exp(logits.iter().copied());
        // The choice and the alternatives are ids of this vocabulary: they index its logits.
        let logprob = |id: usize| logits[id] - total;
        let piece = |id: usize| {
            self.model
                .vocab()
                .token_to_piece(LlamaToken::new(id as i32), true, None)
        };
        ScoredToken {
            bytes: bytes.to_vec(),
            logprob: logprob(choice.token.0 as usize),
            permitted_logprob: choice.permitted_logprob,
            alternatives: top(logits, alternatives)
                .into_iter()
                .map(|id| (piece(id), logprob(id)))
                .collect(),
        }
    }
}

fn check_cancelled(job: &Job, stop: &AtomicBool) -> Result<(), Halt> {
    if job.events.is_closed() || stop.load(Ordering::Relaxed) {
        return Err(Halt::Cancelled);
    }
    Ok(())
}

/// What control tokens look like in text, as far as text could be mistaken for them.
fn control_texts(model: &LlamaModel) -> Vec<String> {
    let vocab = model.vocab();
    vocab
        .tokens()
        .filter(|&token| vocab.is_control(token))
        .filter_map(|token| vocab.text(token)?.to_str().ok().map(str::to_owned))
        .filter(|text| text.len() > 2)
        .collect()
}
