//! GBNF grammars: checked before llama.cpp sees them, compiled once per text.
//!
//! llama.cpp's parser answers most mistakes with a null pointer, but three kinds of text
//! would take the process down: parentheses nested until the C stack is full, `{5,2}` (it
//! counts up from a negative number until memory is full), and repetitions that multiply into
//! millions of rules. [`inspect`] refuses those first. The syntax is described in
//! <https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md>.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;

use crate::failure::Refusal;

/// Bytes of the largest grammar taken.
const MOST_BYTES: usize = 256 * 1024;
/// Depth of parentheses.
const MOST_NESTED: usize = 200;
/// The sum of all upper bounds in `{m,n}`.
const MOST_REPETITIONS: u64 = 100_000;
/// Compiled grammars kept.
const COMPILED_KEPT: usize = 4;

/// What is known of a grammar without compiling it.
#[derive(Debug, PartialEq, Eq)]
pub struct Inspected {
    /// It names tokens (`<think>`, `<[123]>`), not characters only.
    pub names_tokens: bool,
}

/// Refuses a grammar that llama.cpp would not survive.
pub fn inspect(grammar: &str) -> Result<Inspected, Refusal> {
    let refuse = |message: String| Err(Refusal::invalid(Some("grammar"), message));
    if grammar.len() > MOST_BYTES {
        return refuse(format!(
            "expected a grammar of at most {MOST_BYTES} bytes, found {}",
            grammar.len()
        ));
    }
    if grammar.contains('\0') {
        return refuse("expected GBNF text, found a NUL character in the grammar".to_owned());
    }
    if !grammar.contains("root") {
        return refuse("expected a rule named `root` in the grammar, found none".to_owned());
    }
    let mut names_tokens = false;
    let (mut depth, mut repetitions) = (0_usize, 0_u64);
    let mut rest = grammar.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => skip_until(&mut rest, '"'),
            '[' => skip_until(&mut rest, ']'),
            '#' => {
                rest.by_ref().find(|&c| c == '\n' || c == '\r');
            }
            '<' | '!' => names_tokens = true,
            '(' => {
                depth += 1;
                if depth > MOST_NESTED {
                    return refuse(format!(
                        "expected at most {MOST_NESTED} nested parentheses in the grammar, found more; give the inner part a rule of its own"
                    ));
                }
            }
            ')' => depth = depth.saturating_sub(1),
            '{' => {
                let bounds: String = rest.by_ref().take_while(|&c| c != '}').collect();
                repetitions += match upper_bound(&bounds) {
                    Some(upper) => upper,
                    None => {
                        return refuse(format!(
                            "expected a repetition {{m}}, {{m,}} or {{m,n}} with m <= n, found {{{bounds}}}"
                        ));
                    }
                };
                if repetitions > MOST_REPETITIONS {
                    return refuse(format!(
                        "expected repetitions that add up to at most {MOST_REPETITIONS} in the grammar, found more"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(Inspected { names_tokens })
}

/// Skips the rest of a literal or a character class; a backslash takes the next character.
fn skip_until(rest: &mut std::str::Chars<'_>, end: char) {
    while let Some(character) = rest.next() {
        if character == '\\' {
            rest.next();
        } else if character == end {
            return;
        }
    }
}

/// How often `{bounds}` repeats at most; `None` if it is not a repetition.
fn upper_bound(bounds: &str) -> Option<u64> {
    let (least, most) = match bounds.split_once(',') {
        None => (bounds.trim(), bounds.trim()),
        Some((least, most)) => (least.trim(), most.trim()),
    };
    let digits = |text: &str| -> Option<u64> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().ok()
        } else {
            None
        }
    };
    let least = digits(least)?;
    let most = if most.is_empty() {
        least
    } else {
        digits(most)?
    };
    (least <= most).then_some(most)
}

/// The grammars compiled last, most recent first.
#[derive(Debug, Default)]
pub struct CompiledGrammars(Vec<(String, LlamaSampler)>);

impl CompiledGrammars {
    /// A fresh sampler for `text`, which [`inspect`] has let through.
    pub fn sampler(&mut self, model: &LlamaModel, text: &str) -> Result<LlamaSampler, Refusal> {
        match self.0.iter().position(|(known, _)| known == text) {
            Some(at) => self.0[..=at].rotate_right(1),
            None => {
                let compiled = LlamaSampler::grammar(model, text, "root").map_err(|_| {
                    Refusal::invalid(
                        Some("grammar"),
                        "expected a GBNF grammar whose rules are all defined, without left recursion, and with a rule `root`; found one that llama.cpp cannot parse (its message is in the worker's log)",
                    )
                })?;
                self.0.insert(0, (text.to_owned(), compiled));
                self.0.truncate(COMPILED_KEPT);
            }
        }
        Ok(self.0[0].1.clone())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(grammar: &str, because: &str) {
        let refusal = inspect(grammar).unwrap_err();
        assert_eq!((refusal.status, refusal.param), (400, Some("grammar")));
        assert!(refusal.message.contains(because), "{refusal}");
    }

    #[test]
    fn a_sound_grammar_passes() {
        let grammar = r#"root ::= "{\"a\": [" item{0,3} "]}" # {9,1} (((
item ::= [^"\\\x00-\x1f{}()]+ | "(" ("x" | "y"){2} ")""#;
        assert_eq!(
            inspect(grammar),
            Ok(Inspected {
                names_tokens: false
            })
        );
    }

    #[test]
    fn tokens_named_in_a_grammar_are_noticed() {
        assert!(inspect("root ::= <think> .*").unwrap().names_tokens);
        assert!(inspect("root ::= !<[5]>").unwrap().names_tokens);
        assert!(!inspect(r#"root ::= "<" [!<]"#).unwrap().names_tokens);
    }

    #[test]
    fn what_would_take_the_process_down_is_refused() {
        refused(&format!("root ::= {}\"a\"", "(".repeat(100_000)), "nested");
        refused("root ::= \"a\"{5,2}", "{5,2}");
        refused("root ::= \"a\"{99999999999999999999}", "repetition");
        refused("root ::= \"a\"{-1}", "repetition");
        refused("root ::= \"a\"{", "repetition");
        refused(
            &format!("root ::= {}", "\"a\"{0,2000} ".repeat(51)),
            "add up",
        );
        refused(&format!("root ::= \"{}\"", "a".repeat(MOST_BYTES)), "bytes");
        refused("root ::= \"\0\"", "NUL");
        refused("start ::= \"a\"", "root");
        refused("", "root");
    }
}
