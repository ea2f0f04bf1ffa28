//! The context: what it has read, and reading more.

use std::io;
use std::path::Path;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use crate::failure::Refusal;
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
    context: LlamaContext<'m>,
    files: Option<PrefixFiles>,
    held: Held,
    batch: LlamaBatch<'static>,
}

impl<'m> Reader<'m> {
    /// With nothing read yet; without `files` nothing is kept on disk.
    pub fn new(context: LlamaContext<'m>, files: Option<PrefixFiles>) -> Self {
        Self {
            context,
            files,
            held: Held::default(),
            batch: LlamaBatch::new(BATCH_TOKENS, 1),
        }
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
