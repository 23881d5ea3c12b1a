//! Physical frames, page tables, and the windows of virtual addresses that the kernel hands out.
//!
//! Physical memory is mapped one to one (PML4 slots 0 to 31, without execute, without page 0). Everything handed out later
//! lies in windows of its own: machine code of wasm, the kernel's heap, thread stacks and linear memories, each behind a guard.
pub mod accounts;
pub mod fixed_stack;
pub mod frames;
pub mod heap;
pub mod linear;
pub mod paging;
pub mod stack;
pub mod window;

pub const PAGE: u64 = 4096;

/// Where machine code of wasm lies: PML4 slots 32 to 63, 16 TiB. Nothing else in here is executable, and nothing outside
/// but the kernel itself is.
pub const WASM_START: u64 = 0x1000_0000_0000;
pub const WASM_END: u64 = 0x2000_0000_0000;
/// The kernel's heap: PML4 slot 64, its upper half for what is large.
pub const HEAP_START: u64 = 0x2000_0000_0000;
pub const HEAP_END: u64 = 0x2040_0000_0000;
pub const LARGE_START: u64 = 0x2040_0000_0000;
pub const LARGE_END: u64 = 0x2080_0000_0000;
/// Thread stacks: PML4 slot 65.
pub const STACKS_START: u64 = 0x2080_0000_0000;
pub const STACKS_END: u64 = 0x2100_0000_0000;
/// Linear memories: PML4 slots 66 to 129, 32 TiB.
pub const MEMORIES_START: u64 = 0x2100_0000_0000;
pub const MEMORIES_END: u64 = 0x4100_0000_0000;

pub fn round_up(value: u64) -> u64 {
    value.next_multiple_of(PAGE)
}
