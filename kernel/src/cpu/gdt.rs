//! Our own segments, and a task state segment with stacks for the faults that cannot trust the one they come from.
use crate::{cell::Global, memory::fixed_stack::FixedStack};
use x86_64::{
    VirtAddr,
    instructions::{segmentation::{CS, DS, ES, SS, Segment}, tables::load_tss},
    structures::{gdt::{Descriptor, GlobalDescriptorTable}, tss::TaskStateSegment},
};

/// Index of the interrupt stack of each fault that has one of its own (Intel SDM volume 3, section 6.14.5).
pub const DOUBLE_FAULT_STACK: u8 = 1;
pub const NMI_STACK: u8 = 2;
pub const MACHINE_CHECK_STACK: u8 = 3;

const STACK: usize = 16 * 1024;

static STACKS: [Global<FixedStack<STACK>>; 3] = [const { Global::new(FixedStack::new()) }; 3];
static TSS: Global<TaskStateSegment> = Global::new(TaskStateSegment::new());
static GDT: Global<GlobalDescriptorTable> = Global::new(GlobalDescriptorTable::new());

/// Loads the tables. Called once, at boot, with interrupts off.
pub fn load() {
    let tops = STACKS.each_ref().map(|stack| {
        // SAFETY: a static that only the processor will use, by the address noted below.
        unsafe { FixedStack::guard(stack.as_ptr()) };
        VirtAddr::new(FixedStack::top(stack.as_ptr()))
    });
    TSS.with(|tss| {
        let mut table = tss.interrupt_stack_table; // a copy: the segment's fields are not aligned
        table[..3].copy_from_slice(&tops);
        tss.interrupt_stack_table = table;
    });
    // SAFETY: the segment is a static and changes no more.
    let tss = unsafe { TSS.forever() };
    let (code, data, task) = GDT.with(|gdt| {
        (gdt.append(Descriptor::kernel_code_segment()), gdt.append(Descriptor::kernel_data_segment()), gdt.append(Descriptor::tss_segment(tss)))
    });
    // SAFETY: the table is a static, changes no more, and each selector is of the kind its register wants.
    unsafe {
        GDT.forever().load();
        CS::set_reg(code);
        SS::set_reg(data);
        DS::set_reg(data);
        ES::set_reg(data);
        load_tss(task);
    }
}
