//! Upstream and mirrors: what comes, what is refused, what resumes, what gives up.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use comptoir::models::ModelsError;
use comptoir::models::source::Mirror;

use crate::server::{Answer, Server};
use crate::{Bench, noise, pypi, url};

#[test]
fn upstream_gives_the_file_and_a_second_run_asks_nobody() {
    let mut bench = Bench::new();
    let bytes = noise(300_000, 1);
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);

    let fetched = bench.fetch().unwrap();
    assert_eq!(
        fetched[0].from.as_deref(),
        Some(bench.server.url("/m.bin").as_str())
    );
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
    assert_eq!(bench.files(), ["m.bin"]);

    assert_eq!(bench.fetch().unwrap()[0].from, None);
    assert_eq!(bench.server.seen().len(), 1);
}

#[test]
fn a_file_that_was_changed_is_found_out_and_fetched_again() {
    let mut bench = Bench::new();
    let bytes = noise(10_000, 1);
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    bench.fetch().unwrap();

    let mut damaged = bytes.clone();
    damaged[5_000] ^= 1;
    fs::write(bench.path("m.bin"), &damaged).unwrap();
    assert!(bench.fetch().unwrap()[0].from.is_some());
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);

    fs::write(bench.path("m.bin"), &bytes[..100]).unwrap();
    assert!(bench.fetch().unwrap()[0].from.is_some());
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
}

#[test]
fn a_file_put_there_by_hand_is_hashed_once_and_kept() {
    let mut bench = Bench::new();
    let bytes = noise(10_000, 1);
    let source = bench.url("/nowhere");
    bench.model("m", &bytes, &[source]);
    fs::write(bench.path("m.bin"), &bytes).unwrap();
    assert_eq!(bench.fetch().unwrap()[0].from, None);
    assert!(bench.server.seen().is_empty());
}

#[test]
fn an_unreachable_upstream_is_waited_for_once_for_all_files() {
    // TLS never starts.
    silent_upstream("https");
}

#[test]
fn an_upstream_that_takes_requests_and_never_answers_is_no_better() {
    silent_upstream("http");
}

/// Eight files of an upstream that says nothing, ever; a registry has them all.
fn silent_upstream(scheme: &str) {
    let mut bench = Bench::new();
    bench.options.pace.upstream_stall = bench.options.pace.upstream_connect;
    // The system takes connections on it, and nobody ever says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = silent.local_addr().unwrap();
    for i in 0..8 {
        let name = format!("m{i}");
        let bytes = noise(1_000, i);
        let wheel = crate::server::wheel(&[("p/data.bin", &bytes)]);
        bench.server.pypi_html(&name, "1.0", &wheel);
        let sources = [
            url(&format!("{scheme}://{upstream}/{name}")),
            pypi(&[&format!("{name}==1.0")], "p/data.bin"),
        ];
        bench.model(&name, &bytes, &sources);
    }
    let start = Instant::now();
    assert_eq!(bench.fetch().unwrap().len(), 8);
    let took = start.elapsed();

    silent.set_nonblocking(true).unwrap();
    let connections = std::iter::from_fn(|| silent.accept().ok()).count();
    // At most one per file that was worked on at once, all within the same connect deadline.
    assert!((1..=3).contains(&connections), "{connections} connections");
    assert!(took >= bench.options.pace.upstream_connect, "{took:?}");
    assert!(took < bench.options.pace.upstream_connect * 8, "{took:?}");
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let mut bench = Bench::new();
    let bytes = noise(200_000, 2);
    bench
        .server
        .on("/m.bin", Answer::CutAfter(70_000, bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
    let ranges: Vec<_> = bench
        .server
        .seen()
        .into_iter()
        .map(|seen| seen.range)
        .collect();
    assert_eq!(ranges, [None, Some("bytes=70000-".to_owned())]);
}

#[test]
fn a_run_that_was_cut_goes_on_in_the_next_run() {
    let mut bench = Bench::new();
    let bytes = noise(200_000, 2);
    bench.options.pace.retries = 0;
    bench
        .server
        .on("/m.bin", Answer::CutAfter(70_000, bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);

    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("broke after 70000 bytes"), "{error}");
    assert!(error.contains("what came is kept"), "{error}");
    assert!(bench.files().contains(&"m.bin.part".to_owned()));

    bench.fetch().unwrap();
    assert_eq!(
        bench.server.seen()[1].range.as_deref(),
        Some("bytes=70000-")
    );
    assert_eq!(bench.files(), ["m.bin"]);
}

#[test]
fn a_file_that_changed_upstream_starts_over() {
    let mut bench = Bench::new();
    let (old, new) = (noise(200_000, 3), noise(200_000, 4));
    bench.options.pace.retries = 0;
    bench.server.on("/m.bin", Answer::CutAfter(70_000, old));
    let source = bench.url("/m.bin");
    bench.model("m", &new, &[source]);
    bench.fetch().unwrap_err();
    bench.server.on("/m.bin", Answer::Bytes(new.clone()));
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), new);
    // The server saw by the ETag that the old beginning is of no use.
    assert_eq!(bench.server.count("/m.bin"), 2);
}

#[test]
fn wrong_bytes_are_refused_and_removed() {
    let mut bench = Bench::new();
    let (right, wrong) = (noise(50_000, 5), noise(50_000, 6));
    bench.server.on("/m.bin", Answer::Bytes(wrong));
    let source = bench.url("/m.bin");
    bench.model("m", &right, &[source]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("expected SHA-256"), "{error}");
    assert!(
        bench
            .files()
            .iter()
            .all(|name| !name.ends_with(".bin") && !name.ends_with(".part"))
    );
}

#[test]
fn after_wrong_bytes_the_next_source_is_tried() {
    let mut bench = Bench::new();
    let (right, wrong) = (noise(50_000, 5), noise(50_000, 6));
    bench
        .server
        .on("/wrong", Answer::Bytes(wrong))
        .on("/right", Answer::Bytes(right.clone()));
    let sources = [bench.url("/wrong"), bench.url("/right")];
    bench.model("m", &right, &sources);
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), right);
}

#[test]
fn a_file_of_another_length_is_not_even_downloaded() {
    let mut bench = Bench::new();
    let right = noise(50_000, 5);
    bench
        .server
        .on("/m.bin", Answer::StallAfter(0, noise(60_000, 5)));
    let source = bench.url("/m.bin");
    bench.model("m", &right, &[source]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(
        error.contains("expected 50000 bytes, found 60000"),
        "{error}"
    );
}

#[test]
fn a_page_for_people_is_not_taken_for_the_file() {
    let mut bench = Bench::new();
    let page = "<html>Please log in</html>".to_owned();
    bench
        .server
        .on("/m.bin", Answer::Page("text/html", page.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", page.as_bytes(), &[source]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(
        error.contains("an HTML page instead of the file"),
        "{error}"
    );
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let mut bench = Bench::new();
    let bytes = noise(50_000, 7);
    bench.options.pace.upstream_stall = Duration::from_millis(400);
    bench.options.pace.retries = 1;
    bench
        .server
        .on("/m.bin", Answer::StallAfter(100, bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    let start = Instant::now();
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("sent nothing for 400ms"), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(bench.server.count("/m.bin"), 2);
}

#[test]
fn a_server_out_of_breath_is_asked_again() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 8);
    let answers = vec![
        Answer::Status(503),
        Answer::Status(429),
        Answer::Bytes(bytes.clone()),
    ];
    bench.server.on("/m.bin", Answer::Sequence(answers));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    bench.fetch().unwrap();
    assert_eq!(bench.server.count("/m.bin"), 3);
}

#[test]
fn a_mirror_folder_comes_first_and_what_it_lacks_comes_from_upstream() {
    let mut bench = Bench::new();
    let (a, b) = (noise(2_000, 1), noise(2_000, 2));
    let mirror = tempfile::tempdir().unwrap();
    fs::write(mirror.path().join("a.bin"), &a).unwrap();
    fs::write(mirror.path().join("b.bin"), noise(2_000, 99)).unwrap();
    bench.server.on("/b.bin", Answer::Bytes(b.clone()));
    let (source_a, source_b) = (bench.url("/a.bin"), bench.url("/b.bin"));
    bench
        .model("a", &a, &[source_a])
        .model("b", &b, &[source_b]);
    bench.options.mirror = Some(Mirror::parse(mirror.path().to_str().unwrap()));
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("a.bin")).unwrap(), a);
    assert_eq!(
        fs::read(bench.path("b.bin")).unwrap(),
        b,
        "the mirror's damaged one is refused"
    );
    assert_eq!(bench.server.count("/a.bin"), 0);
}

#[test]
fn a_mirror_that_cannot_be_read_does_not_keep_upstream_away() {
    let mut bench = Bench::new();
    let bytes = noise(2_000, 1);
    let mirror = tempfile::tempdir().unwrap();
    // A folder where the file should be: it opens, has another size, and does not read.
    fs::create_dir(mirror.path().join("m.bin")).unwrap();
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    for text in [mirror.path().to_str().unwrap(), "/dev/null"] {
        bench.options.mirror = Some(Mirror::parse(text));
        let _ = fs::remove_file(bench.path("m.bin"));
        bench.fetch().unwrap();
        assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
    }
}

#[test]
fn a_mirror_url_comes_first() {
    let mut bench = Bench::new();
    let (a, b) = (noise(2_000, 1), noise(2_000, 2));
    let mirror = Server::start();
    mirror.on("/models/a.bin", Answer::Bytes(a.clone()));
    bench.server.on("/b.bin", Answer::Bytes(b.clone()));
    let (source_a, source_b) = (bench.url("/a.bin"), bench.url("/b.bin"));
    bench
        .model("a", &a, &[source_a])
        .model("b", &b, &[source_b]);
    bench.options.mirror = Some(Mirror::parse(&mirror.url("/models/")));
    bench.fetch().unwrap();
    assert_eq!(bench.server.count("/a.bin"), 0);
    assert_eq!(mirror.count("/models/b.bin"), 1);
    assert_eq!(bench.server.count("/b.bin"), 1);
}

#[test]
fn one_file_that_cannot_be_had_does_not_keep_the_others_away() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench.server.on("/b.bin", Answer::Bytes(bytes.clone()));
    let (gone, there) = (bench.url("/a.bin"), bench.url("/b.bin"));
    bench
        .model("a", &bytes, &[gone])
        .model("b", &bytes, &[there]);
    let error = bench.fetch().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("could not fetch a.bin (model `a`)"),
        "{error}"
    );
    assert!(error.to_string().contains("/a.bin answered 404"), "{error}");
    assert!(matches!(error, ModelsError::Unfetched { failed } if failed.len() == 1));
    assert!(bench.path("b.bin").exists());
}

#[test]
fn two_fetches_do_not_work_in_one_store_at_once() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    let other = fs::File::create(bench.path(".lock")).unwrap();
    other.lock().unwrap();
    let error = bench.fetch().unwrap_err();
    assert!(matches!(error, ModelsError::Locked { .. }), "{error}");
    assert!(bench.server.seen().is_empty());
    drop(other);
    bench.fetch().unwrap();
}

#[test]
fn fetching_from_within_an_async_runtime_works() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench.server.on("/m.bin", Answer::Bytes(bytes.clone()));
    let source = bench.url("/m.bin");
    bench.model("m", &bytes, &[source]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { bench.fetch() }).unwrap();
}
