//! How pixels come into a picture: row by row, in the form that the display's have.

use crate::Picture;
use alloc::{vec, vec::Vec};
use munal::display::{PIXEL, Rectangle};

/// Draws into a picture by a function that puts some bytes into it from an offset on. Rectangles are inside of the picture.
pub struct Painter {
    picture: Picture,
    /// Room for a row of the display's pixels.
    line: Vec<u8>,
}

impl Painter {
    /// Who draws into this picture.
    pub fn new(picture: Picture) -> Self {
        Self { picture, line: vec![0; picture.width as usize * picture.format.bytes()] }
    }

    /// Has the pixels of a rectangle be these, in rows without gaps.
    pub fn present<E>(&mut self, to: Rectangle, pixels: &[u8], mut put: impl FnMut(u32, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let (places, row) = (self.places(to), to.width as usize * PIXEL);
        let format = self.picture.format;
        if !format.is_clients() {
            let line = &mut self.line[..to.width as usize * format.bytes()];
            return places.zip(pixels.chunks_exact(row)).try_for_each(|(place, row)| {
                format.turn(row, line);
                put(place, line)
            });
        }
        // Whole rows of a picture without gaps lie together.
        let piece = if row == self.picture.row as usize { pixels.len() } else { row };
        places.zip(pixels.chunks_exact(piece)).try_for_each(|(place, piece)| put(place, piece))
    }

    /// Has all pixels of a rectangle be of a colour, 0xRRGGBB.
    pub fn fill<E>(&mut self, to: Rectangle, colour: u32, mut put: impl FnMut(u32, &[u8]) -> Result<(), E>) -> Result<(), E> {
        let (format, pixel) = (self.picture.format, colour.to_le_bytes());
        let mut places = self.places(to);
        let line = &mut self.line[..to.width as usize * format.bytes()];
        line.chunks_exact_mut(format.bytes()).for_each(|place| format.turn(&pixel, place));
        places.try_for_each(|place| put(place, line))
    }

    /// Where each row of a rectangle begins, in bytes.
    fn places(&self, of: Rectangle) -> impl Iterator<Item = u32> + use<> {
        let (row, first) = (self.picture.row, of.x * self.picture.format.bytes() as u32);
        (of.y..of.y + of.height).map(move |y| y * row + first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use alloc::vec;

    const CLIENTS: [u32; 3] = [0xff_0000, 0xff00, 0xff];

    fn at(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    /// A picture of 5 x 4 pixels, each of its bytes 0xaa; what a change leaves of it, and the lengths of what was put.
    fn changed(row: u32, bytes: u32, colours: [u32; 3], change: impl FnOnce(&mut Painter, &mut dyn FnMut(u32, &[u8]))) -> (Vec<u8>, Vec<usize>) {
        let picture = Picture { width: 5, height: 4, row, format: Format::new(bytes, colours).unwrap() };
        let (mut memory, mut lengths) = (vec![0xaa; row as usize * 4], vec![]);
        change(&mut Painter::new(picture), &mut |offset, bytes| {
            memory[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
            lengths.push(bytes.len());
        });
        (memory, lengths)
    }

    fn presented(row: u32, bytes: u32, colours: [u32; 3], to: Rectangle, pixels: &[u8]) -> (Vec<u8>, Vec<usize>) {
        changed(row, bytes, colours, |painter, put| painter.present(to, pixels, |offset, bytes| Ok::<(), ()>(put(offset, bytes))).unwrap())
    }

    /// Which bytes were touched.
    fn touched(memory: &[u8]) -> Vec<usize> {
        memory.iter().enumerate().filter(|(_, byte)| **byte != 0xaa).map(|(place, _)| place).collect()
    }

    #[test]
    fn rows_come_where_they_are_and_what_is_between_them_stays() {
        let pixels: Vec<u8> = (0..24).collect();
        let (memory, lengths) = presented(24, 4, CLIENTS, at(2, 1, 3, 2), &pixels);
        assert_eq!((&memory[32..44], &memory[56..68]), (&pixels[..12], &pixels[12..]));
        assert_eq!((touched(&memory), lengths), ((32..44).chain(56..68).collect(), vec![12, 12]));
    }

    #[test]
    fn whole_rows_are_put_at_once_where_they_lie_together() {
        let (memory, lengths) = presented(20, 4, CLIENTS, at(0, 2, 5, 2), &[7; 40]);
        assert_eq!((touched(&memory), lengths), ((40..80).collect(), vec![40]));
        assert_eq!(presented(24, 4, CLIENTS, at(0, 2, 5, 2), &[7; 40]).1, [20, 20], "gaps are the display's");
    }

    #[test]
    fn pixels_of_another_form_are_turned_into_it_to_the_last_of_the_picture() {
        let (memory, lengths) = presented(15, 3, CLIENTS, at(3, 2, 2, 2), &[1, 2, 3, 9, 4, 5, 6, 9, 11, 12, 13, 9, 14, 15, 16, 9]);
        assert_eq!((&memory[39..45], &memory[54..]), (&[1, 2, 3, 4, 5, 6][..], &[11, 12, 13, 14, 15, 16][..]));
        assert_eq!((touched(&memory), lengths), ((39..45).chain(54..60).collect(), vec![6, 6]));
        let (memory, _) = presented(20, 4, [0xff, 0xff00, 0xff_0000], at(4, 3, 1, 1), &[1, 2, 3, 9]);
        assert_eq!((touched(&memory), &memory[76..]), ((76..80).collect(), &[3, 2, 1, 0][..]));
    }

    #[test]
    fn a_colour_fills_its_rectangle_alone() {
        let fill = |painter: &mut Painter, put: &mut dyn FnMut(u32, &[u8])| painter.fill(at(1, 0, 2, 2), 0x11_2233, |offset, bytes| Ok::<(), ()>(put(offset, bytes))).unwrap();
        let (memory, _) = changed(24, 4, CLIENTS, fill);
        assert_eq!((touched(&memory), &memory[4..8]), ((4..12).chain(28..36).collect(), &[0x33, 0x22, 0x11, 0][..]));
        let (memory, _) = changed(10, 2, [0xf800, 0x07e0, 0x1f], fill);
        assert_eq!((touched(&memory), &memory[2..4]), ((2..6).chain(12..16).collect(), &0b00010_001000_00110u16.to_le_bytes()[..]));
    }

    #[test]
    fn what_cannot_be_put_ends_it() {
        let mut painter = Painter::new(Picture { width: 5, height: 4, row: 20, format: Format::new(4, CLIENTS).unwrap() });
        let mut rows = 0;
        let mut third = |_: u32, _: &[u8]| { rows += 1; if rows == 3 { Err("no") } else { Ok(()) } };
        assert_eq!(painter.fill(at(0, 0, 1, 4), 0, &mut third), Err("no"));
        assert_eq!(rows, 3);
    }
}
