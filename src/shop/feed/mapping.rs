//! How a shop system's JSON is read as columns of a feed: a mapping file.
//!
//! `docs/feed.md` explains the form; those in `assets/feeds/` are part of this program.

use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// A mapping from JSON to the columns of a feed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// How it is called.
    pub name: String,
    /// Where the list of items stands; the first that is found is read. Empty: the document
    /// itself is the list; `.`: the document is one item.
    pub(super) items: Vec<String>,
    /// Where the product stands within an item, where it is wrapped (`node`, `item`).
    #[serde(default)]
    pub(super) within: Vec<String>,
    /// The list of variants within an item: each becomes a row.
    #[serde(default)]
    pub(super) variants: Option<String>,
    /// Texts that all stand at the beginning of such a feed; one of the lists is enough.
    #[serde(default)]
    pub(super) detect: Vec<Vec<String>>,
    /// Items that are passed over without a word each.
    #[serde(default)]
    pub(super) skip: Vec<Unfit>,
    /// Items that are refused and told.
    #[serde(default)]
    pub(super) refuse: Vec<Unfit>,
    /// How prices are written.
    pub(super) price: PriceRule,
    /// Column -> where its value stands.
    pub(super) columns: BTreeMap<String, Rule>,
    /// How the next page is asked for, where a URL gives the feed in pages.
    pub pages: Option<Pages>,
}

/// Items that are no products to be sold as they are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unfit {
    /// Where the value stands.
    pub(super) path: String,
    /// One of these, in any case.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// There, and none of these.
    #[serde(default)]
    pub(super) is_not: Vec<String>,
    /// Why, for people.
    pub(super) why: String,
}

/// Something that holds of an item.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    /// Where the value stands.
    pub(super) path: String,
    /// One of these, in any case.
    #[serde(default)]
    pub(super) is: Vec<String>,
    /// There, and none of these.
    #[serde(default)]
    pub(super) is_not: Vec<String>,
}

/// How prices are written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceRule {
    /// What is paid now.
    pub(super) amount: Rule,
    /// The price before a promotion: where it is higher than the amount, the amount is the
    /// sale price.
    #[serde(default)]
    pub(super) regular: Option<Rule>,
    /// The ISO 4217 code. Without it: the source's `currency`, else the shop's.
    #[serde(default)]
    pub(super) currency: Option<Rule>,
    /// Amounts are in minor units: 350 is 3.50.
    #[serde(default)]
    pub(super) minor_units: bool,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) enum Rule {
    /// A path: names with dots between; lists on the way give all their values.
    Path(String),
    /// The first of these that gives something.
    First(Vec<Rule>),
    /// The values of these, one after the other.
    Join(Join),
    /// The value of the element of a list that has one of these names.
    Named(Named),
    /// A value that holds only where the condition does.
    Only(Box<Only>),
    /// Always this.
    Fixed(String),
}

/// Values that are set one after the other.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    pub(super) join: Vec<Rule>,
    /// What stands between them.
    pub(super) with: String,
    /// Values that are left out.
    #[serde(default)]
    pub(super) without: Vec<String>,
}

/// An option, attribute or property by its name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// The list.
    pub(super) list: String,
    /// Where in an element its name stands.
    pub(super) name: String,
    /// The names wanted, in any case.
    pub(super) is: Vec<String>,
    /// Where in the element the value stands; or, with `{position}`, where in the item: the
    /// element's place in the list, from 1.
    pub(super) value: String,
}

/// A value with a condition.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Only {
    pub(super) from: Rule,
    pub(super) when: Condition,
}

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The query's name for the page's number, from 1.
    #[serde(default)]
    pub number: Option<String>,
    /// The query's name for how many items were had before.
    #[serde(default)]
    pub offset: Option<String>,
    /// The query's name for how many items a page may have.
    pub size: String,
    /// How many that are.
    pub items: u32,
    /// Whether a `Link: <...>; rel="next"` header, where there is one, says the next page.
    #[serde(default)]
    pub link: bool,
}

impl TryFrom<toml::Value> for Rule {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let wrong = |e: toml::de::Error| e.to_string().trim().replace('\n', " ");
        match value {
            toml::Value::String(path) => Ok(Self::Path(path)),
            toml::Value::Array(rules) => rules
                .into_iter()
                .map(Self::try_from)
                .collect::<Result<_, _>>()
                .map(Self::First),
            toml::Value::Table(table) if table.contains_key("join") => {
                table.try_into().map(Self::Join).map_err(wrong)
            }
            toml::Value::Table(table) if table.contains_key("list") => {
                table.try_into().map(Self::Named).map_err(wrong)
            }
            toml::Value::Table(table) if table.contains_key("when") => {
                table.try_into().map(Self::Only).map_err(wrong)
            }
            toml::Value::Table(table) => match table.get("fixed") {
                Some(toml::Value::String(text)) if table.len() == 1 => {
                    Ok(Self::Fixed(text.clone()))
                }
                _ => Err(format!(
                    "expected a path, a list of rules, or a table with `join`, `list`, `when` or \
                     `fixed`, found `{table}`"
                )),
            },
            other => Err(format!(
                "expected a path such as `variant.sku`, found `{other}`"
            )),
        }
    }
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It cannot be read.
    #[error("expected a mapping in {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no mapping.
    #[error(
        "expected a mapping in {path}, found: {found}; docs/feed.md explains the form, and \
         assets/feeds/ has examples"
    )]
    Content {
        /// The file.
        path: String,
        /// What is wrong.
        found: String,
    },
}

/// The mappings that are part of this program.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "shopify",
        include_str!("../../../assets/feeds/shopify.toml"),
    ),
    (
        "woocommerce",
        include_str!("../../../assets/feeds/woocommerce.toml"),
    ),
    ("medusa", include_str!("../../../assets/feeds/medusa.toml")),
    (
        "schema-org",
        include_str!("../../../assets/feeds/schema-org.toml"),
    ),
    ("acp", include_str!("../../../assets/feeds/acp.toml")),
];

impl Mapping {
    /// One that is part of this program, by its name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (name, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Self::parse(name, text).ok()
    }

    /// The names of those that are part of this program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] says what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| MappingError::Read {
            path: name.clone(),
            source,
        })?;
        Self::parse(&name, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Self, MappingError> {
        let content = |found: String| MappingError::Content {
            path: path.to_owned(),
            found,
        };
        let mapping: Self =
            toml::from_str(text).map_err(|e| content(e.to_string().trim().replace('\n', " ")))?;
        for column in mapping.columns.keys() {
            let mut probe = super::named::Named::default();
            if !probe.set(column, "x", 0) || column == "price" || column == "sale_price" {
                return Err(content(format!(
                    "`{column}` in [columns], which is no column (prices stand in [price])"
                )));
            }
        }
        for needed in ["id", "title", "availability"] {
            if !mapping.columns.contains_key(needed) {
                return Err(content(format!("no `{needed}` in [columns]")));
            }
        }
        Ok(mapping)
    }

    /// The built-in mapping that a document with this beginning seems to be for.
    pub(super) fn detected(head: &str) -> Option<Self> {
        Self::names().filter_map(Self::built_in).find(|mapping| {
            let all = |texts: &Vec<String>| texts.iter().all(|text| head.contains(text.as_str()));
            mapping.detect.iter().any(all)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_mappings_of_this_program_are_mappings() {
        for (name, text) in BUILT_IN {
            let mapping = Mapping::parse(name, text).unwrap();
            assert_eq!(&mapping.name, name);
        }
    }

    #[test]
    fn what_is_wrong_with_a_mapping_is_said() {
        let told = |text: &str| Mapping::parse("x.toml", text).unwrap_err().to_string();
        let good = "name = \"x\"\nitems = [\"products\"]\nprice = { amount = \"price\" }\n";
        let columns = "[columns]\nid = \"id\"\ntitle = \"name\"\navailability = \"stock\"\n";
        assert!(Mapping::parse("x.toml", &format!("{good}{columns}")).is_ok());
        let e = told(&format!("{good}[columns]\nid = \"id\"\n"));
        assert!(e.contains("no `title`"), "{e}");
        let e = told(&format!("{good}{columns}colr = \"x\"\n"));
        assert!(e.contains("`colr`"), "{e}");
        let e = told(&format!("{good}{columns}color = {{ form = \"x\" }}\n"));
        assert!(e.contains("`fixed`"), "{e}");
        let e = told(&format!("{good}variant = \"x\"\n{columns}"));
        assert!(e.contains("variant"), "{e}");
    }
}
