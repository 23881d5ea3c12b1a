//! Configuration space of PCI functions: which there are (`search`), what they can (`capability`), and what a base address register
//! decodes (PCI Local Bus Specification 3.0, section 6.2.5.1, and PCI-to-PCI Bridge Architecture Specification 1.2, section 3.2.5.1).
mod capability;
mod search;

pub use capability::{ENTRY, Message, find, located, message};
pub use search::search;

/// The registers of one function, 32 bits each; `offset` is a multiple of 4.
pub trait Registers {
    fn read(&mut self, offset: u8) -> u32;
    fn write(&mut self, offset: u8, value: u32);
}

const IDENTITY: u8 = 0x00;
const COMMAND: u8 = 0x04;
const CLASS: u8 = 0x08;
const HEADER: u8 = 0x0c;
const LINE: u8 = 0x3c;
const FIRST: u8 = 0x10;

/// Nobody answers: no function has this vendor.
const NOBODY: u16 = 0xffff;
/// The function answers to its ports and its memory.
const DECODES: u32 = 0b11;
/// The upper half of the command register is its status, in which a one that is written clears a bit.
const COMMAND_BITS: u32 = 0xffff;

const PORTS: u32 = 1;
const WIDTH: u32 = 0b110;
const WIDE: u32 = 0b100;
const PREFETCHABLE: u32 = 0b1000;
const PORT_BITS: u32 = !0b11;
const MEMORY_BITS: u32 = !0b1111;

/// The command register's bits by which a function answers to its addresses, and writes to memory and interrupts by itself.
pub const ANSWERS: u16 = DECODES as u16;
pub const MASTER: u16 = 1 << 2;
/// And the one by which its interrupt line stays silent.
pub const SILENT: u16 = 1 << 10;

/// Sets the command register, and no bit of the status beside it.
pub fn command(function: &mut dyn Registers, bits: u16) {
    function.write(COMMAND, u32::from(bits));
}

/// The class, subclass and interface of a function, 8 bits each, above its revision.
pub fn class(function: &mut dyn Registers) -> u32 {
    function.read(CLASS)
}

/// The ISA interrupt that the firmware leads the function's line to; none where it has none.
pub fn line(function: &mut dyn Registers) -> Option<u32> {
    let word = function.read(LINE);
    (word >> 8 & 0xff != 0 && word & 0xff < 16).then_some(word & 0xff)
}

/// What one base address register decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub address: u64,
    /// Bytes, or ports.
    pub length: u64,
    pub ports: bool,
    pub wide: bool,
    pub prefetchable: bool,
}

impl Region {
    /// As the interface `pci` has it.
    pub fn encode(&self) -> [u8; 20] {
        let flags = u32::from(self.ports) | u32::from(self.wide) << 1 | u32::from(self.prefetchable) << 2;
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&self.address.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.length.to_le_bytes());
        bytes[16..].copy_from_slice(&flags.to_le_bytes());
        bytes
    }
}

/// How many base address registers a header of this type has; none where it is neither a device's nor a bridge's.
fn registers(header: u32) -> u8 {
    match header >> 16 & 0x7f {
        0 => 6,
        1 => 2,
        _ => 0,
    }
}

/// What the base address register `number` of a function decodes; none where it decodes nothing, is the upper half of another, or
/// is not there.
///
/// To find the length, all bits are written and those that stay zero are counted: meanwhile the function answers to no address, and
/// afterwards every register is as it was. Nobody may use it in between.
pub fn region(function: &mut dyn Registers, number: u8) -> Option<Region> {
    let count = if function.read(IDENTITY) as u16 == NOBODY { 0 } else { registers(function.read(HEADER)) };
    let mut each = 0;
    while each < count {
        let offset = FIRST + 4 * each;
        let low = function.read(offset);
        let wide = low & PORTS == 0 && low & WIDTH == WIDE && each + 1 < count;
        if each == number {
            return measure(function, offset, low, wide);
        }
        each += if wide { 2 } else { 1 };
    }
    None
}

fn measure(function: &mut dyn Registers, offset: u8, low: u32, wide: bool) -> Option<Region> {
    let command = function.read(COMMAND) & COMMAND_BITS;
    function.write(COMMAND, command & !DECODES);
    let high = if wide { function.read(offset + 4) } else { 0 };
    let low_mask = probe(function, offset, low);
    let high_mask = if wide { probe(function, offset + 4, high) } else { 0 };
    function.write(COMMAND, command);
    let ports = low & PORTS != 0;
    let bits = if ports { PORT_BITS } else { MEMORY_BITS };
    // Ports may be decoded by 16 bits alone, and memory by 32: what is above then reads as zeros and counts for nothing.
    let mask = u64::from(low_mask & bits) | u64::from(high_mask) << 32;
    let length = mask & mask.wrapping_neg();
    (length != 0).then(|| Region {
        address: u64::from(low & bits) | u64::from(high) << 32, length, ports, wide, prefetchable: !ports && low & PREFETCHABLE != 0,
    })
}

/// The bits of a register that can be set; it is left with `value`, which it had.
fn probe(function: &mut dyn Registers, offset: u8, value: u32) -> u32 {
    function.write(offset, u32::MAX);
    let mask = function.read(offset);
    function.write(offset, value);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function whose registers keep the bits that `masks` let be written.
    struct Model {
        values: [u32; 16],
        masks: [u32; 16],
        /// A base address register was written while the function answered to its addresses.
        torn: bool,
    }

    impl Registers for Model {
        fn read(&mut self, offset: u8) -> u32 {
            self.values[usize::from(offset / 4)]
        }

        fn write(&mut self, offset: u8, value: u32) {
            self.torn |= offset >= FIRST && self.values[1] & DECODES != 0;
            let at = usize::from(offset / 4);
            self.values[at] = self.values[at] & !self.masks[at] | value & self.masks[at];
        }
    }

    /// A device that decodes, with these registers and the masks of what can be written there.
    fn model(header: u32, bars: &[(u32, u32)]) -> Model {
        let mut it = Model { values: [0; 16], masks: [0; 16], torn: false };
        (it.values[0], it.values[1], it.values[3]) = (0x1234_1af4, 0x0010_0507, header << 16);
        it.masks[1] = COMMAND_BITS;
        for (place, &(value, mask)) in bars.iter().enumerate() {
            (it.values[4 + place], it.masks[4 + place]) = (value, mask);
        }
        it
    }

    fn found(header: u32, bars: &[(u32, u32)], number: u8) -> Option<Region> {
        let mut it = model(header, bars);
        let before = it.values;
        let region = region(&mut it, number);
        assert_eq!(it.values, before, "all is as it was");
        assert!(!it.torn, "nothing is decoded meanwhile");
        region
    }

    const MEMORY: (u32, u32) = (0xfebf_1000, 0xffff_f000);
    const WIDE_ONE: [(u32, u32); 2] = [(0xe000_000c, 0xf000_0000), (0x12, 0xffff_ffff)];

    #[test]
    fn memory_of_32_bits() {
        let region = Region { address: 0xfebf_1000, length: 0x1000, ports: false, wide: false, prefetchable: false };
        assert_eq!(found(0, &[MEMORY], 0), Some(region));
        assert_eq!(found(0x80, &[MEMORY], 0), Some(region), "one of several functions");
    }

    #[test]
    fn ports_with_and_without_upper_bits() {
        for mask in [0xffff_ffe0, 0x0000_ffe0] {
            assert_eq!(found(0, &[(0xc041, mask)], 0), Some(Region { address: 0xc040, length: 32, ports: true, wide: false, prefetchable: false }));
        }
    }

    #[test]
    fn memory_of_64_bits_takes_two_registers() {
        let wide = Region { address: 0x12_e000_0000, length: 0x1000_0000, ports: false, wide: true, prefetchable: true };
        let bars = [WIDE_ONE[0], WIDE_ONE[1], MEMORY];
        assert_eq!(found(0, &bars, 0), Some(wide));
        assert_eq!(found(0, &bars, 1), None, "its upper half is none of its own");
        assert_eq!(found(0, &bars, 2).unwrap().address, 0xfebf_1000);
    }

    #[test]
    fn a_region_of_more_than_four_gigabytes() {
        let bars = [(0x0000_0004, 0), (0x40, 0xffff_fff8)];
        assert_eq!(found(0, &bars, 0).map(|it| (it.address, it.length)), Some((0x40_0000_0000, 8 << 32)));
    }

    #[test]
    fn an_address_of_64_bits_that_has_no_second_register_is_one_of_32() {
        let last = [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0xe000_0004, 0xffff_0000)];
        assert_eq!(found(0, &last, 5).map(|it| (it.length, it.wide)), Some((0x1_0000, false)));
    }

    #[test]
    fn registers_that_are_not_there() {
        assert_eq!(found(0, &[(0, 0)], 0), None);
        assert_eq!(found(0, &[MEMORY; 6], 6), None);
        assert_eq!(found(0, &[MEMORY; 6], 255), None);
        assert_eq!(found(1, &[MEMORY; 6], 2), None, "a bridge has two");
        assert_eq!(found(2, &[MEMORY; 6], 0), None, "another header has none that this knows");
        let mut nobody = model(0, &[MEMORY]);
        nobody.values[0] = u32::MAX;
        assert_eq!(region(&mut nobody, 0), None);
    }

    #[test]
    fn a_region_as_bytes() {
        let region = Region { address: 0x0102_0304_0506_0708, length: 0x1000, ports: false, wide: true, prefetchable: true };
        assert_eq!(region.encode(), [8, 7, 6, 5, 4, 3, 2, 1, 0, 0x10, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0]);
        assert_eq!(Region { ports: true, wide: false, prefetchable: false, ..region }.encode()[16], 1);
    }
}
