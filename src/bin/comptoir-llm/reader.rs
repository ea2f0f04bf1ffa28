//! The context: what it has read, and reading more.

use std::io;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::contention::{self, ThreadPolicy};
use crate::failure::Refusal;
use crate::load::{ContextMaker, LoadError, Threads};
use crate::prefix::{BATCH_TOKENS, Held, PrefixFiles};

/// The one sequence of the context.
const SEQUENCE: i32 = 0;

/// A prompt as tokens, with the plan for reading it.
#[derive(Debug)]
pub struct Reading {
    /// The prompt.
    pub tokens: Vec<LlamaToken>,
    /// Where its batches end.
    pub ends: Vec<usize>,
    /// Tokens of the fixed prefix; 0: none.
    pub fixed: usize,
}

/// Reads prompts and tokens on one context, and knows what need not be read again.
#[derive(Debug)]
pub struct Reader<'m> {
    maker: ContextMaker<'m>,
    threads: Threads,
    policy: ThreadPolicy,
    context: LlamaContext<'m>,
    files: Option<PrefixFiles>,
    held: Held,
    batch: LlamaBatch<'static>,
}

impl<'m> Reader<'m> {
    /// With nothing read yet; without `files` nothing is kept on disk. Prompts are read
    /// with several threads only while the machine has cores for them.
    pub fn new(
        maker: ContextMaker<'m>,
        threads: Threads,
        files: Option<PrefixFiles>,
    ) -> Result<Self, LoadError> {
        let wanted = usize::try_from(threads.read).unwrap_or(1);
        Ok(Self {
            context: maker.make(threads)?,
            maker,
            threads,
            policy: ThreadPolicy::new(wanted),
            files,
            held: Held::default(),
            batch: LlamaBatch::new(BATCH_TOKENS, 1),
        })
    }

    /// Tokens of context.
    pub fn room(&self) -> usize {
        self.context.n_ctx() as usize
    }

    /// Waits until all that was to be read is read.
    pub fn synchronize(&self) {
        self.context.synchronize();
    }

    /// The logits after the token read last.
    pub fn logits(&self) -> &[f32] {
        self.context.get_logits_ith(self.batch.n_tokens() - 1)
    }

    /// Reads the prompt, but for what is held or on disk; `go_on` is asked before each batch.
    /// Returns the number of tokens taken over.
    pub fn read<E: From<Refusal>>(
        &mut self,
        reading: &Reading,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<usize, E> {
        let Reading {
            tokens,
            ends,
            fixed,
        } = reading;
        let mut reused = self.held.reusable(tokens, ends);
        if *fixed > reused && *fixed < tokens.len() && self.restore(&tokens[..*fixed], ends) {
            reused = *fixed;
        }
        if !self.forget_from(reused) {
            reused = 0;
        }
        if reused == *fixed {
            self.keep(&tokens[..reused]);
        }
        for &end in ends.iter().filter(|&&end| end > reused) {
            go_on()?;
            let start = self.held.tokens.len();
            self.decode(&tokens[start..end])?;
            self.held.ends.push(end);
            if end == *fixed {
                self.keep(&tokens[..end]);
            }
        }
        self.context.synchronize();
        Ok(reused)
    }

    /// Reads tokens after those that are held; logits are there for the last.
    pub fn decode(&mut self, tokens: &[LlamaToken]) -> Result<(), Refusal> {
        if tokens.len() > 1 {
            self.adapt();
        }
        let position = self.held.tokens.len();
        self.batch.clear();
        for (at, token) in tokens.iter().enumerate() {
            let is_last = at + 1 == tokens.len();
            self.batch
                .add(*token, (position + at) as i32, &[SEQUENCE], is_last)
                .map_err(|error| Refusal::engine(error.to_string()))?;
        }
        self.context
            .decode(&mut self.batch)
            .map_err(|error| Refusal::engine(format!("llama.cpp: {error}")))?;
        self.held.tokens.extend_from_slice(tokens);
        Ok(())
    }

    /// Changes the number of threads that read if the load of the machine has changed: to one
    /// at any time, back to several at least some seconds later. What was read moves to the
    /// new context, some 50 ms for a long prompt. The number of threads that generate stays:
    /// on it, unlike on the other, the last digits of the logits depend.
    fn adapt(&mut self) {
        let now = Instant::now();
        let Some(is_wide) = self.policy.change(now, contention::running_elsewhere) else {
            return;
        };
        let read = if is_wide { self.threads.read } else { 1 };
        let threads = Threads {
            read,
            ..self.threads
        };
        match self.moved(threads) {
            Ok(context) => {
                self.context = context;
                self.policy.changed(is_wide, now);
                let ms = now.elapsed().as_millis();
                tracing::info!(
                    batch_threads = read,
                    ms,
                    "the load of the machine has changed"
                );
            }
            Err(error) => {
                self.policy.changed(self.policy.is_wide(), now);
                tracing::warn!(%error, "the number of threads could not be changed");
            }
        }
    }

    /// A new context that holds what this one holds.
    fn moved(&self, threads: Threads) -> anyhow::Result<LlamaContext<'m>> {
        let mut context = self.maker.make(threads)?;
        if !self.held.tokens.is_empty() {
            let state = self
                .context
                .state_seq_get(SEQUENCE, LlamaStateSeqFlags::empty())?;
            context.state_seq_set(&state, SEQUENCE)?;
        }
        Ok(context)
    }

    /// Forgets all that was read.
    pub fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.held = Held::default();
    }

    /// Forgets all from `length` on. False if the model cannot forget a part (recurrent
    /// ones): then all is forgotten.
    fn forget_from(&mut self, length: usize) -> bool {
        if self.held.tokens.len() == length {
            return true;
        }
        let from = u32::try_from(length).ok();
        match self
            .context
            .clear_kv_cache_seq(Some(SEQUENCE as u32), from, None)
        {
            Ok(true) if length > 0 => {
                self.held.truncate(length);
                true
            }
            _ => {
                self.forget();
                length == 0
            }
        }
    }

    /// Takes the state of a prefix from disk.
    fn restore(&mut self, prefix: &[LlamaToken], ends: &[usize]) -> bool {
        let Some(path) = self.files.as_ref().and_then(|files| files.find(prefix)) else {
            return false;
        };
        self.forget();
        match self
            .context
            .state_seq_load_file(&path, SEQUENCE, prefix.len())
        {
            Ok((tokens, _)) if tokens == prefix => {
                self.held.ends = ends
                    .iter()
                    .copied()
                    .filter(|&end| end <= prefix.len())
                    .collect();
                self.held.tokens = tokens;
                tracing::info!(tokens = prefix.len(), "prefix taken from disk");
                true
            }
            other => {
                let reason = other
                    .err()
                    .map_or("other tokens".to_owned(), |e| e.to_string());
                tracing::warn!(path = %path.display(), reason, "a kept prefix does not fit");
                let _ = std::fs::remove_file(&path);
                self.forget();
                false
            }
        }
    }

    /// Keeps the state on disk; the context must hold exactly this prefix.
    fn keep(&self, prefix: &[LlamaToken]) {
        let Some(files) = &self.files else { return };
        if prefix.is_empty() || files.path(prefix).exists() {
            return;
        }
        let write = |path: &Path| {
            self.context
                .state_seq_save_file(path, SEQUENCE, prefix)
                .map(|_| ())
                .map_err(|error| io::Error::other(error.to_string()))
        };
        match files.keep(prefix, write) {
            Ok(path) => {
                tracing::info!(tokens = prefix.len(), path = %path.display(), "prefix kept");
            }
            Err(error) => tracing::warn!(%error, "a prefix could not be kept on disk"),
        }
    }
}
