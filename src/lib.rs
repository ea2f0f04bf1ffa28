//! Comptoir: an on-device voice shopping assistant, in English and French.
//!
//! # The path of an utterance
//!
//! ```text
//! audio -> vad -> stt -> nlu -> dialogue -> shop -> dialogue::reply -> tts -> audio
//! ```
//!
//! The `mod` lines below stand in that order. A reader follows an utterance through the
//! folders from top to bottom, in one direction. Around the path stand the seams
//! ([`wyoming`], the OpenAI-compatible client in [`nlu`]), the one loop ([`session`]) and
//! the composition root ([`daemon`]).
//!
//! | process (bin) | job | talks |
//! |---|---|---|
//! | `comptoir` | orchestrates: dialogue, shop, CLI | |
//! | `comptoir-stt` | speech to text (whisper.cpp) | Wyoming ASR |
//! | `comptoir-llm` | text to commands (llama.cpp) | OpenAI-compatible HTTP |
//! | `comptoir-tts` | text to speech (Piper, Kokoro) | Wyoming TTS |
//!
//! # Invariants
//!
//! 1. [`dialogue`] is pure: no IO, no clock, no randomness, no async, no engine. Time
//!    comes in as an argument, identifiers come in with events.
//! 2. Stages share plain types, never each other's implementation. Only [`session`]
//!    sequences them; only [`daemon`] names concrete engines.
//! 3. Only `shop::store` holds SQLite's SQL (and `hub::store` PostgreSQL's). Migrations are append-only files on `user_version`.
//! 4. Every request to an engine carries a turn id and a deadline; closing its connection
//!    cancels it; a late answer is dropped by its id.
//! 5. The model proposes, deterministic code disposes: prices, totals, stock, quantities,
//!    identity and every write come from rows and rules, never from generated text.
//! 6. A purchase is confirmed by the fast path only, for the cart that was read back,
//!    within 30 s of the end of the read-back.
//! 7. The library links no native engine (`cargo tree --no-default-features`).
//! 8. Nothing outside `bin/` ends the process; nothing from outside is unwrapped.
//!
//! `tests/invariants.rs` checks those that a test can see.

pub mod lang;

pub mod audio;
pub mod vad;
pub mod wyoming;
pub mod stt;
pub mod nlu;
pub mod dialogue;
pub mod shop;
pub mod tts;

pub mod sync;
#[cfg(feature = "hub")]
pub mod hub;

pub mod session;
pub mod daemon;

pub mod settings;
pub mod models;
pub mod eval;
pub mod bench;
pub mod cli;
