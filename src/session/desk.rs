//! The shop's side of the loop: a thread that owns the store and answers effects with events.
//!
//! The store blocks, so it has a thread of its own. Requests wait in a bounded queue; an answer
//! that does not come in time is given up, and the core is told that the shop could not answer.

use crate::dialogue::{
    Effect, Event,
    event::{OrdersFound, RequestId, ReserveRefusal, WriteRefusal},
};
use jiff::Timestamp;
use std::{sync::mpsc, time::Duration};
use tokio::{sync::oneshot, time::timeout};

/// Answers what the dialogue asks of the shop. Blocks.
pub trait Desk {
    /// The answer to an effect that asks for one; `None` for any other effect.
    fn answer(&mut self, effect: Effect, now: Timestamp) -> Option<Event>;
}

struct Question {
    effect: Effect,
    now: Timestamp,
    reply: oneshot::Sender<Option<Event>>,
}

/// A desk on its own thread. Dropping it ends the thread after the question under way.
#[derive(Debug)]
pub struct DeskThread {
    questions: mpsc::SyncSender<Question>,
}

/// How many questions may wait.
const QUEUE: usize = 8;

impl DeskThread {
    /// How long an answer may take. A write that takes longer goes on; its answer is dropped,
    /// and the order's id keeps a second try from becoming a second order.
    pub const DEADLINE: Duration = Duration::from_secs(6);

    /// Opens the desk on its own thread.
    ///
    /// # Errors
    /// What `open` says.
    pub fn spawn<D: Desk, E: Send + 'static>(
        open: impl FnOnce() -> Result<D, E> + Send + 'static,
    ) -> Result<Self, E> {
        let (questions, inbox) = mpsc::sync_channel::<Question>(QUEUE);
        let (opened, is_open) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("shop".into())
            .spawn(move || {
                let mut desk = match open() {
                    Ok(desk) => {
                        let _ = opened.send(Ok(()));
                        desk
                    }
                    Err(e) => {
                        let _ = opened.send(Err(e));
                        return;
                    }
                };
                while let Ok(q) = inbox.recv() {
                    let _ = q.reply.send(desk.answer(q.effect, q.now));
                }
            })
            .map_or_else(
                |e| tracing::error!("expected a thread for the shop: {e}"),
                |_| (),
            );
        match is_open.recv() {
            Ok(Err(e)) => Err(e),
            // A thread that could not be made answers nothing, and every question fails softly.
            Ok(Ok(())) | Err(_) => Ok(Self { questions }),
        }
    }

    /// Asks; when the shop cannot answer in time, the answer says so.
    pub async fn ask(&self, effect: Effect, now: Timestamp) -> Option<Event> {
        let failed = failure(&effect);
        let (reply, answer) = oneshot::channel();
        if self
            .questions
            .try_send(Question { effect, now, reply })
            .is_err()
        {
            return failed;
        }
        match timeout(Self::DEADLINE, answer).await {
            Ok(Ok(event)) => event,
            Ok(Err(_)) | Err(_) => failed,
        }
    }
}

/// What the core is told when the shop could not answer.
#[must_use]
pub fn failure(effect: &Effect) -> Option<Event> {
    let unwritten = |request: RequestId| {
        Some(Event::Written {
            request,
            result: Err(WriteRefusal::Failed),
        })
    };
    match effect {
        Effect::Search { request, .. } => Some(Event::Found {
            request: *request,
            found: None,
        }),
        Effect::FindOrders { request, .. } => Some(Event::Orders {
            request: *request,
            found: OrdersFound::Unavailable,
        }),
        Effect::FindPoints { request, .. } => Some(Event::Points {
            request: *request,
            points: None,
        }),
        Effect::Reserve { request, .. } => Some(Event::Reserve {
            request: *request,
            result: Err(ReserveRefusal::Unavailable),
        }),
        Effect::PlaceOrder { request, .. } => Some(Event::Placed {
            request: *request,
            result: Err(WriteRefusal::Failed),
        }),
        Effect::CancelOrder { request, .. }
        | Effect::RequestReturn { request, .. }
        | Effect::OpenTicket { request, .. } => unwritten(*request),
        Effect::Release { .. }
        | Effect::Say(_)
        | Effect::StopSpeaking
        | Effect::SetLanguage(_)
        | Effect::AdjustSpeech { .. }
        | Effect::EndSession => None,
    }
}
