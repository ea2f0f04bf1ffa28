//! Products as terminals read them, and the cursors by which they follow what changes.

use super::{HubStore, db, get};
use crate::{
    hub::refusal::Refusal,
    lang::Language,
    shop::money::{Currency, Money},
    sync::contract::CatalogPage,
};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a terminal stands in a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// In the whole hand-out that began when so many changes were made, after this place.
    Whole { begun: i64, place: i64 },
    /// After this change.
    After(i64),
}

impl Cursor {
    fn text(self, language: Language, epoch: Uuid) -> String {
        let epoch = epoch.simple();
        match self {
            Self::Whole { begun, place } => format!("{language}.{epoch}.w.{begun}.{place}"),
            Self::After(change) => format!("{language}.{epoch}.d.{change}"),
        }
    }

    fn read(text: &str, language: Language, epoch: Uuid) -> Option<Self> {
        let rest = text.strip_prefix(&format!("{language}.{}.", epoch.simple()))?;
        match rest.split('.').collect::<Vec<_>>().as_slice() {
            ["w", begun, place] => Some(Self::Whole {
                begun: begun.parse().ok()?,
                place: place.parse().ok()?,
            }),
            ["d", change] => Some(Self::After(change.parse().ok()?)),
            _ => None,
        }
    }
}

impl HubStore {
    /// A page of a language's catalog. A product that changes while the whole is handed out
    /// comes again with what changed since; none is skipped.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is no catalog in this language, [`Refusal::Content`]
    /// when the cursor is not of this catalog.
    pub async fn catalog_page(
        &self,
        language: Language,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<CatalogPage, Refusal> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT epoch, changes FROM hub.catalog WHERE language = $1")
            .await
            .map_err(db)?;
        let row = client
            .query_opt(&statement, &[&language.code()])
            .await
            .map_err(db)?
            .ok_or(Refusal::NotFound("a catalog in this language"))?;
        let (epoch, changes): (Uuid, i64) = (get(&row, 0)?, get(&row, 1)?);
        let at = match cursor {
            None => Cursor::Whole {
                begun: changes,
                place: 0,
            },
            Some(text) => Cursor::read(text, language, epoch)
                .filter(|at| match at {
                    Cursor::Whole { begun: n, .. } | Cursor::After(n) => *n <= changes,
                })
                .ok_or_else(|| {
                    Refusal::Content(
                        "expected a cursor of this catalog, found another; begin again without one"
                            .into(),
                    )
                })?,
        };
        let wanted = i64::from(limit) + 1;
        let (sql, after) = match at {
            Cursor::Whole { place, .. } => (
                "SELECT id, row, false, place FROM hub.product \
                 WHERE language = $1 AND NOT deleted AND place > $2 ORDER BY place LIMIT $3",
                place,
            ),
            Cursor::After(change) => (
                "SELECT id, row, deleted, changed FROM hub.product \
                 WHERE language = $1 AND changed > $2 ORDER BY changed LIMIT $3",
                change,
            ),
        };
        let statement = client.prepare_cached(sql).await.map_err(db)?;
        let rows = client
            .query(&statement, &[&language.code(), &after, &wanted])
            .await
            .map_err(db)?;
        let more = rows.len() > usize::from(limit);
        let mut page = CatalogPage {
            more,
            ..CatalogPage::default()
        };
        let mut last = after;
        for row in rows.iter().take(usize::from(limit)) {
            last = get(row, 3)?;
            if get(row, 2)? {
                page.removed.push(get(row, 0)?);
            } else if let Value::Object(columns) = get(row, 1)? {
                page.products.push(columns);
            }
        }
        let next = match at {
            Cursor::Whole { begun, .. } if more => Cursor::Whole { begun, place: last },
            // The whole is out: from here on what changed since it began.
            Cursor::Whole { begun, .. } => Cursor::After(begun),
            Cursor::After(_) => Cursor::After(last),
        };
        page.cursor = next.text(language, epoch);
        Ok(page)
    }

    /// The currency of the products that are there.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn currency(&self) -> Result<Option<Currency>, Refusal> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                "SELECT row->>'price' FROM hub.product WHERE NOT deleted LIMIT 1",
                &[],
            )
            .await
            .map_err(db)?;
        let price: Option<String> = row.map_or(Ok(None), |row| get(&row, 0))?;
        Ok(price
            .and_then(|p| p.parse::<Money>().ok())
            .map(|p| p.currency))
    }

    /// How many products each language has.
    ///
    /// # Errors
    /// [`Refusal`] when the database does not answer.
    pub async fn catalog_sizes(&self) -> Result<BTreeMap<String, i64>, Refusal> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT language, count(*) FROM hub.product WHERE NOT deleted \
                 GROUP BY language",
                &[],
            )
            .await
            .map_err(db)?;
        rows.iter().map(|r| Ok((get(r, 0)?, get(r, 1)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_one_catalog() {
        let epoch = Uuid::from_u128(5);
        for cursor in [
            Cursor::After(12),
            Cursor::Whole {
                begun: 12,
                place: 400,
            },
        ] {
            let text = cursor.text(Language::En, epoch);
            assert!(text.len() <= 200);
            assert_eq!(Cursor::read(&text, Language::En, epoch), Some(cursor));
            assert_eq!(Cursor::read(&text, Language::Fr, epoch), None);
            assert_eq!(Cursor::read(&text, Language::En, Uuid::from_u128(6)), None);
        }
        assert_eq!(Cursor::read("en", Language::En, epoch), None);
    }
}
