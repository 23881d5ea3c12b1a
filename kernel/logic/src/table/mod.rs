//! The system table: what the composer decided and the kernel enforces. Gets CBOR (docs/formats.md), gives checked values:
//! every index in a `Table` that `decode` returned is in range, so nothing past it has to ask again.
mod check;

use crate::device::Device;
use alloc::{string::String, vec::Vec};
use minicbor::{Decode, bytes::ByteVec};

pub use check::{Kept, MOST, MOST_BADGE, TableError, shared};

/// The layout that this kernel reads.
pub const VERSION: u32 = 5;

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Table {
    #[n(0)] pub version: u32,
    #[n(1)] pub name: String,
    #[n(2)] pub release: String,
    #[n(3)] pub profile: String,
    #[n(4)] pub abi: ByteVec,
    #[n(5)] pub emergency_port: Option<u16>,
    #[n(6)] pub modules: Vec<Module>,
    #[n(7)] pub instances: Vec<Instance>,
    #[n(8)] pub streams: Vec<Stream>,
    #[n(9)] pub services: Vec<Service>,
    #[n(10)] pub channels: Vec<Channel>,
    #[n(11)] pub panic: OnPanic,
    #[n(12)] pub devices: Vec<Device>,
    #[n(13)] pub badges: Vec<Badge>,
}

/// The table's emergency port, found without reading the rest: nothing is allocated. Errors: where it is no valid CBOR.
pub fn emergency_port(bytes: &[u8]) -> Result<Option<u16>, NoCbor> {
    const KEY: u32 = 5;
    let mut decoder = minicbor::Decoder::new(bytes);
    let entries = decoder.map().map_err(|_| NoCbor)?.ok_or(NoCbor)?;
    for _ in 0..entries {
        if decoder.u32().map_err(|_| NoCbor)? == KEY {
            return decoder.decode().map_err(|_| NoCbor);
        }
        decoder.skip().map_err(|_| NoCbor)?;
    }
    Err(NoCbor)
}

/// Bytes that are no system table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCbor;

/// Machine code that wasmtime serialized; `offset` counts from the start of the section `.munal`.
#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Module {
    #[n(0)] pub name: String,
    #[n(1)] pub offset: u64,
    #[n(2)] pub length: u64,
    #[n(3)] pub sha256: ByteVec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(index_only)]
pub enum Kind {
    #[n(0)] Driver,
    #[n(1)] Service,
    #[n(2)] Program,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(index_only)]
pub enum RestartPolicy {
    #[n(0)] Never,
    #[n(1)] OnFailure,
    #[n(2)] Always,
}

/// What the machine does after the last words of a kernel that cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(index_only)]
pub enum OnPanic {
    #[n(0)] Halt,
    #[n(1)] Reset,
}

/// Who goes first where several want the processor; the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Decode)]
#[cbor(index_only)]
pub enum Priority {
    #[n(0)] Low,
    #[n(1)] Normal,
    #[n(2)] High,
    #[n(3)] Urgent,
}

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Instance {
    #[n(0)] pub name: String,
    #[n(1)] pub app: String,
    #[n(2)] pub kind: Kind,
    #[n(3)] pub module: usize,
    #[n(4)] pub glue: usize,
    #[n(5)] pub memory: u64,
    #[n(6)] pub cpu_permille: u32,
    #[n(7)] pub restart: RestartPolicy,
    #[n(8)] pub backoff_ms: u64,
    #[n(9)] pub restart_limit: u32,
    #[n(10)] pub ports: Vec<PortGrant>,
    #[n(11)] pub handles: Vec<Handle>,
    #[n(12)] pub mmio: Vec<MmioGrant>,
    #[n(13)] pub priority: Priority,
    /// Over which the CPU share counts, in microseconds.
    #[n(14)] pub period_us: u32,
    /// CPU time of one life in milliseconds; 0: no end.
    #[n(15)] pub cpu_time_ms: u64,
    /// Handles that it may hold beyond `handles`.
    #[n(16)] pub handle_limit: u32,
}

/// Ports [base, base + length); `access` has the bits `READ` and `WRITE`, `widths` 1, 2 and 4 for 8, 16 and 32 bits.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct PortGrant {
    #[n(0)] pub need: String,
    #[n(1)] pub base: u16,
    #[n(2)] pub length: u32,
    #[n(3)] pub access: u8,
    #[n(4)] pub widths: u8,
}

/// Bytes [base, base + length) of device memory; `access` as for ports, `widths` 1, 2, 4 and 8 for 8, 16, 32 and 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Decode)]
#[cbor(map)]
pub struct MmioGrant {
    #[n(0)] pub need: String,
    #[n(1)] pub base: u64,
    #[n(2)] pub length: u64,
    #[n(3)] pub access: u8,
    #[n(4)] pub widths: u8,
}

/// Bytes of a page, the least that is mapped.
pub const PAGE: u64 = 4096;

impl MmioGrant {
    /// The pages that the range touches, as addresses: whole pages belong to one instance. `decode` checked that they exist.
    pub fn pages(&self) -> (u64, u64) {
        (self.base / PAGE * PAGE, (self.base + self.length).next_multiple_of(PAGE))
    }
}

/// The object of a clock's handle that tells the time of day, too; 0 tells monotonic time alone.
pub const WALL_CLOCK: usize = 1;

pub const READ: u8 = 1;
pub const WRITE: u8 = 2;
/// It may be duplicated and sent on in messages.
pub const SHARE: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode)]
#[cbor(index_only)]
pub enum HandleKind {
    #[n(1)] IrqIsa,
    #[n(2)] IrqGsi,
    #[n(3)] StreamClient,
    #[n(4)] StreamServer,
    #[n(5)] ServiceClient,
    #[n(6)] ServiceServer,
    #[n(7)] Log,
    #[n(8)] Clock,
    #[n(9)] Audit,
    #[n(10)] Control,
    #[n(11)] Acpi,
    #[n(12)] KernelLog,
    #[n(13)] ChannelClient,
    #[n(14)] ChannelServer,
    #[n(15)] Random,
    #[n(16)] Pci,
    #[n(17)] Device,
    #[n(18)] Framebuffer,
    /// The client's end of a service that is told a badge; its object is an index in `badges`.
    #[n(19)] ServiceBadged,
}

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Handle {
    #[n(0)] pub name: String,
    #[n(1)] pub kind: HandleKind,
    #[n(2)] pub object: usize,
    #[n(3)] pub rights: u8,
    #[n(4)] pub instances: Vec<usize>,
}

/// A handle without its names: what host calls ask for, cheap to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub kind: HandleKind,
    pub object: usize,
    pub rights: u8,
}

impl Handle {
    /// Whether it stands for an interrupt line.
    pub fn is_line(&self) -> bool {
        matches!(self.kind, HandleKind::IrqIsa | HandleKind::IrqGsi)
    }

    pub fn held(&self) -> Held {
        Held { kind: self.kind, object: self.object, rights: self.rights }
    }
}

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Stream {
    #[n(0)] pub name: String,
    #[n(1)] pub server: usize,
    #[n(2)] pub client: usize,
    #[n(3)] pub capacity: usize,
}

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Service {
    #[n(0)] pub name: String,
    #[n(1)] pub server: usize,
}

/// What a service's server is told of who asks: bytes that the composer chose for one grant, and that mean nothing to the kernel.
#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Badge {
    /// Index in `services`.
    #[n(0)] pub service: usize,
    #[n(1)] pub bytes: ByteVec,
    /// The grant's capability, and what it allows, in words for a person.
    #[n(2)] pub capability: String,
    #[n(3)] pub words: String,
}

#[derive(Debug, Clone, Decode)]
#[cbor(map)]
pub struct Channel {
    #[n(0)] pub name: String,
    #[n(1)] pub server: usize,
    #[n(2)] pub client: usize,
    /// Messages that each direction holds.
    #[n(3)] pub depth: usize,
    /// Bytes of the largest message.
    #[n(4)] pub largest: usize,
    /// The kinds of handles that messages may carry, in bits: 1 streams, 2 channels, 4 services to ask.
    #[n(5)] pub carries: u8,
}

/// Reads a table and checks that it is whole: version, ABI, digest lengths, every index, every range; and that nobody holds
/// what another instance or the kernel holds.
///
/// `section` is the length of the image's section in bytes, which modules must lie in. Errors: a sentence naming the part.
pub fn decode(bytes: &[u8], section: u64, abi: &[u8; 32], kept: &Kept<'_>) -> Result<Table, TableError> {
    let table: Table = minicbor::decode(bytes).map_err(|e| TableError(alloc::format!("the system table is no valid CBOR: {e}")))?;
    check::whole(&table, section, abi)?;
    check::kept(&table, kept)?;
    check::alone(&table)?;
    Ok(table)
}
