//! The invariants of `lib.rs` that a test can see in the source.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path
                    .file_stem()
                    .is_some_and(|n| n.to_string_lossy().ends_with("tests"))
            {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        &mut out,
    );
    assert!(!out.is_empty(), "expected sources in {folder}");
    out
}

/// Lines of code (no comments) that hold one of these, with their place.
fn lines_with(sources: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    for (path, text) in sources {
        for (n, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|w| code.contains(w)) {
                out.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
            }
        }
    }
    out
}

#[test]
fn the_dialogue_is_pure() {
    let found = lines_with(
        &sources("src/dialogue"),
        &[
            "tokio",
            "rusqlite",
            "reqwest",
            "axum",
            "cpal",
            "rodio",
            "std::fs",
            "std::net",
            "std::thread",
            "Instant::now",
            "SystemTime",
            "Timestamp::now",
            "Zoned::now",
            "new_v4",
            "async fn",
            ".await;",
            ".await?",
            "shop::store",
            "nlu::llm",
            "crate::stt",
            "crate::tts",
            "crate::audio",
            "crate::daemon",
            "crate::session",
        ],
    );
    assert!(
        found.is_empty(),
        "the core reaches outside:\n{}",
        found.join("\n")
    );
}

#[test]
fn only_the_store_has_sql() {
    let elsewhere: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, _)| {
            let path = path.to_string_lossy();
            !["/shop/store", "/hub/store"]
                .iter()
                .any(|store| path.contains(store))
        })
        .collect();
    let found = lines_with(
        &elsewhere,
        &[
            "SELECT ",
            "INSERT INTO",
            "UPDATE SET",
            "DELETE FROM",
            "rusqlite::",
            "tokio_postgres::",
            "deadpool_postgres::",
        ],
    );
    assert!(
        found.is_empty(),
        "SQL outside the store:\n{}",
        found.join("\n")
    );
}

#[test]
fn only_the_daemon_names_concrete_engines() {
    let others: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, _)| {
            let path = path.to_string_lossy();
            !["/daemon/", "/stt", "/tts", "/nlu/llm", "/bin/"]
                .iter()
                .any(|part| path.contains(part))
        })
        .collect();
    let found = lines_with(&others, &["WyomingStt", "WyomingTts", "LlmClient::new"]);
    assert!(
        found.is_empty(),
        "engines named elsewhere:\n{}",
        found.join("\n")
    );
}

#[test]
fn nothing_outside_the_programs_ends_the_process() {
    let library: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, _)| !path.to_string_lossy().contains("/bin/"))
        .collect();
    let found = lines_with(&library, &["process::exit", "process::abort"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_modules_stand_in_the_order_an_utterance_travels() {
    let lib =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules: Vec<&str> = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let path = [
        "audio", "vad", "stt", "nlu", "dialogue", "shop", "tts", "session", "daemon",
    ];
    let places: Vec<usize> = path
        .iter()
        .map(|m| modules.iter().position(|x| x == m).unwrap())
        .collect();
    assert!(
        places.is_sorted(),
        "expected {path:?} in this order, found {modules:?}"
    );
}
