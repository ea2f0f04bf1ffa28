//! From the tuned model's probability of its answer to how often such an answer is right.
//!
//! A model's probability orders its answers well and says too much (or too little) of each. Platt
//! scaling (Platt 1999, "Probabilistic outputs for support vector machines"): a logistic curve over
//! the log odds, fitted to sentences that the model was not trained on
//! (`scripts/train/calibrate.py`). Its two numbers belong to the adapter and stand beside it.

use serde::Deserialize;
use std::sync::LazyLock;

/// The curve of the adapter in `models/`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Curve {
    /// Factor of the log odds.
    slope: f64,
    /// Added to them.
    offset: f64,
}

// Part of the program, read by a test: not input.
static CURVE: LazyLock<Curve> = LazyLock::new(|| {
    toml::from_str(include_str!("../../models/comptoir-nlu.calibration.toml"))
        .expect("the bundled calibration is well formed")
});

/// The share of answers of this probability that are right, 0 to 1.
#[must_use]
pub fn calibrated(probability: f32) -> f32 {
    let p = f64::from(probability).clamp(1e-6, 1.0 - 1e-6);
    let odds = CURVE.slope * (p / (1.0 - p)).ln() + CURVE.offset;
    (1.0 / (1.0 + (-odds).exp())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_probable_is_more_often_right() {
        let curve: Vec<f32> = [0.0, 0.1, 0.5, 0.9, 1.0].map(calibrated).to_vec();
        assert!(curve.windows(2).all(|w| w[0] < w[1]), "{curve:?}");
        assert!(curve.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}
