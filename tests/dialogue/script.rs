//! Scripts: what is said and what must come of it.

use crate::world::{World, info};
use comptoir::{
    dialogue::{
        Effect, Event, State,
        effect::Reply,
        event::{Activation, Heard, Source, Surface, Unheard, Utterance},
        policy::Policy,
        step,
    },
    lang::Language,
    nlu::command::Command,
};
use jiff::{SignedDuration, Zoned};
use serde::Deserialize;
use std::fmt::Write as _;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    script: Vec<Script>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub name: String,
    pub language: Language,
    /// kiosk (screen, public), home (screen, private), speaker (no screen, private)
    #[serde(default)]
    surface: Place,
    #[serde(default = "touch")]
    activation: Activation,
    /// Local time; Friday 20 November 2026, 15:00 in Paris unless told.
    at: Option<String>,
    turn: Vec<Turn>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Kiosk,
    #[default]
    Home,
    Speaker,
}

fn touch() -> Activation {
    Activation::Touch
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    // What happens.
    say: Option<String>,
    /// JSON list of commands, or one command without brackets; the intent alone is enough.
    #[serde(default)]
    cmd: Option<String>,
    #[serde(default)]
    by: Option<Source>,
    /// How sure the model is, 0 to 1.
    sure: Option<f32>,
    /// What else it may have meant, as `cmd`.
    or: Option<String>,
    language: Option<Language>,
    speech_ms: Option<u32>,
    no_speech: Option<f32>,
    /// When the utterance began, seconds before now.
    began_ago: Option<i64>,
    /// tick, left, silence, unclear, engine_down, interrupted
    event: Option<String>,
    pin: Option<String>,
    /// Seconds that pass before it.
    #[serde(default)]
    after: i64,
    /// Whether the reply is heard to its end (at once).
    #[serde(default = "yes")]
    heard: bool,
    /// Whether the world answers (else its answers are lost).
    #[serde(default = "yes")]
    answers: bool,
    // What the world does before it.
    price: Option<(String, i64)>,
    stock: Option<(String, u32)>,
    gone: Option<String>,
    down: Option<bool>,
    disk_full: Option<bool>,
    acknowledges: Option<bool>,
    /// The shop rejects the order placed last, and says why.
    rejects: Option<String>,
    /// The shop rejects the next order as it comes.
    rejects_new: Option<String>,
    /// The shop's backend has been away for too long.
    offline: Option<bool>,
    /// The payment link of the order placed last.
    link: Option<String>,
    expires: Option<bool>,
    // What must come of it.
    #[serde(default)]
    expect: Vec<String>,
    #[serde(default)]
    speech: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
    #[serde(default)]
    not_said: Vec<String>,
    #[serde(default)]
    keys: Vec<String>,
    /// "2 oat-milk", "1 latte (large, decaf)"
    cart: Option<Vec<String>>,
    total: Option<i64>,
    #[serde(default)]
    effects: Vec<String>,
    #[serde(default)]
    no_effects: Vec<String>,
    #[serde(default)]
    silent: bool,
    asks: Option<bool>,
    pending: Option<String>,
    shown: Option<Vec<String>>,
    placed: Option<usize>,
    ticket: Option<String>,
    story: Option<String>,
}

fn yes() -> bool {
    true
}

pub fn read(text: &str) -> Result<Vec<Script>, toml::de::Error> {
    Ok(toml::from_str::<File>(text)?.script)
}

fn commands(text: &str) -> Result<Vec<Command>, String> {
    let text = text.trim();
    let json = if text.starts_with('[') {
        text.to_owned()
    } else if text.starts_with('{') {
        format!("[{text}]")
    } else if text.is_empty() {
        "[]".to_owned()
    } else {
        format!(r#"[{{"intent":"{text}"}}]"#)
    };
    serde_json::from_str(&json).map_err(|e| format!("{e}: {json}"))
}

fn name(effect: &Effect) -> String {
    let value = serde_json::to_value(effect).unwrap_or_default();
    match effect {
        Effect::Say(_) => "say".into(),
        Effect::SetLanguage(_) => "set_language".into(),
        _ => value["effect"].as_str().unwrap_or("?").to_owned(),
    }
}

/// The core and its world, with a clock.
pub struct Play {
    pub state: State,
    pub world: World,
    pub now: Zoned,
}

impl Play {
    pub fn new(at: &str) -> Self {
        let now: Zoned = format!("{at}[Europe/Paris]").parse().unwrap();
        let info = info();
        let policy = Policy::of(&info);
        Self {
            state: State::new(info, policy),
            world: World::new(&now),
            now,
        }
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    /// Steps, lets the world answer, and gives back every effect.
    pub fn event(&mut self, event: Event, answers: bool) -> Vec<Effect> {
        let mut all = Vec::new();
        let mut events = vec![event];
        while !events.is_empty() {
            let effects = step(&mut self.state, events.remove(0), &self.now);
            for effect in &effects {
                if let Some(event) = self.world.answer(effect, &self.now)
                    && answers
                {
                    events.push(event);
                }
            }
            all.extend(effects);
            assert!(all.len() < 200, "effects without end");
        }
        all
    }
}

pub fn replies(effects: &[Effect]) -> Vec<Reply> {
    effects
        .iter()
        .filter_map(|e| match e {
            Effect::Say(r) => Some(r.clone()),
            _ => None,
        })
        .collect()
}

/// No reply may hold what Fluent could not resolve.
pub fn unresolved(text: &str) -> bool {
    ["{", "}", "$", "  ", " .", " ,"]
        .iter()
        .any(|bad| text.contains(bad))
}

pub fn play(script: &Script) -> Result<(), String> {
    let mut log = String::new();
    let mut play = Play::new(script.at.as_deref().unwrap_or("2026-11-20T15:00:00"));
    let surface = match script.surface {
        Place::Kiosk => Surface {
            screen: true,
            public: true,
        },
        Place::Home => Surface {
            screen: true,
            public: false,
        },
        Place::Speaker => Surface {
            screen: false,
            public: false,
        },
    };
    let started = Event::Started {
        activation: script.activation,
        language: script.language,
        surface,
    };
    let effects = play.event(started, true);
    let greeting = replies(&effects);
    if !greeting.iter().any(|r| r.text.contains("automati")) {
        return Err(format!(
            "the greeting does not say that this is automatic: {greeting:?}"
        ));
    }
    for r in &greeting {
        play.event(Event::Spoken { reply: r.id }, true);
    }
    let mut last = greeting.last().map(|r| r.id);
    for turn in &script.turn {
        play.pass(turn.after);
        if let Some((id, minor)) = &turn.price {
            play.world.set_price(id, *minor);
        }
        if let Some((id, n)) = &turn.stock {
            play.world.set_stock(id, *n);
        }
        if let Some(id) = &turn.gone {
            play.world.remove(id);
        }
        play.world.down = turn.down.unwrap_or(play.world.down);
        play.world.disk_full = turn.disk_full.unwrap_or(play.world.disk_full);
        play.world.acknowledges = turn.acknowledges.unwrap_or(play.world.acknowledges);
        play.world.offline = turn.offline.unwrap_or(play.world.offline);
        play.world.rejects_new.clone_from(&turn.rejects_new);
        if let Some(note) = &turn.rejects {
            play.world.reject_last(note, play.now.timestamp());
        }
        if let Some(url) = &turn.link {
            let until = play.now.timestamp() + SignedDuration::from_hours(1);
            if let Some(order) = play.world.orders.last_mut() {
                order.payment_link = Some((url.clone(), until));
            }
        }
        if turn.expires == Some(true) {
            play.world.short_reservations();
        }
        let event = match (&turn.event, &turn.pin) {
            (_, Some(pin)) => Event::Typed { pin: pin.clone() },
            (Some(e), _) => match e.as_str() {
                "tick" => Event::Tick,
                "left" => Event::Left,
                "silence" => Event::Unheard(Unheard::Nothing),
                "unclear" => Event::Unheard(Unheard::Unclear),
                "engine_down" => Event::Unheard(Unheard::EngineDown),
                "interrupted" => Event::Interrupted {
                    reply: last.ok_or("nothing was said")?,
                },
                "spoken" => Event::Spoken {
                    reply: last.ok_or("nothing was said")?,
                },
                other => return Err(format!("no such event: {other}")),
            },
            (None, None) => {
                let cmd = turn.cmd.as_deref().unwrap_or_default();
                let commands = commands(cmd)?;
                let plain =
                    matches!(
                        commands[..],
                        [Command::Affirm {}
                            | Command::Deny {}
                            | Command::Stop {}
                            | Command::Repeat {}]
                    );
                let began_at = turn
                    .began_ago
                    .map(|s| play.now.timestamp() - SignedDuration::from_secs(s));
                Event::Understood(Utterance {
                    text: turn.say.clone().unwrap_or_default(),
                    language: turn.language.unwrap_or(play.state.language()),
                    commands,
                    source: turn
                        .by
                        .unwrap_or(if plain { Source::Fastpath } else { Source::Llm }),
                    heard: Heard {
                        speech_ms: turn.speech_ms,
                        no_speech_prob: turn.no_speech,
                        began_at,
                    },
                    confidence: turn.sure,
                    alternatives: self::commands(turn.or.as_deref().unwrap_or_default())?,
                    degraded: turn.by == Some(Source::Fallback),
                })
            }
        };
        let _ = writeln!(
            log,
            "> {}",
            turn.say
                .as_deref()
                .or(turn.event.as_deref())
                .or(turn.cmd.as_deref())
                .unwrap_or("?")
        );
        let effects = play.event(event, turn.answers);
        let said = replies(&effects);
        let names: Vec<String> = effects.iter().map(name).filter(|n| n != "say").collect();
        let text = said
            .iter()
            .map(|r| r.text.as_str())
            .collect::<Vec<_>>()
            .join("\n  ");
        let speech = said
            .iter()
            .map(|r| r.speech.as_str())
            .collect::<Vec<_>>()
            .join("\n  ");
        let _ = writeln!(log, "  {text}\n  ~ {speech}\n  {names:?}");
        let fail = |why: String| Err(format!("{log}!! {why}"));
        for r in &said {
            if unresolved(&r.text)
                || unresolved(&r.speech)
                || r.text.is_empty()
                || r.speech.is_empty()
            {
                return fail("a reply is empty or holds something unresolved".into());
            }
            last = Some(r.id);
        }
        if turn.silent && !said.is_empty() {
            return fail("a reply where none is due".into());
        }
        if !turn.silent && said.len() != 1 {
            return fail(format!("{} replies where one is due", said.len()));
        }
        for want in &turn.expect {
            if !text.contains(want.as_str()) {
                return fail(format!("the text lacks `{want}`"));
            }
        }
        for want in &turn.speech {
            if !speech.contains(want.as_str()) {
                return fail(format!("the speech lacks `{want}`"));
            }
        }
        for bad in &turn.not {
            if text.contains(bad.as_str()) || speech.contains(bad.as_str()) {
                return fail(format!("the reply holds `{bad}`"));
            }
        }
        for bad in &turn.not_said {
            if speech.contains(bad.as_str()) {
                return fail(format!("the speech holds `{bad}`"));
            }
        }
        let keys: Vec<&String> = said.iter().flat_map(|r| &r.keys).collect();
        for want in &turn.keys {
            if !keys.contains(&want) {
                return fail(format!("the message {want} is not there: {keys:?}"));
            }
        }
        if let Some(asks) = turn.asks
            && said.iter().any(|r| r.asks.is_some()) != asks
        {
            return fail(format!("asks should be {asks}"));
        }
        for want in &turn.effects {
            if !names.contains(want) {
                return fail(format!("the effect {want} is not there"));
            }
        }
        for bad in &turn.no_effects {
            if names.contains(bad) {
                return fail(format!("the effect {bad} is there"));
            }
        }
        let cart = play.state.cart();
        let lines: Vec<String> = cart
            .lines
            .iter()
            .map(|l| {
                let options = if l.options.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", l.options.join(", "))
                };
                format!("{} {}{options}", l.quantity, l.product)
            })
            .collect();
        if let Some(want) = &turn.cart
            && *want != lines
        {
            return fail(format!("the cart is {lines:?}, not {want:?}"));
        }
        if let Some(want) = turn.total
            && cart.total().minor != want
        {
            return fail(format!("the total is {}, not {want}", cart.total().minor));
        }
        let context = play.state.context(&play.now);
        if let Some(want) = &turn.pending
            && context.pending.as_deref().unwrap_or("none") != want
        {
            return fail(format!("pending is {:?}, not {want}", context.pending));
        }
        if let Some(want) = &turn.shown {
            let shown: Vec<String> = play
                .state
                .shown()
                .iter()
                .map(|p| p.id.to_string())
                .collect();
            if shown != *want {
                return fail(format!("shown is {shown:?}, not {want:?}"));
            }
        }
        if let Some(want) = turn.placed
            && play.world.placed.len() != want
        {
            return fail(format!(
                "{} orders placed, not {want}",
                play.world.placed.len()
            ));
        }
        if let Some(kind) = &turn.ticket
            && play.world.tickets.last().map(|t| &t.0) != Some(kind)
        {
            return fail(format!(
                "the last ticket is {:?}",
                play.world.tickets.last()
            ));
        }
        if let Some(part) = &turn.story
            && !play
                .world
                .tickets
                .last()
                .is_some_and(|t| t.1.contains(part.as_str()))
        {
            return fail(format!(
                "the story lacks `{part}`: {:?}",
                play.world.tickets.last()
            ));
        }
        if turn.heard {
            for r in &said {
                play.event(Event::Spoken { reply: r.id }, true);
            }
        }
    }
    Ok(())
}
