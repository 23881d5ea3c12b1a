//! A SATA disk on an AHCI controller: does what its clients ask for, one request after the other. Data goes straight between the disk
//! and the memory that requests come to and replies leave from.
#![no_std]
#![no_main]

use ahci::{Fault, Hba, command::{Command, PIECES}, identity::{Identity, LENGTH}, port::{self, Outcome, Port}};
use munal::FOREVER;
use munal::block::{Info, Message, Pieces, Request, SECTOR, Status};
use munal::memory::{Memory, PAGE};

munal::bindings!();
munal::main!(run);

const CARD: device::card = device::card;
const CLIENTS: service_server::disk = service_server::disk;
const LOG: log::log = log::log;

/// The model's one region.
const HBA: u8 = 0;
/// Sectors of one request at most.
const MOST: u16 = (PIECES * PAGE / SECTOR) as u16;

fn run() -> Result<(), Error> {
    let (port, identity) = match start() {
        Ok(started) => started,
        Err(fault) => {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
    };
    munal::log!(LOG, "a disk of {} MiB at port {}: {}", identity.sectors / 2048, port.number, identity.model);
    let info = Info { sectors: identity.sectors, most: MOST.into(), read_only: false };
    let mut message = Message::new(PIECES);
    loop {
        let length = CLIENTS.receive(message.request(), FOREVER)? as usize;
        let reply = match message.answer(length, &info, |request, data| carry_out(&port, request, data)) {
            Ok(reply) => reply,
            Err(fault) => {
                munal::log!(LOG, "{fault}");
                let _ = CLIENTS.reply(&Status::Failed.encode());
                return Ok(());
            }
        };
        match CLIENTS.reply(reply) {
            Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
            Err(why) => return Err(why),
        }
    }
}

fn start() -> Result<(Port<'static, Card>, Identity), Fault> {
    if CARD.present() == 0 {
        return Err(Fault::Absent);
    }
    let port = port::first(&Card)?;
    let mut page = Memory::new(1);
    let identity = port.identity(page.address(0), || {
        let mut answer = [0; LENGTH];
        answer.copy_from_slice(&page.page(0)[..LENGTH]);
        answer
    })?;
    Ok((port, identity))
}

fn carry_out(port: &Port<'_, Card>, request: Request, data: Pieces<'_>) -> Result<Status, Fault> {
    let command = match request {
        Request::Read { sector, count } => Command::Read { sector, count: count.min(MOST.into()) as u16 },
        Request::Write { sector, count } => Command::Write { sector, count: count.min(MOST.into()) as u16 },
        Request::Flush => Command::Flush,
        Request::Info => return Ok(Status::Done),
    };
    Ok(match port.carry_out(command, data)? {
        Outcome::Done => Status::Done,
        Outcome::Failed => {
            munal::log!(LOG, "{request:?} failed");
            Status::Failed
        }
    })
}

/// The need, as the library works with it.
struct Card;

impl Hba for Card {
    fn read(&self, register: u32) -> u32 {
        CARD.read32(HBA, register)
    }

    fn write(&self, register: u32, value: u32) {
        CARD.write32(HBA, register, value);
    }

    fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool {
        CARD.write_table(table, offset, bytes).is_ok()
    }

    fn read_table(&self, table: u8, offset: u32, buffer: &mut [u8]) -> bool {
        CARD.read_table(table, offset, buffer).is_ok_and(|count| count as usize == buffer.len())
    }

    fn sleep(&self, nanoseconds: i64) {
        let _ = CARD.wait(nanoseconds); // whatever it answers, the registers are looked at: an interrupt may be lost
    }

    fn acknowledge(&self) {
        CARD.acknowledge();
    }
}
