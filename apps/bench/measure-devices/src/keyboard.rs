//! Keys. A byte to QEMU's debug console says that they are waited for, and another one each time that one went down or up.

use crate::{Error, port};
use munal::input::{Event, KEY, LENGTH};

const SIGNAL: port::signal = port::signal;
/// The only register of the debug console.
const REGISTER: u16 = 0;
/// The bytes that are said.
const READY: u8 = b'r';
const CAME: u8 = b'k';
/// Events that are read at once.
const EVENTS: usize = 8;

/// Waits until so many keys went down or up. Errors: those of `read`.
pub fn wait_for_keys(count: u32, read: impl Fn(&mut [u8]) -> Result<u32, Error>) -> Result<u64, Error> {
    let (mut bytes, mut length, mut keys) = ([0; EVENTS * LENGTH], 0, 0);
    SIGNAL.write8(REGISTER, READY);
    while keys < u64::from(count) {
        length += read(&mut bytes[length..])? as usize;
        let (whole, rest) = bytes[..length].as_chunks::<LENGTH>();
        for _ in whole.iter().map(Event::decode).filter(|event| event.kind == KEY && event.value < 2) {
            SIGNAL.write8(REGISTER, CAME);
            keys += 1;
        }
        let (start, left) = (length - rest.len(), rest.len());
        bytes.copy_within(start..length, 0);
        length = left;
    }
    Ok(keys)
}
