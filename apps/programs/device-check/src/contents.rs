//! What is asked of files: that what was written is read, before and after it was renamed, and that a sync comes back.

use crate::checks::{rate, timed, why};
use crate::{Error, files};
use alloc::{format, string::{String, ToString}, vec::Vec};
use munal::files::client::{Client, Fault};
use munal::files::{Path, REPLY, Request, Space, Status};

/// Bytes of the file, and of what is written and read at once.
const BYTES: usize = 4 << 20;
const PART: usize = 128 << 10;

fn call(request: &[u8], reply: &mut [u8]) -> Result<u32, Error> {
    files::files.call(request, reply)
}

fn said(fault: Fault) -> String {
    fault.to_string()
}

/// The bytes of a part, which are those of no other.
fn pattern(part: usize) -> Vec<u8> {
    (0..PART as u64 / 8).flat_map(|word| (word ^ (part as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

/// Writes a file, syncs it, gives it another name, reads it back and removes it. Gives figures, or why it failed.
pub fn check() -> Result<String, String> {
    let (mut request, mut reply) = ([0; 64], [0; REPLY + Space::LENGTH]);
    let length = Request::Space.encode(&mut request).ok_or("a request has no room")?;
    call(&request[..length], &mut reply).map_err(why)?; // a service that ended is told from one that does not answer as it should
    let mut client = Client::new(|request: &[u8], reply: &mut [u8]| call(request, reply).ok().map(|length| length as usize), PART + 4096);
    let (new, file) = (path("new")?, path("file")?);
    for left in [new, file] {
        match client.remove(left) {
            Ok(()) | Err(Fault::Told(Status::NotFound)) => {}
            Err(fault) => return Err(said(fault)),
        }
    }
    let ((), writing) = timed(|| {
        (0..BYTES / PART).try_for_each(|part| client.write(new, (part * PART) as u64, &pattern(part))).map_err(said)?;
        client.sync().map_err(said)
    })?;
    client.rename(new, file).map_err(said)?;
    let mut room = alloc::vec![0; PART];
    let mut reading = 0;
    for part in 0..BYTES / PART {
        let (count, took) = timed(|| client.read(file, (part * PART) as u64, &mut room).map_err(said))?;
        reading += took;
        if count != PART || room != pattern(part) {
            return Err("what was read is not what was written".into());
        }
    }
    client.remove(file).and_then(|()| client.sync()).map_err(said)?;
    Ok(format!("{} MiB, reads {}, writes {} with a sync", BYTES >> 20, rate(BYTES, reading), rate(BYTES, writing)))
}

fn path(text: &str) -> Result<Path<'_>, String> {
    Path::new(text).ok_or_else(|| "no path".into())
}
