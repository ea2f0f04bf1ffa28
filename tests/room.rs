//! The live daemon in a simulated room, with its real engines: it does not answer itself, it
//! gives way to wishes and not to noise, and it costs no more after many turns than after few.
//! Faster than real time, but its engines and its voice run on the machine's own clock, so that
//! two runs are not the same: what is asserted here is what breaks when something is broken.
//! `comptoir bench --room` and `--soak` measure how well it does it, and how soon.
#![allow(clippy::unwrap_used)]

use comptoir::{
    bench::{demo, soak, trials},
    daemon::{
        Needs,
        shopfront::{Scratch, Shopfront},
    },
    lang::Language,
    settings::Settings,
};
use std::path::{Path, PathBuf};

struct Shop {
    front: Shopfront,
    folder: Scratch,
}

async fn shop() -> Shop {
    let folder = Scratch::new().unwrap();
    let settings = Settings {
        data: folder.path().join("shop"),
        ..Settings::default()
    };
    let front = Shopfront::open(settings, None, Needs::ALL).await.unwrap();
    Shop { front, folder }
}

impl Shop {
    /// The demo conversation, with what its turns mean.
    fn order(&self, language: Language) -> Vec<(PathBuf, &'static str)> {
        let files = demo::write(language, self.folder.path()).unwrap();
        files.into_iter().zip(trials::meant(language)).collect()
    }
}

#[tokio::test]
async fn an_order_over_its_own_echo_and_with_people_around() {
    let shop = shop().await;
    let said = shop.order(Language::En);
    let alone = trials::conversation(&shop.front, Language::En, &said, &[]).await;
    let alone = alone.unwrap();
    assert!(alone.misheard.len() <= 2, "{alone:?}");
    assert!(alone.own_turns.len() <= 1, "{alone:?}");

    let around: Vec<PathBuf> = shop.order(Language::Fr).into_iter().map(|t| t.0).collect();
    let cafe = trials::conversation(&shop.front, Language::En, &said, &around).await;
    let cafe = cafe.unwrap();
    // Not every word of thirty people can be told from a shopper's.
    assert!(cafe.misheard.len() <= 3, "{cafe:?}");
    assert!(cafe.own_turns.len() <= 3, "{cafe:?}");
    shop.front.close().await;
}

#[tokio::test]
async fn it_gives_way_to_wishes_and_not_to_noise() {
    let shop = shop().await;
    let said = shop.order(Language::En);
    let first: &Path = &said[0].0;
    let into = [300, 1500, 3500];
    let told = trials::interruptions(&shop.front, Language::En, first, &said[1..2], &into).await;
    let told = told.unwrap();
    assert!(told.understood >= 2, "{told:?}");
    assert!(told.duck_ms.is_some(), "{told:?}");

    let noises = trials::noises(&shop.front, Language::En, first, 10).await;
    let noises = noises.unwrap();
    assert!(noises.turns.len() <= 1, "{noises:?}");
    assert!(noises.gave_way.len() <= 3, "{noises:?}");
    shop.front.close().await;
}

#[tokio::test]
async fn many_turns_cost_no_more_than_few() {
    let shop = shop().await;
    let conversations = Language::ALL.map(|l| (l, demo::write(l, shop.folder.path()).unwrap()));
    let soak = soak::run(&shop.front, &conversations, 20, |_| {}).await;
    let soak = soak.unwrap();
    assert!(soak.missed <= 2, "{soak:?}");
    let (memory, handles, _) = soak.growth().unwrap();
    assert!(memory < 1.25, "{soak:?}");
    assert!(handles < 1.1, "{soak:?}");
    shop.front.close().await;
}
