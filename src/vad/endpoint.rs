//! When an utterance begins and ends.
//!
//! A pure state machine: frames in, edges out, time counted in samples that come with the
//! frames. A gap in the stream (sound that the device lost) therefore counts as silence.

use super::detector::FRAME_MS;
use super::{Segment, VadSettings};
use crate::audio::SPEECH_RATE;

/// A gap in speech that is worth remembering as a place to cut, ms.
const CUT_GAP_MS: u64 = 96;

/// What happened at a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Somebody began to speak.
    Began {
        /// Where the utterance begins, with padding, ms.
        start_ms: u64,
    },
    /// A short silence: maybe the end. What there is may be transcribed now, to be thrown away
    /// if [`Edge::Resumed`] follows.
    Paused(Segment),
    /// The speech goes on after a pause.
    Resumed,
    /// The utterance has ended.
    Ended(Segment),
    /// What began was too short to be speech.
    Dropped,
}

/// Finds utterances in a stream of speech probabilities.
#[derive(Debug, Clone)]
pub struct Endpointer {
    settings: VadSettings,
    state: State,
    /// No utterance may begin before the end of the last one, ms.
    free_from: u64,
}

#[derive(Debug, Clone)]
enum State {
    /// Nobody speaks. `voiced`: since when frames have been voiced without a break.
    Silent { voiced: Option<u64> },
    /// Somebody speaks.
    Speaking(Utterance),
}

#[derive(Debug, Clone)]
struct Utterance {
    start: u64,
    /// Where the last voiced frame ended.
    voiced_until: u64,
    speech: u64,
    paused: bool,
    /// The middle of the last gap, and the speech before it.
    cut: Option<(u64, u64)>,
}

impl Endpointer {
    /// A machine at the beginning of a stream.
    #[must_use]
    pub fn new(settings: VadSettings) -> Self {
        Self {
            settings,
            state: State::Silent { voiced: None },
            free_from: 0,
        }
    }

    /// Whether an utterance is going on.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking(_))
    }

    /// Takes the probability of speech, 0 to 1, of the frame of 16 ms that begins at sample `at`
    /// (16 kHz) of the stream. Frames come in order.
    pub fn step(&mut self, at: u64, score: f32) -> Option<Edge> {
        let now = at * 1000 / u64::from(SPEECH_RATE);
        let end = now + FRAME_MS;
        let settings = self.settings;
        match &mut self.state {
            State::Silent { voiced } => {
                if score < settings.begin_at {
                    *voiced = None;
                    return None;
                }
                let since = *voiced.get_or_insert(now);
                if end - since < settings.onset_ms {
                    return None;
                }
                let start = since
                    .saturating_sub(settings.pre_roll_ms)
                    .max(self.free_from);
                self.state = State::Speaking(Utterance {
                    start,
                    voiced_until: end,
                    speech: end - since,
                    paused: false,
                    cut: None,
                });
                Some(Edge::Began { start_ms: start })
            }
            State::Speaking(utterance) if score >= settings.stay_at => {
                let gap = now.saturating_sub(utterance.voiced_until);
                if gap >= settings.endpoint_ms {
                    // Frames were lost: the utterance ended in the hole.
                    let edge = self.end_utterance();
                    self.state = State::Silent { voiced: Some(now) };
                    return Some(edge);
                }
                if gap >= CUT_GAP_MS {
                    utterance.cut = Some((utterance.voiced_until + gap / 2, utterance.speech));
                }
                utterance.speech += FRAME_MS;
                utterance.voiced_until = end;
                let resumed = std::mem::take(&mut utterance.paused);
                if end + settings.post_roll_ms > utterance.start + settings.max_utterance_ms {
                    return Some(self.cut_utterance(end));
                }
                resumed.then_some(Edge::Resumed)
            }
            State::Speaking(utterance) => {
                let silence = end.saturating_sub(utterance.voiced_until);
                if silence >= settings.endpoint_ms {
                    return Some(self.end_utterance());
                }
                if silence >= settings.pause_ms && !utterance.paused {
                    if utterance.speech < settings.min_speech_ms {
                        // A click: nobody needs to wait for more.
                        return Some(self.end_utterance());
                    }
                    utterance.paused = true;
                    return Some(Edge::Paused(utterance.segment(&settings)));
                }
                None
            }
        }
    }

    /// Ends the stream at sample `at`; an utterance that was going on is the result.
    pub fn finish(&mut self, at: u64) -> Option<Segment> {
        let end = at * 1000 / u64::from(SPEECH_RATE);
        if !self.is_speaking() {
            return None;
        }
        match self.end_utterance() {
            Edge::Ended(segment) => Some(Segment {
                end_ms: segment.end_ms.min(end),
                ..segment
            }),
            _ => None,
        }
    }

    fn end_utterance(&mut self) -> Edge {
        let State::Speaking(utterance) =
            std::mem::replace(&mut self.state, State::Silent { voiced: None })
        else {
            return Edge::Dropped;
        };
        if utterance.speech < self.settings.min_speech_ms {
            return Edge::Dropped;
        }
        let segment = utterance.segment(&self.settings);
        self.free_from = segment.end_ms;
        Edge::Ended(segment)
    }

    /// Cuts an utterance that is too long: in its last gap if there was one, else here.
    fn cut_utterance(&mut self, end: u64) -> Edge {
        let State::Speaking(utterance) = &mut self.state else {
            return Edge::Dropped;
        };
        let (cut, before) = utterance.cut.take().unwrap_or((end, utterance.speech));
        let segment = Segment {
            start_ms: utterance.start,
            end_ms: cut,
            speech_ms: before,
        };
        utterance.start = cut;
        utterance.speech -= before;
        self.free_from = cut;
        Edge::Ended(segment)
    }
}

impl Utterance {
    fn segment(&self, settings: &VadSettings) -> Segment {
        Segment {
            start_ms: self.start,
            end_ms: self.voiced_until + settings.post_roll_ms,
            speech_ms: self.speech,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Edge::{Began, Dropped, Ended, Paused, Resumed};
    use proptest::prelude::*;

    /// Feeds `(speech, ms)` stretches and tells what happened, with the time of each edge.
    fn hear(stretches: &[(bool, u64)]) -> Vec<(u64, Edge)> {
        let mut endpointer = Endpointer::new(VadSettings::default());
        let mut edges = Vec::new();
        let mut at = 0;
        for &(speech, ms) in stretches {
            for _ in 0..ms / FRAME_MS {
                let score = if speech { 0.9 } else { 0.1 };
                let end = at / 16 + FRAME_MS;
                edges.extend(endpointer.step(at, score).map(|edge| (end, edge)));
                at += 256;
            }
        }
        edges.extend(
            endpointer
                .finish(at)
                .map(|segment| (at / 16, Ended(segment))),
        );
        edges
    }

    fn segment(start_ms: u64, end_ms: u64, speech_ms: u64) -> Segment {
        Segment {
            start_ms,
            end_ms,
            speech_ms,
        }
    }

    #[test]
    fn an_utterance_ends_after_half_a_second_of_silence() {
        let heard = hear(&[(false, 800), (true, 960), (false, 1600)]);
        let said = segment(500, 2010, 960);
        assert_eq!(
            heard,
            [
                (848, Began { start_ms: 500 }),
                (1968, Paused(said)),
                (2272, Ended(said)),
            ]
        );
    }

    #[test]
    fn a_breath_does_not_end_an_utterance() {
        let heard = hear(&[(true, 800), (false, 400), (true, 800), (false, 800)]);
        let kinds: Vec<_> = heard.iter().map(|(_, edge)| *edge).collect();
        let (first, all) = (segment(0, 1050, 800), segment(0, 2250, 1600));
        assert_eq!(
            kinds,
            [
                Began { start_ms: 0 },
                Paused(first),
                Resumed,
                Paused(all),
                Ended(all)
            ]
        );
    }

    #[test]
    fn a_click_is_not_speech() {
        assert_eq!(hear(&[(false, 480), (true, 32), (false, 1600)]), []);
        let knock = hear(&[(false, 480), (true, 64), (false, 1600)]);
        assert_eq!(knock.last().map(|(_, edge)| *edge), Some(Dropped));
        assert!(
            !knock
                .iter()
                .any(|(_, edge)| matches!(edge, Ended(_) | Paused(_)))
        );
    }

    #[test]
    fn the_padding_of_two_utterances_does_not_overlap() {
        let heard = hear(&[(true, 800), (false, 528), (true, 800), (false, 800)]);
        let said: Vec<_> = heard
            .iter()
            .filter_map(|(_, edge)| match edge {
                Ended(segment) => Some(*segment),
                _ => None,
            })
            .collect();
        assert_eq!(said, [segment(0, 1050, 800), segment(1050, 2378, 800)]);
    }

    #[test]
    fn speech_that_goes_on_is_cut_in_a_gap() {
        let heard = hear(&[(true, 20_000), (false, 160), (true, 20_000)]);
        let said: Vec<_> = heard
            .iter()
            .filter_map(|(_, edge)| match edge {
                Ended(segment) => Some(*segment),
                _ => None,
            })
            .collect();
        assert_eq!(
            said,
            [segment(0, 20_080, 20_000), segment(20_080, 40_160, 20_000)]
        );
    }

    #[test]
    fn speech_without_a_gap_is_cut_at_the_limit() {
        let heard = hear(&[(true, 70_000), (false, 800)]);
        let said: Vec<_> = heard
            .iter()
            .filter_map(|(_, edge)| match edge {
                Ended(segment) => Some(*segment),
                _ => None,
            })
            .collect();
        assert_eq!(said.len(), 3);
        assert_eq!(said[0].end_ms, said[1].start_ms);
        assert!(
            said.iter()
                .all(|segment| segment.end_ms - segment.start_ms <= 30_000)
        );
    }

    #[test]
    fn the_end_of_the_stream_ends_the_utterance() {
        let heard = hear(&[(true, 800)]);
        assert_eq!(heard.last(), Some(&(800, Ended(segment(0, 800, 800)))));
    }

    #[test]
    fn lost_frames_count_as_silence() {
        let mut endpointer = Endpointer::new(VadSettings::default());
        for frame in 0..40 {
            endpointer.step(frame * 256, 0.9);
        }
        let edge = endpointer.step(200 * 256, 0.9);
        assert_eq!(edge, Some(Ended(segment(0, 890, 640))));
        assert!(!endpointer.is_speaking());
    }

    proptest! {
        #[test]
        fn utterances_come_in_order_and_within_the_limit(
            stretches in prop::collection::vec((any::<bool>(), 0u64..20_000), 0..12),
        ) {
            let mut last_end = 0;
            for (at, edge) in hear(&stretches) {
                if let Ended(said) = edge {
                    prop_assert!(said.start_ms >= last_end);
                    prop_assert!(said.end_ms <= at.max(said.start_ms));
                    prop_assert!(said.end_ms - said.start_ms <= 30_000);
                    prop_assert!(said.speech_ms <= said.end_ms - said.start_ms);
                    last_end = said.end_ms;
                }
            }
        }
    }
}
