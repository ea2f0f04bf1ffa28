//! The one loop: events into the dialogue core, its effects out into the world.

pub mod turn;
