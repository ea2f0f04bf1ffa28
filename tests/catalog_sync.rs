//! The catalog from feeds over HTTP, with everything that goes wrong on the way.
#![allow(clippy::unwrap_used)]

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use comptoir::{
    dialogue::effect::Purchase,
    lang::Language,
    nlu::slot::Method,
    settings::{Catalog, Settings},
    shop::{
        cart::{Cart, CartLine},
        feed::read_patches,
        money::{Currency, Money},
        order::Fulfilment,
        product::{Product, ProductId},
        store::{CatalogPatch, RESERVATION, Store},
    },
    sync::catalog::{Pace, SyncFailed, SyncReport, Wanted, schedule, status, sync},
};
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use std::{
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

fn noon() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

/// A feed of products `p0`, `p1` ...; the price of `pN` is `price` and N cents.
fn feed(products: u32, price: i64) -> Vec<u8> {
    let mut text = "id\ttitle\tprice\tavailability\tquantity\n".to_owned();
    for n in 0..products {
        let price = euros(price + i64::from(n));
        text.push_str(&format!(
            "p{n}\tProduct number {n}\t{price}\tin_stock\t10\n"
        ));
    }
    text.into_bytes()
}

/// What a request is answered with.
#[derive(Clone, Default)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The body ends after so many bytes, whatever its length says.
    cut: Option<usize>,
    /// The wait before the second half.
    slow: Duration,
}

type Asked = (String, HeaderMap);
type Answerer = Box<dyn FnMut(&Uri, &HeaderMap) -> Answer + Send>;

#[derive(Clone)]
struct Server {
    answer: Arc<Mutex<Answerer>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    url: String,
    _runtime: Arc<tokio::runtime::Runtime>,
}

impl Server {
    fn begin(answer: impl FnMut(&Uri, &HeaderMap) -> Answer + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = Arc::new(runtime);
        let server = Self {
            answer: Arc::new(Mutex::new(Box::new(answer))),
            asked: Arc::default(),
            url,
            _runtime: runtime.clone(),
        };
        let state = (server.answer.clone(), server.asked.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = Router::new().fallback(reply).with_state(state);
            axum::serve(listener, app).await.unwrap();
        });
        server
    }

    /// From now on it answers like this.
    fn change(&self, answer: impl FnMut(&Uri, &HeaderMap) -> Answer + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn reply(
    State((answer, asked)): State<(Arc<Mutex<Answerer>>, Arc<Mutex<Vec<Asked>>>)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = (*answer.lock().unwrap())(&uri, &headers);
    asked.lock().unwrap().push((uri.to_string(), headers));
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).unwrap());
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let length = answer.body.len();
    let sent = &answer.body[..answer.cut.unwrap_or(length).min(length)];
    let (first, second) = sent.split_at(sent.len() / 2);
    let mut parts: Vec<std::io::Result<Bytes>> = vec![
        Ok(Bytes::copy_from_slice(first)),
        Ok(Bytes::copy_from_slice(second)),
    ];
    if answer.cut.is_some() {
        parts.push(Err(std::io::Error::other("cut")));
    }
    let slow = answer.slow;
    let body = stream::unfold(parts.into_iter().enumerate(), move |mut parts| async move {
        let (i, part) = parts.next()?;
        if i == 1 {
            tokio::time::sleep(slow).await;
        }
        if part.is_err() {
            // What was sent reaches the other side first.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some((part, parts))
    });
    if !answer
        .headers
        .iter()
        .any(|(name, _)| *name == "transfer-encoding")
    {
        response = response.header("content-length", length);
    }
    response.body(Body::from_stream(body)).unwrap()
}

fn ok(body: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

/// Answers as a good server does: ETag, 304, ranges.
fn good(body: Vec<u8>, etag: &'static str) -> impl FnMut(&Uri, &HeaderMap) -> Answer + Send {
    move |_, asked| {
        let has = |name: &str, value: &str| asked.get(name).is_some_and(|v| v == value);
        let headers = vec![("etag", etag.to_owned())];
        if has("if-none-match", etag) {
            return Answer {
                status: 304,
                headers,
                ..Answer::default()
            };
        }
        let range = asked
            .get("range")
            .and_then(|v| v.to_str().ok()?.strip_prefix("bytes="));
        let start = range.and_then(|r| r.strip_suffix('-')?.parse::<usize>().ok());
        match start.filter(|_| has("if-range", etag)) {
            Some(start) => {
                let all = body.len();
                let range = format!("bytes {start}-{}/{all}", all - 1);
                Answer {
                    status: 206,
                    headers: [headers, vec![("content-range", range)]].concat(),
                    body: body[start..].to_vec(),
                    ..Answer::default()
                }
            }
            None => Answer {
                headers,
                ..ok(body.clone())
            },
        }
    }
}

fn settings(sources: &str) -> Catalog {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comptoir.toml");
    std::fs::write(&file, sources).unwrap();
    Settings::load(Some(&file), []).unwrap().catalog
}

fn one(url: &str, more: &str) -> Catalog {
    settings(&format!(
        "[[catalog.sources]]\nname = \"main\"\nfrom = \"{url}\"\n{more}\n"
    ))
}

fn quick() -> Wanted {
    Wanted {
        pace: Pace {
            connect: Duration::from_secs(2),
            stall: Duration::from_millis(700),
            retries: 2,
            backoff: Duration::from_millis(10),
        },
        ..Wanted::default()
    }
}

fn run(data: &Path, settings: &Catalog, at: Timestamp) -> Result<SyncReport, SyncFailed> {
    sync(data, settings, &quick(), (at, 7), &mut |_| {})
}

fn product(data: &Path, id: &str, at: Timestamp) -> Option<Product> {
    let store = Store::open(data).unwrap();
    store
        .product(&ProductId(id.into()), Language::En, at)
        .unwrap()
}

fn files(data: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(data.join("feeds"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_feed_is_fetched_once_and_asked_for_with_its_etag_after() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(40, 100), "\"one\""));
    let settings = one(&format!("{}/feed.tsv?key=hush", server.url), "");
    let report = run(data.path(), &settings, noon()).unwrap();
    assert!(report.updated && report.is_well());
    assert_eq!((report.products, report.removed), (40, 0));
    assert_eq!(
        product(data.path(), "p3", noon()).unwrap().price,
        euros(103)
    );
    assert!(!server.asked()[0].1.contains_key("if-none-match"));
    let again = run(data.path(), &settings, after(60)).unwrap();
    assert!(!again.updated && again.products == 40);
    assert_eq!(server.asked()[0].1["if-none-match"], "\"one\"");
    assert_eq!(again.built_at, Some(noon()), "the catalog is the same");
    server.change(good(feed(41, 200), "\"two\""));
    let newer = run(data.path(), &settings, after(120)).unwrap();
    assert!(newer.updated && newer.products == 41);
    assert_eq!(
        product(data.path(), "p3", after(120)).unwrap().price,
        euros(203)
    );
    let known = status(data.path());
    let main = &known.sources["main"];
    assert_eq!((main.kept, main.etag.as_deref()), (41, Some("\"two\"")));
    assert_eq!((main.fetched_at, main.failures), (Some(after(120)), 0));
    // The address may hold a secret: it is nowhere in the folder.
    let text = std::fs::read_to_string(data.path().join("feeds/status.json")).unwrap();
    assert!(
        !text.contains("hush") && text.contains("/feed.tsv"),
        "{text}"
    );
    assert_eq!(
        files(data.path()),
        ["main.feed", "status.json", "sync.lock"]
    );
}

#[test]
fn the_same_bytes_without_a_validator_build_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(|_: &Uri, _: &HeaderMap| ok(feed(5, 100)));
    let settings = one(&server.url, "");
    assert!(run(data.path(), &settings, noon()).unwrap().updated);
    assert!(!run(data.path(), &settings, after(1)).unwrap().updated);
    // Another import in between, or another setting: it is built anew from what is there.
    let other = data.path().join("other.tsv");
    std::fs::write(&other, feed(7, 500)).unwrap();
    let feeds = [comptoir::shop::feed::FeedFile::new(other, Language::En)];
    comptoir::shop::feed::import(data.path(), &feeds, None, after(2)).unwrap();
    let back = run(data.path(), &settings, after(3)).unwrap();
    assert!(back.updated && back.products == 5 && back.removed == 2);
}

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
fn gzip_is_unpacked_by_encoding_or_by_name() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&feed(40, 100)).unwrap();
    let packed = gzip.finish().unwrap();
    for encoding in ["gzip", "identity"] {
        let data = tempfile::tempdir().unwrap();
        let body = packed.clone();
        let server = Server::begin(move |_: &Uri, asked: &HeaderMap| {
            assert_eq!(asked["accept-encoding"], "gzip");
            Answer {
                headers: vec![("content-encoding", encoding.to_owned())],
                ..ok(body.clone())
            }
        });
        let settings = one(&format!("{}/feed.tsv.gz", server.url), "");
        assert_eq!(run(data.path(), &settings, noon()).unwrap().products, 40);
    }
    // A small file that unpacks to a large one is refused by its unpacked length.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"id\ttitle\tprice\tavailability\n").unwrap();
    gzip.write_all(&b"a\tA\t1.00 EUR\tin_stock\n".repeat(200_000))
        .unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 500_000);
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(move |_: &Uri, _: &HeaderMap| ok(bomb.clone()));
    let failed = run(data.path(), &one(&server.url, "max_mb = 1"), noon()).unwrap_err();
    assert!(
        failed.to_string().contains("at most 1000000 bytes"),
        "{failed}"
    );
    server.change(|_: &Uri, _: &HeaderMap| ok(vec![b'x'; 2_000_000]));
    let failed = run(data.path(), &one(&server.url, "max_mb = 1"), noon()).unwrap_err();
    assert!(failed.to_string().contains("raise max_mb"), "{failed}");
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
fn several_sources_are_one_catalog_and_one_that_fails_stays_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("extra.tsv");
    std::fs::write(
        &file,
        b"id\ttitle\tprice\tavailability\nextra\tExtra\t5.00 EUR\tin_stock\n",
    )
    .unwrap();
    let server = Server::begin(good(feed(20, 100), "\"v1\""));
    let both = settings(&format!(
        "[[catalog.sources]]\nname = \"main\"\nfrom = \"{}\"\n\
         [[catalog.sources]]\nname = \"extra\"\nfrom = \"{}\"\n",
        server.url,
        file.display()
    ));
    assert_eq!(run(data.path(), &both, noon()).unwrap().products, 21);
    server.change(|_, _| Answer {
        status: 500,
        ..Answer::default()
    });
    std::fs::write(
        &file,
        b"id\ttitle\tprice\tavailability\nextra\tExtra\t6.50 EUR\tin_stock\n",
    )
    .unwrap();
    let report = run(data.path(), &both, after(60)).unwrap();
    assert!(report.updated && report.products == 21 && !report.is_well());
    assert!(report.sources[0].error.as_ref().unwrap().contains("500"));
    assert_eq!(
        product(data.path(), "extra", after(60)).unwrap().price,
        euros(650)
    );
    server.asked();
    std::fs::write(
        &file,
        b"id\ttitle\tprice\tavailability\nextra\tExtra\t7.00 EUR\tin_stock\n",
    )
    .unwrap();
    let wanted = Wanted {
        sources: vec!["extra".into()],
        ..quick()
    };
    sync(data.path(), &both, &wanted, (after(61), 7), &mut |_| {}).unwrap();
    assert!(
        server.asked().is_empty(),
        "only what is wanted is asked for"
    );
    assert_eq!(
        product(data.path(), "extra", after(61)).unwrap().price,
        euros(700)
    );
    // Garbage in one does not hold the other up.
    server.change(good(feed(20, 300), "\"v4\""));
    std::fs::write(&file, b"not a feed").unwrap();
    let report = run(data.path(), &both, after(62)).unwrap();
    assert!(report.updated && report.sources[1].error.is_some());
    assert_eq!(
        product(data.path(), "p0", after(62)).unwrap().price,
        euros(300)
    );
    assert_eq!(
        product(data.path(), "extra", after(62)).unwrap().price,
        euros(700)
    );
    let wanted = Wanted {
        sources: vec!["nobody".into()],
        ..quick()
    };
    let failed = sync(data.path(), &both, &wanted, (after(63), 7), &mut |_| {}).unwrap_err();
    assert!(failed.to_string().contains("main, extra"), "{failed}");
}

#[test]
fn secret_headers_are_sent_and_never_told() {
    let data = tempfile::tempdir().unwrap();
    let secret = data.path().join("secret");
    std::fs::write(&secret, "very-secret\n").unwrap();
    let elsewhere = Server::begin(good(feed(5, 100), "\"v1\""));
    let server = Server::begin(good(feed(5, 100), "\"v1\""));
    let headers = format!(
        "headers = {{ Authorization = {{ file = \"{}\", prefix = \"Bearer \" }}, X-Shop = \"a\" }}",
        secret.display()
    );
    let settings = one(&server.url, &headers);
    run(data.path(), &settings, noon()).unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].1["authorization"], "Bearer very-secret");
    assert_eq!(asked[0].1["x-shop"], "a");
    let to = elsewhere.url.clone();
    server.change(move |_, _| Answer {
        status: 302,
        headers: vec![("location", to.clone())],
        ..Answer::default()
    });
    let report = run(data.path(), &settings, after(1)).unwrap();
    assert!(report.sources[0].error.is_some());
    assert!(
        elsewhere.asked().is_empty(),
        "the secret stays with its host"
    );
    let told = format!(
        "{report:?} {settings:?} {}",
        toml::to_string(&settings).unwrap()
    );
    assert!(!told.contains("very-secret"), "{told}");
    let text = std::fs::read_to_string(data.path().join("feeds/status.json")).unwrap();
    assert!(!text.contains("very-secret"));
    std::fs::remove_file(&secret).unwrap();
    let report = run(data.path(), &settings, after(2)).unwrap();
    assert!(
        report.sources[0]
            .error
            .as_ref()
            .unwrap()
            .contains("expected a secret in")
    );
}

#[test]
fn pages_are_asked_for_until_the_last_one() {
    let data = tempfile::tempdir().unwrap();
    let item = |n: u32| {
        format!(
            "{{\"id\":{n},\"title\":\"Thing {n}\",\"body_html\":\"\",\"variants\":[{{\"id\":{n},\
             \"title\":\"Default Title\",\"price\":\"2.00\",\"available\":true}}]}}"
        )
    };
    let page = move |from: u32, to: u32| {
        let items: Vec<String> = (from..to).map(item).collect();
        format!("{{\"products\":[{}]}}", items.join(",")).into_bytes()
    };
    let one_page = page;
    let server = Server::begin(move |uri: &Uri, _: &HeaderMap| {
        let query = uri.query().unwrap_or_default();
        assert!(
            query.contains("limit=250") && query.contains("fields=x"),
            "{query}"
        );
        let number = query
            .split('&')
            .find_map(|p| p.strip_prefix("page=")?.parse::<u32>().ok());
        ok(match number {
            None => one_page(0, 250),
            Some(2) => one_page(250, 500),
            Some(3) => one_page(500, 510),
            Some(n) => panic!("page {n}"),
        })
    });
    let from = format!("{}/products.json?fields=x", server.url);
    let settings = one(&from, "format = \"shopify\"\ncurrency = \"EUR\"");
    assert_eq!(run(data.path(), &settings, noon()).unwrap().products, 510);
    assert!(
        !run(data.path(), &settings, after(1)).unwrap().updated,
        "the same bytes"
    );
    // Links, where there are some, say the next page.
    let url = server.url.clone();
    server.change(
        move |uri: &Uri, _: &HeaderMap| match uri.query().unwrap_or_default() {
            q if q.contains("page_info=b") => Answer {
                headers: vec![(
                    "link",
                    format!("<{url}/products.json?page_info=a>; rel=\"previous\""),
                )],
                ..ok(page(250, 500))
            },
            _ => Answer {
                headers: vec![(
                    "link",
                    format!("<{url}/products.json?limit=250&page_info=b>; rel=\"next\""),
                )],
                ..ok(page(0, 250))
            },
        },
    );
    server.asked();
    assert_eq!(run(data.path(), &settings, after(2)).unwrap().products, 500);
    assert_eq!(server.asked().len(), 2);
    // A server that does not know pages gives the first one for ever: that is no feed.
    server.change(move |_, _| ok(page(0, 250)));
    let report = run(data.path(), &settings, after(3)).unwrap();
    assert!(
        report.sources[0].error.as_ref().unwrap().contains("again"),
        "{report:?}"
    );
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

fn stock(id: &str, quantity: u32, at: Timestamp) -> CatalogPatch {
    CatalogPatch {
        product: ProductId(id.into()),
        price: None,
        stock: Some((Some(quantity), quantity > 0)),
        at,
    }
}

fn price(id: &str, price: i64, sale: Option<i64>, at: Timestamp) -> CatalogPatch {
    CatalogPatch {
        product: ProductId(id.into()),
        price: Some((euros(price), sale.map(euros))),
        stock: None,
        at,
    }
}

fn sell(store: &mut Store, id: &str, pieces: u32, at: Timestamp) {
    let order = reserve(store, id, pieces, at);
    store.place_order(&order, 7, at).unwrap();
}

/// Keeps stock for an order, and gives the order.
fn reserve(store: &mut Store, id: &str, pieces: u32, at: Timestamp) -> Purchase {
    let product = store
        .product(&ProductId(id.into()), Language::En, at)
        .unwrap()
        .unwrap();
    let cart = Cart {
        lines: vec![CartLine {
            product: product.id.clone(),
            title: product.title.clone(),
            quantity: pieces,
            options: Vec::new(),
            unit_price: product.price,
            tax_rate_bp: 0,
            min_age: None,
        }],
    };
    let order = uuid::Uuid::now_v7();
    store
        .reserve(order, &cart, RESERVATION, at)
        .unwrap()
        .unwrap();
    Purchase {
        order,
        total: cart.total(),
        cart,
        fulfilment: Fulfilment::Pickup,
        delivery_fee: euros(0),
        method: Method::Counter,
        language: Language::En,
        service: None,
        wanted_at: None,
    }
}

#[test]
fn changes_are_in_at_once_and_late_ones_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(2_000, 1_000), "\"v1\""));
    run(data.path(), &one(&server.url, ""), noon()).unwrap();
    let mut store = Store::open(data.path()).unwrap();
    let reader = Store::open(data.path()).unwrap();
    let at = |store: &Store, id: &str| {
        let product = store.product(&ProductId(id.into()), Language::En, after(9));
        product.unwrap().unwrap()
    };
    let patches: Vec<CatalogPatch> = (0..2_000)
        .map(|n| stock(&format!("p{n}"), 3, after(2)))
        .collect();
    let begun = Instant::now();
    assert_eq!(
        store.patch_catalog(&patches, after(3)).unwrap().applied,
        2_000
    );
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        at(&reader, "p1999").stock,
        Some(3),
        "another process sees it"
    );
    let report = store
        .patch_catalog(
            &[
                stock("p1", 9, after(1)),
                stock("nobody", 9, after(2)),
                price("p1", 500, Some(400), after(2)),
                price("p2", 500, Some(500), after(2)),
                price("p3", 0, None, after(2)),
                CatalogPatch {
                    price: Some((Money::new(100, Currency::Usd), None)),
                    ..price("p4", 100, None, after(2))
                },
                price("p5", 700, None, noon() - SignedDuration::from_mins(1)),
            ],
            after(3),
        )
        .unwrap();
    assert_eq!(
        (
            report.applied,
            report.outdated,
            report.unknown,
            report.refused
        ),
        (1, 2, 1, 3),
        "{report:?}"
    );
    let one = at(&reader, "p1");
    assert_eq!(
        (one.stock, one.price, one.prior_price),
        (Some(3), euros(400), Some(euros(500)))
    );
    assert_eq!(at(&reader, "p5").price, euros(1_005));
    // From the future is from now.
    store
        .patch_catalog(&[stock("p1", 8, after(600))], after(4))
        .unwrap();
    store
        .patch_catalog(&[stock("p1", 7, after(5))], after(5))
        .unwrap();
    assert_eq!(at(&reader, "p1").stock, Some(7));
}

#[test]
fn changes_that_came_during_a_sync_are_in_the_new_catalog_and_older_ones_are_not() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(50, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    server.change(good(feed(50, 2_000), "\"v2\""));
    let mut store = Store::open(data.path()).unwrap();
    store
        .patch_catalog(
            &[stock("p1", 2, after(10)), price("p2", 10, None, after(10))],
            after(10),
        )
        .unwrap();
    let mut patched = false;
    let report = sync(
        data.path(),
        &settings,
        &quick(),
        (after(20), 7),
        &mut |_| {
            if !std::mem::replace(&mut patched, true) {
                let mut store = Store::open(data.path()).unwrap();
                let patches = [
                    stock("p3", 4, after(21)),
                    price("p4", 77, Some(66), after(21)),
                ];
                let report = store.patch_catalog(&patches, after(21)).unwrap();
                assert_eq!(report.applied, 2);
            }
        },
    )
    .unwrap();
    assert!(patched && report.updated);
    let at = |id: &str| product(data.path(), id, after(30)).unwrap();
    assert_eq!(
        (at("p1").stock, at("p2").price),
        (Some(10), euros(2_002)),
        "the feed is newer"
    );
    assert_eq!((at("p3").stock, at("p3").price), (Some(4), euros(2_003)));
    assert_eq!(
        (at("p4").price, at("p4").prior_price),
        (euros(66), Some(euros(77)))
    );
    // The next feed that is newer than they are has its own say.
    server.change(good(feed(50, 3_000), "\"v3\""));
    run(data.path(), &settings, after(40)).unwrap();
    assert_eq!((at("p3").stock, at("p4").price), (Some(10), euros(3_004)));
}

#[test]
fn a_figure_takes_the_place_of_what_was_sold_before_it_and_of_nothing_after_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(5, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    let left = |id: &str, at| product(data.path(), id, at).unwrap().stock.unwrap();
    let mut store = Store::open(data.path()).unwrap();
    sell(&mut store, "p1", 4, after(1));
    sell(&mut store, "p2", 4, after(1));
    reserve(&mut store, "p3", 4, after(1));
    assert_eq!(
        (
            left("p1", after(2)),
            left("p2", after(2)),
            left("p3", after(2))
        ),
        (6, 6, 6)
    );
    let fives: Vec<_> = ["p1", "p3"].map(|id| stock(id, 5, after(2))).into();
    store.patch_catalog(&fives, after(2)).unwrap();
    assert_eq!(
        left("p1", after(3)),
        5,
        "the shop has counted what was sold"
    );
    assert_eq!(
        left("p2", after(3)),
        6,
        "of another product it has said nothing"
    );
    assert_eq!(
        left("p3", after(3)),
        1,
        "what is only kept is still to be handed over"
    );
    assert_eq!(left("p3", after(20)), 5, "until it is let go");
    sell(&mut store, "p1", 2, after(4));
    assert_eq!(left("p1", after(5)), 3, "sold after the figure");
    // The next feed was fetched before the last sale: it does not know of it.
    server.change(good(feed(5, 2_000), "\"v2\""));
    run(data.path(), &settings, after(3)).unwrap();
    assert_eq!((left("p1", after(6)), left("p2", after(6))), (8, 10));
}

#[test]
fn a_crash_in_the_middle_of_a_change_leaves_no_trace_in_the_next_catalog() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(300, 1_000), "\"v1\""));
    let settings = one(&server.url, "");
    run(data.path(), &settings, noon()).unwrap();
    // A journal that belongs to no file any more, as kill -9 may leave it.
    let journal = data.path().join("catalog.db-journal");
    std::fs::write(&journal, vec![0xd9; 4_096]).unwrap();
    server.change(good(feed(300, 2_000), "\"v2\""));
    run(data.path(), &settings, after(1)).unwrap();
    assert!(!journal.exists());
    assert_eq!(
        product(data.path(), "p299", after(1)).unwrap().price,
        euros(2_299)
    );
}

#[test]
fn files_of_changes_are_read_as_tables_and_as_json() {
    let table = "id\tprice\tsale_price\tquantity\tavailability\n\
        a\t3.50 EUR\t2.99\t\t\nb\t\t\t0\t\nc\t\t\t\tout_of_stock\nd\t\t1.00\t\t\ne\t\t\t\t\n\t1.00\t\t\t\n";
    let file = read_patches("x", table.as_bytes(), Some(Currency::Eur), noon()).unwrap();
    let none = CatalogPatch {
        product: ProductId("c".into()),
        price: None,
        stock: Some((None, false)),
        at: noon(),
    };
    assert_eq!(
        file.patches,
        [
            price("a", 350, Some(299), noon()),
            stock("b", 0, noon()),
            none
        ]
    );
    assert_eq!((file.lines, file.refused), (6, 3));
    let json = "{\"id\":\"a\",\"price\":3.5,\"at\":\"2026-11-20T11:05:00Z\"}\n\n{\"id\":\"b\",\"quantity\":7,\"availability\":true}\nnope\n{\"id\":\"c\",\"price\":\"x\"}\n";
    let file = read_patches("x", json.as_bytes(), Some(Currency::Eur), noon()).unwrap();
    assert_eq!(
        file.patches,
        [price("a", 350, None, after(5)), stock("b", 7, noon())]
    );
    assert_eq!((file.lines, file.refused), (4, 2));
    for bad in ["", "id\n", "sku\tprice\n"] {
        assert!(
            read_patches("x", bad.as_bytes(), None, noon()).is_err(),
            "{bad:?}"
        );
    }
}

#[test]
fn the_schedule_syncs_what_is_due_and_stops_when_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::begin(good(feed(5, 100), "\"v1\""));
    let settings = one(&server.url, "every = \"10s\"");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let clock = Arc::new(Mutex::new(noon()));
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let now = clock.clone();
        let running = tokio::spawn(schedule(
            data.path().to_owned(),
            settings,
            move || *now.lock().unwrap(),
            7,
            stop.clone(),
        ));
        let asked = async |n: usize| {
            for _ in 0..200 {
                if server.asked.lock().unwrap().len() >= n {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("asked less than {n} times");
        };
        asked(1).await;
        *clock.lock().unwrap() = after(1);
        asked(2).await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(2), running)
            .await
            .unwrap()
            .unwrap();
    });
    assert_eq!(
        product(data.path(), "p4", after(2)).unwrap().price,
        euros(104)
    );
}

#[test]
fn settings_that_would_leak_or_cannot_be_are_refused() {
    let refused = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("comptoir.toml");
        std::fs::write(&file, format!("[[catalog.sources]]\n{text}")).unwrap();
        Settings::load(Some(&file), []).unwrap_err().to_string()
    };
    let main = "name = \"main\"\nfrom = \"https://x.example/f\"\n";
    let e = refused("name = \"main\"\nfrom = \"https://me:pass@x.example/f\"\n");
    assert!(e.contains("user or password"), "{e}");
    let e = refused(&format!(
        "{main}headers = {{ Authorization = \"Bearer x\" }}\n"
    ));
    assert!(e.contains("env = "), "{e}");
    let e = refused(&format!("{main}every = \"soon\"\n"));
    assert!(e.contains("6h"), "{e}");
    let e = refused(&format!("{main}[[catalog.sources]]\n{main}"));
    assert!(e.contains("twice"), "{e}");
    let e = refused("name = \"../x\"\nfrom = \"x\"\n");
    assert!(e.contains("a to z"), "{e}");
}

/// Measures an import of so many products (`COMPTOIR_PRODUCTS`): run with `--run-ignored all`.
#[test]
#[ignore = "measures; minutes with a million products"]
fn measure_an_import() {
    const NOUNS: [&str; 12] = [
        "jacket",
        "trousers",
        "scarf",
        "coffee",
        "tea",
        "kettle",
        "lamp",
        "notebook",
        "boots",
        "cheese",
        "biscuits",
        "headphones",
    ];
    const ADJECTIVES: [&str; 10] = [
        "waterproof",
        "organic",
        "merino",
        "stainless",
        "classic",
        "light",
        "roasted",
        "folding",
        "vintage",
        "wireless",
    ];
    let count: u32 = std::env::var("COMPTOIR_PRODUCTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(50_000);
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("feed.tsv");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(
        out,
        "id\ttitle\tdescription\tprice\tavailability\tquantity\tbrand\tproduct_type\tcolor\tsize\tgtin"
    )
    .unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let word = |random: &mut fastrand::Rng| -> String {
        let mut word: String = (0..random.usize(2..4))
            .map(|_| {
                format!(
                    "{}{}",
                    char::from(*random.choice(b"bcdfglmnprstv").unwrap()),
                    char::from(*random.choice(b"aeiou").unwrap())
                )
            })
            .collect();
        word.truncate(7);
        word
    };
    let brands: Vec<String> = (0..800).map(|_| word(&mut random)).collect();
    for n in 0..count {
        let adjective = random.choice(ADJECTIVES).unwrap();
        let noun = random.choice(NOUNS).unwrap();
        let brand = &brands[random.usize(..brands.len())];
        let (own, also) = (word(&mut random), word(&mut random));
        let body = format!("200{n:09}");
        let sum: u32 = body
            .bytes()
            .rev()
            .zip([3, 1].into_iter().cycle())
            .map(|(d, w)| u32::from(d - b'0') * w)
            .sum();
        writeln!(
            out,
            "sku-{n}\t{brand} {own} {adjective} {noun}\tA {adjective} {noun} by {brand}, made for every day. Easy to care for; two years of warranty. {also} {own}.\t{}\tin_stock\t{}\t{brand}\tShop > {noun}s > {adjective}\tnavy\tM\t{body}{}",
            euros(random.i64(99..50_000)),
            random.u32(0..200),
            (10 - sum % 10) % 10,
        )
        .unwrap();
    }
    drop(out);
    let feed_mb = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
    let settings = one(path.to_str().unwrap(), "");
    let begun = Instant::now();
    let mut last = begun;
    let report = sync(data.path(), &settings, &quick(), (noon(), 7), &mut |p| {
        if matches!(p, comptoir::sync::catalog::Progress::Finishing) {
            last = Instant::now();
        }
    })
    .unwrap();
    let (all, end) = (begun.elapsed(), last.elapsed());
    assert_eq!(report.products, u64::from(count));
    let size = std::fs::metadata(data.path().join("catalog.db"))
        .unwrap()
        .len() as f64
        / 1e6;
    let memory = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = memory.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    println!(
        "{count} products, feed {feed_mb:.1} MB: {all:.1?}, of that the end {end:.1?}; catalog.db {size:.1} MB; {peak}"
    );
    let mut store = Store::open(data.path()).unwrap();
    let patches: Vec<_> = (0..1_000)
        .map(|n| stock(&format!("sku-{}", n * 7), 3, after(2)))
        .collect();
    let begun = Instant::now();
    store.patch_catalog(&patches, after(2)).unwrap();
    println!("1,000 changes: {:.1?}", begun.elapsed());
}
