//! The reference backend: the contract of [`crate::sync::contract`] served over PostgreSQL
//! (`comptoir hub`). `docs/backend.md` describes it for those who connect to it.
//!
//! - [`store`] holds PostgreSQL's SQL, and nothing else does.
//! - [`serve`] holds the routes: for terminals (signed), for staff (a bearer token), and the
//!   test page where an order is paid.
//! - [`check`] and [`rows`] are what must hold of an order and of a product before it is kept.
//! - [`scratch`] makes a throw-away PostgreSQL for tests and measurements.
//!
//! Hubs keep nothing between requests: as many as are wanted serve one database.

pub mod check;
pub mod keys;
pub mod load;
pub mod refusal;
pub mod rows;
pub mod scratch;
pub mod serve;
pub mod start;
pub mod store;
