#![allow(clippy::unwrap_used)]

use super::*;

const FAST: Lengths = Lengths {
    first: 30,
    growth: 2.0,
    longest: 120,
    shortest: 6,
};

fn cut(text: &str) -> Vec<String> {
    let pieces = Cutter::new(FAST).cut(&speakable(text).unwrap());
    pieces.into_iter().map(|piece| piece.text).collect()
}

#[test]
fn the_first_piece_is_short_and_the_rest_grows() {
    let pieces = cut(
        "I found three coffees under five pounds, the cheapest first. \
         The first is the house blend, three pounds fifty. Which one would you like?",
    );
    assert_eq!(
        pieces,
        [
            "I found three coffees under five pounds,",
            "the cheapest first.",
            "The first is the house blend, three pounds fifty.",
            "Which one would you like?",
        ]
    );
}

#[test]
fn a_short_sentence_is_one_piece() {
    assert_eq!(cut("Très bien."), ["Très bien."]);
    assert_eq!(cut("Oui, bien sûr !"), ["Oui, bien sûr !"]);
    assert_eq!(cut("no stop at the end"), ["no stop at the end"]);
}

#[test]
fn numbers_stay_whole() {
    for text in [
        "It costs 3.50 today and nothing more than that for ever and ever.",
        "Cela fait 3,50 euros pour deux paquets de farine complète biologique.",
        "Version 1.2.3 costs £1,250.00 with a discount of about 12.5 % on it.",
    ] {
        assert_eq!(cut(text), [text]);
    }
}

#[test]
fn abbreviations_do_not_end_sentences() {
    for text in [
        "Dr. Smith is in.",
        "See No. 5 or p. ex. Nantes.",
        "M. Dupont, 12 av. Foch.",
        "Approx. 5 kg of it.",
        "J. R. Hartley",
        "Mme. Petit attend.",
    ] {
        assert_eq!(sentences(text), [text], "{text}");
    }
    assert_eq!(
        sentences("It is 5 kg. Then go."),
        ["It is 5 kg.", " Then go."]
    );
    assert_eq!(sentences("It is 3. Then go."), ["It is 3.", " Then go."]);
    assert_eq!(
        sentences("Quoi ?! « Non. » Oui…"),
        ["Quoi ?!", " « Non.", " » Oui…"]
    );
}

#[test]
fn codes_stay_whole() {
    let code = "Votre commande est C, M, D, 4, 7, K, 2, elle est prête.";
    assert_eq!(
        cut(code),
        ["Votre commande est C, M, D, 4, 7, K, 2,", "elle est prête."]
    );
    let dashed = "Your order is CMD-4F7K-22, it is on its way to the shop.";
    assert_eq!(
        cut(dashed),
        [
            "Your order is CMD-4F7K-22,",
            "it is on its way to the shop."
        ]
    );
}

#[test]
fn a_text_without_marks_is_cut_between_words_but_not_in_numbers() {
    let text = "word ".repeat(60) + "1 250 000 word";
    let pieces = cut(&text);
    assert!(pieces.iter().all(|p| p.chars().count() <= FAST.longest));
    assert!(pieces.last().unwrap().contains("1 250 000"));
    assert_eq!(pieces.join(" "), text);
    let endings = Cutter::new(FAST).cut(&text);
    assert_eq!(endings[0].ending, Ending::Word);
    let unbroken = "x".repeat(5000);
    assert_eq!(cut(&unbroken).concat(), unbroken);
}

#[test]
fn what_has_no_sound_is_left_out() {
    for silent in [
        "",
        "   \n\t",
        "🙂👍🏽",
        "\u{0}\u{7}",
        "...",
        "\u{200b}",
        "— —",
    ] {
        assert_eq!(speakable(silent), None, "{silent:?}");
    }
    assert_eq!(speakable("Parfait\u{7} 👍 !").unwrap(), "Parfait !");
    assert_eq!(speakable("e\u{301}te\u{301}").unwrap(), "été");
    assert_eq!(
        speakable("l’été\u{a0}: «\u{202f}oui\u{202f}»").unwrap(),
        "l'été : \" oui \""
    );
    assert_eq!(speakable(" a \n\n b\r\nc ").unwrap(), "a\nb\nc");
}

#[test]
fn nothing_said_is_lost() {
    let text = "Bonjour, voici trois cafés : le premier, à 4,20 €, est doux; le second... non. \
                Le troisième — un déca — coûte 12 € ! Lequel (ou lesquels) voulez-vous ?";
    let clean = speakable(text).unwrap();
    for first in 5..60 {
        let lengths = Lengths { first, ..FAST };
        let pieces = Cutter::new(lengths).cut(&clean);
        let joined: Vec<_> = pieces.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(joined.join(" "), clean, "first {first}");
    }
}

#[test]
fn text_that_comes_bit_by_bit_is_cut_at_its_sentences() {
    let mut text = String::from("It costs 3.");
    assert_eq!(take_complete(&mut text), None);
    text.push_str("50. Any");
    assert_eq!(take_complete(&mut text).unwrap(), "It costs 3.50.");
    text.push_str("thing else?");
    assert_eq!(take_complete(&mut text), None);
    assert_eq!(text, " Anything else?");
}
