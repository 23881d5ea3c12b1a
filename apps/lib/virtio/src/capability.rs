//! A function's capabilities, as its configuration space chains them (PCI Local Bus Specification 3.0, section 6.7).

use crate::Card;

/// Where the chain begins, and where capabilities may be.
const FIRST: u8 = 0x34;
const PLACES: core::ops::Range<u8> = 0x40..0xf0;
/// As many as there is room for: a chain that leads back to itself ends, too.
const MOST: usize = 48;

/// The capabilities in their order: where each is, and its first 32 bits, of which the low byte says which it is.
pub fn all(card: &impl Card) -> impl Iterator<Item = (u8, u32)> {
    let mut at = card.config(FIRST) as u8 & !3;
    core::iter::from_fn(move || {
        let here = PLACES.contains(&at).then(|| (at, card.config(at)))?;
        at = (here.1 >> 8) as u8 & !3;
        Some(here)
    })
    .take(MOST)
}
