//! What can go wrong with models: for the caller ([`ModelsError`]) and within one attempt at
//! one source ([`SourceFault`]).

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::models::Sha256Digest;

/// Why the model store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The manifest does not parse or contradicts itself.
    #[error("manifest {origin}: {reason}")]
    Manifest {
        /// Its path, or `(built in)`.
        origin: String,
        /// Expected, found, what to do.
        reason: String,
    },
    /// No model, nor file, of this name.
    #[error("there is no model `{asked}`; expected one of: {known}")]
    UnknownModel {
        /// The name given.
        asked: String,
        /// The names there are.
        known: String,
    },
    /// No profile of this name.
    #[error("there is no profile `{asked}`; expected one of: {known}")]
    UnknownProfile {
        /// The name given.
        asked: String,
        /// The names there are.
        known: String,
    },
    /// A model that is needed is not in the store.
    #[error("model `{id}` is missing: expected {}; run `comptoir models fetch {id}`", path.display())]
    Missing {
        /// The model.
        id: String,
        /// The file that is not there.
        path: PathBuf,
    },
    /// A model file is there, but is not what the manifest names.
    #[error("model `{id}` is damaged: {} {found}; run `comptoir models fetch {id}`", path.display())]
    Damaged {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// No folder to keep models in.
    #[error("no folder for models: expected HOME, XDG_CACHE_HOME or COMPTOIR_MODELS to be set")]
    NoFolder,
    /// The disk would overflow.
    #[error(
        "not enough room for the models: {needed} MB needed in {}, {free} MB free; make room, or set \
         COMPTOIR_MODELS to a folder on a larger disk",
        folder.display()
    )]
    NoRoom {
        /// The store.
        folder: PathBuf,
        /// Megabytes (10^6 bytes) that the fetch takes at most.
        needed: u64,
        /// Megabytes free.
        free: u64,
    },
    /// Another fetch holds the store for too long.
    #[error(
        "another `comptoir models fetch` has been working in {} for {} s; wait for it, or end it",
        folder.display(),
        waited.as_secs()
    )]
    Locked {
        /// The store.
        folder: PathBuf,
        /// How long this one waited.
        waited: Duration,
    },
    /// Some files could not be had from any source. The lines were printed as they happened.
    #[error("{}", failed_list(failed))]
    Unfetched {
        /// Per file: what every source said.
        failed: Vec<Unfetched>,
    },
    /// The disk did not do as it was told.
    #[error("{action} {}: {source}", path.display())]
    Disk {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl ModelsError {
    /// For `map_err`: a disk operation on a path that failed.
    pub fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Disk {
            action,
            path,
            source,
        }
    }
}

/// A file that no source gave, with each source's reason.
#[derive(Debug)]
pub struct Unfetched {
    /// The model's id.
    pub id: String,
    /// The file's name.
    pub file: String,
    /// Source and its reason, in the order tried.
    pub tried: Vec<(String, SourceFault)>,
}

fn failed_list(failed: &[Unfetched]) -> String {
    let mut text = String::new();
    for one in failed {
        text.push_str(&format!(
            "could not fetch {} (model `{}`):\n",
            one.file, one.id
        ));
        for (source, fault) in &one.tried {
            text.push_str(&format!("  {source}: {fault}\n"));
        }
    }
    text.push_str(
        "what came is kept: run the same command again to go on, or set COMPTOIR_MODEL_MIRROR to a folder \
         or base URL that has the files",
    );
    text
}

/// Why one source did not give one file. The next source is tried.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// No connection within the connect deadline, or it was refused.
    #[error("{host} cannot be reached ({reason})")]
    Unreachable {
        /// Host (and port, if not the usual one).
        host: String,
        /// The transport's reason.
        reason: String,
    },
    /// The host was found unreachable earlier in this run, and is not tried again.
    #[error("{host} cannot be reached (found so earlier in this run)")]
    KnownUnreachable {
        /// Host (and port, if not the usual one).
        host: String,
    },
    /// The server said no.
    #[error("{url} answered {status}")]
    Status {
        /// Without credentials.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// A page for people came instead of the file: a captive portal, a login, an error page.
    #[error(
        "{url} answered with an HTML page instead of the file (a login page or a captive portal?)"
    )]
    HtmlPage {
        /// Without credentials.
        url: String,
    },
    /// The size is not the manifest's.
    #[error("expected {expected} bytes, found {found}")]
    Size {
        /// As in the manifest, in bytes.
        expected: u64,
        /// In bytes.
        found: u64,
    },
    /// The bytes are not the manifest's. They were removed.
    #[error("expected SHA-256 {expected}, found {found}; refused")]
    Hash {
        /// As in the manifest.
        expected: Sha256Digest,
        /// Of the bytes that came.
        found: Sha256Digest,
    },
    /// A package's bytes are not what its index says. They were removed.
    #[error("package {package}: its index promises {expected}, its bytes hash to {found}; refused")]
    PackageHash {
        /// `name==version`.
        package: String,
        /// As the index has it.
        expected: String,
        /// Of the bytes that came.
        found: String,
    },
    /// Nothing came for the stall deadline, again and again.
    #[error("{url} sent nothing for {:.0?}", after)]
    Stalled {
        /// Without credentials.
        url: String,
        /// The stall deadline.
        after: Duration,
    },
    /// The connection broke, again and again.
    #[error("the connection to {url} broke after {got} bytes ({reason})")]
    Cut {
        /// Without credentials.
        url: String,
        /// Bytes that came, and are kept for the next run.
        got: u64,
        /// The transport's reason.
        reason: String,
    },
    /// The package index does not have what the manifest pins.
    #[error("{package}: {reason}")]
    Package {
        /// `name==version` or `name@version`.
        package: String,
        /// Expected, found.
        reason: String,
    },
    /// The mirror does not have the file.
    #[error("{place} does not have it")]
    NotThere {
        /// Path or URL.
        place: String,
    },
    /// A model that a conversion starts from could not be had.
    #[error("needs model `{reference}`: {reason}")]
    Reference {
        /// The model's id.
        reference: String,
        /// Why it is not there.
        reason: String,
    },
    /// The weights do not convert.
    #[error("conversion: {0}")]
    Conversion(String),
    /// The disk is full or broken: no other source can help.
    #[error("{action} {}: {source}{}", path.display(), if source.kind() == io::ErrorKind::StorageFull {
        "; make room, or set COMPTOIR_MODELS to a folder on a larger disk"
    } else { "" })]
    Disk {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl SourceFault {
    /// For `map_err`: a disk operation on a path that failed.
    pub fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Disk {
            action,
            path,
            source,
        }
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Stalled { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
            }
            _ => false,
        }
    }
}
