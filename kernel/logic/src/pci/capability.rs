//! What a function can beyond its registers: the chain of its capabilities (PCI Local Bus Specification 3.0, section 6.7), where a
//! vendor's one says that something is, and interrupts that are messages (section 6.8).
use super::{COMMAND, Registers};

const CAPABILITIES_LISTED: u32 = 1 << 20;
const FIRST: u8 = 0x34;
/// The capabilities that fit behind a header: who has more goes round in a circle.
const MOST: usize = 48;

const MSI: u8 = 0x05;
const MSI_X: u8 = 0x11;

const WIDE: u32 = 1 << 23;
const MSI_ENABLE: u32 = 1 << 16;
const SEVERAL: u32 = 0b111 << 20;
const MSI_X_ENABLE: u32 = 1 << 31;
const MSI_X_MASK_ALL: u32 = 1 << 30;
/// The number of the last entry of a table of messages, where its capability's first word says it.
const MSI_X_LAST: u32 = 0x7ff;

/// Bytes of an entry of a table of messages: an address of 64 bits, a word, and whether it is masked.
pub const ENTRY: u32 = 16;

/// The offset of the first capability of that number for which `fits` holds.
pub fn find(function: &mut dyn Registers, number: u8, mut fits: impl FnMut(&mut dyn Registers, u8) -> bool) -> Option<u8> {
    if function.read(COMMAND) & CAPABILITIES_LISTED == 0 {
        return None;
    }
    let mut at = function.read(FIRST) as u8 & !3;
    for _ in 0..MOST {
        if at < 0x40 {
            return None;
        }
        let word = function.read(at);
        if word as u8 == number && fits(function, at) {
            return Some(at);
        }
        at = (word >> 8) as u8 & !3;
    }
    None
}

/// Where the vendor's capability of that number whose byte `at` is `is` says that something lies: the base address register, the
/// offset from there, and how many bytes it is (Virtual I/O Device 1.2, section 4.1.4).
pub fn located(function: &mut dyn Registers, (number, at, is): (u8, u8, u8)) -> Option<(u8, u32, u32)> {
    let byte = |function: &mut dyn Registers, place: u8| function.read(place & !3).to_le_bytes()[usize::from(place & 3)];
    let place = find(function, number, |function, place| place.checked_add(at).is_some_and(|place| byte(function, place) == is))?;
    let word = |function: &mut dyn Registers, by: u8| place.checked_add(by).map(|place| function.read(place));
    Some((byte(function, place.checked_add(4)?), word(function, 8)?, word(function, 12)?))
}

/// How a function sends messages instead of driving a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// From configuration space, by the capability at this offset.
    Plain(u8),
    /// From a table of `length` bytes at the offset `table` of the base address register `bar`; its capability is at `place`.
    Table { place: u8, bar: u8, table: u32, length: u32 },
}

/// The way that the function has: tables are asked for first.
pub fn message(function: &mut dyn Registers) -> Option<Message> {
    if let Some(place) = find(function, MSI_X, |_, _| true).filter(|place| *place <= 0xf8) {
        let word = function.read(place + 4);
        let entries = (function.read(place) >> 16 & MSI_X_LAST) + 1;
        return Some(Message::Table { place, bar: word as u8 & 7, table: word & !7, length: entries * ENTRY });
    }
    find(function, MSI, |_, _| true).filter(|place| *place <= 0xf0).map(Message::Plain)
}

impl Message {
    /// Has the function send one message alone, for everything: `data` to `address`. Its table, where it has one, is the caller's.
    pub fn enable(&self, function: &mut dyn Registers, address: u32, data: u16) {
        match *self {
            Message::Plain(place) => {
                let control = function.read(place);
                function.write(place + 4, address);
                let after = if control & WIDE == 0 {
                    place + 8
                } else {
                    function.write(place + 8, 0);
                    place + 12
                };
                function.write(after, u32::from(data));
                function.write(place, control & !SEVERAL | MSI_ENABLE);
            }
            Message::Table { place, .. } => {
                let control = function.read(place);
                function.write(place, control & !MSI_X_MASK_ALL | MSI_X_ENABLE);
            }
        }
    }

    /// Has it send no more.
    pub fn disable(&self, function: &mut dyn Registers) {
        let (place, bit) = match *self {
            Message::Plain(place) => (place, MSI_ENABLE),
            Message::Table { place, .. } => (place, MSI_X_ENABLE),
        };
        let control = function.read(place);
        function.write(place, control & !bit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Model([u32; 64]);

    impl Registers for Model {
        fn read(&mut self, offset: u8) -> u32 {
            self.0[usize::from(offset / 4)]
        }

        fn write(&mut self, offset: u8, value: u32) {
            self.0[usize::from(offset / 4)] = value;
        }
    }

    fn with(words: &[(u8, u32)]) -> Model {
        let mut it = Model([0; 64]);
        it.write(COMMAND, CAPABILITIES_LISTED);
        words.iter().for_each(|&(offset, word)| it.write(offset, word));
        it
    }

    #[test]
    fn the_chain_is_followed_to_its_end() {
        let chain = [(FIRST, 0x80), (0x80, 0x0009_4009), (0x40, 0x0000_c005), (0xc0, 0x0000_0011)];
        let mut it = with(&chain);
        assert_eq!([9, 5, 0x11, 7].map(|number| find(&mut it, number, |_, _| true)), [Some(0x80), Some(0x40), Some(0xc0), None]);
        it.write(COMMAND, 0);
        assert_eq!(find(&mut it, 9, |_, _| true), None, "it says that it has none");
        let mut circle = with(&[(FIRST, 0x40), (0x40, 0x0000_4009)]);
        assert_eq!(find(&mut circle, 5, |_, _| true), None);
        let mut header = with(&[(FIRST, 0x10), (0x10, 0x0000_0005)]);
        assert_eq!(find(&mut header, 5, |_, _| true), None, "the header holds none");
    }

    #[test]
    fn a_vendors_capability_says_where_something_is() {
        let mut it = with(&[(FIRST, 0x40), (0x40, 0x0210_5009), (0x44, 1), (0x50, 0x0110_0009), (0x54, 4), (0x58, 0x3000), (0x5c, 0x38)]);
        assert_eq!(located(&mut it, (9, 3, 1)), Some((4, 0x3000, 0x38)));
        assert_eq!(located(&mut it, (9, 3, 2)), Some((1, 0, 0)));
        assert_eq!(located(&mut it, (9, 3, 3)), None);
        let mut last = with(&[(FIRST, 0xfc), (0xfc, 0x0100_0009)]);
        assert_eq!((located(&mut last, (9, 3, 1)), located(&mut last, (9, 200, 1))), (None, None), "it leaves configuration space");
    }

    #[test]
    fn messages_from_configuration_space_of_both_widths() {
        for (control, data) in [(0x0005u32 | SEVERAL, 8u8), (0x0005 | WIDE, 12)] {
            let mut it = with(&[(FIRST, 0x60), (0x60, control), (0x68, 0xffff_ffff)]);
            let way = message(&mut it).unwrap();
            way.enable(&mut it, 0xfee0_0000, 0x31);
            assert_eq!((way, it.read(0x64), it.read(0x60 + data)), (Message::Plain(0x60), 0xfee0_0000, 0x31));
            assert_eq!(it.read(0x60), control & !SEVERAL | MSI_ENABLE);
            way.disable(&mut it);
            assert_eq!(it.read(0x60), control & !SEVERAL);
        }
    }

    #[test]
    fn messages_from_a_table_of_four_are_preferred() {
        let mut it = with(&[(FIRST, 0x60), (0x60, 0x0000_7005), (0x70, 0x0003_0011 | MSI_X_MASK_ALL), (0x74, 0x2001)]);
        let way = message(&mut it).unwrap();
        assert_eq!(way, Message::Table { place: 0x70, bar: 1, table: 0x2000, length: 4 * ENTRY });
        way.enable(&mut it, 0, 0);
        assert_eq!(it.read(0x70), 0x0003_0011 | MSI_X_ENABLE);
        way.disable(&mut it);
        assert_eq!((it.read(0x70), message(&mut with(&[]))), (0x0003_0011, None));
    }
}
