//! What a display's pixels are: up to 4 bytes that are a little-endian number, some of whose bits are red, green and blue.

use munal::display::PIXEL;

/// The forms of a display's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    bytes: usize,
    red: Colour,
    green: Colour,
    blue: Colour,
}

/// Where a colour's bits are: `count` of them from bit `shift` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour {
    shift: u32,
    count: u32,
}

impl Format {
    /// Pixels of 1 to 4 bytes, and the bits of red, green and blue; none where a colour has no bits, or some that do not lie together
    /// in the pixel.
    pub fn new(bytes: u32, [red, green, blue]: [u32; 3]) -> Option<Self> {
        let bits = (1..=4).contains(&bytes).then_some(bytes * 8)?;
        let [red, green, blue] = [Colour::new(red, bits)?, Colour::new(green, bits)?, Colour::new(blue, bits)?];
        Some(Self { bytes: bytes as usize, red, green, blue })
    }

    /// Bytes of a pixel.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether pixels are as clients present them: blue, green, red and a byte that means nothing.
    pub fn is_clients(&self) -> bool {
        let places = [self.blue, self.green, self.red].map(|colour| (colour.shift, colour.count));
        self.bytes == PIXEL && places == [(0, 8), (8, 8), (16, 8)]
    }

    /// Turns a client's pixels into the display's, as many as there are of both.
    pub fn turn(&self, pixels: &[u8], into: &mut [u8]) {
        let (pixels, _) = pixels.as_chunks::<PIXEL>();
        into.chunks_exact_mut(self.bytes).zip(pixels).for_each(|(place, pixel)| place.copy_from_slice(&self.of(*pixel)[..self.bytes]));
    }

    fn of(&self, [blue, green, red, _]: [u8; PIXEL]) -> [u8; PIXEL] {
        (self.red.of(red) | self.green.of(green) | self.blue.of(blue)).to_le_bytes()
    }
}

impl Colour {
    /// The colour of these bits of a pixel that has `all`.
    fn new(bits: u32, all: u32) -> Option<Self> {
        let (shift, count) = (bits.trailing_zeros(), bits.count_ones());
        let together = shift + count + bits.leading_zeros() == u32::BITS;
        (count > 0 && together && shift + count <= all).then_some(Self { shift, count })
    }

    /// The bits of a pixel for a value: those of it that are highest, and it again behind them where there is room for more.
    fn of(&self, value: u8) -> u32 {
        let repeated = u32::from(value) * 0x0101_0101;
        repeated >> (u32::BITS - self.count) << self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    const PIXELS: [u8; 12] = [0, 0, 0, 0xaa, 0xff, 0xff, 0xff, 0, 0x12, 0x84, 0xf8, 0];

    fn turned(bytes: u32, colours: [u32; 3]) -> Vec<u8> {
        let format = Format::new(bytes, colours).unwrap();
        let mut into = vec![0xee; 3 * format.bytes()];
        format.turn(&PIXELS, &mut into);
        into
    }

    #[test]
    fn pixels_of_bytes_have_them_in_their_order() {
        assert_eq!(turned(4, [0xff_0000, 0xff00, 0xff]), [0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0x12, 0x84, 0xf8, 0]);
        assert_eq!(turned(4, [0xff, 0xff00, 0xff_0000])[8..], [0xf8, 0x84, 0x12, 0]);
        assert_eq!(turned(4, [0xff00_0000, 0xff_0000, 0xff00])[8..], [0, 0x12, 0x84, 0xf8]);
        assert_eq!(turned(3, [0xff_0000, 0xff00, 0xff])[3..], [0xff, 0xff, 0xff, 0x12, 0x84, 0xf8]);
    }

    #[test]
    fn colours_of_fewer_and_more_bits_reach_from_none_to_all() {
        let words = |bytes: Vec<u8>| bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word)).collect::<Vec<_>>();
        assert_eq!(words(turned(2, [0xf800, 0x07e0, 0x1f])), [0, 0xffff, 0b11111_100001_00010]);
        assert_eq!(words(turned(2, [0x7c00, 0x03e0, 0x1f])), [0, 0x7fff, 0b11111_10000_00010]);
        assert_eq!(turned(1, [0xe0, 0x1c, 0x03]), [0, 0xff, 0b111_100_00]);
        let wide = turned(4, [0x3ff0_0000, 0xf_fc00, 0x3ff]);
        assert_eq!(u32::from_le_bytes(wide[4..8].try_into().unwrap()), 0x3fff_ffff);
        assert_eq!(u32::from_le_bytes(wide[8..].try_into().unwrap()), 0b11_1110_0011 << 20 | 0b10_0001_0010 << 10 | 0b00_0100_1000);
    }

    #[test]
    fn what_clients_present_is_known() {
        let is = |bytes, colours| Format::new(bytes, colours).unwrap().is_clients();
        assert!(is(4, [0xff_0000, 0xff00, 0xff]));
        assert!(!is(3, [0xff_0000, 0xff00, 0xff]) && !is(4, [0xff, 0xff00, 0xff_0000]) && !is(4, [0x7f_0000, 0xff00, 0xff]));
    }

    #[test]
    fn what_is_no_colour_is_none() {
        let none = [(0, [1, 2, 4]), (5, [1, 2, 4]), (4, [0, 2, 4]), (4, [5, 2, 8]), (1, [0x100, 2, 4]), (3, [1, 2, 0x0100_0000])];
        assert!(none.into_iter().all(|(bytes, colours)| Format::new(bytes, colours).is_none()));
        assert!(Format::new(4, [u32::MAX; 3]).is_some_and(|format| format.of([1, 0, 0, 0]) == [1; 4]));
    }
}
