use super::normalise;
use crate::{
    lang::Language::{self, En, Fr},
    nlu::command::Context,
};

fn say(language: Language, text: &str) -> String {
    // A Friday.
    let clock = Some("2026-11-20T09:00 Friday".to_owned());
    normalise(
        text,
        language,
        &Context {
            clock,
            ..Context::default()
        },
    )
    .to_string()
}

fn asked(language: Language, question: &str, text: &str) -> String {
    let context = Context {
        asked: Some(question.to_owned()),
        ..Context::default()
    };
    normalise(text, language, &context).to_string()
}

#[test]
fn numbers_in_words_become_digits() {
    for (said, written) in [
        ("a hundred and fifty euros", "150 euros"),
        ("a dozen eggs", "12 eggs"),
        ("half a dozen of the rolls", "6 the rolls"),
        ("two dozen eggs", "24 eggs"),
        ("a couple of beers", "2 beers"),
        ("twenty-five candles", "25 candles"),
        ("two thousand three hundred and four", "2304"),
        ("fifteen hundred", "1500"),
        ("size ten", "size 10"),
        ("size nine and a half", "size 9.5"),
        ("three bottles and two cans", "3 bottles and 2 cans"),
        ("I'll take one", "i'll take 1"),
        ("three point five", "3.5"),
        (
            "between thirty thousand and forty thousand",
            "between 30000 and 40000",
        ),
        ("lunch under a fiver", "lunch under 5"),
        ("a pound and a half of mince", "1.5 pound of mince"),
        ("half a litre of cream", "0.5 litre of cream"),
        ("half a dozen buns", "6 buns"),
        ("three'll do", "3 will do"),
    ] {
        assert_eq!(say(En, said), written, "{said}");
    }
    for (said, written) in [
        ("quatre-vingt-dix-sept", "97"),
        ("quatre vingts euros", "80 euros"),
        ("septante-deux", "72"),
        ("huitante et un", "81"),
        ("nonante-neuf", "99"),
        ("soixante et onze", "71"),
        ("soixante-dix-huit", "78"),
        ("moins de cent cinquante euros", "moins de 150 euros"),
        ("mille deux cents", "1200"),
        ("trois cent vingt et un", "321"),
        ("une douzaine d'œufs", "12 œufs"),
        ("une demi-douzaine de croissants", "6 croissants"),
        ("du quarante-deux et demi", "du 42.5"),
        ("neuf yaourts", "9 yaourts"),
        ("un kilo et demi de pommes", "1.5 kilo de pommes"),
        ("un demi-litre de crème", "0.5 litre de crème"),
        ("deux livres et demie de cerises", "2.5 livres de cerises"),
        ("douze virgule cinq", "12.5"),
    ] {
        assert_eq!(say(Fr, said), written, "{said}");
    }
}

#[test]
fn words_that_are_no_number_stay() {
    for said in [
        "a can of seven up",
        "the blue one",
        "the second one",
        "that one please",
        "one second",
        "which one is better",
        "all in one",
    ] {
        assert_eq!(say(En, said), said);
    }
    for said in [
        "un café",
        "une baguette",
        "du lait demi-écrémé",
        "un quatre-quarts",
        "un téléphone neuf",
        "je prends les deux",
        "un mille-feuille",
        "la quatre fromages",
    ] {
        assert_eq!(say(Fr, said), said);
    }
}

#[test]
fn prices_have_decimals() {
    assert_eq!(
        say(En, "something under three fifty"),
        "something under 3.50 euros"
    );
    assert_eq!(say(En, "nothing over one fifty"), "nothing over 1.50 euros");
    assert_eq!(say(En, "twelve euros fifty"), "12.50 euros");
    assert_eq!(
        say(En, "three dollars and ninety nine cents"),
        "3.99 dollars"
    );
    assert_eq!(say(En, "less than $3.99"), "less than 3.99 dollars");
    assert_eq!(say(Fr, "douze euros cinquante"), "12.50 euros");
    assert_eq!(say(Fr, "moins de 1 200 euros"), "moins de 1200 euros");
    assert_eq!(say(Fr, "cinquante centimes"), "0.50 euros");
}

#[test]
fn order_numbers_are_joined() {
    for said in [
        "where is order A seven K two P nine",
        "where is order A7-K2-P9",
        "where is order a7 k2 p9",
        "where is order alpha seven kilo two papa nine",
        "where is order A, 7, K, 2, P, 9",
        "where is order A 7K2P9",
        "where is order A. 7. K. 2. P. 9.",
    ] {
        assert_eq!(say(En, said), "where is order A7K2P9", "{said}");
    }
    assert_eq!(
        say(Fr, "ma commande alpha sept kilo deux"),
        "ma commande A7K2"
    );
    assert_eq!(say(Fr, "commande A sept K deux P neuf"), "commande A7K2P9");
    assert_eq!(
        say(Fr, "la commande n° quatre huit deux un trois"),
        "la commande numéro 48213"
    );
    assert_eq!(say(En, "order double oh three seven"), "order 0037");
    assert_eq!(
        say(En, "order number forty two seventeen"),
        "order number 4217"
    );
    assert_eq!(
        asked(En, "What is your order number?", "it's 4 8 2 1 3"),
        "it's 48213"
    );
    assert_eq!(asked(Fr, "order_number", "A sept K deux P neuf"), "A7K2P9");
    assert_eq!(say(Fr, "zéro six K deux, le K comme Kévin"), "06K2");
    assert_eq!(say(En, "B for bravo nine nine"), "B99");
    assert_eq!(say(En, "it's K as in kilo seven two"), "it's K72");
    assert_eq!(
        say(Fr, "c'est marqué H I V E R deux mille vingt-six"),
        "c'est marqué HIVER2026"
    );
    assert_eq!(say(Fr, "le code S O L D E S"), "le code SOLDES");
    assert_eq!(say(En, "code W E L C O M E ten"), "code WELCOME10");
    assert_eq!(
        say(
            En,
            "swap the shirt from order nine one T four for a sixteen"
        ),
        "swap the shirt from order 91T4 for a 16"
    );
    assert_eq!(asked(En, "order_number", "eighty two thirty one"), "8231");
}

#[test]
fn product_words_are_no_order_number() {
    for said in [
        "add a 12 pack",
        "a usb c cable",
        "500 g of flour",
        "an iphone 15",
        "size m",
        "a 4k tv",
        "sony wh-1000xm5",
        "2 xl shirts",
    ] {
        assert_eq!(say(En, said), said);
    }
    for said in ["il y a 250 g de beurre", "une taille m", "2 l de lait"] {
        assert_eq!(say(Fr, said), said);
    }
}

#[test]
fn times_are_24_hours() {
    for (said, written) in [
        ("at half three", "at 15:30"),
        ("at half past nine", "at 09:30"),
        ("at quarter to nine", "at 08:45"),
        ("at a quarter past six", "at 18:15"),
        ("ten to five", "16:50"),
        ("at nine thirty", "at 09:30"),
        ("at three", "at 15:00"),
        ("at 5 p.m.", "at 17:00"),
        ("eight o'clock in the evening", "20:00"),
        ("at noon", "at 12:00"),
        ("at seven am", "at 07:00"),
        ("at 9:30", "at 09:30"),
    ] {
        assert_eq!(say(En, said), written, "{said}");
    }
    for (said, written) in [
        ("à neuf heures moins le quart", "à 08:45"),
        ("à neuf heures et demie", "à 09:30"),
        ("à trois heures", "à 15:00"),
        ("à quinze heures trente", "à 15:30"),
        ("à 9h30", "à 09:30"),
        ("vers 16h", "vers 16:00"),
        ("à midi et demi", "à 12:30"),
        ("à huit heures du soir", "à 20:00"),
        ("à une heure", "à 13:00"),
        ("à sept heures du matin", "à 07:00"),
        ("à neuf heures dix", "à 09:10"),
    ] {
        assert_eq!(say(Fr, said), written, "{said}");
    }
    assert_eq!(say(En, "2 at 3 euros"), "2 at 3 euros");
    assert_eq!(say(Fr, "dans deux heures"), "dans 2 heures");
    assert_eq!(say(Fr, "cet après-midi"), "cet après-midi");
}

#[test]
fn dates_are_iso_when_there_is_a_clock() {
    for (said, written) in [
        ("on Friday at three", "on 2026-11-27 at 15:00"),
        ("tomorrow", "2026-11-21"),
        ("next Tuesday", "2026-11-24"),
        ("May 3rd", "2027-05-03"),
        ("the third of May", "2027-05-03"),
        ("the day after tomorrow", "2026-11-22"),
        ("in two weeks", "2026-12-04"),
        ("on the 25th", "on 2026-11-25"),
        ("may i see the third one", "may i see the third one"),
    ] {
        assert_eq!(say(En, said), written, "{said}");
    }
    for (said, written) in [
        ("demain", "2026-11-21"),
        ("après-demain", "2026-11-22"),
        ("le trois mai", "2027-05-03"),
        ("mardi prochain", "2026-11-24"),
        ("vendredi", "2026-11-27"),
        ("dans trois jours", "2026-11-23"),
        ("le 1er décembre", "2026-12-01"),
    ] {
        assert_eq!(say(Fr, said), written, "{said}");
    }
    let without = normalise("book it for Friday", En, &Context::default()).to_string();
    assert_eq!(without, "book it for friday");
}
