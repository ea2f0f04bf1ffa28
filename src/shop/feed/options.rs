//! The option groups of a made-to-order product, as `docs/feed.md` has them:
//!
//! ```text
//! size[1..1]: small(-0.40)=eight ounce/8 oz, *medium, large(+0.50) ; sugar[0..1]: sugar, no sugar
//! ```

use crate::shop::product::{OptionChoice, OptionGroup};

/// Most groups of a product, choices of a group, aliases of a choice.
const GROUPS: usize = 12;
const CHOICES: usize = 64;
const ALIASES: usize = 16;

/// Reads option groups; empty text is no groups. The error says what was expected.
pub(super) fn parse(text: &str) -> Result<Vec<OptionGroup>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let groups: Vec<OptionGroup> = text
        .split(';')
        .filter(|group| !group.trim().is_empty())
        .map(group)
        .collect::<Result<_, _>>()?;
    if groups.len() > GROUPS {
        return Err(format!(
            "at most {GROUPS} option groups, not {}",
            groups.len()
        ));
    }
    Ok(groups)
}

fn group(text: &str) -> Result<OptionGroup, String> {
    let form = || {
        let found: String = text.trim().chars().take(30).collect();
        format!("an option group such as `size[1..1]: small, *medium` at `{found}`")
    };
    let (head, choices) = text.split_once(':').ok_or_else(form)?;
    let (name, range) = head.split_once('[').ok_or_else(form)?;
    let range = range.trim().strip_suffix(']').ok_or_else(form)?;
    let (min, max) = range.split_once("..").ok_or_else(form)?;
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| form());
    let (name, min, max) = (name.trim(), number(min)?, number(max)?);
    let choices: Vec<OptionChoice> = choices.split(',').map(choice).collect::<Result<_, _>>()?;
    let defaults = choices.iter().filter(|c| c.default).count();
    if name.is_empty() || max == 0 || min > max {
        return Err(form());
    }
    if choices.len() > CHOICES {
        return Err(format!(
            "at most {CHOICES} choices in the option group `{name}`"
        ));
    }
    if min as usize > choices.len() || defaults > max as usize {
        return Err(format!(
            "choices of the option group `{name}` to fit its {min}..{max}"
        ));
    }
    Ok(OptionGroup {
        name: name.to_owned(),
        min,
        max,
        choices,
    })
}

fn choice(text: &str) -> Result<OptionChoice, String> {
    let form = || {
        let found: String = text.trim().chars().take(30).collect();
        format!("a choice such as `*oat milk(+0.40)=oat/with oat milk` at `{found}`")
    };
    let (label, aliases) = text.split_once('=').unwrap_or((text, ""));
    let label = label.trim();
    let (default, label) = match label.strip_prefix('*') {
        Some(rest) => (true, rest.trim()),
        None => (false, label),
    };
    let (name, price_delta) = match label.split_once('(') {
        None => (label, 0),
        Some((name, amount)) => {
            let amount = amount.trim().strip_suffix(')').ok_or_else(form)?;
            (name.trim(), delta(amount.trim()).ok_or_else(form)?)
        }
    };
    if name.is_empty() || name.contains(['[', ']', ')', '*']) {
        return Err(form());
    }
    let aliases: Vec<String> = aliases
        .split('/')
        .map(str::trim)
        .filter(|alias| !alias.is_empty())
        .map(str::to_owned)
        .collect();
    if aliases.len() > ALIASES {
        return Err(format!("at most {ALIASES} aliases of the choice `{name}`"));
    }
    Ok(OptionChoice {
        name: name.to_owned(),
        aliases,
        price_delta,
        default,
    })
}

/// `+0.50` and `-0.40` in minor units.
fn delta(text: &str) -> Option<i64> {
    let (sign, amount) = match text.strip_prefix('-') {
        Some(amount) => (-1, amount),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, cents) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || cents.len() > 2 || !digits(whole) || !digits(cents) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    Some(sign * (whole * 100 + cents))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn groups_choices_prices_defaults_and_aliases_are_read() {
        let groups = parse(
            "size[1..1]: small(-0.40)=eight ounce/8 oz, *medium, large(+0.50) ; \
             tea[1..1]: Earl Grey, mint tea=mint ; sugar[0..2]: sugar",
        )
        .unwrap();
        let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["size", "tea", "sugar"]);
        let [small, medium, large] = &groups[0].choices[..] else {
            panic!("three sizes")
        };
        assert_eq!((small.price_delta, large.price_delta), (-40, 50));
        assert_eq!(small.aliases, ["eight ounce", "8 oz"]);
        assert!(medium.default && !small.default);
        assert_eq!((groups[2].min, groups[2].max), (0, 2));
        assert_eq!(parse("  ").unwrap(), []);
    }

    #[test]
    fn what_is_no_group_is_named() {
        for bad in [
            "size: small",
            "size[1..0]: small",
            "size[2..2]: small",
            "size[a..b]: small",
            "size[1..1]: small(0,50 EUR",
            "size[1..1]: small(lots)",
            "[1..1]: small",
            "size[1..1]: *small, *medium",
            "size[1..1]: ",
            "size[0..1]: a(+0.505)",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
