//! Our own segments, and a task state segment with stacks for the faults that cannot trust the one they come from.
use crate::cell::Global;
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

#[repr(align(16))]
struct Stacks([[u8; STACK]; 3]);

static STACKS: Global<Stacks> = Global::new(Stacks([[0; STACK]; 3]));
static TSS: Global<TaskStateSegment> = Global::new(TaskStateSegment::new());
static GDT: Global<GlobalDescriptorTable> = Global::new(GlobalDescriptorTable::new());

/// Loads the tables. Called once, at boot, with interrupts off.
pub fn load() {
    let tops = STACKS.with(|stacks| core::array::from_fn::<_, 3, _>(|k| VirtAddr::from_ptr(&stacks.0[k]) + STACK as u64));
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
