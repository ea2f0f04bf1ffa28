//! JSON in bounded memory, whatever a document holds: one item at a time.

use super::input::Input;
use std::io::{BufRead, Read};
use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};

/// An item that is longer is skipped, not kept.
pub(super) const LONGEST_ITEM: usize = 1 << 20;

/// What a parser may collect for one name or number before reading fails.
const LONGEST_TOKEN: u64 = 16 << 20;

/// How deep lists and objects may nest.
const DEPTH: u32 = 64;

/// What a value costs beside its text: a list of a million zeros is no small item.
const NODE: usize = 32;

/// A JSON value. Numbers are kept as they are written: money is never a float.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// A list.
    List(Vec<Node>),
    /// An object, in its order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A member of an object; of two with one name the first.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Map(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a string, number or truth value.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// A reader of JSON text, or of several texts one after the other.
pub(super) type Json<R> = JsonStreamReader<Input<R>>;

/// Reads JSON.
pub(super) fn reader<R: BufRead>(input: Input<R>) -> Json<R> {
    let settings = ReaderSettings {
        allow_multiple_top_level: true,
        track_path: false,
        max_nesting_depth: Some(DEPTH),
        ..ReaderSettings::default()
    };
    JsonStreamReader::new_custom(input, settings)
}

/// Reads one JSON text that is in memory.
pub(super) fn parse(text: &[u8]) -> Result<Node, ReaderError> {
    let settings = ReaderSettings {
        track_path: false,
        max_nesting_depth: Some(DEPTH),
        ..ReaderSettings::default()
    };
    let mut json = JsonStreamReader::new_custom(text, settings);
    let mut budget = usize::MAX;
    let node = node(&mut json, &mut budget, &mut |_, _| {})?;
    json.consume_trailing_whitespace()?;
    Ok(node.unwrap_or(Node::Null))
}

/// The next value of a document; `None` when it is longer than [`LONGEST_ITEM`]: it was skipped.
pub(super) fn item<R: BufRead>(json: &mut Json<R>) -> Result<Option<Node>, ReaderError> {
    let mut budget = LONGEST_ITEM;
    item_within(json, &mut budget)
}

/// The same with a budget that several values share.
pub(super) fn item_within<R: BufRead>(
    json: &mut Json<R>,
    budget: &mut usize,
) -> Result<Option<Node>, ReaderError> {
    let read = node(json, budget, &mut fence);
    json.reader_mut().allow(u64::MAX);
    read
}

/// The next name of an object.
pub(super) fn name<R: BufRead>(json: &mut Json<R>) -> Result<String, ReaderError> {
    json.reader_mut().allow(LONGEST_TOKEN);
    let name = json.next_name_owned();
    json.reader_mut().allow(u64::MAX);
    name
}

/// Bounds the token that is read next, unless it is read in pieces.
fn fence<R: BufRead>(json: &mut Json<R>, in_pieces: bool) {
    json.reader_mut()
        .allow(if in_pieces { u64::MAX } else { LONGEST_TOKEN });
}

/// Reads a value; `None` when the budget did not last, the rest was skipped then.
fn node<J: JsonReader>(
    json: &mut J,
    budget: &mut usize,
    fence: &mut impl FnMut(&mut J, bool),
) -> Result<Option<Node>, ReaderError> {
    let Some(left) = budget.checked_sub(NODE) else {
        fence(json, true);
        json.skip_value()?;
        return Ok(None);
    };
    *budget = left;
    fence(json, false);
    Ok(Some(match json.peek()? {
        ValueType::Null => {
            json.next_null()?;
            Node::Null
        }
        ValueType::Boolean => Node::Bool(json.next_bool()?),
        ValueType::Number => {
            let number = json.next_number_as_string()?;
            *budget = budget.saturating_sub(number.len());
            Node::Number(number)
        }
        ValueType::String => {
            fence(json, true);
            match string(json, *budget)? {
                Some(text) => {
                    *budget -= text.len();
                    Node::Text(text)
                }
                None => {
                    *budget = 0;
                    return Ok(None);
                }
            }
        }
        ValueType::Array => {
            let (mut items, mut whole) = (Vec::new(), true);
            json.begin_array()?;
            while json.has_next()? {
                match node(json, budget, fence)? {
                    Some(item) if whole => items.push(item),
                    _ => whole = false,
                }
            }
            json.end_array()?;
            if !whole {
                return Ok(None);
            }
            Node::List(items)
        }
        ValueType::Object => {
            let (mut members, mut whole) = (Vec::new(), true);
            json.begin_object()?;
            while json.has_next()? {
                fence(json, false);
                let name = json.next_name_owned()?;
                whole &= name.len() <= *budget;
                *budget = budget.saturating_sub(name.len());
                match node(json, budget, fence)? {
                    Some(value) if whole => members.push((name, value)),
                    _ => whole = false,
                }
            }
            json.end_object()?;
            if !whole {
                return Ok(None);
            }
            Node::Map(members)
        }
    }))
}

/// Reads a string of at most `most` bytes; `None` when it is longer: it was skipped.
fn string<J: JsonReader>(json: &mut J, most: usize) -> Result<Option<String>, ReaderError> {
    let mut bytes = Vec::new();
    let mut reader = json.next_string_reader()?;
    let mut piece = [0; 2048];
    let mut whole = true;
    loop {
        let n = match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                drop(reader);
                let location = json.current_position(false);
                return Err(ReaderError::IoError { error, location });
            }
        };
        whole &= bytes.len() + n <= most;
        if whole && let Some(piece) = piece.get(..n) {
            bytes.extend_from_slice(piece);
        }
    }
    drop(reader);
    // The reader has checked that it is UTF-8.
    Ok(whole.then(|| String::from_utf8(bytes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::{BufReader, Cursor};

    #[test]
    fn numbers_are_as_they_are_written() {
        let node = parse(br#"{"price": 19.90, "n": 12345678901234567890, "a": [true, null]}"#);
        let node = node.unwrap();
        assert_eq!(node.get("price"), Some(&Node::Number("19.90".into())));
        assert_eq!(node.get("n").unwrap().text(), Some("12345678901234567890"));
        assert_eq!(
            node.get("a"),
            Some(&Node::List(vec![Node::Bool(true), Node::Null]))
        );
        assert!(parse(b"{} x").is_err() && parse(b"{\"a\"").is_err());
        let deep = [b"[".repeat(100), b"]".repeat(100)].concat();
        assert!(parse(&deep).is_err(), "deeper than anybody needs");
    }

    #[test]
    fn a_long_item_is_skipped_and_the_next_one_read() {
        let head = Cursor::new(b"[{\"a\":\"".to_vec());
        let text = std::io::repeat(b'x').take(200 << 20);
        let tail = Cursor::new(b"\",\"b\":[1,2]},{\"a\":\"y\"}]".to_vec());
        let feed = BufReader::with_capacity(1 << 16, head.chain(text).chain(tail));
        let (input, _) = Input::open(feed, u64::MAX).unwrap();
        let mut json = reader(input);
        json.begin_array().unwrap();
        assert_eq!(item(&mut json).unwrap(), None);
        let next = item(&mut json).unwrap().unwrap();
        assert_eq!(next.get("a").unwrap().text(), Some("y"));
        assert!(!json.has_next().unwrap());
    }

    #[test]
    fn a_name_that_does_not_end_is_an_error_and_no_memory() {
        let head = Cursor::new(b"[{\"".to_vec());
        let feed = BufReader::new(head.chain(std::io::repeat(b'x').take(200 << 20)));
        let (input, _) = Input::open(feed, u64::MAX).unwrap();
        let mut json = reader(input);
        json.begin_array().unwrap();
        assert!(item(&mut json).unwrap_err().to_string().contains("1 MiB"));
    }
}
