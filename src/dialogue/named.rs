//! What the words of an answer name: a position, one of some products, a choice.

use super::{add::full_name, event::Utterance, step::Run, words};
use crate::{
    nlu::{
        command::Command,
        slot::{Ordinal, Sort},
    },
    shop::product::Product,
};

impl Run<'_> {
    /// The one of these products that was meant.
    pub fn pick_product(
        &self,
        candidates: &[Product],
        u: &Utterance,
        yes: bool,
    ) -> Option<Product> {
        let first = u.commands.first();
        if yes && candidates.len() == 1 {
            return candidates.first().cloned();
        }
        if let Some(n) = first.and_then(said_ordinal) {
            return candidates.get(n.index(candidates.len())?).cloned();
        }
        if let Some(Command::RefineSearch {
            sort: Some(sort), ..
        }) = first
        {
            return match sort {
                Sort::PriceAsc => candidates.iter().min_by_key(|p| p.price.minor).cloned(),
                Sort::PriceDesc => candidates.iter().max_by_key(|p| p.price.minor).cloned(),
                Sort::Rating | Sort::Newest => None,
            };
        }
        let answers = matches!(
            first,
            None | Some(
                Command::Select { .. }
                    | Command::AddToCart { .. }
                    | Command::SearchProduct { .. }
                    | Command::RefineSearch { .. }
                    | Command::ProductDetails { .. }
                    | Command::ChangeOptions { .. }
                    | Command::OutOfScope {}
            )
        );
        if !answers {
            return None;
        }
        let names: Vec<String> = candidates.iter().map(full_name).collect();
        spoken(first, u).iter().find_map(|said| {
            let i = words::best(said, names.iter().map(String::as_str))?;
            // More was said than this one has: something else is meant.
            (words::likeness(said, &names[i]) >= 0.5).then(|| candidates[i].clone())
        })
    }
}

/// The position that a command names.
pub(super) fn said_ordinal(command: &Command) -> Option<Ordinal> {
    match command {
        Command::Select { ordinal, .. }
        | Command::AddToCart { ordinal, .. }
        | Command::ProductDetails { ordinal, .. }
        | Command::ChangeOptions { ordinal, .. }
        | Command::SetQuantity { ordinal, .. }
        | Command::RemoveFromCart { ordinal, .. } => *ordinal,
        _ => None,
    }
}

/// The words of an answer, the understood slots first, then the utterance as a whole.
pub(super) fn spoken(first: Option<&Command>, u: &Utterance) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut take = |slot: &Option<String>| out.extend(slot.iter().cloned());
    match first {
        Some(Command::Select { item, .. } | Command::ReturnItem { item, .. }) => take(item),
        Some(Command::AddToCart {
            item,
            color,
            size,
            brand,
            options,
            ..
        }) => {
            [item, color, size, brand].into_iter().for_each(&mut take);
            out.extend(options.iter().cloned());
        }
        Some(Command::ChangeOptions {
            item,
            options,
            size,
            color,
            ..
        }) => {
            [item, size, color].into_iter().for_each(&mut take);
            out.extend(options.iter().cloned());
        }
        Some(
            Command::SearchProduct {
                query,
                color,
                size,
                brand,
                material,
                ..
            }
            | Command::RefineSearch {
                query,
                color,
                size,
                brand,
                material,
                ..
            },
        ) => [query, color, size, brand, material]
            .into_iter()
            .for_each(&mut take),
        Some(
            Command::ProductDetails { item, .. }
            | Command::SetQuantity { item, .. }
            | Command::RemoveFromCart { item, .. },
        ) => take(item),
        Some(Command::OutOfScope {} | Command::Affirm {} | Command::Deny {}) | None => {}
        // Another command is no answer.
        Some(_) => return out,
    }
    let joined = out.join(" ");
    if out.len() > 1 {
        out.insert(0, joined);
    }
    if u.commands.len() <= 1 {
        out.push(u.text.chars().take(200).collect());
    }
    out
}
