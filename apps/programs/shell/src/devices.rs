//! What the machine's devices look like on the terminal.

use crate::show::size;
use crate::table::{Align, Table};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use munal::pci::{Function, Region, capability_words, class_words};

/// PCI functions, one a line.
pub fn list(functions: &[Function]) -> String {
    let columns = ["FUNCTION", "DEVICE", "WHAT", "DECODES", "CAN"];
    let mut table = Table::new(&columns.map(|column| (column, Align::Left)));
    for function in functions {
        let decodes: Vec<String> = function.regions.iter().map(region).collect();
        let can: Vec<&str> = function.capabilities.iter().map(|&[identifier, _]| capability_words(identifier)).filter(|words| !words.is_empty()).collect();
        table.row([
            function.address.to_string(),
            format!("{:04x}:{:04x}", function.vendor, function.device),
            what(function),
            decodes.join(", "),
            can.join(", "),
        ]);
    }
    table.text()
}

/// What it is; its class as numbers where that has no name here.
fn what(function: &Function) -> String {
    let words = match class_words(function.class) {
        "" => format!("class {:02x}.{:02x}.{:02x}", function.class[0], function.class[1], function.class[2]),
        words => words.to_string(),
    };
    if function.behind == 0 { words } else { format!("{words} to bus {:02x}", function.behind) }
}

fn region(region: &Region) -> String {
    if region.is_ports() {
        return format!("{} ports at {:#x}", region.length, region.address);
    }
    format!("{} at {:#x}", size(region.length), region.address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use munal::pci::Address;

    #[test]
    fn functions_are_listed_with_what_is_known_of_them() {
        let disk = Function {
            address: Address::new(0, 31, 2), vendor: 0x8086, device: 0x2922, class: [1, 6, 1],
            regions: alloc::vec![Region { number: 4, flags: 1, address: 0xc040, length: 32 }, Region { number: 5, flags: 0, address: 0xfebf_1000, length: 4096 }],
            capabilities: alloc::vec![[5, 0x80], [0x12, 0xa8], [0xee, 0xb0]],
            ..Function::default()
        };
        let bridge = Function { address: Address::new(0, 2, 0), vendor: 0x1b36, device: 0x000c, class: [6, 4, 0], behind: 1, ..Function::default() };
        let odd = Function { address: Address::new(1, 0, 0), class: [0xff, 0, 1], ..Function::default() };
        let text = list(&[disk, bridge, odd]);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
        assert_eq!(rows[1], ["00:1f.2", "8086:2922", "SATA controller, AHCI", "32 ports at 0xc040, 4 KiB at 0xfebf1000", "MSI, SATA"]);
        assert_eq!(rows[2], ["00:02.0", "1b36:000c", "PCI bridge to bus 01"]);
        assert_eq!(rows[3], ["01:00.0", "0000:0000", "class ff.00.01"]);
    }
}
