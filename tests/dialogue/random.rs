//! Any sequence of events: no panic, a true total, and no order without a proper yes.

use crate::{
    script::{Play, replies, unresolved},
    world::World,
};
use comptoir::{
    dialogue::{
        Effect, Event,
        effect::{Purchase, ReplyId},
        event::{Activation, Heard, Source, Surface, Unheard, Utterance},
    },
    lang::Language,
    nlu::command::{Command, INTENTS},
    nlu::slot::SlotKind,
    shop::cart::Cart,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// What shoppers may say in a slot, in both languages, and things that nobody says.
const WORDS: &[&str] = &[
    "oat milk",
    "lait d'avoine",
    "latte",
    "raincoat",
    "imperméable",
    "red",
    "bleu",
    "large",
    "small",
    "m",
    "xl",
    "sans sucre",
    "decaf",
    "it",
    "bread",
    "wine",
    "television",
    "milk",
    "",
    "🥖",
    "a7k2",
    "B3M9",
    "69004",
    "fr",
    "en",
    "18:30",
    "2026-11-27",
    "éàü’ \u{0301}",
    "{ $total }",
];

fn value(kind: SlotKind, n: usize) -> serde_json::Value {
    use serde_json::json;
    let word = WORDS[n % WORDS.len()];
    match kind {
        SlotKind::Text => json!(word),
        SlotKind::TextList => json!([word, WORDS[(n / 7) % WORDS.len()]]),
        SlotKind::Ordinal => json!([1, 2, 3, -1, 9, -7][n % 6]),
        SlotKind::OrdinalList => json!([[1, 2], [2, -1], [9, 1]][n % 3]),
        SlotKind::Count => json!([0u32, 1, 2, 3, 50, u32::MAX][n % 6]),
        SlotKind::Price => json!([0.0, 1.99, 150.0][n % 3]),
        SlotKind::Score => json!(1 + n % 5),
        SlotKind::OneOf(words) => json!(words[n % words.len()]),
    }
}

fn command() -> impl Strategy<Value = Command> {
    (0..INTENTS.len(), any::<u32>(), any::<u32>()).prop_map(|(i, mask, seed)| {
        let spec = &INTENTS[i];
        let mut object = serde_json::Map::new();
        object.insert("intent".into(), spec.name.into());
        for (j, slot) in spec.slots.iter().enumerate() {
            if mask >> j & 1 == 1 {
                let n = seed.rotate_left(j as u32 * 5) as usize;
                object.insert(slot.name.into(), value(slot.kind, n));
            }
        }
        serde_json::from_value(object.into()).unwrap()
    })
}

/// The commands that lead to an order, so that random talk gets there.
fn towards_an_order() -> impl Strategy<Value = Command> {
    prop::sample::select(vec![
        r#"{"intent":"add_to_cart","item":"sourdough bread"}"#,
        r#"{"intent":"add_to_cart","item":"latte","options":["large"]}"#,
        r#"{"intent":"add_to_cart","item":"television"}"#,
        r#"{"intent":"checkout"}"#,
        r#"{"intent":"checkout"}"#,
        r#"{"intent":"checkout","delivery":"delivery"}"#,
        r#"{"intent":"affirm"}"#,
        r#"{"intent":"affirm"}"#,
        r#"{"intent":"affirm"}"#,
        r#"{"intent":"undo"}"#,
    ])
    .prop_map(|json| serde_json::from_str(json).unwrap())
}

#[derive(Clone, Debug)]
enum Happening {
    Said {
        commands: Vec<Command>,
        source: Source,
        french: bool,
        speech_ms: Option<u32>,
        no_speech: Option<f32>,
        began_ago: Option<i64>,
    },
    Unheard(Unheard),
    Spoken(u64),
    /// The last reply has been heard to its end.
    LastSpoken,
    Interrupted(u64),
    Typed,
    Tick,
    Pass(i64),
    Start(Activation, bool),
    Price(usize, i64),
    Stock(usize, u32),
    Down(bool),
    /// The world keeps quiet for a while, then answers late.
    Quiet(bool),
    /// An answer that nobody asked for.
    Stray(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let source = prop::sample::select(vec![
        Source::Fastpath,
        Source::Fastpath,
        Source::Llm,
        Source::Fallback,
        Source::Touch,
    ]);
    let commands = prop_oneof![
        4 => towards_an_order().prop_map(|c| vec![c]),
        4 => command().prop_map(|c| vec![c]),
        1 => prop::collection::vec(command(), 0..4),
    ];
    let said = (
        commands,
        source,
        any::<bool>(),
        prop::option::of(0u32..1000),
        prop::option::of(0f32..1.0),
        prop::option::of(0i64..40),
    )
        .prop_map(
            |(commands, source, french, speech_ms, no_speech, began_ago)| {
                let sure = speech_ms.is_none_or(|ms| ms > 500);
                Happening::Said {
                    commands,
                    source,
                    french: french && speech_ms.is_some(),
                    speech_ms,
                    no_speech: if sure { None } else { no_speech },
                    began_ago,
                }
            },
        );
    let activation = prop::sample::select(vec![
        Activation::Touch,
        Activation::WakeWord,
        Activation::Sound,
    ]);
    prop_oneof![
        20 => said,
        9 => Just(Happening::LastSpoken),
        1 => (0u64..60).prop_map(Happening::Spoken),
        1 => (0u64..60).prop_map(Happening::Interrupted),
        1 => prop::sample::select(vec![Unheard::Nothing, Unheard::Unclear, Unheard::EngineDown])
            .prop_map(Happening::Unheard),
        1 => Just(Happening::Typed),
        1 => Just(Happening::Tick),
        3 => (0i64..45).prop_map(Happening::Pass),
        1 => (activation, any::<bool>()).prop_map(|(a, p)| Happening::Start(a, p)),
        1 => (0usize..3, 0i64..90_000).prop_map(|(i, p)| Happening::Price(i, p)),
        1 => (0usize..3, 0u32..6).prop_map(|(i, n)| Happening::Stock(i, n)),
        1 => any::<bool>().prop_map(Happening::Down),
        1 => any::<bool>().prop_map(Happening::Quiet),
        1 => (0u64..80).prop_map(Happening::Stray),
    ]
}

/// What is known from outside about the yes that is due: kept apart from the core's own rules.
#[derive(Default)]
struct Witness {
    activation: Option<Activation>,
    /// The last read-back, and when it had been heard to its end.
    read_back: Option<ReplyId>,
    ended: Option<Timestamp>,
    /// The last utterance.
    yes: Option<(Source, Heard, Timestamp, usize)>,
}

impl Witness {
    fn judge(&self, purchase: &Purchase) -> Result<(), String> {
        let (source, heard, began, commands) = self.yes.ok_or("no yes at all")?;
        if commands != 1 {
            return Err("a yes among other commands".into());
        }
        match source {
            Source::Touch => {}
            Source::Fastpath => {
                if self.activation == Some(Activation::Sound) || self.activation.is_none() {
                    return Err("a voice in a session that nobody began".into());
                }
                if purchase.total.minor > 30_000 {
                    return Err("a voice above the limit".into());
                }
                if heard.speech_ms.is_some_and(|ms| ms < 200) {
                    return Err("too little speech".into());
                }
                if heard.no_speech_prob.is_some_and(|p| p > 0.4) {
                    return Err("perhaps no speech".into());
                }
            }
            other => return Err(format!("a yes by {other:?}")),
        }
        let ended = self.ended.ok_or("the read-back was not heard to its end")?;
        if began < ended || began.duration_since(ended) > SignedDuration::from_secs(30) {
            return Err(format!(
                "a yes at {began} to a read-back that ended at {ended}"
            ));
        }
        Ok(())
    }
}

fn check(
    play: &Play,
    before: &Cart,
    effects: &[Effect],
    witness: &mut Witness,
) -> Result<(), TestCaseError> {
    for effect in effects {
        if let Effect::PlaceOrder { purchase, .. } = effect {
            witness.judge(purchase).map_err(TestCaseError::fail)?;
            // Names may have changed language meanwhile; nothing else may differ.
            prop_assert_eq!(purchase.cart.hash(""), before.hash(""));
            let goods: i64 = purchase.cart.lines.iter().map(|l| l.total().minor).sum();
            prop_assert_eq!(purchase.total.minor, goods + purchase.delivery_fee.minor);
            witness.ended = None;
        }
    }
    for reply in replies(effects) {
        if reply.keys.iter().any(|k| k == "buy") {
            witness.read_back = Some(reply.id);
            witness.ended = None;
            // What is asked for is what would be bought.
            prop_assert!(
                reply.text.contains("oblig")
                    || reply.text.contains("counter")
                    || reply.text.contains("comptoir")
            );
        }
        // "{ $total }" may be said by a shopper and quoted back; nothing else may be there.
        let text = reply.text.replace("{ $total }", "").replace("  ", " ");
        prop_assert!(!reply.text.is_empty() && !reply.speech.is_empty());
        prop_assert!(
            !text.contains("{$") && !text.contains("{ $"),
            "{}",
            reply.text
        );
        let _ = unresolved;
    }
    let cart = play.state.cart();
    let rows: i64 = cart
        .lines
        .iter()
        .map(|l| l.unit_price.minor * i64::from(l.quantity))
        .sum();
    prop_assert_eq!(cart.total().minor, rows);
    for line in &cart.lines {
        prop_assert!(line.quantity > 0);
        let row = play.state.row(line);
        prop_assert!(row.is_some(), "a line without its row");
        let known: Vec<i64> = row
            .into_iter()
            .flat_map(|r| &r.options)
            .flat_map(|g| &g.choices)
            .filter(|c| line.options.contains(&c.name))
            .map(|c| c.price_delta)
            .collect();
        // A line in a language just left keeps its price until its names are looked up.
        if known.len() != line.options.len() {
            continue;
        }
        let options: i64 = known.iter().sum();
        let price = row.map_or(0, |r| r.price.minor) + options;
        prop_assert_eq!(line.unit_price.minor, price.max(0), "{}", line.title);
    }
    Ok(())
}

fn play_all(list: Vec<Happening>) -> Result<(), TestCaseError> {
    let mut play = Play::new("2026-11-20T15:00:00");
    let mut witness = Witness::default();
    let mut last = None;
    let mut quiet = false;
    let ids = ["bread", "latte", "television"];
    let mut start = vec![Happening::Start(Activation::Touch, true)];
    start.extend(list);
    for happening in start {
        let event = match happening {
            Happening::Pass(s) => {
                play.pass(s);
                continue;
            }
            Happening::Price(i, p) => {
                play.world.set_price(ids[i], p);
                continue;
            }
            Happening::Stock(i, n) => {
                play.world.set_stock(ids[i], n);
                continue;
            }
            Happening::Down(d) => {
                play.world.down = d;
                continue;
            }
            Happening::Quiet(q) => {
                quiet = q;
                continue;
            }
            Happening::Said {
                commands,
                source,
                french,
                speech_ms,
                no_speech,
                began_ago,
            } => {
                let heard = Heard {
                    speech_ms,
                    no_speech_prob: no_speech,
                    began_at: began_ago
                        .map(|s| play.now.timestamp() - SignedDuration::from_secs(s)),
                };
                let began = heard.began_at.unwrap_or(play.now.timestamp());
                let yes = matches!(commands.first(), Some(Command::Affirm {}));
                witness.yes = yes.then_some((source, heard, began, commands.len()));
                Event::Understood(Utterance {
                    text: "two of the large A7K2 69004 please".into(),
                    language: if french { Language::Fr } else { Language::En },
                    commands,
                    source,
                    heard,
                    confidence: None,
                    alternatives: Vec::new(),
                    degraded: source == Source::Fallback,
                })
            }
            Happening::Unheard(u) => Event::Unheard(u),
            Happening::Spoken(id) => Event::Spoken { reply: ReplyId(id) },
            Happening::LastSpoken => match last {
                Some(reply) => Event::Spoken { reply },
                None => continue,
            },
            Happening::Interrupted(id) => Event::Interrupted { reply: ReplyId(id) },
            Happening::Typed => Event::Typed { pin: "2580".into() },
            Happening::Tick => Event::Tick,
            Happening::Start(activation, public) => {
                witness = Witness {
                    activation: Some(activation),
                    ..Witness::default()
                };
                Event::Started {
                    activation,
                    language: Language::En,
                    surface: Surface {
                        screen: public,
                        public,
                    },
                }
            }
            Happening::Stray(n) => Event::Found {
                request: comptoir::dialogue::event::RequestId(n),
                found: None,
            },
        };
        match &event {
            Event::Spoken { reply }
                if Some(*reply) == witness.read_back && witness.ended.is_none() =>
            {
                witness.ended = Some(play.now.timestamp());
            }
            Event::Interrupted { reply } if Some(*reply) == witness.read_back => {
                witness.ended = None
            }
            _ => {}
        }
        let before = play.state.cart().clone();
        let effects = play.event(event, !quiet);
        if let Some(reply) = replies(&effects).last() {
            last = Some(reply.id);
        }
        check(&play, &before, &effects, &mut witness)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_cart_adds_up_and_no_order_lacks_its_yes(
        list in prop::collection::vec(happening(), 1..60)
    ) {
        play_all(list)?;
    }
}

/// Random talk would prove nothing if it never came to an order.
#[test]
fn random_talk_does_come_to_orders() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(happening(), 60);
    let mut placed = 0;
    for _ in 0..200 {
        let list = strategy.new_tree(&mut runner).unwrap().current();
        let mut play = Play::new("2026-11-20T15:00:00");
        let world: &World = &play.world;
        assert_eq!(world.open_reservations(), 0);
        placed += orders_in(&mut play, list);
    }
    assert!(placed >= 10, "only {placed} orders in 200 conversations");
}

fn orders_in(play: &mut Play, list: Vec<Happening>) -> usize {
    play.event(
        Event::Started {
            activation: Activation::Touch,
            language: Language::En,
            surface: Surface {
                screen: true,
                public: false,
            },
        },
        true,
    );
    let mut last = None;
    for happening in list {
        let event = match happening {
            Happening::Said {
                commands, source, ..
            } => Event::Understood(Utterance {
                text: String::new(),
                language: Language::En,
                commands,
                source,
                heard: Heard::default(),
                confidence: None,
                alternatives: Vec::new(),
                degraded: source == Source::Fallback,
            }),
            Happening::LastSpoken => match last {
                Some(reply) => Event::Spoken { reply },
                None => continue,
            },
            _ => continue,
        };
        let effects = play.event(event, true);
        if let Some(reply) = replies(&effects).last() {
            last = Some(reply.id);
        }
    }
    play.world.placed.len()
}
