//! Slot types: what the values of a command's slots may be.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The shape of a slot's value, as the grammar and the prompt see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// Free words, the shopper's own, lower case.
    Text,
    /// A list of free words.
    TextList,
    /// A position: 1 is the first, -1 the last.
    Ordinal,
    /// A list of positions.
    OrdinalList,
    /// A whole number, 0 or more.
    Count,
    /// A price in major units, at most two decimals.
    Price,
    /// 1 to 5.
    Score,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// A type that a slot can have.
pub trait Slot {
    /// Its shape.
    const KIND: SlotKind;
    /// Whether nothing was said for it.
    fn is_absent(&self) -> bool;
}

macro_rules! option_slot {
    ($($ty:ty => $kind:expr),* $(,)?) => { $(
        impl Slot for Option<$ty> {
            const KIND: SlotKind = $kind;
            fn is_absent(&self) -> bool { self.is_none() }
        }
    )* };
}
option_slot! {
    String => SlotKind::Text,
    Ordinal => SlotKind::Ordinal,
    u32 => SlotKind::Count,
    Price => SlotKind::Price,
    Score => SlotKind::Score,
}

impl Slot for Vec<String> {
    const KIND: SlotKind = SlotKind::TextList;
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Slot for Vec<Ordinal> {
    const KIND: SlotKind = SlotKind::OrdinalList;
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// A position in what was shown: 1 is the first, -1 the last. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Ordinal(i32);

impl Ordinal {
    /// A position; `None` for 0 and for anything beyond a thousand either way.
    #[must_use]
    pub fn new(n: i32) -> Option<Self> {
        (n != 0 && n.abs() <= 1000).then_some(Self(n))
    }

    /// The number as said: counts from 1, negative from the end.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }

    /// The index into a list of `len` entries, if it is inside.
    #[must_use]
    pub fn index(self, len: usize) -> Option<usize> {
        let len = i32::try_from(len).ok()?;
        let i = if self.0 > 0 { self.0 - 1 } else { len + self.0 };
        (0..len).contains(&i).then_some(i as usize)
    }
}

impl TryFrom<i32> for Ordinal {
    type Error = String;
    fn try_from(n: i32) -> Result<Self, String> {
        Self::new(n).ok_or_else(|| format!("expected a position (1, 2, ... or -1), found {n}"))
    }
}

impl From<Ordinal> for i32 {
    fn from(o: Ordinal) -> i32 {
        o.0
    }
}

/// A price limit that was said: hundredths inside, major units in JSON (`150`, `19.99`).
///
/// It has no currency: it is in the shop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(i64);

impl Price {
    /// From hundredths of the currency's major unit.
    #[must_use]
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// In hundredths of the currency's major unit.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            s.serialize_i64(self.0 / 100)
        } else {
            s.serialize_f64(self.0 as f64 / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let major = f64::deserialize(d)?;
        if !(0.0..=1e9).contains(&major) {
            return Err(D::Error::custom(format!(
                "expected a price from 0 to a thousand million, found {major}"
            )));
        }
        Ok(Self((major * 100.0).round() as i64))
    }
}

/// A rating, 1 (worst) to 5 (best).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Score(u8);

impl Score {
    /// A rating from 1 to 5.
    #[must_use]
    pub fn new(n: u8) -> Option<Self> {
        (1..=5).contains(&n).then_some(Self(n))
    }

    /// The number, 1 to 5.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Score {
    type Error = String;
    fn try_from(n: u8) -> Result<Self, String> {
        Self::new(n).ok_or_else(|| format!("expected a score from 1 to 5, found {n}"))
    }
}

impl From<Score> for u8 {
    fn from(s: Score) -> u8 {
        s.0
    }
}

macro_rules! word_slots {
    ($( $(#[$doc:meta])* $name:ident { $( $variant:ident = $word:literal ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the words say it")]
        pub enum $name { $( #[serde(rename = $word)] $variant ),* }

        impl $name {
            /// The words of this slot.
            pub const WORDS: &'static [&'static str] = &[ $( $word ),* ];

            /// The word of this value.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $( $name::$variant => $word ),* }
            }
        }

        impl Slot for Option<$name> {
            const KIND: SlotKind = SlotKind::OneOf($name::WORDS);
            fn is_absent(&self) -> bool { self.is_none() }
        }
    )* };
}

word_slots! {
    /// The order of results.
    Sort { PriceAsc = "price_asc", PriceDesc = "price_desc", Rating = "rating", Newest = "newest" }
    /// More of the same results.
    Page { Next = "next", Previous = "previous" }
    /// What is asked about a product.
    Aspect {
        Price = "price", Description = "description", Reviews = "reviews", Stock = "stock",
        Sizes = "sizes", Colors = "colors", Ingredients = "ingredients",
        Dimensions = "dimensions", Warranty = "warranty", Location = "location", Other = "other",
    }
    /// How to pay.
    Method { Card = "card", Cash = "cash", Link = "link", Counter = "counter" }
    /// How to receive.
    Delivery { Pickup = "pickup", Delivery = "delivery" }
    /// Where to consume.
    Service { OnSite = "on_site", Takeaway = "takeaway" }
    /// Why something goes back.
    ReturnReason {
        Damaged = "damaged", WrongItem = "wrong_item", WrongSize = "wrong_size",
        NotAsDescribed = "not_as_described", ChangedMind = "changed_mind", Late = "late",
        Other = "other",
    }
    /// What is wrong with a payment.
    PaymentProblem {
        Declined = "declined", ChargedTwice = "charged_twice", RefundMissing = "refund_missing",
        Other = "other",
    }
    /// A topic about the shop.
    Topic {
        Hours = "hours", Location = "location", Delivery = "delivery", Returns = "returns",
        Payment = "payment", Warranty = "warranty", Contact = "contact", Parking = "parking",
        Other = "other",
    }
    /// What about loyalty.
    LoyaltyAction { Balance = "balance", Join = "join", Rewards = "rewards" }
    /// What about personal data.
    PrivacyAction {
        ForgetMe = "forget_me", Export = "export", Explain = "explain", Consent = "consent",
        Refuse = "refuse",
    }
    /// Louder or softer.
    Volume { Up = "up", Down = "down" }
    /// Slower or faster.
    Rate { Slower = "slower", Faster = "faster" }
}
