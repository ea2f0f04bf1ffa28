//! The pure core: state, events in, effects out. No IO, no clock, no randomness, no async.
//!
//! [`step`] is the only door: `fn step(&mut State, Event, now) -> Vec<Effect>`. What the core
//! needs of the world it asks for as an [`Effect`] that carries a [`event::RequestId`]; the
//! answer is a later [`Event`] that names it. An answer to a turn that is over finds nobody.
//!
//! | file | what it decides |
//! |---|---|
//! | [`state`](State) | what a session knows |
//! | `step`, `dispatch`, `then` | the turn: its commands in order, the answers they wait for, one reply |
//! | `question`, `named`, `doubt` | questions and what answers them; asking where the model is unsure |
//! | `search`, `details`, `advice` | finding, telling, comparing, recommending |
//! | `add`, `variant`, `options`, `packs`, `stock`, `cart` | the cart and its rules |
//! | `checkout`, `read_back`, [`policy`] | the two phases of buying, and when a yes is a yes |
//! | `orders`, `history`, `returns` | orders that were placed |
//! | `shop_facts`, `talk` | the shop, and everything around |
//! | [`reply`] | sentences, as shown and as said |

pub mod effect;
pub mod event;
pub mod policy;
pub mod reply;

mod add;
mod advice;
mod cart;
mod checkout;
mod details;
mod dispatch;
mod doubt;
mod history;
mod named;
mod options;
mod orders;
mod packs;
mod question;
mod read_back;
mod returns;
mod search;
mod shop_facts;
mod state;
mod step;
mod stock;
mod talk;
mod then;
mod variant;
mod watch;
mod words;

pub use effect::Effect;
pub use event::Event;
pub use state::State;
pub use step::step;
