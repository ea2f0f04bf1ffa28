//! Whether a text says only what the turn knows.
