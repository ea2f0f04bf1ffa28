//! The reference backend: the contract of [`crate::sync::contract`] served over PostgreSQL.
