//! Who is near: people in the background speak too, and a voice detector takes them for the
//! shopper. The one who stands before the kiosk is louder than what is always there.
//!
//! What is always there is the level under which only a tenth of the last quarter of a minute
//! was. A person who speaks alone pauses more often than that; a café never does.

use std::collections::VecDeque;

/// Frames of a block: 64 ms, shorter than a breath between words.
const BLOCK: u32 = 4;
/// Blocks that are remembered: 14 s.
const REMEMBERED: usize = 225;
/// Before so many, nothing is known: 1 s.
const ENOUGH: usize = 16;
/// What is always there is below this share of them.
const SHARE: usize = 10;
/// A near voice is so much above it, in power: 10 dB. A murmur of several people goes up to 5 dB
/// above its own quietest tenth most of the time.
const NEAR: f32 = 10.0;
/// How fast the level of a voice follows, a frame: 80 ms.
const FOLLOW: f32 = 0.2;

/// Tells the near from the far in one stream of sound, 16 ms at a time.
#[derive(Clone, Debug, Default)]
pub struct Foreground {
    blocks: VecDeque<f32>,
    /// The block that is being filled: frames, and the sum of their powers.
    filling: (u32, f32),
    background: f32,
    level: f32,
}

impl Foreground {
    /// Whether a frame of this mean square is of somebody near. `learns`: whether it may become
    /// part of the background; the kiosk's own voice may not.
    pub fn is_near(&mut self, power: f32, learns: bool) -> bool {
        self.level += FOLLOW * (power - self.level);
        if learns {
            self.filling.0 += 1;
            self.filling.1 += power;
            if self.filling.0 == BLOCK {
                self.remember(self.filling.1 / BLOCK as f32);
                self.filling = (0, 0.0);
            }
        }
        self.level >= NEAR * self.background
    }

    fn remember(&mut self, power: f32) {
        if self.blocks.len() == REMEMBERED {
            self.blocks.pop_front();
        }
        self.blocks.push_back(power);
        if self.blocks.len() >= ENOUGH {
            let mut sorted: Vec<f32> = self.blocks.iter().copied().collect();
            let at = sorted.len() / SHARE;
            self.background = *sorted.select_nth_unstable_by(at, f32::total_cmp).1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many seconds of a power; gives how many frames were near.
    fn hear(foreground: &mut Foreground, seconds: usize, power: impl Fn(usize) -> f32) -> usize {
        (0..seconds * 1000 / 16)
            .filter(|n| foreground.is_near(power(*n), true))
            .count()
    }

    #[test]
    fn a_murmur_is_far_and_who_is_louder_is_near() {
        let mut foreground = Foreground::default();
        let murmur = |n: usize| if n % 12 < 6 { 0.001 } else { 0.0005 };
        hear(&mut foreground, 5, murmur);
        assert_eq!(hear(&mut foreground, 20, murmur), 0);
        let near = hear(&mut foreground, 3, |n| murmur(n) + 0.01);
        assert!(near > 150, "{near}");
        hear(&mut foreground, 1, murmur);
        assert_eq!(hear(&mut foreground, 20, murmur), 0);
    }

    #[test]
    fn who_speaks_alone_for_long_stays_near() {
        let mut foreground = Foreground::default();
        hear(&mut foreground, 5, |_| 1e-7);
        // A pause of 200 ms each 1.5 s.
        let talk = |n: usize| if n % 94 < 12 { 1e-7 } else { 0.006 };
        let near = hear(&mut foreground, 60, talk);
        assert!(near > 3_200, "{near}");
    }
}
