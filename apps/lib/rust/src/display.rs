//! The protocol `munal-display/1` of a service that has a screen.
//!
//! A request is `HEADER` bytes (`Request`), for `Present` followed by the pixels of its rectangle: row after row from the top, without
//! gaps, each pixel 4 bytes, blue, green, red and one that means nothing. A reply is `REPLY` bytes, the first of which says how it went
//! (`Status`), and the `Mode` that the screen has now. Numbers are little endian. What a reply says is done is on the screen.
//!
//! A screen changes its mode when its window does, and begins a new one, all black, when its driver is started anew. Who draws says for
//! which mode by its number, and draws nothing where that is over. The stream of protocol `munal-display-modes/1` beside the service
//! tells of it: when any bytes come, whatever they are, the mode is to be asked for.

use crate::time::MILLISECOND;

/// Bytes before the pixels of a request.
pub const HEADER: usize = 32;
/// Bytes of a reply before the mode.
pub const REPLY: usize = 8;
/// Bytes of a pixel.
pub const PIXEL: usize = 4;
/// The most bytes of a request.
pub const MOST: usize = 1 << 20;

/// A part of the screen, from its upper left corner on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// Pixels to its left.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rectangle {
    /// Bytes of its pixels; more than any memory has where that is no number of 64 bits.
    pub fn bytes(&self) -> u64 {
        (u64::from(self.width) * u64::from(self.height)).saturating_mul(PIXEL as u64)
    }

    /// It in bands from the top, the pixels of each of which fit in one request; for one with no row, none.
    pub fn bands(self) -> impl Iterator<Item = Rectangle> {
        let row = (self.width as usize).saturating_mul(PIXEL).max(1);
        let most = ((MOST - HEADER) / row).max(1) as u32;
        (0..self.height.div_ceil(most)).map(move |number| Rectangle { y: self.y + number * most, height: most.min(self.height - number * most), ..self })
    }

    fn is_inside(&self, width: u32, height: u32) -> bool {
        let ends = |start: u32, length: u32, end: u32| start.checked_add(length).is_some_and(|last| last <= end);
        ends(self.x, self.width, width) && ends(self.y, self.height, height)
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Which mode the screen has.
    Mode,
    /// That the pixels become those of the rectangle.
    Present {
        /// The number of the mode.
        mode: u32,
        /// Where.
        to: Rectangle,
    },
    /// That all pixels of the rectangle get one colour.
    Fill {
        /// The number of the mode.
        mode: u32,
        /// Where.
        to: Rectangle,
        /// As 0xRRGGBB.
        colour: u32,
    },
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It was done.
    Done,
    /// There is no such request, its rectangle is empty, or its pixels do not fit it.
    Malformed,
    /// It leaves the screen.
    OutOfRange,
    /// The screen has another mode by now.
    Outdated,
    /// The screen could not.
    Failed,
}

impl Status {
    const ALL: [Self; 5] = [Self::Done, Self::Malformed, Self::OutOfRange, Self::Outdated, Self::Failed];

    /// The status that a reply begins with; `Malformed` for one that is none.
    pub fn of(reply: &[u8]) -> Self {
        let number = if reply.len() < REPLY { None } else { reply.first() };
        number.and_then(|number| Self::ALL.get(usize::from(*number))).copied().unwrap_or(Self::Malformed)
    }

    /// The bytes that a reply begins with.
    pub const fn encode(self) -> [u8; REPLY] {
        [self as u8, 0, 0, 0, 0, 0, 0, 0]
    }

    /// The reply of a screen that has this mode now.
    pub fn reply(self, mode: &Mode) -> [u8; REPLY + Mode::LENGTH] {
        let mut reply = [0; REPLY + Mode::LENGTH];
        reply[..REPLY].copy_from_slice(&self.encode());
        reply[REPLY..].copy_from_slice(&mode.encode());
        reply
    }
}

/// A screen's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Which one it is: no other of this screen's has the same, nor of a life of its driver's before.
    pub number: u32,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next in the screen's own memory: whole rows of so many bytes are presented quickest.
    pub stride: u32,
}

impl Mode {
    /// Bytes of an encoded one.
    pub const LENGTH: usize = 16;

    /// All of the screen.
    pub fn all(&self) -> Rectangle {
        Rectangle { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// It as bytes.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        put(&mut bytes, [self.number, self.width, self.height, self.stride]);
        bytes
    }

    /// It from bytes; none where they are too few.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [number, width, height, stride] = words(bytes)?;
        Some(Self { number, width, height, stride })
    }

    /// What a message asks for, with its pixels; why not, where it cannot be done in this mode.
    pub fn understand<'a>(&self, message: &'a [u8]) -> Result<(Request, &'a [u8]), Status> {
        let request = Request::decode(message).ok_or(Status::Malformed)?;
        let pixels = &message[HEADER..];
        match self.judge(request, pixels.len()) {
            Status::Done => Ok((request, pixels)),
            why_not => Err(why_not),
        }
    }

    /// Whether a request can be done in this mode, and if not, why.
    pub fn judge(&self, request: Request, pixels: usize) -> Status {
        let (mode, to, expected) = match request {
            Request::Mode => return if pixels == 0 { Status::Done } else { Status::Malformed },
            Request::Present { mode, to } => (mode, to, to.bytes()),
            Request::Fill { mode, to, .. } => (mode, to, 0),
        };
        match () {
            () if to.bytes() == 0 || pixels as u64 != expected => Status::Malformed,
            () if mode != self.number => Status::Outdated,
            () if !to.is_inside(self.width, self.height) => Status::OutOfRange,
            () => Status::Done,
        }
    }
}

impl Request {
    /// The header of a request.
    pub fn encode(&self) -> [u8; HEADER] {
        const NOWHERE: Rectangle = Rectangle { x: 0, y: 0, width: 0, height: 0 };
        let (number, mode, to, colour) = match *self {
            Request::Mode => (0, 0, NOWHERE, 0),
            Request::Present { mode, to } => (1, mode, to, 0),
            Request::Fill { mode, to, colour } => (2, mode, to, colour),
        };
        let mut bytes = [0; HEADER];
        put(&mut bytes, [number, mode, to.x, to.y, to.width, to.height, colour, 0]);
        bytes
    }

    /// The request that begins with these bytes; none where it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [number, mode, x, y, width, height, colour, 0] = words(bytes)? else { return None };
        let to = Rectangle { x, y, width, height };
        match number {
            0 if [mode, x, y, width, height, colour] == [0; 6] => Some(Request::Mode),
            1 if colour == 0 => Some(Request::Present { mode, to }),
            2 => Some(Request::Fill { mode, to, colour }),
            _ => None,
        }
    }
}

/// The number of the next mode after `last`: the time, in milliseconds, so that it is none of a life before, and none of this one's
/// either. `now` is in nanoseconds.
pub fn next_number(last: u32, now: u64) -> u32 {
    let milliseconds = (now / MILLISECOND) as u32;
    if milliseconds.wrapping_sub(last) as i32 > 0 { milliseconds } else { last.wrapping_add(1) }
}

fn put<const N: usize>(bytes: &mut [u8], words: [u32; N]) {
    bytes.chunks_exact_mut(4).zip(words).for_each(|(place, word)| place.copy_from_slice(&word.to_le_bytes()));
}

fn words<const N: usize>(bytes: &[u8]) -> Option<[u32; N]> {
    let (found, _) = bytes.as_chunks::<4>();
    Some(found.first_chunk::<N>()?.map(u32::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode = Mode { number: 7, width: 640, height: 480, stride: 2560 };

    fn at(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    #[test]
    fn requests_come_back_as_they_went() {
        let to = at(1, 2, 3, u32::MAX);
        for request in [Request::Mode, Request::Present { mode: 9, to }, Request::Fill { mode: u32::MAX, to, colour: 0xff_eedd }] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        let bytes = Request::Fill { mode: 1, to, colour: 5 }.encode();
        for (place, value) in [(0, 1), (0, 3), (3, 1), (31, 1)] {
            let mut other = bytes;
            other[place] = value;
            assert_eq!(Request::decode(&other), None, "{place}");
        }
        assert_eq!(Request::decode(&bytes[..31]), None);
        let mut mode = Request::Mode.encode();
        mode[4] = 1;
        assert_eq!(Request::decode(&mode), None);
    }

    #[test]
    fn modes_and_replies_come_back_as_they_went() {
        assert_eq!((Mode::decode(&MODE.encode()), Mode::decode(&[0; 15])), (Some(MODE), None));
        assert!(Status::ALL.iter().all(|status| Status::of(&status.encode()) == *status));
        assert_eq!((Status::of(&[]), Status::of(&[9; 8])), (Status::Malformed, Status::Malformed));
    }

    #[test]
    fn no_number_comes_twice() {
        assert_eq!([next_number(0, 0), next_number(5, 5_999_999), next_number(5, 6_000_000), next_number(90, 6_000_000)], [1, 6, 6, 91]);
        let late = 1 << 32;
        assert_eq!(next_number(u32::MAX, late * 1_000_000), 0, "after 49 days it begins anew");
    }

    #[test]
    fn a_message_is_understood_or_answered_why_not() {
        let request = Request::Present { mode: 7, to: at(0, 0, 1, 1) };
        let message = [&request.encode()[..], &[1, 2, 3, 4]].concat();
        assert_eq!(MODE.understand(&message), Ok((request, &[1, 2, 3, 4][..])));
        assert_eq!([MODE.understand(&message[..HEADER]), MODE.understand(&message[..HEADER - 1]), MODE.understand(&[])], [Err(Status::Malformed); 3]);
        assert_eq!(Mode { number: 8, ..MODE }.understand(&message), Err(Status::Outdated));
        let reply = Status::Outdated.reply(&MODE);
        assert_eq!((Status::of(&reply), Mode::decode(&reply[REPLY..])), (Status::Outdated, Some(MODE)));
    }

    #[test]
    fn what_leaves_the_screen_is_refused() {
        let fill = |to| MODE.judge(Request::Fill { mode: 7, to, colour: 0 }, 0);
        assert_eq!([fill(MODE.all()), fill(at(639, 479, 1, 1)), fill(at(0, 100, 640, 380))], [Status::Done; 3]);
        assert_eq!([fill(at(639, 0, 2, 1)), fill(at(0, 480, 1, 1)), fill(at(u32::MAX, 0, 2, 1)), fill(at(0, 0, u32::MAX, u32::MAX))], [Status::OutOfRange; 4]);
        assert_eq!([fill(at(0, 0, 0, 1)), fill(at(0, 0, 1, 0))], [Status::Malformed; 2]);
    }

    #[test]
    fn pixels_are_exactly_those_of_the_rectangle() {
        let present = |mode, pixels| MODE.judge(Request::Present { mode, to: at(5, 5, 3, 2) }, pixels);
        assert_eq!([present(7, 24), present(7, 23), present(7, 0), present(7, 28)], [Status::Done, Status::Malformed, Status::Malformed, Status::Malformed]);
        assert_eq!(present(6, 24), Status::Outdated);
        assert_eq!(MODE.judge(Request::Fill { mode: 7, to: MODE.all(), colour: 0 }, 4), Status::Malformed);
        assert_eq!((MODE.judge(Request::Mode, 0), MODE.judge(Request::Mode, 1)), (Status::Done, Status::Malformed));
    }

    #[test]
    fn bands_are_all_of_a_rectangle_and_each_fits_in_a_request() {
        for whole in [at(3, 5, 1920, 1200), at(0, 0, 640, 1), at(0, 9, 1, 400_000), at(0, 0, 262_136, 2), at(1, 1, u32::MAX, 2)] {
            let (mut y, mut rows) = (whole.y, 0);
            for band in whole.bands() {
                assert_eq!((band.x, band.width, band.y), (whole.x, whole.width, y));
                assert!(band.height == 1 || band.bytes() <= (MOST - HEADER) as u64);
                (y, rows) = (y + band.height, rows + band.height);
            }
            assert_eq!(rows, whole.height);
        }
        assert_eq!((at(0, 0, 0, 9).bands().count(), at(0, 0, 9, 0).bands().count()), (1, 0));
    }
}
