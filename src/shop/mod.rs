//! The shop: plain types of catalog, cart and orders, and the store that holds them.

pub mod cart;
pub mod customer;
pub mod facets;
pub mod feed;
pub mod info;
pub mod load;
pub mod money;
pub mod order;
pub mod product;
pub mod search;
pub mod store;
pub mod words;
