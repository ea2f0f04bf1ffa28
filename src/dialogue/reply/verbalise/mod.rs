//! How things are said: numbers, amounts, days, times, order numbers, units, in each language.

pub mod amount;
pub mod date;
pub mod number;
pub mod text;

use crate::lang::Language;

/// An order number, letter by letter: "A, 7, K, 2". Commas make every voice pause.
#[must_use]
pub fn order_number_speech(number: &str) -> String {
    number
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// "a, b and c", "a, b et c". Where items hold commas themselves, semicolons part them.
#[must_use]
pub fn list(language: Language, items: &[String]) -> String {
    let and = match language {
        Language::En => "and",
        Language::Fr => "et",
    };
    join(language, items, and)
}

/// "a, b or c", "a, b ou c".
#[must_use]
pub fn alternatives(language: Language, items: &[String]) -> String {
    let or = match language {
        Language::En => "or",
        Language::Fr => "ou",
    };
    join(language, items, or)
}

fn join(language: Language, items: &[String], last: &str) -> String {
    let [head @ .., tail] = items else {
        return String::new();
    };
    if head.is_empty() {
        return tail.clone();
    }
    let nested = items.iter().any(|i| i.contains(", "));
    match (nested, language) {
        (false, _) => format!("{} {last} {tail}", head.join(", ")),
        (true, Language::En) => format!("{}; {last} {tail}", head.join("; ")),
        (true, Language::Fr) => format!("{} ; {last} {tail}", head.join(" ; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_are_spelled() {
        assert_eq!(order_number_speech("A7K2"), "A, 7, K, 2");
        assert_eq!(order_number_speech("cmp-4f"), "C, M, P, 4, F");
    }

    #[test]
    fn lists_end_with_and() {
        let items: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(list(Language::En, &items), "a, b and c");
        assert_eq!(alternatives(Language::Fr, &items), "a, b ou c");
        assert_eq!(list(Language::Fr, &items[..1]), "a");
        let priced = ["bread, one euro", "milk, two euros"].map(String::from);
        assert_eq!(
            list(Language::En, &priced),
            "bread, one euro; and milk, two euros"
        );
    }
}
