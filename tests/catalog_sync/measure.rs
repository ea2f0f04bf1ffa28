//! How long an import takes.

use super::{after, changes::stock, euros, noon, one, quick};
use comptoir::{
    shop::store::Store,
    sync::catalog::{Progress, sync},
};
use std::{io::Write, time::Instant};

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
        if matches!(p, Progress::Finishing) {
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
