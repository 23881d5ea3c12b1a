//! Munal's kernel: boots from UEFI and runs precompiled WebAssembly in ring 0. It knows no driver, no app and no profile:
//! all that it does, and all that it allows, stands in the system table that the composer wrote.
#![no_std]
#![no_main]
extern crate alloc;

mod backtrace;
mod boot;
mod bulk;
mod cell;
mod control;
mod cpu;
mod device;
mod devices;
mod dispatch;
mod emergency;
mod end;
mod entropy;
mod firmware;
mod framebuffer;
mod functions;
#[cfg(feature = "lab")]
mod lab;
mod loan;
mod log;
mod memory;
mod panic;
mod party;
mod pci;
mod raw;
mod sip;
mod stages;
mod start;
mod state;
mod supervisor;
mod thread;
mod wall;
mod wasm;

use alloc::{format, string::String, vec::Vec};
use boot::Machine;
use log::say;
use stages::Stage;
use munal_logic::{image::{Header, sha256}, schedule::{Priority, Terms}, table::{self, HandleKind, Module, Table}};
use uefi::{Status, entry};

#[entry]
fn main() -> Status {
    let (status, reason) = boot::leave_firmware();
    boot::refuse(reason);
    status
}

/// Goes on under our own page tables, on our own stack, with interrupts off and the firmware gone.
fn run(machine: Machine, header: Header) -> ! {
    emergency::set_port(header.emergency_port);
    panic::set_image(machine.image);
    cpu::gdt::load();
    cpu::idt::load();
    assert_eq!(memory::paging::count_writable_and_executable(), 0, "no page is both writable and executable");
    log::start();
    let controllers = firmware::start(machine.rsdp).unwrap_or_else(|reason| panic!("{reason}"));
    let odd_clocks = cpu::time::start(machine.started).unwrap_or_else(|reason| panic!("{reason}"));
    cpu::reset::prepare();
    if let Some((nanoseconds, count)) = machine.wall {
        wall::start(nanoseconds, cpu::time::at_boot(count, machine.started));
    }
    let odd_entropy = entropy::start(boot::take_seed());
    stages::reach(Stage::Clocks);
    cpu::apic::start();
    cpu::ioapic::start(&controllers);
    #[cfg(feature = "lab")]
    lab::run_script(&machine, &header);
    let bytes = &machine.section[header.table.clone()];
    let table = table::decode(bytes, machine.section.len() as u64, &dispatch::ABI_DIGEST, &dispatch::KEPT).unwrap_or_else(|reason| panic!("{reason}"));
    panic::set_resets(table.panic == table::OnPanic::Reset);
    cpu::time::settle(&table).unwrap_or_else(|reason| panic!("{reason}"));
    devices::map(&table).and_then(|()| devices::check_lines(&table)).unwrap_or_else(|reason| panic!("{reason}"));
    introduce(&table, &header);
    framebuffer::map(&table);
    device::find(&table);
    odd_clocks.iter().for_each(|odd| say!("{odd}"));
    odd_entropy.iter().for_each(|odd| say!("{odd}"));
    load(&machine, &table).unwrap_or_else(|reason| panic!("{reason}"));
    stages::reach(Stage::Modules);
    functions::tell_debugger();
    prepare_threads(&table);
    state::start(table, header.digest);
    thread::start(state::supervisor()).expect("memory for the supervisor's stack");
    stages::reach(Stage::Threads);
    thread::run()
}

fn introduce(table: &Table, header: &Header) {
    let digest: String = header.digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    log::raw_line(&format!("munal {}: {} {}, profile {}, table {digest}", env!("CARGO_PKG_VERSION"), table.name, table.release, table.profile));
}

/// Compares each module with its digest and loads it. Errors: in words.
fn load(machine: &Machine, table: &Table) -> Result<(), String> {
    let engine = wasm::engine().map_err(|error| format!("the wasm runtime does not start: {error:?}"))?;
    let modules = table.modules.iter().map(|module| load_module(&engine, machine, module)).collect::<Result<Vec<_>, _>>()?;
    if let Some(instance) = table.instances.first() {
        wasm::note_ended(&modules[instance.glue])?;
    }
    start::prepare(&engine, table, &modules).map_err(|error| format!("the raw primitives cannot be linked: {error:?}"))?;
    Ok(())
}

fn load_module(engine: &wasmtime::Engine, machine: &Machine, module: &Module) -> Result<wasmtime::Module, String> {
    let start = module.offset as usize; // `decode` checked that it lies in the section
    let bytes = &machine.section[start..start + module.length as usize];
    if sha256(bytes)[..] != module.sha256[..] {
        return Err(format!("module `{}` is not what was composed: its SHA-256 differs", module.name));
    }
    // SAFETY: the digest in the proved table is the one of these bytes, which the composer had wasmtime serialize.
    unsafe { wasm::load(engine, &module.name, bytes) }.map_err(|error| format!("module `{}` does not load: {error:?}", module.name))
}

/// One thread an instance, in the table's order, then the supervisor.
fn prepare_threads(table: &Table) {
    // The supervisor never leaves the account of all starts and ends, which bounds it.
    let most = Terms { priority: Priority::Urgent, ..Terms::normal(1000) };
    let entries = table.instances.iter().map(|instance| (Terms::from(instance), sip::main as fn(usize)));
    for (terms, entry) in entries.chain([(most, supervisor::supervise as fn(usize))]) {
        thread::add(terms, entry);
    }
    let hears = |instance: &table::Instance| instance.handles.iter().any(|handle| handle.kind == HandleKind::KernelLog);
    log::set_readers(table.instances.iter().enumerate().filter(|(_, instance)| hears(instance)).map(|(index, _)| index).collect());
}
