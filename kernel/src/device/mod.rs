//! The PCI functions that the table grants: found at boot, each for one instance alone; opened when its life begins and closed
//! before its memory goes. What their registers may be told is decided in munal-logic (`device`).
//!
//! A function that nobody opened writes to no memory: its bus mastering is off.
mod find;
mod interrupt;
mod transfer;

use crate::{cell::Global, cpu::{mmio, port, time}, dispatch::Error, pci, sip::Stop, thread};
use alloc::{format, string::String, vec::Vec};
use core::ptr;
use interrupt::Interrupt;
use munal_logic::{device::{Device, Pointer, Rules, Step}, pci::{ANSWERS, MASTER, SILENT, command}};

pub use find::find;
pub use transfer::{read_table, write_register, write_table};

/// How long a device may take for one step of its reset, in nanoseconds: AHCI 1.3.1, section 10.4.3, allows a second.
const RESET: u64 = 2_000_000_000;
/// How often it is looked at meanwhile.
const LOOK: u64 = 100_000;

/// One device of the table's, in the table's order.
pub struct Granted {
    pub model: Device,
    found: Option<Found>,
}

/// The function that it is on this machine.
struct Found {
    function: u16,
    /// Where each region of the model is.
    regions: Vec<Window>,
    /// The physical address of each table of the model; mapped one to one.
    tables: Vec<u64>,
    interrupt: Interrupt,
}

/// Registers: ports, or device memory that is mapped one to one.
#[derive(Clone, Copy)]
struct Window {
    base: u64,
    ports: bool,
}

static DEVICES: Global<Vec<Granted>> = Global::new(Vec::new());

fn all() -> &'static [Granted] {
    // SAFETY: written once, at boot, before threads run.
    unsafe { DEVICES.forever() }
}

/// The table's device of that number; `decode` checked that handles name no other.
pub fn granted(number: usize) -> &'static Granted {
    &all()[number]
}

/// The interrupt that a device's handle waits for; none where the machine has not the device, or it has no interrupt.
pub fn line(number: usize) -> Option<u32> {
    granted(number).found.as_ref().and_then(|found| found.interrupt.line())
}

impl Granted {
    pub fn is_there(&self) -> bool {
        self.found.is_some()
    }

    /// 32 bits of its configuration space, all ones where it is not there.
    pub fn config(&self, offset: u8) -> u32 {
        self.found.as_ref().map_or(u32::MAX, |found| pci::read(found.function, offset))
    }

    /// A register of 1, 2, 4 or 8 bytes; all ones where the device is not there. Errors: the model's region has no such.
    #[inline(never)]
    pub fn read(&self, region: u8, offset: u32, bytes: u8) -> Result<u64, Stop> {
        let inside = self.model.regions.get(usize::from(region)).is_some_and(|it| offset.checked_add(u32::from(bytes)).is_some_and(|end| end <= it.length));
        if !inside {
            return Err(Stop::Refused(format!("read {bytes} bytes at {offset:#x} of region {region} of device `{}`, which its model does not have", self.model.need)));
        }
        let ones = u64::MAX >> (64 - 8 * u32::from(bytes));
        Ok(self.found.as_ref().map_or(ones, |found| found.regions[usize::from(region)].read(offset, bytes)))
    }
}

impl Window {
    fn read(&self, offset: u32, bytes: u8) -> u64 {
        let at = self.base + u64::from(offset);
        // SAFETY: `find` took the window from a base address register of a function that was granted to the one who asks, inside
        // what the register decodes, and mapped it uncached where it is memory; `Granted::read` keeps to the model's length.
        unsafe {
            match (self.ports, bytes) {
                (true, 1) => u64::from(port::in8(at as u16)),
                (true, 2) => u64::from(port::in16(at as u16)),
                (true, 4) => u64::from(port::in32(at as u16)),
                (true, _) => u64::from(port::in32(at as u16)) | u64::from(port::in32(at as u16 + 4)) << 32,
                (false, 1) => u64::from(mmio::read8(at)),
                (false, 2) => u64::from(mmio::read16(at)),
                (false, 4) => u64::from(mmio::read32(at)),
                (false, _) => mmio::read64(at),
            }
        }
    }

    fn write(&self, offset: u32, bytes: u8, value: u64) {
        let at = self.base + u64::from(offset);
        // SAFETY: as for reading. An address in `value` was translated from one that the device's owner may have it reach, as the
        // model says (`transfer`), or is one of a reset's constants.
        unsafe {
            match (self.ports, bytes) {
                (true, 1) => port::out8(at as u16, value as u8),
                (true, 2) => port::out16(at as u16, value as u16),
                (true, 4) => port::out32(at as u16, value as u32),
                (true, _) => {
                    port::out32(at as u16, value as u32);
                    port::out32(at as u16 + 4, (value >> 32) as u32);
                }
                (false, 1) => mmio::write8(at, value as u8),
                (false, 2) => mmio::write16(at, value as u16),
                (false, 4) => mmio::write32(at, value as u32),
                (false, _) => mmio::write64(at, value),
            }
        }
    }

    fn write_halves(&self, offset: u32, value: u64) {
        self.write(offset, 4, value & u64::from(u32::MAX));
        self.write(offset + 4, 4, value >> 32);
    }
}

/// An instance's devices, open: dropped before the memory goes that they were told of.
pub struct Open {
    index: usize,
}

/// Resets an instance's devices and lets them work. Errors: which one does not come out of its reset.
pub fn open(index: usize) -> Result<Open, String> {
    let open = Open { index };
    for (granted, found) in of(index) {
        found.set_command(ANSWERS | SILENT);
        reset(granted, found)?;
        found.forget(&granted.model);
        let line = found.interrupt.enable(found.function, index);
        found.set_command(ANSWERS | MASTER | if line { 0 } else { SILENT });
    }
    Ok(open)
}

impl Drop for Open {
    /// Bus mastering goes first. The reset's waits are left out: the next life makes it anew, before anything is let through.
    fn drop(&mut self) {
        for (granted, found) in of(self.index) {
            found.set_command(ANSWERS | SILENT);
            found.interrupt.disable(found.function);
            granted.model.reset.iter().filter(|step| step.mask.is_none()).for_each(|step| found.regions[step.region].write(step.offset, step.bytes, step.value));
            pci::read(found.function, 0); // what the function was writing when that was turned off has arrived before its answer does
        }
    }
}

fn of(index: usize) -> impl Iterator<Item = (&'static Granted, &'static Found)> {
    all().iter().filter(move |granted| granted.model.instance == index).filter_map(|granted| Some((granted, granted.found.as_ref()?)))
}

impl Found {
    /// Takes from the device what the life before told it, whose memory may be another's now: tables that hold addresses are zeros again. What
    /// leads to a table, a register or an entry, leads to the first of those that it may, so that no driver has the device follow what
    /// nobody told it.
    fn forget(&self, model: &Device) {
        for (&at, table) in self.tables.iter().zip(&model.tables).filter(|(_, table)| !table.rules.pointers.is_empty()) {
            // SAFETY: `find` took these frames for good; nothing refers to them but the device, which masters no bus now.
            unsafe { ptr::write_bytes(at as *mut u8, 0, table.size() as usize) };
            for (offset, to) in self.at_rest(&table.rules, model).flat_map(|(pointer, to)| pointer.places().map(move |offset| (offset, to))) {
                for entry in 0..table.count {
                    let place = at + u64::from(entry) * u64::from(table.entry) + u64::from(offset);
                    // SAFETY: as before; `check` found that each repetition of a pointer lies in its entry.
                    unsafe { (place as *mut u64).write_unaligned(to) };
                }
            }
        }
        for (window, region) in self.regions.iter().zip(&model.regions) {
            for (pointer, to) in self.at_rest(&region.rules, model) {
                for offset in pointer.places() {
                    if pointer.halves { window.write_halves(offset, to) } else { window.write(offset, 8, to) }
                }
            }
        }
    }

    /// Those pointers that lead to a table when nobody has written them, and where that table is.
    fn at_rest<'a>(&'a self, rules: &'a Rules, model: &'a Device) -> impl Iterator<Item = (&'a Pointer, u64)> + 'a {
        rules.pointers.iter().filter_map(|pointer| Some((pointer, self.tables[pointer.at_rest(&model.tables)?])))
    }

    fn set_command(&self, bits: u16) {
        // SAFETY: `open` lets the function master the bus after its reset, when no register or table of it holds an address that
        // nobody translated; every other caller takes that away.
        unsafe { pci::with(self.function, |registers| command(registers, bits)) }
    }
}

fn reset(granted: &Granted, found: &Found) -> Result<(), String> {
    granted.model.reset.iter().try_for_each(|step| take(step, &found.regions[step.region]).map_err(|()| {
        format!("device `{}` does not come out of its reset: {:#x} of `{}`", granted.model.need, step.offset, granted.model.regions[step.region].name)
    }))
}

fn take(step: &Step, window: &Window) -> Result<(), ()> {
    let Some(mask) = step.mask else {
        window.write(step.offset, step.bytes, step.value);
        return Ok(());
    };
    let end = time::now() + RESET;
    while window.read(step.offset, step.bytes) & mask != step.value {
        let now = time::now();
        if now >= end || thread::block(Some(now + LOOK)).is_err() {
            return Err(());
        }
    }
    Ok(())
}

/// What a call for a device that is not there answers.
pub const ABSENT: Error = Error::NotFound;
