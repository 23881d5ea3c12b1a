//! Filling and copying memory: what the compiler and the wasm runtime call for it, `memory.fill` and `memory.copy` included.
//!
//! Long operations are done in pieces, and between them others run where a switch is due (thread/preempt.rs), so that a gigabyte
//! holds nobody up. Eight bytes at a time by string instructions: on processors of today as quick as wider moves, and the quickest
//! under software emulation.
use crate::thread;
use core::arch::global_asm;

/// The most bytes moved between two looks at the clock's wishes: some microseconds.
const PIECE: usize = 16 * 1024;

// memset(to, byte, length), memcpy and memmove(to, from, length), as C has them: `rax` answers `to`. The direction flag is clear
// before and after. What lies at the edges of the eight-byte grid is loaded before anything is stored.
global_asm!(
    ".globl memset", ".globl memcpy", ".globl memmove", ".globl munal_bulk_start", ".globl munal_bulk_end",
    ".balign 16",
    "munal_bulk_start:",
    "memset:",
    "cmp rdx, {piece}",
    "ja {fill}",
    "mov r8, rdi",
    "movzx eax, sil",
    "mov rcx, 0x0101010101010101",
    "imul rax, rcx",
    "cmp rdx, 8",
    "jb 2f",
    "lea rcx, [rdi + rdx]",
    "mov [rdi], rax",
    "mov [rcx - 8], rax",
    "add rdi, 8",
    "and rdi, -8",
    "sub rcx, rdi",
    "jbe 3f",
    "shr rcx, 3",
    "rep stosq",
    "3:",
    "mov rax, r8",
    "jmp 9f",
    "2:",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",

    ".balign 16",
    "memcpy:",
    "memmove:",
    "mov rax, rdi",
    "cmp rdx, 16",
    "jbe 4f",
    "cmp rdx, 32",
    "ja 2f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "ret",
    "2:",
    "cmp rdx, 64",
    "ja 3f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "ret",
    "3:",
    "cmp rdx, {piece}",
    "ja {copy}",
    "mov r8, [rsi]",
    "mov rcx, rdi",
    "sub rcx, rsi",
    "cmp rcx, rdx",
    "jb 2f",
    "mov r9, [rsi + rdx - 8]",
    "lea r10, [rdi + rdx - 8]",
    "mov rcx, rdi",
    "neg rcx",
    "and ecx, 7",
    "add rdi, rcx",
    "add rsi, rcx",
    "sub rdx, rcx",
    "mov rcx, rdx",
    "shr rcx, 3",
    "rep movsq",
    "mov [r10], r9",
    "mov [rax], r8",
    "jmp 9f",
    "2:", // `to` lies in what is still to be copied: from the end on
    "mov rcx, rdx",
    "lea rdi, [rdi + rdx - 8]",
    "lea rsi, [rsi + rdx - 8]",
    "shr rcx, 3",
    "std",
    "rep movsq",
    "cld",
    "mov [rax], r8",
    "9:",
    "cmp byte ptr [rip + {due}], 0",
    "jne 8f",
    "ret",
    "8:",
    "push rax",
    "mov rdi, rax",
    "call {pause}",
    "pop rax",
    "ret",
    "4:",
    "cmp edx, 8",
    "jb 2f",
    "mov rcx, [rsi]",
    "mov r8, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], r8",
    "ret",
    "2:",
    "cmp edx, 4",
    "jb 2f",
    "mov ecx, [rsi]",
    "mov r8d, [rsi + rdx - 4]",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], r8d",
    "ret",
    "2:",
    "test edx, edx",
    "jz 3f",
    "movzx ecx, byte ptr [rsi]",
    "movzx r8d, byte ptr [rsi + rdx - 1]",
    "lea r10, [rdi + rdx - 1]",
    "shr edx, 1",
    "movzx r9d, byte ptr [rsi + rdx]",
    "mov [rdi + rdx], r9b",
    "mov [r10], r8b",
    "mov [rdi], cl",
    "ret",
    "3:",
    "ret",
    "munal_bulk_end:",
    piece = const PIECE,
    fill = sym fill,
    copy = sym copy,
    due = sym thread::DUE,
    pause = sym pause,
);

unsafe extern "C" {
    static munal_bulk_start: u8;
    static munal_bulk_end: u8;
    fn memset(to: *mut u8, byte: u32, length: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
}

/// Whether the instruction at the address moves eight bytes over and over, which takes long to step through; when it is done,
/// what is due is looked at.
pub fn asks_at_its_end(ip: u64) -> bool {
    const REP_MOVSQ: [u8; 3] = [0xf3, 0x48, 0xa5];
    const REP_STOSQ: [u8; 3] = [0xf3, 0x48, 0xab];
    let (start, end) = (&raw const munal_bulk_start as u64, &raw const munal_bulk_end as u64);
    // SAFETY: three bytes of the code above, which is read and executed only.
    (start..end - 2).contains(&ip) && matches!(unsafe { (ip as *const [u8; 3]).read() }, REP_MOVSQ | REP_STOSQ)
}

extern "C" fn pause(to: *mut u8) {
    thread::relax_in_bulk(to as u64);
}

/// `memset` of more than a piece.
///
/// # Safety
/// As C's: the bytes may be written. A SIP that is to end, on whose behalf the runtime asked, finds the rest undone.
unsafe extern "C" fn fill(to: *mut u8, byte: u32, length: usize) -> *mut u8 {
    let mut done = 0;
    while done < length {
        let piece = PIECE.min(length - done);
        // SAFETY: within what the caller vouches for.
        unsafe { memset(to.add(done), byte, piece) };
        done += piece;
        if thread::relax_in_bulk(to as u64) {
            break;
        }
    }
    to
}

/// `memmove` of more than a piece.
///
/// # Safety
/// As C's: the bytes may be read and written. A SIP that is to end, on whose behalf the runtime asked, finds the rest undone.
unsafe extern "C" fn copy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    let backwards = (to as usize).wrapping_sub(from as usize) < length;
    let mut done = 0;
    while done < length {
        let piece = PIECE.min(length - done);
        let at = if backwards { length - done - piece } else { done };
        // SAFETY: within what the caller vouches for; the order keeps what is still to be read from being written.
        unsafe { memmove(to.add(at), from.add(at), piece) };
        done += piece;
        if thread::relax_in_bulk(to as u64) {
            break;
        }
    }
    to
}
