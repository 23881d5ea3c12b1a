//! How a granted function interrupts: by messages to the local APIC where it can (PCI Local Bus Specification 3.0, section 6.8; Intel
//! SDM volume 3, section 11.11), by the line that the firmware leads to an ISA interrupt where it cannot.
use crate::{cpu::{apic, idt, ioapic, mmio}, pci, thread};
use core::ops::Range;
use munal_logic::pci::{self as config, ENTRY, Message};

/// Where messages to the processor go: its identity is in bits 12 to 19.
const DESTINATION: u32 = 0xfee0_0000;
/// Where in an entry of a table of messages the word is whose lowest bit masks it.
const MASK: u64 = 12;

/// A function's way to interrupt. Messages have numbers of global system interrupts that no controller has.
pub enum Interrupt {
    None,
    /// `table` is where the function's table of messages is, where it has one.
    Message { way: Message, line: u32, table: Option<Range<u64>> },
    Line { isa: u32 },
}

impl Interrupt {
    /// That of a function which is device `number` of the table.
    pub fn of(function: u16, number: usize) -> Self {
        // SAFETY: looking for capabilities writes nothing.
        let (message, isa) = unsafe { pci::with(function, |registers| (config::message(registers), config::line(registers))) };
        let line = u32::try_from(number).ok().and_then(|number| (idt::GSIS - 1).checked_sub(number)).filter(|&line| !ioapic::has(line));
        match (message, line) {
            (Some(way @ Message::Plain(_)), Some(line)) => Self::Message { way, line, table: None },
            (Some(way @ Message::Table { bar, table, length, .. }), Some(line)) => {
                let region = pci::region(function, bar).filter(|region| !region.ports && u64::from(table) + u64::from(length) <= region.length);
                let start = region.and_then(|region| region.address.checked_add(u64::from(table)));
                let table = start.and_then(|start| Some(start..start.checked_add(u64::from(length))?));
                table.map_or(Self::None, |table| Self::Message { way, line, table: Some(table) })
            }
            _ => isa.map_or(Self::None, |isa| Self::Line { isa }),
        }
    }

    /// Where the table of messages is, if there is one, to be mapped.
    pub fn table(&self) -> Option<Range<u64>> {
        match self {
            Self::Message { table, .. } => table.clone(),
            _ => None,
        }
    }

    /// The global system interrupt that it comes as.
    pub fn line(&self) -> Option<u32> {
        match *self {
            Self::None => None,
            Self::Message { line, .. } => Some(line),
            Self::Line { isa } => Some(ioapic::gsi_of_isa(isa)),
        }
    }

    /// Lets it through, counted from nought, for the thread of instance `index`; answers whether the function is to drive its line.
    pub fn enable(&self, function: u16, index: usize) -> bool {
        let Some(line) = self.line() else { return false };
        match self {
            Self::Message { way, table, .. } => {
                ioapic::forget(line);
                let (address, data) = (DESTINATION | apic::id() << 12, u16::from(idt::FIRST_GSI) + line as u16);
                if let Some(Range { start: at, end }) = table.clone() {
                    // SAFETY: `find` mapped the pages of the function's table of messages, which no region of a model reaches.
                    // Entries but the first stay masked, since their addresses are whatever was there before.
                    unsafe {
                        mmio::write32(at, address);
                        mmio::write32(at + 4, 0);
                        mmio::write32(at + 8, u32::from(data));
                        for entry in (at..end).step_by(ENTRY as usize) {
                            mmio::write32(entry + MASK, u32::from(entry != at));
                        }
                    }
                }
                // SAFETY: the message is an interrupt of a vector that is this device's alone.
                unsafe { pci::with(function, |registers| way.enable(registers, address, data)) };
                thread::own_interrupt(line, Some(index));
                false
            }
            Self::Line { isa } => {
                let through = ioapic::enable(Some(*isa), line).is_ok();
                thread::own_interrupt(line, Some(index));
                through
            }
            Self::None => false,
        }
    }

    /// Stops it.
    pub fn disable(&self, function: u16) {
        let Some(line) = self.line() else { return };
        match *self {
            // SAFETY: it takes from the function what it could do.
            Self::Message { way, .. } => unsafe { pci::with(function, |registers| way.disable(registers)) },
            _ => ioapic::disable(line),
        }
        thread::own_interrupt(line, None);
    }
}
