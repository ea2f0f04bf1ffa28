//! Medians, not means: one slow run on a busy machine must not hide the usual one.

use serde::Serialize;

/// What a series of measurements says, in its own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub n: usize,
    /// Half are at most this.
    pub median: f64,
    /// 95 % are at most this (nearest rank).
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Of a series; `None` when it is empty.
    #[must_use]
    pub fn of(mut series: Vec<f64>) -> Option<Self> {
        series.retain(|x| x.is_finite());
        series.sort_by(f64::total_cmp);
        let rank = |p: f64| {
            let i = (p * series.len() as f64).ceil() as usize;
            series.get(i.clamp(1, series.len().max(1)) - 1).copied()
        };
        Some(Self {
            n: series.len(),
            median: rank(0.5)?,
            p95: rank(0.95)?,
            max: *series.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(Summary::of(vec![]), None);
        let s = Summary::of((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!((s.n, s.median, s.p95, s.max), (100, 50.0, 95.0, 100.0));
        let one = Summary::of(vec![7.0]).unwrap();
        assert_eq!((one.median, one.p95, one.max), (7.0, 7.0, 7.0));
    }
}
