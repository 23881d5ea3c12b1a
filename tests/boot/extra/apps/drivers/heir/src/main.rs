//! Reads all descriptors and the registers that lead to them; then fills them with addresses of its own.
#![no_std]
#![no_main]

munal::bindings!();
munal::main!(run);

const CARD: device::card = device::card;
const LOG: log::log = log::log;

const REGS: u8 = 0;
const RDBAL: u32 = 0x2800;
const TDBAL: u32 = 0x3800;
const INCOMING: u8 = 0;
const OUTGOING: u8 = 1;
const DESCRIPTORS: u32 = 256;

/// What the model says that the device may reach from an address on lies in one page.
#[repr(C, align(2048))]
struct Buffer([u8; 2048]);

fn run() -> Result<(), Error> {
    let leads = CARD.read32(REGS, RDBAL) != 0 && CARD.read32(REGS, TDBAL) != 0;
    munal::log!(LOG, "{} and {} descriptors are told, and the rings are {}", told(INCOMING)?, told(OUTGOING)?, if leads { "its tables" } else { "nowhere" });
    let buffer = Buffer([0; 2048]);
    let address = (&raw const buffer).expose_provenance() as u64;
    for number in 0..DESCRIPTORS {
        CARD.write_table(INCOMING, 16 * number, &address.to_le_bytes())?;
        CARD.write_table(OUTGOING, 16 * number, &(u128::from(address) | 16 << 64).to_le_bytes())?;
    }
    munal::log!(LOG, "{} and {} are told now", told(INCOMING)?, told(OUTGOING)?);
    sip::wait(&mut [], munal::FOREVER).map(|_| ())
}

/// How many descriptors of a table are not zeros.
fn told(table: u8) -> Result<u32, Error> {
    let mut count = 0;
    for number in 0..DESCRIPTORS {
        let mut descriptor = [0; 16];
        CARD.read_table(table, 16 * number, &mut descriptor)?;
        count += u32::from(descriptor != [0; 16]);
    }
    Ok(count)
}
