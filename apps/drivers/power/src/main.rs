//! Powers the machine off, resets it, or ends the emulator, when a client of its service asks for it.
//!
//! It writes only what the firmware's tables confirm: a granted port that is not the firmware's is named and left alone.
#![no_std]
#![no_main]

use munal::FOREVER;
use munal::power::Request;
use munal::text::Line;
use munal::time::SECOND;
use power::aml::find_s5;
use power::fadt::{self, Fadt};

munal::bindings!();
munal::main!(run);

const PM1A: port::pm1a = port::pm1a;
const RESET: port::reset = port::reset;
const DEBUG_EXIT: port::debug_exit = port::debug_exit;
const TABLES: acpi::tables = acpi::tables;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;
const CLIENTS: service_server::power = service_server::power;

/// The only register of each of these ports.
const REGISTER: u16 = 0;

/// What is known of the machine.
struct Firmware {
    fadt: Fadt,
    s5: Option<u8>,
}

type Reason = Line<256>;

macro_rules! reason {
    ($($text:tt)*) => { Reason::of(format_args!($($text)*)) };
}

fn run() -> Result<(), Error> {
    let firmware = read_firmware();
    tell_findings(&firmware);
    let mut request = [0; 8];
    loop {
        let length = CLIENTS.receive(&mut request, FOREVER)? as usize;
        let why_not = act(request.get(..length).and_then(Request::decode), &firmware);
        munal::log!(LOG, "a request was not done: {}", why_not.as_str());
        match CLIENTS.reply(why_not.as_bytes()) {
            Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
            Err(why) => return Err(why),
        }
    }
}

fn read_firmware() -> Firmware {
    let mut table = [0; fadt::LENGTH];
    let length = TABLES.read(signature(b"FACP"), 0, &mut table).unwrap_or(0) as usize;
    let s5 = [b"DSDT", b"SSDT"]
        .into_iter()
        .find_map(|name| find_s5(|offset, buffer| TABLES.read(signature(name), offset, buffer).unwrap_or(0) as usize));
    Firmware { fadt: Fadt::parse(&table[..length.min(fadt::LENGTH)]), s5 }
}

/// A table's signature as the interface takes it.
fn signature(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

/// Logs at the start what will not work later, so that it is known before it is needed.
fn tell_findings(firmware: &Firmware) {
    match sleep_type(firmware) {
        Ok(kind) => munal::log!(LOG, "power-off by PM1a_CNT at port {:#x}, SLP_TYPa {kind}", PM1A.base()),
        Err(why) => munal::log!(LOG, "no power-off: {}", why.as_str()),
    }
    match reset_value(firmware) {
        Ok(value) => munal::log!(LOG, "reset by {value:#x} to port {:#x}", RESET.base()),
        Err(why) => munal::log!(LOG, "no reset: {}", why.as_str()),
    }
}

/// Does what was asked; answers why it is not done, for nobody is left to answer to where it is.
fn act(request: Option<Request>, firmware: &Firmware) -> Reason {
    match request {
        Some(Request::Off) => power_off(firmware).err().unwrap_or_else(|| still_on("PM1a_CNT")),
        Some(Request::Reset) => reset(firmware).err().unwrap_or_else(|| still_on("RESET_REG")),
        Some(Request::Exit(code)) => exit(code).err().unwrap_or_else(|| still_on("isa-debug-exit")),
        None => reason!("no such request"),
    }
}

fn power_off(firmware: &Firmware) -> Result<(), Reason> {
    let kind = sleep_type(firmware)?;
    PM1A.write16(REGISTER, Fadt::sleep_control(PM1A.read16(REGISTER), kind));
    Ok(())
}

fn reset(firmware: &Firmware) -> Result<(), Reason> {
    RESET.write8(REGISTER, reset_value(firmware)?);
    Ok(())
}

/// Ends QEMU with the status 2 x code + 1.
fn exit(code: u8) -> Result<(), Reason> {
    if DEBUG_EXIT.granted() == 0 {
        return Err(reason!("this profile does not grant a debug exit"));
    }
    DEBUG_EXIT.write8(REGISTER, code);
    Ok(())
}

/// What to write to SLP_TYP for power-off, if the granted port is the one that the firmware names.
fn sleep_type(firmware: &Firmware) -> Result<u8, Reason> {
    let granted = PM1A.base();
    match firmware.fadt.pm1a {
        None => Err(reason!("the firmware names no port for PM1a_CNT")),
        Some(port) if u32::from(port) != granted => {
            Err(reason!("the firmware's PM1a_CNT is port {port:#x}, but {granted:#x} is granted as `pm1a`"))
        }
        Some(_) if firmware.fadt.pm1b.is_some() => Err(reason!("this machine also needs PM1b_CNT, which is not granted")),
        Some(_) => firmware.s5.ok_or_else(|| reason!("the firmware's tables do not define \\_S5")),
    }
}

/// What to write for a reset, if the granted port is the one that the firmware names.
fn reset_value(firmware: &Firmware) -> Result<u8, Reason> {
    let granted = RESET.base();
    match firmware.fadt.reset {
        None => Err(reason!("the firmware names no port for RESET_REG")),
        Some(reset) if u32::from(reset.port) != granted => {
            Err(reason!("the firmware's RESET_REG is port {:#x}, but {granted:#x} is granted as `reset`", reset.port))
        }
        Some(reset) => Ok(reset.value),
    }
}

/// Gives the hardware a second, and says that it did nothing.
fn still_on(register: &str) -> Reason {
    CLOCK.sleep(CLOCK.now() + SECOND);
    let mode = if PM1A.read16(REGISTER) & fadt::SCI_EN == 0 { "; the firmware did not enter ACPI mode" } else { "" };
    reason!("the machine still runs a second after {register} was written{mode}")
}
