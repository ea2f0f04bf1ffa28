//! Scenarios: conversations as data, and whether they went as they should.

pub mod check;
pub mod report;
pub mod scenario;
