//! What has to hold of a system table before the kernel works by it. Gets what was decoded; says what is wrong in a sentence.
use super::{HandleKind, Instance, Table, VERSION, WALL_CLOCK};
use crate::{channel::LARGEST, device};
use alloc::{string::String, vec::Vec};
use core::fmt;

/// What the kernel keeps for itself: ports by base and length, interrupt lines, ISA and global alike, pages by address and
/// length in bytes, and everything from `physical_end` on, which it cannot map.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    pub ports: &'a [(u16, u16)],
    pub lines: &'a [u32],
    pub pages: &'a [(u64, u64)],
    pub physical_end: u64,
}

impl Kept<'_> {
    fn overlaps(&self, base: u32, length: u32) -> bool {
        self.ports.iter().any(|&(kept, count)| base < u32::from(kept) + u32::from(count) && u32::from(kept) < base + length)
    }

    fn overlaps_pages(&self, (start, end): (u64, u64)) -> bool {
        self.pages.iter().any(|&(kept, length)| start < kept + length && kept < end)
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
pub const MOST: usize = 4096;
/// The most bytes that one direction of a stream may hold.
const MOST_CAPACITY: usize = 1 << 20;
/// The most messages that one direction of a channel may hold, and the most bytes of all of them together.
const MOST_DEPTH: usize = 256;
const MOST_QUEUED: usize = 4 << 20;
/// The most handles that an instance may hold beyond those that the table lists.
const MOST_DYNAMIC: u32 = 4096;
/// Bounds of a CPU share's period, in microseconds.
const PERIODS: core::ops::RangeInclusive<u32> = 1000..=1_000_000;

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), TableError> {
    if holds { Ok(()) } else { Err(TableError(what())) }
}

/// Version, ABI, digest lengths, every index and every range.
pub fn whole(table: &Table, section: u64, abi: &[u8; 32]) -> Result<(), TableError> {
    require(table.version == VERSION, || alloc::format!("the system table has version {}, this kernel reads {VERSION}", table.version))?;
    require(table.abi.as_slice() == abi, || "the image was composed for a kernel with other interfaces".into())?;
    for (what, length) in [("instances", table.instances.len()), ("streams", table.streams.len()), ("services", table.services.len()), ("channels", table.channels.len()), ("devices", table.devices.len()), ("modules", table.modules.len())] {
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
    for channel in &table.channels {
        require(channel.server < table.instances.len() && channel.client < table.instances.len(), || alloc::format!("channel `{}` joins an instance that is not there", channel.name))?;
        require((1..=MOST_DEPTH).contains(&channel.depth), || alloc::format!("channel `{}` holds {} messages", channel.name, channel.depth))?;
        require((1..=LARGEST).contains(&channel.largest) && channel.largest * channel.depth <= MOST_QUEUED, || alloc::format!("channel `{}` holds {} messages of {} bytes", channel.name, channel.depth, channel.largest))?;
        require(channel.carries < 8, || alloc::format!("channel `{}` carries what never moves", channel.name))?;
    }
    table.devices.iter().try_for_each(|device| device::check(device, table.instances.len()).map_err(TableError))?;
    table.instances.iter().enumerate().try_for_each(|(index, instance)| check_instance(table, index, instance))
}

fn check_instance(table: &Table, index: usize, instance: &Instance) -> Result<(), TableError> {
    let name = &instance.name;
    require(instance.module < table.modules.len() && instance.glue < table.modules.len(), || alloc::format!("`{name}` has no module"))?;
    require((1..=1000).contains(&instance.cpu_permille), || alloc::format!("`{name}` has a CPU share of {} permille", instance.cpu_permille))?;
    require(PERIODS.contains(&instance.period_us), || alloc::format!("`{name}` has a period of {} microseconds", instance.period_us))?;
    require(instance.handle_limit <= MOST_DYNAMIC, || alloc::format!("`{name}` may hold {} handles", instance.handle_limit))?;
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
            HandleKind::ChannelClient | HandleKind::ChannelServer => table.channels.len(),
            HandleKind::Clock => WALL_CLOCK + 1,
            HandleKind::Device => table.devices.len(),
            _ => 1,
        };
        require(handle.object < objects, || alloc::format!("handle `{}` of `{name}` names object {}", handle.name, handle.object))?;
        let own = handle.kind != HandleKind::Device || table.devices[handle.object].instance == index;
        require(own, || alloc::format!("handle `{}` of `{name}` stands for the device of another", handle.name))?;
        require(handle.instances.iter().all(|&i| i < table.instances.len()), || alloc::format!("handle `{}` of `{name}` names an instance that is not there", handle.name))?;
    }
    Ok(())
}

/// That nobody holds what the kernel keeps.
pub fn kept(table: &Table, kept: &Kept<'_>) -> Result<(), TableError> {
    table.instances.iter().try_for_each(|instance| check_kept(instance, kept))
}

fn check_kept(instance: &Instance, kept: &Kept<'_>) -> Result<(), TableError> {
    for port in &instance.ports {
        let overlaps = kept.overlaps(u32::from(port.base), port.length);
        require(!overlaps, || alloc::format!("port grant `{}` of `{}` reaches what the kernel keeps", port.need, instance.name))?;
    }
    for mmio in &instance.mmio {
        let end = mmio.base.checked_add(mmio.length).filter(|&end| mmio.length > 0 && end <= kept.physical_end);
        require(end.is_some(), || alloc::format!("device memory `{}` of `{}` leaves the addresses that this kernel maps", mmio.need, instance.name))?;
        require(!kept.overlaps_pages(mmio.pages()), || alloc::format!("device memory `{}` of `{}` reaches what the kernel keeps", mmio.need, instance.name))?;
    }
    for handle in instance.handles.iter().filter(|handle| handle.is_line()) {
        let keeps = kept.lines.contains(&(handle.object as u32));
        require(!keeps, || alloc::format!("interrupt `{}` of `{}` is one that the kernel keeps", handle.name, instance.name))?;
    }
    Ok(())
}

/// The composer lets no two instances share hardware; the kernel does not take its word for it.
pub fn alone(table: &Table) -> Result<(), TableError> {
    let each = || table.instances.iter().enumerate();
    let ports = each().flat_map(|(index, i)| i.ports.iter().map(move |p| (u64::from(p.base), u64::from(p.base) + u64::from(p.length), index)));
    let pages = each().flat_map(|(index, i)| i.mmio.iter().map(move |m| (m.pages().0, m.pages().1, index)));
    let lines = each().flat_map(|(index, i)| i.handles.iter().filter(|h| h.is_line()).map(move |h| (h.object as u64, h.object as u64 + 1, index)));
    for (what, held) in [("port", ports.collect::<Vec<_>>()), ("device memory", pages.collect()), ("interrupt", lines.collect())] {
        if let Some((at, one, other)) = shared(held) {
            let name = |index: usize| &table.instances[index].name;
            return Err(TableError(alloc::format!("`{}` and `{}` both hold {what} {at:#x}", name(one), name(other))));
        }
    }
    Ok(())
}

/// The first unit that ranges (start, end, holder) of two holders have in common, with both.
pub fn shared(mut held: Vec<(u64, u64, usize)>) -> Option<(u64, usize, usize)> {
    held.sort_unstable();
    held.iter().enumerate().find_map(|(place, &(_, end, holder))| {
        let met = held[place + 1..].iter().take_while(|&&(start, _, _)| start < end).find(|&&(_, _, other)| other != holder)?;
        Some((met.0, holder, met.2))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::{OnPanic, PortGrant, Priority, RestartPolicy, decode}, *};
    use minicbor::{Encoder, encode::Error};

    const ABI: [u8; 32] = [7; 32];
    const SECTION: u64 = 0x3000;
    const KEPT: Kept<'static> = Kept { ports: &[(0x20, 2), (0xcfa, 6)], lines: &[0, 2], pages: &[(0xfee0_0000, 0x1000)], physical_end: 1 << 44 };

    /// A table with one module, two instances, one stream and one service; `change` alters what the parts say.
    struct Parts {
        version: u32,
        abi: [u8; 32],
        module: (u64, u64),
        modules_of_instance: (u32, u32),
        permille: u32,
        port: (u16, u32),
        second_port: (u16, u32),
        mmio: (u64, u64),
        second_mmio: (u64, u64),
        handle: (u8, u32, u32),
        stream: (u32, u32, u32),
        service: u32,
        period_us: u32,
        handle_limit: u32,
        channel: (u32, u32, u32, u32, u8),
        /// Its instance, its register, the end of what is free, what its register may point to, entries of its table, and where its reset writes.
        device: (u32, u8, u32, u64, u32, u32),
    }

    fn whole() -> Parts {
        Parts {
            version: 4, abi: ABI, module: (0x1000, 0x2000), modules_of_instance: (0, 0), permille: 200, port: (0x3f8, 8),
            second_port: (0x2f8, 8), mmio: (0xfed0_0000, 0x400), second_mmio: (0xfed0_1000, 8), handle: (3, 0, 1), stream: (0, 1, 4096), service: 1,
            period_us: 50_000, handle_limit: 64, channel: (0, 1, 16, 4096, 7), device: (1, 0, 0x20, 0b10, 8, 0x3f),
        }
    }

    fn encode(parts: &Parts) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        let written = (|| {
            out.map(13)?.u8(0)?.u32(parts.version)?.u8(1)?.str("test")?.u8(2)?.str("1.0")?.u8(3)?.str("console")?;
            out.u8(4)?.bytes(&parts.abi)?.u8(5)?.u16(0x3f8)?;
            out.u8(6)?.array(1)?.map(4)?.u8(0)?.str("app/one")?.u8(1)?.u64(parts.module.0)?.u8(2)?.u64(parts.module.1)?.u8(3)?.bytes(&[0; 32])?;
            out.u8(7)?.array(2)?;
            for (name, port, mmio) in [("one", parts.port, parts.mmio), ("two", parts.second_port, parts.second_mmio)] {
                out.map(17)?.u8(0)?.str(name)?.u8(1)?.str("app")?.u8(2)?.u8(2)?.u8(3)?.u32(parts.modules_of_instance.0)?;
                out.u8(4)?.u32(parts.modules_of_instance.1)?.u8(5)?.u64(1 << 20)?.u8(6)?.u32(parts.permille)?;
                out.u8(7)?.u8(1)?.u8(8)?.u64(100)?.u8(9)?.u32(10)?;
                out.u8(10)?.array(1)?.map(5)?.u8(0)?.str("regs")?.u8(1)?.u16(port.0)?.u8(2)?.u32(port.1)?.u8(3)?.u8(3)?.u8(4)?.u8(1)?;
                out.u8(11)?.array(1)?.map(5)?.u8(0)?.str("console")?.u8(1)?.u8(parts.handle.0)?.u8(2)?.u32(parts.handle.1)?.u8(3)?.u8(3)?;
                out.u8(4)?.array(1)?.u32(parts.handle.2)?;
                out.u8(12)?.array(1)?.map(5)?.u8(0)?.str("page")?.u8(1)?.u64(mmio.0)?.u8(2)?.u64(mmio.1)?.u8(3)?.u8(1)?.u8(4)?.u8(4)?;
                out.u8(13)?.u8(2)?.u8(14)?.u32(parts.period_us)?.u8(15)?.u64(2000)?.u8(16)?.u32(parts.handle_limit)?;
            }
            out.u8(8)?.array(1)?.map(4)?.u8(0)?.str("one.serial")?.u8(1)?.u32(parts.stream.0)?.u8(2)?.u32(parts.stream.1)?.u8(3)?.u32(parts.stream.2)?;
            out.u8(9)?.array(1)?.map(2)?.u8(0)?.str("two.time")?.u8(1)?.u32(parts.service)?;
            out.u8(10)?.array(1)?.map(6)?.u8(0)?.str("one.talk")?.u8(1)?.u32(parts.channel.0)?.u8(2)?.u32(parts.channel.1)?.u8(3)?.u32(parts.channel.2)?;
            out.u8(4)?.u32(parts.channel.3)?.u8(5)?.u8(parts.channel.4)?;
            out.u8(11)?.u8(1)?;
            out.u8(12)?.array(1)?.map(8)?.u8(0)?.str("card")?.u8(1)?.u32(parts.device.0)?;
            out.u8(2)?.array(1)?.map(3)?.u8(0)?.u8(0)?.u8(1)?.u32(0x1044_1af4)?.u8(2)?.u32(u32::MAX)?.u8(3)?.null()?.u8(4)?.u32(0)?;
            out.u8(5)?.array(1)?.map(5)?.u8(0)?.str("regs")?.u8(1)?.u8(parts.device.1)?.u8(2)?.null()?.u8(3)?.u32(0x40)?;
            out.u8(4)?.map(3)?.u8(0)?.array(1)?.array(2)?.u32(0)?.u32(parts.device.2)?.u8(1)?.array(0)?;
            out.u8(2)?.array(1)?.map(8)?.u8(0)?.u32(0x20)?.u8(1)?.u32(1)?.u8(2)?.u32(0)?.u8(3)?.bool(true)?.u8(4)?.u64(128)?;
            out.u8(5)?.null()?.u8(6)?.u64(parts.device.3)?.u8(7)?.null()?;
            out.u8(6)?.array(1)?.map(4)?.u8(0)?.str("ring")?.u8(1)?.u32(16)?.u8(2)?.u32(parts.device.4)?.u8(3)?.map(3)?;
            out.u8(0)?.array(0)?.u8(1)?.array(1)?.map(7)?.u8(0)?.u32(12)?.u8(1)?.u8(2)?.u8(2)?.u64(3)?.u8(3)?.u64(0)?.u8(4)?.u64(3)?.u8(5)?.u32(1)?.u8(6)?.u32(0)?;
            out.u8(2)?.array(1)?.map(8)?.u8(0)?.u32(0)?.u8(1)?.u32(1)?.u8(2)?.u32(0)?.u8(3)?.bool(false)?.u8(4)?.u64(0)?;
            out.u8(5)?.map(4)?.u8(0)?.u32(8)?.u8(1)?.u8(4)?.u8(2)?.u64(0xffff_ffff)?.u8(3)?.u64(0)?.u8(6)?.u64(1)?;
            out.u8(7)?.map(3)?.u8(0)?.u32(12)?.u8(1)?.u8(1)?.u8(2)?.u64(1)?;
            out.u8(7)?.array(1)?.map(5)?.u8(0)?.u32(0)?.u8(1)?.u32(parts.device.5)?.u8(2)?.u8(1)?.u8(3)?.u64(0)?.u8(4)?.null()?;
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
        for (base, length) in [(0xfedf_f000, 0x1000), (0xfee0_1000, 8), ((1 << 44) - 8, 8)] {
            assert!(decode(&encode(&Parts { mmio: (base, length), ..whole() }), SECTION, &ABI, &KEPT).is_ok(), "{base:#x} only touches");
        }
        assert_eq!(table.instances[1].mmio[0].pages(), (0xfed0_1000, 0xfed0_2000));
        assert_eq!(table.instances[1].handles[0].kind, HandleKind::StreamClient);
        assert_eq!(table.instances[0].restart, RestartPolicy::OnFailure);
        assert_eq!((table.instances[0].priority, table.instances[0].cpu_time_ms, table.panic), (Priority::High, 2000, OnPanic::Reset));
        assert!(Priority::Low < Priority::Normal && Priority::High < Priority::Urgent);
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
            (fault(|p| p.port = (0x2f1, 8)), "both hold port 0x2f8"),
            (fault(|p| p.second_port = (0x3ff, 1)), "`one` and `two` both hold port 0x3ff"),
            (fault(|p| p.mmio.1 = 0), "leaves the addresses"),
            (fault(|p| p.mmio = (u64::MAX, 2)), "leaves the addresses"),
            (fault(|p| p.mmio = ((1 << 44) - 8, 9)), "leaves the addresses"),
            (fault(|p| p.mmio = (0xfee0_0ff8, 8)), "reaches what the kernel keeps"),
            (fault(|p| p.mmio = (0xfedf_fff8, 9)), "reaches what the kernel keeps"),
            (fault(|p| p.mmio = (0xfed0_0ff8, 9)), "both hold device memory 0xfed01000"),
            (fault(|p| p.second_mmio = (0xfed0_0800, 8)), "both hold device memory 0xfed00000"),
            (fault(|p| p.handle = (1, 4, 0)), "both hold interrupt 0x4"),
            (fault(|p| p.handle.0 = 0), "no valid CBOR"),
            (fault(|p| p.handle = (1, 16, 0)), "names object 16"),
            (fault(|p| p.handle = (17, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (17, 0, 0)), "the device of another"),
            (fault(|p| p.device.0 = 2), "is of nobody"),
            (fault(|p| p.device.1 = 6), "a region of device `card` is none"),
            (fault(|p| p.device.2 = 0x21), "a region of device `card` is none"),
            (fault(|p| p.device.2 = 0x41), "a region of device `card` is none"),
            (fault(|p| p.device.3 = 0b100), "a region of device `card` is none"),
            (fault(|p| p.device.4 = 0), "a table of device `card` is none"),
            (fault(|p| p.device.4 = 7), "a region of device `card` is none"), // what its pointer reaches has 128 bytes
            (fault(|p| p.device.4 = 4097), "a table of device `card` is none"),
            (fault(|p| p.device.5 = 0x40), "the reset of device `card`"),
            (fault(|p| p.handle = (3, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (5, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (10, 0, 2)), "not there"),
            (fault(|p| p.stream.0 = 2), "joins an instance"),
            (fault(|p| p.stream.1 = 2), "joins an instance"),
            (fault(|p| p.stream.2 = 0), "holds 0 bytes"),
            (fault(|p| p.stream.2 = 1 << 21), "bytes"),
            (fault(|p| p.service = 2), "served by nobody"),
            (fault(|p| p.period_us = 999), "period of 999"),
            (fault(|p| p.period_us = 1_000_001), "period of 1000001"),
            (fault(|p| p.handle_limit = 4097), "4097 handles"),
            (fault(|p| p.handle = (13, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (14, 1, 0)), "names object 1"),
            (fault(|p| p.handle = (15, 1, 0)), "names object 1"),
            (fault(|p| p.channel.0 = 2), "channel `one.talk` joins"),
            (fault(|p| p.channel.1 = 2), "channel `one.talk` joins"),
            (fault(|p| p.channel.2 = 0), "holds 0 messages"),
            (fault(|p| p.channel.2 = 257), "holds 257 messages"),
            (fault(|p| p.channel.3 = 0), "messages of 0 bytes"),
            (fault(|p| p.channel.3 = (1 << 20) + 1), "messages of 1048577 bytes"),
            (fault(|p| p.channel.3 = (4 << 20) / 16 + 1), "holds 16 messages of 262145 bytes"),
            (fault(|p| p.channel.4 = 8), "what never moves"),
        ] {
            assert!(fault.contains(words), "{fault} / {words}");
        }
    }

    #[test]
    fn sharing_is_found_between_holders_alone() {
        assert_eq!(shared(alloc::vec![(0, 8, 0), (4, 6, 0), (8, 9, 1)]), None);
        assert_eq!(shared(alloc::vec![(0, 8, 0), (4, 6, 0), (7, 9, 1)]), Some((7, 0, 1)));
        assert_eq!(shared(alloc::vec![(3, 4, 1), (3, 4, 2)]), Some((3, 1, 2)));
        assert_eq!(shared(Vec::new()), None);
    }

    #[test]
    fn a_table_that_ends_anywhere_is_none() {
        let bytes = encode(&whole());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], SECTION, &ABI, &KEPT).is_err(), "{length}");
        }
    }
}
