//! What the lab's modules may import: `spectest`, as the specification's testsuite wants it (its interpreter's README,
//! "Spectest host module"), and `lab`, for what measures or runs beside.
use crate::cpu;
use core::sync::atomic::{AtomicU64, Ordering};
use munal_logic::lab::Limits;
use wasmtime::{Engine, Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, Result, Store, StoreLimits, StoreLimitsBuilder, Table, TableType, Val, ValType};

/// What a store of the lab holds.
pub struct Host {
    limits: StoreLimits,
}

/// A store whose instances may take no more than the limits.
pub fn store(engine: &Engine, limits: Limits) -> Store<Host> {
    let limits = StoreLimitsBuilder::new().memory_size(limits.memory as usize).table_elements(limits.table as usize).build();
    let mut store = Store::new(engine, Host { limits });
    store.limiter(|host| &mut host.limits);
    store
}

static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// How often a module called `lab.round`.
pub fn rounds() -> u64 {
    ROUNDS.load(Ordering::Relaxed)
}

/// Defines both modules.
pub fn link(linker: &mut Linker<Host>, store: &mut Store<Host>) -> Result<()> {
    linker.func_wrap("lab", "round", || {
        ROUNDS.fetch_add(1, Ordering::Relaxed);
    })?;
    linker.func_wrap("lab", "nothing", || {})?;
    linker.func_wrap("lab", "counter", cpu::time::counter)?;
    link_spectest(linker, store)
}

fn link_spectest(linker: &mut Linker<Host>, store: &mut Store<Host>) -> Result<()> {
    const NAME: &str = "spectest";
    linker.func_wrap(NAME, "print", || {})?;
    linker.func_wrap(NAME, "print_i32", |_: i32| {})?;
    linker.func_wrap(NAME, "print_i64", |_: i64| {})?;
    linker.func_wrap(NAME, "print_f32", |_: f32| {})?;
    linker.func_wrap(NAME, "print_f64", |_: f64| {})?;
    linker.func_wrap(NAME, "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap(NAME, "print_f64_f64", |_: f64, _: f64| {})?;
    for (name, kind, value) in [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6f64.to_bits())),
    ] {
        let global = Global::new(&mut *store, GlobalType::new(kind, Mutability::Const), value)?;
        linker.define(&mut *store, NAME, name, global)?;
    }
    let table = Table::new(&mut *store, TableType::new(wasmtime::RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, NAME, "table", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, NAME, "memory", memory)?;
    Ok(())
}
