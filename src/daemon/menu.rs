//! The menus of a shop, kept up with its catalog: a sync, here or by another process, swaps the
//! catalog under a running daemon.

use crate::{
    lang::Language,
    nlu::menu::{Menu, Menus},
    shop::store::{CATALOG_FILE, Store, StoreError},
};
use jiff::Timestamp;
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the catalog is looked at.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// Reads the menus of a catalog.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub(super) fn read(store: &Store, now: Timestamp) -> Result<Menus, StoreError> {
    let menu = |language| -> Result<Option<Menu>, StoreError> {
        Ok(Menu::of(language, &store.menu(language, now)?))
    };
    Ok(Menus {
        en: menu(Language::En)?,
        fr: menu(Language::Fr)?,
    })
}

/// The menus of this moment.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<RwLock<Arc<Menus>>>);

impl Board {
    pub(super) fn of(menus: Menus) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(menus))))
    }

    pub(super) fn menus(&self) -> Arc<Menus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the menus again whenever the catalog was swapped, until told to stop.
    pub(super) async fn keep(self, folder: PathBuf, every: Duration, stop: CancellationToken) {
        // What was read when the shop opened may be older than what is there now.
        let mut seen = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let now = generation(&folder);
            if now == seen {
                continue;
            }
            let data = folder.clone();
            let fresh =
                tokio::task::spawn_blocking(move || read(&Store::open(&data)?, Timestamp::now()));
            match fresh.await {
                Ok(Ok(menus)) => {
                    seen = now;
                    *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(menus);
                }
                Ok(Err(error)) => tracing::warn!(%error, "the new catalog's menu is not read yet"),
                Err(error) => tracing::warn!(%error, "the new catalog's menu is not read yet"),
            }
        }
    }
}

/// Which file the catalog is: a swap makes it another one.
fn generation(folder: &Path) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(folder.join(CATALOG_FILE)).ok()?;
    Some((meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::shop::{
        feed::{FeedFile, import},
        load,
    };

    #[tokio::test]
    async fn a_new_catalog_has_a_new_menu() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let mut store = Store::open(folder.path()).unwrap();
        load::sample(&mut store, now).unwrap();
        let board = Board::of(read(&store, now).unwrap());
        let stop = CancellationToken::new();
        let every = Duration::from_millis(20);
        let data = folder.path().to_owned();
        let kept = tokio::spawn(board.clone().keep(data, every, stop.clone()));
        tokio::time::sleep(every).await;
        assert!(
            board
                .menus()
                .en
                .as_ref()
                .unwrap()
                .order("a large latte")
                .is_some()
        );

        let feed = folder.path().join("feed.tsv");
        std::fs::write(
            &feed,
            "id\ttitle\tprice\tavailability\toptions\n\
             bap\tCrab bap\t8.00 EUR\tin_stock\tsauce[0..1]: aioli, hot pepper sauce\n",
        )
        .unwrap();
        import(
            folder.path(),
            &[FeedFile::new(feed, Language::En)],
            None,
            now,
        )
        .unwrap();
        let told = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let menus = board.menus();
                if let Some(menu) = &menus.en
                    && menu.order("crab bap with aioli").is_some()
                {
                    return menu.order("a large latte").is_none();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(told.await.unwrap());
        stop.cancel();
        kept.await.unwrap();
    }
}
