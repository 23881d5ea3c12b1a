//! The lab: runs a script of wasm modules and steps (munal-logic's `lab`) on a thread as a SIP's is, with the engine, the
//! stores, the traps and the preemption of SIPs; writes a line for each unit and each failure to the emergency port.
//!
//! It is in kernels with the feature `lab` alone. What an image carries in place of its system table tells whether it runs.
mod host;
mod interpreter;
mod unit;
mod values;

use crate::{Machine, cell::Global, cpu, emergency::Emergency, thread, wasm};
use alloc::string::{String, ToString};
use core::fmt::Write;
use munal_logic::{image::Header, lab::{Script, is_script}, schedule::Terms};
use unit::{Place, Tally};
use wasmtime::Linker;

/// A share of the processor, in permille: all of it, and what is left to the neighbour of the steps.
const WHOLE: u32 = 1000;
const NEIGHBOURS: u32 = 100;

static WORK: Global<Option<(Place, Script<'static>)>> = Global::new(None);
static NEIGHBOUR: Global<Option<(Place, u32)>> = Global::new(None);
/// How the neighbour ended, which it never should.
static STRAYED: Global<Option<String>> = Global::new(None);

/// Runs the script that the image carries; comes back where it carries none.
pub fn run_script(machine: &Machine, header: &Header) {
    let bytes = &machine.section[header.table.clone()];
    if !is_script(bytes) {
        return;
    }
    let script = Script::read(bytes).unwrap_or_else(|error| panic!("the script cannot be read: {error}"));
    let engine = wasm::engine().unwrap_or_else(|error| panic!("the wasm runtime does not start: {error:?}"));
    let place = Place { engine, section: machine.section, modules: script.modules.clone().into(), limits: script.limits };
    let _ = writeln!(Emergency, "munal lab: {} modules", script.modules.len());
    let neighbour = script.neighbour;
    NEIGHBOUR.with(|slot| *slot = neighbour.map(|module| (place.clone(), module)));
    WORK.with(|slot| *slot = Some((place, script)));
    thread::start(thread::add(Terms::normal(WHOLE), work)).expect("memory for a stack");
    if neighbour.is_some() {
        thread::start(thread::add(Terms::normal(NEIGHBOURS), neighbour_of_steps)).expect("memory for a stack");
    }
    thread::run()
}

/// The thread of the steps: all units in their order, then the sums, then the machine's end.
fn work(_: usize) {
    thread::leave_house();
    let (place, mut script) = WORK.with(Option::take).expect("the work is there before its thread");
    let mut sum = Tally::default();
    let mut units = 0u32;
    while let Some(read) = script.unit().unwrap_or_else(|error| panic!("unit {units} cannot be read: {error}")) {
        let tally = unit::run(&place, &read);
        let _ = writeln!(Emergency, "lab: {}: {} passed, {} failed", read.name, tally.passed, tally.failed);
        sum += tally;
        units += 1;
        let _ = thread::leave(); // a switch that was due while the kernel was at work; nobody ends this thread
    }
    let strayed = STRAYED.with(Option::take);
    if let Some(how) = &strayed {
        let _ = writeln!(Emergency, "lab: the neighbour ended: {}", how.replace('\n', " "));
    }
    let _ = writeln!(Emergency, "lab: done: {units} units, {} passed, {} failed, {} rounds of the neighbour", sum.passed, sum.failed, host::rounds());
    end(script.exit_port, u8::from(sum.failed > 0 || strayed.is_some()))
}

/// The neighbour's thread: code whose registers are all in use while the steps run, and that notices when one is lost.
fn neighbour_of_steps(_: usize) {
    thread::leave_house();
    let (place, module) = NEIGHBOUR.with(Option::take).expect("the neighbour is there before its thread");
    let how = match call_run(&place, module) {
        Ok(()) => "it returned".to_string(),
        Err(how) => how,
    };
    x86_64::instructions::interrupts::enable(); // a trap leaves through an interrupt gate, which turned them off
    STRAYED.with(|slot| *slot = Some(how));
}

fn call_run(place: &Place, module: u32) -> Result<(), String> {
    let module = place.load(module)?;
    let mut store = host::store(&place.engine, place.limits);
    let mut linker = Linker::new(&place.engine);
    host::link(&mut linker, &mut store).and_then(|()| {
        let instance = linker.instantiate(&mut store, &module)?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
        unit::in_wasm(|| run.call(&mut store, ()))
    })
    .map_err(|error| alloc::format!("{error:#}"))
}

/// Ends the machine by QEMU's debug exit, with a status; halts where there is none.
fn end(port: Option<u16>, status: u8) {
    if let Some(port) = port {
        // SAFETY: the script names the port as the debug exit's, and nothing runs after it.
        unsafe { cpu::port::out8(port, status) };
    }
    cpu::halt_for_good()
}
