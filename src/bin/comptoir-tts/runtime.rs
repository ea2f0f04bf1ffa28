//! ONNX Runtime: found, checked, loaded.
//!
//! `ort` deadlocks without a word when the library is missing or older than it expects: it
//! builds its error with a call into the very library that it failed to load. So the library is
//! checked here before `ort` is called for the first time.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The oldest minor version of ONNX Runtime 1.x that `ort` works with.
const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

/// What to do when there is no usable library.
const REMEDY: &str = "run `comptoir models fetch`, or name libonnxruntime.so with --ort or \
                      ORT_DYLIB_PATH";

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No library lies where it is looked for.
    #[error("ONNX Runtime (libonnxruntime.so) was not found in {}; {REMEDY}", folders(.0))]
    NotFound(Vec<PathBuf>),
    /// The library named does not exist or cannot be read.
    #[error("expected ONNX Runtime at {}: {source}; {REMEDY}", .path.display())]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not ONNX Runtime for this machine: {reason}; {REMEDY}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The library is older than `ort` needs.
    #[error(
        "{} is ONNX Runtime {found}, 1.{OLDEST_MINOR} or later is needed; {REMEDY}",
        .path.display()
    )]
    TooOld {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// `ort` refuses a library that passed the checks.
    #[error("ONNX Runtime at {} does not start: {source}", .path.display())]
    Refused {
        /// The library.
        path: PathBuf,
        /// What `ort` says.
        source: ort::Error,
    },
}

fn folders(folders: &[PathBuf]) -> String {
    let shown: Vec<_> = folders.iter().map(|f| f.display().to_string()).collect();
    shown.join(" or ")
}

/// Finds the library: the one named, else the newest `libonnxruntime.so*` in the folders.
///
/// # Errors
/// When there is none.
pub fn locate(named: Option<&Path>, folders: Vec<PathBuf>) -> Result<PathBuf, RuntimeError> {
    if let Some(path) = named {
        return Ok(path.to_path_buf());
    }
    let found = folders.iter().find_map(|folder| {
        let names = std::fs::read_dir(folder).ok()?;
        names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| Some((library_version(&name)?, name)))
            .max()
            .map(|(_, name)| folder.join(name))
    });
    found.ok_or(RuntimeError::NotFound(folders))
}

/// The version in the name of a library: none for another file (or a download under way).
fn library_version(name: &str) -> Option<Vec<u32>> {
    let rest = name.strip_prefix("libonnxruntime.so")?;
    let numbers = rest.split('.').skip(1);
    let version: Vec<u32> = numbers.map(|n| n.parse().ok()).collect::<Option<_>>()?;
    (rest.is_empty() || !version.is_empty()).then_some(version)
}

/// Checks the library and makes it the one that `ort` uses.
///
/// # Errors
/// A sentence for each way in which a file is not a usable ONNX Runtime.
pub fn load(path: &Path) -> Result<String, RuntimeError> {
    check_file(path)?;
    let version = ask_version(path)?;
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) < (1, OLDEST_MINOR) {
        return Err(RuntimeError::TooOld {
            path: path.into(),
            found: version,
        });
    }
    // An absolute path, for ort looks for a relative one beside the executable first.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    ort::init_from(&absolute)
        .map_err(|source| RuntimeError::Refused {
            path: path.into(),
            source,
        })?
        .with_name("comptoir-tts")
        .with_telemetry(false)
        .commit();
    Ok(version)
}

/// Looks at the first bytes: an ELF shared object of this architecture?
fn check_file(path: &Path) -> Result<(), RuntimeError> {
    let unreadable = |source| RuntimeError::Unreadable {
        path: path.into(),
        source,
    };
    let unusable = |reason: String| {
        Err(RuntimeError::Unusable {
            path: path.into(),
            reason,
        })
    };
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return unusable("it is not a file".into());
    }
    // The program headers stand at the beginning.
    file.take(4096).read_to_end(&mut head).map_err(unreadable)?;
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    // The layout of an ELF header is in elf(5).
    let [0x7f, b'E', b'L', b'F', class, order, ..] = head[..] else {
        return unusable("it is not a shared library (no ELF header)".into());
    };
    let half_word = |at: usize| {
        let bytes = [
            head.get(at).copied().unwrap_or(0),
            head.get(at + 1).copied().unwrap_or(0),
        ];
        match order {
            2 => u16::from_be_bytes(bytes),
            _ => u16::from_le_bytes(bytes),
        }
    };
    let (kind, machine) = (half_word(16), half_word(18));
    let this_class = if cfg!(target_pointer_width = "64") {
        2
    } else {
        1
    };
    let this_machine = match std::env::consts::ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "arm" => Some(40),
        "riscv64" => Some(243),
        _ => None,
    };
    if class != this_class || this_machine.is_some_and(|m| m != machine) {
        return unusable(format!(
            "it is built for another processor (ELF machine {machine}), this is {}",
            std::env::consts::ARCH
        ));
    }
    if kind != 3 {
        return unusable("it is not a shared library but a program or object file".into());
    }
    // The linker maps what the headers promise; on a file that is cut off it dies of SIGBUS.
    let promised = promised_size(&head).unwrap_or(u64::MAX);
    if found.len() < promised {
        return unusable(format!("it is cut off ({} bytes)", found.len()));
    }
    Ok(())
}

/// How long a 64-bit ELF file is at least, as its segments say. None when the headers are not
/// all there.
fn promised_size(head: &[u8]) -> Option<u64> {
    if cfg!(not(all(
        target_pointer_width = "64",
        target_endian = "little"
    ))) {
        return Some(0);
    }
    let half_word = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let word = |at: usize| Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let (first, size, count) = (word(32)?, half_word(54)?, half_word(56)?);
    let mut end = 0;
    for n in 0..count {
        let header = usize::try_from(first).ok()? + usize::from(n) * usize::from(size);
        let (offset, length) = (
            word(header.checked_add(8)?)?,
            word(header.checked_add(32)?)?,
        );
        end = end.max(offset.checked_add(length)?);
    }
    Some(end)
}

// std links the C library, which has the dynamic linker's interface.
unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}

const RTLD_NOW: c_int = 2;

/// The first two fields of `OrtApiBase` of onnxruntime_c_api.h, the same in every version.
#[repr(C)]
struct ApiBase {
    api: *const c_void,
    version: unsafe extern "C" fn() -> *const c_char,
}

/// Loads the library and asks for its version.
fn ask_version(path: &Path) -> Result<String, RuntimeError> {
    let unusable = |reason: String| RuntimeError::Unusable {
        path: path.into(),
        reason,
    };
    // A name without a slash would be searched for in the system's folders.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let name = CString::new(absolute.as_os_str().as_bytes())
        .map_err(|_| unusable("its path contains a NUL".into()))?;
    // SAFETY: `name` is a C string, and so is what dlerror returns (copied at once). The library
    // stays loaded, so its functions and the version text stay valid.
    unsafe {
        let library = dlopen(name.as_ptr(), RTLD_NOW);
        if library.is_null() {
            let error = dlerror();
            let reason = if error.is_null() {
                "it cannot be loaded".into()
            } else {
                CStr::from_ptr(error).to_string_lossy().into_owned()
            };
            return Err(unusable(reason));
        }
        let symbol = dlsym(library, c"OrtGetApiBase".as_ptr());
        if symbol.is_null() {
            return Err(unusable("it has no function OrtGetApiBase".into()));
        }
        let api_base =
            std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> *const ApiBase>(symbol);
        let base = api_base();
        let version = if base.is_null() {
            std::ptr::null()
        } else {
            ((*base).version)()
        };
        if version.is_null() {
            return Err(unusable("it does not tell its version".into()));
        }
        Ok(CStr::from_ptr(version).to_string_lossy().into_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_newest_library_and_no_half_download() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.24.4",
            "libonnxruntime.so.1.31.0.part",
            "libonnxruntime_providers_shared.so",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = locate(None, vec!["/nowhere".into(), folder.path().into()]).unwrap();
        assert!(found.ends_with("libonnxruntime.so.1.24.4"), "{found:?}");
        let none = locate(None, vec!["/nowhere".into()]).unwrap_err();
        assert!(none.to_string().contains("models fetch"), "{none}");
    }

    #[test]
    fn tells_what_is_wrong_with_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime.so");
        let trouble = |path: &Path| load(path).unwrap_err().to_string();
        assert!(
            trouble(&path).contains("No such file"),
            "{}",
            trouble(&path)
        );
        assert!(trouble(folder.path()).contains("not a file"));
        std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\n").unwrap();
        assert!(trouble(&path).contains("not a shared library"));
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut other = program[..64].to_vec();
        other[18] ^= 0xff;
        std::fs::write(&path, &other).unwrap();
        assert!(trouble(&path).contains("another processor"));
        let mut library = program[..4096].to_vec();
        library[16] = 3;
        std::fs::write(&path, &library).unwrap();
        assert!(
            trouble(&path).contains("cut off (4096 bytes)"),
            "{}",
            trouble(&path)
        );
        std::fs::write(&path, &library[..64]).unwrap();
        assert!(
            trouble(&path).contains("cut off (64 bytes)"),
            "{}",
            trouble(&path)
        );
    }
}
