//! Between the shop's store and the retailer's systems: feeds in, orders out, events back.

pub mod catalog;
pub mod contract;
pub mod signature;
