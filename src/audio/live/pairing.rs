//! What was played, at the pace of what is heard.
//!
//! Both devices give their sound in lumps of their own size, whenever the system gets round to
//! it. The echo canceller wants them side by side: a block of one for each block of the other,
//! the same time apart for as long as possible. So what was played waits a little, and goes on
//! at the microphone's pace; only when it has run dry, or piles up because the clocks differ, is
//! the distance changed.

use sonora_aec3::common::BLOCK_SIZE;
use std::collections::VecDeque;

/// What waits before the first block is given: 40 ms at 16 kHz, less than a sound needs from
/// the queue through loudspeaker, air and microphone.
const HOLD: usize = 640;
/// What may wait more than that in the long run: 20 ms.
const SLACK: usize = 320;
/// How long it is watched before a piece is left out: 2 s, in blocks.
const WATCH: u32 = 500;

/// A queue between two paces.
#[derive(Debug)]
pub(super) struct Pairing {
    waiting: VecDeque<f32>,
    filling: bool,
    /// The least that waited lately.
    least: usize,
    watched: u32,
}

impl Default for Pairing {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            filling: true,
            least: usize::MAX,
            watched: 0,
        }
    }
}

impl Pairing {
    /// What was played, 16 kHz.
    pub(super) fn push(&mut self, samples: &[f32]) {
        self.waiting.extend(samples);
    }

    /// Samples that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The next 4 ms; silence while too little waits.
    pub(super) fn next_block(&mut self) -> [f32; BLOCK_SIZE] {
        let mut block = [0.0; BLOCK_SIZE];
        if self.filling && self.waiting.len() < HOLD {
            return block;
        }
        self.filling = self.waiting.len() < BLOCK_SIZE;
        if self.filling {
            self.watch_anew();
            return block;
        }
        for (slot, sample) in block.iter_mut().zip(self.waiting.drain(..BLOCK_SIZE)) {
            *slot = sample;
        }
        self.least = self.least.min(self.waiting.len());
        self.watched += 1;
        if self.watched == WATCH {
            if self.least > HOLD + SLACK {
                self.waiting.drain(..self.least - HOLD);
            }
            self.watch_anew();
        }
        block
    }

    fn watch_anew(&mut self) {
        self.least = usize::MAX;
        self.watched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up from 1, so that a block tells where it is from.
    fn count(from: usize, len: usize) -> Vec<f32> {
        (from..from + len).map(|n| (n + 1) as f32).collect()
    }

    #[test]
    fn lumps_come_out_side_by_side() {
        let mut pairing = Pairing::default();
        let mut given = Vec::new();
        // 50 ms at a time in, 20 ms at a time out.
        for tick in 0..100 {
            if tick % 5 == 0 {
                pairing.push(&count(tick / 5 * 800, 800));
            }
            if tick % 2 == 0 {
                for _ in 0..5 {
                    given.extend(pairing.next_block());
                }
            }
        }
        // It runs dry once, and then has learned how much must wait.
        let settled = &given[4_000..];
        assert!(settled.windows(2).all(|w| w[1] - w[0] == 1.0));
    }

    #[test]
    fn a_clock_that_is_fast_is_caught_up_with() {
        let mut pairing = Pairing::default();
        let mut at = 0;
        for _ in 0..20_000 {
            // 1 % fast: AEC3 follows a tenth of that by itself.
            let len = BLOCK_SIZE + usize::from(at % 3 == 0);
            pairing.push(&count(at, len));
            at += len;
            pairing.next_block();
            assert!(
                pairing.waiting.len() < 2 * (HOLD + SLACK),
                "{}",
                pairing.waiting.len()
            );
        }
    }

    #[test]
    fn what_ran_dry_waits_again() {
        let mut pairing = Pairing::default();
        pairing.push(&count(0, HOLD));
        for _ in 0..HOLD / BLOCK_SIZE {
            assert!(pairing.next_block()[0] > 0.0);
        }
        assert_eq!(pairing.next_block(), [0.0; BLOCK_SIZE]);
        pairing.push(&count(0, HOLD - 1));
        assert_eq!(pairing.next_block(), [0.0; BLOCK_SIZE]);
        pairing.push(&[1.0]);
        assert!(pairing.next_block()[0] > 0.0);
    }
}
