//! From the firmware to our own machine: takes what only the firmware knows, proves the system table, leaves boot services
//! for good, and goes on under our own page tables and stack.
use crate::{cell::Global, cpu, framebuffer, memory::{PAGE, fixed_stack::FixedStack, frames, paging::{self, Access}}, stages::{self, Stage}};
use alloc::vec::Vec;
use core::{arch::asm, time::Duration};
use munal_logic::{image::{self, Header}, pe, wall::{self, FirmwareTime}};
use uefi::{
    Status, boot,
    mem::memory_map::{MemoryMap, MemoryMapOwned, MemoryType},
    proto::{loaded_image::LoadedImage, rng::Rng},
    runtime::{self, Daylight},
    system,
    table::cfg::ConfigTableEntry,
};

/// What the firmware gave, and where the image lies.
#[derive(Clone, Copy)]
pub struct Machine {
    /// The whole image, as the firmware loaded it.
    pub image: &'static [u8],
    /// The section `.munal`.
    pub section: &'static [u8],
    /// Physical address of ACPI's root pointer.
    pub rsdp: u64,
    /// The time stamp counter when the firmware handed over.
    pub started: u64,
    /// The time of day in nanoseconds since 1970-01-01 00:00:00 UTC, and the time stamp counter then.
    pub wall: Option<(u64, u64)>,
}

/// What the firmware's generator of random numbers gave, until it is taken.
static SEED: Global<Option<[u8; 64]>> = Global::new(None);

static MACHINE: Global<Option<(Machine, Header, MemoryMapOwned)>> = Global::new(None);

const BOOT_STACK: usize = 512 * 1024;

static STACK: Global<FixedStack<BOOT_STACK>> = Global::new(FixedStack::new());

/// Runs on the firmware's stack; returns to the firmware only with a reason not to boot, in words.
pub fn leave_firmware() -> (Status, &'static str) {
    let started = cpu::time::counter();
    stages::reach(Stage::HandOver);
    let (machine, header) = match ask(started) {
        Ok(found) => found,
        Err(reason) => return (Status::LOAD_ERROR, reason),
    };
    // SAFETY: no reference to anything of the firmware's is kept, and nothing of it is called from here on.
    let map = unsafe { boot::exit_boot_services(None) };
    x86_64::instructions::interrupts::disable();
    stages::reach(Stage::FirmwareLeft);
    MACHINE.with(|slot| *slot = Some((machine, header, map)));
    let top = FixedStack::top(STACK.as_ptr());
    // SAFETY: the stack is a static of ours, aligned, used by nobody; `on_own_stack` never returns.
    unsafe { asm!("mov rsp, {}", "xor ebp, ebp", "call {}", "ud2", in(reg) top, sym on_own_stack, options(noreturn)) }
}

fn ask(started: u64) -> Result<(Machine, Header), &'static str> {
    let _ = boot::set_watchdog_timer(0, 0x1_0000, None); // it would reset a machine that stays in boot services
    let image = loaded_image().ok_or("the firmware does not say where it loaded the image")?;
    let section = &image[pe::find(image, b".munal").ok_or("the image has no section .munal")?];
    let header = image::read_header(section)?;
    let rsdp = system::with_config_table(|entries| entries.iter().find(|e| e.guid == ConfigTableEntry::ACPI2_GUID).map(|e| e.address as u64));
    let rsdp = rsdp.ok_or("the firmware has no ACPI tables")?;
    SEED.with(|seed| *seed = random_bytes());
    framebuffer::ask();
    let wall = time_of_day().map(|nanoseconds| (nanoseconds, cpu::time::counter()));
    Ok((Machine { image, section, rsdp, started, wall }, header))
}

/// 64 bytes of the firmware's generator (UEFI 2.10, section 37.5), where it has one.
fn random_bytes() -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    let handle = boot::get_handle_for_protocol::<Rng>().ok()?;
    boot::open_protocol_exclusive::<Rng>(handle).ok()?.get_rng(None, &mut bytes).ok()?;
    Some(bytes)
}

/// What the firmware's generator gave; once, and nothing of it is kept.
pub fn take_seed() -> Option<[u8; 64]> {
    SEED.with(|seed| {
        let taken = *seed;
        *core::hint::black_box(&mut *seed) = Some([0; 64]); // overwritten before it is forgotten
        *seed = None;
        taken
    })
}

/// The real-time clock by the firmware (UEFI 2.10, section 8.3), in nanoseconds since 1970-01-01 00:00:00 UTC.
fn time_of_day() -> Option<u64> {
    let time = runtime::get_time().ok()?;
    wall::nanoseconds(&FirmwareTime {
        year: time.year(), month: time.month(), day: time.day(), hour: time.hour(), minute: time.minute(), second: time.second(),
        nanosecond: time.nanosecond(), zone: time.time_zone(), daylight: time.daylight().contains(Daylight::IN_DAYLIGHT),
    })
}

fn loaded_image() -> Option<&'static [u8]> {
    let image = boot::open_protocol_exclusive::<LoadedImage>(boot::image_handle()).ok()?;
    let (base, size) = image.info();
    // SAFETY: the firmware loaded us there; the parts we read are never written.
    (!base.is_null()).then(|| unsafe { core::slice::from_raw_parts(base.cast(), size as usize) })
}

extern "C" fn on_own_stack() -> ! {
    let (machine, header) = MACHINE.with(|slot| {
        let (machine, header, map) = slot.as_ref().expect("the machine was asked");
        own_memory(machine, map);
        (*machine, header.clone())
    });
    crate::run(machine, header)
}

/// Builds our page tables, enters them, and takes over the memory that the firmware used for booting.
fn own_memory(machine: &Machine, map: &MemoryMapOwned) {
    let range = |entry: &uefi::mem::memory_map::MemoryDescriptor| (entry.phys_start, entry.phys_start + entry.page_count * PAGE);
    for entry in map.entries().filter(|entry| entry.ty == MemoryType::CONVENTIONAL) {
        let (start, end) = range(entry);
        // SAFETY: the firmware calls it free, and all free memory is mapped one to one, now by the firmware and below by us.
        unsafe { frames::add(start, end) };
    }
    let (start, end) = (machine.image.as_ptr() as u64, machine.image.as_ptr() as u64 + machine.image.len() as u64);
    let built = paging::start().and_then(|()| {
        map_image(machine)?;
        let in_image = |large: u64| large < end && start < large + (2 << 20);
        map.entries().filter(|entry| is_memory(entry.ty)).try_for_each(|entry| {
            let (start, end) = range(entry);
            paging::map_physical(start.max(PAGE), end, in_image)
        })
    });
    built.expect("memory for page tables");
    cpu::protect_pages();
    // SAFETY: the image is mapped as its sections say, all of memory one to one, and the stack is part of the image, a static
    // that nothing but the stack pointer reaches.
    unsafe {
        paging::use_own();
        FixedStack::guard(STACK.as_ptr());
    }
    if map.entries().any(|entry| entry.phys_start == 0 && is_free(entry.ty)) {
        blank_first_page();
    }
    for entry in map.entries().filter(|entry| is_left(entry.ty)) {
        let (start, end) = range(entry);
        // SAFETY: boot services are left, and so are their page tables and their stack.
        unsafe { frames::add(start, end) };
    }
}

/// All stretches of RAM that the firmware told of, whatever they are used for, as start and end.
pub fn memory() -> Vec<(u64, u64)> {
    MACHINE.with(|slot| {
        let map = slot.as_ref().map(|(_, _, map)| map);
        let entries = map.into_iter().flat_map(|map| map.entries()).filter(|entry| is_memory(entry.ty));
        entries.map(|entry| (entry.phys_start, entry.phys_start + entry.page_count * PAGE)).collect()
    })
}

fn is_left(kind: MemoryType) -> bool {
    matches!(kind, MemoryType::BOOT_SERVICES_CODE | MemoryType::BOOT_SERVICES_DATA)
}

fn is_free(kind: MemoryType) -> bool {
    kind == MemoryType::CONVENTIONAL || is_left(kind)
}

/// Fills the first page of memory, which nobody is ever given, with zeros: a device that is told of no table looks there, and finds
/// nothing that leads anywhere.
fn blank_first_page() {
    paging::map_device(0, PAGE);
    // SAFETY: the page is free memory, mapped for this alone; no reference to it can be, since it is where null is.
    unsafe { asm!("rep stosb", inout("rcx") PAGE => _, inout("rdi") 0u64 => _, in("al") 0u8, options(nostack, preserves_flags)) };
    paging::unmap_device(0);
}

fn is_memory(kind: MemoryType) -> bool {
    !matches!(kind, MemoryType::RESERVED | MemoryType::MMIO | MemoryType::MMIO_PORT_SPACE | MemoryType::UNUSABLE)
}

/// The image's pages, each with the one use that its section has; the headers are read-only.
fn map_image(machine: &Machine) -> Result<(), paging::OutOfMemory> {
    let base = machine.image.as_ptr() as u64;
    paging::map_image(base, base + PAGE, Access::Read)?;
    for section in pe::sections(machine.image) {
        assert!(!(section.writable && section.executable), "a section of the image is both writable and executable");
        let access = if section.executable { Access::Execute } else if section.writable { Access::Write } else { Access::Read };
        let start = base + section.start as u64;
        paging::map_image(start, (start + section.length as u64).next_multiple_of(PAGE), access)?;
    }
    Ok(())
}

/// How long the reason not to boot stays on the firmware's console before it goes on to what else it can boot.
const TIME_TO_READ: Duration = Duration::from_secs(10);

/// Says on the firmware's console why the image does not boot.
pub fn refuse(reason: &str) {
    system::with_stdout(|console| {
        let _ = core::fmt::Write::write_fmt(console, format_args!("munal: this image does not boot: {reason}\r\n"));
    });
    boot::stall(TIME_TO_READ);
}
