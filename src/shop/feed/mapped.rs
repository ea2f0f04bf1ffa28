//! A shop system's JSON, item by item, through a mapping.

use super::{
    columns::Place,
    json::{self, Json, LONGEST_ITEM, Node},
    mapping::{Mapping, Rule},
    named::Named,
    parsed::{NoRow, Parsed, counted, priced, set_prices},
    report::shown,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    io::BufRead,
};
use struson::reader::{JsonReader, ReaderError, ValueType};

/// Reads the rows of JSON documents through a mapping.
pub(super) struct Mapped<R: BufRead> {
    json: Json<R>,
    mapping: Mapping,
    currency: Option<&'static str>,
    /// What to look for in each object that is open, from the outermost.
    open: Vec<Vec<Vec<String>>>,
    in_list: bool,
    begun: bool,
    /// Whether a list of items was seen.
    pub(super) found: bool,
    /// The document itself, where it may be the item.
    whole: Option<(usize, Vec<(String, Node)>)>,
    items: u64,
    rows: VecDeque<Parsed>,
    passed_over: BTreeMap<String, u64>,
}

impl<R: BufRead> Mapped<R> {
    pub(super) fn new(json: Json<R>, mapping: Mapping, currency: Option<&'static str>) -> Self {
        Self {
            json,
            mapping,
            currency,
            open: Vec::new(),
            in_list: false,
            begun: false,
            found: false,
            whole: None,
            items: 0,
            rows: VecDeque::new(),
            passed_over: BTreeMap::new(),
        }
    }

    /// How many items were passed over, by why.
    pub(super) fn passed_over(&self) -> &BTreeMap<String, u64> {
        &self.passed_over
    }

    /// Where the list of items is looked for, for people.
    pub(super) fn wanted(&self) -> String {
        self.mapping
            .items
            .iter()
            .map(|path| match path.as_str() {
                "" => "the document itself".to_owned(),
                "." => "one product".to_owned(),
                path => format!("`{path}`"),
            })
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// How many items were read, for pages.
    pub(super) fn items(&self) -> u64 {
        self.items
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, ReaderError> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            let Some(item) = self.next_item()? else {
                return Ok(None);
            };
            let position = self.json.current_position(false).line_pos;
            let line = position.map_or(1, |at| at.line + 1);
            let place = (line, Some(self.items));
            let Some(item) = item else {
                let refused = NoRow::unfit(
                    format!("an item of at most {LONGEST_ITEM} bytes"),
                    "a longer one".to_owned(),
                );
                return Ok(Some(Parsed::Refused(place, refused)));
            };
            let rows = self.mapping.rows(&item, place, self.currency);
            match rows {
                Ok(rows) => self.rows.extend(rows),
                Err(why) => *self.passed_over.entry(why).or_default() += 1,
            }
        }
    }

    /// Reads the next item without looking at it.
    pub(super) fn skip_item(&mut self) -> Result<bool, ReaderError> {
        Ok(self.next_item()?.is_some())
    }

    /// The next item; within, `None` is one that is too long.
    fn next_item(&mut self) -> Result<Option<Option<Node>>, ReaderError> {
        loop {
            if self.in_list {
                if self.json.has_next()? {
                    self.items += 1;
                    return Ok(Some(json::item(&mut self.json)?));
                }
                self.json.end_array()?;
                self.in_list = false;
                // Only the first list of a document is the one.
                self.open.iter_mut().for_each(Vec::clear);
                continue;
            }
            if self.open.is_empty() {
                if let Some((_, members)) = self.whole.take().filter(|(_, m)| !m.is_empty()) {
                    self.found = true;
                    self.items += 1;
                    return Ok(Some(Some(Node::Map(members))));
                }
                // Before the first document there is nothing to ask: an empty feed is none.
                if self.begun && !self.json.has_next()? {
                    return Ok(None);
                }
                self.begun = true;
                self.begin_document()?;
            } else {
                self.walk()?;
            }
        }
    }

    fn begin_document(&mut self) -> Result<(), ReaderError> {
        let is = |path: &str| self.mapping.items.iter().any(|p| p == path);
        match self.json.peek()? {
            ValueType::Array if is("") => {
                self.json.begin_array()?;
                self.in_list = true;
                self.found = true;
            }
            ValueType::Object => {
                self.whole = is(".").then(|| (LONGEST_ITEM, Vec::new()));
                self.json.begin_object()?;
                let paths = self.mapping.items.iter().filter(|p| !p.is_empty());
                self.open.push(
                    paths
                        .map(|p| p.split('.').map(str::to_owned).collect())
                        .collect(),
                );
            }
            _ => self.json.skip_value()?,
        }
        Ok(())
    }

    /// One member of the innermost object that is open.
    fn walk(&mut self) -> Result<(), ReaderError> {
        if !self.json.has_next()? {
            self.json.end_object()?;
            self.open.pop();
            return Ok(());
        }
        let name = json::name(&mut self.json)?;
        let wanted: Vec<Vec<String>> = self
            .open
            .last()
            .into_iter()
            .flatten()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| **first == name)
            .map(|(_, rest)| rest.to_vec())
            .collect();
        let kind = self.json.peek()?;
        if kind == ValueType::Array && wanted.iter().any(Vec::is_empty) {
            self.json.begin_array()?;
            self.in_list = true;
            self.found = true;
            self.whole = None;
        } else if kind == ValueType::Object && wanted.iter().any(|path| !path.is_empty()) {
            self.json.begin_object()?;
            self.open.push(wanted);
        } else if let Some((budget, members)) = self.whole.as_mut().filter(|_| self.open.len() == 1)
        {
            if let Some(value) = json::item_within(&mut self.json, budget)? {
                members.push((name, value));
            }
        } else {
            self.json.skip_value()?;
        }
        Ok(())
    }
}

impl Mapping {
    /// The rows of an item; the error is why it is passed over.
    pub(super) fn rows(
        &self,
        item: &Node,
        place: Place,
        currency: Option<&str>,
    ) -> Result<Vec<Parsed>, String> {
        let inner = self.within.iter().find_map(|name| {
            let inner = item.get(name)?;
            matches!(inner, Node::Map(_)).then_some(inner)
        });
        let item = inner.unwrap_or(item);
        let whole = Scope {
            item,
            variant: None,
        };
        for unfit in &self.skip {
            if whole.holds(&unfit.path, &unfit.is, &unfit.is_not) {
                return Err(unfit.why.clone());
            }
        }
        for unfit in &self.refuse {
            if whole.holds(&unfit.path, &unfit.is, &unfit.is_not) {
                let found = format!("`{}` {}", unfit.path, shown(&whole.first(&unfit.path)));
                let refused = NoRow::unfit(&unfit.why, found);
                return Ok(vec![Parsed::Refused(place, refused)]);
            }
        }
        let variants: Vec<&Node> = match &self.variants {
            Some(path) => whole.at(path),
            None => Vec::new(),
        };
        if variants.is_empty() {
            return Ok(vec![Parsed::Row(place, self.row(&whole, currency))]);
        }
        let rows = variants.into_iter().map(|variant| {
            let scope = Scope {
                item,
                variant: Some(variant),
            };
            Parsed::Row(place, self.row(&scope, currency))
        });
        Ok(rows.collect())
    }

    fn row(&self, scope: &Scope<'_>, currency: Option<&str>) -> Vec<String> {
        let mut named = Named::default();
        for (column, rule) in &self.columns {
            let values = scope.values(rule);
            for value in &values {
                let value = match column.as_str() {
                    "quantity" => counted(value),
                    "availability" if value == "true" => "in_stock",
                    "availability" if value == "false" => "out_of_stock",
                    _ => value,
                };
                named.add(column, value, 0);
                if Named::separator(column).is_none() {
                    break;
                }
            }
        }
        if named.get("availability") == "from_quantity" {
            let known = match named.get("quantity").parse::<u32>() {
                Ok(0) => "out_of_stock",
                Ok(_) => "in_stock",
                Err(_) => "unknown",
            };
            named.set("availability", known, 1);
        }
        let price = &self.price;
        let first = |rule: &Rule| scope.values(rule).into_iter().next();
        let currency = price
            .currency
            .as_ref()
            .and_then(first)
            .or(currency.map(Cow::from));
        if let Some(amount) = first(&price.amount) {
            let currency = currency.unwrap_or_default().to_uppercase();
            let before = price
                .regular
                .as_ref()
                .and_then(first)
                .map(|before| priced(&before, &currency, price.minor_units));
            set_prices(
                &mut named,
                priced(&amount, &currency, price.minor_units),
                before,
            );
        }
        named.into_values()
    }
}

/// What rules are read in: an item, and one of its variants.
struct Scope<'a> {
    item: &'a Node,
    variant: Option<&'a Node>,
}

impl<'a> Scope<'a> {
    /// Every value at a path: `name`, `offers.price`, `variant.sku`.
    fn at(&self, path: &str) -> Vec<&'a Node> {
        match path.strip_prefix("variant.") {
            Some(rest) => self.variant.map_or_else(Vec::new, |v| nodes(v, rest)),
            None => nodes(self.item, path),
        }
    }

    fn texts(&self, path: &str) -> Vec<Cow<'a, str>> {
        texts(&self.at(path))
    }

    fn first(&self, path: &str) -> String {
        let first = self.texts(path).into_iter().next();
        first.map(Cow::into_owned).unwrap_or_default()
    }

    /// Whether the value is there, is one of these (where there are any) and none of those.
    fn holds(&self, path: &str, is: &[String], is_not: &[String]) -> bool {
        let found = self.at(path);
        let Some(value) = found.first() else {
            return false;
        };
        let text = value.text().unwrap_or("null");
        let among = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(text));
        (is.is_empty() || among(is)) && !among(is_not)
    }

    fn values(&self, rule: &Rule) -> Vec<Cow<'a, str>> {
        match rule {
            Rule::Path(path) => self.texts(path),
            Rule::Fixed(text) => vec![Cow::Owned(text.clone())],
            Rule::First(rules) => rules
                .iter()
                .map(|rule| self.values(rule))
                .find(|values| values.iter().any(|v| !v.trim().is_empty()))
                .unwrap_or_default(),
            Rule::Join(join) => {
                let parts: Vec<Cow<'_, str>> = join
                    .join
                    .iter()
                    .flat_map(|rule| self.values(rule).into_iter().next())
                    .filter(|part| {
                        let left_out = |w: &String| w.eq_ignore_ascii_case(part.trim());
                        !part.trim().is_empty() && !join.without.iter().any(left_out)
                    })
                    .collect();
                vec![Cow::Owned(parts.join(&join.with))]
            }
            Rule::Only(only) => {
                let when = &only.when;
                if self.holds(&when.path, &when.is, &when.is_not) {
                    self.values(&only.from)
                } else {
                    Vec::new()
                }
            }
            Rule::Named(named) => {
                for (i, element) in self.at(&named.list).into_iter().enumerate() {
                    let name = texts(&nodes(element, &named.name));
                    let is_it = |wanted: &String| {
                        let wanted = wanted.to_lowercase();
                        name.iter().any(|n| n.trim().to_lowercase() == wanted)
                    };
                    if !named.is.iter().any(is_it) {
                        continue;
                    }
                    return if named.value.contains("{position}") {
                        let position = (i + 1).to_string();
                        self.texts(&named.value.replace("{position}", &position))
                    } else {
                        texts(&nodes(element, &named.value))
                    };
                }
                Vec::new()
            }
        }
    }
}

/// Every value at a path below a node; lists on the way and at the end give all of theirs.
fn nodes<'a>(node: &'a Node, path: &str) -> Vec<&'a Node> {
    let mut found = vec![node];
    for name in path.split('.') {
        found = found
            .into_iter()
            .flat_map(spread)
            .filter_map(|node| node.get(name))
            .collect();
    }
    found.into_iter().flat_map(spread).collect()
}

fn spread(node: &Node) -> Vec<&Node> {
    match node {
        Node::List(items) => items.iter().collect(),
        node => vec![node],
    }
}

fn texts<'a>(nodes: &[&'a Node]) -> Vec<Cow<'a, str>> {
    nodes
        .iter()
        .filter_map(|node| node.text())
        .map(Cow::Borrowed)
        .collect()
}
