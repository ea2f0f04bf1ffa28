//! The catalog's cursors: whatever is written meanwhile, nothing is skipped.

use crate::support::{Shop, Till, product};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a terminal holds that follows the catalog.
struct Follower {
    till: Till,
    cursor: String,
    limit: u32,
    holds: BTreeMap<String, Value>,
}

impl Follower {
    fn new(till: Till, limit: u32) -> Self {
        Self {
            till,
            cursor: String::new(),
            limit,
            holds: BTreeMap::new(),
        }
    }

    /// Reads until there is no more at once; how many rows came.
    async fn follow(&mut self) -> usize {
        let mut came = 0;
        loop {
            let whole = self.cursor.is_empty() || self.cursor.contains(".w.");
            let target = format!(
                "/v1/catalog?language=en&limit={}&cursor={}",
                self.limit, self.cursor
            );
            let page = self.till.get(&target).await.ok();
            for row in page["products"].as_array().unwrap() {
                came += 1;
                self.holds
                    .insert(row["id"].as_str().unwrap().into(), row.clone());
            }
            for id in page["removed"].as_array().unwrap() {
                assert!(!whole, "a whole hand-out removes nothing");
                came += 1;
                self.holds.remove(id.as_str().unwrap());
            }
            self.cursor = page["cursor"].as_str().unwrap().into();
            if page["more"] == false {
                return came;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_miss_no_change_of_concurrent_writers() {
    let shop = Arc::new(Shop::open().await);
    let till = shop.terminal("till-1").await;
    let ids: Vec<String> = (0..60).map(|n| format!("p{n}")).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    shop.products(&all).await;
    let writing = Arc::new(AtomicBool::new(true));
    let mut writers = tokio::task::JoinSet::new();
    for seed in 0..5 {
        let (shop, ids, writing) = (Arc::clone(&shop), ids.clone(), Arc::clone(&writing));
        writers.spawn(async move {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut wrote = 0;
            while writing.load(Ordering::Relaxed) {
                let id = &ids[rng.usize(..ids.len())];
                let said = match rng.u8(..4) {
                    0 => {
                        let target = format!("/v1/admin/products/{id}");
                        shop.staff("DELETE", &target, Value::Null).await
                    }
                    1 => {
                        let change = json!({"type": "stock", "product": id,
                            "quantity": rng.u32(..100), "available": rng.bool()});
                        shop.staff("POST", "/v1/admin/changes", json!({"changes": [change]}))
                            .await
                    }
                    _ => {
                        let some: Vec<Value> = (0..rng.usize(1..8))
                            .map(|_| &ids[rng.usize(..ids.len())])
                            .collect::<std::collections::BTreeSet<_>>()
                            .into_iter()
                            .map(|id| {
                                product(id, &format!("{}.{:02} EUR", rng.u8(1..99), rng.u8(..100)))
                            })
                            .collect();
                        let target = "/v1/admin/products?language=en";
                        shop.staff("PUT", target, json!({"products": some})).await
                    }
                };
                said.ok();
                wrote += 1;
            }
            wrote
        });
    }
    let mut followers = tokio::task::JoinSet::new();
    for limit in [3, 7, 500] {
        let (till, writing) = (till.clone(), Arc::clone(&writing));
        followers.spawn(async move {
            let mut follower = Follower::new(till, limit);
            let mut rows = 0;
            while writing.load(Ordering::Relaxed) {
                rows += follower.follow().await;
            }
            (follower, rows)
        });
    }
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    writing.store(false, Ordering::Relaxed);
    let wrote: u32 = writers.join_all().await.into_iter().sum();
    let mut fresh = Follower::new(till, 1000);
    fresh.follow().await;
    assert!(wrote > 50 && !fresh.holds.is_empty(), "{wrote} writes");
    for (mut follower, rows) in followers.join_all().await {
        follower.follow().await;
        assert!(rows > 60);
        assert_eq!(follower.holds, fresh.holds, "limit {}", follower.limit);
        assert_eq!(follower.follow().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_feed_again_is_no_change_and_bad_rows_are_told() {
    let shop = Shop::open().await;
    let till = shop.terminal("till-1").await;
    till.get("/v1/catalog?language=en")
        .await
        .refused(404, "not_found");
    let rows = json!({"products": [
        product("tea", "2.00 EUR"), product("milk", "free"),
        {"id": "jam", "title": "Jam", "price": "3.00 EUR", "availability": "in_stock",
         "gtin": "2034010001203", "min_age": 18, "description": null},
    ]});
    let put = "/v1/admin/products?language=en";
    let told = shop.staff("PUT", put, rows.clone()).await.ok();
    assert_eq!((&told["kept"], &told["changed"]), (&json!(2), &json!(2)));
    let refused: Vec<_> = told["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["line"].as_u64().unwrap(), r["severity"].as_str().unwrap()))
        .collect();
    assert_eq!(refused, [(2, "refused"), (3, "warning")]);
    let page = till.get("/v1/catalog?language=en").await.ok();
    let cursor = page["cursor"].as_str().unwrap();
    let jam = page["products"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["id"] == "jam")
        .unwrap();
    assert_eq!((jam.get("gtin"), &jam["min_age"]), (None, &json!("18")));
    assert_eq!(shop.staff("PUT", put, rows).await.ok()["changed"], 0);
    let next = format!("/v1/catalog?language=en&cursor={cursor}");
    assert_eq!(till.get(&next).await.ok()["products"], json!([]));
    shop.staff("DELETE", "/v1/admin/products/jam", Value::Null)
        .await
        .ok();
    let page = till.get(&next).await.ok();
    assert_eq!(
        (&page["products"], &page["removed"]),
        (&json!([]), &json!(["jam"]))
    );
    // Cursors of another language, of nothing, or of the future are told.
    for odd in ["fr.x", "x", &format!("{cursor}9")] {
        let target = format!("/v1/catalog?language=en&cursor={odd}");
        till.get(&target).await.refused(400, "content");
    }
    till.get("/v1/catalog?language=de")
        .await
        .refused(400, "content");
    till.get("/v1/catalog?language=en&limit=0")
        .await
        .refused(400, "content");
    // The shop has one currency.
    let rows = json!({"products": [product("pie", "2.00 GBP")]});
    let told = shop.staff("PUT", put, rows).await.ok();
    assert_eq!(told["kept"], 0);
}
