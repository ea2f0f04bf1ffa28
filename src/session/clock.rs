//! The session's clock, passed in: the machine's, or one that recordings move on.

use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};
use std::time::Duration;

/// Tells the time in the shop's time zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// `None`: the machine's clock.
    at: Option<Timestamp>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn wall(zone: TimeZone) -> Self {
        Self { zone, at: None }
    }

    /// A clock that starts at a moment and goes on only when it is told to: recordings last as
    /// long as they last, however fast they are worked through.
    #[must_use]
    pub fn moved_by_hand(start: Timestamp, zone: TimeZone) -> Self {
        Self {
            zone,
            at: Some(start),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Zoned {
        self.at
            .unwrap_or_else(Timestamp::now)
            .to_zoned(self.zone.clone())
    }

    /// Moves a clock that is moved by hand.
    pub fn advance(&mut self, by: Duration) {
        if let Some(at) = &mut self.at {
            let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::ZERO);
            *at = at.saturating_add(by).unwrap_or(*at);
        }
    }
}
