//! The shop: plain types of catalog, cart and orders, and the store that holds them.

pub mod cart;
pub mod info;
pub mod money;
pub mod order;
pub mod product;
pub mod search;
