//! "Two litres of oat milk" where milk is sold by the litre: how many packs that is.

use super::words;

/// What an amount is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Gram,
    Millilitre,
}

/// A weight in grams or a volume in millilitres: "2 litres", "500 g", "1.5 kilo".
fn amount(text: &str) -> Option<(f64, Unit)> {
    let folded = words::fold(&text.replace(',', "."));
    let text = folded.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit = text[end..].trim();
    let (factor, unit) = match unit.split(' ').next().unwrap_or_default() {
        "g" | "gram" | "grams" | "gramme" | "grammes" | "gr" => (1.0, Unit::Gram),
        "kg" | "kilo" | "kilos" | "kilogram" | "kilograms" | "kilogramme" | "kilogrammes" => {
            (1000.0, Unit::Gram)
        }
        "l" | "litre" | "litres" | "liter" | "liters" => (1000.0, Unit::Millilitre),
        "cl" | "centilitre" | "centilitres" => (10.0, Unit::Millilitre),
        "ml" | "millilitre" | "millilitres" => (1.0, Unit::Millilitre),
        _ => return None,
    };
    (number > 0.0).then_some((number * factor, unit))
}

/// How many packs make the size that was said: 1 unless that is a whole multiple of the pack
/// that is sold (its size, or what follows the comma in its title).
pub(super) fn packs(said: Option<&str>, size: Option<&str>, title: &str) -> u32 {
    let of_title = || amount(title.rsplit_once(", ")?.1);
    let sold = size.and_then(amount).or_else(of_title);
    let (Some((wanted, unit)), Some((pack, same))) = (said.and_then(amount), sold) else {
        return 1;
    };
    let times = wanted / pack;
    let whole = (times - times.round()).abs() < 0.01 && (2.0..=50.0).contains(&times);
    if unit == same && whole {
        times.round() as u32
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiple_of_the_pack_is_so_many_packs() {
        for (said, n) in [
            ("2 litres", 2),
            ("1 litre", 1),
            ("150 cl", 1),
            ("300 cl", 3),
            ("2 kilos", 1),
            ("xl", 1),
            ("500 litres", 1),
        ] {
            assert_eq!(
                packs(Some(said), None, "Lait d'avoine, 1 litre"),
                n,
                "{said}"
            );
        }
        assert_eq!(packs(None, None, "Lait d'avoine, 1 litre"), 1);
        assert_eq!(packs(Some("1.5 kilo"), Some("500 g"), "Flour"), 3);
    }
}
