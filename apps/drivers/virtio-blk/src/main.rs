//! A virtio disk: does what its clients ask for, one request after the other. Data goes straight between the device and the memory
//! that requests come to and replies leave from.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use munal::FOREVER;
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};
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

/// How often the queue is looked at, in nanoseconds, where no interrupt comes; and how often before the device is given up.
const LOOK: i64 = 1_000_000_000;
const PATIENCE: u32 = 30;

/// Where in its page the device's own header is, and the byte that it answers with.
const DEVICE_HEADER: usize = 16;
const UNANSWERED: u8 = 0xff;

fn run() -> Result<(), Error> {
    let mut disk = match Disk::start() {
        Ok(disk) => disk,
        Err(fault) => {
            munal::log!(LOG, "{fault}");
            return Ok(());
        }
    };
    munal::log!(LOG, "a disk of {} MiB{}", disk.info.sectors / 2048, if disk.info.read_only { ", to read" } else { "" });
    loop {
        let length = CLIENTS.receive(disk.request(), FOREVER)? as usize;
        let reply = match disk.answer(length) {
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
    info: Info,
    flushes: bool,
    /// The device's header and answer.
    own: Memory,
    /// A page at whose end a request's header is, or a reply's, and the data behind it.
    data: Memory,
}

impl Disk {
    fn start() -> Result<Self, Fault> {
        let features = virtio::begin(&CARD, 0, READ_ONLY | FLUSH)?;
        let sectors = u64::from(CARD.read32(OWN, 0)) | u64::from(CARD.read32(OWN, 4)) << 32;
        let queue = Queue::new(&CARD, REQUESTS, DESCRIPTORS)?;
        virtio::go(&CARD);
        let pages = DATA_PAGES.min(usize::from(queue.size()).saturating_sub(2));
        let info = Info { sectors, most: (pages * PAGE / SECTOR) as u32, read_only: features & READ_ONLY != 0 };
        Ok(Self { queue, waking: Waking::of(&CARD), info, flushes: features & FLUSH != 0, own: Memory::new(1), data: Memory::new(1 + pages) })
    }

    /// Where the next request comes to.
    fn request(&mut self) -> &mut [u8] {
        &mut self.data.all()[PAGE - HEADER..]
    }

    /// Does what the request of `length` bytes asks for; gives the reply.
    fn answer(&mut self, length: usize) -> Result<&[u8], Fault> {
        let room = self.request().len();
        let request = Request::decode(&self.request()[..length.min(room)]);
        let status = match request {
            Some(request) if length <= room => self.info.judge(request, length - HEADER),
            _ => Status::Malformed,
        };
        let Some(request) = request.filter(|_| status == Status::Done) else { return Ok(self.reply(status, 0)) };
        let (status, length) = match request {
            Request::Info => {
                let info = self.info.encode();
                self.data.page(1)[..info.len()].copy_from_slice(&info);
                (Status::Done, info.len())
            }
            Request::Read { sector, count } => (self.carry_out(IN, sector, count)?, count as usize * SECTOR),
            Request::Write { sector, count } => (self.carry_out(OUT, sector, count)?, 0),
            Request::Flush if self.flushes => (self.carry_out(SYNC, 0, 0)?, 0),
            Request::Flush => (Status::Done, 0), // a device without it keeps nothing back (section 5.2.6.2)
        };
        Ok(self.reply(status, if status == Status::Done { length } else { 0 }))
    }

    fn reply(&mut self, status: Status, length: usize) -> &[u8] {
        self.data.page(0)[PAGE - REPLY..].copy_from_slice(&status.encode());
        &self.data.all()[PAGE - REPLY..PAGE + length]
    }

    /// Has the device do it, and waits until it did.
    fn carry_out(&mut self, what: u32, sector: u64, count: u32) -> Result<Status, Fault> {
        let own = self.own.page(0);
        own[..4].copy_from_slice(&what.to_le_bytes());
        own[4..8].fill(0);
        own[8..DEVICE_HEADER].copy_from_slice(&sector.to_le_bytes());
        own[DEVICE_HEADER] = UNANSWERED;
        let address = self.own.address(0);
        let mut parts = Vec::with_capacity(2 + DATA_PAGES);
        parts.push(Part { address, length: DEVICE_HEADER as u32, written: false });
        let bytes = count as usize * SECTOR;
        parts.extend((0..bytes.div_ceil(PAGE)).map(|page| {
            let length = (bytes - page * PAGE).min(PAGE) as u32;
            Part { address: self.data.address(1 + page), length, written: what == IN }
        }));
        parts.push(Part { address: address + DEVICE_HEADER as u64, length: 1, written: true });
        self.queue.give(&CARD, &parts)?.ok_or(Fault::Refused)?;
        self.queue.ring(&CARD);
        for _ in 0..PATIENCE {
            let _ = CARD.wait(LOOK); // whatever it answers, the queue is looked at: an interrupt may be lost
            self.waking.hush(&CARD);
            CARD.acknowledge();
            if self.queue.take()?.is_some() {
                return Ok(if self.own.page(0)[DEVICE_HEADER] == OK { Status::Done } else { Status::Failed });
            }
            self.waking.for_nothing(&CARD)?;
        }
        Err(Fault::Broken) // what it was given is its own until it is reset
    }
}
