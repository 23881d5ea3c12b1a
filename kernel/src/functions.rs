//! Every function of wasm that was loaded: where its machine code lies, and what it is called. For backtraces and panics, so
//! looking one up takes no memory and no lock.
use crate::cell::Global;
use alloc::{string::String, vec::Vec};
use core::ops::Range;

pub struct Function {
    pub start: u64,
    end: u64,
    module: u16,
    name: Range<u32>,
}

struct Functions {
    /// In the order of their addresses.
    list: Vec<Function>,
    names: String,
    /// `app/<app>` or `glue/<instance>`, with the place of its machine code.
    modules: Vec<(String, Range<u64>)>,
}

static FUNCTIONS: Global<Functions> = Global::new(Functions { list: Vec::new(), names: String::new(), modules: Vec::new() });

/// Notes a module's functions. Called at boot, before the first SIP runs.
pub fn add(name: &str, module: &wasmtime::Module) {
    let text = module.text().as_ptr_range();
    FUNCTIONS.with(|functions| {
        let number = functions.modules.len() as u16; // two an instance at most
        functions.modules.push((name.into(), text.start as u64..text.end as u64));
        for function in module.functions() {
            let before = functions.names.len() as u32;
            match &function.name {
                Some(name) => functions.names.push_str(name),
                None => functions.names.push_str(&alloc::format!("func[{}]", function.index.as_u32())),
            }
            let start = text.start as u64 + function.offset as u64;
            let name = before..functions.names.len() as u32;
            functions.list.push(Function { start, end: start + function.len as u64, module: number, name });
        }
        functions.list.sort_unstable_by_key(|function| function.start);
    });
}

/// Tells a debugger where each module's machine code lies, in the order of the system table. Called at boot, after the last `add`.
pub fn tell_debugger() {
    let places: Vec<[u64; 2]> = all().modules.iter().map(|(_, text)| [text.start, text.end - text.start]).collect();
    munal_modules_loaded(places.as_ptr(), places.len());
}

/// Where a debugger stops (composer/gdb.py): RDI holds the address of `count` pairs of start and length, RSI the count.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn munal_modules_loaded(places: *const [u64; 2], count: usize) {
    core::hint::black_box((places, count));
}

fn all() -> &'static Functions {
    // SAFETY: complete before the first SIP runs, and changed no more; a panic before that reads on the one core that there is,
    // and finds what was there when it came.
    unsafe { FUNCTIONS.forever() }
}

/// The function whose machine code the address lies in; none for a trampoline, which belongs to no function.
pub fn find(ip: u64) -> Option<&'static Function> {
    let list = &all().list;
    let after = list.partition_point(|function| function.start <= ip);
    list.get(after.checked_sub(1)?).filter(|function| ip < function.end)
}

/// The module whose machine code the address lies in.
pub fn module_at(ip: u64) -> Option<&'static str> {
    all().modules.iter().find(|(_, text)| text.contains(&ip)).map(|(name, _)| name.as_str())
}

impl Function {
    pub fn name(&self) -> &'static str {
        &all().names[self.name.start as usize..self.name.end as usize]
    }

    pub fn module(&self) -> &'static str {
        &all().modules[usize::from(self.module)].0
    }
}
