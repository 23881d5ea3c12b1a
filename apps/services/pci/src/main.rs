//! Finds all PCI functions at its start, and answers with one of them who asks by its number in the list.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::FOREVER;
use munal::pci::{Address, Function, Region};
use pci_service::{Space, functions};

munal::bindings!();
munal::main!(run);

const FUNCTIONS: pci::functions = pci::functions;
const LOG: log::log = log::log;
const CLIENTS: service_server::bus = service_server::bus;

/// The machine's own configuration space.
struct Machine;

impl Space for Machine {
    fn read(&self, address: Address, offset: u8) -> u32 {
        FUNCTIONS.read(address.0, offset)
    }

    fn region(&self, address: Address, number: u8) -> Option<Region> {
        let mut bytes = [0; 20];
        FUNCTIONS.region(address.0, number, &mut bytes).ok()?;
        let long = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| bytes[at + i]));
        Some(Region { number, flags: bytes[16], address: long(0), length: long(8) })
    }
}

fn run() -> Result<(), Error> {
    let found = functions(&Machine);
    for function in &found {
        munal::log!(LOG, "{} {:04x}:{:04x}", function.address, function.vendor, function.device);
    }
    munal::log!(LOG, "{} functions", found.len());
    let list: Vec<Vec<u8>> = found.iter().map(Function::encode).collect();
    let mut request = [0; 5];
    loop {
        let length = CLIENTS.receive(&mut request, FOREVER)? as usize;
        let wanted = request.get(..length).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
        let reply = wanted.and_then(|number| list.get(number as usize)).map_or(&[][..], Vec::as_slice);
        match CLIENTS.reply(reply) {
            Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
            Err(why) => return Err(why),
        }
    }
}
