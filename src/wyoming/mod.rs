//! The Wyoming protocol: how Comptoir talks to its speech workers, and Home Assistant to them.
//!
//! An event is one line of JSON (`type`, `data`, `data_length`, `payload_length`), then
//! `data_length` bytes of JSON, then `payload_length` bytes of audio. The reference is the
//! Python package `wyoming` (<https://github.com/OHF-Voice/wyoming>), version 1.x.
//!
//! - [`codec`]: bytes to [`Event`] and back, with limits on what a peer can make us hold.
//! - [`message`], [`info`]: the events we use, typed.
//! - [`pcm`]: the payload of audio chunks to samples and back.
//! - [`uri`]: `unix://PATH`, `tcp://HOST:PORT`, `stdio://`.
//! - [`server`], [`client`]: one connection a request; closing it cancels the request.
//! - [`worker`]: a service as a program of its own.

pub mod client;
pub mod codec;
pub mod info;
pub mod message;
pub mod pcm;
pub mod server;
pub mod uri;
pub mod worker;

pub use client::{Client, ClientError};
pub use codec::{CodecError, Event, EventReader, EventWriter, Limits};
pub use message::Message;
pub use uri::Uri;
