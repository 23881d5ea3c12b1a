//! The protocol `munal-pci/1` of a service that knows the machine's PCI functions.
//!
//! Request: the number of a function in the service's list, four bytes, little endian. Reply: the function (`Function::encode`), or
//! nothing past the list's end.

extern crate alloc;

use alloc::vec::Vec;
use core::fmt;

/// The most bytes that a reply has.
pub const LARGEST: usize = 512;

/// Where a function is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u16);

impl Address {
    /// The function `function` of `device` on `bus`.
    pub const fn new(bus: u8, device: u8, function: u8) -> Self {
        Self((bus as u16) << 8 | (device as u16 & 0x1f) << 3 | (function as u16 & 7))
    }

    /// Its bus.
    pub const fn bus(self) -> u8 {
        (self.0 >> 8) as u8
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus(), self.0 >> 3 & 0x1f, self.0 & 7)
    }
}

/// What a base address register decodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// The register's number.
    pub number: u8,
    /// 1 for ports, 2 for an address of 64 bits, 4 for memory that may be prefetched, added up.
    pub flags: u8,
    /// The first byte or port.
    pub address: u64,
    /// Bytes or ports.
    pub length: u64,
}

impl Region {
    /// Whether it is ports.
    pub const fn is_ports(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// One function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// Who made it, and what it is of theirs.
    pub vendor: u16,
    /// The vendor's number for it.
    pub device: u16,
    /// Who made the card that it is on; 0 where it does not say.
    pub card_vendor: u16,
    /// That vendor's number for the card.
    pub card: u16,
    /// Base class, subclass and programming interface.
    pub class: [u8; 3],
    /// Its revision.
    pub revision: u8,
    /// Where the firmware led its interrupt, 255 for nowhere; and by which pin it comes, 0 for none.
    pub interrupt: [u8; 2],
    /// The bus behind it, where it is a bridge; else 0.
    pub behind: u8,
    /// What it decodes.
    pub regions: Vec<Region>,
    /// The identifier and the place of each capability, in the order of the list.
    pub capabilities: Vec<[u8; 2]>,
}

impl Function {
    /// The function as bytes, little endian: the fixed fields in their order, then a count and the regions, then a count and the
    /// capabilities.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [self.address.0, self.vendor, self.device, self.card_vendor, self.card] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.class);
        bytes.push(self.revision);
        bytes.extend_from_slice(&self.interrupt);
        bytes.push(self.behind);
        bytes.push(self.regions.len() as u8);
        for region in &self.regions {
            bytes.extend_from_slice(&[region.number, region.flags]);
            bytes.extend_from_slice(&region.address.to_le_bytes());
            bytes.extend_from_slice(&region.length.to_le_bytes());
        }
        bytes.push(self.capabilities.len() as u8);
        bytes.extend(self.capabilities.iter().flatten());
        bytes
    }

    /// The function in `bytes`; none where they end before it does.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let numbers: [u16; 5] = [short(&mut rest)?, short(&mut rest)?, short(&mut rest)?, short(&mut rest)?, short(&mut rest)?];
        let [address, vendor, device, card_vendor, card] = numbers;
        let [base, sub, interface, revision, line, pin, behind, count] = take::<8>(&mut rest)?;
        let mut regions = Vec::new();
        for _ in 0..count {
            let [number, flags] = take::<2>(&mut rest)?;
            let (address, length) = (u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?));
            regions.push(Region { number, flags, address, length });
        }
        let [count] = take::<1>(&mut rest)?;
        let mut capabilities = Vec::new();
        for _ in 0..count {
            capabilities.push(take::<2>(&mut rest)?);
        }
        Some(Self {
            address: Address(address), vendor, device, card_vendor, card, class: [base, sub, interface], revision, interrupt: [line, pin], behind, regions,
            capabilities,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

fn short(bytes: &mut &[u8]) -> Option<u16> {
    take(bytes).map(u16::from_le_bytes)
}

/// What a function of this class is, in words (PCI Code and ID Assignment Specification 1.11, chapter 1); empty where that is not
/// known here.
pub const fn class_words(class: [u8; 3]) -> &'static str {
    match class {
        [0x01, 0x01, _] => "IDE controller",
        [0x01, 0x06, 0x01] => "SATA controller, AHCI",
        [0x01, 0x06, _] => "SATA controller",
        [0x01, 0x08, _] => "NVMe controller",
        [0x01, ..] => "storage controller",
        [0x02, 0x00, _] => "Ethernet controller",
        [0x02, ..] => "network controller",
        [0x03, 0x00, _] => "VGA display",
        [0x03, ..] => "display",
        [0x04, ..] => "multimedia device",
        [0x05, ..] => "memory",
        [0x06, 0x00, _] => "host bridge",
        [0x06, 0x01, _] => "ISA bridge",
        [0x06, 0x04, _] => "PCI bridge",
        [0x06, ..] => "bridge",
        [0x07, ..] => "communication controller",
        [0x08, ..] => "system device",
        [0x09, ..] => "input device",
        [0x0c, 0x03, _] => "USB controller",
        [0x0c, 0x05, _] => "SMBus controller",
        [0x0c, ..] => "serial bus controller",
        _ => "",
    }
}

/// A capability in words (the same, chapter 2); empty where that is not known here.
pub const fn capability_words(identifier: u8) -> &'static str {
    match identifier {
        0x01 => "power",
        0x05 => "MSI",
        0x09 => "vendor",
        0x0d => "bridge",
        0x10 => "express",
        0x11 => "MSI-X",
        0x12 => "SATA",
        0x13 => "features",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn function() -> Function {
        Function {
            address: Address::new(3, 0x1f, 7), vendor: 0x1af4, device: 0x1041, card_vendor: 0x1af4, card: 0x1100, class: [2, 0, 0], revision: 1,
            interrupt: [11, 1], behind: 0, regions: alloc::vec![Region { number: 1, flags: 0, address: 0xfebf_1000, length: 4096 },
                Region { number: 4, flags: 6, address: 0x40_0000_0000, length: 8 << 32 }], capabilities: alloc::vec![[0x11, 0x98], [9, 0x84]],
        }
    }

    #[test]
    fn what_is_told_is_understood() {
        assert_eq!(Function::decode(&function().encode()), Some(function()));
        assert_eq!(Function::decode(&Function::default().encode()), Some(Function::default()));
    }

    #[test]
    fn what_ends_too_early_is_no_function() {
        let bytes = function().encode();
        assert!((0..bytes.len()).all(|length| Function::decode(&bytes[..length]).is_none()));
    }

    #[test]
    fn addresses_are_written_as_everywhere() {
        assert_eq!(function().address.to_string(), "03:1f.7");
    }

    #[test]
    fn the_largest_function_fits() {
        let most = Function { regions: alloc::vec![Region::default(); 6], capabilities: alloc::vec![[0; 2]; 48], ..function() };
        assert!(most.encode().len() <= LARGEST);
    }
}
