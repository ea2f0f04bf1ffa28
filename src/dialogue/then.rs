//! What is done with an answer of the world when it comes.

use super::{add::Wish, orders::Task};
use crate::{
    nlu::slot::{Aspect, ReturnReason},
    shop::{order::OrderLine, product::Product, search::SearchQuery},
};

/// The continuation of a command that asked something of the world.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Show what was found.
    Show(Box<SearchQuery>),
    /// Put one of these in the cart.
    Add(Box<Wish>),
    /// Choose the variant of this product, then put it in the cart.
    AddVariant(Box<Wish>, Box<Product>),
    /// Change this cart line to another variant.
    SwapVariant { line: usize, wish: Box<Wish> },
    /// Offer something instead of what is out of stock.
    Instead(Box<Product>),
    /// Answer a question about one product.
    Details {
        name: String,
        aspect: Option<Aspect>,
    },
    /// Say in which sizes or colours it comes.
    Variants {
        product: Box<Product>,
        aspect: Aspect,
    },
    /// Look these up one after the other, then compare.
    Compare {
        left: Vec<String>,
        got: Vec<Product>,
    },
    /// Suggest.
    Recommend { about: Option<String> },
    /// Show what is on offer.
    Promotions { about: Option<String> },
    /// Names of the cart's lines in the new language.
    Retitle,
    /// Put these lines of a past order back in the cart.
    Reorder(Vec<OrderLine>),
    /// Read the cart back.
    Reserve,
    /// Say that the order is saved.
    Place,
    /// Say how many loyalty points there are.
    Points,
    /// Tell whether the shop took the session's order.
    Watch,
    /// Go on with an order.
    Orders(Box<Task>),
    /// Say that it is cancelled.
    Cancelled,
    /// Say that the return was asked for.
    Returned {
        reason: ReturnReason,
        exchange: bool,
    },
    /// Say that the staff was told.
    Ticket { kind: &'static str },
}

impl Then {
    /// Whether something is being written: such an answer is waited for, whatever is said.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::Place | Self::Cancelled | Self::Returned { .. } | Self::Ticket { .. }
        )
    }
}
