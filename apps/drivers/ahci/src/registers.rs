//! The controller's registers and tables as the model has them (section 3), and what is in them.

/// What the controller can.
pub const CAP: u32 = 0x00;
/// Global host control.
pub const GHC: u32 = 0x04;
/// Which ports interrupt.
pub const IS: u32 = 0x08;
/// Which ports there are.
pub const PI: u32 = 0x0c;

/// `GHC`: its registers are those of AHCI.
pub const AE: u32 = 1 << 31;
/// `GHC`: it interrupts.
pub const IE: u32 = 1 << 1;

/// How many ports the model reaches.
pub const PORTS: u32 = 6;
/// What registers say that are not there.
pub const SILENCE: u32 = u32::MAX;

/// A register of a port's.
pub const fn of(port: u32, register: u32) -> u32 {
    0x100 + port * 0x80 + register
}

/// Why the port interrupts.
pub const PX_IS: u32 = 0x10;
/// For what the port interrupts.
pub const PX_IE: u32 = 0x14;
/// What the port does.
pub const PX_CMD: u32 = 0x18;
/// The disk's status.
pub const PX_TFD: u32 = 0x20;
/// What kind of device it is.
pub const PX_SIG: u32 = 0x24;
/// Whether something is at the port.
pub const PX_SSTS: u32 = 0x28;
/// What is done with the link.
pub const PX_SCTL: u32 = 0x2c;
/// What went wrong on the link.
pub const PX_SERR: u32 = 0x30;
/// Which commands are under way.
pub const PX_CI: u32 = 0x38;

/// `PX_CMD`: it carries out commands.
pub const ST: u32 = 1 << 0;
/// `PX_CMD`: it carries out commands still.
pub const CR: u32 = 1 << 15;
/// `PX_CMD`: spun up and powered (SUD, POD), what comes from the disk is received (FRE), and the link is active (ICC).
pub const READY: u32 = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 28;

/// `PX_IS`: the disk is done, with or without data (DHRS, PSS, DSS).
pub const DONE: u32 = 1 << 0 | 1 << 1 | 1 << 2;
/// `PX_IS`: something came or went (PCS, PRCS).
pub const CHANGED: u32 = 1 << 6 | 1 << 22;
/// `PX_IS`: the command failed (OFS, IFS, HBDS, HBFS, TFES).
pub const FAILED: u32 = 1 << 24 | 1 << 27 | 1 << 28 | 1 << 29 | 1 << 30;

/// `PX_TFD`: the command failed (ERR, DF).
pub const ERROR: u32 = 1 << 0 | 1 << 5;
/// `PX_TFD`: the disk is at work, or wants data (DRQ, BSY).
pub const BUSY: u32 = 1 << 3 | 1 << 7;

/// `PX_SIG` of a disk.
pub const DISK: u32 = 0x0000_0101;

/// `PX_SSTS` and `PX_SCTL`: detection.
pub const DET: u32 = 0xf;
/// `PX_SSTS`, of `DET`: something is there, and the link is up.
pub const ESTABLISHED: u32 = 3;
/// `PX_SCTL`, of `DET`: the link begins anew.
pub const COMRESET: u32 = 1;

/// The model's table of command headers, of which the first is used.
pub const LIST: u8 = 0;
/// The table of a command that moves the disk's data.
pub const MOVES: u8 = 2;
/// The table of a command that changes no disk.
pub const ASKS: u8 = 3;
