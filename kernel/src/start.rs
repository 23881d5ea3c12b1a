//! The start of a SIP: its Store, its glue linked to the raw primitives, its app linked to its glue and nothing else.
use crate::{cell::Global, dispatch, sip::Sip, state};
use alloc::{string::{String, ToString}, vec::Vec};
use munal_logic::grants::{Ports, Registers};
use wasmtime::{Engine, Instance, Linker, Module, Store};

/// The modules of all instances, loaded; each instance's own and its glue.
pub struct Programs {
    pub engine: Engine,
    pub modules: Vec<Module>,
}

static PROGRAMS: Global<Option<Programs>> = Global::new(None);

/// Hands over the modules; called once, before threads run.
pub fn set_programs(programs: Programs) {
    PROGRAMS.with(|slot| *slot = Some(programs));
}

/// One life of an instance on its own thread. Errors: why it ended before it left by itself.
pub fn run(index: usize) -> wasmtime::Result<()> {
    // SAFETY: written once, before threads run.
    let programs = unsafe { PROGRAMS.forever() }.as_ref().expect("modules are loaded before threads run");
    let (ports, registers, limit, module, glue) = state::with(|state| {
        let instance = &state.table.instances[index];
        (Ports::new(&instance.ports), Registers::new(&instance.mmio), instance.memory, instance.module, instance.glue)
    });
    let mut store = Store::new(&programs.engine, Sip::new(index, ports, registers, limit));
    store.limiter(|sip| sip);
    let instance = link(&mut store, &programs.modules[module], &programs.modules[glue])?;
    let entry = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    entry.call(&mut store, ())
}

/// Glue links the raw primitives; the app links nothing but its glue.
fn link(store: &mut Store<Sip>, module: &Module, glue: &Module) -> wasmtime::Result<Instance> {
    let mut raw = Linker::new(module.engine());
    dispatch::link(&mut raw)?;
    let glue = raw.instantiate(&mut *store, glue)?;
    let mut linker = Linker::new(module.engine());
    let exports: Vec<(String, wasmtime::Extern)> = glue.exports(&mut *store).map(|export| (export.name().to_string(), export.into_extern())).collect();
    for (name, function) in exports {
        if let Some((module, function_name)) = name.split_once('#') {
            linker.define(&mut *store, module, function_name, function)?;
        }
    }
    let instance = linker.instantiate(&mut *store, module)?;
    store.data_mut().memory = instance.get_memory(&mut *store, "memory");
    Ok(instance)
}
