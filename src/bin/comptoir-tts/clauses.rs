//! Text cut in pieces that are spoken one after the other: the first one short, so that speech
//! begins early, the others longer, for a voice sounds best with a whole sentence before it.
//!
//! A cut is made after a sentence, else after a clause, and only in a text without either
//! between two words. Numbers ("3.50", "3,50", "1 250,00"), abbreviations ("No. 5", "p. ex.") and
//! codes spelled letter by letter ("C, M, 4, 7") stay whole.

use unicode_normalization::UnicodeNormalization;

/// How long pieces are, in characters. For a voice that computes slowly they begin short and
/// grow with what is already said, so that each is ready before the one before has been heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths {
    /// The first piece, if the text lets it.
    pub first: usize,
    /// A later piece is at most this many times as long as all pieces before it together.
    pub growth: f32,
    /// No piece is longer.
    pub longest: usize,
    /// A clause shorter than this is not cut off.
    pub shortest: usize,
}

/// What follows a piece, which decides the pause after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A sentence has ended.
    Sentence,
    /// A clause has ended; the sentence goes on.
    Clause,
    /// The text was cut between two words.
    Word,
}

/// A piece of text, to be spoken in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text, never empty.
    pub text: String,
    /// What follows it.
    pub ending: Ending,
}

/// The text as it can be spoken: composed (NFC), on one line a paragraph, without control
/// characters, emoji and other signs that have no sound. `None` when nothing is left to say.
pub fn speakable(text: &str) -> Option<String> {
    let mut clean = String::with_capacity(text.len());
    for c in text.nfc() {
        let c = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => '\n',
            c if c.is_whitespace() => ' ',
            '‘' | '’' | 'ʼ' | '`' | '´' => '\'',
            '“' | '”' | '„' | '«' | '»' | '‹' | '›' => '"',
            '‐' | '‑' => '-',
            '–' | '—' | '―' => '—',
            c if c.is_alphanumeric() => c,
            // Accents that have no composed form.
            '\u{300}'..='\u{36f}' => c,
            '.' | ',' | ';' | ':' | '!' | '?' | '…' | '\'' | '"' | '(' | ')' | '[' | ']' | '-'
            | '/' | '&' | '%' | '+' | '=' | '*' | '@' | '#' | '_' | '€' | '$' | '£' | '¥' | '°'
            | '·' | '<' | '>' | '~' | '|' | '\\' | '^' | '{' | '}' => c,
            _ => ' ',
        };
        let after_space = clean.ends_with([' ', '\n']) || clean.is_empty();
        match c {
            '\n' if clean.ends_with(' ') => {
                clean.pop();
                clean.push('\n');
            }
            ' ' | '\n' if after_space => {}
            c => clean.push(c),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean.contains(char::is_alphanumeric).then_some(clean)
}

/// Cuts the sentences of one reply. Keeps count of what is said, so that text may come bit by
/// bit.
#[derive(Debug)]
pub struct Cutter {
    lengths: Lengths,
    said: usize,
}

impl Cutter {
    /// A cutter at the beginning of a reply.
    pub fn new(lengths: Lengths) -> Self {
        Self { lengths, said: 0 }
    }

    /// The pieces of a text that [`speakable`] has cleaned.
    pub fn cut(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for sentence in sentences(text) {
            let mut rest = sentence.trim();
            while !rest.is_empty() {
                let (piece, ending) = self.next(rest);
                rest = rest[piece.len()..].trim_start();
                self.said += piece.chars().count();
                let text = piece.trim().to_owned();
                if text.contains(char::is_alphanumeric) {
                    pieces.push(Piece { text, ending });
                }
            }
        }
        pieces
    }

    /// The beginning of the rest of a sentence that makes the next piece.
    fn next<'t>(&self, rest: &'t str) -> (&'t str, Ending) {
        let Lengths {
            first,
            growth,
            longest,
            shortest,
        } = self.lengths;
        let wanted = (self.said as f32 * growth) as usize;
        let limit = wanted.max(first).min(longest);
        let length = rest.chars().count();
        if length <= limit {
            return (rest, Ending::Sentence);
        }
        let mut fits = None;
        let mut beyond = None;
        for at in clause_ends(rest) {
            let before = rest[..at].chars().count();
            if before < shortest.min(limit) || length - before < shortest.min(limit) {
                continue;
            }
            if before <= limit {
                fits = Some(at);
            } else if before <= longest {
                beyond = beyond.or(Some(at));
            }
        }
        if let Some(at) = fits.or(beyond) {
            return (&rest[..at], Ending::Clause);
        }
        if length <= longest {
            return (rest, Ending::Sentence);
        }
        let at = word_cut(rest, longest);
        (&rest[..at], Ending::Word)
    }
}

/// Takes the sentences that are complete off the beginning of a text that is still coming.
pub fn take_complete(text: &mut String) -> Option<String> {
    let sentences = sentences(text);
    // What comes next may belong to the last one: an abbreviation, a number.
    let complete = text.len() - sentences.last().map_or(0, |last| last.len());
    (complete > 0).then(|| text.drain(..complete).collect())
}

/// The sentences of a text; joined they are the text.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\n' {
            found.push(&text[begin..=at]);
            begin = at + 1;
            continue;
        }
        if !matches!(c, '.' | '!' | '?' | '…') {
            continue;
        }
        // All of "?!", "..." and a closing quote belong to the sentence.
        let mut end = at + c.len_utf8();
        while let Some((next, c)) = chars.peek().copied() {
            if !matches!(c, '.' | '!' | '?' | '…' | '"' | '\'' | ')' | ']') {
                break;
            }
            end = next + c.len_utf8();
            chars.next();
        }
        let after = &text[end..];
        if after.starts_with(char::is_whitespace)
            && ends_sentence(&text[begin..at], c, after.trim_start())
        {
            found.push(&text[begin..end]);
            begin = end;
        }
    }
    if begin < text.len() {
        found.push(&text[begin..]);
    }
    found
}

/// Words that are written with a full stop, in English and French, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "no", "nos", "nr", "vs", "etc", "inc",
    "ltd", "co", "dept", "approx", "ca", "max", "min", "tel", "ext", "ref", "fig", "vol", "pp",
    "ed", "e.g", "i.e", "a.m", "p.m", "u.s", "u.k", "jan", "feb", "mar", "apr", "jun", "jul",
    "aug", "sep", "sept", "oct", "nov", "dec", "mme", "mlle", "mm", "me", "pr", "ste", "env",
    "tél", "réf", "art", "éd", "bd", "av", "janv", "févr", "juil", "déc", "p.ex", "c.-à-d", "cf",
    "qté", "pce", "pcs", "num", "apt", "av", "ex", "chap", "kg", "cl", "ml",
];

/// Whether a sentence ends with this mark, given what stands before and after it.
fn ends_sentence(before: &str, mark: char, after: &str) -> bool {
    let next = after.chars().find(|c| c.is_alphanumeric());
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    if mark != '.' {
        return true;
    }
    let word = before
        .rsplit(|c: char| c.is_whitespace() || c == '(' || c == '"')
        .next()
        .unwrap_or_default();
    let mut letters = word.chars();
    let initial = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    let known = ABBREVIATIONS.contains(&word.to_lowercase().as_str());
    // "10 kg. Then" ends a sentence, "No. 5" and "approx. 5" do not.
    let ends_anyway = matches!(
        word.to_lowercase().as_str(),
        "kg" | "cl" | "ml" | "etc" | "a.m" | "p.m"
    );
    if initial || (known && !(ends_anyway && next.is_some_and(char::is_uppercase))) {
        return false;
    }
    // "le 3. 5" is no sentence, "It costs 3. Anything else?" is.
    !(word.ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(|c| c.is_ascii_digit()))
}

/// Where clauses end: byte positions after their punctuation, within the text.
fn clause_ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.char_indices().filter_map(|(at, c)| {
        if !matches!(c, ',' | ';' | ':' | '—' | '.' | '!' | '?' | '…') {
            return None;
        }
        let end = at + c.len_utf8();
        let after = &text[end..];
        if !after.starts_with(char::is_whitespace) {
            return None;
        }
        let (before, after) = (text[..at].trim_end(), after.trim_start());
        let whole = match c {
            // Letters and numbers in a row are a code or a list of digits.
            ',' | ':' => !(short_token(last_word(before)) && short_token(first_word(after))),
            ';' | '—' => true,
            // Marks within a sentence: "Yahoo! is", but no abbreviation.
            _ => c != '.' && !after.is_empty(),
        };
        whole.then_some(end)
    })
}

fn last_word(text: &str) -> &str {
    text.rsplit(char::is_whitespace).next().unwrap_or_default()
}

fn first_word(text: &str) -> &str {
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    word.trim_end_matches([',', ';', ':', '.', '!', '?'])
}

/// A single letter, or something with a digit: part of a code or a number.
fn short_token(word: &str) -> bool {
    word.chars().count() <= 1 || word.contains(|c: char| c.is_ascii_digit())
}

/// Where to cut a text that has no clause to cut after: at the last space before `longest`
/// characters that is not within a number or a code, else at the last space, else anywhere.
fn word_cut(text: &str, longest: usize) -> usize {
    let end = text
        .char_indices()
        .nth(longest)
        .map_or(text.len(), |(at, _)| at);
    let spaces = || {
        text[..end]
            .rmatch_indices(' ')
            .map(|(at, _)| at)
            .filter(|&at| at > 0)
    };
    spaces()
        .find(|&at| {
            let (before, after) = (last_word(&text[..at]), first_word(&text[at + 1..]));
            !(short_token(before) || short_token(after))
        })
        .or_else(|| spaces().next())
        .unwrap_or(end)
}

#[cfg(test)]
#[path = "clauses_tests.rs"]
mod tests;
