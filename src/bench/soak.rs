//! The live daemon for a long time, in a [`Simulation`]: session after session, and what it
//! costs at the end against the beginning.

use super::{
    acoustics::Echo,
    memory,
    simulation::{Simulation, SimulationError, recording},
    stats::Summary,
    trials,
};
use crate::{
    daemon::{live::Press, shopfront::Shopfront},
    lang::Language,
};
use serde::Serialize;
use std::path::PathBuf;

/// What a stretch of turns cost.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stretch {
    /// Turns so far.
    pub turns: usize,
    /// Resident memory of all processes at its end, MiB.
    pub rss_mib: f64,
    /// Open file handles of all processes at its end.
    pub handles: usize,
    /// Transcribing, understanding and answering a turn, ms.
    pub turn_ms: Option<Summary>,
}

/// A soak.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Soak {
    /// Turns that were taken.
    pub turns: usize,
    /// Utterances that were not.
    pub missed: usize,
    /// Sessions.
    pub sessions: usize,
    /// In order, a tenth of the turns each.
    pub stretches: Vec<Stretch>,
}

impl Soak {
    /// How much more the last stretch takes than the one in the middle: memory, handles and time as
    /// ratios. (Before that engines fill their caches, and each voice its arena.)
    #[must_use]
    pub fn growth(&self) -> Option<(f64, f64, f64)> {
        let (early, late) = (
            self.stretches.get(self.stretches.len() / 2)?,
            self.stretches.last()?,
        );
        Some((
            late.rss_mib / early.rss_mib,
            late.handles as f64 / early.handles as f64,
            late.turn_ms?.median / early.turn_ms?.median,
        ))
    }
}

/// Holds conversations, in turn in each language, until there were so many turns.
///
/// # Errors
/// When a recording cannot be read, or the daemon does not go on.
pub async fn run(
    front: &Shopfront,
    conversations: &[(Language, Vec<PathBuf>)],
    turns: usize,
    mut told: impl FnMut(usize),
) -> anyhow::Result<Soak> {
    let mut said = Vec::new();
    for (_, files) in conversations {
        let all: Result<Vec<_>, _> = files.iter().map(|path| recording(path)).collect();
        said.push(all?);
    }
    let how = trials::settings(front, None, false);
    let (mut room, daemon) = Simulation::new(front, how, Some(Echo::ROOM))?;
    let daemon = Box::pin(daemon.run());
    let soak = Box::pin(async move {
        let mut soak = Soak::default();
        let mut times = Vec::new();
        let pids = memory::family(std::process::id());
        while soak.turns + soak.missed < turns {
            let files = &said[soak.sessions % said.len()];
            soak.sessions += 1;
            room.press(Press::Talk).await;
            room.hear_out().await?;
            for wish in files {
                room.say(wish);
                match room.turn().await {
                    Ok(turn) => {
                        soak.turns += 1;
                        let t = turn.timings_ms;
                        times.push([t.stt, t.nlu, t.dialogue].into_iter().flatten().sum());
                    }
                    Err(SimulationError::Absent { .. }) => soak.missed += 1,
                    Err(e) => return Err(e.into()),
                }
                told(soak.turns + soak.missed);
                room.hear_out().await?;
                let done = soak.turns + soak.missed;
                if done >= (soak.stretches.len() + 1) * turns.div_ceil(10) || done == turns {
                    soak.stretches.push(Stretch {
                        turns: done,
                        rss_mib: pids.iter().filter_map(|p| memory::rss_mib(*p)).sum(),
                        handles: pids.iter().filter_map(|p| memory::handles(*p)).sum(),
                        turn_ms: Summary::of(std::mem::take(&mut times)),
                    });
                }
                if done == turns {
                    break;
                }
            }
            room.press(Press::End).await;
            room.hear_out().await?;
        }
        anyhow::Ok(soak)
    });
    tokio::select! {
        soak = soak => soak,
        () = daemon => anyhow::bail!("the daemon ended by itself"),
    }
}
