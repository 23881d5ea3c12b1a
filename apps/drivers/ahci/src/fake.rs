//! A controller for tests: what is at its ports does what it is told beforehand, at once or after so much sleep.

extern crate alloc;

use crate::Hba;
use crate::command::{MOVED, PIECES_AT};
use crate::registers::{BUSY, CR, DET, DISK, ESTABLISHED, LIST, PI, PX_CI, PX_CMD, PX_IS, PX_SCTL, PX_SIG, PX_SSTS, PX_TFD, SILENCE, ST, of};
use alloc::{collections::VecDeque, vec::Vec};
use core::cell::{Cell, RefCell};

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is done, and all of its data moved.
    Done,
    /// It is done, and so many bytes fewer were moved.
    Short(u32),
    /// It fails, and the disk takes the next one.
    Fails,
    /// It fails, and the disk wants something until its link begins anew.
    FailsBusy,
    /// It ends with an error that no interrupt tells.
    EndsWrong,
    /// Nothing more comes of it.
    Silence,
    /// The disk is taken away.
    Unplugged,
    /// The controller is.
    Gone,
}

/// What is at a port.
#[derive(Clone, Copy)]
pub struct At {
    pub signature: u32,
    /// Nanoseconds of sleep before the link is up, and after that before it takes commands.
    pub link: i64,
    pub ready: i64,
}

/// A disk that is there at once.
pub const THERE: At = At { signature: DISK, link: 0, ready: 0 };

pub struct Fake {
    at: [Option<At>; 6],
    registers: RefCell<[u32; 0x400 / 4]>,
    /// The model's tables, from their beginnings.
    pub tables: RefCell<[Vec<u8>; 4]>,
    /// What becomes of the commands to come; those after them are done.
    pub script: RefCell<VecDeque<Then>>,
    /// Nanoseconds slept.
    pub slept: Cell<i64>,
    /// How often a link began anew.
    pub begun: Cell<u32>,
    /// A port never stops.
    pub runs_on: Cell<bool>,
    interrupted: Cell<bool>,
    silent: Cell<bool>,
    gone: Cell<bool>,
    refuses: Cell<bool>,
}

impl Fake {
    pub fn new(at: &[(usize, At)]) -> Self {
        let mut registers = [0; 0x400 / 4];
        registers[PI as usize / 4] = 0x3f;
        let mut ports = [None; 6];
        at.iter().for_each(|&(number, at)| ports[number] = Some(at));
        let table = |bytes| alloc::vec![0; bytes];
        Self {
            at: ports, registers: registers.into(), tables: [table(1024), table(256), table(1152), table(1152)].into(), script: VecDeque::new().into(),
            slept: 0.into(), begun: 0.into(), runs_on: false.into(), interrupted: false.into(), silent: false.into(), gone: false.into(), refuses: false.into(),
        }
    }

    pub fn scripted(at: &[(usize, At)], script: &[Then]) -> Self {
        Self { script: script.iter().copied().collect::<VecDeque<_>>().into(), ..Self::new(at) }
    }

    /// The kernel takes no command any more.
    pub fn refuse(&self) {
        self.refuses.set(true);
    }

    /// No interrupt comes any more.
    pub fn lose_interrupts(&self) {
        self.silent.set(true);
    }

    pub fn set(&self, register: u32, value: u32) {
        self.registers.borrow_mut()[register as usize / 4] = value;
    }

    pub fn get(&self, register: u32) -> u32 {
        self.registers.borrow()[register as usize / 4]
    }

    fn issue(&self, port: u32) {
        let then = self.script.borrow_mut().pop_front().unwrap_or(Then::Done);
        let expected = self.expected();
        let (status, cause, under_way, moved) = match then {
            Then::Done => (0x50, 1, 0, expected),
            Then::Short(bytes) => (0x50, 1, 0, expected - bytes),
            Then::Fails => (0x41, 1 << 30, 1, 0),
            Then::FailsBusy => (0xc9, 1 << 30, 1, 0),
            Then::EndsWrong => (0x70, 1, 0, expected),
            Then::Silence => (0xd0, 0, 1, 0),
            Then::Unplugged => {
                self.set(of(port, PX_SSTS), 0);
                (0xd0, 1 << 22, 1, 0)
            }
            Then::Gone => {
                self.gone.set(true);
                (0, 0, 0, 0)
            }
        };
        self.set(of(port, PX_TFD), status);
        self.set(of(port, PX_IS), cause);
        self.set(of(port, PX_CI), under_way);
        self.interrupted.set(cause != 0 && !self.silent.get());
        self.tables.borrow_mut()[usize::from(LIST)][MOVED as usize..][..4].copy_from_slice(&u32::to_le_bytes(moved));
    }

    /// How many bytes the pieces have of the command that the first header leads to.
    fn expected(&self) -> u32 {
        let tables = self.tables.borrow();
        let header = &tables[usize::from(LIST)];
        let (pieces, table) = (u16::from_le_bytes([header[2], header[3]]), usize::from(header[12]) - 1);
        let length = |number: u16| &tables[table][PIECES_AT as usize + 16 * usize::from(number) + 12..][..4];
        (0..pieces).map(|number| 1 + length(number).iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte))).sum()
    }

    /// What time brings: links that come up, disks that take commands.
    fn pass(&self) {
        for (port, at) in (0..).zip(self.at) {
            let Some(at) = at.filter(|at| self.slept.get() >= at.link && self.get(of(port, PX_CMD)) != 0) else { continue };
            if self.get(of(port, PX_SIG)) == 0 {
                self.set(of(port, PX_SSTS), 0x120 | ESTABLISHED);
                self.set(of(port, PX_TFD), BUSY);
                self.set(of(port, PX_SIG), u32::MAX);
            }
            if self.get(of(port, PX_SIG)) == u32::MAX && self.slept.get() >= at.link + at.ready {
                self.set(of(port, PX_TFD), 0x50);
                self.set(of(port, PX_SIG), at.signature);
            }
        }
    }
}

impl Hba for Fake {
    fn read(&self, register: u32) -> u32 {
        self.pass();
        if self.gone.get() { SILENCE } else { self.get(register) }
    }

    fn write(&self, register: u32, value: u32) {
        let Some(port) = register.checked_sub(0x100).map(|offset| offset / 0x80) else { return self.set(register, value) };
        match register - of(port, 0) {
            PX_CI => {
                assert_eq!(self.get(of(port, PX_CMD)) & ST, ST, "a port that does not run was given a command");
                self.issue(port);
            }
            PX_IS => self.set(register, self.get(register) & !value),
            PX_CMD if value & ST != 0 => {
                assert_eq!(self.get(of(port, PX_TFD)) & BUSY, 0, "section 10.3.1: a port is started whose disk takes commands");
                self.set(register, value | CR);
            }
            PX_CMD if self.runs_on.get() => self.set(register, value | CR),
            PX_SCTL => {
                if self.get(register) & DET == 1 && value & DET == 0 {
                    self.begun.set(self.begun.get() + 1);
                    self.set(of(port, PX_TFD), 0x50);
                }
                self.set(register, value);
            }
            _ => self.set(register, value),
        }
    }

    fn write_table(&self, table: u8, offset: u32, bytes: &[u8]) -> bool {
        self.tables.borrow_mut()[usize::from(table)][offset as usize..][..bytes.len()].copy_from_slice(bytes);
        !self.refuses.get()
    }

    fn read_table(&self, table: u8, offset: u32, buffer: &mut [u8]) -> bool {
        buffer.copy_from_slice(&self.tables.borrow()[usize::from(table)][offset as usize..][..buffer.len()]);
        true
    }

    fn sleep(&self, nanoseconds: i64) {
        if !self.interrupted.replace(false) {
            self.slept.set(self.slept.get() + nanoseconds);
        }
    }

    fn acknowledge(&self) {}
}
