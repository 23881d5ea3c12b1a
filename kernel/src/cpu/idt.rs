//! Interrupt and exception entry: 256 stubs that save every register and call one handler.
//!
//! Exceptions inside wasm become traps of that SIP; in the kernel they are panics. Device interrupts are noted, and the
//! timer lets another thread run where it interrupted wasm.
use crate::{cell::Global, cpu::{apic, gdt, ioapic}, entropy, memory::{linear, stack}, panic, thread, wasm};
use core::arch::global_asm;
use x86_64::{
    PrivilegeLevel, VirtAddr,
    registers::control::Cr2,
    structures::idt::{EntryOptions, InterruptDescriptorTable},
};

pub const TIMER: u8 = 0x20;
/// The vector of global system interrupt 0; the others follow.
pub const FIRST_GSI: u8 = 0x30;
/// How many global system interrupts have a vector of their own.
pub const GSIS: u32 = 0xe0 - 0x30;
/// Where the silenced legacy controllers would interrupt, were they not masked.
pub const LEGACY: u8 = 0xe0;
pub const SPURIOUS: u8 = 0xff;

const DIVIDE: u64 = 0;
const DEBUG: u64 = 1;
const INVALID_OPCODE: u64 = 6;
const DOUBLE_FAULT: u64 = 8;
const PAGE_FAULT: u64 = 14;

/// What the stubs push; from the lowest address. `vector` and what follows came from the stub and the processor.
#[repr(C)]
pub struct Frame {
    r15: u64, r14: u64, r13: u64, r12: u64, r11: u64, r10: u64, r9: u64, r8: u64,
    rdi: u64, rsi: u64, rdx: u64, rcx: u64, rbx: u64, rax: u64,
    pub rbp: u64,
    pub vector: u64,
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

impl Frame {
    /// Every register, by its name.
    pub fn registers(&self) -> [(&'static str, u64); 20] {
        [
            ("rip", self.rip), ("rflags", self.rflags), ("rsp", self.rsp), ("rbp", self.rbp), ("rax", self.rax), ("rbx", self.rbx),
            ("rcx", self.rcx), ("rdx", self.rdx), ("rsi", self.rsi), ("rdi", self.rdi), ("r8", self.r8), ("r9", self.r9),
            ("r10", self.r10), ("r11", self.r11), ("r12", self.r12), ("r13", self.r13), ("r14", self.r14), ("r15", self.r15),
            ("vector", self.vector), ("error", self.error),
        ]
    }
}

// One stub a vector, each 16 bytes: exceptions 8, 10 to 14, 17, 21, 29 and 30 come with an error code, the others get a 0
// in its place (Intel SDM volume 3, table 6-1). The common part saves what the System V convention does not preserve and
// the rest too, since a thread switch may follow; fxsave covers all that code for the x86-64 baseline uses.
global_asm!(
    ".balign 16",
    ".globl munal_vectors",
    "munal_vectors:",
    ".set vector, 0",
    ".rept 256",
    ".balign 16",
    ".if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)",
    ".else",
    "push 0",
    ".endif",
    "push vector",
    "jmp munal_interrupt",
    ".set vector, vector + 1",
    ".endr",
    "munal_interrupt:",
    "push rbp", "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi",
    "push r8", "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rdi, rsp",
    "mov rbp, rsp",
    "sub rsp, 512",
    "and rsp, -16",
    "fxsave [rsp]",
    "cld",
    "call {handler}",
    ".globl munal_interrupt_return",
    "munal_interrupt_return:",
    "fxrstor [rsp]",
    "mov rsp, rbp",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9", "pop r8",
    "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax", "pop rbp",
    "add rsp, 16",
    "iretq",
    handler = sym on_interrupt,
);

unsafe extern "C" {
    static munal_vectors: [u8; 16 * 256];
    static munal_interrupt_return: u8;
}

/// Whether the address is where the handler returns to: its caller's frame pointer is at a `Frame`.
pub fn is_return(ip: u64) -> bool {
    ip == &raw const munal_interrupt_return as u64
}

static IDT: Global<InterruptDescriptorTable> = Global::new(InterruptDescriptorTable::new());

/// Fills and loads the table. Called once, at boot, with interrupts off.
pub fn load() {
    IDT.with(fill);
    // SAFETY: the table is a static and changes no more.
    unsafe { IDT.forever() }.load();
}

fn fill(idt: &mut InterruptDescriptorTable) {
    let stub = |vector: u64| VirtAddr::from_ptr(&raw const munal_vectors) + 16 * vector;
    let gate = |options: &mut EntryOptions, stack: Option<u8>| {
        options.set_privilege_level(PrivilegeLevel::Ring0).disable_interrupts(true);
        if let Some(stack) = stack {
            // SAFETY: the task state segment has a stack at each of these indexes, and each serves one vector.
            unsafe { options.set_stack_index(u16::from(stack) - 1) };
        }
    };
    // SAFETY: each stub saves all registers, removes the error code and returns with iretq, as its vector wants it.
    unsafe {
        gate(idt.divide_error.set_handler_addr(stub(0)), None);
        gate(idt.debug.set_handler_addr(stub(1)), None);
        gate(idt.non_maskable_interrupt.set_handler_addr(stub(2)), Some(gdt::NMI_STACK));
        gate(idt.breakpoint.set_handler_addr(stub(3)), None);
        gate(idt.overflow.set_handler_addr(stub(4)), None);
        gate(idt.bound_range_exceeded.set_handler_addr(stub(5)), None);
        gate(idt.invalid_opcode.set_handler_addr(stub(6)), None);
        gate(idt.device_not_available.set_handler_addr(stub(7)), None);
        gate(idt.double_fault.set_handler_addr(stub(8)), Some(gdt::DOUBLE_FAULT_STACK));
        gate(idt.invalid_tss.set_handler_addr(stub(10)), None);
        gate(idt.segment_not_present.set_handler_addr(stub(11)), None);
        gate(idt.stack_segment_fault.set_handler_addr(stub(12)), None);
        gate(idt.general_protection_fault.set_handler_addr(stub(13)), None);
        gate(idt.page_fault.set_handler_addr(stub(14)), None);
        gate(idt.x87_floating_point.set_handler_addr(stub(16)), None);
        gate(idt.alignment_check.set_handler_addr(stub(17)), None);
        gate(idt.machine_check.set_handler_addr(stub(18)), Some(gdt::MACHINE_CHECK_STACK));
        gate(idt.simd_floating_point.set_handler_addr(stub(19)), None);
        for vector in 32..=255u8 {
            gate(idt[vector].set_handler_addr(stub(u64::from(vector))), None);
        }
    }
}

extern "C" fn on_interrupt(frame: &mut Frame) {
    match frame.vector {
        DEBUG => thread::step(frame),
        0..32 => on_exception(frame),
        vector if vector == u64::from(TIMER) => {
            entropy::note();
            apic::end_of_interrupt();
            thread::tick(frame, true);
        }
        vector if vector >= u64::from(FIRST_GSI) && vector < u64::from(FIRST_GSI) + u64::from(GSIS) => {
            entropy::note();
            ioapic::note(vector as u32 - u32::from(FIRST_GSI));
            apic::end_of_interrupt();
            thread::tick(frame, false);
        }
        _ => {} // spurious, by the local or a legacy controller: neither wants an acknowledgement
    }
}

fn on_exception(frame: &Frame) {
    const PRESENT: u64 = 1; // in a page fault's error code: the page is there, and something else was wrong
    let address = Cr2::read_raw();
    if frame.vector == PAGE_FAULT && frame.error & PRESENT == 0 && linear::fault(address) {
        return;
    }
    if matches!(frame.vector, DIVIDE | INVALID_OPCODE | PAGE_FAULT) && wasm::is_code(frame.rip) {
        let address = (frame.vector == PAGE_FAULT).then_some(address);
        wasm::trap(frame.rip, frame.rbp, address); // does not return where wasmtime knows the instruction as one that traps
    }
    let name = EXCEPTIONS.get(frame.vector as usize).copied().unwrap_or("exception");
    let at_an_end = matches!(frame.vector, DOUBLE_FAULT | PAGE_FAULT).then(|| stack::guarded(address)).flatten();
    let name = at_an_end.unwrap_or(name);
    panic::keep(frame);
    if frame.vector == PAGE_FAULT {
        panic!("{name} at {:#x}, of address {address:#x}", frame.rip);
    }
    panic!("{name} at {:#x}", frame.rip);
}

const EXCEPTIONS: [&str; 22] = [
    "divide error", "debug exception", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded", "invalid opcode",
    "device not available", "double fault (often a stack's end)", "coprocessor overrun", "invalid task state", "segment not present", "stack fault",
    "general protection fault", "page fault", "reserved exception", "floating-point error", "alignment check", "machine check", "SIMD floating-point error",
    "virtualization exception", "control protection exception",
];
