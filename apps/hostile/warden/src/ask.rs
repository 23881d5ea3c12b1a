//! What audit says.

use crate::{Error, audit};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use munal::audit::Instance;

const AUDIT: audit::all = audit::all;

/// More than any answer about one instance takes.
const ANSWER: usize = 4096;

/// Everyone, in audit's order.
pub fn all() -> Result<Vec<Instance>, String> {
    let mut found = Vec::new();
    while let Some(it) = instance(found.len() as u32)? {
        found.push(it);
    }
    Ok(found)
}

/// One instance; none where there is none of that index.
pub fn instance(index: u32) -> Result<Option<Instance>, String> {
    let mut buffer = [0; ANSWER];
    match AUDIT.instance(index, &mut buffer) {
        Ok(length) => {
            let it = buffer.get(..length as usize).and_then(|bytes| Instance::decode(bytes).ok());
            it.map(Some).ok_or_else(|| format!("audit's answer about instance {index} is not understood"))
        }
        Err(Error::NotFound) => Ok(None),
        Err(why) => Err(format!("asking audit: {why}")),
    }
}

/// What an instance may do, in words.
pub fn grants(index: u32) -> Result<String, String> {
    let (mut text, mut buffer) = (Vec::new(), [0; ANSWER]);
    loop {
        match AUDIT.grants(index, text.len() as u32, &mut buffer).map_err(|why| format!("asking for grants: {why}"))? as usize {
            0 => return String::from_utf8(text).map_err(|_| "grants are no text".into()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}
