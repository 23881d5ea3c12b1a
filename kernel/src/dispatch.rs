//! The raw primitives as imports of `munal:raw`, and the ABI that this kernel carries. Derived from kernel/interfaces:
//! MUNAL_DISPATCH and MUNAL_ABI name the files that the composer rendered.
use crate::{raw, sip::{Lent, Sip, enter}, state};
use munal_logic::table::Kept;

include!(env!("MUNAL_DISPATCH"));

const ABI_TEXT: &[u8] = include_bytes!(env!("MUNAL_ABI"));

/// The ABI as canonical JSON, where the composer finds it in the ELF.
#[used]
#[unsafe(link_section = ".munal.abi")]
static ABI: [u8; ABI_TEXT.len()] = *include_bytes!(env!("MUNAL_ABI"));
