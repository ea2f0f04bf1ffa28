//! Google Merchant Center's feed as RSS 2.0 or Atom, with attributes in its `g:` namespace.
//!
//! Entities are never expanded beyond the characters that XML and HTML name; a document type is
//! passed over.

use super::{
    clean::character,
    columns::Place,
    input::Input,
    json::LONGEST_ITEM,
    named::{Named, normal},
    parsed::{NoRow, Parsed, counted},
};
use quick_xml::{
    events::{BytesStart, Event},
    reader::Reader,
};
use std::{collections::BTreeSet, io::BufRead};

/// What a parser may collect for one tag or text before reading fails.
const LONGEST_EVENT: u64 = 16 << 20;

/// How deep elements may nest.
const DEPTH: usize = 64;

/// So many unknown names are kept for the account.
const NAMES: usize = 100;

/// Elements that hold a feed.
const ROOTS: &[&str] = &["rss", "feed", "rdf", "channel", "products", "items"];

/// Where the document is no product feed in XML.
#[derive(Debug)]
pub(super) struct Broken {
    /// The line.
    pub(super) line: u64,
    /// What was found there.
    pub(super) found: String,
}

/// Reads the items of a feed in XML.
pub(super) struct Items<R: BufRead> {
    xml: Reader<Input<R>>,
    buffer: Vec<u8>,
    /// Elements that are open outside of an item.
    outside: usize,
    begun: bool,
    items: u64,
    pub(super) unknown: BTreeSet<String>,
}

/// An item that is being read.
struct Item {
    place: Place,
    named: Named,
    /// Names of the elements that are open within it, with prefix.
    open: Vec<String>,
    text: String,
    /// Parts of a `product_detail`: section, name, value.
    detail: [String; 3],
    length: usize,
}

impl<R: BufRead> Items<R> {
    pub(super) fn new(input: Input<R>) -> Self {
        let mut xml = Reader::from_reader(input.count_lines());
        // Many a shop writes "Fish & Chips".
        xml.config_mut().allow_dangling_amp = true;
        Self {
            xml,
            buffer: Vec::new(),
            outside: 0,
            begun: false,
            items: 0,
            unknown: BTreeSet::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Parsed>, Broken> {
        let mut item: Option<Item> = None;
        loop {
            let line = self.xml.get_mut().line();
            self.buffer.clear();
            self.buffer.shrink_to(LONGEST_ITEM);
            self.xml.get_mut().allow(LONGEST_EVENT);
            let broken = |found: String| Broken { line, found };
            let event = self
                .xml
                .read_event_into(&mut self.buffer)
                .map_err(|e| broken(e.to_string()))?;
            let text = |e: quick_xml::encoding::EncodingError| broken(e.to_string());
            match (event, &mut item) {
                (Event::Start(tag), None) => {
                    let name = name_of(&tag);
                    let local = local(&name);
                    if !self.begun && !ROOTS.contains(&local) {
                        return Err(broken(format!("<{name}>, which holds no product feed")));
                    }
                    self.begun = true;
                    if self.outside > 0 && matches!(local, "item" | "entry" | "product") {
                        self.items += 1;
                        item = Some(Item::new((line, Some(self.items))));
                    } else if self.outside >= DEPTH {
                        return Err(broken(format!("more than {DEPTH} elements in each other")));
                    } else {
                        self.outside += 1;
                    }
                }
                (Event::Start(tag), Some(item)) => {
                    if item.open.len() >= DEPTH {
                        return Err(broken(format!("more than {DEPTH} elements in each other")));
                    }
                    item.begin(name_of(&tag));
                }
                (Event::Empty(tag), Some(item)) if item.open.is_empty() => item.empty(&tag),
                (Event::End(_), None) => self.outside = self.outside.saturating_sub(1),
                (Event::End(_), Some(reading)) => {
                    if reading.open.is_empty() {
                        return Ok(item.take().map(|item| item.into_parsed()));
                    }
                    if let Some(unknown) = reading.end()
                        && self.unknown.len() < NAMES
                    {
                        self.unknown.insert(unknown);
                    }
                }
                (Event::Text(t), Some(item)) => item.push(&t.decode().map_err(text)?),
                (Event::CData(t), Some(item)) => item.push(&t.decode().map_err(text)?),
                (Event::GeneralRef(entity), Some(item)) => {
                    let name = entity.decode().map_err(text)?;
                    match character(&name) {
                        Some(c) => item.push(c.encode_utf8(&mut [0; 4])),
                        // Nobody's own entities are expanded: they stay what they are.
                        None => item.push(&format!("&{name};")),
                    }
                }
                (Event::Decl(declared), _) => {
                    let encoding = declared.encoding().and_then(Result::ok);
                    if let Some(encoding) = encoding
                        && !encoding.eq_ignore_ascii_case(b"utf-8")
                        && !encoding.eq_ignore_ascii_case(b"us-ascii")
                    {
                        let encoding = String::from_utf8_lossy(&encoding).into_owned();
                        return Err(broken(format!("the encoding {encoding}; save it as UTF-8")));
                    }
                }
                (Event::Eof, None) if self.begun && self.outside == 0 => return Ok(None),
                (Event::Eof, _) => return Err(broken("its end before the last tag".to_owned())),
                _ => {}
            }
        }
    }
}

fn name_of(tag: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(tag.name().as_ref()).to_lowercase()
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl Item {
    fn new(place: Place) -> Self {
        Self {
            place,
            named: Named::default(),
            open: Vec::new(),
            text: String::new(),
            detail: Default::default(),
            length: 0,
        }
    }

    fn begin(&mut self, name: String) {
        if self.open.is_empty() || self.is_detail() {
            self.text.clear();
        }
        self.length += name.len() + 16;
        self.open.push(name);
    }

    fn is_detail(&self) -> bool {
        self.open
            .first()
            .is_some_and(|n| local(n) == "product_detail")
    }

    /// Text counts in a value itself, in the parts of a detail, and in the markup of a
    /// description; that of other nested elements (shipping, tax) does not.
    fn push(&mut self, text: &str) {
        let Some(first) = self.open.first() else {
            return;
        };
        self.length += text.len();
        let counts = self.open.len() == 1
            || self.is_detail()
            || matches!(
                local(first),
                "description" | "content" | "summary" | "title"
            );
        if counts && self.length <= LONGEST_ITEM {
            self.text.push_str(text);
        }
    }

    /// Atom's `<link href="..."/>`.
    fn empty(&mut self, tag: &BytesStart<'_>) {
        if local(&name_of(tag)) == "link"
            && let Ok(Some(href)) = tag.try_get_attribute("href")
            && let Ok(href) = std::str::from_utf8(&href.value)
        {
            self.named.set("link", &href.replace("&amp;", "&"), 0);
        }
    }

    /// An element within the item ends. Gives the name when nobody knows it.
    fn end(&mut self) -> Option<String> {
        let name = self.open.pop()?;
        let text = std::mem::take(&mut self.text);
        if self.is_detail() {
            let part = match local(&name) {
                "section_name" => 0,
                "attribute_name" => 1,
                "attribute_value" => 2,
                _ => return None,
            };
            if let Some(part) = self.detail.get_mut(part) {
                // Colons and bars have a meaning of their own in the column.
                *part = text.replace([':', '|'], " ").trim().to_owned();
            }
            return None;
        }
        if !self.open.is_empty() {
            self.text = text;
            return None;
        }
        let (column, rank) = match name.strip_prefix("g:") {
            Some(column) => (normal(column), 2),
            // Another namespace's elements are none of ours.
            None if name.contains(':') => return None,
            None => (normal(&name), 0),
        };
        let value = match column.as_str() {
            "product_detail" if !self.detail.iter().all(String::is_empty) => {
                let [section, name, value] = std::mem::take(&mut self.detail);
                format!("{section}:{name}:{value}")
            }
            "quantity" => counted(text.trim()).to_owned(),
            _ => text,
        };
        let known = match column.as_str() {
            "summary" | "content" => self.named.set("description", &value, 0),
            // Repeated, as Google has it for these; of other columns the first holds.
            "product_highlight" | "product_detail" | "synonyms" => {
                self.named.add(&column, &value, rank)
            }
            column => self.named.set(column, &value, rank),
        };
        (!known && rank > 0).then_some(column)
    }

    fn into_parsed(self) -> Parsed {
        if self.length > LONGEST_ITEM {
            let refused = NoRow::unfit(
                format!("an item of at most {LONGEST_ITEM} bytes"),
                format!("{} bytes", self.length),
            );
            return Parsed::Refused(self.place, refused);
        }
        Parsed::Row(self.place, self.named.into_values())
    }
}
