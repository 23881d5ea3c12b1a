//! A medium on a disk of the protocol `munal-block/1`.

use crate::medium::{self, Blocks};
use core::fmt;
use munal::block::client::{Client, Fault};
use munal::block::{SECTOR, Status};

/// What asks the driver: sends a request and stores the reply; gives the reply's length, or none where no answer came.
pub type Ask = fn(&[u8], &mut [u8]) -> Option<usize>;

/// A disk.
pub struct Disk {
    client: spin::Mutex<Client<Ask>>,
    /// Bytes of it.
    capacity: u64,
    read_only: bool,
}

impl Disk {
    /// The disk that a driver has. Errors: it does not answer, or says that it cannot.
    pub fn open(ask: Ask) -> Result<Self, medium::Fault> {
        let client = Client::new(ask).map_err(|fault| match fault {
            Fault::Told(_) => medium::Fault::Failed,
            Fault::Silent => medium::Fault::Gone,
        })?;
        let info = client.info();
        let capacity = info.sectors.saturating_mul(SECTOR as u64);
        Ok(Self { client: spin::Mutex::new(client), capacity, read_only: info.read_only })
    }

    /// Whether nothing is written to it.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }
}

fn failed(fault: Fault) -> medium::Fault {
    match fault {
        Fault::Told(Status::Failed | Status::ReadOnly) => medium::Fault::Failed,
        _ => medium::Fault::Gone,
    }
}

/// The bytes of a request: from a place on, as many of `left` as go into it. Gives the first sector, where they begin in it, how many
/// they are, and how many sectors have them.
fn request(place: u64, left: usize, most: usize) -> (u64, usize, usize, usize) {
    let within = (place % SECTOR as u64) as usize;
    let part = (most * SECTOR - within).min(left);
    (place / SECTOR as u64, within, part, (within + part).div_ceil(SECTOR))
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("capacity", &self.capacity).field("read_only", &self.read_only).finish_non_exhaustive()
    }
}

impl Blocks for Disk {
    fn capacity(&self) -> Option<u64> {
        Some(self.capacity)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), medium::Fault> {
        let mut client = self.client.lock();
        let mut at = 0;
        while at < bytes.len() {
            let (sector, within, part, count) = request(offset + at as u64, bytes.len() - at, client.most());
            let sectors = client.sectors(sector, count).map_err(failed)?;
            bytes[at..at + part].copy_from_slice(&sectors[within..within + part]);
            at += part;
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8], _last: bool) -> Result<(), medium::Fault> {
        let mut client = self.client.lock();
        let mut at = 0;
        while at < bytes.len() {
            let (sector, within, part, count) = request(offset + at as u64, bytes.len() - at, client.most());
            // What of the first and the last sector is not written stays.
            let (mut first, mut last) = ([0; SECTOR], [0; SECTOR]);
            if within != 0 {
                client.read(sector, &mut first).map_err(failed)?;
            }
            if (within + part) % SECTOR != 0 && (within == 0 || count > 1) {
                client.read(sector + count as u64 - 1, &mut last).map_err(failed)?;
            }
            client.fill(sector, count, |data| {
                if count > 1 || within == 0 {
                    data[(count - 1) * SECTOR..].copy_from_slice(&last);
                }
                if within != 0 {
                    data[..SECTOR].copy_from_slice(&first);
                }
                data[within..within + part].copy_from_slice(&bytes[at..at + part]);
            }).map_err(failed)?;
            at += part;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), medium::Fault> {
        self.client.lock().flush().map_err(failed)
    }
}
