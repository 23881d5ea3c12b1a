//! One unit of a script: a store, the instances in it, and the steps taken with them.
use super::{host::{self, Host}, interpreter::Interpreter, values};
use crate::{cpu, emergency::Emergency, thread};
use alloc::{borrow::{Cow, ToOwned}, collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec};
use core::{fmt::Write, ops::AddAssign};
use munal_logic::{image::sha256, lab::{self, Expected, Limits, Step, Value}};
use wasmtime::{Engine, Func, Instance, Linker, Module, Store, Val};

/// What all units share.
#[derive(Clone)]
pub struct Place {
    pub engine: Engine,
    pub section: &'static [u8],
    pub modules: Arc<[lab::Module]>,
    pub limits: Limits,
}

impl Place {
    /// Compares a module with its digest, unpacks it and has the runtime load it. Errors: in words.
    pub fn load(&self, number: u32) -> Result<Module, String> {
        let code = self.bytes(number)?;
        // SAFETY: the digest in the script, whose own was compared at boot, is that of what wasmtime serialized.
        unsafe { Module::deserialize(&self.engine, code) }.map_err(|error| format!("module {number} does not load: {error:?}"))
    }

    /// The bytes of a module that are what the script was made with, unpacked. Errors: in words.
    pub fn bytes(&self, number: u32) -> Result<Cow<'static, [u8]>, String> {
        let module = self.modules.get(number as usize).ok_or_else(|| format!("the script has no module {number}"))?;
        let bytes = module.bytes(self.section).ok_or_else(|| format!("module {number} lies outside of the image"))?;
        if sha256(bytes) != module.sha256 {
            return Err(format!("module {number} is not what the script was made with: its SHA-256 differs"));
        }
        let unpacked = unpack(bytes, module.unpacked).map_err(|status| format!("module {number} cannot be unpacked: {status:?}"))?;
        Ok(unpacked.map_or(Cow::Borrowed(bytes), Cow::Owned))
    }
}

/// What a module is packed of; none where it is not packed.
fn unpack(bytes: &[u8], length: u64) -> Result<Option<Vec<u8>>, miniz_oxide::inflate::TINFLStatus> {
    let packed = length > 0;
    packed.then(|| miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(bytes, length as usize)).transpose().map_err(|error| error.status)
}

/// How many steps came out as expected, and how many did not.
#[derive(Default, Clone, Copy)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Takes all steps of a unit, and writes a line for each that came out otherwise than expected.
pub fn run(place: &Place, unit: &lab::Unit<'_>) -> Tally {
    let mut tally = Tally::default();
    let mut bench = Bench::new(place, unit.name);
    for (number, step) in unit.steps.iter().enumerate() {
        let verdict = bench.take(step);
        // A trap leaves through an interrupt gate, which turned interrupts off.
        x86_64::instructions::interrupts::enable();
        match verdict {
            Ok(()) => tally.passed += 1,
            Err(why) => {
                tally.failed += 1;
                let _ = writeln!(Emergency, "lab: failed: {} step {number}: {}", unit.name, why.replace('\n', " "));
            }
        }
    }
    tally
}

/// Where a unit's steps are taken.
struct Bench<'p> {
    place: &'p Place,
    unit: &'p str,
    store: Store<Host>,
    linker: Linker<Host>,
    /// Whether the linker has the lab's own modules: most units import nothing, and making those takes longer than all else.
    linked: bool,
    named: BTreeMap<String, Instance>,
    last: Option<Instance>,
}

impl<'p> Bench<'p> {
    fn new(place: &'p Place, unit: &'p str) -> Self {
        let store = host::store(&place.engine, place.limits);
        let mut linker = Linker::new(&place.engine);
        linker.allow_shadowing(true); // a script may register a name again
        Self { place, unit, store, linker, linked: false, named: BTreeMap::new(), last: None }
    }

    /// Errors: how what came of the step differs from what was expected.
    fn take(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step {
            Step::Instantiate(module, name, expected) => expected.verdict(&self.instantiate(*module, *name)),
            Step::Register(instance, name) => {
                let instance = self.instance(*instance)?;
                self.linker.instance(&mut self.store, name, instance).map(|_| ()).map_err(|error| format!("{error:#}"))
            }
            Step::Invoke(instance, name, arguments, expected) => self.invoke(*instance, name, arguments, expected),
            Step::Get(instance, name, expected) => {
                let instance = self.instance(*instance)?;
                let global = instance.get_global(&mut self.store, name).ok_or_else(|| format!("no global `{name}`"))?;
                let value = global.get(&mut self.store);
                expected.verdict(&Ok(vec![values::to_script(&value)]))
            }
            Step::State(instance, wanted) => {
                let instance = self.instance(*instance)?;
                let found = values::digest(&mut self.store, instance);
                if found == *wanted { Ok(()) } else { Err(format!("what the exports hold differs: SHA-256 {}", hex(&found))) }
            }
            Step::Measure(instance, name, arguments, times) => self.measure(*instance, name, arguments, *times),
            Step::Race(module, wasm, name, arguments, times) => self.race(*module, *wasm, name, arguments, *times),
        }
    }

    fn instance(&self, name: Option<&str>) -> Result<Instance, String> {
        match name {
            Some(name) => self.named.get(name).copied().ok_or_else(|| format!("no instance `{name}`")),
            None => self.last.ok_or_else(|| String::from("no instance yet")),
        }
    }

    fn instantiate(&mut self, module: u32, name: Option<&str>) -> Result<Vec<Value>, String> {
        let module = self.place.load(module)?;
        if module.imports().len() > 0 && !self.linked {
            self.linked = true;
            host::link(&mut self.linker, &mut self.store).map_err(|error| format!("the lab's own modules do not link: {error:#}"))?;
        }
        let instance = thread::in_start(|| self.linker.instantiate(&mut self.store, &module)).map_err(|error| format!("{error:#}"))?;
        self.last = Some(instance);
        if let Some(name) = name {
            self.named.insert(name.to_owned(), instance);
        }
        Ok(Vec::new())
    }

    fn function(&mut self, instance: Option<&str>, name: &str) -> Result<Func, String> {
        let instance = self.instance(instance)?;
        instance.get_func(&mut self.store, name).ok_or_else(|| format!("no function `{name}`"))
    }

    fn invoke(&mut self, instance: Option<&str>, name: &str, arguments: &[Value], expected: &Expected<'_>) -> Result<(), String> {
        let function = self.function(instance, name)?;
        let outcome = self.call(function, arguments);
        expected.verdict(&outcome).map_err(|how| format!("{name}: {how}"))
    }

    fn call(&mut self, function: Func, arguments: &[Value]) -> Result<Vec<Value>, String> {
        let arguments: Vec<Val> = arguments.iter().map(values::to_runtime).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        in_wasm(|| function.call(&mut self.store, &arguments, &mut results)).map_err(|error| format!("{error:#}"))?;
        Ok(values::all_to_script(&results))
    }

    /// Writes the least, the median and the most cycles of the time stamp counter that a call took.
    fn measure(&mut self, instance: Option<&str>, name: &str, arguments: &[Value], times: u32) -> Result<(), String> {
        let function = self.function(instance, name)?;
        let mut took = Vec::new();
        for _ in 0..times.max(1) {
            let (cycles, _) = timed(|| self.call(function, arguments))?;
            took.push(cycles);
        }
        let _ = writeln!(Emergency, "lab: measured: {} {name}: {} cycles", self.unit, spread(&mut took));
        Ok(())
    }

    /// Writes the same of compiled code and of an interpreter, that take turns.
    fn race(&mut self, module: u32, wasm: u32, name: &str, arguments: &[Value], times: u32) -> Result<(), String> {
        let mut interpreter = Interpreter::start(&self.place.bytes(wasm)?)?;
        let module = self.place.load(module)?;
        self.linker.define_unknown_imports_as_traps(&module).map_err(|error| format!("{error:#}"))?;
        let instance = thread::in_start(|| self.linker.instantiate(&mut self.store, &module)).map_err(|error| format!("{error:#}"))?;
        let function = instance.get_func(&mut self.store, name).ok_or_else(|| format!("no function `{name}`"))?;
        let (mut compiled, mut interpreted) = (Vec::new(), Vec::new());
        for _ in 0..times.max(1) {
            let (cycles, ours) = timed(|| self.call(function, arguments))?;
            compiled.push(cycles);
            let (cycles, theirs) = timed(|| interpreter.call(name, arguments))?;
            interpreted.push(cycles);
            if ours != theirs {
                return Err(format!("compiled, it comes to {ours:x?}, interpreted to {theirs:x?}"));
            }
        }
        let _ = writeln!(Emergency, "lab: raced: {} {name}: {} cycles compiled, {} interpreted", self.unit, spread(&mut compiled), spread(&mut interpreted));
        Ok(())
    }
}

/// Calls wasm, which is preempted at any instruction. The thread goes on by its own account before and after: what the lab does
/// around its calls is its work, and no start or end of a SIP.
pub fn in_wasm<R>(job: impl FnOnce() -> R) -> R {
    thread::leave_kernel();
    let result = job();
    thread::enter_kernel();
    result
}

/// The cycles of the time stamp counter that a job took, and what came of it.
fn timed<T>(job: impl FnOnce() -> Result<T, String>) -> Result<(u64, T), String> {
    let before = cpu::time::counter();
    let result = job()?;
    Ok((cpu::time::counter() - before, result))
}

/// The least, the median and the most, as text.
fn spread(took: &mut [u64]) -> String {
    took.sort_unstable();
    format!("{} {} {}", took[0], took[took.len() / 2], took[took.len() - 1])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
