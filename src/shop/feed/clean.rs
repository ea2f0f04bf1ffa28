//! Feed text is data: what is shown and spoken is plain text on one line.

use std::borrow::Cow;

/// A value without control characters, marks that turn or hide text, and surplus space.
pub(super) fn clean(value: &str) -> String {
    let mut clean = String::with_capacity(value.len());
    for word in value.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !clean.is_empty() && !clean.ends_with(' ') {
            clean.push(' ');
        }
        if word.is_ascii() {
            clean.push_str(word);
        } else {
            clean.extend(word.chars().filter(|c| !is_hidden(*c)));
        }
    }
    if clean.ends_with(' ') {
        clean.pop();
    }
    clean
}

/// Characters that nobody sees and that change how others are read: directions, soft hyphens,
/// joins, tags.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text without HTML: tags go, entities become what they stand for. What is no tag ("size < 42")
/// stays.
pub(super) fn plain(value: &str) -> Cow<'_, str> {
    if !value.contains(['<', '&']) {
        return Cow::Borrowed(value);
    }
    // Entities may hold tags once more: `&lt;b&gt;` in a feed that escaped its HTML twice.
    let text = decoded(&without_tags(value));
    Cow::Owned(clean(&without_tags(&text)))
}

/// Tags within a word or sentence: nothing is put in their place.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u",
];

/// Elements whose content is no text.
const HIDDEN: &[&str] = &["script", "style", "template", "noscript", "iframe"];

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
        let inner = tag.get(1..).unwrap_or_default();
        let (true, Some((inner, after))) = (inner.starts_with(begins), inner.split_once('>'))
        else {
            out.push('<');
            rest = inner;
            continue;
        };
        let name: String = inner
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if !INLINE.contains(&name.as_str()) {
            out.push(' ');
        }
        rest = after;
        if HIDDEN.contains(&name.as_str()) && !inner.starts_with('/') && !inner.ends_with('/') {
            rest = after_end_tag(after, &name);
        }
    }
    out.push_str(rest);
    out
}

/// What follows `</name>`; nothing when it does not end.
fn after_end_tag<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("</") {
        if after
            .get(..name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
        {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
        rest = after;
    }
    ""
}

/// The longest name of an entity that is looked up.
const LONGEST_ENTITY: usize = 10;

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let inner = entity.get(1..).unwrap_or_default();
        let known = inner
            .find(';')
            .filter(|end| *end <= LONGEST_ENTITY)
            .and_then(|end| Some((character(inner.get(..end)?)?, inner.get(end + 1..)?)));
        match known {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What an entity stands for: `amp`, `#233`, `#xE9`.
pub(super) fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        let c = char::from_u32(code)?;
        return Some(if c.is_control() { ' ' } else { c });
    }
    ENTITIES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, c)| *c)
}

/// Those that product texts in English and French hold (HTML 4.01, section 24).
#[rustfmt::skip]
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' '),
    ("hellip", '…'), ("mdash", '—'), ("ndash", '–'), ("lsquo", '‘'), ("rsquo", '’'),
    ("ldquo", '“'), ("rdquo", '”'), ("laquo", '«'), ("raquo", '»'), ("bull", '•'),
    ("middot", '·'), ("deg", '°'), ("euro", '€'), ("pound", '£'), ("cent", '¢'), ("yen", '¥'),
    ("copy", '©'), ("reg", '®'), ("trade", '™'), ("times", '×'), ("frac12", '½'),
    ("frac14", '¼'), ("frac34", '¾'), ("sup2", '²'), ("sup3", '³'), ("micro", 'µ'),
    ("thinsp", ' '), ("ensp", ' '), ("emsp", ' '), ("shy", '\u{ad}'), ("zwj", '\u{200d}'),
    ("agrave", 'à'), ("acirc", 'â'), ("aacute", 'á'), ("auml", 'ä'), ("aring", 'å'),
    ("atilde", 'ã'), ("aelig", 'æ'), ("ccedil", 'ç'), ("egrave", 'è'), ("eacute", 'é'),
    ("ecirc", 'ê'), ("euml", 'ë'), ("igrave", 'ì'), ("iacute", 'í'), ("icirc", 'î'),
    ("iuml", 'ï'), ("ntilde", 'ñ'), ("ograve", 'ò'), ("oacute", 'ó'), ("ocirc", 'ô'),
    ("ouml", 'ö'), ("oslash", 'ø'), ("oelig", 'œ'), ("ugrave", 'ù'), ("uacute", 'ú'),
    ("ucirc", 'û'), ("uuml", 'ü'), ("yuml", 'ÿ'), ("szlig", 'ß'),
    ("Agrave", 'À'), ("Acirc", 'Â'), ("Auml", 'Ä'), ("AElig", 'Æ'), ("Ccedil", 'Ç'),
    ("Egrave", 'È'), ("Eacute", 'É'), ("Ecirc", 'Ê'), ("Euml", 'Ë'), ("Icirc", 'Î'),
    ("Iuml", 'Ï'), ("Ocirc", 'Ô'), ("Ouml", 'Ö'), ("OElig", 'Œ'), ("Ugrave", 'Ù'),
    ("Ucirc", 'Û'), ("Uuml", 'Ü'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_or_hides_text_is_gone() {
        assert_eq!(clean("  a\u{0}b \t c\r\n"), "a b c");
        assert_eq!(clean("2.00\u{202e} EUR\u{2066}x\u{200b}y"), "2.00 EURxy");
        assert_eq!(clean("\u{200f} \u{feff}Milk \u{202c}"), "Milk");
        assert_eq!(clean("Crème brûlée"), "Crème brûlée");
    }

    #[test]
    fn markup_becomes_plain_text_and_signs_stay() {
        for (text, expected) in [
            (
                "<p>Soft <b>wool</b>scarf</p><p>Warm</p>",
                "Soft woolscarf Warm",
            ),
            (
                "Caf&eacute; &amp; th&#233; &lt;b&gt;bio&lt;/b&gt;",
                "Café & thé bio",
            ),
            ("Size < 42 & > 30", "Size < 42 & > 30"),
            ("a<script>alert('x<b>')</script>b", "a b"),
            ("a<!-- <b> -->b", "ab"),
            (
                "x &#x202e;y&#0;z &unknown; &#99999999;",
                "x y z &unknown; &#99999999;",
            ),
            ("5 <", "5 <"),
            ("I <3 it > all", "I <3 it > all"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
