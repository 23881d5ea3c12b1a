//! QEMU's educational device: has it work out a factorial for each request, and sleeps until it interrupts.
#![no_std]
#![no_main]

use munal::FOREVER;
use munal::patience::{LOOK, Patience};

munal::bindings!();
munal::main!(run);

const CARD: device::card = device::card;
const CLIENTS: service_server::factorial = service_server::factorial;
const LOG: log::log = log::log;

/// The model's one region, and its registers.
const REGISTERS: u8 = 0;
const IDENTIFICATION: u32 = 0x00;
const LIVENESS: u32 = 0x04;
const FACTORIAL: u32 = 0x08;
const STATUS: u32 = 0x20;
const CAUSE: u32 = 0x24;
const ACKNOWLEDGE: u32 = 0x64;

/// The low half of the identification; its high half is the version.
const EDU: u16 = 0x00ed;
/// Bits of the status: it is at work; it is to interrupt when it is done.
const COMPUTING: u32 = 0x01;
const INTERRUPT: u32 = 0x80;

/// The greatest number whose factorial has 32 bits.
const MOST: u32 = 12;
fn run() -> Result<(), Error> {
    if CARD.present() == 0 {
        munal::log!(LOG, "this machine has no such device");
        return Ok(());
    }
    let identification = CARD.read32(REGISTERS, IDENTIFICATION);
    if identification as u16 != EDU || !is_alive() {
        munal::log!(LOG, "what answers is no educational device: it calls itself {identification:#010x}");
        return Ok(());
    }
    CARD.write32(REGISTERS, STATUS, INTERRUPT);
    munal::log!(LOG, "version {}.{}", identification >> 24, identification >> 16 & 0xff);
    serve()
}

/// The register for that gives back each bit inverted.
fn is_alive() -> bool {
    const PATTERN: u32 = 0x1234_5678;
    CARD.write32(REGISTERS, LIVENESS, PATTERN);
    CARD.read32(REGISTERS, LIVENESS) == !PATTERN
}

fn serve() -> Result<(), Error> {
    loop {
        let mut request = [0; 4];
        let length = CLIENTS.receive(&mut request, FOREVER)?;
        let n = u32::from_le_bytes(request);
        let answered = if length == 4 && n <= MOST {
            let Some(factorial) = factorial(n) else {
                munal::log!(LOG, "the device comes to no end with {n}!: it is left alone");
                return Ok(());
            };
            CLIENTS.reply(&factorial.to_le_bytes())
        } else {
            CLIENTS.reply(&[])
        };
        match answered {
            Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
            Err(why) => return Err(why),
        }
    }
}

/// None where the device is at work for too long.
fn factorial(n: u32) -> Option<u32> {
    CARD.write32(REGISTERS, FACTORIAL, n);
    let mut patience = Patience::new();
    loop {
        let woken = CARD.wait(LOOK).is_ok();
        let cause = CARD.read32(REGISTERS, CAUSE);
        CARD.write32(REGISTERS, ACKNOWLEDGE, cause);
        CARD.acknowledge();
        // What counts is the status: an interrupt for a life before may come as late as now, and one for this may be lost.
        if CARD.read32(REGISTERS, STATUS) & COMPUTING == 0 {
            return Some(CARD.read32(REGISTERS, FACTORIAL));
        }
        if patience.is_over(woken) {
            return None;
        }
    }
}
