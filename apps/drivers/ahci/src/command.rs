//! What a disk is asked for (ATA8-ACS), as the controller takes it: a header, and a table with the command and where its data is
//! (section 4.2).

use crate::registers::{ASKS, MOVES};

/// Bytes of a sector.
pub const SECTOR: u32 = 512;
/// The most pieces that a command's data comes in.
pub const PIECES: usize = 64;
/// Bytes that describe one.
pub const PIECE: usize = 16;
/// Where in the table of a command they are.
pub const PIECES_AT: u32 = 0x80;
/// Where in its header the controller says how many bytes it moved.
pub const MOVED: u32 = 4;

/// Bytes of a register FIS from the host (Serial ATA 3.0, section 10.3.4), which are five double words.
const FIS: usize = 20;
const FIS_WORDS: u8 = 5;
const HOST_TO_DISK: u8 = 0x27;
/// It is a command, and not a change of the control register.
const COMMAND: u8 = 1 << 7;
/// The sector's number is one of LBA.
const LBA: u8 = 1 << 6;
/// Of the header: data goes to the disk.
const WRITE: u8 = 1 << 6;

/// A command. `count` is from 1 to 65,535 sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// What it is (IDENTIFY DEVICE, 0xec).
    Identify,
    /// Sectors to memory (READ DMA EXT, 0x25).
    Read {
        /// The first.
        sector: u64,
        /// How many.
        count: u16,
    },
    /// Sectors from memory (WRITE DMA EXT, 0x35).
    Write {
        /// The first.
        sector: u64,
        /// How many.
        count: u16,
    },
    /// That what was written so far stays (FLUSH CACHE EXT, 0xea).
    Flush,
}

impl Command {
    /// Which of the model's tables is for it.
    pub const fn table(self) -> u8 {
        match self {
            Command::Read { .. } | Command::Write { .. } => MOVES,
            Command::Identify | Command::Flush => ASKS,
        }
    }

    /// How many bytes it moves.
    pub const fn bytes(self) -> u32 {
        match self {
            Command::Identify => SECTOR,
            Command::Read { count, .. } | Command::Write { count, .. } => count as u32 * SECTOR,
            Command::Flush => 0,
        }
    }

    /// The FIS that its table begins with.
    pub fn fis(self) -> [u8; FIS] {
        let (code, sector, count) = match self {
            Command::Identify => (0xec, 0, 0),
            Command::Read { sector, count } => (0x25, sector, count),
            Command::Write { sector, count } => (0x35, sector, count),
            Command::Flush => (0xea, 0, 0),
        };
        let ([a, b, c, d, e, f, ..], [low, high]) = (u64::to_le_bytes(sector), u16::to_le_bytes(count));
        [HOST_TO_DISK, COMMAND, code, 0, a, b, c, LBA, d, e, f, 0, low, high, 0, 0, 0, 0, 0, 0]
    }

    /// Its header, for data in so many pieces: nothing was moved yet.
    pub fn header(self, pieces: u16) -> [u8; 16] {
        let direction = if matches!(self, Command::Write { .. }) { WRITE } else { 0 };
        let mut header = [0; 16];
        header[0] = FIS_WORDS | direction;
        header[2..4].copy_from_slice(&pieces.to_le_bytes());
        header[8..].copy_from_slice(&((u64::from(self.table()) + 1) << 32).to_le_bytes());
        header
    }
}

/// A piece of memory that data is for, of 2 bytes to 4 MiB, as its table has it: the length is one less there (section 4.2.3.3).
pub fn piece(address: u64, length: u32) -> [u8; PIECE] {
    let mut bytes = [0; PIECE];
    bytes[..8].copy_from_slice(&address.to_le_bytes());
    bytes[12..].copy_from_slice(&(length - 1).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_disks_read_them() {
        let read = Command::Read { sector: 0x0605_0403_0201, count: 0x0807 };
        assert_eq!(read.fis(), [0x27, 0x80, 0x25, 0, 1, 2, 3, 0x40, 4, 5, 6, 0, 7, 8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Command::Write { sector: 1, count: 2 }.fis()[2..14], [0x35, 0, 1, 0, 0, 0x40, 0, 0, 0, 0, 2, 0]);
        assert_eq!((Command::Identify.fis()[2], Command::Flush.fis()[2]), (0xec, 0xea));
    }

    #[test]
    fn headers_as_the_controller_reads_them() {
        assert_eq!(Command::Read { sector: 0, count: 1 }.header(0x102), [5, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(Command::Write { sector: 0, count: 1 }.header(1), [0x45, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(Command::Flush.header(0), [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]);
    }

    #[test]
    fn a_length_is_one_less() {
        assert_eq!(piece(0x0102_0304_0506, 4096), [6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0xff, 0x0f, 0, 0]);
    }

    #[test]
    fn what_is_moved_is_known_before() {
        let count = u16::MAX;
        assert_eq!([Command::Identify.bytes(), Command::Flush.bytes(), Command::Read { sector: 0, count }.bytes()], [512, 0, 65_535 * 512]);
    }
}
