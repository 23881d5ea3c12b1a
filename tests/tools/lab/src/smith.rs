//! Random modules by wasm-smith, each made of its seed alone: the same seed gives the same bytes on any machine, with the crates
//! that Cargo.lock names.
use arbitrary::Unstructured;
use rand_chacha::{ChaCha8Rng, rand_core::{RngCore, SeedableRng}};
use std::{error::Error, fs, path::Path};
use wasm_smith::{Config, Module};
use wasmparser::{Validator, WasmFeatures};

/// How often a module is made anew that has what the kernel is not built for, before its seed goes without references.
const TRIES: usize = 40;
/// How often functions may be called and loops gone round, all calls of one module together; then it traps.
const FUEL: u32 = 500;
const PAGE: u64 = 65536;

/// What the composer accepts (composer/wasm/validate.py): of references only those to functions, one memory of 32 bits.
const ACCEPTED: WasmFeatures = WasmFeatures::WASM2.difference(WasmFeatures::GC_TYPES).union(WasmFeatures::EXTENDED_CONST).union(WasmFeatures::TAIL_CALL);

/// Writes `SEED.wasm` for each of `count` seeds from `first` on.
pub fn write(first: u64, count: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    for seed in first..first + count {
        fs::write(folder.join(format!("{seed}.wasm")), module(seed)?)?;
    }
    Ok(())
}

fn module(seed: u64) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for number in 0..=TRIES {
        let bytes = attempt(seed, number < TRIES, &mut random)?;
        if Validator::new_with_features(ACCEPTED).validate_all(&bytes).is_ok() {
            return Ok(bytes);
        }
    }
    Err(format!("seed {seed} gives no module that the composer accepts").into())
}

fn attempt(seed: u64, with_references: bool, random: &mut ChaCha8Rng) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut entropy = vec![0; 2048 + (random.next_u32() % 8192) as usize];
    random.fill_bytes(&mut entropy);
    let mut module = Module::new(config(seed, with_references), &mut Unstructured::new(&entropy))?;
    module.ensure_termination(FUEL)?;
    Ok(module.to_bytes())
}

/// Seeds differ in what they are after: every other one has tables of references, half of them go on where others trap, and of
/// four one starts with, or grows to, more memory and larger tables than the lab's limits allow.
fn config(seed: u64, with_references: bool) -> Config {
    let at_limits = seed % 4 == 3;
    Config {
        disallow_traps: seed / 2 % 2 == 0,
        reference_types_enabled: seed % 2 == 1 && with_references,
        max_memory32_bytes: PAGE * if at_limits { 64 } else { 16 },
        max_table_elements: if at_limits { 2000 } else { 200 },
        max_tables: 3,
        min_memories: 1,
        min_tables: 1,
        min_types: 5,
        min_funcs: 3,
        max_funcs: 8,
        max_instructions: 150,
        max_globals: 8,
        max_types: 12,
        max_imports: 0,
        max_data_segments: 6,
        max_element_segments: 6,
        export_everything: true,
        canonicalize_nans: true,
        extended_const_enabled: true,
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        tail_call_enabled: true,
        relaxed_simd_enabled: false,
        wide_arithmetic_enabled: false,
        compact_imports_enabled: false,
        ..Config::default()
    }
}
