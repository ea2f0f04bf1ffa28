//! The rules that are numbers: limits, windows, and when a yes counts as a yes.

use super::event::{Activation, Heard, Source};
use crate::shop::{
    info::ShopInfo,
    money::{Currency, Money},
};
use jiff::{SignedDuration, Timestamp};

/// What a shop may set.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Above this total a spoken yes does not confirm: only a touch does.
    pub voice_total: Money,
    /// Above this total nothing is ordered here at all.
    pub max_total: Money,
    /// At most so many of one product.
    pub max_quantity: u32,
    /// At most so many different lines.
    pub max_lines: usize,
    /// How long a yes is waited for, from when the total has finished playing.
    pub confirm_window: SignedDuration,
    /// A spoken yes has at least so much detected speech, ms.
    pub min_speech_ms: u32,
    /// A spoken yes has at most this probability of being no speech, 0 to 1.
    pub max_no_speech_prob: f32,
    /// A session in a public place is wiped after so long without anybody.
    pub idle: SignedDuration,
    /// The same, once an order was placed.
    pub idle_after_order: SignedDuration,
    /// How often an order of the session is looked at again, until the shop has taken it.
    pub watch: SignedDuration,
    /// How long an answer of the world is waited for.
    pub answer_deadline: SignedDuration,
    /// Below this confidence of the model, 0 to 1, a change of the basket is asked about.
    pub sure_to_change: f32,
    /// The same for what buys, destroys, or leaves a request with the shop.
    pub sure_to_commit: f32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            voice_total: Money::new(15_000, Currency::Eur),
            max_total: Money::new(500_000, Currency::Eur),
            max_quantity: 50,
            max_lines: 40,
            confirm_window: SignedDuration::from_secs(30),
            min_speech_ms: 200,
            max_no_speech_prob: 0.4,
            idle: SignedDuration::from_secs(60),
            idle_after_order: SignedDuration::from_secs(20),
            watch: SignedDuration::from_secs(3),
            answer_deadline: SignedDuration::from_secs(15),
            sure_to_change: 0.3,
            sure_to_commit: 0.45,
        }
    }
}

/// How a command was said: what a yes is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// Which tier understood it.
    pub source: Source,
    /// Its sound.
    pub heard: Heard,
    /// When it began, or when it came in where no beginning is known.
    pub began_at: Timestamp,
    /// Whether it was the only command of its utterance.
    pub alone: bool,
}

/// Why a yes does not confirm a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// It was not a plain yes understood by the fast path, nor a touch.
    NotPlain,
    /// It may not have been speech.
    Doubtful,
    /// It began before the total had been heard to its end.
    Early,
    /// It came after the window.
    Late,
    /// The session was not begun by a person.
    NoPerson,
    /// The total is above what a voice may confirm.
    AboveVoice,
}

impl Policy {
    /// The rules with the shop's own limits.
    #[must_use]
    pub fn of(info: &ShopInfo) -> Self {
        let d = Self::default();
        let limits = &info.limits;
        let money = |minor: Option<i64>, or: Money| info.money(minor.unwrap_or(or.minor));
        Self {
            voice_total: money(limits.voice_total, d.voice_total),
            max_total: money(limits.max_cart_total, d.max_total),
            max_quantity: limits
                .max_quantity_per_line
                .unwrap_or(d.max_quantity)
                .max(1),
            max_lines: limits.max_lines.unwrap_or(d.max_lines).max(1),
            ..d
        }
    }

    /// Whether a yes is plain, by a person and surely speech: the part of the rules that also
    /// holds for cancelling an order.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn plain_yes(&self, said: &Said, activation: Activation) -> Result<(), Void> {
        match said.source {
            Source::Touch => return Ok(()),
            Source::Fastpath if said.alone => {}
            _ => return Err(Void::NotPlain),
        }
        if activation == Activation::Sound {
            return Err(Void::NoPerson);
        }
        let short = said
            .heard
            .speech_ms
            .is_some_and(|ms| ms < self.min_speech_ms);
        let unsure = said
            .heard
            .no_speech_prob
            .is_some_and(|p| p.is_nan() || p > self.max_no_speech_prob);
        if short || unsure {
            return Err(Void::Doubtful);
        }
        Ok(())
    }

    /// Whether a yes confirms a purchase of `total` whose read-back ended at `spoken_at`.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn confirms(
        &self,
        said: &Said,
        activation: Activation,
        spoken_at: Option<Timestamp>,
        total: Money,
    ) -> Result<(), Void> {
        self.plain_yes(said, activation)?;
        if said.source != Source::Touch && total.minor > self.voice_total.minor {
            return Err(Void::AboveVoice);
        }
        let spoken_at = spoken_at.ok_or(Void::Early)?;
        if said.began_at < spoken_at {
            return Err(Void::Early);
        }
        if said.began_at.duration_since(spoken_at) > self.confirm_window {
            return Err(Void::Late);
        }
        Ok(())
    }
}
