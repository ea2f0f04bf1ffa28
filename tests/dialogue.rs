//! The dialogue core, driven by scripts that read like conversations: `tests/dialogue/*/*.toml`.

#![allow(clippy::unwrap_used)]

#[path = "dialogue/random.rs"]
mod random;
#[path = "dialogue/script.rs"]
mod script;
#[path = "dialogue/world.rs"]
mod world;

use std::{fs, path::Path};

fn run_all(folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/dialogue")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut scripts = 0;
    let mut failed = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let list = script::read(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        for s in list {
            scripts += 1;
            if let Err(e) = script::play(&s) {
                failed.push(format!("{name} / {}:\n{e}", s.name));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} failed\n\n{}",
        failed.len(),
        failed.join("\n\n")
    );
    scripts
}

#[test]
fn english_conversations_go_as_written() {
    assert!(run_all("en") >= 20);
}

#[test]
fn french_conversations_go_as_written() {
    assert!(run_all("fr") >= 20);
}
