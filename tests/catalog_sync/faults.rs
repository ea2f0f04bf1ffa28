//! What goes wrong on the way, and what stays in use.

use super::{
    after, euros, feed, files, noon, one, product, quick, run,
    server::{Answer, Server, good, ok},
};
use axum::http::{HeaderMap, Uri};
use comptoir::{
    lang::Language,
    shop::{product::ProductId, store::Store},
    sync::catalog::{Wanted, status, sync},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[test]
fn a_download_that_breaks_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let whole = feed(3_000, 100);
    let (mut times, mut rest) = (0, good(whole.clone(), "\"v1\""));
    let server = Server::begin(move |uri: &Uri, asked: &HeaderMap| {
        times += 1;
        let answer = rest(uri, asked);
        let length = answer.body.len();
        match times {
            // First the answer is cut, then the rest of it again.
            1 | 2 => Answer {
                cut: Some(length / 2),
                ..answer
            },
            _ => answer,
        }
    });
    let report = run(data.path(), &one(&server.url, ""), noon()).unwrap();
    assert_eq!(report.products, 3_000);
    let asked = server.asked();
    let ranges: Vec<&str> = asked
        .iter()
        .filter_map(|(_, headers)| headers.get("range")?.to_str().ok())
        .collect();
    assert_eq!(ranges.len(), 2, "{ranges:?}");
    assert!(ranges[0] != ranges[1] && asked[1].1["if-range"] == "\"v1\"");
    assert_eq!(
        std::fs::read(data.path().join("feeds/main.feed")).unwrap(),
        whole
    );
}

#[test]
fn what_is_left_of_a_broken_download_serves_the_next_sync_unless_the_feed_changed() {
    let data = tempfile::tempdir().unwrap();
    let mut first = good(feed(3_000, 100), "\"v1\"");
    let server = Server::begin(move |uri: &Uri, asked: &HeaderMap| {
        if asked.contains_key("range") {
            return Answer {
                status: 503,
                ..Answer::default()
            };
        }
        let answer = first(uri, asked);
        Answer {
            cut: Some(answer.body.len() / 2),
            ..answer
        }
    });
    let settings = one(&server.url, "");
    let failed = run(data.path(), &settings, noon()).unwrap_err().to_string();
    assert!(
        failed.contains("503") && failed.contains("no catalog yet"),
        "{failed}"
    );
    assert!(files(data.path()).contains(&"main.part".to_owned()));
    server.asked();
    server.change(good(feed(3_000, 900), "\"v2\""));
    assert_eq!(
        run(data.path(), &settings, after(5)).unwrap().products,
        3_000
    );
    let asked = server.asked();
    assert_eq!(
        (asked.len(), &asked[0].1["if-range"]),
        (1, &"\"v1\"".parse().unwrap())
    );
    assert_eq!(
        product(data.path(), "p0", after(5)).unwrap().price,
        euros(900),
        "no half of each"
    );
}

#[test]
fn a_slow_feed_comes_and_a_silent_one_is_given_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(|_: &Uri, _: &HeaderMap| Answer {
        slow: Duration::from_millis(300),
        ..ok(feed(50, 100))
    });
    assert_eq!(
        run(data.path(), &one(&server.url, ""), noon())
            .unwrap()
            .products,
        50
    );
    server.change(|_: &Uri, _: &HeaderMap| Answer {
        slow: Duration::from_secs(30),
        ..ok(feed(60, 100))
    });
    let begun = Instant::now();
    let report = run(data.path(), &one(&server.url, "deadline_s = 3"), after(1)).unwrap();
    let error = report.sources[0].error.clone().unwrap();
    assert!(!report.updated && report.products == 50 && !report.is_well());
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    assert!(error.contains(&server.url), "{error}");
    assert_eq!(status(data.path()).sources["main"].failures, 1);
}

#[test]
fn what_is_no_feed_leaves_yesterdays_catalog_and_says_how_old_it_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(300, 100), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    let half = feed(300, 700);
    let garbage = [
        &half[..half.len() / 2],
        b"\n",
        &b"\xff\xfe garbage\n".repeat(200),
    ]
    .concat();
    let bad: Vec<Box<dyn Fn() -> Answer + Send>> = vec![
        Box::new(move || ok(garbage.clone())),
        Box::new(|| ok(Vec::new())),
        Box::new(|| ok(b"id\ttitle\nx\ty\n".to_vec())),
        Box::new(|| ok(b"id\ttitle\tprice\tavailability\nx\tX\tfree\tin_stock\n".to_vec())),
        Box::new(|| Answer {
            headers: vec![("content-type", "text/html; charset=utf-8".to_owned())],
            ..ok(b"<html>sign in</html>".to_vec())
        }),
        Box::new(|| Answer {
            status: 500,
            ..Answer::default()
        }),
        Box::new(|| Answer {
            status: 404,
            ..Answer::default()
        }),
    ];
    for (n, bad) in bad.into_iter().enumerate() {
        server.change(move |_, _| bad());
        let minutes = 19 * 60 + i64::try_from(n).unwrap();
        let told = match run(data.path(), &settings, after(minutes)) {
            Err(failed) => failed.to_string(),
            Ok(report) => {
                assert!(!report.updated, "{n}");
                report.sources[0].error.clone().unwrap()
            }
        };
        assert!(!told.is_empty());
        let at = after(minutes);
        assert_eq!(
            product(data.path(), "p299", at).unwrap().price,
            euros(399),
            "{n}"
        );
        let known = &status(data.path()).sources["main"];
        assert_eq!(known.failures, u32::try_from(n).unwrap() + 1);
        assert_eq!(
            (known.good_at, known.fetched_at),
            (Some(noon()), Some(noon()))
        );
        assert!(known.error.is_some());
        assert!(!files(data.path()).contains(&"main.new".to_owned()));
    }
    server.change(good(feed(2, 1), "\"v2\""));
    let failed = run(data.path(), &settings, after(19 * 60))
        .unwrap_err()
        .to_string();
    assert!(failed.contains("it is 19 h old"), "{failed}");
}

#[test]
fn a_feed_that_lost_too_much_is_refused_unless_it_is_meant() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(100, 100), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    server.change(good(feed(70, 100), "\"v2\""));
    let report = run(data.path(), &settings, after(1)).unwrap();
    assert_eq!((report.products, report.removed), (70, 30), "30 % may go");
    assert!(
        product(data.path(), "p70", after(1)).is_none(),
        "what is omitted is gone"
    );
    server.change(good(feed(40, 100), "\"v3\""));
    let failed = run(data.path(), &settings, after(2))
        .unwrap_err()
        .to_string();
    assert!(
        failed.contains("30 of 70") && failed.contains("--allow-removals"),
        "{failed}"
    );
    assert!(product(data.path(), "p69", after(2)).is_some());
    let wanted = Wanted {
        allow_removals: true,
        ..quick()
    };
    let report = sync(data.path(), &settings, &wanted, (after(3), 7), &mut |_| {}).unwrap();
    assert_eq!((report.products, report.removed), (40, 30));
}

#[test]
fn readers_see_the_old_catalog_or_the_new_one_and_never_half() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(400, 1_000), "\"v0\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (stop, folder) = (stop.clone(), data.path().to_owned());
            std::thread::spawn(move || {
                let store = Store::open(&folder).unwrap();
                let mut seen = std::collections::BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let before = store.built_at().unwrap();
                    let price = |id: &str| {
                        let id = ProductId(id.into());
                        store
                            .product(&id, Language::En, after(30))
                            .unwrap()
                            .unwrap()
                            .price
                            .minor
                    };
                    let (first, last) = (price("p0"), price("p399") - 399);
                    let count = store.products().unwrap();
                    if store.built_at().unwrap() == before {
                        assert_eq!((first, count), (last, 400));
                    }
                    seen.insert(first);
                }
                seen.len()
            })
        })
        .collect();
    for n in 1..6 {
        let etag: &'static str = Box::leak(format!("\"v{n}\"").into_boxed_str());
        server.change(good(feed(400, 1_000 * (n + 1)), etag));
        assert!(run(data.path(), &settings, after(n)).unwrap().updated);
    }
    std::thread::sleep(Duration::from_millis(100));
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 1, "it saw more than one catalog");
    }
}
