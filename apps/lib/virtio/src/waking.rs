//! What a driver looks at when it was woken, besides its queues (Virtual I/O Device 1.2, section 4.1.4.5). Reading a register of the
//! device's costs much, where the machine is a virtual one more than all else that a request wants: it is left out where nothing
//! depends on it.

use crate::{COMMON, Card, Fault, ISR, NEEDS_RESET, STATUS, capability};

/// The capability of interrupts by messages with a table, and its bit for that they are on (PCI Local Bus Specification 3.0, section
/// 6.8.2).
const MSI_X: u32 = 0x11;
const ENABLED: u32 = 1 << 31;

/// How a device interrupts, in this life of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waking {
    by_line: bool,
}

impl Waking {
    /// As the kernel has it: by messages, or by the function's line.
    pub fn of(card: &impl Card) -> Self {
        Self { by_line: !capability::all(card).any(|(_, word)| word & 0xff == MSI_X && word & ENABLED != 0) }
    }

    /// Has the device take back its line, where it interrupts by that. Wants to be done before queues are looked at: what the device
    /// has used after that interrupts anew.
    pub fn hush(self, card: &impl Card) {
        if self.by_line {
            card.read8(ISR, 0);
        }
    }

    /// Looks for why the driver was woken, where its queues had nothing. Errors: the device is broken, or not there any more.
    pub fn for_nothing(self, card: &impl Card) -> Result<(), Fault> {
        match card.read8(COMMON, STATUS) {
            u8::MAX => Err(Fault::Gone),
            status if status & NEEDS_RESET != 0 => Err(Fault::Broken),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::cell::RefCell;
    use std::{vec, vec::Vec};

    /// A function with one capability, which says these 32 bits of itself and leads back to itself, and a status.
    struct Function {
        capability: u32,
        status: u8,
        read: RefCell<Vec<u8>>,
    }

    impl Function {
        fn new(capability: u32, status: u8) -> Self {
            Self { capability, status, read: RefCell::default() }
        }
    }

    impl Card for Function {
        fn is_there(&self) -> bool {
            true
        }
        fn config(&self, offset: u8) -> u32 {
            match offset {
                0x34 => 0x40,
                0x40 => self.capability,
                _ => 0,
            }
        }
        fn read8(&self, region: u8, _: u32) -> u8 {
            self.read.borrow_mut().push(region);
            if region == COMMON { self.status } else { 1 }
        }
        fn read16(&self, _: u8, _: u32) -> u16 {
            0
        }
        fn read32(&self, _: u8, _: u32) -> u32 {
            0
        }
        fn write8(&self, _: u8, _: u32, _: u8) {}
        fn write16(&self, _: u8, _: u32, _: u16) {}
        fn write32(&self, _: u8, _: u32, _: u32) {}
        fn write64(&self, _: u8, _: u32, _: u64) {}
        fn write_table(&self, _: u8, _: u32, _: &[u8]) -> bool {
            true
        }
    }

    #[test]
    fn a_line_is_taken_back_and_messages_need_nothing() {
        for (capability, read) in [(0x8000_4011, vec![]), (0x0000_4011, vec![ISR]), (0x8000_4009, vec![ISR]), (0, vec![ISR])] {
            let function = Function::new(capability, 0);
            Waking::of(&function).hush(&function);
            assert_eq!(*function.read.borrow(), read, "{capability:#x}");
        }
    }

    #[test]
    fn who_is_woken_for_nothing_learns_that_the_device_is_broken() {
        for (status, answer) in [(0x0f, Ok(())), (0x4f, Err(Fault::Broken)), (0xff, Err(Fault::Gone))] {
            let function = Function::new(0x8000_4011, status);
            assert_eq!(Waking::of(&function).for_nothing(&function), answer);
        }
    }
}
