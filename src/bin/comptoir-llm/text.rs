//! From the bytes of tokens to text that can be sent: whole characters only, and nothing
//! that may turn out to be the beginning of a stop string.

/// Assembles the answer of one request.
#[derive(Debug)]
pub struct TextAssembly {
    stops: Vec<String>,
    /// Bytes that do not make a whole character yet.
    bytes: Vec<u8>,
    /// Text held back, as it may be the beginning of a stop string.
    held: String,
}

/// What can be sent after a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Released {
    /// Text that is certain.
    pub text: String,
    /// A stop string was met: the answer ends here, without the stop string.
    pub stopped: bool,
}

impl TextAssembly {
    /// Ends the answer before the first occurrence of any of `stops` (none of them empty).
    pub fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            bytes: Vec::new(),
            held: String::new(),
        }
    }

    /// Takes the bytes of the next token.
    pub fn push(&mut self, piece: &[u8]) -> Released {
        self.bytes.extend_from_slice(piece);
        let whole = whole_characters(&mut self.bytes);
        self.held.push_str(&whole);

        let first_stop = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop))
            .min();
        if let Some(at) = first_stop {
            self.held.truncate(at);
            self.bytes.clear();
            return Released {
                text: std::mem::take(&mut self.held),
                stopped: true,
            };
        }
        let keep = self
            .stops
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Released {
            text: std::mem::replace(&mut self.held, rest),
            stopped: false,
        }
    }

    /// The end of the answer: what was held back. A character cut in two becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.bytes)));
        text
    }
}

/// Takes the whole characters from the front of `bytes`; an unfinished one stays, an invalid
/// byte becomes U+FFFD.
fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut taken = 0;
    loop {
        let rest = &bytes[taken..];
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                taken = bytes.len();
                break;
            }
            Err(error) => {
                let valid = error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&rest[..valid]));
                taken += valid;
                match error.error_len() {
                    Some(invalid) => {
                        text.push(char::REPLACEMENT_CHARACTER);
                        taken += invalid;
                    }
                    None => break,
                }
            }
        }
    }
    bytes.drain(..taken);
    text
}

/// Length in bytes of the longest end of `text` with which `stop` begins.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .rev()
        .find(|&at| at > 0 && text.ends_with(&stop[..at]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stops: &[&str], pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut assembly = TextAssembly::new(stops.iter().map(|s| (*s).to_owned()).collect());
        let mut parts = Vec::new();
        for piece in pieces {
            let released = assembly.push(piece);
            parts.push(released.text);
            if released.stopped {
                return (parts, true);
            }
        }
        parts.push(assembly.finish());
        (parts, false)
    }

    #[test]
    fn a_character_split_over_tokens_arrives_whole() {
        let euro = "€".as_bytes();
        let (parts, _) = said(&[], &[b"5 ", &euro[..1], &euro[1..2], &euro[2..], b"!"]);
        assert_eq!(parts, ["5 ", "", "", "€", "!", ""]);
    }

    #[test]
    fn an_invalid_byte_does_not_hold_up_what_follows() {
        let (parts, _) = said(&[], &[b"a\xffb"]);
        assert_eq!(parts.concat(), "a\u{fffd}b");
    }

    #[test]
    fn a_character_that_never_ends_is_replaced_at_the_end() {
        let (parts, _) = said(&[], &[b"caf", &"é".as_bytes()[..1]]);
        assert_eq!(parts, ["caf", "", "\u{fffd}"]);
    }

    #[test]
    fn a_stop_string_across_tokens_ends_the_answer_before_it() {
        let (parts, stopped) = said(&["\nUser:"], &[b"Yes.", b"\n", b"Us", b"er: more"]);
        assert_eq!(parts, ["Yes.", "", "", ""]);
        assert!(stopped);
    }

    #[test]
    fn what_only_looked_like_a_stop_string_is_sent_after_all() {
        let (parts, stopped) = said(&["\nUser:"], &[b"Yes.", b"\nUs", b"ual"]);
        assert_eq!(parts, ["Yes.", "", "\nUsual", ""]);
        assert!(!stopped);
    }

    #[test]
    fn the_earliest_of_several_stop_strings_counts() {
        let (parts, stopped) = said(&["cd", "b"], &[b"abcd"]);
        assert_eq!(parts, ["a"]);
        assert!(stopped);
    }

    #[test]
    fn a_stop_string_may_begin_inside_its_own_false_start() {
        let (parts, stopped) = said(&["aab"], &[b"xaa", b"ab", b"y"]);
        assert_eq!(parts.concat(), "xa");
        assert!(stopped);
    }

    #[test]
    fn a_stop_string_of_accents_is_held_on_character_borders() {
        let (parts, stopped) = said(&["été"], &["un ét".as_bytes(), "é".as_bytes()]);
        assert_eq!(parts.concat(), "un ");
        assert!(stopped);
    }
}
