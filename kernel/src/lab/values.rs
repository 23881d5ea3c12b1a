//! Values as the runtime has them and as scripts do, and the digest of what an instance's exports hold.
use alloc::vec::Vec;
use munal_logic::lab::{Digest, Sha256, Value};
use wasmtime::{AsContextMut, Extern, Global, Instance, Memory, Ref, Table, Val};

/// How much of a memory is looked at at a time: what is zero is left out of its digest.
const BLOCK: usize = 4096;

/// The runtime's value. References of scripts are to no function.
pub fn to_runtime(value: &Value) -> Val {
    match *value {
        Value::I32(bits) => Val::I32(bits as i32),
        Value::I64(bits) => Val::I64(bits as i64),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
        Value::V128(bytes) => Val::V128(u128::from_le_bytes(bytes).into()),
        Value::Function(_) => Val::FuncRef(None),
    }
}

pub fn all_to_script(values: &[Val]) -> Vec<Value> {
    values.iter().map(to_script).collect()
}

/// The script's value. Of references there are none but those to functions: the engine has no collector of garbage.
pub fn to_script(value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(*value as u32),
        Val::I64(value) => Value::I64(*value as u64),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(value) => Value::V128(value.as_u128().to_le_bytes()),
        Val::FuncRef(function) => Value::Function(function.is_some()),
        other => panic!("{other:?} cannot be without a collector of garbage"),
    }
}

/// SHA-256 over what the exports hold, as `Step::State` describes it.
pub fn digest(mut store: impl AsContextMut, instance: Instance) -> [u8; 32] {
    let mut hash = Sha256::new();
    let exports: Vec<Extern> = instance.exports(&mut store).map(|export| export.into_extern()).collect();
    for export in exports {
        match export {
            Extern::Global(global) => add_global(&mut hash, &mut store, global),
            Extern::Memory(memory) => add_memory(&mut hash, &mut store, memory),
            Extern::Table(table) => add_table(&mut hash, &mut store, table),
            _ => {}
        }
    }
    hash.finalize().into()
}

fn add_global(hash: &mut Sha256, mut store: impl AsContextMut, global: Global) {
    let bytes = match to_script(&global.get(&mut store)) {
        Value::I32(bits) | Value::F32(bits) => u128::from(bits).to_le_bytes(),
        Value::I64(bits) | Value::F64(bits) => u128::from(bits).to_le_bytes(),
        Value::V128(bytes) => bytes,
        Value::Function(there) => u128::from(there).to_le_bytes(),
    };
    hash.update(bytes);
}

fn add_memory(hash: &mut Sha256, mut store: impl AsContextMut, memory: Memory) {
    let context = store.as_context_mut();
    let data = memory.data(&context);
    hash.update((data.len() as u64).to_le_bytes());
    for (number, block) in (0u64..).zip(data.chunks(BLOCK)) {
        if block.iter().any(|&byte| byte != 0) {
            hash.update(number.to_le_bytes());
            hash.update(block);
        }
    }
}

fn add_table(hash: &mut Sha256, mut store: impl AsContextMut, table: Table) {
    let size = table.size(&store.as_context_mut());
    hash.update(size.to_le_bytes());
    for at in 0..size {
        let there = matches!(table.get(&mut store, at), Some(Ref::Func(Some(_))));
        hash.update([u8::from(there)]);
    }
}
