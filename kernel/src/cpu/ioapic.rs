//! Interrupt lines: the legacy controllers are silenced, the I/O APICs that ACPI's MADT lists deliver what was granted
//! (82093AA data sheet; ACPI 6.5, section 5.2.12).
use crate::{cell::Global, cpu::{self, apic, idt, port}, memory::{PAGE, paging}};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use munal_logic::acpi::Madt;

const REGISTER_SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
const VERSION: u32 = 0x01;
const REDIRECTION: u32 = 0x10;
const ACTIVE_LOW: u32 = 1 << 13;
const LEVEL: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;

/// How often each global system interrupt came since its driver last asked.
static CAME: [AtomicU32; idt::GSIS as usize] = [const { AtomicU32::new(0) }; idt::GSIS as usize];
/// Bit n % 32 of word n / 32: line n interrupted since `fired` was asked last.
static FIRED: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];
/// Bit n % 32 of word n / 32: line n is level-triggered, and its handler masks it.
static LEVELS: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

struct Controller {
    address: u64,
    first: u32,
    count: u32,
}

#[derive(Default)]
struct Lines {
    controllers: Vec<Controller>,
    overrides: Vec<munal_logic::acpi::Override>,
}

static LINES: Global<Lines> = Global::new(Lines { controllers: Vec::new(), overrides: Vec::new() });

/// The physical addresses of the pages that the I/O APICs' registers are in.
pub fn pages() -> Vec<u64> {
    LINES.with(|lines| lines.controllers.iter().map(|controller| controller.address & !(PAGE - 1)).collect())
}

/// Silences the legacy controllers and masks every line. Called once, at boot, with interrupts off.
pub fn start(madt: &Madt) {
    silence_legacy_controllers();
    let mut lines = Lines { controllers: Vec::new(), overrides: madt.overrides.clone() };
    for &(address, first) in &madt.io_apics {
        paging::map_device(address, 4096);
        let mut controller = Controller { address, first, count: 0 };
        controller.count = (controller.read(VERSION) >> 16 & 0xff) + 1;
        (0..controller.count).for_each(|pin| controller.write(REDIRECTION + 2 * pin, MASKED));
        lines.controllers.push(controller);
    }
    LINES.with(|slot| *slot = lines);
}

/// Moves both 8259A away from the exceptions and masks all their lines (8259A data sheet: ICW1 to ICW4, OCW1).
fn silence_legacy_controllers() {
    let (main, second) = (0x20, 0xa0);
    let words = [
        (main, 0x11), (second, 0x11), (main + 1, idt::LEGACY), (second + 1, idt::LEGACY + 8),
        (main + 1, 4), (second + 1, 2), (main + 1, 1), (second + 1, 1), (main + 1, 0xff), (second + 1, 0xff),
    ];
    for (port, word) in words {
        // SAFETY: these ports are the kernel's own (no grant covers them), and the words only mask interrupts.
        unsafe { port::out8(port, word) };
    }
}

impl Controller {
    fn read(&self, register: u32) -> u32 {
        // SAFETY: `start` mapped the page as device memory; interrupts are off around each pair (`cpu::without_interrupts`).
        cpu::without_interrupts(|| unsafe {
            ((self.address + REGISTER_SELECT) as *mut u32).write_volatile(register);
            ((self.address + WINDOW) as *const u32).read_volatile()
        })
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: as in `read`; lines deliver only vectors that `idt` has stubs for.
        cpu::without_interrupts(|| unsafe {
            ((self.address + REGISTER_SELECT) as *mut u32).write_volatile(register);
            ((self.address + WINDOW) as *mut u32).write_volatile(value)
        })
    }
}

impl Lines {
    fn find(&self, gsi: u32) -> Option<(&Controller, u32)> {
        let controller = self.controllers.iter().find(|c| gsi >= c.first && gsi - c.first < c.count)?;
        Some((controller, REDIRECTION + 2 * (gsi - controller.first)))
    }
}

/// The global system interrupt that an ISA interrupt arrives at, and whether it is active low and level-triggered.
fn route(isa: u32) -> (u32, bool, bool) {
    LINES.with(|lines| {
        let found = lines.overrides.iter().find(|o| o.isa == isa);
        found.map_or((isa, false, false), |o| (o.gsi, o.active_low, o.level))
    })
}

/// The global system interrupt of an ISA interrupt.
pub fn gsi_of_isa(isa: u32) -> u32 {
    route(isa).0
}

/// Lets an ISA interrupt (edge, active high, unless the MADT says otherwise) or a global one (level, active low) through.
///
/// Errors: `Err` where no controller has the line.
pub fn enable(isa: Option<u32>, gsi: u32) -> Result<(), ()> {
    let (gsi, low, level) = isa.map_or((gsi, true, true), route);
    if gsi >= idt::GSIS {
        return Err(());
    }
    CAME[gsi as usize].store(0, Ordering::Relaxed);
    LEVELS[gsi as usize / 32].fetch_or(u32::from(level) << (gsi % 32), Ordering::Relaxed);
    LINES.with(|lines| {
        let (controller, register) = lines.find(gsi).ok_or(())?;
        controller.write(register + 1, apic::id() << 24);
        controller.write(register, u32::from(idt::FIRST_GSI) + gsi | if low { ACTIVE_LOW } else { 0 } | if level { LEVEL } else { 0 });
        Ok(())
    })
}

/// Whether a controller has the line.
pub fn has(gsi: u32) -> bool {
    LINES.with(|lines| lines.find(gsi).is_some())
}

/// Counts a line that no controller has from nought: messages come as it.
pub fn forget(gsi: u32) {
    CAME[gsi as usize].store(0, Ordering::Relaxed);
    LEVELS[gsi as usize / 32].fetch_and(!(1 << (gsi % 32)), Ordering::Relaxed);
}

fn set_masked(gsi: u32, masked: bool) {
    let change = |lines: &Lines| {
        if let Some((controller, register)) = lines.find(gsi) {
            let word = controller.read(register) & !MASKED;
            controller.write(register, word | if masked { MASKED } else { 0 });
        }
    };
    // SAFETY: only read, and `start` wrote it before interrupts were on; a handler may come while a thread reads it too.
    cpu::without_interrupts(|| change(unsafe { LINES.forever() }));
}

/// Stops the line until `enable`.
pub fn disable(gsi: u32) {
    set_masked(gsi, true);
}

/// Lets a level-triggered line interrupt again.
pub fn acknowledge(gsi: u32) {
    set_masked(gsi, false);
}

/// The line interrupted. Called by the interrupt handler: atomics, and the mask of a line that would come at once again.
pub fn note(gsi: u32) {
    CAME[gsi as usize].fetch_add(1, Ordering::Relaxed);
    FIRED[gsi as usize / 32].fetch_or(1 << (gsi % 32), Ordering::Relaxed);
    if LEVELS[gsi as usize / 32].load(Ordering::Relaxed) >> (gsi % 32) & 1 != 0 {
        set_masked(gsi, true);
    }
}

/// How often the line interrupted since it was last taken.
pub fn pending(gsi: u32) -> u32 {
    CAME[gsi as usize].load(Ordering::Relaxed)
}

/// Takes the count.
pub fn take(gsi: u32) -> u32 {
    CAME[gsi as usize].swap(0, Ordering::Relaxed)
}

/// The lines that interrupted since this was asked last. Every switch asks: where none did, a load a word is all that it costs.
pub fn fired() -> impl Iterator<Item = u32> {
    FIRED.iter().enumerate().filter(|(_, bits)| bits.load(Ordering::Relaxed) != 0).flat_map(|(word, bits)| {
        let taken = bits.swap(0, Ordering::Relaxed);
        (0..32).filter(move |bit| taken >> bit & 1 != 0).map(move |bit| word as u32 * 32 + bit)
    })
}
