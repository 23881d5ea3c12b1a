//! Grants in words, as the kernel enforces them: what audit shows.
use crate::{device::{Device, Match}, table::{Badge, Handle, HandleKind, Instance, MmioGrant, PortGrant, Priority, READ, RestartPolicy, SHARE, Table, WALL_CLOCK, WRITE}};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// What instance `index` may do, one grant a line.
pub fn grants(table: &Table, index: usize) -> String {
    let instance = &table.instances[index];
    let mut lines: Vec<String> = instance.ports.iter().map(port).collect();
    lines.extend(instance.mmio.iter().map(mmio));
    lines.extend(instance.handles.iter().map(|h| handle(table, h)));
    lines.push(format!("memory: at most {}", size(instance.memory)));
    lines.push(cpu(instance));
    lines.push(format!("handles: at most {} beyond these", instance.handle_limit));
    lines.push(restart(instance));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn port(grant: &PortGrant) -> String {
    let range = range(u64::from(grant.base), u64::from(grant.length));
    format!("port {}: {range}, {}, {} bits", grant.need, access(grant.access), widths(grant.widths))
}

fn mmio(grant: &MmioGrant) -> String {
    let range = range(grant.base, grant.length);
    format!("mmio {}: {range}, {}, {} bits", grant.need, access(grant.access), widths(grant.widths))
}

fn range(base: u64, length: u64) -> String {
    if length == 1 { format!("{base:#x}") } else { format!("{base:#x}..{:#x}", base + length - 1) }
}

fn widths(granted: u8) -> String {
    let widths: Vec<&str> = [(1, "8"), (2, "16"), (4, "32"), (8, "64")].iter().filter(|(bit, _)| granted & bit != 0).map(|&(_, bits)| bits).collect();
    widths.join(" and ")
}

fn access(rights: u8) -> &'static str {
    match rights & (READ | WRITE) {
        READ => "read",
        WRITE => "write",
        3 => "read and write",
        _ => "neither read nor write",
    }
}

fn handle(table: &Table, handle: &Handle) -> String {
    let shared = if handle.rights & SHARE != 0 { ", may be shared" } else { "" };
    format!("{}{shared}", unshared(table, handle))
}

fn unshared(table: &Table, handle: &Handle) -> String {
    let (name, object) = (&handle.name, handle.object);
    let instance = |index: usize| &table.instances[index].name;
    match handle.kind {
        HandleKind::IrqIsa => format!("irq {name}: ISA {object}"),
        HandleKind::IrqGsi => format!("irq {name}: global system interrupt {object}"),
        HandleKind::StreamClient => format!("stream {name}: {} {}", access(handle.rights), table.streams[object].name),
        HandleKind::StreamServer => format!("stream {name}: serves {}, {}", instance(table.streams[object].client), access(handle.rights)),
        HandleKind::ServiceClient => format!("service {name}: asks {}", table.services[object].name),
        HandleKind::ServiceBadged => badged(name, &table.services[table.badges[object].service].name, &table.badges[object]),
        HandleKind::ServiceServer => format!("service {name}: answers"),
        HandleKind::Log => format!("log {name}: write"),
        HandleKind::Clock if object == WALL_CLOCK => format!("wall {name}: read"),
        HandleKind::Clock => format!("clock {name}: read, sleep"),
        HandleKind::Audit => format!("audit {name}: read"),
        HandleKind::Control => format!("control {name}: {}", controlled(table, handle)),
        HandleKind::Acpi => format!("acpi {name}: read"),
        HandleKind::KernelLog => format!("stream {name}: read kernel.log"),
        HandleKind::ChannelClient => format!("channel {name}: {}", table.channels[object].name),
        HandleKind::ChannelServer => format!("channel {name}: serves {}", instance(table.channels[object].client)),
        HandleKind::Random => format!("random {name}: read"),
        HandleKind::Pci => format!("pci {name}: read"),
        HandleKind::Framebuffer => format!("framebuffer {name}: write"),
        HandleKind::Device => format!("device {name}: {}", device(&table.devices[object])),
    }
}

/// Whom it asks is what the kernel enforces; what that one is told is in the composer's words.
fn badged(name: &str, service: &str, badge: &Badge) -> String {
    format!("{} {name}: asks {service}, {}", badge.capability, badge.words)
}

/// Which function it may be, as manifests have it.
pub fn device(device: &Device) -> String {
    let names: Vec<String> = device.matches.iter().map(matched).collect();
    let slot = device.slot.map_or_else(String::new, |slot| format!(", at {}", function(slot)));
    let skip = match device.skip {
        0 => String::new(),
        1 => ", after 1 other".to_owned(),
        more => format!(", after {more} others"),
    };
    format!("{}{slot}{skip}", names.join(" or "))
}

fn matched(it: &Match) -> String {
    let [_, interface, subclass, class] = it.value.to_le_bytes();
    match (it.offset, it.mask) {
        (0, _) => format!("{:04x}:{:04x}", it.value & 0xffff, it.value >> 16),
        (_, 0xffff_0000) => format!("{class:02x}:{subclass:02x}"),
        _ => format!("{class:02x}:{subclass:02x}:{interface:02x}"),
    }
}

/// Bus, device and function, as PCI's tools have them.
pub fn function(number: u16) -> String {
    format!("{:02x}:{:02x}.{}", number >> 8, number >> 3 & 31, number & 7)
}

fn controlled(table: &Table, handle: &Handle) -> String {
    if handle.instances.len() == table.instances.len() {
        return "all instances".to_owned();
    }
    let names: Vec<&str> = handle.instances.iter().map(|&i| table.instances[i].name.as_str()).collect();
    names.join(", ")
}

fn restart(instance: &Instance) -> String {
    let policy = match instance.restart {
        RestartPolicy::Never => return "restart: never".to_owned(),
        RestartPolicy::OnFailure => "on failure",
        RestartPolicy::Always => "always",
    };
    format!("restart: {policy}, at most {} times, after {} ms", instance.restart_limit, instance.backoff_ms)
}

/// A priority as manifests say it.
pub fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}

fn cpu(instance: &Instance) -> String {
    let time = if instance.cpu_time_ms == 0 { String::new() } else { format!(", at most {} ms a life", instance.cpu_time_ms) };
    let priority = priority(instance.priority);
    let (whole, rest) = (instance.period_us / 1000, instance.period_us % 1000);
    let period = if rest == 0 { format!("{whole}") } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() };
    format!("cpu: {} of each {period} ms{time}, priority {priority}", share(instance.cpu_permille))
}

/// A stretch of time that a manifest gives in milliseconds.
pub fn milliseconds(count: u64) -> String {
    if count % 1000 == 0 { format!("{} s", count / 1000) } else { format!("{count} ms") }
}

fn share(permille: u32) -> String {
    if permille % 10 == 0 { format!("at most {} %", permille / 10) } else { format!("at most {}.{} %", permille / 10, permille % 10) }
}

/// A size in the largest binary unit that divides it.
pub fn size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes % (1 << shift) == 0 {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reads_by_what_it_may_be_and_where() {
        let it = |offset, value, mask| Match { offset, value, mask };
        let matches = alloc::vec![it(0, 0x1044_1af4, u32::MAX), it(8, 0x0106_0000, 0xffff_0000), it(8, 0x0c03_3000, 0xffff_ff00)];
        let device_of = |slot, skip| device(&Device {
            need: "card".into(), instance: 0, matches: matches.clone(), slot, skip, regions: Vec::new(), tables: Vec::new(), reset: Vec::new(),
        });
        assert_eq!(device_of(None, 0), "1af4:1044 or 01:06 or 0c:03:30");
        assert_eq!(device_of(Some(0x02fd), 2), "1af4:1044 or 01:06 or 0c:03:30, at 02:1f.5, after 2 others");
        assert!(device_of(None, 1).ends_with("0c:03:30, after 1 other"));
    }

    #[test]
    fn a_badge_reads_by_whom_it_asks_and_what_it_says() {
        let badge = Badge { service: 0, bytes: alloc::vec![1, 2].into(), capability: "files".into(), words: "read /home/notes".into() };
        assert_eq!(badged("home", "store.files", &badge), "files home: asks store.files, read /home/notes");
    }

    #[test]
    fn a_port_grant_reads_as_the_manifest_means_it() {
        let grant = PortGrant { need: "regs".into(), base: 0x3f8, length: 8, access: 3, widths: 1 };
        assert_eq!(port(&grant), "port regs: 0x3f8..0x3ff, read and write, 8 bits");
        let grant = PortGrant { need: "exit".into(), base: 0xf4, length: 1, access: 2, widths: 5 };
        assert_eq!(port(&grant), "port exit: 0xf4, write, 8 and 32 bits");
    }

    #[test]
    fn device_memory_reads_by_its_first_and_last_byte() {
        let grant = MmioGrant { need: "regs".into(), base: 0xfed0_0000, length: 0x400, access: 1, widths: 12 };
        assert_eq!(mmio(&grant), "mmio regs: 0xfed00000..0xfed003ff, read, 32 and 64 bits");
    }

    #[test]
    fn sizes_take_the_largest_whole_unit() {
        assert_eq!([size(1 << 20), size(3 << 9), size(1 << 18)], ["1 MiB", "1536 bytes", "256 KiB"]);
    }
}
