//! What of the driver needs no display: the firmware's picture, its pixels, and how what is drawn comes into it.
#![no_std]

extern crate alloc;

pub mod format;
pub mod painter;

use format::Format;
use munal::display::Mode;

/// The firmware's picture, as the interface `framebuffer` tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next.
    pub row: u32,
    /// What its pixels are.
    pub format: Format,
}

impl Picture {
    /// Bytes of what is told of it.
    pub const LENGTH: usize = 28;

    /// It from what is told; none where that cannot be, or where a colour's bits do not lie together.
    pub fn decode(told: &[u8; Self::LENGTH]) -> Option<Self> {
        let (words, _) = told.as_chunks::<4>();
        let [width, height, row, pixel, red, green, blue] = words.first_chunk()?.map(u32::from_le_bytes);
        let format = Format::new(pixel, [red, green, blue])?;
        let fits = width > 0 && height > 0 && u64::from(width) * u64::from(pixel) <= u64::from(row) && u64::from(row) * u64::from(height) <= 1 << 32;
        fits.then_some(Self { width, height, row, format })
    }

    /// It as a screen's mode.
    pub fn mode(&self, number: u32) -> Mode {
        Mode { number, width: self.width, height: self.height, stride: self.row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(words: [u32; 7]) -> Option<Picture> {
        let mut told = [0; Picture::LENGTH];
        told.as_chunks_mut::<4>().0.iter_mut().zip(words).for_each(|(place, word)| *place = word.to_le_bytes());
        Picture::decode(&told)
    }

    #[test]
    fn a_picture_is_what_is_told_of_it() {
        let found = decoded([1280, 800, 5120, 4, 0xff_0000, 0xff00, 0xff]).unwrap();
        assert_eq!((found.width, found.height, found.row), (1280, 800, 5120));
        assert_eq!(found.mode(7), Mode { number: 7, width: 1280, height: 800, stride: 5120 });
    }

    #[test]
    fn what_cannot_be_is_none() {
        let bits = |words: [u32; 4]| decoded([words[0], words[1], words[2], words[3], 0xff_0000, 0xff00, 0xff]);
        assert!(bits([100, 1, 300, 3]).is_some());
        assert_eq!([bits([100, 1, 299, 3]), bits([0, 1, 300, 3]), bits([100, 0, 300, 3]), bits([100, 1, 300, 2]), bits([100, 1, 500, 5])], [None; 5]);
        assert_eq!([bits([u32::MAX, 1, u32::MAX, 4]), bits([1, 1 << 20, 1 << 13, 4])], [None; 2]);
    }
}
