//! From files to a loaded model, or one sentence why not.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};

use crate::log;
use crate::options::Options;
use crate::prefix::BATCH_TOKENS;

/// The first four bytes of every GGUF file.
const MAGIC: &[u8; 4] = b"GGUF";
/// Versions that the llama.cpp in this build reads.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// Magic, version, number of tensors, number of keys: less than this is no GGUF.
const HEADER_BYTES: usize = 24;

/// The worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not there or not readable.
    #[error("expected a GGUF file at {path}, but {error}; run `comptoir models fetch`")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is something else.
    #[error(
        "expected a GGUF file (version 2 or 3) at {path}, found {found}; run `comptoir models verify`"
    )]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// llama.cpp does not take it.
    #[error("{path} cannot be loaded: {reason}; run `comptoir models verify`")]
    Refused {
        /// The file.
        path: PathBuf,
        /// llama.cpp's last error line.
        reason: String,
    },
    /// The context does not fit, mostly for want of memory.
    #[error("no context of {ctx} tokens can be made: {reason}; try a smaller --ctx")]
    Context {
        /// Tokens asked for.
        ctx: u32,
        /// llama.cpp's last error line.
        reason: String,
    },
    /// A second backend in the same process.
    #[error("llama.cpp cannot be started: {0}")]
    Backend(#[from] llama_cpp_2::LlamaCppError),
    /// The first token could not be generated.
    #[error("the model loads but generates nothing: {0}")]
    WarmUp(String),
    /// The thread could not be made, or ended before it said anything.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(String),
}

/// Refuses what is plainly not a GGUF file, before llama.cpp reads it.
pub fn check_gguf(path: &Path) -> Result<(), LoadError> {
    let missing = |error| LoadError::Missing {
        path: path.to_owned(),
        error,
    };
    let not_gguf = |found: String| LoadError::NotGguf {
        path: path.to_owned(),
        found,
    };
    let mut file = File::open(path).map_err(missing)?;
    let metadata = file.metadata().map_err(missing)?;
    if !metadata.is_file() {
        return Err(not_gguf("no regular file".to_owned()));
    }
    let mut header = Vec::new();
    (&mut file)
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)
        .map_err(missing)?;
    if header.len() < HEADER_BYTES {
        return Err(not_gguf(format!("{} bytes", metadata.len())));
    }
    if header[..4] != MAGIC[..] {
        return Err(not_gguf(format!(
            "a file that begins with {:02x?}",
            &header[..4]
        )));
    }
    let version = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    if !VERSIONS.contains(&version) {
        return Err(not_gguf(format!("GGUF version {version}")));
    }
    Ok(())
}

/// Loads the model's weights and the adapter, if there is one.
pub fn model(
    backend: &LlamaBackend,
    options: &Options,
) -> Result<(LlamaModel, Option<(LlamaLoraAdapter, PathBuf)>), LoadError> {
    let refused = |path: &Path, error: String| LoadError::Refused {
        path: path.to_owned(),
        reason: log::last_engine_error().unwrap_or(error),
    };
    // Read, not mapped: llama.cpp rearranges most weights for the processor's vector units, and
    // with a mapped file the process holds both forms (1.9 instead of 1.2 GB for Qwen 1.5B).
    let params = LlamaModelParams::default()
        .with_n_gpu_layers(options.gpu_layers)
        .with_use_mmap(false);
    let mut model = LlamaModel::load_from_file(backend, &options.model, &params)
        .map_err(|error| refused(&options.model, error.to_string()))?;
    let adapter = match &options.adapter {
        None => None,
        Some(path) => {
            let adapter = model
                .lora_adapter_init(path)
                .map_err(|error| refused(path, error.to_string()))?;
            Some((adapter, path.clone()))
        }
    };
    Ok((model, adapter))
}

/// How many threads a context uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads {
    /// To generate one token.
    pub generate: i32,
    /// To read a batch of the prompt.
    pub read: i32,
}

/// Makes contexts of one model, which differ in their threads only: llama-cpp-2 cannot change
/// those of a context.
#[derive(Debug)]
pub struct ContextMaker<'m> {
    backend: &'m LlamaBackend,
    model: &'m LlamaModel,
    adapter: RefCell<Option<(LlamaLoraAdapter, PathBuf)>>,
    ctx: NonZeroU32,
}

impl<'m> ContextMaker<'m> {
    /// For contexts of `ctx` tokens, with the adapter (and the file it is from) if any.
    pub fn new(
        backend: &'m LlamaBackend,
        model: &'m LlamaModel,
        adapter: Option<(LlamaLoraAdapter, PathBuf)>,
        ctx: NonZeroU32,
    ) -> Self {
        let trained = model.n_ctx_train();
        if trained > 0 && ctx.get() > trained {
            tracing::warn!(
                ctx,
                trained,
                "the context is longer than the model was trained for"
            );
        }
        Self {
            backend,
            model,
            adapter: RefCell::new(adapter),
            ctx,
        }
    }

    /// An empty context.
    pub fn make(&self, threads: Threads) -> Result<LlamaContext<'m>, LoadError> {
        let batch = BATCH_TOKENS as u32;
        let params = LlamaContextParams::default()
            .with_n_ctx(Some(self.ctx))
            .with_n_batch(batch)
            .with_n_ubatch(batch)
            .with_n_threads(threads.generate)
            .with_n_threads_batch(threads.read);
        let failed = |error: String| LoadError::Context {
            ctx: self.ctx.get(),
            reason: log::last_engine_error().unwrap_or(error),
        };
        let made = self.model.new_context(self.backend, params);
        let mut context = made.map_err(|error| failed(error.to_string()))?;
        if let Some((adapter, path)) = self.adapter.borrow_mut().as_mut() {
            context
                .lora_adapter_set(adapter, 1.0)
                .map_err(|error| LoadError::Refused {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
        }
        Ok(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said_of(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check_gguf(file.path()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_gguf_is_named_with_what_to_do() {
        assert!(said_of(b"").contains("found 0 bytes"));
        assert!(said_of(&[b"<html>404".as_slice(), &[0; 40]].concat()).contains("begins with"));
        assert!(said_of(&[b"GGUF\x09\0\0\0".as_slice(), &[0; 40]].concat()).contains("version 9"));
        assert!(said_of(b"").contains("comptoir models verify"));
        let missing = check_gguf(Path::new("/no/such.gguf"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("comptoir models fetch"), "{missing}");
        assert!(
            check_gguf(Path::new("/"))
                .unwrap_err()
                .to_string()
                .contains("no regular file")
        );
    }
}
