//! What a session knows: plain data, changed by [`super::step`] only.

use super::{
    checkout::{Checkout, Terms},
    effect::{Reply, ReplyId},
    event::{Activation, RequestId, Surface},
    policy::{Policy, Said},
    question::Question,
    reply::{Audience, Message, Mode},
    search::Shown,
    then::Then,
};
use crate::{
    lang::Language,
    nlu::command::{Command, Context},
    shop::{
        cart::{Cart, CartLine},
        info::ShopInfo,
        order::{Order, OrderNumber},
        product::{Product, ProductId},
    },
};
use jiff::{Timestamp, Zoned};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// How many steps back `undo` goes.
const UNDO_STEPS: usize = 20;

/// A command that waits for its turn, with how it was said.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub command: Command,
    pub said: Said,
}

/// An answer of the world that is waited for.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub request: RequestId,
    pub then: Then,
    pub since: Timestamp,
}

/// The turn under way: what is still to be done and what is to be said at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    pub queue: VecDeque<Queued>,
    pub parts: Vec<(Audience, Message)>,
    pub waiting: Option<Waiting>,
}

/// A question that was asked, or is about to be.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub question: Question,
    pub message: Message,
    /// Whether it is in a reply already.
    pub said: bool,
    /// Whether it was asked again after silence.
    pub again: bool,
}

/// The state of one session.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) info: ShopInfo,
    pub(super) policy: Policy,
    pub(super) language: Language,
    pub(super) activation: Activation,
    pub(super) surface: Surface,
    pub(super) turn: Turn,
    /// Commands of the utterance that wait for the answer to a question.
    pub(super) later: VecDeque<Queued>,
    pub(super) question: Option<Asked>,
    pub(super) shown: Shown,
    /// What "it" is.
    pub(super) focus: Option<Product>,
    pub(super) cart: Cart,
    /// The rows of what is in the cart, by id.
    pub(super) rows: BTreeMap<ProductId, Product>,
    /// The line that was changed last.
    pub(super) last_line: Option<usize>,
    pub(super) undo: Vec<Cart>,
    pub(super) terms: Terms,
    pub(super) checkout: Option<Checkout>,
    /// Orders placed in this session, oldest first.
    pub(super) placed: Vec<Order>,
    /// When they were last looked at again.
    pub(super) watched_at: Option<Timestamp>,
    /// The order by which this session proved who it is.
    pub(super) proven: Option<OrderNumber>,
    /// The order last spoken of.
    pub(super) order: Option<Order>,
    /// What was asked, for the story that staff get. Newest last.
    pub(super) asked: VecDeque<String>,
    pub(super) last_reply: Option<Reply>,
    /// Whether the names in the cart are still in the language before.
    pub(super) retitle: bool,
    /// Whether the fallback was owned up to.
    pub(super) said_degraded: bool,
    /// Whether an out-of-scope utterance was answered before.
    pub(super) said_scope: bool,
    /// Utterances in a row that were not understood.
    pub(super) unclear: u32,
    pub(super) active_at: Option<Timestamp>,
    pub(super) requests: u64,
    pub(super) replies: u64,
    /// Reservations given up while their answer was still out: released when it comes.
    pub(super) abandoned: Vec<RequestId>,
}

impl State {
    /// A session that has not begun, in a shop with these facts and rules.
    #[must_use]
    pub fn new(info: ShopInfo, policy: Policy) -> Self {
        Self {
            info,
            policy,
            language: Language::En,
            activation: Activation::Sound,
            surface: Surface {
                screen: false,
                public: false,
            },
            turn: Turn::default(),
            later: VecDeque::new(),
            question: None,
            shown: Shown::default(),
            focus: None,
            cart: Cart::default(),
            rows: BTreeMap::new(),
            last_line: None,
            undo: Vec::new(),
            terms: Terms::default(),
            checkout: None,
            placed: Vec::new(),
            watched_at: None,
            proven: None,
            order: None,
            asked: VecDeque::new(),
            last_reply: None,
            retitle: false,
            said_degraded: false,
            said_scope: false,
            unclear: 0,
            active_at: None,
            requests: 0,
            replies: 0,
            abandoned: Vec::new(),
        }
    }

    /// Forgets the session: what was said, shown, put in the cart and proven. Ids go on
    /// counting, so that late answers to the old session find nobody.
    pub(super) fn wipe(&mut self) {
        let fresh = Self::new(self.info.clone(), self.policy.clone());
        let (language, activation, surface) = (self.language, self.activation, self.surface);
        let (requests, replies) = (self.requests, self.replies);
        let mut abandoned = std::mem::take(&mut self.abandoned);
        if let Some(w) = &self.turn.waiting
            && matches!(w.then, Then::Reserve)
        {
            abandoned.push(w.request);
        }
        *self = Self {
            language,
            activation,
            surface,
            requests,
            replies,
            abandoned,
            ..fresh
        };
    }

    /// The cart.
    #[must_use]
    pub fn cart(&self) -> &Cart {
        &self.cart
    }

    /// The product row of a cart line, as it was when the line was made.
    #[must_use]
    pub fn row(&self, line: &CartLine) -> Option<&Product> {
        self.rows.get(&line.product)
    }

    /// The language of the session.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Orders placed in this session, oldest first.
    #[must_use]
    pub fn placed(&self) -> &[Order] {
        &self.placed
    }

    /// The order last spoken of, if its owner is proven.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.order.as_ref()
    }

    /// The products last shown, in the order of their ordinals.
    #[must_use]
    pub fn shown(&self) -> &[Product] {
        self.shown.window()
    }

    /// The last reply.
    #[must_use]
    pub fn last_reply(&self) -> Option<&Reply> {
        self.last_reply.as_ref()
    }

    /// Whether an answer of the world is still awaited: the turn is not over.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.turn.waiting.is_some()
    }

    /// Whether a read-back waits for its yes, of which reply.
    #[must_use]
    pub fn read_back(&self) -> Option<ReplyId> {
        self.checkout.as_ref().and_then(|c| c.reply)
    }

    /// The reservation of the checkout under way: the order's id.
    #[must_use]
    pub fn reserved(&self) -> Option<Uuid> {
        self.checkout
            .as_ref()
            .and_then(|c| c.reserved.as_ref())
            .map(|r| r.order)
    }

    /// What the interpreter is told about the conversation.
    #[must_use]
    pub fn context(&self, now: &Zoned) -> Context {
        let question = self.question.as_ref();
        let weekday = match self.language {
            Language::En => now.strftime("%A").to_string(),
            Language::Fr => {
                super::reply::verbalise::date::weekday(Language::Fr, now.weekday()).to_owned()
            }
        };
        Context {
            asked: question.map(|q| q.message.render(self.language, Mode::Text)),
            pending: question.map(|q| q.question.intent().to_owned()),
            last_results: self
                .shown
                .window()
                .iter()
                .map(|p| p.title.clone())
                .collect(),
            cart: self.cart.lines.iter().map(|l| l.title.clone()).collect(),
            clock: Some(format!("{} {weekday}", now.strftime("%Y-%m-%dT%H:%M"))),
        }
    }

    /// Remembers the cart as it is, before it changes.
    pub(super) fn remember_cart(&mut self) {
        if self.undo.len() == UNDO_STEPS {
            self.undo.remove(0);
        }
        self.undo.push(self.cart.clone());
    }
}
