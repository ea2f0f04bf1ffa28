//! Catalog search on the sample shop: criterion's estimate by language, then median, p95 and
//! max over every query of `queries.txt`, 40 times each.
//!
//! `cargo bench --bench search`

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark: what fails is to be seen"
)]

use comptoir::{
    lang::Language,
    shop::{load, search::SearchQuery, store::Store},
};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

fn queries() -> Vec<SearchQuery> {
    let mut queries: Vec<SearchQuery> = include_str!("queries.txt")
        .lines()
        .map(|line| {
            let (language, words) = line.split_once(' ').unwrap();
            SearchQuery::words(language.parse().unwrap(), words, 10)
        })
        .collect();
    // A page of a book read aloud, and filters that nothing meets.
    queries.push(SearchQuery::words(
        Language::En,
        "what is it that the shop has not ".repeat(3_000),
        10,
    ));
    queries.push(SearchQuery {
        color: Some("navy".into()),
        size: Some("m".into()),
        category: Some("shoes".into()),
        ..SearchQuery::words(Language::En, "dress", 10)
    });
    queries
}

fn search(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let mut store = Store::open(folder.path()).unwrap();
    load::sample(&mut store, now).unwrap();
    let queries = queries();
    for language in Language::ALL {
        let of = queries.iter().filter(|q| q.language == language);
        let mut of = of.cycle();
        c.bench_function(&format!("search {language}"), |b| {
            b.iter(|| store.search(black_box(of.next().unwrap()), now).unwrap());
        });
    }
    let mut times: Vec<(Duration, &SearchQuery)> = Vec::new();
    for _ in 0..40 {
        for query in &queries {
            let begun = Instant::now();
            black_box(store.search(query, now).unwrap());
            times.push((begun.elapsed(), query));
        }
    }
    times.sort_by_key(|(time, _)| *time);
    let at = |share: usize| times[(times.len() - 1) * share / 100].0;
    println!(
        "{} products, {} searches: median {:?}, p95 {:?}, p99 {:?}, max {:?}",
        store.stats(now).unwrap().products,
        times.len(),
        at(50),
        at(95),
        at(99),
        at(100)
    );
    for (time, query) in times.iter().rev().step_by(40).take(5) {
        let words: String = query.text.chars().take(50).collect();
        println!("  among the slowest: {time:?} {words}");
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
