//! The picture that the firmware set up on a display: how long its rows are and where it ends.

use crate::table::PAGE;

/// Pixels have 32 bits.
const PIXEL: u64 = 4;

/// A picture in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    address: u64,
    width: u32,
    height: u32,
    stride: u32,
    red_first: bool,
}

impl Picture {
    /// The picture of `width` x `height` pixels at `address`, with `stride` pixels from one row to the next; none where it does not
    /// fit into `size` bytes, or is none.
    pub fn new(address: u64, size: u64, width: usize, height: usize, stride: usize, red_first: bool) -> Option<Self> {
        let number = |value: usize| u32::try_from(value).ok().filter(|value| (1..=1 << 15).contains(value));
        let (width, height, stride) = (number(width)?, number(height)?, number(stride)?);
        let picture = Self { address, width, height, stride, red_first };
        let fits = width <= stride && picture.length() <= size && address > 0 && address.checked_add(size).is_some();
        fits.then_some(picture)
    }

    fn length(&self) -> u64 {
        u64::from(self.stride) * u64::from(self.height) * PIXEL
    }

    /// The pages that it lies in, from the first's start to the last's end.
    pub fn pages(&self) -> (u64, u64) {
        (self.address / PAGE * PAGE, (self.address + self.length()).next_multiple_of(PAGE))
    }

    /// The address of the byte at `offset`, where `length` bytes from there on are all the picture's.
    pub fn place(&self, offset: u32, length: usize) -> Option<u64> {
        let end = u64::from(offset) + length as u64;
        (end <= self.length()).then(|| self.address + u64::from(offset))
    }

    /// As the interface `framebuffer` has it.
    pub fn encode(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let words = [self.width, self.height, self.stride * PIXEL as u32, u32::from(self.red_first)];
        bytes.chunks_exact_mut(4).zip(words).for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture::new(0xc000_0800, 1 << 20, 100, 50, 128, true).unwrap()
    }

    #[test]
    fn bytes_that_leave_it_have_no_place() {
        let length = 128 * 50 * 4;
        assert_eq!((picture().place(0, length), picture().place(4, length - 4)), (Some(0xc000_0800), Some(0xc000_0804)));
        assert_eq!((picture().place(0, length + 1), picture().place(4, length), picture().place(u32::MAX, 1)), (None, None, None));
        assert_eq!(picture().place(length as u32, 0), Some(0xc000_0800 + length as u64));
        assert_eq!(picture().place(1, usize::MAX >> 1), None);
        assert_eq!(picture().pages(), (0xc000_0000, 0xc000_7000));
    }

    #[test]
    fn what_cannot_be_is_none() {
        let made = |size, width, height, stride| Picture::new(0xc000_0000, size, width, height, stride, false);
        assert!(made(128 * 50 * 4, 100, 50, 128).is_some());
        assert_eq!((made(128 * 50 * 4 - 1, 100, 50, 128), made(1 << 20, 129, 50, 128), made(1 << 20, 0, 50, 128)), (None, None, None));
        assert_eq!((made(u64::MAX, 100, 50, 128), made(1 << 40, 1 << 16, 1, 1 << 16)), (None, None));
    }

    #[test]
    fn a_picture_as_bytes() {
        assert_eq!(picture().encode(), [100, 0, 0, 0, 50, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0]);
    }
}
