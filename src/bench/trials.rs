//! What the live daemon does with echo, interruptions, noise and people who speak to others, in
//! a [`Simulation`].

use super::{
    acoustics::{Babble, Echo, Noise},
    simulation::{SPEECH_RMS, Simulation, SimulationError, recording},
    stats::Summary,
};
use crate::{
    audio::{SPEECH_RATE, mean_square},
    daemon::{
        live::{LiveSettings, Press, Seen},
        shopfront::Shopfront,
    },
    lang::Language,
    nlu::command::Command,
    session::{floor::FloorSettings, turn::Turn},
    vad::FRAME_SAMPLES,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Words of people around at a tenth of the power of the shopper's: 10 dB.
const AROUND: f32 = SPEECH_RMS * 0.316;
/// From this level on a frame of a recording is speech.
const SPOKEN: f32 = 0.02;
/// A voice under this volume is quiet.
const DUCKED: f32 = 0.5;

/// What the turns of the demo conversation mean. ("J'en prends deux" after something was added
/// sets its quantity.)
#[must_use]
pub fn meant(language: Language) -> [&'static str; 6] {
    let third = match language {
        Language::En => "add_to_cart",
        Language::Fr => "set_quantity",
    };
    [
        "search_product",
        "product_details",
        third,
        "checkout",
        "affirm",
        "track_order",
    ]
}

/// A conversation without interruption.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Conversation {
    /// What was said, in turns.
    pub turns: usize,
    /// Turns whose command was another one than meant.
    pub misheard: Vec<String>,
    /// Turns that the kiosk took from its own voice.
    pub own_turns: Vec<String>,
    /// How often it held its voice though nobody spoke.
    pub held: usize,
}

/// Something said while the kiosk speaks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Interruptions {
    /// How many.
    pub tried: usize,
    /// Those whose turn came out right.
    pub understood: usize,
    /// What came out otherwise.
    pub misheard: Vec<String>,
    /// From the first sound of the voice to the kiosk's being quieter, ms.
    pub duck_ms: Option<Summary>,
}

/// Sounds that are no speech, while the kiosk speaks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Noises {
    /// How many.
    pub tried: usize,
    /// Those it held its voice for, by kind.
    pub gave_way: Vec<&'static str>,
    /// What it took for a turn.
    pub turns: Vec<String>,
}

/// People who speak to one another beside a kiosk that listens openly.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bystanders {
    /// Utterances.
    pub tried: usize,
    /// Those that were answered, with what was understood.
    pub answered: Vec<String>,
}

/// How the trials listen: with or without a session.
#[must_use]
pub fn settings(front: &Shopfront, language: Option<Language>, open: bool) -> LiveSettings {
    LiveSettings {
        open,
        language,
        floor: FloorSettings::default(),
        vad: front.vad(),
        // On the machine's clock, which is not the simulated one.
        idle: Duration::from_secs(3600),
        deaf_after: Duration::from_secs(3600),
    }
}

/// Runs a trial beside its daemon.
macro_rules! beside {
    ($front:expr, $settings:expr, $echo:expr, |$room:ident| $trial:block) => {{
        let (mut $room, daemon) = Simulation::new($front, $settings, $echo)?;
        let daemon = Box::pin(daemon.run());
        let trial = Box::pin(async move {
            let result: anyhow::Result<_> = async { $trial }.await;
            result
        });
        tokio::select! {
            result = trial => result,
            () = daemon => anyhow::bail!("the daemon ended by itself"),
        }
    }};
}

/// A conversation over a loudspeaker that is heard by the microphone; `around`: with people
/// around, 10 dB under the shopper.
///
/// # Errors
/// When a recording cannot be read, or the daemon does not go on.
pub async fn conversation(
    front: &Shopfront,
    language: Language,
    said: &[(PathBuf, &str)],
    around: &[PathBuf],
) -> anyhow::Result<Conversation> {
    let babble = match around {
        [] => None,
        _ => {
            let voices: Result<Vec<_>, _> = around.iter().map(|path| recording(path)).collect();
            Some(Babble::new(&voices?, AROUND))
        }
    };
    beside!(
        front,
        settings(front, Some(language), false),
        Some(Echo::ROOM),
        |room| {
            room.babble = babble;
            room.press(Press::Talk).await;
            let mut out = Conversation::default();
            own(room.hear_out().await?, &mut out);
            for (path, meant) in said {
                out.turns += 1;
                room.say(&recording(path)?);
                out.misheard.extend(otherwise(room.turn().await, meant)?);
                own(room.hear_out().await?, &mut out);
            }
            Ok(out)
        }
    )
}

/// What came instead of the turn that was meant; nothing where it is the one.
fn otherwise(
    turn: Result<Turn, SimulationError>,
    meant: &str,
) -> Result<Option<String>, SimulationError> {
    match turn {
        Ok(turn) => {
            let intent = turn.commands.first().map_or("none", Command::intent);
            let other = intent != meant;
            Ok(other.then(|| format!("{meant}: {intent}: {}", turn.transcript)))
        }
        Err(SimulationError::Absent { seen, .. }) => Ok(Some(format!("{meant}: no turn: {seen}"))),
        Err(e) => Err(e),
    }
}

/// What the kiosk made of its own voice.
fn own(seen: Vec<Seen>, into: &mut Conversation) {
    for seen in seen {
        match seen {
            Seen::Turn(turn) if !turn.transcript.is_empty() => into.own_turns.push(turn.transcript),
            Seen::GaveWay(true) => into.held += 1,
            _ => {}
        }
    }
}

/// `first` gets a long reply; so many ms into it, `then` is said over it.
///
/// # Errors
/// When a recording cannot be read, or the daemon does not go on.
pub async fn interruptions(
    front: &Shopfront,
    language: Language,
    first: &Path,
    then: &[(PathBuf, &str)],
    into_ms: &[u64],
) -> anyhow::Result<Interruptions> {
    let first = &recording(first)?;
    let mut out = Interruptions::default();
    let mut ducks = Vec::new();
    for &into in into_ms {
        for (path, meant) in then {
            let wish = recording(path)?;
            let how = settings(front, Some(language), false);
            let (turn, duck) = beside!(front, how, Some(Echo::ROOM), |room| {
                room.press(Press::Talk).await;
                room.hear_out().await?;
                room.say(first);
                room.turn().await?;
                room.reply().await?;
                room.pass(into).await?;
                let onset = room.now_ms() + onset_ms(&wish);
                room.say(&wish);
                let turn = room.turn().await;
                let duck = room.quieter_since(DUCKED, onset);
                Ok((turn, duck.map(|at| (at - onset) as f64)))
            })?;
            out.tried += 1;
            ducks.extend(duck);
            match otherwise(turn, meant)? {
                None => out.understood += 1,
                Some(what) => out.misheard.push(format!("{into} ms, {what}")),
            }
        }
    }
    out.duck_ms = Summary::of(ducks);
    Ok(out)
}

/// When a recording's first speech is, ms.
fn onset_ms(recording: &[f32]) -> u64 {
    let at = recording
        .chunks(FRAME_SAMPLES)
        .position(|frame| mean_square(frame).sqrt() > SPOKEN);
    (at.unwrap_or_default() * FRAME_SAMPLES) as u64 * 1000 / u64::from(SPEECH_RATE)
}

/// Clicks, coughs, thumps, tones and a murmur, `tries` in all, while the kiosk answers `first`.
///
/// # Errors
/// When a recording cannot be read, or the daemon does not go on.
pub async fn noises(
    front: &Shopfront,
    language: Language,
    first: &Path,
    tries: usize,
) -> anyhow::Result<Noises> {
    let first = recording(first)?;
    let how = settings(front, Some(language), false);
    beside!(front, how, Some(Echo::ROOM), |room| {
        let mut out = Noises::default();
        room.press(Press::Talk).await;
        room.hear_out().await?;
        while out.tried < tries {
            room.say(&first);
            room.turn().await?;
            room.reply().await?;
            while out.tried < tries && room.is_speaking() {
                let kind = NOISES[out.tried % NOISES.len()];
                let noise = noise(out.tried);
                out.tried += 1;
                let lasts = noise.len() as u64 * 1000 / u64::from(SPEECH_RATE);
                room.say(&noise);
                for seen in room.pass(lasts + 700).await? {
                    match seen {
                        Seen::GaveWay(true) => out.gave_way.push(kind),
                        Seen::Turn(turn) if !turn.transcript.is_empty() => {
                            out.turns.push(format!("{kind}: {}", turn.transcript));
                        }
                        _ => {}
                    }
                }
            }
            room.hear_out().await?;
        }
        Ok(out)
    })
}

/// The kinds of noise.
const NOISES: [&str; 5] = ["clicks", "cough", "thump", "till", "steam"];

/// One of the kinds of noise, as loud as speech, another one for each number.
pub(crate) fn noise(number: usize) -> Vec<f32> {
    let mut random = Noise::new(number as u32 + 1);
    let rate = SPEECH_RATE as f32;
    let seconds = |s: f32| 0..(s * rate) as usize;
    let mut sign = move || random.next_unit() * 2.0 - 1.0;
    let turn = |n: usize, hz: f32| (n as f32 / rate * hz * std::f32::consts::TAU).sin();
    match number % 5 {
        // A train of clicks, 50 ms.
        0 => seconds(0.05)
            .map(|n| if n % 160 < 8 { 0.6 * sign() } else { 0.0 })
            .collect(),
        // A cough: noise that dies away.
        1 => seconds(0.35)
            .map(|n| 0.3 * sign() * (-(n as f32) / rate / 0.08).exp())
            .collect(),
        // A thump.
        2 => seconds(0.25)
            .map(|n| 0.5 * turn(n, 55.0 + number as f32) * (-(n as f32) / rate / 0.06).exp())
            .collect(),
        // A chord of a till.
        3 => seconds(0.6)
            .map(|n| 0.05 * (turn(n, 880.0) + turn(n, 1108.7 + number as f32) + turn(n, 1318.5)))
            .collect(),
        // Steam.
        _ => seconds(1.0).map(|_| 0.08 * sign()).collect(),
    }
}

/// People speak beside a kiosk that listens openly, and not to it.
///
/// # Errors
/// When a recording cannot be read, or the daemon does not go on.
pub async fn bystanders(
    front: &Shopfront,
    language: Language,
    said: &[PathBuf],
) -> anyhow::Result<Bystanders> {
    let how = settings(front, Some(language), true);
    beside!(front, how, None, |room| {
        let mut out = Bystanders::default();
        for path in said {
            out.tried += 1;
            room.say(&recording(path)?);
            let mut quiet = 0;
            let mut answered = None;
            while quiet < 130 {
                for seen in room.step().await? {
                    if let Seen::Turn(turn) = seen
                        && !turn.transcript.is_empty()
                    {
                        answered = Some(format!("{} => {:?}", turn.transcript, turn.commands));
                    }
                }
                quiet = if room.is_shopper_speaking() {
                    0
                } else {
                    quiet + 1
                };
            }
            if let Some(answered) = answered {
                out.answered.push(answered);
                // The next ones speak beside a kiosk without a session again.
                room.press(Press::End).await;
                room.hear_out().await?;
            }
        }
        Ok(out)
    })
}
