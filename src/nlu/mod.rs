//! Understanding: a transcript becomes commands of the closed set.

pub mod command;
pub mod slot;
