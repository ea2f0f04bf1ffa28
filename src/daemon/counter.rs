//! The store behind the session's desk: effects become calls, results become events.

use super::backend::DeskLink;
use crate::{
    dialogue::{
        Effect, Event,
        event::{OrdersFound, ReserveRefusal, WriteRefusal},
    },
    session::desk::{self, Desk},
    shop::{
        info::ShopInfo,
        store::{ReturnWish, Store, StoreError},
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Answers from the store. Randomness (order ids, numbers) is passed in.
pub struct Counter {
    store: Store,
    keep: SignedDuration,
    return_days: Option<u32>,
    random: Box<dyn FnMut() -> u128 + Send>,
    backend: Option<DeskLink>,
}

/// How long stock is kept from the read-back on, unless the shop says otherwise.
const KEEP: SignedDuration = SignedDuration::from_mins(10);

impl Counter {
    /// A counter over a store, by the shop's rules.
    #[must_use]
    pub fn new(store: Store, info: &ShopInfo, random: Box<dyn FnMut() -> u128 + Send>) -> Self {
        Self {
            store,
            keep: info
                .limits
                .reserve_minutes
                .map_or(KEEP, |m| SignedDuration::from_mins(i64::from(m))),
            return_days: (info.returns.days > 0).then_some(info.returns.days),
            random,
            backend: None,
        }
    }

    /// The same counter in a shop that has a backend.
    #[must_use]
    pub fn with_backend(mut self, backend: Option<DeskLink>) -> Self {
        self.backend = backend;
        self
    }

    /// The low half of a random number: what references and order numbers are made from.
    fn number(&mut self) -> u64 {
        (self.random)() as u64
    }

    fn nudge(&self) {
        if let Some(backend) = &self.backend {
            backend.nudge();
        }
    }

    fn try_answer(&mut self, effect: &Effect, now: Timestamp) -> Result<Option<Event>, StoreError> {
        Ok(Some(match effect {
            Effect::Search { request, query } => Event::Found {
                request: *request,
                found: Some(self.store.search(query, now)?),
            },
            Effect::FindOrders { request, lookup } => Event::Orders {
                request: *request,
                found: self.store.find_orders(lookup, now)?,
            },
            Effect::FindPoints { request, number } => {
                let customer = self.store.customer_of(number)?;
                let points = customer.and_then(|customer| {
                    let backend = self.backend.as_ref();
                    customer.points.or_else(|| backend?.points(&customer, now))
                });
                Event::Points {
                    request: *request,
                    points,
                }
            }
            Effect::Reserve { request, cart } => {
                if let Some(backend) = &self.backend
                    && backend.refuses(&self.store, cart.total(), now)?
                {
                    return Ok(Some(Event::Reserve {
                        request: *request,
                        result: Err(ReserveRefusal::Offline),
                    }));
                }
                let order =
                    uuid::Builder::from_random_bytes((self.random)().to_le_bytes()).into_uuid();
                let result = self.store.reserve(order, cart, self.keep, now)?;
                Event::Reserve {
                    request: *request,
                    result,
                }
            }
            Effect::Release { order } => {
                self.store.release(*order)?;
                return Ok(None);
            }
            Effect::PlaceOrder { request, purchase } => {
                if let Some(backend) = &self.backend
                    && backend.refuses(&self.store, purchase.total, now)?
                {
                    return Err(StoreError::Refused(WriteRefusal::Offline));
                }
                let random = self.number();
                let mut order = self.store.place_order(purchase, random, now)?;
                if let Some(backend) = &self.backend {
                    order = backend.placed(&self.store, order);
                }
                Event::Placed {
                    request: *request,
                    result: Ok(Box::new(order)),
                }
            }
            Effect::CancelOrder { request, order } => {
                self.store.cancel_order(*order, now)?;
                self.nudge();
                Event::Written {
                    request: *request,
                    result: Ok(None),
                }
            }
            Effect::RequestReturn {
                request,
                order,
                items,
                reason,
                exchange_for,
            } => {
                let wish = ReturnWish {
                    items: items.clone(),
                    reason: *reason,
                    exchange_for: exchange_for.clone(),
                };
                let random = self.number();
                let reference =
                    self.store
                        .request_return(*order, &wish, self.return_days, random, now)?;
                self.nudge();
                Event::Written {
                    request: *request,
                    result: Ok(Some(reference)),
                }
            }
            Effect::OpenTicket {
                request,
                kind,
                story,
            } => {
                let random = self.number();
                let reference = self.store.open_ticket(kind, story, random, now)?;
                self.nudge();
                Event::Written {
                    request: *request,
                    result: Ok(Some(reference)),
                }
            }
            Effect::Say(_)
            | Effect::StopSpeaking
            | Effect::SetLanguage(_)
            | Effect::AdjustSpeech { .. }
            | Effect::EndSession => return Ok(None),
        }))
    }
}

impl Desk for Counter {
    fn answer(&mut self, effect: Effect, now: Timestamp) -> Option<Event> {
        match self.try_answer(&effect, now) {
            Ok(event) => event,
            Err(error) => {
                if !matches!(error, StoreError::Refused(_)) {
                    tracing::error!(%error, "the shop could not answer");
                }
                let refusal = error.refusal();
                match desk::failure(&effect)? {
                    Event::Placed { request, .. } => Some(Event::Placed {
                        request,
                        result: Err(refusal),
                    }),
                    Event::Written { request, .. } => Some(Event::Written {
                        request,
                        result: Err(refusal),
                    }),
                    Event::Reserve { request, .. } => Some(Event::Reserve {
                        request,
                        result: Err(ReserveRefusal::Unavailable),
                    }),
                    Event::Orders { request, .. } => Some(Event::Orders {
                        request,
                        found: OrdersFound::Unavailable,
                    }),
                    other => Some(other),
                }
            }
        }
    }
}

/// Randomness of the operating system.
#[must_use]
pub fn os_random() -> Box<dyn FnMut() -> u128 + Send> {
    Box::new(|| Uuid::new_v4().as_u128())
}
