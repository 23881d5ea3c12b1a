//! What a device says of itself (section 5.8.4), and what follows for its events.

use crate::Trouble;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;
use munal::input::{ABSOLUTE, Event, FAR, KEY, RELATIVE, REPORT, SYNC, WHEEL, X, Y};
use virtio::{Card, OWN};

const SELECT: u32 = 0;
const SUBSEL: u32 = 1;
const SIZE: u32 = 2;
const SAID: u32 = 8;
/// Bytes that a device has room for.
const MOST: u8 = 128;

const ID_NAME: u8 = 0x01;
const EV_BITS: u8 = 0x11;
const ABS_INFO: u8 = 0x12;

/// Axes that there may be (`ABS_CNT`).
const AXES: u16 = 0x40;
/// Those that are no places: which finger is told of (`ABS_MT_SLOT`), its tool and identities (`ABS_MT_TOOL_TYPE` and the two after it).
const NUMBERS: [u16; 4] = [0x2f, 0x37, 0x38, 0x39];
/// The letter A: what has it is a keyboard, and not only some buttons.
const LETTER: u16 = 30;

/// A device's name, what it can tell, and how far its axes go.
pub struct About {
    name: String,
    keys: Vec<u8>,
    relative: Vec<u8>,
    axes: BTreeMap<u16, Axis>,
}

/// How far an axis goes, as the device counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    least: i32,
    most: i32,
}

impl About {
    /// Asks a device. Errors: what it says cannot be.
    pub fn ask(card: &impl Card) -> Result<Self, Trouble> {
        let absolute = said(card, EV_BITS, ABSOLUTE as u8)?;
        let axes = (0..AXES).filter(|&axis| has(&absolute, axis)).map(|axis| Ok((axis, Axis::ask(card, axis)?)));
        Ok(Self {
            name: name(&said(card, ID_NAME, 0)?),
            keys: said(card, EV_BITS, KEY as u8)?,
            relative: said(card, EV_BITS, RELATIVE as u8)?,
            axes: axes.collect::<Result<_, Trouble>>()?,
        })
    }

    /// An event of the device's as the protocol has it; none for what means nothing there.
    pub fn event(&self, event: Event) -> Option<Event> {
        match (event.kind, event.code) {
            (SYNC, REPORT) => Some(Event::END), // its value tells repetition, where a device passes on what Linux told it
            (KEY, _) => (0..=2).contains(&event.value).then_some(event),
            (ABSOLUTE, axis) => self.axes.get(&axis).map(|known| Event { value: if NUMBERS.contains(&axis) { event.value } else { known.place(event.value) }, ..event }),
            _ => Some(event),
        }
    }
}

/// In words: its name, and what it is.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (has(&self.keys, LETTER), "a keyboard"),
            (has(&self.relative, X) && has(&self.relative, Y), "a mouse"),
            (self.axes.contains_key(&X) && self.axes.contains_key(&Y), "a tablet"),
        ];
        f.write_str(if self.name.is_empty() { "without a name" } else { &self.name })?;
        let mut is = kinds.into_iter().filter(|&(is, _)| is).map(|(_, kind)| kind);
        write!(f, ": {}", is.next().unwrap_or("something else than a keyboard, a mouse or a tablet"))?;
        is.try_for_each(|kind| write!(f, " and {kind}"))?;
        f.write_str(if has(&self.relative, WHEEL) { " with a wheel" } else { "" })
    }
}

impl Axis {
    fn ask(card: &impl Card, axis: u16) -> Result<Self, Trouble> {
        let said = said(card, ABS_INFO, axis as u8)?;
        let word = |at: usize| said.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_le_bytes);
        let (Some(least), Some(most)) = (word(0), word(4)) else { return Err(Trouble::NoAxis(axis)) };
        if least <= most { Ok(Self { least, most }) } else { Err(Trouble::Axis(axis, least, most)) }
    }

    /// Where a value is between 0 and `FAR`, rounded; what is beyond an end is at it.
    fn place(self, value: i32) -> i32 {
        let all = i64::from(self.most) - i64::from(self.least);
        let from = i64::from(value.clamp(self.least, self.most)) - i64::from(self.least);
        ((from * i64::from(FAR) + all / 2) / all.max(1)) as i32
    }
}

/// What the device says when it is asked for something; nothing where it has nothing to say.
fn said(card: &impl Card, select: u8, subsel: u8) -> Result<Vec<u8>, Trouble> {
    card.write8(OWN, SELECT, select);
    card.write8(OWN, SUBSEL, subsel);
    let size = card.read8(OWN, SIZE);
    if size > MOST {
        return Err(Trouble::TooMuch(size));
    }
    Ok((0..u32::from(size)).map(|at| card.read8(OWN, SAID + at)).collect())
}

/// Whether a bit is set; bits behind the last byte are not.
fn has(bits: &[u8], number: u16) -> bool {
    bits.get(usize::from(number / 8)).is_some_and(|byte| byte & 1 << (number % 8) != 0)
}

/// A name as one may write it down: up to where zeros follow, and what is no text in it is a question mark.
fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    text.trim().chars().map(|each| if each.is_control() || each == char::REPLACEMENT_CHARACTER { '?' } else { each }).collect()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::cell::Cell;
    use std::{string::ToString, vec};

    /// What a device says, by what it is asked; one that claims `size` where that is given.
    #[derive(Default)]
    struct Device {
        says: BTreeMap<(u8, u8), Vec<u8>>,
        size: Option<u8>,
        asked: Cell<(u8, u8)>,
    }

    impl Card for Device {
        fn is_there(&self) -> bool {
            true
        }
        fn config(&self, _: u8) -> u32 {
            0
        }
        fn read8(&self, region: u8, offset: u32) -> u8 {
            assert!(region == OWN && offset < 0x88);
            let said = self.says.get(&self.asked.get()).map_or(&[][..], |said| said);
            match offset {
                SIZE => self.size.unwrap_or(said.len() as u8),
                _ => said.get((offset - SAID) as usize).copied().unwrap_or(0),
            }
        }
        fn read16(&self, _: u8, _: u32) -> u16 {
            0
        }
        fn read32(&self, _: u8, _: u32) -> u32 {
            0
        }
        fn write8(&self, region: u8, offset: u32, value: u8) {
            assert!(region == OWN);
            let (select, subsel) = self.asked.get();
            self.asked.set(if offset == SELECT { (value, subsel) } else { (select, value) });
        }
        fn write16(&self, _: u8, _: u32, _: u16) {}
        fn write32(&self, _: u8, _: u32, _: u32) {}
        fn write64(&self, _: u8, _: u32, _: u64) {}
        fn write_table(&self, _: u8, _: u32, _: &[u8]) -> bool {
            false
        }
    }

    fn bits(numbers: &[u16]) -> Vec<u8> {
        let mut bits = vec![0; 128];
        numbers.iter().for_each(|&number| bits[usize::from(number / 8)] |= 1 << (number % 8));
        bits.truncate(bits.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bits
    }

    fn device(name: &[u8], keys: &[u16], relative: &[u16], axes: &[(u16, i32, i32)]) -> Device {
        let absolute: Vec<u16> = axes.iter().map(|&(axis, ..)| axis).collect();
        let mut says: BTreeMap<(u8, u8), Vec<u8>> =
            [((ID_NAME, 0), name.to_vec()), ((EV_BITS, 1), bits(keys)), ((EV_BITS, 2), bits(relative)), ((EV_BITS, 3), bits(&absolute))].into();
        for &(axis, least, most) in axes {
            says.insert((ABS_INFO, axis as u8), [least, most, 0, 0, 0].map(i32::to_le_bytes).concat());
        }
        Device { says, ..Device::default() }
    }

    fn tablet(least: i32, most: i32) -> About {
        About::ask(&device(b"t", &[0x110], &[], &[(X, least, most), (Y, 0, FAR), (0x39, 0, 0)])).ok().unwrap()
    }

    fn told(about: &About, kind: u16, code: u16, value: i32) -> Option<i32> {
        let told = about.event(Event { kind, code, value })?;
        assert_eq!((told.kind, told.code), (kind, code));
        Some(told.value)
    }

    #[test]
    fn a_device_is_what_it_has() {
        let words = |device: Device| About::ask(&device).ok().unwrap().to_string();
        assert_eq!(words(device(b"QEMU Virtio Keyboard", &[1, LETTER, 0x2ff], &[], &[])), "QEMU Virtio Keyboard: a keyboard");
        assert_eq!(words(device(b"M", &[0x110], &[X, Y, WHEEL], &[])), "M: a mouse with a wheel");
        assert_eq!(words(device(b"T", &[0x110], &[], &[(X, 0, 1), (Y, 0, 1)])), "T: a tablet");
        assert_eq!(words(device(b"All", &[LETTER], &[X, Y], &[(X, 0, 1), (Y, 0, 1)])), "All: a keyboard and a mouse and a tablet");
        assert_eq!(words(device(b"", &[116], &[X], &[(Y, 0, 1)])), "without a name: something else than a keyboard, a mouse or a tablet");
    }

    #[test]
    fn a_name_is_text_whatever_its_bytes() {
        let long = "x".repeat(128);
        let names = [(&b" a \0b"[..], "a"), (b"a\nb\x1b[2J", "a?b?[2J"), (b"\xff\xfe", "??"), ("Maus ä".as_bytes(), "Maus ä"), (long.as_bytes(), &long)];
        for (bytes, text) in names {
            assert_eq!(name(bytes), text);
        }
    }

    #[test]
    fn an_axis_goes_from_0_to_far_whatever_the_device_counts_by() {
        for (least, most) in [(0, FAR), (0, 1), (-100, 100), (1, 65_536), (i32::MIN, i32::MAX), (-5, -4)] {
            let about = tablet(least, most);
            assert_eq!([least, most].map(|value| told(&about, ABSOLUTE, X, value)), [Some(0), Some(FAR)], "{least} {most}");
            assert_eq!([i32::MIN, i32::MAX].map(|value| told(&about, ABSOLUTE, X, value)), [Some(0), Some(FAR)], "what is beyond an end is at it");
        }
        let all: Vec<_> = (0..=FAR).map(|value| told(&tablet(0, FAR), ABSOLUTE, X, value).unwrap()).collect();
        assert!(all.into_iter().eq(0..=FAR), "nothing changes where the device counts like that");
        assert_eq!([-1, 0, 1].map(|value| told(&tablet(-100, 100), ABSOLUTE, X, value)), [Some(16_220), Some(16_384), Some(16_547)]);
        assert_eq!(told(&tablet(7, 7), ABSOLUTE, X, 7), Some(0), "an axis of one place");
    }

    #[test]
    fn what_counts_no_places_stays_as_it_is_and_axes_that_are_not_there_tell_nothing() {
        let about = tablet(0, 10);
        assert_eq!([-1, 0, 77].map(|value| told(&about, ABSOLUTE, 0x39, value)), [Some(-1), Some(0), Some(77)]);
        assert_eq!((told(&about, ABSOLUTE, 2, 5), told(&about, ABSOLUTE, 0xffff, 5)), (None, None));
    }

    #[test]
    fn keys_and_ends_have_the_protocols_values() {
        let about = tablet(0, 10);
        assert_eq!([-1, 0, 1, 2, 3].map(|value| told(&about, KEY, 30, value)), [None, Some(0), Some(1), Some(2), None]);
        assert_eq!(about.event(Event { kind: SYNC, code: REPORT, value: 1 }), Some(Event::END), "a report of a repeated key");
        assert_eq!((told(&about, RELATIVE, X, -7), about.event(Event::LOST)), (Some(-7), Some(Event::LOST)));
    }

    #[test]
    fn what_a_device_says_of_itself_may_be_nonsense() {
        let fault = |device: &Device| About::ask(device).err();
        assert_eq!(fault(&device(b"", &[], &[], &[(X, 0, 1), (Y, 5, 4)])), Some(Trouble::Axis(Y, 5, 4)));
        for length in 0..8 {
            let mut short = device(b"", &[], &[], &[(X, 0, 1)]);
            short.says.insert((ABS_INFO, 0), vec![1; length]);
            assert_eq!(fault(&short), Some(Trouble::NoAxis(X)));
        }
        for size in 0..=255 {
            let said = fault(&Device { size: Some(size), ..Device::default() });
            assert_eq!(said, (size > MOST).then_some(Trouble::TooMuch(size)));
        }
        let mut endless = device(b"", &[], &[], &[]);
        endless.says.insert((EV_BITS, 3), vec![0xff; 128]);
        assert_eq!(fault(&endless), Some(Trouble::NoAxis(0)));
    }
}
