//! Measuring: time by stage over many runs, word errors, memory.

#[cfg(feature = "audio")]
pub mod acoustics;
pub mod coffee;
pub mod demo;
pub mod memory;
pub mod report;
pub mod shop;
#[cfg(feature = "audio")]
pub mod room;
#[cfg(feature = "audio")]
pub mod simulation;
#[cfg(feature = "audio")]
pub mod soak;
pub mod stats;
#[cfg(feature = "audio")]
pub mod trials;
pub mod words;
