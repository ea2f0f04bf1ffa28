//! One event in, effects out.

use super::{
    effect::{Effect, OrderLookup, Reply, ReplyId},
    event::{Event, RequestId, Unheard, Utterance},
    policy::Said,
    question::Question,
    reply::{Audience, Message, Mode},
    state::{Asked, Queued, State, Waiting},
    then::Then,
};
use jiff::Zoned;
use std::collections::VecDeque;

/// How many utterances the story for staff holds, and how many characters of each.
const STORY: (usize, usize) = (12, 200);
/// At most so many commands of one utterance are run.
const MAX_COMMANDS: usize = 20;

/// Takes one event and says what is to be done. Never fails and never waits: what it needs of
/// the world it asks for as an effect, whose answer is a later event.
pub fn step(state: &mut State, event: Event, now: &Zoned) -> Vec<Effect> {
    let mut run = Run {
        s: state,
        now,
        out: Vec::new(),
    };
    run.event(event);
    run.out
}

/// A step under way.
pub(super) struct Run<'a> {
    pub s: &'a mut State,
    pub now: &'a Zoned,
    pub out: Vec<Effect>,
}

impl Run<'_> {
    fn event(&mut self, event: Event) {
        let now = self.now.timestamp();
        match event {
            Event::Started {
                activation,
                language,
                surface,
            } => {
                self.give_up_checkout();
                self.s.wipe();
                self.s.activation = activation;
                self.s.language = language;
                self.s.surface = surface;
                self.s.active_at = Some(now);
                match self.s.info.text("greeting", language).map(str::to_owned) {
                    Some(text) => self.say(Message::new("as-written").words("text", text)),
                    None => {
                        let shop = self.s.info.name.clone();
                        self.say(Message::new("welcome").words("shop", shop));
                    }
                }
                self.finish();
            }
            Event::Understood(utterance) => {
                self.s.active_at = Some(now);
                self.understood(utterance);
            }
            Event::Unheard(why) => self.unheard(why),
            Event::Spoken { reply } => {
                self.s.active_at = Some(self.s.active_at.map_or(now, |a| a.max(now)));
                self.heard_to_its_end(reply);
            }
            Event::Interrupted { reply } => self.cut_off(reply),
            Event::Typed { pin } => {
                self.s.active_at = Some(now);
                self.typed(pin);
            }
            Event::Tick => self.tick(),
            Event::Left => {
                self.give_up_checkout();
                self.s.wipe();
                self.out.push(Effect::EndSession);
            }
            answer => self.answered(answer),
        }
    }

    fn understood(&mut self, mut u: Utterance) {
        if u.language != self.s.language && !u.commands.is_empty() {
            self.set_language(u.language);
        }
        u.commands.truncate(MAX_COMMANDS);
        let said = Said {
            source: u.source,
            heard: u.heard,
            began_at: u.heard.began_at.unwrap_or_else(|| self.now.timestamp()),
            alone: u.commands.len() == 1,
        };
        let queued = |commands: &[crate::nlu::command::Command]| -> VecDeque<Queued> {
            commands
                .iter()
                .map(|c| Queued {
                    command: c.clone(),
                    said,
                })
                .collect()
        };
        if self
            .s
            .turn
            .waiting
            .as_ref()
            .is_some_and(|w| w.then.writes())
        {
            // A write under way is never given up; what is said meanwhile comes after it. A
            // yes would answer a question that is already answered.
            let mut next = queued(&u.commands);
            next.retain(|q| !matches!(q.command, crate::nlu::command::Command::Affirm {}));
            self.s.turn.queue.append(&mut next);
            self.s.turn.queue.truncate(MAX_COMMANDS);
            return;
        }
        self.abandon_turn();
        self.note(&u);
        if u.degraded && !self.s.said_degraded {
            self.s.said_degraded = true;
            self.say(Message::new("degraded"));
        }
        let neutral = !u.commands.is_empty() && u.commands.iter().all(super::talk::leaves_question);
        let answered = match self.s.question.take() {
            Some(asked) if neutral => {
                self.s.question = Some(asked);
                // What is held back stays so; these are run at once.
                for q in queued(&u.commands) {
                    self.run(q.command, q.said);
                }
                true
            }
            Some(asked) => match self.answer(&asked, &u, &said) {
                Some(taken) => {
                    self.s.unclear = 0;
                    let mut rest = queued(u.commands.get(taken..).unwrap_or_default());
                    rest.append(&mut self.s.later);
                    self.s.turn.queue = rest;
                    true
                }
                None => {
                    // Something else was said. A read-back stays open; other questions do not.
                    self.s.later.clear();
                    if u.commands.is_empty() {
                        self.s.question = Some(asked);
                    }
                    false
                }
            },
            None => false,
        };
        if !answered {
            if u.commands.is_empty() {
                self.not_understood();
            } else if self.doubts(&u) {
                self.s.unclear = 0;
            } else {
                self.s.unclear = 0;
                self.s.turn.queue = queued(&u.commands);
            }
        }
        self.go_on();
    }

    /// Keeps what was said for the story that staff get; never a post code or a PIN.
    fn note(&mut self, u: &Utterance) {
        let secret = self
            .s
            .question
            .as_ref()
            .is_some_and(|q| matches!(q.question, Question::SecondFact { .. }));
        if secret || u.text.trim().is_empty() {
            return;
        }
        if self.s.asked.len() == STORY.0 {
            self.s.asked.pop_front();
        }
        self.s
            .asked
            .push_back(u.text.chars().take(STORY.1).collect());
    }

    /// Drops what the last turn still waited for. A reservation that comes late is released.
    fn abandon_turn(&mut self) {
        if let Some(w) = self.s.turn.waiting.take()
            && matches!(w.then, Then::Reserve)
        {
            self.s.abandoned.push(w.request);
            self.s.checkout = None;
        }
        self.s.turn = Default::default();
    }

    fn answered(&mut self, event: Event) {
        let (Event::Found { request, .. }
        | Event::Orders { request, .. }
        | Event::Points { request, .. }
        | Event::Reserve { request, .. }
        | Event::Placed { request, .. }
        | Event::Written { request, .. }) = &event
        else {
            return;
        };
        let request = *request;
        if let Some(i) = self.s.abandoned.iter().position(|r| *r == request) {
            self.s.abandoned.remove(i);
            if let Event::Reserve { result: Ok(r), .. } = event {
                self.out.push(Effect::Release { order: r.order });
            }
            return;
        }
        if self
            .s
            .turn
            .waiting
            .as_ref()
            .is_none_or(|w| w.request != request)
        {
            return;
        }
        let Some(waiting) = self.s.turn.waiting.take() else {
            return;
        };
        match (event, waiting.then) {
            (Event::Found { found: None, .. }, _) => self.say(Message::new("catalog-down")),
            (Event::Found { found: Some(f), .. }, then) => self.found(f, then),
            (Event::Orders { found, .. }, Then::Orders(task)) => self.orders_found(found, *task),
            (Event::Orders { found, .. }, Then::Watch) => self.watched(found),
            (Event::Points { points, .. }, Then::Points) => self.points_found(points),
            (Event::Reserve { result, .. }, Then::Reserve) => self.reserved(result),
            (Event::Placed { result, .. }, Then::Place) => self.placed(result),
            (Event::Written { result, .. }, then) => self.written(result, then),
            // An answer of another kind than was asked for: as if it had failed.
            _ => self.say(Message::new("went-wrong")),
        }
        self.go_on();
    }

    /// Runs what is queued until an answer is needed, then says what there is to say.
    pub fn go_on(&mut self) {
        while self.s.turn.waiting.is_none() {
            if self.s.retitle {
                self.retitle();
                continue;
            }
            // A question that needs its answer holds back what was said after it.
            if self.s.question.as_ref().is_some_and(|q| q.question.holds()) {
                self.s.later.append(&mut self.s.turn.queue);
                break;
            }
            let Some(next) = self.s.turn.queue.pop_front() else {
                break;
            };
            self.run(next.command, next.said);
        }
        if self.s.turn.waiting.is_none() {
            self.finish();
        }
    }

    /// Says what the turn gathered, as one reply.
    pub fn finish(&mut self) {
        let parts = std::mem::take(&mut self.s.turn.parts);
        let read_back_open = self.s.checkout.as_ref().is_some_and(|c| c.awaits_yes());
        let unasked = self.s.question.is_none() && !parts.is_empty();
        if read_back_open && unasked {
            self.ask_again_to_confirm();
        }
        let asks = match &mut self.s.question {
            Some(asked) if !asked.said => {
                asked.said = true;
                Some(asked.message.clone())
            }
            _ => None,
        };
        if parts.is_empty() && asks.is_none() {
            return;
        }
        self.reply(&parts, asks);
    }

    /// Makes one reply of these messages and, last, a question.
    pub fn reply(&mut self, parts: &[(Audience, Message)], asks: Option<Message>) {
        self.s.replies += 1;
        let id = ReplyId(self.s.replies);
        let language = self.s.language;
        let render = |mode: Mode| {
            parts
                .iter()
                .filter(|(who, _)| mode == Mode::Text || *who == Audience::Both)
                .map(|(_, m)| m)
                .chain(asks.as_ref())
                .map(|m| m.render(language, mode))
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let reply = Reply {
            id,
            language,
            text: render(Mode::Text),
            speech: render(Mode::Speech),
            asks: asks.as_ref().map(|m| m.render(language, Mode::Text)),
            keys: parts
                .iter()
                .map(|(_, m)| m)
                .chain(asks.as_ref())
                .map(|m| m.key.to_owned())
                .collect(),
            fixed: parts
                .iter()
                .filter(|(who, _)| *who == Audience::Both)
                .map(|(_, m)| m)
                .chain(asks.as_ref())
                // The greeting's one fact is the shop's name.
                .all(|m| m.facts().is_empty() || m.key == "welcome"),
        };
        if asks.is_some() {
            let full = parts.iter().any(|(_, m)| m.key == "read-back");
            self.read_back_said(id, full);
        }
        self.s.last_reply = Some(reply.clone());
        self.out.push(Effect::Say(reply));
    }

    /// Adds a sentence to the turn's reply.
    pub fn say(&mut self, message: Message) {
        self.s.turn.parts.push((Audience::Both, message));
    }

    /// Adds something that is shown and not said.
    pub fn show(&mut self, message: Message) {
        self.s.turn.parts.push((Audience::Eyes, message));
    }

    /// Asks a question at the end of the turn's reply.
    pub fn ask(&mut self, question: Question, message: Message) {
        self.s.question = Some(Asked {
            question,
            message,
            said: false,
            again: false,
        });
    }

    /// Asks the world; the turn goes on with the answer.
    pub fn wait(&mut self, then: Then, effect: impl FnOnce(RequestId) -> Effect) {
        self.s.requests += 1;
        let request = RequestId(self.s.requests);
        self.s.turn.waiting = Some(Waiting {
            request,
            then,
            since: self.now.timestamp(),
        });
        self.out.push(effect(request));
    }

    fn unheard(&mut self, why: Unheard) {
        match why {
            Unheard::EngineDown => {
                self.s
                    .turn
                    .parts
                    .push((Audience::Both, Message::new("engine-down")));
                if !self.s.is_waiting() {
                    self.finish();
                }
            }
            _ if self.s.is_waiting() => {}
            Unheard::Nothing => self.ask_once_more(),
            Unheard::Unclear => {
                self.s.active_at = Some(self.now.timestamp());
                self.not_understood();
                self.finish();
            }
        }
    }

    /// After silence a pending question is asked once more, and only once.
    fn ask_once_more(&mut self) {
        let Some(asked) = &mut self.s.question else {
            return;
        };
        if asked.again || !asked.question.worth_repeating() {
            return;
        }
        asked.again = true;
        let message = asked.message.clone();
        self.reply(&[], Some(message));
    }

    fn not_understood(&mut self) {
        self.s.unclear = self.s.unclear.saturating_add(1);
        let key = match (self.s.unclear, self.s.surface.screen) {
            (1, _) => "unclear",
            (_, true) => "unclear-screen",
            (_, false) => "unclear-again",
        };
        self.say(Message::new(key));
        if let Some(asked) = &mut self.s.question {
            asked.said = false;
        }
    }

    fn tick(&mut self) {
        let now = self.now.timestamp();
        if let Some(w) = &self.s.turn.waiting {
            if now.duration_since(w.since) < self.s.policy.answer_deadline {
                return;
            }
            let writes = w.then.writes();
            if matches!(w.then, Then::Watch) {
                // Nobody asked for it.
                self.s.turn = Default::default();
                return;
            }
            if matches!(w.then, Then::Reserve) {
                let request = w.request;
                self.s.abandoned.push(request);
                self.s.checkout = None;
            }
            self.s.turn = Default::default();
            self.say(Message::new(if writes {
                "no-answer-write"
            } else {
                "no-answer"
            }));
            if writes {
                self.s.checkout = None;
            }
            self.finish();
            return;
        }
        let limit = if self.s.placed.is_empty() {
            self.s.policy.idle
        } else {
            self.s.policy.idle_after_order
        };
        let idle = self
            .s
            .active_at
            .is_some_and(|at| now.duration_since(at) >= limit);
        if self.s.surface.public && idle {
            self.give_up_checkout();
            self.s.wipe();
            self.out.push(Effect::EndSession);
            return;
        }
        if let Some(order) = self.to_watch() {
            self.s.watched_at = Some(now);
            let lookup = OrderLookup::OwnSession { order };
            self.wait(Then::Watch, |request| Effect::FindOrders {
                request,
                lookup,
            });
        }
    }
}
