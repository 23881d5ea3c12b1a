//! What the device is asked for on its control queue, and what it answers (Virtual I/O Device 1.2, sections 5.7.6.7 and 5.7.6.8).

use crate::{MOST_HEIGHT, MOST_WIDTH, PAGE, PAGES};
use alloc::vec::Vec;
use munal::display::Rectangle;

/// Bytes of a request, as the model's table `command` has them: the longest has 56.
pub const COMMAND: usize = 64;
/// Bytes of the model's table `backing`.
pub const BACKING: usize = BACKING_HEADER + ENTRY * PAGES;
/// Bytes of the longest answer.
pub const ANSWER: usize = 24 + 16 * 24;

const BACKING_HEADER: usize = 32;
const ENTRY: usize = 16;

const GET_DISPLAY_INFO: u32 = 0x0100;
const RESOURCE_CREATE_2D: u32 = 0x0101;
const RESOURCE_UNREF: u32 = 0x0102;
const SET_SCANOUT: u32 = 0x0103;
const RESOURCE_FLUSH: u32 = 0x0104;
const TRANSFER_TO_HOST_2D: u32 = 0x0105;
const RESOURCE_ATTACH_BACKING: u32 = 0x0106;

const OK_NODATA: u32 = 0x1100;
const OK_DISPLAY_INFO: u32 = 0x1101;

/// `VIRTIO_GPU_FLAG_FENCE`: the answer comes when all is done, so that the picture may change again.
const FENCE: u32 = 1;
/// `VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM`.
const B8G8R8X8: u32 = 2;
/// The one screen that is driven.
const SCREEN: u32 = 0;

/// One request; pictures have numbers that the driver gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// What screens there are.
    DisplayInfo,
    /// A picture of this size.
    Create(u32, Rectangle),
    /// The driver's memory for a picture; this request is in the table `backing`.
    Attach(u32),
    /// That the picture is what the screen shows.
    Show(u32, Rectangle),
    /// That the device takes this part of the picture from the driver's memory, where it is at the offset.
    Transfer(u32, Rectangle, u64),
    /// That this part of the picture is on the screen.
    Flush(u32, Rectangle),
    /// That there is no such picture any more.
    Forget(u32),
}

impl Request {
    /// What it is called where it fails.
    pub fn name(&self) -> &'static str {
        match self {
            Request::DisplayInfo => "to tell its mode",
            Request::Create(..) => "to make a picture",
            Request::Attach(..) => "to take a picture's memory",
            Request::Show(..) => "to show a picture",
            Request::Transfer(..) => "to take what changed",
            Request::Flush(..) => "to show what changed",
            Request::Forget(..) => "to forget a picture",
        }
    }

    /// The number of an answer that it was done.
    fn done(&self) -> u32 {
        if matches!(self, Request::DisplayInfo) { OK_DISPLAY_INFO } else { OK_NODATA }
    }

    /// Whether the answer says that it was done. Errors: which number it has instead.
    pub fn is_done(&self, answer: &[u8]) -> Result<(), u32> {
        let found = word(answer, 0).unwrap_or(0);
        if found == self.done() { Ok(()) } else { Err(found) }
    }

    /// It as bytes, for the table `command`. The table takes no `Attach`, whose bytes `backing` makes.
    pub fn encode(&self) -> [u8; COMMAND] {
        match *self {
            Request::DisplayInfo => bytes(GET_DISPLAY_INFO, []),
            Request::Create(picture, Rectangle { width, height, .. }) => bytes(RESOURCE_CREATE_2D, [picture, B8G8R8X8, width, height]),
            Request::Attach(picture) => bytes(RESOURCE_ATTACH_BACKING, [picture]),
            Request::Show(picture, Rectangle { x, y, width, height }) => bytes(SET_SCANOUT, [x, y, width, height, SCREEN, picture]),
            Request::Transfer(picture, Rectangle { x, y, width, height }, offset) => {
                bytes(TRANSFER_TO_HOST_2D, [x, y, width, height, offset as u32, (offset >> 32) as u32, picture])
            }
            Request::Flush(picture, Rectangle { x, y, width, height }) => bytes(RESOURCE_FLUSH, [x, y, width, height, picture]),
            Request::Forget(picture) => bytes(RESOURCE_UNREF, [picture]),
        }
    }
}

/// A header of 24 bytes, and what follows it.
fn bytes<const N: usize>(kind: u32, rest: [u32; N]) -> [u8; COMMAND] {
    let mut bytes = [0; COMMAND];
    let words = [kind, FENCE, 0, 0, 0, 0].into_iter().chain(rest);
    bytes.chunks_exact_mut(4).zip(words).for_each(|(place, word)| place.copy_from_slice(&word.to_le_bytes()));
    bytes
}

/// The first bytes of the table `backing`: the pages at these addresses are the memory of a picture.
pub fn backing(picture: u32, pages: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    let mut all = Vec::with_capacity(BACKING_HEADER + ENTRY * pages.len());
    all.extend_from_slice(&Request::Attach(picture).encode()[..BACKING_HEADER - 4]);
    all.extend((pages.len() as u32).to_le_bytes());
    for page in pages {
        all.extend(page.to_le_bytes());
        all.extend((PAGE as u64).to_le_bytes()); // the length, and 4 bytes that are nothing
    }
    all
}

/// How large the screen's window is, cut to what the driver has memory for; none where the screen is off.
pub fn size(answer: &[u8]) -> Option<(u32, u32)> {
    let mode = answer.get(24 + 24 * SCREEN as usize..)?;
    let (width, height, is_on) = (word(mode, 8)?, word(mode, 12)?, word(mode, 16)?);
    (is_on != 0 && width != 0 && height != 0).then_some((width.min(MOST_WIDTH), height.min(MOST_HEIGHT)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Rectangle = Rectangle { x: 1, y: 2, width: 3, height: 4 };

    fn words(bytes: &[u8]) -> Vec<u32> {
        bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }

    #[test]
    fn requests_are_as_the_standard_has_them() {
        let cases: [(Request, &[u32]); 6] = [
            (Request::DisplayInfo, &[0x100, 1, 0, 0, 0, 0, 0]),
            (Request::Create(9, PART), &[0x101, 1, 0, 0, 0, 0, 9, 2, 3, 4, 0]),
            (Request::Forget(9), &[0x102, 1, 0, 0, 0, 0, 9, 0]),
            (Request::Show(9, PART), &[0x103, 1, 0, 0, 0, 0, 1, 2, 3, 4, 0, 9, 0]),
            (Request::Flush(9, PART), &[0x104, 1, 0, 0, 0, 0, 1, 2, 3, 4, 9, 0]),
            (Request::Transfer(9, PART, 0x5_0000_0006), &[0x105, 1, 0, 0, 0, 0, 1, 2, 3, 4, 6, 5, 9, 0]),
        ];
        for (request, expected) in cases {
            assert_eq!(words(&request.encode())[..expected.len()], *expected, "{request:?}");
        }
    }

    #[test]
    fn a_pictures_memory_is_told_page_by_page() {
        let told = backing(7, [0x1000, 0x1_0000_3000].into_iter());
        assert_eq!(words(&told), [0x106, 1, 0, 0, 0, 0, 7, 2, 0x1000, 0, 4096, 0, 0x3000, 1, 4096, 0]);
        assert_eq!(backing(7, (0..PAGES).map(|page| page as u64)).len(), BACKING);
    }

    #[test]
    fn an_answer_is_the_one_that_was_asked_for_or_none() {
        let answer = |number: u32| [number.to_le_bytes(), [0; 4]].concat();
        assert_eq!([Request::DisplayInfo.is_done(&answer(0x1101)), Request::Forget(1).is_done(&answer(0x1100))], [Ok(()); 2]);
        assert_eq!((Request::DisplayInfo.is_done(&answer(0x1100)), Request::Forget(1).is_done(&answer(0x1203))), (Err(0x1100), Err(0x1203)));
        assert_eq!(Request::Forget(1).is_done(&[]), Err(0));
    }

    #[test]
    fn a_screen_has_the_size_of_its_window_up_to_what_there_is_memory_for() {
        let told = |width: u32, height: u32, is_on: u32| {
            let mut answer = [0xee; ANSWER];
            for (place, word) in [(32, width), (36, height), (40, is_on)] {
                answer[place..place + 4].copy_from_slice(&word.to_le_bytes());
            }
            size(&answer)
        };
        assert_eq!((told(1280, 800, 1), told(5000, 3000, 1), told(1, 1, u32::MAX)), (Some((1280, 800)), Some((1920, 1200)), Some((1, 1))));
        assert_eq!((told(1280, 800, 0), told(0, 800, 1), told(1280, 0, 1), size(&[1; 40])), (None, None, None, None));
    }
}
