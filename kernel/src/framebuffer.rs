//! The picture that the firmware set up (UEFI 2.10, section 12.9): asked for before boot services are left, mapped when someone is
//! granted it.
use crate::{cell::Global, log::say, memory::paging};
use munal_logic::{picture::{Format, Picture}, table::{HandleKind, Table}};
use uefi::{Handle, boot::{self, SearchType}, proto::console::gop::{GraphicsOutput, PixelFormat}};

static PICTURE: Global<Option<Picture>> = Global::new(None);

/// Asks the firmware for the first picture that is memory. For boot services only.
///
/// There may be several displays, and one of them may have a picture that only the firmware can draw.
pub fn ask() {
    let displays = boot::locate_handle_buffer(SearchType::from_proto::<GraphicsOutput>());
    let found = displays.ok().and_then(|displays| displays.iter().find_map(|&display| of(display)));
    PICTURE.with(|picture| *picture = found);
}

fn of(handle: Handle) -> Option<Picture> {
    // SAFETY: the protocol is looked at, and nothing of it is changed; the firmware's own console keeps using it.
    let opened = unsafe {
        boot::open_protocol::<GraphicsOutput>(
            boot::OpenProtocolParams { handle, agent: boot::image_handle(), controller: None },
            boot::OpenProtocolAttributes::GetProtocol,
        )
    };
    let mut display = opened.ok()?;
    let mode = display.current_mode_info();
    let format = match mode.pixel_format() {
        PixelFormat::Rgb => Format::RED_FIRST,
        PixelFormat::Bgr => Format::BLUE_FIRST,
        PixelFormat::Bitmask => mode.pixel_bitmask().and_then(|bits| Format::of_bits([bits.red, bits.green, bits.blue], bits.reserved))?,
        PixelFormat::BltOnly => return None, // no memory that is the picture
    };
    let (width, height) = mode.resolution();
    let mut memory = display.frame_buffer();
    Picture::new(memory.as_mut_ptr() as u64, memory.size() as u64, [width, height, mode.stride()], format)
}

/// Maps the picture where the table grants it. Called once, at boot, when all that the kernel maps for itself and for grants of
/// device memory is mapped.
pub fn map(table: &Table) {
    let granted = table.instances.iter().any(|instance| instance.handles.iter().any(|handle| handle.kind == HandleKind::Framebuffer));
    let Some(picture) = get().filter(|_| granted) else { return };
    let (start, end) = picture.pages();
    if crate::boot::memory().into_iter().any(|(from, to)| from < end && start < to) || end > crate::dispatch::KEPT.physical_end || paging::is_mapped(start) {
        say!("the firmware's picture is said to be at {start:#x}, where this machine has something else");
        PICTURE.with(|slot| *slot = None);
        return;
    }
    paging::map_device(start, end - start);
}

/// The picture, if there is one.
pub fn get() -> Option<Picture> {
    PICTURE.with(|picture| *picture)
}

/// Puts bytes into the picture; false where they leave it.
pub fn write(picture: &Picture, offset: u32, bytes: &[u8]) -> bool {
    let Some(address) = picture.place(offset, bytes.len()) else { return false };
    // SAFETY: `map` mapped the pages that hold the picture, which is no memory and no device of anyone else's; `place` keeps inside.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
    true
}
