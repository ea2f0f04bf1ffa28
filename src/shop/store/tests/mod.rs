//! The store, tried as a shop would.
