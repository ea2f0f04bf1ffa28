//! The catalog from feeds over HTTP, with everything that goes wrong on the way.
#![allow(clippy::unwrap_used)]

#[path = "catalog_sync/changes.rs"]
mod changes;
#[path = "catalog_sync/faults.rs"]
mod faults;
#[path = "catalog_sync/server.rs"]
mod server;

use axum::http::{HeaderMap, Uri};
use comptoir::{
    lang::Language,
    settings::{Catalog, Settings},
    shop::{
        money::{Currency, Money},
        product::{Product, ProductId},
        store::Store,
    },
    sync::catalog::{Pace, SyncFailed, SyncReport, Wanted, schedule, status, sync},
};
use jiff::{SignedDuration, Timestamp};
use server::{Answer, Server, good, ok};
use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
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
