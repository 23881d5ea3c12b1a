//! A virtio disk: does what its clients ask for, one request after the other. Data goes straight between the device and the memory
//! that requests come to and replies leave from.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::FOREVER;
use munal::block::{Info, Message, Pieces, Request, SECTOR, Status};
use munal::patience::{LOOK, Patience};
use virtio::{Fault, Memory, OWN, PAGE, Part, Queue, Waking};

munal::bindings!();
munal::main!(run);
virtio::card!(device::card);

const CARD: device::card = device::card;
const CLIENTS: service_server::disk = service_server::disk;
const LOG: log::log = log::log;

/// The device's one queue, and how many descriptors of it are used: one a page, and two around them.
const REQUESTS: u16 = 0;
const DESCRIPTORS: u16 = 128;
/// Pages of data of one request at most.
const DATA_PAGES: usize = 64;

/// `VIRTIO_BLK_F_RO` and `VIRTIO_BLK_F_FLUSH` (section 5.2.3).
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;

/// What the device is asked for, and how it says that it was done (section 5.2.6).
const IN: u32 = 0;
const OUT: u32 = 1;
const SYNC: u32 = 4;
const OK: u8 = 0;

/// Where in its page the device's own header is, and the byte that it answers with.
const DEVICE_HEADER: usize = 16;
const UNANSWERED: u8 = 0xff;

fn run() -> Result<(), Error> {
    let (mut disk, info) = match Disk::start() {
        Ok(started) => started,
        Err(fault) => {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
    };
    munal::log!(LOG, "a disk of {} MiB{}", info.sectors / 2048, if info.read_only { ", to read" } else { "" });
    let mut message = Message::new(DATA_PAGES);
    loop {
        let length = CLIENTS.receive(message.request(), FOREVER)? as usize;
        let reply = match message.answer(length, &info, |request, data| disk.carry_out(request, data)) {
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

struct Disk {
    queue: Queue,
    waking: Waking,
    flushes: bool,
    /// The device's header and answer.
    own: Memory,
}

impl Disk {
    fn start() -> Result<(Self, Info), Fault> {
        let features = virtio::begin(&CARD, 0, READ_ONLY | FLUSH)?;
        let sectors = u64::from(CARD.read32(OWN, 0)) | u64::from(CARD.read32(OWN, 4)) << 32;
        let queue = Queue::new(&CARD, REQUESTS, DESCRIPTORS)?;
        virtio::go(&CARD);
        let pages = DATA_PAGES.min(usize::from(queue.size()).saturating_sub(2));
        let info = Info { sectors, most: (pages * PAGE / SECTOR) as u32, read_only: features & READ_ONLY != 0 };
        Ok((Self { queue, waking: Waking::of(&CARD), flushes: features & FLUSH != 0, own: Memory::new(1) }, info))
    }

    /// Has the device do it, and waits until it did.
    fn carry_out(&mut self, request: Request, data: Pieces<'_>) -> Result<Status, Fault> {
        let (what, sector) = match request {
            Request::Read { sector, .. } => (IN, sector),
            Request::Write { sector, .. } => (OUT, sector),
            Request::Flush if self.flushes => (SYNC, 0),
            Request::Flush | Request::Info => return Ok(Status::Done), // a device without it keeps nothing back (section 5.2.6.2)
        };
        let own = self.own.page(0);
        own[..4].copy_from_slice(&what.to_le_bytes());
        own[4..8].fill(0);
        own[8..DEVICE_HEADER].copy_from_slice(&sector.to_le_bytes());
        own[DEVICE_HEADER] = UNANSWERED;
        let address = self.own.address(0);
        let mut parts = Vec::with_capacity(2 + DATA_PAGES);
        parts.push(Part { address, length: DEVICE_HEADER as u32, written: false });
        parts.extend(data.map(|(address, length)| Part { address, length, written: what == IN }));
        parts.push(Part { address: address + DEVICE_HEADER as u64, length: 1, written: true });
        self.queue.give(&CARD, &parts)?.ok_or(Fault::Refused)?;
        self.queue.ring(&CARD);
        let room: u32 = parts.iter().filter(|part| part.written).map(|part| part.length).sum();
        let written = self.wait()?;
        let is_done = self.own.page(0)[DEVICE_HEADER] == OK && (what != IN || written == room);
        Ok(if is_done { Status::Done } else { Status::Failed })
    }

    /// Waits until the device is done with the request that it has; tells how many bytes it wrote.
    fn wait(&mut self) -> Result<u32, Fault> {
        let mut patience = Patience::new();
        loop {
            let woken = CARD.wait(LOOK).is_ok();
            self.waking.hush(&CARD);
            CARD.acknowledge();
            if let Some((_, written)) = self.queue.take()? {
                return Ok(written);
            }
            self.waking.for_nothing(&CARD)?;
            if patience.is_over(woken) {
                return Err(Fault::Silent); // what it was given is its own until it is reset
            }
        }
    }
}
