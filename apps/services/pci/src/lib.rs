//! Which functions there are: on each bus each device's, and behind each bridge the next bus (PCI Local Bus Specification 3.0,
//! chapter 6; PCI-to-PCI Bridge Architecture Specification 1.2, chapter 3).
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use munal::pci::{Address, Function, Region};

/// Configuration space, of which nothing is believed: a device may answer anything.
pub trait Space {
    /// 32 bits at `offset`, a multiple of 4; all ones where there is no function.
    fn read(&self, address: Address, offset: u8) -> u32;
    /// What a base address register decodes.
    fn region(&self, address: Address, number: u8) -> Option<Region>;
}

const IDENTITY: u8 = 0x00;
const STATUS: u8 = 0x04;
const CLASS: u8 = 0x08;
const HEADER: u8 = 0x0c;
const BUSES: u8 = 0x18;
const CARD: u8 = 0x2c;
const FIRST_CAPABILITY: u8 = 0x34;
const INTERRUPT: u8 = 0x3c;

const NOBODY: u16 = 0xffff;
const SEVERAL: u8 = 0x80;
const DEVICE: u8 = 0;
const BRIDGE: u8 = 1;
const CAPABILITIES_LISTED: u32 = 1 << 20;
/// The capabilities that fit behind a header: who has more goes round in a circle.
const MOST_CAPABILITIES: usize = 48;
/// The most functions that are listed: nobody's machine has more, and a device that answers at random has them all.
const MOST: usize = 1024;

/// All functions, by their addresses.
pub fn functions(space: &impl Space) -> Vec<Function> {
    let mut search = Search { space, seen: [false; 256], found: Vec::new() };
    search.bus(0);
    // A host bridge of several functions has a bus for each (PCI Local Bus Specification 3.0, section 3.2.2.3.4).
    let host = Address::new(0, 0, 0);
    if search.is_there(host) && search.header(host) & SEVERAL != 0 {
        for bus in 1..8 {
            if search.is_there(Address::new(0, 0, bus)) {
                search.bus(bus);
            }
        }
    }
    search.found.sort_by_key(|function| function.address);
    search.found
}

struct Search<'a, S> {
    space: &'a S,
    /// Buses that were looked at: a bridge that leads back leads nowhere.
    seen: [bool; 256],
    found: Vec<Function>,
}

impl<S: Space> Search<'_, S> {
    fn bus(&mut self, bus: u8) {
        if core::mem::replace(&mut self.seen[usize::from(bus)], true) {
            return;
        }
        for device in 0..32 {
            let first = Address::new(bus, device, 0);
            if self.is_there(first) {
                let count = if self.header(first) & SEVERAL != 0 { 8 } else { 1 };
                (0..count).map(|number| Address::new(bus, device, number)).for_each(|address| self.function(address));
            }
        }
    }

    fn function(&mut self, address: Address) {
        if !self.is_there(address) || self.found.len() >= MOST {
            return;
        }
        let function = self.described(address);
        let behind = function.behind;
        self.found.push(function);
        if behind > address.bus() {
            self.bus(behind);
        }
    }

    fn described(&self, address: Address) -> Function {
        let read = |offset| self.space.read(address, offset);
        let (identity, class, kind) = (read(IDENTITY), read(CLASS), self.header(address) & !SEVERAL);
        let card = if kind == DEVICE { read(CARD) } else { 0 };
        let [revision, interface, sub, base] = class.to_le_bytes();
        let [line, pin, ..] = read(INTERRUPT).to_le_bytes();
        let registers = match kind {
            DEVICE => 6,
            BRIDGE => 2,
            _ => 0,
        };
        Function {
            address,
            vendor: identity as u16,
            device: (identity >> 16) as u16,
            card_vendor: card as u16,
            card: (card >> 16) as u16,
            class: [base, sub, interface],
            revision,
            interrupt: [line, pin],
            behind: if kind == BRIDGE { read(BUSES).to_le_bytes()[1] } else { 0 },
            regions: (0..registers).filter_map(|number| self.space.region(address, number)).collect(),
            capabilities: if kind <= BRIDGE && read(STATUS) & CAPABILITIES_LISTED != 0 { self.capabilities(address) } else { Vec::new() },
        }
    }

    /// The list of capabilities as it is chained, in whatever order: up to the first that is met twice, or lies in the header.
    fn capabilities(&self, address: Address) -> Vec<[u8; 2]> {
        let mut list: Vec<[u8; 2]> = Vec::new();
        let mut place = self.space.read(address, FIRST_CAPABILITY) as u8 & !3;
        while place >= 0x40 && list.len() < MOST_CAPABILITIES && list.iter().all(|&[_, other]| other != place) {
            let [identifier, next, ..] = self.space.read(address, place).to_le_bytes();
            list.push([identifier, place]);
            place = next & !3;
        }
        list
    }

    fn is_there(&self, address: Address) -> bool {
        self.space.read(address, IDENTITY) as u16 != NOBODY
    }

    fn header(&self, address: Address) -> u8 {
        self.space.read(address, HEADER).to_le_bytes()[2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    /// Functions by their addresses, with the 32 bits at some offsets; all others are 0.
    #[derive(Default)]
    struct Model(BTreeMap<u16, BTreeMap<u8, u32>>);

    impl Space for Model {
        fn read(&self, address: Address, offset: u8) -> u32 {
            self.0.get(&address.0).map_or(u32::MAX, |space| space.get(&offset).copied().unwrap_or(0))
        }

        fn region(&self, _: Address, number: u8) -> Option<Region> {
            (number == 1).then_some(Region { number, flags: 0, address: 0xfebf_0000, length: 4096 })
        }
    }

    impl Model {
        fn with(mut self, address: Address, space: &[(u8, u32)]) -> Self {
            let mut all: BTreeMap<u8, u32> = [(IDENTITY, 0x1041_1af4)].into();
            all.extend(space.iter().copied());
            self.0.insert(address.0, all);
            self
        }

        fn bridge(self, address: Address, behind: u8) -> Self {
            self.with(address, &[(HEADER, u32::from(BRIDGE) << 16), (BUSES, u32::from(behind) << 8), (CLASS, 0x0604_0000)])
        }

        fn addresses(&self) -> Vec<Address> {
            functions(self).iter().map(|function| function.address).collect()
        }
    }

    const MANY: (u8, u32) = (HEADER, (SEVERAL as u32) << 16);

    #[test]
    fn functions_beside_the_first_are_looked_for_where_it_says_so() {
        let all: Vec<Address> = [0, 2, 7].map(|number| Address::new(0, 4, number)).into();
        let one = all.iter().fold(Model::default(), |model, &address| model.with(address, &[]));
        assert_eq!(one.addresses(), all[..1]);
        let several = all.iter().fold(Model::default(), |model, &address| model.with(address, &[MANY]));
        assert_eq!(several.addresses(), all);
        let without = Model::default().with(all[1], &[MANY]);
        assert_eq!(without.addresses(), [], "there is no device without its function 0");
    }

    #[test]
    fn what_is_behind_bridges_is_found() {
        let model = Model::default().with(Address::new(2, 0, 0), &[]).bridge(Address::new(1, 3, 0), 2).bridge(Address::new(0, 1, 0), 1).with(Address::new(0, 31, 0), &[]);
        assert_eq!(model.addresses(), [Address::new(0, 1, 0), Address::new(0, 31, 0), Address::new(1, 3, 0), Address::new(2, 0, 0)]);
        assert_eq!(functions(&model)[0].behind, 1);
    }

    #[test]
    fn bridges_that_lead_back_lead_nowhere() {
        let model = Model::default().bridge(Address::new(0, 1, 0), 1).bridge(Address::new(1, 0, 0), 0).bridge(Address::new(1, 1, 0), 1).bridge(Address::new(0, 2, 0), 0);
        assert_eq!(model.addresses().len(), 4);
    }

    #[test]
    fn each_function_of_a_host_bridge_has_a_bus() {
        let model = Model::default().with(Address::new(0, 0, 0), &[MANY]).with(Address::new(0, 0, 3), &[MANY]).with(Address::new(3, 5, 0), &[]);
        assert_eq!(model.addresses().last(), Some(&Address::new(3, 5, 0)));
    }

    #[test]
    fn capabilities_come_in_any_order_and_end_where_they_meet() {
        let listed = (STATUS, CAPABILITIES_LISTED);
        let chain = [listed, (FIRST_CAPABILITY, 0x98), (0x98, 0x4011), (0x40, 0x8409), (0x84, 0x0005)];
        let list = |space: &[(u8, u32)]| functions(&Model::default().with(Address::new(0, 1, 0), space))[0].capabilities.clone();
        assert_eq!(list(&chain), [[0x11, 0x98], [9, 0x40], [5, 0x84]]);
        assert_eq!(list(&chain[1..]), Vec::<[u8; 2]>::new(), "where the status lists none");
        assert_eq!(list(&[listed, (FIRST_CAPABILITY, 0x40), (0x40, 0x4009)]), [[9, 0x40]], "one that leads to itself");
        assert_eq!(list(&[listed, (FIRST_CAPABILITY, 0x43), (0x40, 0x1009)]), [[9, 0x40]], "the lowest bits count for nothing, and the header is no place");
    }

    #[test]
    fn a_function_is_described() {
        let space = [(CLASS, 0x0106_0102), (CARD, 0x1100_1af4), (INTERRUPT, 0x0000_010b)];
        let found = functions(&Model::default().with(Address::new(0, 2, 0), &space)).remove(0);
        let wanted = Function {
            address: Address::new(0, 2, 0), vendor: 0x1af4, device: 0x1041, card_vendor: 0x1af4, card: 0x1100, class: [1, 6, 1], revision: 2, interrupt: [11, 1],
            behind: 0, regions: vec![Region { number: 1, flags: 0, address: 0xfebf_0000, length: 4096 }], capabilities: vec![],
        };
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_space_that_answers_at_random_is_listed_to_its_bound() {
        struct Noise;
        impl Space for Noise {
            fn read(&self, address: Address, offset: u8) -> u32 {
                (u32::from(address.0) << 8 | u32::from(offset)).wrapping_mul(2_654_435_761) & 0x7fff_ffff | 0x0080_0000
            }

            fn region(&self, _: Address, _: u8) -> Option<Region> {
                None
            }
        }
        assert!(functions(&Noise).len() <= MOST);
    }
}
