//! Measuring: time by stage over many runs, word errors, memory.

pub mod coffee;
pub mod demo;
pub mod memory;
pub mod report;
#[cfg(feature = "audio")]
pub mod room;
pub mod stats;
pub mod words;
