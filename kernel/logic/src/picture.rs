//! The picture that the firmware set up on a display: what its pixels are, how long its rows are and where it ends.

use crate::table::PAGE;

/// How a pixel's bytes, as a little-endian number, are its colours (UEFI 2.10, section 12.9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    bytes: u32,
    /// The bits of red, green and blue.
    colours: [u32; 3],
}

impl Format {
    /// A byte each of red, green, blue and nothing.
    pub const RED_FIRST: Self = Self { bytes: 4, colours: [0xff, 0xff00, 0xff_0000] };
    /// A byte each of blue, green, red and nothing.
    pub const BLUE_FIRST: Self = Self { bytes: 4, colours: [0xff_0000, 0xff00, 0xff] };

    /// Pixels whose red, green and blue are these bits, and which have some that mean nothing; they end with the highest bit that any
    /// of them has. None where a colour has no bit.
    pub fn of_bits(colours: [u32; 3], nothing: u32) -> Option<Self> {
        let all = colours.iter().fold(nothing, |all, bits| all | bits);
        let bytes = (u32::BITS - all.leading_zeros()).div_ceil(8);
        colours.iter().all(|bits| *bits != 0).then_some(Self { bytes, colours })
    }
}

/// A picture in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    address: u64,
    width: u32,
    height: u32,
    /// Bytes from one row to the next.
    row: u32,
    format: Format,
}

impl Picture {
    /// The picture at `address` of `width` x `height` pixels, with `stride` pixels from one row to the next; none where it does not
    /// fit into `size` bytes, or is none.
    pub fn new(address: u64, size: u64, [width, height, stride]: [usize; 3], format: Format) -> Option<Self> {
        let number = |value: usize| u32::try_from(value).ok().filter(|value| (1..=1 << 15).contains(value));
        let (width, height, stride) = (number(width)?, number(height)?, number(stride)?);
        let picture = Self { address, width, height, row: stride * format.bytes, format };
        let fits = width <= stride && picture.length() <= size && address > 0 && address.checked_add(size).is_some();
        fits.then_some(picture)
    }

    fn length(&self) -> u64 {
        u64::from(self.row) * u64::from(self.height)
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
    pub fn encode(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        let [red, green, blue] = self.format.colours;
        let words = [self.width, self.height, self.row, self.format.bytes, red, green, blue];
        bytes.chunks_exact_mut(4).zip(words).for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture::new(0xc000_0800, 1 << 20, [100, 50, 128], Format::RED_FIRST).unwrap()
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
        let made = |size, numbers| Picture::new(0xc000_0000, size, numbers, Format::BLUE_FIRST);
        assert!(made(128 * 50 * 4, [100, 50, 128]).is_some());
        assert_eq!((made(128 * 50 * 4 - 1, [100, 50, 128]), made(1 << 20, [129, 50, 128]), made(1 << 20, [0, 50, 128])), (None, None, None));
        assert_eq!((made(u64::MAX, [100, 50, 128]), made(1 << 40, [1 << 16, 1, 1 << 16])), (None, None));
    }

    #[test]
    fn a_pixel_ends_with_the_highest_bit_that_means_anything_or_nothing() {
        let bytes = |colours, nothing| Format::of_bits(colours, nothing).map(|format| format.bytes);
        assert_eq!((bytes([0xff_0000, 0xff00, 0xff], 0xff00_0000), bytes([0xff_0000, 0xff00, 0xff], 0)), (Some(4), Some(3)));
        assert_eq!((bytes([0xf800, 0x07e0, 0x1f], 0), bytes([0x7c00, 0x03e0, 0x1f], 0), bytes([0xe0, 0x1c, 3], 0)), (Some(2), Some(2), Some(1)));
        assert_eq!((bytes([0xff, 0, 0xff00], 0), bytes([0; 3], u32::MAX)), (None, None));
        let narrow = Format::of_bits([0xf800, 0x07e0, 0x1f], 0).unwrap();
        assert_eq!(Picture::new(0xc000_0000, 64 * 10 * 2, [60, 10, 64], narrow).map(|picture| picture.row), Some(128));
        assert_eq!(Picture::new(0xc000_0000, 64 * 10 * 2 - 1, [60, 10, 64], narrow), None);
    }

    #[test]
    fn a_picture_as_bytes() {
        let words = [100, 50, 512, 4, 0xff, 0xff00, 0xff_0000u32];
        assert!(picture().encode().chunks(4).eq(words.iter().map(|word| word.to_le_bytes())));
    }
}
