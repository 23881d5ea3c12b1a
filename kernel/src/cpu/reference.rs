//! The clocks that the time stamp counter is measured against, and that tell the time themselves where it may not: the HPET
//! and ACPI's power-management timer.
use crate::{cpu::{mmio, port, time::counter}, firmware, memory::{PAGE, paging}};
use munal_logic::{clock::{Rate, counted, unwrapped}, timers::{self, PmTimer}};

/// HPET registers (IA-PC HPET specification 1.0a, section 2.3).
const CAPABILITIES: u64 = 0x00;
const CONFIGURATION: u64 = 0x10;
const MAIN_COUNTER: u64 = 0xf0;
const ENABLE: u32 = 1;

/// How often a reading is repeated: the one that took the shortest is the most exact, however often an emulator or a
/// hypervisor let others run in between.
const READINGS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The registers' physical address, and what the firmware had left in the configuration.
    Hpet(u64, u32),
    PmTimer(u16),
}

/// A clock beside the processor's.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    place: Place,
    pub rate: Rate,
    pub bits: u32,
}

/// One reading: what the reference showed when the time stamp counter was at `count`, to plus or minus half of `width`.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub count: u64,
    pub value: u32,
    pub width: u64,
}

/// The HPET, running, its page mapped.
pub fn hpet() -> Option<Reference> {
    let address = timers::hpet(firmware::bytes(*b"HPET")?)?;
    if paging::is_mapped(address) {
        return None; // it would be in memory, or in another device
    }
    paging::map_device(address, PAGE);
    // SAFETY: the firmware's table says that an HPET is there, the page was not mapped and is now, uncached.
    let (capabilities, configuration) = unsafe {
        let low = mmio::read32(address + CAPABILITIES);
        let high = mmio::read32(address + CAPABILITIES + 4);
        (u64::from(high) << 32 | u64::from(low), mmio::read32(address + CONFIGURATION))
    };
    let Some(rate) = timers::hpet_rate(capabilities) else {
        paging::unmap_device(address);
        return None;
    };
    // SAFETY: as for reading; a running counter interrupts nobody.
    unsafe { mmio::write32(address + CONFIGURATION, configuration | ENABLE) };
    Some(Reference { place: Place::Hpet(address, configuration), rate, bits: 32 })
}

/// ACPI's power-management timer, where the firmware says that there is one.
pub fn pm_timer() -> Option<Reference> {
    let PmTimer { port, bits } = timers::pm_timer(firmware::bytes(*b"FACP")?)?;
    Some(Reference { place: Place::PmTimer(port), rate: PmTimer::rate(), bits })
}

impl Reference {
    pub fn name(&self) -> &'static str {
        match self.place {
            Place::Hpet(..) => "HPET",
            Place::PmTimer(_) => "ACPI PM timer",
        }
    }

    /// The page that its registers are in.
    pub fn page(&self) -> Option<u64> {
        match self.place {
            Place::Hpet(address, _) => Some(address & !(PAGE - 1)),
            Place::PmTimer(_) => None,
        }
    }

    /// Leaves it as the firmware had left it: it is somebody else's from here on.
    pub fn release(self) {
        if let Place::Hpet(address, configuration) = self.place {
            // SAFETY: still mapped; nobody else was let at it yet.
            unsafe { mmio::write32(address + CONFIGURATION, configuration) };
            paging::unmap_device(address);
        }
    }

    /// What it shows now.
    pub fn value(&self) -> u32 {
        match self.place {
            // SAFETY: `hpet` mapped the page, and `release` takes the reference away with it. The lower half of the counter is
            // enough: it is read more often than it wraps.
            Place::Hpet(address, _) => unsafe { mmio::read32(address + MAIN_COUNTER) },
            // SAFETY: the firmware's table says that the timer is at this port. Reading it changes nothing.
            Place::PmTimer(port) => unsafe { port::in32(port) },
        }
    }

    /// What it shows, beside the time stamp counter.
    pub fn reading(&self) -> Reading {
        let once = |_| {
            let before = counter();
            let value = self.value();
            let width = counter().saturating_sub(before);
            Reading { count: before + width / 2, value, width }
        };
        (0..READINGS).map(once).min_by_key(|reading| reading.width).expect("at least one")
    }

    /// Nanoseconds between two readings; `estimate` is what the time stamp counter says, right to a few percent.
    pub fn between(&self, from: &Reading, to: &Reading, estimate: u64) -> u64 {
        let difference = counted(from.value, to.value, self.bits);
        self.rate.nanoseconds(unwrapped(difference, self.bits, self.rate.counts(estimate)))
    }
}
