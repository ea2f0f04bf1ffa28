//! The pure core: state, events in, effects out. No IO, no clock, no async.

pub mod effect;
pub mod event;

pub use effect::Effect;
pub use event::Event;
