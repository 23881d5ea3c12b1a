//! The picture in the driver's memory, row after row without gaps, from which the device takes what changed.

use munal::display::{Mode, PIXEL, Rectangle};

/// Where the rectangle's first pixel is, in bytes.
pub fn offset(mode: &Mode, of: Rectangle) -> u64 {
    u64::from(of.y) * u64::from(mode.stride) + u64::from(of.x) * PIXEL as u64
}

/// Puts a rectangle's pixels into the picture, both of which `Mode::judge` found to fit.
pub fn put(picture: &mut [u8], mode: &Mode, to: Rectangle, pixels: &[u8]) {
    let row = to.width as usize * PIXEL;
    if to.width == mode.width {
        let start = offset(mode, to) as usize;
        picture[start..start + pixels.len()].copy_from_slice(pixels);
    } else {
        rows(picture, mode, to).zip(pixels.chunks_exact(row)).for_each(|(place, row)| place.copy_from_slice(row));
    }
}

/// Gives all pixels of a rectangle one colour.
pub fn fill(picture: &mut [u8], mode: &Mode, to: Rectangle, colour: u32) {
    let pixel = colour.to_le_bytes();
    rows(picture, mode, to).for_each(|row| row.as_chunks_mut::<PIXEL>().0.fill(pixel));
}

fn rows<'a>(picture: &'a mut [u8], mode: &Mode, to: Rectangle) -> impl Iterator<Item = &'a mut [u8]> {
    let (start, length) = (to.x as usize * PIXEL, to.width as usize * PIXEL);
    picture.chunks_exact_mut(mode.stride as usize).skip(to.y as usize).take(to.height as usize).map(move |row| &mut row[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MODE: Mode = Mode { number: 1, width: 5, height: 4, stride: 20 };

    fn at(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    /// Which pixels are not as they were.
    fn changed(change: impl FnOnce(&mut [u8])) -> Vec<(u32, u32, [u8; 4])> {
        let mut picture = [0xaa; 100]; // one row more than the mode has
        change(&mut picture);
        let pixels = picture.as_chunks::<4>().0.iter().enumerate();
        pixels.filter(|(_, pixel)| **pixel != [0xaa; 4]).map(|(number, pixel)| (number as u32 % 5, number as u32 / 5, *pixel)).collect()
    }

    #[test]
    fn pixels_come_where_their_rectangle_is_and_nowhere_else() {
        let pixels: Vec<u8> = (0..24).collect();
        let found = changed(|picture| put(picture, &MODE, at(2, 1, 3, 2), &pixels));
        assert_eq!(found, [
            (2, 1, [0, 1, 2, 3]), (3, 1, [4, 5, 6, 7]), (4, 1, [8, 9, 10, 11]),
            (2, 2, [12, 13, 14, 15]), (3, 2, [16, 17, 18, 19]), (4, 2, [20, 21, 22, 23]),
        ]);
        assert_eq!(changed(|picture| put(picture, &MODE, at(4, 3, 1, 1), &[1, 2, 3, 4])), [(4, 3, [1, 2, 3, 4])]);
    }

    #[test]
    fn whole_rows_are_as_any() {
        let pixels = [7; 40];
        let found = changed(|picture| put(picture, &MODE, at(0, 2, 5, 2), &pixels));
        assert_eq!(found.iter().map(|&(x, y, _)| (x, y)).collect::<Vec<_>>(), (2..4).flat_map(|y| (0..5).map(move |x| (x, y))).collect::<Vec<_>>());
    }

    #[test]
    fn a_colour_fills_its_rectangle_alone() {
        let found = changed(|picture| fill(picture, &MODE, at(1, 0, 2, 2), 0x11_2233));
        assert_eq!(found, [(1, 0), (2, 0), (1, 1), (2, 1)].map(|(x, y)| (x, y, [0x33, 0x22, 0x11, 0])));
    }

    #[test]
    fn a_rectangle_begins_at_its_first_pixel() {
        assert_eq!((offset(&MODE, at(0, 0, 1, 1)), offset(&MODE, at(3, 2, 1, 1))), (0, 52));
    }
}
