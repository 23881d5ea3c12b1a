//! A port with a disk: found, started, and given one command after the other (sections 10.1.2 and 5.5).

use crate::command::{Command, MOVED, PIECE, PIECES, PIECES_AT, piece};
use crate::identity::{Identity, LENGTH};
use crate::registers::{
    AE, BUSY, CAP, CHANGED, DET, DISK, DONE, ERROR, ESTABLISHED, FAILED, GHC, IE, IS, LIST, PI, PORTS, PX_CI, PX_CMD, PX_IE, PX_IS, PX_SERR, PX_SIG,
    PX_SSTS, PX_TFD, READY, SILENCE, ST, of,
};
use crate::{Fault, Hba};

/// How often what has no interrupt is looked at, in nanoseconds.
pub(crate) const STEP: i64 = 10_000_000;
/// How many such looks a link takes to come up, all ports together.
pub(crate) const LINK: u32 = 100;
/// How many a disk takes that spins up.
const SPIN_UP: u32 = 3000;
/// How often a command is looked at, in nanoseconds, where no interrupt comes; and how often before the disk is given up.
const LOOK: i64 = 1_000_000_000;
const PATIENCE: u32 = 30;

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of its data was moved.
    Done,
    /// The disk could not; the next command may go well.
    Failed,
}

/// A port at work.
pub struct Port<'a, H> {
    pub(crate) hba: &'a H,
    /// Its number.
    pub number: u32,
}

/// Finds the first port with a disk of a controller that was reset, and starts it. What is at other ports is left alone.
///
/// Errors: there is none, or what is at a port before it does not say what it is: a disk behind that may not be the one that is meant.
pub fn first<H: Hba>(hba: &H) -> Result<Port<'_, H>, Fault> {
    hba.write(GHC, AE);
    if hba.read(CAP) == SILENCE {
        return Err(Fault::Gone);
    }
    let there = hba.read(PI) & ((1 << PORTS) - 1);
    let ports = || (0..PORTS).filter(|number| there >> number & 1 != 0).map(|number| Port { hba, number });
    ports().for_each(|port| port.wake());
    let mut looks = LINK;
    for port in ports() {
        while !port.is_linked() && looks > 0 {
            hba.sleep(STEP);
            looks -= 1;
        }
        if port.is_linked() && port.has_disk()? {
            port.start();
            return Ok(port);
        }
    }
    Err(Fault::NoDisk(there.count_ones()))
}

impl<H: Hba> Port<'_, H> {
    pub(crate) fn read(&self, register: u32) -> u32 {
        self.hba.read(of(self.number, register))
    }

    pub(crate) fn write(&self, register: u32, value: u32) {
        self.hba.write(of(self.number, register), value);
    }

    /// Has the link come up and what the disk says be received. It does not say anything before errors of the link are taken away.
    fn wake(&self) {
        self.write(PX_IE, 0);
        self.write(PX_SERR, u32::MAX);
        self.write(PX_CMD, READY);
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.read(PX_SSTS) & DET == ESTABLISHED
    }

    fn has_disk(&self) -> Result<bool, Fault> {
        self.becomes_ready()?;
        Ok(self.read(PX_SIG) == DISK)
    }

    /// Waits until what is at the port takes commands. Errors: it never does.
    pub(crate) fn becomes_ready(&self) -> Result<(), Fault> {
        for _ in 0..SPIN_UP {
            self.write(PX_SERR, u32::MAX); // what says that something came keeps its first words back
            if self.read(PX_TFD) & BUSY == 0 {
                return Ok(());
            }
            self.hba.sleep(STEP);
        }
        Err(Fault::Silent(self.number))
    }

    fn start(&self) {
        self.write(PX_IS, u32::MAX);
        self.write(PX_CMD, READY | ST);
        self.write(PX_IE, DONE | CHANGED | FAILED);
        self.hba.write(IS, u32::MAX);
        self.hba.write(GHC, AE | IE);
    }

    /// What disk it is; `buffer` is at the driver's address `address`, in one page, and its first bytes become the answer.
    pub fn identity(&self, address: u64, buffer: impl FnOnce() -> [u8; LENGTH]) -> Result<Identity, Fault> {
        match self.carry_out(Command::Identify, [(address, LENGTH as u32)].into_iter())? {
            Outcome::Done => Identity::of(&buffer()).map_err(|why| Fault::Unfit(self.number, why)),
            Outcome::Failed => Err(Fault::Nameless(self.number)),
        }
    }

    /// Has the disk do it, and waits until it did. `data` are the pieces of memory that its data is for, `PIECES` at most: the driver's
    /// address of each and its length, none over the end of a page.
    pub fn carry_out(&self, command: Command, data: impl Iterator<Item = (u64, u32)>) -> Result<Outcome, Fault> {
        self.put(command, data)?;
        self.write(PX_CI, 1);
        for _ in 0..PATIENCE {
            self.hba.sleep(LOOK);
            if let Some(outcome) = self.look(command)? {
                return if outcome == Outcome::Failed { self.recover().map(|()| outcome) } else { Ok(outcome) };
            }
        }
        Err(Fault::Silent(self.number))
    }

    /// Writes a command to the model's tables.
    fn put(&self, command: Command, data: impl Iterator<Item = (u64, u32)>) -> Result<(), Fault> {
        let (mut pieces, mut count) = ([0; PIECES * PIECE], 0);
        for (place, (address, length)) in pieces.chunks_exact_mut(PIECE).zip(data) {
            place.copy_from_slice(&piece(address, length));
            count += 1;
        }
        let table = command.table();
        let put = self.hba.write_table(table, 0, &command.fis())
            && (count == 0 || self.hba.write_table(table, PIECES_AT, &pieces[..count * PIECE]))
            && self.hba.write_table(LIST, 0, &command.header(count as u16));
        put.then_some(()).ok_or(Fault::Refused)
    }

    /// How the command went, once it did; takes the interrupt's cause away.
    fn look(&self, command: Command) -> Result<Option<Outcome>, Fault> {
        let under_way = self.read(PX_CI) & 1 != 0; // first: what ends after this look has one of its own
        let (cause, status) = (self.read(PX_IS), self.read(PX_TFD));
        if (cause, status) == (SILENCE, SILENCE) {
            return Err(Fault::Gone);
        }
        self.write(PX_IS, cause);
        self.hba.write(IS, 1 << self.number);
        self.hba.acknowledge();
        match () {
            () if cause & FAILED != 0 => Ok(Some(Outcome::Failed)),
            () if !under_way && status & BUSY == 0 => {
                let well = status & ERROR == 0 && self.moved()? == command.bytes();
                Ok(Some(if well { Outcome::Done } else { Outcome::Failed }))
            }
            () if !self.is_linked() => Err(Fault::Unplugged(self.number)),
            () => Ok(None),
        }
    }

    /// How many bytes the controller says that it moved.
    fn moved(&self) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        let read = self.hba.read_table(LIST, MOVED, &mut bytes);
        read.then_some(u32::from_le_bytes(bytes)).ok_or(Fault::Refused)
    }
}
