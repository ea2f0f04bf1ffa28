//! The kiosk's voice over a loudspeaker: sentence after sentence, held and taken up again where
//! a sentence began.

use super::Work;
use crate::{
    audio::{
        Pcm, Resampler,
        live::loudspeaker::{Loudspeaker, PLAY_RATE},
    },
    dialogue::effect::{Reply, ReplyId},
    lang::Language,
    tts::{Synthesize, SynthesizeRequest},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

/// The volume while the shopper begins to speak: -15 dB.
const QUIET: f32 = 0.18;
/// What may be queued ahead of the loudspeaker, in samples: 200 ms. What is held comes to rest
/// at once; this bounds what a change of mind throws away.
const AHEAD: u64 = PLAY_RATE as u64 / 5;
/// A loudspeaker that is away so long will not say what was to be said.
const AWAY: Duration = Duration::from_secs(3);

/// Something to say.
#[derive(Clone, Debug)]
pub enum Utter {
    /// A reply of the core, in sentences.
    Reply(Reply),
    /// A fixed sentence that nothing depends on.
    Phrase(String, Language),
    /// A sound of our own.
    Chime(Arc<Vec<f32>>),
}

/// What the voice is told.
#[derive(Debug)]
pub enum Order {
    /// Say this after what is being said. It is work from here on, until it is made.
    Say(Utter, Work),
    /// Quietly.
    Duck,
    /// At full volume again.
    Unduck,
    /// Hold.
    Hold,
    /// Take up the sentence that was held.
    Resume,
    /// Say nothing of it any more.
    Stop,
}

/// What the voice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The first sound of a reply is being played.
    Began(ReplyId),
    /// A reply was played to its end.
    Spoken(ReplyId),
    /// A reply was stopped before its end.
    Cut(ReplyId),
    /// Nothing is left to say.
    Silent,
    /// A reply could not be made into speech.
    Failed(ReplyId),
}

/// A handle on the voice's task.
#[derive(Clone, Debug)]
pub struct Speaker {
    orders: mpsc::Sender<Order>,
}

impl Speaker {
    /// Starts the voice on a loudspeaker; it ends when the last handle is dropped. It looks every
    /// `period` at what was played.
    #[must_use]
    pub fn spawn(
        loudspeaker: Loudspeaker,
        voice: Arc<dyn Synthesize>,
        first_within: Duration,
        period: Duration,
    ) -> (Self, mpsc::Receiver<Told>, JoinHandle<()>) {
        let (orders, inbox) = mpsc::channel(64);
        let (told, events) = mpsc::channel(64);
        let (made, pieces) = mpsc::channel(64);
        let mouth = Mouth {
            loudspeaker,
            voice,
            first_within,
            told,
            made,
            sentences: VecDeque::new(),
            next_id: 0,
            pushed: 0,
            maker: None,
            held: false,
            began: None,
            away_since: None,
        };
        let task = tokio::spawn(mouth.run(inbox, pieces, period));
        (Self { orders }, events, task)
    }

    /// Gives an order. A voice that has ended does not hear it.
    pub async fn order(&self, order: Order) {
        let _ = self.orders.send(order).await;
    }
}

/// A piece of a sentence from its maker.
enum Piece {
    Sound(Vec<f32>),
    End,
    Failed,
}

#[derive(Debug)]
struct Sentence {
    id: u64,
    what: Utter,
    text: String,
    reply: Option<ReplyId>,
    last: bool,
    /// A sentence of its reply could not be made.
    failed: bool,
    sound: Vec<f32>,
    complete: bool,
    /// How much of it is queued.
    at: usize,
    /// The count of the loudspeaker's samples where it begins.
    begins: u64,
    asked: bool,
    begun: bool,
    /// Until it is made.
    work: Option<Work>,
}

struct Mouth {
    loudspeaker: Loudspeaker,
    voice: Arc<dyn Synthesize>,
    first_within: Duration,
    told: mpsc::Sender<Told>,
    made: mpsc::Sender<(u64, Piece)>,
    sentences: VecDeque<Sentence>,
    next_id: u64,
    /// Samples queued, ever.
    pushed: u64,
    /// Makes the speech of one sentence.
    maker: Option<(u64, JoinHandle<()>)>,
    held: bool,
    /// The reply whose first sound was told last.
    began: Option<ReplyId>,
    /// Since when there is no loudspeaker for what is to be said.
    away_since: Option<Instant>,
}

impl Mouth {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Order>,
        mut pieces: mpsc::Receiver<(u64, Piece)>,
        period: Duration,
    ) {
        let mut clock = interval(period);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                order = inbox.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                Some((id, piece)) = pieces.recv() => self.store(id, piece).await,
                _ = clock.tick(), if !self.sentences.is_empty() => {}
            }
            self.make();
            self.play().await;
        }
        if let Some((_, maker)) = self.maker.take() {
            maker.abort();
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Say(what, work) => self.queue(what, work),
            // It has just ended: there is nothing to be quiet about.
            Order::Duck | Order::Hold if self.sentences.is_empty() => {}
            Order::Duck => self.loudspeaker.set_volume(QUIET),
            Order::Unduck => self.loudspeaker.set_volume(1.0),
            Order::Hold => {
                self.held = true;
                self.loudspeaker.hold(true);
            }
            Order::Resume => {
                self.forget().await;
                // The sentence that was cut is said again from its beginning.
                for sentence in &mut self.sentences {
                    sentence.at = 0;
                }
                self.release();
            }
            Order::Stop => self.stop().await,
        }
    }

    /// Says nothing of what is queued any more.
    async fn stop(&mut self) {
        if let Some((_, maker)) = self.maker.take() {
            maker.abort();
        }
        self.forget().await;
        let mut cut = Vec::new();
        for sentence in self.sentences.drain(..) {
            if let Some(reply) = sentence.reply
                && !cut.contains(&reply)
            {
                cut.push(reply);
            }
        }
        for reply in cut {
            let _ = self.told.send(Told::Cut(reply)).await;
        }
        self.began = None;
        self.release();
        let _ = self.told.send(Told::Silent).await;
    }

    fn release(&mut self) {
        self.held = false;
        self.loudspeaker.set_volume(1.0);
        self.loudspeaker.hold(false);
    }

    /// Takes back what is queued. A loudspeaker that is away is not waited for: it forgets when
    /// it is back. What was forgotten counts as played.
    async fn forget(&mut self) {
        self.loudspeaker.forget();
        let until = Instant::now() + Duration::from_millis(100);
        while self.loudspeaker.is_forgetting() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn queue(&mut self, what: Utter, work: Work) {
        let parts = match &what {
            Utter::Reply(reply) => sentences(&reply.speech),
            Utter::Phrase(text, _) => vec![text.clone()],
            Utter::Chime(_) => vec![String::new()],
        };
        let reply = match &what {
            Utter::Reply(reply) => Some(reply.id),
            _ => None,
        };
        let count = parts.len();
        for (i, text) in parts.into_iter().enumerate() {
            self.next_id += 1;
            let sound = match &what {
                Utter::Chime(sound) => sound.to_vec(),
                _ => Vec::new(),
            };
            self.sentences.push_back(Sentence {
                id: self.next_id,
                text,
                reply,
                last: i + 1 == count,
                failed: false,
                complete: !sound.is_empty(),
                asked: !sound.is_empty(),
                sound,
                at: 0,
                begins: 0,
                begun: false,
                // A chime is made already.
                work: (!matches!(what, Utter::Chime(_))).then(|| work.clone()),
                what: what.clone(),
            });
        }
    }

    /// Has the next sentence made, one at a time.
    fn make(&mut self) {
        if self.maker.is_some() {
            return;
        }
        let Some(sentence) = self.sentences.iter_mut().find(|s| !s.asked) else {
            return;
        };
        sentence.asked = true;
        let (language, fixed) = match &sentence.what {
            Utter::Reply(reply) => (reply.language, reply.fixed),
            Utter::Phrase(_, language) => (*language, true),
            Utter::Chime(_) => return,
        };
        let (id, text, voice, made) = (
            sentence.id,
            sentence.text.clone(),
            self.voice.clone(),
            self.made.clone(),
        );
        let first_within = self.first_within;
        let work = sentence.work.take();
        let task = tokio::spawn(async move {
            let _work = work;
            let mut request = SynthesizeRequest::new(&text, language, first_within * 4);
            request.first_within = first_within;
            request.fixed = fixed;
            // Pieces come in a callback; they go on through a queue that never fills.
            let (raw, mut pieces) = mpsc::unbounded_channel::<Pcm>();
            let forward = {
                let made = made.clone();
                async move {
                    let mut resampler: Option<Resampler> = None;
                    while let Some(pcm) = pieces.recv().await {
                        if resampler.is_none() {
                            resampler = Resampler::new(pcm.rate, PLAY_RATE).ok();
                        }
                        let mut out = Vec::new();
                        if let Some(resampler) = &mut resampler {
                            let _ = resampler.push(&pcm.samples, &mut out);
                        }
                        let _ = made.send((id, Piece::Sound(out))).await;
                    }
                    let mut out = Vec::new();
                    if let Some(resampler) = resampler {
                        let _ = resampler.finish(&mut out);
                    }
                    let _ = made.send((id, Piece::Sound(out))).await;
                }
            };
            let speak = async move {
                let mut heard = |pcm: &Pcm| {
                    let _ = raw.send(pcm.clone());
                };
                voice.synthesize(request, &mut heard).await
            };
            let (spoken, ()) = tokio::join!(speak, forward);
            let end = match spoken {
                Ok(pcm) if !pcm.samples.is_empty() || !text.contains(char::is_alphanumeric) => {
                    Piece::End
                }
                Ok(_) => {
                    tracing::error!("expected speech for {text:?}, found silence");
                    Piece::Failed
                }
                Err(e) => {
                    tracing::error!("{e}");
                    Piece::Failed
                }
            };
            let _ = made.send((id, end)).await;
        });
        self.maker = Some((id, task));
    }

    async fn store(&mut self, id: u64, piece: Piece) {
        let of_maker = self.maker.as_ref().is_some_and(|(making, _)| *making == id);
        if of_maker && !matches!(piece, Piece::Sound(_)) {
            self.maker = None;
        }
        let Some(sentence) = self.sentences.iter_mut().find(|s| s.id == id) else {
            return;
        };
        match piece {
            Piece::Sound(more) => sentence.sound.extend(more),
            Piece::End => sentence.complete = true,
            Piece::Failed => {
                sentence.complete = true;
                let reply = sentence.reply;
                if let Some(reply) = reply {
                    for part in &mut self.sentences {
                        part.failed |= part.reply == Some(reply);
                    }
                    let _ = self.told.send(Told::Failed(reply)).await;
                }
            }
        }
    }

    /// Queues what there is, and tells what was played.
    async fn play(&mut self) {
        if self.sentences.is_empty() || self.loudspeaker.health().is_present() {
            self.away_since = None;
        } else if self.away_since.get_or_insert_with(Instant::now).elapsed() > AWAY {
            // Nobody hears it; and the next shopper must not.
            return self.stop().await;
        }
        let played = self.loudspeaker.played();
        if !self.held && !self.loudspeaker.is_forgetting() {
            let mut room = AHEAD.saturating_sub(self.pushed.saturating_sub(played));
            for sentence in &mut self.sentences {
                if sentence.at == 0 {
                    sentence.begins = self.pushed;
                }
                let left = &sentence.sound[sentence.at..];
                let count = left.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                let count = self.loudspeaker.push(&left[..count]);
                sentence.at += count;
                self.pushed += count as u64;
                room -= count as u64;
                if !(sentence.complete && sentence.at == sentence.sound.len()) {
                    break;
                }
            }
        }
        while let Some(sentence) = self.sentences.front_mut() {
            if !sentence.begun && sentence.at > 0 && played > sentence.begins {
                sentence.begun = true;
                if let Some(reply) = sentence.reply
                    && self.began != Some(reply)
                {
                    self.began = Some(reply);
                    let _ = self.told.send(Told::Began(reply)).await;
                }
            }
            let end = sentence.begins + sentence.sound.len() as u64;
            let whole = sentence.complete && sentence.at == sentence.sound.len();
            if !whole || played < end {
                break;
            }
            let done = self.sentences.pop_front();
            // A reply of which a part could not be spoken was not heard.
            let whole = done.filter(|s| s.last && !s.failed);
            if let Some(reply) = whole.and_then(|s| s.reply) {
                let _ = self.told.send(Told::Spoken(reply)).await;
            }
            if self.sentences.is_empty() {
                self.began = None;
                self.release();
                let _ = self.told.send(Told::Silent).await;
            }
        }
    }
}

/// A text in sentences: what is said again after an interruption. Short ones stay with the next.
#[must_use]
pub fn sentences(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        current.push(c);
        let ends = matches!(c, '.' | '!' | '?' | ';' | ':')
            && chars.peek().is_none_or(|next| next.is_whitespace());
        if ends && current.trim().chars().count() >= 12 {
            all.push(current.trim().to_owned());
            current.clear();
        }
    }
    if !current.trim().is_empty() {
        all.push(current.trim().to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn a_reply_is_cut_after_its_sentences() {
        assert_eq!(
            sentences("Yes. It costs 3.50 euros. Do you want it? Say \"yes\" or \"no\"."),
            [
                "Yes. It costs 3.50 euros.",
                "Do you want it?",
                "Say \"yes\" or \"no\"."
            ]
        );
        assert_eq!(sentences("Hello"), ["Hello"]);
        assert!(sentences("  ").is_empty());
    }
}
