//! wyoming
