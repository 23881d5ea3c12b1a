//! The lab's script (docs/lab.md): modules, and steps to take with them, each with what is expected to come of it. In no
//! kernel but one that was built with the feature `lab`.
use alloc::{format, string::String, vec::Vec};
use minicbor::{Decode, Decoder, decode};
pub use sha2::{Digest, Sha256};

/// What a script begins with, and no system table does.
pub const MAGIC: &str = "munal lab";
pub const VERSION: u32 = 1;

/// What a store of the lab may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(array)]
pub struct Limits {
    /// Bytes of each linear memory.
    #[n(0)]
    pub memory: u64,
    /// Elements of each table.
    #[n(1)]
    pub table: u64,
}

/// Where in the section `.munal` a module lies: what wasmtime serialized, in zlib's format (RFC 1950) where `unpacked` is
/// more than 0, its length then.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(array)]
pub struct Module {
    #[n(0)]
    pub offset: u64,
    #[n(1)]
    pub length: u64,
    #[n(2)]
    pub unpacked: u64,
    /// Of the bytes as they lie there.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
}

impl Module {
    /// Its bytes in the section; none where they leave it.
    pub fn bytes<'s>(&self, section: &'s [u8]) -> Option<&'s [u8]> {
        let start = usize::try_from(self.offset).ok()?;
        section.get(start..start.checked_add(usize::try_from(self.length).ok()?)?)
    }
}

/// Floats are bits. References are to functions: other kinds need a collector of garbage, which the kernel has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(flat)]
pub enum Value {
    #[n(0)]
    I32(#[n(0)] u32),
    #[n(1)]
    I64(#[n(0)] u64),
    #[n(2)]
    F32(#[n(0)] u32),
    #[n(3)]
    F64(#[n(0)] u64),
    #[n(4)]
    V128(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// Whether it refers to a function.
    #[n(5)]
    Function(#[n(0)] bool),
}

/// What a value is held against.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(flat)]
pub enum Pattern {
    /// Exactly this one.
    #[n(0)]
    Is(#[n(0)] Value),
    #[n(1)]
    CanonicalF32,
    #[n(2)]
    ArithmeticF32,
    #[n(3)]
    CanonicalF64,
    #[n(4)]
    ArithmeticF64,
    /// A vector whose lanes, from the lowest, match these: each as wide as its float.
    #[n(5)]
    Lanes(#[n(0)] Vec<Pattern>),
    /// Any of these.
    #[n(6)]
    Either(#[n(0)] Vec<Pattern>),
}

/// What is expected of a step.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(flat)]
pub enum Expected<'b> {
    /// That it succeeds.
    #[n(0)]
    Success,
    /// These values.
    #[n(1)]
    Values(#[n(0)] Vec<Pattern>),
    /// That it fails, and says one of these.
    #[n(2)]
    Failure(#[b(0)] Vec<&'b str>),
}

/// One step. An instance is named, or the one made last.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(flat)]
pub enum Step<'b> {
    /// Instantiates a module, under a name where it has one.
    #[n(0)]
    Instantiate(#[n(0)] u32, #[b(1)] Option<&'b str>, #[b(2)] Expected<'b>),
    /// Lets modules that come later import an instance's exports from a module of this name.
    #[n(1)]
    Register(#[b(0)] Option<&'b str>, #[b(1)] &'b str),
    /// Calls an exported function.
    #[n(2)]
    Invoke(#[b(0)] Option<&'b str>, #[b(1)] &'b str, #[n(2)] Vec<Value>, #[b(3)] Expected<'b>),
    /// Reads an exported global.
    #[n(3)]
    Get(#[b(0)] Option<&'b str>, #[b(1)] &'b str, #[b(2)] Expected<'b>),
    /// Holds the SHA-256 of what an instance's exports hold against this one. For each export, in their order: a global's
    /// value, 16 bytes; a memory's length and, of each 4 KiB that are not zero, number and bytes; a table's length and, for
    /// each element, whether it refers to a function, a byte. Numbers are little endian, 8 bytes.
    #[n(4)]
    State(#[b(0)] Option<&'b str>, #[cbor(n(1), with = "minicbor::bytes")] [u8; 32]),
    /// Calls an exported function this many times, and tells how long that took.
    #[n(5)]
    Measure(#[b(0)] Option<&'b str>, #[b(1)] &'b str, #[n(2)] Vec<Value>, #[n(3)] u32),
    /// Calls an exported function of a module and the same of its wasm, which an interpreter runs, so many times each in turns;
    /// tells how long both took. They must come to the same. The numbers are those of the modules; imports of neither may be used.
    #[n(6)]
    Race(#[n(0)] u32, #[n(1)] u32, #[b(2)] &'b str, #[n(3)] Vec<Value>, #[n(4)] u32),
}

/// Steps that share a store: nothing of it is left for the next unit.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(array)]
pub struct Unit<'b> {
    #[b(0)]
    pub name: &'b str,
    #[b(1)]
    pub steps: Vec<Step<'b>>,
}

/// A script, read up to its units, which `unit` reads one at a time.
#[derive(Debug)]
pub struct Script<'b> {
    /// QEMU's debug exit, which ends the machine with a status; none: the processor halts.
    pub exit_port: Option<u16>,
    pub limits: Limits,
    pub modules: Vec<Module>,
    /// The module whose export `run` goes on beside the steps, on a thread of its own, and never returns.
    pub neighbour: Option<u32>,
    units: Decoder<'b>,
    left: u64,
}

/// Whether the bytes are a script, of whichever version.
pub fn is_script(bytes: &[u8]) -> bool {
    let mut decoder = Decoder::new(bytes);
    decoder.array().is_ok() && decoder.str().is_ok_and(|text| text == MAGIC)
}

impl<'b> Script<'b> {
    /// Reads all but the units. Errors: where the bytes are no script of this version.
    pub fn read(bytes: &'b [u8]) -> Result<Self, decode::Error> {
        let mut from = Decoder::new(bytes);
        let whole = from.array()? == Some(7) && from.str()? == MAGIC && from.u32()? == VERSION;
        if !whole {
            return Err(decode::Error::message("no script of this version"));
        }
        let (exit_port, limits, modules, neighbour) = (from.decode()?, from.decode()?, from.decode()?, from.decode()?);
        let left = from.array()?.ok_or(decode::Error::message("units without a number"))?;
        Ok(Self { exit_port, limits, modules, neighbour, units: from, left })
    }

    /// The next unit; none after the last. Errors: where it cannot be read; what follows cannot, either.
    pub fn unit(&mut self) -> Result<Option<Unit<'b>>, decode::Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.units.decode().map(Some)
    }
}

/// Canonical NaNs: the highest bit of the payload alone (WebAssembly 2.0, section 2.2.3).
const QUIET_F32: u32 = 0x7fc0_0000;
const QUIET_F64: u64 = 0x7ff8_0000_0000_0000;

impl Pattern {
    pub fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Pattern::Is(wanted), value) => wanted == value,
            (Pattern::CanonicalF32, Value::F32(bits)) => bits & !(1 << 31) == QUIET_F32,
            (Pattern::ArithmeticF32, Value::F32(bits)) => bits & QUIET_F32 == QUIET_F32,
            (Pattern::CanonicalF64, Value::F64(bits)) => bits & !(1 << 63) == QUIET_F64,
            (Pattern::ArithmeticF64, Value::F64(bits)) => bits & QUIET_F64 == QUIET_F64,
            (Pattern::Lanes(wanted), Value::V128(bytes)) => lanes_match(wanted, bytes),
            (Pattern::Either(patterns), value) => patterns.iter().any(|pattern| pattern.matches(value)),
            _ => false,
        }
    }
}

/// Whether the lanes of a vector, as many as there are patterns, match them in their order.
fn lanes_match(wanted: &[Pattern], bytes: &[u8; 16]) -> bool {
    match wanted.len() {
        4 => bytes.as_chunks::<4>().0.iter().zip(wanted).all(|(lane, pattern)| pattern.matches(&Value::F32(u32::from_le_bytes(*lane)))),
        2 => bytes.as_chunks::<8>().0.iter().zip(wanted).all(|(lane, pattern)| pattern.matches(&Value::F64(u64::from_le_bytes(*lane)))),
        _ => false,
    }
}

impl Expected<'_> {
    /// Holds what came of a step, values or the words of its failure, against what is expected. Errors: how they differ.
    pub fn verdict(&self, outcome: &Result<Vec<Value>, String>) -> Result<(), String> {
        match (self, outcome) {
            (Expected::Success, Ok(_)) => Ok(()),
            (Expected::Values(patterns), Ok(values)) if all_match(patterns, values) => Ok(()),
            (Expected::Failure(words), Err(said)) if words.iter().any(|&words| said.contains(words)) => Ok(()),
            (expected, Ok(values)) => Err(format!("{expected:?} expected, got {values:x?}")),
            (expected, Err(said)) => Err(format!("{expected:?} expected, failed: {said}")),
        }
    }
}

/// Whether the values are as many as the patterns, and match them.
pub fn all_match(patterns: &[Pattern], values: &[Value]) -> bool {
    patterns.len() == values.len() && patterns.iter().zip(values).all(|(pattern, value)| pattern.matches(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use minicbor::{Encoder, encode::Error};

    fn script() -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        let written = (|| {
            out.array(7)?.str(MAGIC)?.u32(VERSION)?.u16(0xf4)?;
            out.array(2)?.u64(1 << 20)?.u64(1000)?;
            out.array(1)?.array(4)?.u64(4096)?.u64(10)?.u64(0)?.bytes(&[7; 32])?;
            out.null()?;
            out.array(2)?;
            out.array(2)?.str("first")?.array(2)?;
            out.array(4)?.u8(0)?.u8(0)?.str("$m")?.array(1)?.u8(0)?;
            out.array(5)?.u8(2)?.null()?.str("add")?.array(1)?.array(2)?.u8(0)?.u32(3)?;
            out.array(2)?.u8(1)?.array(1)?.array(2)?.u8(0)?.array(2)?.u8(1)?.u64(5)?;
            out.array(2)?.str("second")?.array(1)?.array(3)?.u8(4)?.null()?.bytes(&[9; 32])?;
            Ok::<(), Error<core::convert::Infallible>>(())
        })();
        written.unwrap();
        out.into_writer()
    }

    #[test]
    fn a_whole_script_is_read_a_unit_at_a_time() {
        let bytes = script();
        assert!(is_script(&bytes));
        let mut read = Script::read(&bytes).unwrap();
        assert_eq!((read.exit_port, read.limits, read.neighbour), (Some(0xf4), Limits { memory: 1 << 20, table: 1000 }, None));
        assert_eq!(read.modules[0], Module { offset: 4096, length: 10, unpacked: 0, sha256: [7; 32] });
        let first = read.unit().unwrap().unwrap();
        assert_eq!(first.name, "first");
        assert_eq!(first.steps[0], Step::Instantiate(0, Some("$m"), Expected::Success));
        assert_eq!(first.steps[1], Step::Invoke(None, "add", vec![Value::I32(3)], Expected::Values(vec![Pattern::Is(Value::I64(5))])));
        assert_eq!(read.unit().unwrap().unwrap().steps, [Step::State(None, [9; 32])]);
        assert_eq!(read.unit().unwrap(), None);
    }

    #[test]
    fn what_is_no_script_is_none() {
        assert!(!is_script(b"") && !is_script(&[0xa1, 0x00, 0x02]));
        let bytes = script();
        for length in 0..bytes.len() {
            let units = Script::read(&bytes[..length]).map(|mut script| core::iter::from_fn(|| script.unit().transpose()).take(3).all(|unit| unit.is_ok()));
            assert!(!units.is_ok_and(|all| all), "{length}");
        }
    }

    #[test]
    fn a_modules_bytes_lie_in_the_section() {
        let module = |offset, length| Module { offset, length, unpacked: 0, sha256: [0; 32] };
        assert_eq!(module(1, 2).bytes(b"abcd"), Some(&b"bc"[..]));
        assert_eq!(module(2, 3).bytes(b"abcd"), None);
        assert_eq!(module(u64::MAX, 2).bytes(b"abcd"), None);
    }

    #[test]
    fn nans_match_by_their_payload() {
        for (pattern, matching, other) in [
            (Pattern::CanonicalF32, vec![Value::F32(0x7fc0_0000), Value::F32(0xffc0_0000)], vec![Value::F32(0x7fc0_0001), Value::F32(0x7f80_0000), Value::F64(0x7ff8 << 48)]),
            (Pattern::ArithmeticF32, vec![Value::F32(0x7fc0_0001), Value::F32(0xffff_ffff)], vec![Value::F32(0x7f80_0001), Value::F32(0x7f80_0000)]),
            (Pattern::CanonicalF64, vec![Value::F64(0x7ff8 << 48), Value::F64(0xfff8 << 48)], vec![Value::F64(0x7ff8 << 48 | 1), Value::F64(0x7ff0 << 48), Value::F32(0x7fc0_0000)]),
            (Pattern::ArithmeticF64, vec![Value::F64(0x7ff8 << 48 | 1), Value::F64(u64::MAX)], vec![Value::F64(0x7ff0 << 48 | 1)]),
        ] {
            assert!(matching.iter().all(|value| pattern.matches(value)), "{pattern:?}");
            assert!(!other.iter().any(|value| pattern.matches(value)), "{pattern:?}");
        }
    }

    #[test]
    fn lanes_are_matched_from_the_lowest_by_the_width_of_their_number() {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&1u32.to_le_bytes());
        bytes[12..].copy_from_slice(&0x7fc0_0000u32.to_le_bytes());
        let zero = || Pattern::Is(Value::F32(0));
        assert!(Pattern::Lanes(vec![Pattern::Is(Value::F32(1)), zero(), zero(), Pattern::CanonicalF32]).matches(&Value::V128(bytes)));
        assert!(!Pattern::Lanes(vec![Pattern::CanonicalF32, zero(), zero(), Pattern::Is(Value::F32(1))]).matches(&Value::V128(bytes)));
        assert!(Pattern::Lanes(vec![Pattern::Is(Value::F64(1)), Pattern::Is(Value::F64(0x7fc0_0000 << 32))]).matches(&Value::V128(bytes)));
        assert!(!Pattern::Lanes(vec![zero()]).matches(&Value::V128(bytes)));
    }

    #[test]
    fn as_many_values_as_patterns_and_either_of_several() {
        let either = Pattern::Either(vec![Pattern::Is(Value::I32(1)), Pattern::Is(Value::I32(2))]);
        assert!(all_match(&[either.clone()], &[Value::I32(2)]));
        assert!(!all_match(&[either.clone()], &[Value::I32(3)]));
        assert!(!all_match(&[either.clone()], &[]) && !all_match(&[], &[Value::I32(2)]));
        assert!(!Pattern::Is(Value::Function(false)).matches(&Value::Function(true)));
    }

    #[test]
    fn an_outcome_is_as_expected_or_the_verdict_says_how_it_differs() {
        let values = |number| Ok(vec![Value::I32(number)]);
        let failed = || Err(String::from("wasm trap: integer overflow"));
        let two = Expected::Values(vec![Pattern::Is(Value::I32(2))]);
        let trap = Expected::Failure(vec!["unreachable", "integer overflow"]);
        assert!(two.verdict(&values(2)).is_ok() && Expected::Success.verdict(&values(3)).is_ok() && trap.verdict(&failed()).is_ok());
        assert!(two.verdict(&values(3)).unwrap_err().contains("got [I32(3)]"));
        assert!(two.verdict(&failed()).unwrap_err().contains("failed: wasm trap: integer overflow"));
        assert!(trap.verdict(&values(2)).is_err() && Expected::Success.verdict(&failed()).is_err());
        assert!(Expected::Failure(vec!["divide by zero"]).verdict(&failed()).is_err());
    }
}
