//! Between the shop's store and the retailer's systems: feeds in, orders out, events back.

pub mod client;
pub mod catalog;
pub mod contract;
pub mod courier;
pub mod events;
pub mod signature;
pub mod webhook;
