//! An interpreter of wasm (the crate wasmi), in the kernel: what compiled code is compared with. It runs on the thread that asks.
use alloc::{format, string::String, vec, vec::Vec};
use munal_logic::lab::Value;
use wasmi::{Engine, Error, ExternType, Instance, Linker, Module, Store, Val};

/// One instance of a module whose imports trap.
pub struct Interpreter {
    store: Store<()>,
    instance: Instance,
}

impl Interpreter {
    /// Translates and instantiates the module, with the interpreter's default settings. Errors: in words.
    pub fn start(wasm: &[u8]) -> Result<Self, String> {
        let engine = Engine::default();
        let module = Module::new(&engine, wasm).map_err(in_words)?;
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            let ExternType::Func(kind) = import.ty() else { continue };
            let trap = |_: wasmi::Caller<'_, ()>, _: &[Val], _: &mut [Val]| Err(Error::new("an import was called"));
            linker.func_new(import.module(), import.name(), kind.clone(), trap).map_err(in_words)?;
        }
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate_and_start(&mut store, &module).map_err(in_words)?;
        Ok(Self { store, instance })
    }

    /// Calls an export that takes and answers integers alone. Errors: in words.
    pub fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, String> {
        let function = self.instance.get_func(&self.store, name).ok_or_else(|| format!("no function `{name}`"))?;
        let arguments = arguments.iter().map(to_interpreter).collect::<Result<Vec<_>, _>>()?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results).map_err(in_words)?;
        results.iter().map(to_script).collect()
    }
}

fn to_interpreter(value: &Value) -> Result<Val, String> {
    match *value {
        Value::I32(bits) => Ok(Val::I32(bits.cast_signed())),
        Value::I64(bits) => Ok(Val::I64(bits.cast_signed())),
        other => Err(format!("{other:?} is no integer")),
    }
}

fn to_script(value: &Val) -> Result<Value, String> {
    match value {
        Val::I32(value) => Ok(Value::I32(value.cast_unsigned())),
        Val::I64(value) => Ok(Value::I64(value.cast_unsigned())),
        other => Err(format!("{other:?} is no integer")),
    }
}

fn in_words(error: impl core::fmt::Display) -> String {
    format!("the interpreter: {error}")
}
