//! The hub over a real PostgreSQL: what is acknowledged is there, once, whatever breaks.
#![cfg(feature = "hub")]
#![allow(clippy::unwrap_used)]

mod catalog;
mod command_line;
mod contract;
mod faults;
mod intake;
mod pay;
mod staff;
mod support;
mod terminal;
mod webhooks;
