//! The raw primitives, one module a capability. `dispatch` derives from kernel/interfaces and calls them by name; each
//! refuses what the system table does not grant to the instance that calls.
pub mod acpi;
pub mod audit;
pub mod channel;
pub mod clock;
pub mod control;
pub mod device;
pub mod framebuffer;
pub mod handle;
pub mod irq;
pub mod log;
pub mod mmio;
pub mod pci;
pub mod peek;
pub mod port;
pub mod random;
pub mod service;
pub mod sip;
pub mod stream;

use crate::{dispatch::Error, sip::{Call, Lent, Outcome, Stop}, state};
use alloc::format;
use munal_logic::{handles::DYNAMIC, table::{HandleKind, Held}};

pub use acpi::*;
pub use audit::*;
pub use channel::{channel_receive, channel_send};
pub use clock::*;
pub use control::*;
pub use device::*;
pub use framebuffer::*;
pub use handle::*;
pub use irq::*;
pub use log::*;
pub use mmio::*;
pub use pci::*;
pub use peek::{stream_peek, stream_skip};
pub use port::*;
pub use random::*;
pub use service::{service_badge, service_call, service_call_within, service_receive, service_reply, service_reply_and_receive};
pub use sip::*;
pub use stream::{stream_flush, stream_read, stream_try_read, stream_try_write, stream_write};

/// What a function of type `result` answers: a count, or an error with a number.
pub type Answer = Result<u32, Error>;

/// The caller's handle of this number, where it is of one of these kinds. Errors: the SIP is ended, since its glue holds only
/// handles of the right kind. Every call begins with it: inlined, it is a look into a list and a comparison or two.
#[inline(always)]
fn require(call: &Call<'_, '_>, handle: u32, kinds: &[HandleKind]) -> Outcome<Held> {
    match call.granted(handle) {
        Some(held) if kinds.contains(&held.kind) => Ok(held),
        _ => Err(refused(handle)),
    }
}

#[cold]
#[inline(never)]
fn refused(handle: u32) -> Stop {
    Stop::Refused(format!("used handle {handle}, which was not granted for this"))
}

/// As `require` for a number of the table; one that came later is answered for, since the SIP passed it itself.
/// Errors: Refused or BadHandle where it lacks `right`, BadHandle where it is none of these kinds.
fn find(call: &Call<'_, '_>, handle: u32, kinds: &[HandleKind], right: u8) -> Outcome<Result<Held, Error>> {
    if handle & DYNAMIC != 0 {
        let held = state::with(|state| state.exchange.held(call.index(), handle));
        return Ok(held.filter(|held| kinds.contains(&held.kind) && held.rights & right == right).ok_or(Error::BadHandle));
    }
    let held = require(call, handle, kinds)?;
    Ok(if held.rights & right == right { Ok(held) } else { Err(Error::Refused) })
}

/// Copies what fits of a whole message into the SIP's buffer; answers the message's length.
fn store(call: &mut Call<'_, '_>, buffer: Lent, message: &[u8]) -> Outcome<Answer> {
    Ok(store_part(call, buffer, 0, message)?.map(|_| message.len() as u32))
}

/// Copies what fits of a message from `offset` on into the SIP's buffer; answers how many bytes, 0 past its end.
fn store_part(call: &mut Call<'_, '_>, buffer: Lent, offset: u32, message: &[u8]) -> Outcome<Answer> {
    let rest = message.get(offset as usize..).unwrap_or(&[]);
    let buffer = call.bytes(buffer)?;
    let count = buffer.len().min(rest.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    Ok(Ok(count as u32))
}
