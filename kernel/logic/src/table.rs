//! The system table: what the composer decided and the kernel enforces. Gets CBOR (docs/formats.md), gives checked values:
//! every index in a `Table` that `decode` returned is in range, so nothing past it has to ask again.
use alloc::{string::String, vec::Vec};
use core::fmt;
use minicbor::{Decode, bytes::ByteVec};

/// The layout that this kernel reads.
pub const VERSION: u32 = 1;

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
}

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

pub const READ: u8 = 1;
pub const WRITE: u8 = 2;

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

/// What the kernel keeps for itself: ports by base and length, and interrupt lines, ISA and global alike.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    pub ports: &'a [(u16, u16)],
    pub lines: &'a [u32],
}

impl Kept<'_> {
    fn overlaps(&self, base: u32, length: u32) -> bool {
        self.ports.iter().any(|&(kept, count)| base < u32::from(kept) + u32::from(count) && u32::from(kept) < base + length)
    }
}

/// Why a table is not one: a sentence for the person who has to make another image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError(pub String);

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most instances, streams or handles of one kind that a table may hold.
const MOST: usize = 4096;
/// The most bytes that one direction of a stream may hold.
const MOST_CAPACITY: usize = 1 << 20;

/// Reads a table and checks that it is whole: version, ABI, digest lengths, every index, every range.
///
/// `section` is the length of the image's section in bytes, which modules must lie in. Errors: a sentence naming the part.
pub fn decode(bytes: &[u8], section: u64, abi: &[u8; 32], kept: &Kept<'_>) -> Result<Table, TableError> {
    let table: Table = minicbor::decode(bytes).map_err(|e| TableError(alloc::format!("the system table is no valid CBOR: {e}")))?;
    check(&table, section, abi)?;
    table.instances.iter().try_for_each(|instance| check_kept(instance, kept))?;
    Ok(table)
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), TableError> {
    if holds { Ok(()) } else { Err(TableError(what())) }
}

fn check(table: &Table, section: u64, abi: &[u8; 32]) -> Result<(), TableError> {
    require(table.version == VERSION, || alloc::format!("the system table has version {}, this kernel reads {VERSION}", table.version))?;
    require(table.abi.as_slice() == abi, || "the image was composed for a kernel with other interfaces".into())?;
    for (what, length) in [("instances", table.instances.len()), ("streams", table.streams.len()), ("services", table.services.len()), ("modules", table.modules.len())] {
        require(length <= MOST, || alloc::format!("the system table has {length} {what}, more than {MOST}"))?;
    }
    for module in &table.modules {
        let end = module.offset.checked_add(module.length);
        require(end.is_some_and(|end| end <= section), || alloc::format!("module `{}` lies outside of the image", module.name))?;
        require(module.sha256.len() == 32, || alloc::format!("module `{}` has no SHA-256", module.name))?;
    }
    for stream in &table.streams {
        require(stream.server < table.instances.len() && stream.client < table.instances.len(), || alloc::format!("stream `{}` joins an instance that is not there", stream.name))?;
        require((1..=MOST_CAPACITY).contains(&stream.capacity), || alloc::format!("stream `{}` holds {} bytes", stream.name, stream.capacity))?;
    }
    for service in &table.services {
        require(service.server < table.instances.len(), || alloc::format!("service `{}` is served by nobody", service.name))?;
    }
    table.instances.iter().try_for_each(|instance| check_instance(table, instance))
}

fn check_instance(table: &Table, instance: &Instance) -> Result<(), TableError> {
    let name = &instance.name;
    require(instance.module < table.modules.len() && instance.glue < table.modules.len(), || alloc::format!("`{name}` has no module"))?;
    require((1..=1000).contains(&instance.cpu_permille), || alloc::format!("`{name}` has a CPU share of {} permille", instance.cpu_permille))?;
    require(instance.handles.len() <= MOST, || alloc::format!("`{name}` has {} handles", instance.handles.len()))?;
    for port in &instance.ports {
        require(port.length > 0 && u32::from(port.base) + port.length <= 0x1_0000, || alloc::format!("port grant `{}` of `{name}` leaves the 65,536 ports", port.need))?;
    }
    for handle in &instance.handles {
        let objects = match handle.kind {
            HandleKind::IrqIsa => 16,
            HandleKind::IrqGsi => 240,
            HandleKind::StreamClient | HandleKind::StreamServer => table.streams.len(),
            HandleKind::ServiceClient | HandleKind::ServiceServer => table.services.len(),
            _ => 1,
        };
        require(handle.object < objects, || alloc::format!("handle `{}` of `{name}` names object {}", handle.name, handle.object))?;
        require(handle.instances.iter().all(|&i| i < table.instances.len()), || alloc::format!("handle `{}` of `{name}` names an instance that is not there", handle.name))?;
    }
    Ok(())
}

fn check_kept(instance: &Instance, kept: &Kept<'_>) -> Result<(), TableError> {
    for port in &instance.ports {
        let overlaps = kept.overlaps(u32::from(port.base), port.length);
        require(!overlaps, || alloc::format!("port grant `{}` of `{}` reaches what the kernel keeps", port.need, instance.name))?;
    }
    for handle in instance.handles.iter().filter(|handle| matches!(handle.kind, HandleKind::IrqIsa | HandleKind::IrqGsi)) {
        let keeps = kept.lines.contains(&(handle.object as u32));
        require(!keeps, || alloc::format!("interrupt `{}` of `{}` is one that the kernel keeps", handle.name, instance.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use minicbor::{Encoder, encode::Error};

    const ABI: [u8; 32] = [7; 32];
    const SECTION: u64 = 0x3000;
    const KEPT: Kept<'static> = Kept { ports: &[(0x20, 2), (0xcfa, 6)], lines: &[0, 2] };

    /// A table with one module, two instances, one stream and one service; `change` alters what the parts say.
    struct Parts {
        version: u32,
        abi: [u8; 32],
        module: (u64, u64),
        modules_of_instance: (u32, u32),
        permille: u32,
        port: (u16, u32),
        handle: (u8, u32, u32),
        stream: (u32, u32, u32),
        service: u32,
    }

    fn whole() -> Parts {
        Parts {
            version: 1, abi: ABI, module: (0x1000, 0x2000), modules_of_instance: (0, 0), permille: 200, port: (0x3f8, 8),
            handle: (3, 0, 1), stream: (0, 1, 4096), service: 1,
        }
    }

    fn encode(parts: &Parts) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        let written = (|| {
            out.map(10)?.u8(0)?.u32(parts.version)?.u8(1)?.str("test")?.u8(2)?.str("1.0")?.u8(3)?.str("console")?;
            out.u8(4)?.bytes(&parts.abi)?.u8(5)?.u16(0x3f8)?;
            out.u8(6)?.array(1)?.map(4)?.u8(0)?.str("app/one")?.u8(1)?.u64(parts.module.0)?.u8(2)?.u64(parts.module.1)?.u8(3)?.bytes(&[0; 32])?;
            out.u8(7)?.array(2)?;
            for name in ["one", "two"] {
                out.map(12)?.u8(0)?.str(name)?.u8(1)?.str("app")?.u8(2)?.u8(2)?.u8(3)?.u32(parts.modules_of_instance.0)?;
                out.u8(4)?.u32(parts.modules_of_instance.1)?.u8(5)?.u64(1 << 20)?.u8(6)?.u32(parts.permille)?;
                out.u8(7)?.u8(1)?.u8(8)?.u64(100)?.u8(9)?.u32(10)?;
                out.u8(10)?.array(1)?.map(5)?.u8(0)?.str("regs")?.u8(1)?.u16(parts.port.0)?.u8(2)?.u32(parts.port.1)?.u8(3)?.u8(3)?.u8(4)?.u8(1)?;
                out.u8(11)?.array(1)?.map(5)?.u8(0)?.str("console")?.u8(1)?.u8(parts.handle.0)?.u8(2)?.u32(parts.handle.1)?.u8(3)?.u8(3)?;
                out.u8(4)?.array(1)?.u32(parts.handle.2)?;
            }
            out.u8(8)?.array(1)?.map(4)?.u8(0)?.str("one.serial")?.u8(1)?.u32(parts.stream.0)?.u8(2)?.u32(parts.stream.1)?.u8(3)?.u32(parts.stream.2)?;
            out.u8(9)?.array(1)?.map(2)?.u8(0)?.str("two.time")?.u8(1)?.u32(parts.service)?;
            Ok::<(), Error<core::convert::Infallible>>(())
        })();
        written.unwrap();
        out.into_writer()
    }

    fn fault(change: impl FnOnce(&mut Parts)) -> String {
        let mut parts = whole();
        change(&mut parts);
        decode(&encode(&parts), SECTION, &ABI, &KEPT).unwrap_err().0
    }

    #[test]
    fn a_whole_table_is_read() {
        let table = decode(&encode(&whole()), SECTION, &ABI, &KEPT).unwrap();
        assert_eq!((table.name.as_str(), table.profile.as_str(), table.emergency_port), ("test", "console", Some(0x3f8)));
        for (base, length) in [(0x1e, 2), (0x22, 1), (0xcf9, 1), (0xd00, 1)] {
            assert!(decode(&encode(&Parts { port: (base, length), ..whole() }), SECTION, &ABI, &KEPT).is_ok(), "{base:#x} only touches");
        }
        assert_eq!(table.instances[1].handles[0].kind, HandleKind::StreamClient);
        assert_eq!(table.instances[0].restart, RestartPolicy::OnFailure);
        assert_eq!(table.instances[0].ports[0], PortGrant { need: "regs".into(), base: 0x3f8, length: 8, access: 3, widths: 1 });
    }

    #[test]
    fn every_index_and_range_is_checked() {
        for (fault, words) in [
            (fault(|p| p.version = 2), "version 2"),
            (fault(|p| p.abi[31] = 0), "other interfaces"),
            (fault(|p| p.module.1 = 0x2001), "outside of the image"),
            (fault(|p| p.module.0 = u64::MAX), "outside of the image"),
            (fault(|p| p.modules_of_instance.0 = 1), "no module"),
            (fault(|p| p.modules_of_instance.1 = 1), "no module"),
            (fault(|p| p.permille = 0), "CPU share"),
            (fault(|p| p.permille = 1001), "CPU share"),
            (fault(|p| p.port = (0xffff, 2)), "leaves the 65,536 ports"),
            (fault(|p| p.port = (0x60, 0)), "leaves the 65,536 ports"),
            (fault(|p| p.port = (0x1e, 3)), "the kernel keeps"),
            (fault(|p| p.port = (0xcff, 1)), "the kernel keeps"),
            (fault(|p| p.handle = (1, 2, 0)), "the kernel keeps"),
            (fault(|p| p.handle = (2, 0, 0)), "the kernel keeps"),
            (fault(|p| p.handle.0 = 0), "no valid CBOR"),
            (fault(|p| p.handle = (1, 16, 0)), "names object 16"),
            (fault(|p| p.handle = (3, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (5, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (10, 0, 2)), "not there"),
            (fault(|p| p.stream.0 = 2), "joins an instance"),
            (fault(|p| p.stream.1 = 2), "joins an instance"),
            (fault(|p| p.stream.2 = 0), "holds 0 bytes"),
            (fault(|p| p.stream.2 = 1 << 21), "bytes"),
            (fault(|p| p.service = 2), "served by nobody"),
        ] {
            assert!(fault.contains(words), "{fault} / {words}");
        }
    }

    #[test]
    fn a_table_that_ends_anywhere_is_none() {
        let bytes = encode(&whole());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], SECTION, &ABI, &KEPT).is_err(), "{length}");
        }
    }
}
