#![allow(clippy::unwrap_used)]

use super::*;
use crate::lang::Language;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A second of sound at 8 kHz: 16 kB and a header on disk.
fn second(level: f32) -> Pcm {
    Pcm {
        samples: vec![level; 8000],
        rate: 8000,
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn what_is_kept_is_found_by_the_same_voice_and_text_only() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PhraseCache::open(folder.path().join("phrases"), 1 << 20).unwrap();
    assert_eq!(cache.get("siwis", "Bonjour !"), None);
    cache.put("siwis", "Bonjour !", &second(0.5)).unwrap();
    assert_eq!(cache.get("siwis", "Bonjour !"), Some(second(0.5)));
    assert_eq!(cache.get("joe", "Bonjour !"), None);
    assert_eq!(cache.get("siwis", "Bonjour"), None);
    assert_eq!(cache.get("siwisBon", "jour !"), None);
    cache.put("siwis", "Bonjour !", &second(0.25)).unwrap();
    assert_eq!(cache.get("siwis", "Bonjour !"), Some(second(0.25)));
    assert_eq!(files(&folder.path().join("phrases")), 1, "no draft is left");
}

#[test]
fn what_was_not_heard_for_longest_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PhraseCache::open(folder.path(), 40_000).unwrap();
    let age = |text: &str, minutes: u64| {
        let file = std::fs::File::options()
            .append(true)
            .open(cache.path_of("v", text))
            .unwrap();
        let then = SystemTime::now() - Duration::from_secs(60 * minutes);
        file.set_modified(then).unwrap();
    };
    cache.put("v", "old", &second(0.1)).unwrap();
    age("old", 30);
    cache
        .put("v", "older, but heard again", &second(0.1))
        .unwrap();
    age("older, but heard again", 60);
    assert!(cache.get("v", "older, but heard again").is_some());
    cache.put("v", "new", &second(0.1)).unwrap();
    assert_eq!(files(folder.path()), 2);
    assert!(cache.get("v", "old").is_none());
    assert!(cache.get("v", "older, but heard again").is_some());
    assert!(cache.get("v", "new").is_some());
}

#[test]
fn a_phrase_larger_than_the_cache_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PhraseCache::open(folder.path(), 10_000).unwrap();
    cache.put("v", "long", &second(0.1)).unwrap();
    assert_eq!(files(folder.path()), 0);
}

#[test]
fn a_damaged_phrase_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PhraseCache::open(folder.path(), 1 << 20).unwrap();
    for damage in [&b""[..], b"RIFF", b"not a sound at all"] {
        std::fs::write(cache.path_of("v", "t"), damage).unwrap();
        assert_eq!(cache.get("v", "t"), None);
        assert_eq!(files(folder.path()), 0);
    }
    cache.put("v", "t", &second(0.1)).unwrap();
    let whole = std::fs::read(cache.path_of("v", "t")).unwrap();
    std::fs::write(cache.path_of("v", "t"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(cache.get("v", "t"), None);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = PhraseCache::open(file.join("phrases"), 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("make the folder"), "{error}");
}

/// Speaks a second for any text and counts how often.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Synthesize for Counting {
    fn synthesize<'a>(
        &'a self,
        _: SynthesizeRequest<'a>,
        heard: &'a mut (dyn FnMut(&Pcm) + Send),
    ) -> BoxFuture<'a, Result<Pcm, TtsError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        heard(&second(0.5));
        Box::pin(async { Ok(second(0.5)) })
    }
}

#[tokio::test]
async fn a_fixed_phrase_is_spoken_once_and_anything_else_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PhraseCache::open(folder.path(), 1 << 20).unwrap();
    let voice = Arc::new(Counting::default());
    let tts = CachedTts::new(voice.clone(), cache, "siwis 1.0");
    let own = SynthesizeRequest::new("Bonjour !", Language::Fr, STALE);
    let fixed = SynthesizeRequest { fixed: true, ..own };
    tts.synthesize(own, &mut |_| {}).await.unwrap();
    tts.synthesize(fixed, &mut |_| {}).await.unwrap();
    while files(folder.path()) == 0 || !folder_is_settled(folder.path()) {
        tokio::task::yield_now().await;
    }
    let mut heard = 0;
    let mut count = |piece: &Pcm| heard += piece.samples.len();
    let again = tts.synthesize(fixed, &mut count).await.unwrap();
    assert_eq!((again, heard), (second(0.5), 8000));
    assert_eq!(voice.0.load(Ordering::SeqCst), 2);
    assert_eq!(files(folder.path()), 1, "nobody's own reply is kept");
}

fn folder_is_settled(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().all(|entry| {
        entry
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "wav")
    })
}
