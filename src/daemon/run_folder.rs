//! The folder of the workers' sockets.
//!
//! A Unix socket's path has at most 107 bytes, and a data folder's may be longer; so sockets
//! live in a short folder of the user's own (mode 0700), named by a hash of the data folder.

use sha2::{Digest, Sha256};
use std::{
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A folder for sockets. One of this process alone is removed at the end.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    shared: bool,
}

impl RunFolder {
    /// Makes the folder: `shared`, for workers that other programs may use, or this process's.
    ///
    /// # Errors
    /// When it cannot be made, or is somebody else's.
    pub fn of(data: &Path, shared: bool) -> io::Result<Self> {
        let base = base(data);
        let path = if shared {
            Self::shared_path(data)
        } else {
            base.join(std::process::id().to_string())
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        let owner = std::fs::metadata(&path)?.uid();
        let me = rustix::process::getuid().as_raw();
        if owner != me {
            return Err(io::Error::other(format!(
                "expected {} to be owned by user {me}, found {owner}; remove it",
                path.display()
            )));
        }
        Ok(Self { path, shared })
    }

    /// Where shared workers of a data folder announce themselves.
    #[must_use]
    pub fn shared_path(data: &Path) -> PathBuf {
        base(data).join("shared")
    }

    /// A socket in it.
    #[must_use]
    pub fn socket(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.sock"))
    }

    /// Writes a file that only this user can read, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_private(&self, name: &str, text: &str) -> io::Result<()> {
        let part = self.path.join(format!("{name}.part"));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(part, self.path.join(name))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.shared {
            let _ = std::fs::remove_file(self.path.join("engines.json"));
        } else {
            let _ = std::fs::remove_dir_all(&self.path);
            // The folder above, once nobody else uses it.
            if let Some(base) = self.path.parent() {
                let _ = std::fs::remove_dir(base);
            }
        }
    }
}

fn base(data: &Path) -> PathBuf {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let hash = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let short: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
    let user = rustix::process::getuid().as_raw();
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir).join(format!("comptoir-{short}")),
        _ => PathBuf::from(format!("/tmp/comptoir-{user}-{short}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_socket_fits_however_long_the_data_folder_is() {
        let data = PathBuf::from(format!("/data/{}", "x".repeat(300)));
        let run = RunFolder::of(&data, false).unwrap();
        let socket = run.socket("stt");
        assert!(socket.as_os_str().len() < 107, "{socket:?}");
        run.write_private("token", "secret").unwrap();
        let file = run.path.join("token");
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        let path = run.path.clone();
        drop(run);
        assert!(!path.exists());
    }
}
