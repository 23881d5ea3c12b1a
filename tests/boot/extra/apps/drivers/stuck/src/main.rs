//! Counts interrupts of a line that stays asserted: one for each time that it acknowledges, and then no other.
//! Registers: IA-PC HPET specification 1.0a, section 2.3.
#![no_std]
#![no_main]

use munal::FOREVER;

munal::bindings!();
munal::main!(run);

const REGS: mmio::regs = mmio::regs;
const LINE: irq::line = irq::line;

const CONFIGURATION: u32 = 0x10;
const ENABLE: u32 = 1;
const STATUS: u32 = 0x20;
const COUNTER: u32 = 0xf0;
const TIMER: u32 = 0x100;
const COMPARATOR: u32 = 0x108;
const LEVEL: u32 = 1 << 1;
const INTERRUPTS: u32 = 1 << 2;
const NARROW: u32 = 1 << 8;
const ROUTE: u32 = 9;
/// The global system interrupt that the profile grants.
const GSI: u32 = 20;
const ROUNDS: u32 = 5;

fn run() -> Result<(), Error> {
    REGS.write32(CONFIGURATION, 0);
    REGS.write32(TIMER, 0);
    REGS.write32(STATUS, 1); // what an earlier life left
    REGS.write32(TIMER, LEVEL | INTERRUPTS | NARROW | GSI << ROUTE);
    REGS.write32(COMPARATOR, REGS.read32(COUNTER).wrapping_add(1000));
    REGS.write32(CONFIGURATION, ENABLE);
    for round in 1..=ROUNDS {
        let count = LINE.wait(FOREVER)?;
        munal::log!(log::log, "round {round}: {count}");
        if round < ROUNDS {
            LINE.acknowledge(); // and the line still holds: it comes once more
        }
    }
    sip::wait(&mut [], FOREVER)?;
    Ok(())
}
