//! What audit answers, decoded from CBOR: maps with text keys, of which only known ones are read.

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

/// The system as a whole; times in nanoseconds, memory in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct System {
    /// The workspace's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The profile that runs.
    pub profile: String,
    /// Since the kernel started.
    pub uptime: u64,
    /// Memory that the kernel manages.
    pub memory_total: u64,
    /// What of it nobody uses.
    pub memory_free: u64,
    /// What of the kernel's heap is in use.
    pub memory_heap: u64,
    /// How many linear memories there are.
    pub memories: u64,
    /// How many instances there are.
    pub instances: u32,
    /// Time in which nothing ran.
    pub idle: u64,
    /// Processor time of all instances.
    pub cpu: u64,
    /// Time that the kernel took for itself: to boot, and to start and end instances.
    pub kernel_cpu: u64,
    /// SHA-256 of the system table.
    pub digest: Vec<u8>,
    /// The kernel's version.
    pub kernel: String,
    /// What tells the time.
    pub clock: String,
    /// To how many parts per million its rate is known.
    pub clock_ppm: u64,
    /// Where random numbers come from.
    pub entropy: String,
    /// How often the generator was seeded; 0 while there is not enough.
    pub entropy_seeds: u64,
    /// The stages of the boot, each with the time since the firmware handed over.
    pub boot: Vec<(String, u64)>,
}

/// One instance; times in nanoseconds, memory in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// The app that it runs.
    pub app: String,
    /// What it is doing.
    pub state: String,
    /// Processor time used.
    pub cpu: u64,
    /// All that it uses: memory and tables of wasm, page tables, stack, what the kernel keeps for it.
    pub memory: u64,
    /// The most that memory ever was.
    pub memory_peak: u64,
    /// The most that it may be.
    pub memory_limit: u64,
    /// How often it was started again.
    pub restarts: u32,
    /// Why it failed last; empty where it did not.
    pub error: String,
    /// How often its calls answered each error, by the error's name.
    pub errors: Vec<(String, u64)>,
    /// How often its memory was not let grow.
    pub memory_refused: u64,
    /// Bytes that its log no longer holds.
    pub log_dropped: u64,
    /// Who goes first: low, normal, high or urgent.
    pub priority: String,
    /// The part of the processor that it may have, in thousandths, in each `period`.
    pub share: u64,
    /// The period of its share.
    pub period: u64,
    /// Time for which it wanted to run and had used up its share.
    pub throttled: u64,
    /// How often it was woken.
    pub wakeups: u64,
    /// How often it was switched to.
    pub switches: u64,
    /// Messages, requests, replies and pieces of streams that it sent.
    pub sent: u64,
    /// And those that it received.
    pub received: u64,
    /// Handles that it holds beyond those of its manifest.
    pub handles: u64,
    /// How many those may be.
    pub handles_limit: u64,
    /// For how long its life has lasted; 0 where it does not run.
    pub up: u64,
    /// In what time it starts again, where it waits for that.
    pub starts_in: Option<u64>,
}

impl System {
    /// Decodes the answer of `audit.system`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut it = Self::default();
        each_entry(bytes, |key, value| {
            match key {
                "name" => it.name = value.str()?.into(),
                "version" => it.version = value.str()?.into(),
                "profile" => it.profile = value.str()?.into(),
                "uptime" => it.uptime = value.u64()?,
                "memory_total" => it.memory_total = value.u64()?,
                "memory_free" => it.memory_free = value.u64()?,
                "memory_heap" => it.memory_heap = value.u64()?,
                "memories" => it.memories = value.u64()?,
                "instances" => it.instances = value.u32()?,
                "idle" => it.idle = value.u64()?,
                "cpu" => it.cpu = value.u64()?,
                "kernel_cpu" => it.kernel_cpu = value.u64()?,
                "digest" => it.digest = value.bytes()?.into(),
                "kernel" => it.kernel = value.str()?.into(),
                "clock" => it.clock = value.str()?.into(),
                "clock_ppm" => it.clock_ppm = value.u64()?,
                "entropy" => it.entropy = value.str()?.into(),
                "entropy_seeds" => it.entropy_seeds = value.u64()?,
                "boot" => it.boot = counts(value)?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl Instance {
    /// Decodes the answer of `audit.instance`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut it = Self::default();
        each_entry(bytes, |key, value| {
            match key {
                "name" => it.name = value.str()?.into(),
                "app" => it.app = value.str()?.into(),
                "state" => it.state = value.str()?.into(),
                "cpu" => it.cpu = value.u64()?,
                "memory" => it.memory = value.u64()?,
                "memory_peak" => it.memory_peak = value.u64()?,
                "memory_limit" => it.memory_limit = value.u64()?,
                "restarts" => it.restarts = value.u32()?,
                "error" => it.error = value.str()?.into(),
                "errors" => it.errors = counts(value)?,
                "memory_refused" => it.memory_refused = value.u64()?,
                "log_dropped" => it.log_dropped = value.u64()?,
                "priority" => it.priority = value.str()?.into(),
                "share" => it.share = value.u64()?,
                "period" => it.period = value.u64()?,
                "throttled" => it.throttled = value.u64()?,
                "wakeups" => it.wakeups = value.u64()?,
                "switches" => it.switches = value.u64()?,
                "sent" => it.sent = value.u64()?,
                "received" => it.received = value.u64()?,
                "handles" => it.handles = value.u64()?,
                "handles_limit" => it.handles_limit = value.u64()?,
                "up" => it.up = value.u64()?,
                "starts_in" => it.starts_in = Some(value.u64()?),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// A map of names and counts.
fn counts(value: &mut Decoder<'_>) -> Result<Vec<(String, u64)>, Error> {
    value.map_iter()?.collect()
}

/// Calls `entry` with each key of a map; it must read the value.
fn each_entry(bytes: &[u8], mut entry: impl FnMut(&str, &mut Decoder<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let mut decoder = Decoder::new(bytes);
    match decoder.map()? {
        Some(count) => (0..count).try_for_each(|_| one_entry(&mut decoder, &mut entry)),
        None => {
            while decoder.datatype()? != Type::Break {
                one_entry(&mut decoder, &mut entry)?;
            }
            Ok(())
        }
    }
}

fn one_entry<'b>(
    decoder: &mut Decoder<'b>,
    entry: &mut impl FnMut(&str, &mut Decoder<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let key = decoder.str()?;
    entry(key, decoder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minicbor::Encoder;

    fn encoded(count: u64) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(count).unwrap();
        encoder.str("name").unwrap().str("com1").unwrap();
        encoder.str("later").unwrap().array(2).unwrap().u8(1).unwrap().str("x").unwrap();
        encoder.str("cpu").unwrap().u64(5_000_000_000).unwrap();
        encoder.into_writer()
    }

    #[test]
    fn known_keys_are_read_and_others_skipped() {
        let expected = Instance { name: "com1".into(), cpu: 5_000_000_000, ..Instance::default() };
        assert_eq!(Instance::decode(&encoded(3)).unwrap(), expected);
    }

    #[test]
    fn counts_of_errors() {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(1).unwrap().str("errors").unwrap().map(1).unwrap().str("would_block").unwrap().u64(7).unwrap();
        assert_eq!(Instance::decode(&encoder.into_writer()).unwrap().errors, [("would_block".into(), 7)]);
    }

    #[test]
    fn a_system_with_a_digest() {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(3).unwrap().str("digest").unwrap().bytes(&[7; 32]).unwrap();
        encoder.str("profile").unwrap().str("console").unwrap().str("instances").unwrap().u32(5).unwrap();
        let system = System::decode(&encoder.into_writer()).unwrap();
        assert_eq!((system.profile.as_str(), system.instances), ("console", 5));
    }

    #[test]
    fn a_cut_or_wrong_answer_is_an_error() {
        let whole = encoded(3);
        for length in 0..whole.len() {
            assert!(Instance::decode(&whole[..length]).is_err(), "{length}");
        }
        assert!(Instance::decode(&encoded(4)).is_err());
        assert!(System::decode(b"\x01").is_err());
    }
}
