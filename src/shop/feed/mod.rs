//! Product feeds: from a retailer's file to checked rows.

mod row;

pub use row::{FeedRow, Sale, UnitPricing};
