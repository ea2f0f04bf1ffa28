//! The sentences that understanding is trained and measured on: well formed, and kept apart.
#![allow(clippy::unwrap_used)]

use comptoir::nlu::{command::INTENTS, eval, wire, words::fold};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

const LANGUAGES: [&str; 2] = ["en", "fr"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The test sets, each by other writers.
const TEST_SETS: [&str; 2] = ["test", "second"];

fn test_set(name: &str, language: &str) -> Vec<eval::Line> {
    let path = format!(
        "{}/tests/nlu/{name}.{language}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    eval::read(&read(path.as_ref())).unwrap()
}

/// Letters and digits only: how sentences are told apart.
fn plain(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The hand-written training sentences: (place, text without context, commands in wire form).
fn written() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/train/written");
    let mut out = Vec::new();
    for language in LANGUAGES {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join(language))
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            for (i, line) in read(&file).lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let place = format!("{}:{}", file.display(), i + 1);
                let (said, wire) = line.split_once(" => ").unwrap_or_else(|| panic!("{place}"));
                let said = said.trim_start_matches(['~', ' ']);
                let said = match said.strip_prefix('[').and_then(|s| s.split_once(']')) {
                    Some((_, said)) => said,
                    None => said,
                };
                out.push((place, said.trim().to_owned(), wire.to_owned()));
            }
        }
    }
    out
}

#[test]
fn the_test_sets_cover_the_command_language() {
    for (name, language) in TEST_SETS.iter().flat_map(|n| LANGUAGES.map(|l| (n, l))) {
        let lines = test_set(name, language);
        assert!(lines.len() >= 250, "{name} {language}: {}", lines.len());
        let ids: HashSet<String> = lines.iter().map(|l| l.id.to_string()).collect();
        assert_eq!(ids.len(), lines.len(), "ids are unique");
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for command in lines.iter().flat_map(|l| &l.expect) {
            *seen.entry(command.intent()).or_default() += 1;
        }
        for intent in INTENTS {
            let n = seen.get(intent.name).copied().unwrap_or_default();
            assert!(
                n >= 3,
                "{name} {language}: {} occurs {n} times",
                intent.name
            );
        }
    }
}

#[test]
fn every_training_sentence_is_labelled_in_the_command_language() {
    let written = written();
    for language in LANGUAGES {
        let of = |place: &str| place.contains(&format!("/written/{language}/"));
        let mine: HashSet<String> = written
            .iter()
            .filter(|(place, ..)| of(place))
            .map(|(_, text, _)| plain(text))
            .collect();
        assert!(mine.len() >= 4000, "{language}: {} different", mine.len());
    }
    let wrong: Vec<String> = written
        .iter()
        .filter_map(|(place, _, label)| Some(format!("{place}: {}", wire::read(label).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two sentences of which so many words are the same are one, told twice: what all share, of
/// what either has.
const ALIKE: f64 = 0.7;

fn likeness(a: &HashSet<String>, b: &HashSet<String>) -> f64 {
    let shared = a.intersection(b).count();
    shared as f64 / (a.len() + b.len() - shared) as f64
}

/// Its different words. Of short ones there are too few for another wording ("Yes please").
fn words(text: &str) -> Option<HashSet<String>> {
    let words: HashSet<String> = fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    (words.len() >= 5).then_some(words)
}

#[test]
fn nothing_like_a_test_sentence_is_trained_on() {
    let trained: Vec<_> = written()
        .into_iter()
        .filter_map(|(place, text, _)| Some((place, words(&text)?)))
        .collect();
    let same: HashMap<String, String> = written()
        .into_iter()
        .map(|(place, text, _)| (plain(&text), place))
        .collect();
    let mut leaked = Vec::new();
    for (name, language) in TEST_SETS.iter().flat_map(|n| LANGUAGES.map(|l| (n, l))) {
        for line in test_set(name, language) {
            // Letter for letter: "Yes please" has no other wording.
            if line.text.split_whitespace().count() > 4
                && let Some(place) = same.get(&plain(&line.text))
            {
                leaked.push(format!("{} {}: {place}", line.id, line.text));
            }
            let Some(tested) = words(&line.text) else {
                continue;
            };
            let place = trained
                .iter()
                .find(|(_, words)| likeness(words, &tested) >= ALIKE);
            leaked.extend(place.map(|(place, _)| format!("{} {}: {place}", line.id, line.text)));
        }
    }
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}
