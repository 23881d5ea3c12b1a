//! Access to PCI's configuration space by two ports, which every PC has (PCI Local Bus Specification 3.0, section 3.2.2.3.2).
use crate::cpu::{self, port};
use munal_logic::pci::{self, Region, Registers};

const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;

/// One function, by bus x 256 + device x 8 + function. Interrupts are off while it is used: the address and the data are one access.
struct Function(u16);

impl Function {
    fn select(&self, offset: u8) {
        // SAFETY: the register selects what the data port means; the kernel keeps both ports, and only this module uses them.
        unsafe { port::out32(ADDRESS, ENABLE | u32::from(self.0) << 8 | u32::from(offset & !3)) }
    }
}

impl Registers for Function {
    fn read(&mut self, offset: u8) -> u32 {
        self.select(offset);
        // SAFETY: reading configuration space changes nothing in memory.
        unsafe { port::in32(DATA) }
    }

    fn write(&mut self, offset: u8, value: u32) {
        self.select(offset);
        // SAFETY: `pci::region` writes what it has read, and between that only while the function answers to no address; for all
        // else `with` has its caller's promise.
        unsafe { port::out32(DATA, value) }
    }
}

/// 32 bits of a function's configuration space, all ones where there is none.
pub fn read(function: u16, offset: u8) -> u32 {
    cpu::without_interrupts(|| Function(function).read(offset))
}

/// Does something with a function's registers, while nobody else does.
///
/// # Safety
/// What it writes lets the function reach no memory that is not the one's whom it was granted to, and send no interrupt but his.
pub unsafe fn with<R>(function: u16, job: impl FnOnce(&mut dyn Registers) -> R) -> R {
    cpu::without_interrupts(|| job(&mut Function(function)))
}

/// What a base address register decodes.
pub fn region(function: u16, number: u8) -> Option<Region> {
    cpu::without_interrupts(|| pci::region(&mut Function(function), number))
}
