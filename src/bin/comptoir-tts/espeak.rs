//! Where espeak-ng's data is: its dictionaries and phoneme tables.

use std::path::{Path, PathBuf};

use crate::options::comptoir_env::ESPEAK_DATA;

/// The name of the folder with the data.
const FOLDER: &str = "espeak-ng-data";

/// A file that every data folder has.
const LANDMARK: &str = "phontab";

/// The data of espeak-ng was not found.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected the folder {FOLDER} of espeak-ng in {}; install it beside this program, or name it \
     with --espeak-data or {ESPEAK_DATA}",
    .looked.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
)]
pub struct NoEspeakData {
    looked: Vec<PathBuf>,
}

/// Finds the folder that *contains* `espeak-ng-data`: the one named (or its parent), else beside
/// the executable, where the build put it, or where Debian installs it.
///
/// # Errors
/// When the data is in none of them.
pub fn locate(named: Option<&Path>, executable: Option<&Path>) -> Result<PathBuf, NoEspeakData> {
    let looked = match named {
        Some(path) => {
            let mut places = vec![path.to_path_buf()];
            if path.ends_with(FOLDER) {
                places.extend(path.parent().map(Path::to_path_buf));
            }
            places
        }
        None => places(executable),
    };
    match looked
        .iter()
        .find(|p| p.join(FOLDER).join(LANDMARK).is_file())
    {
        Some(found) => Ok(std::path::absolute(found).unwrap_or_else(|_| found.clone())),
        None => Err(NoEspeakData { looked }),
    }
}

fn places(executable: Option<&Path>) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(folder) = executable.and_then(Path::parent) {
        places.push(folder.to_path_buf());
        places.push(folder.join("../share/comptoir"));
        // A program run from where cargo built it; for a test, one folder up.
        for profile in [folder, &folder.join("..")] {
            places.extend(built(&profile.join("build")));
        }
    }
    places.push("/usr/share".into());
    places.push(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH).into());
    places
}

/// The output folders of espeak-rs-sys's build, newest first.
fn built(build: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(build) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("espeak-rs-sys-")
        })
        .map(|entry| entry.path().join("out/share"))
        .filter_map(|share| Some((share.join(FOLDER).metadata().ok()?.modified().ok()?, share)))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, share)| share).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_folder_or_its_parent() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join(FOLDER);
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join(LANDMARK), "").unwrap();
        assert_eq!(locate(Some(parent.path()), None).unwrap(), parent.path());
        assert_eq!(locate(Some(&data), None).unwrap(), parent.path());
        let beside = parent.path().join("comptoir-tts");
        assert_eq!(locate(None, Some(&beside)).unwrap(), parent.path());
    }

    #[test]
    fn says_where_it_looked_and_what_to_do() {
        let error = locate(Some(Path::new("/nowhere")), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/nowhere") && error.contains("--espeak-data"),
            "{error}"
        );
    }
}
