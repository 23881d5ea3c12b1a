//! The start of a SIP: its Store, its glue linked to the raw primitives, its app linked to its glue and nothing else. What is
//! the same in each life is found once, at boot; a start makes what belongs to one life.
use crate::{backtrace, cell::Global, device, dispatch, memory::{PAGE, accounts, frames}, sip::{Sip, Stop}, state, thread};
use alloc::{format, string::String, vec::Vec};
use munal_logic::{grants::{Ports, Registers}, table::{Handle, Held, Instance as Granted, Table}};
use wasmtime::{Engine, Extern, Instance, InstancePre, Linker, Module, ModuleExport, Store, TypedFunc};

/// What every life of an instance begins with.
struct Prepared {
    glue: InstancePre<Sip>,
    app: Module,
    /// The glue's export for each import of the app, in the app's order.
    imports: Vec<ModuleExport>,
    entry: ModuleExport,
    memory: Option<ModuleExport>,
    handles: Vec<Held>,
}

/// One for each instance, in the table's order; why it cannot start where its modules do not fit.
static PREPARED: Global<Vec<Result<Prepared, String>>> = Global::new(Vec::new());

/// Prepares all instances, and gives each its quota; `modules` are the table's, loaded. Called once, before threads run.
///
/// Errors: the runtime's, where the raw primitives cannot be defined.
pub fn prepare(engine: &Engine, table: &Table, modules: &[Module]) -> wasmtime::Result<()> {
    let mut raw = Linker::new(engine);
    dispatch::link(&mut raw)?;
    let all = table.instances.iter().map(|instance| prepare_one(&raw, instance, &modules[instance.module], &modules[instance.glue])).collect();
    PREPARED.with(|slot| *slot = all);
    for (index, instance) in table.instances.iter().enumerate() {
        accounts::with(accounts::of_thread(index), |account| account.limit(instance.memory, dispatch::RUNTIME));
    }
    frames::reserve(KERNEL_HEAP + table.instances.len() as u64 * dispatch::RUNTIME);
    Ok(())
}

/// Bytes that the kernel's heap may still grow by once all that can be promised is, beside what instances have there.
const KERNEL_HEAP: u64 = 512 * PAGE;

fn prepare_one(raw: &Linker<Sip>, instance: &Granted, app: &Module, glue: &Module) -> Result<Prepared, String> {
    let imports = app.imports().map(|import| {
        let name = format!("{}#{}", import.module(), import.name());
        glue.get_export_index(&name).ok_or_else(|| format!("it imports `{name}`, which its glue does not have"))
    });
    Ok(Prepared {
        imports: imports.collect::<Result<_, _>>()?,
        glue: raw.instantiate_pre(glue).map_err(|error| format!("its glue does not fit this kernel: {error:?}"))?,
        entry: app.get_export_index("_start").ok_or("it exports no `_start`")?,
        memory: app.get_export_index("memory"),
        handles: instance.handles.iter().map(Handle::held).collect(),
        app: app.clone(),
    })
}

/// Whether an instance may use so many bytes more, and the machine has them.
pub fn fits(index: usize, bytes: u64) -> bool {
    accounts::with(accounts::of_thread(index), |account| account.fits(bytes)) && bytes <= frames::spare()
}

/// One life of an instance on its own thread. Errors: why it ended before it left by itself.
pub fn run(index: usize) -> wasmtime::Result<()> {
    // SAFETY: written once, before threads run.
    let prepared = match &unsafe { PREPARED.forever() }[index] {
        Ok(prepared) => prepared,
        Err(reason) => return Err(wasmtime::Error::msg(reason.as_str())),
    };
    let (ports, registers) = state::with(|state| {
        let instance = &state.table.instances[index];
        (Ports::new(&instance.ports), Registers::new(&instance.mmio))
    });
    let mut store = Store::new(prepared.app.engine(), Sip::new(index, ports, registers, &prepared.handles));
    store.limiter(|sip| sip);
    let open = device::open(index).map_err(wasmtime::Error::msg)?;
    let entry = thread::in_start(|| link(&mut store, prepared)).map_err(backtrace::with_note)?;
    if !fits(index, 0) {
        return Err(wasmtime::Error::msg("could not start: what the kernel keeps for it passes its quota"));
    }
    let result = thread::in_wasm(|| {
        // A switch that became due until here is made now, and the timer set: a loop may never ask again. The SIP may have been
        // ended before its first instruction.
        thread::leave().map_err(Stop::from)?;
        entry.call(&mut store, ())
    });
    drop(open); // before the memory that its devices write to
    result.map_err(backtrace::with_note)
}

/// Instantiates glue and app; answers the app's entry.
fn link(store: &mut Store<Sip>, prepared: &Prepared) -> wasmtime::Result<TypedFunc<(), ()>> {
    let glue = prepared.glue.instantiate(&mut *store)?;
    let find = |store: &mut Store<Sip>, instance: &Instance, export: &ModuleExport| -> Extern {
        instance.get_module_export(store, export).expect("an export's index is of its own module")
    };
    let imports: Vec<Extern> = prepared.imports.iter().map(|export| find(store, &glue, export)).collect();
    let app = Instance::new(&mut *store, &prepared.app, &imports)?;
    store.data_mut().memory = prepared.memory.as_ref().and_then(|memory| find(store, &app, memory).into_memory());
    let entry = find(store, &app, &prepared.entry).into_func().ok_or_else(|| wasmtime::Error::msg("its `_start` is no function"))?;
    entry.typed(&*store)
}
