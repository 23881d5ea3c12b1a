//! What of the driver needs no device: where a frame lies in a buffer, and which page each request has.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::{fmt, ops::Range};
use munal::ethernet::{LARGEST, is_frame};
use virtio::Fault;

/// Bytes before each frame, which say of segments and check sums where those were agreed on: noughts here (section 5.1.6).
pub const HEADER: usize = 12;
/// Bytes of a buffer for what comes: the header and the longest frame (section 5.1.6.3.1).
pub const BUFFER: usize = HEADER + LARGEST;

/// Why a network device does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// As any virtio device.
    Device(Fault),
    /// The address that it says is not that of one station.
    Nameless,
    /// What it says of a frame cannot be.
    Nonsense,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Device(fault)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Device(fault) => fault.fmt(f),
            Problem::Nameless => f.write_str("the device does not say by which address it is reached"),
            Problem::Nonsense => f.write_str("the device says of a frame what cannot be: it is left alone"),
        }
    }
}

/// Where in a buffer the frame lies of which the device says that it wrote so many bytes with its header; none where that is no
/// frame that clients are given.
///
/// Errors: it wrote no header, or more than the buffer has.
pub fn received(written: u32) -> Result<Option<Range<usize>>, Problem> {
    match usize::try_from(written) {
        Ok(end @ HEADER..=BUFFER) => Ok(is_frame(end - HEADER).then_some(HEADER..end)),
        _ => Err(Problem::Nonsense),
    }
}

/// The pages of one queue: those that nothing uses, and which request has each other one.
pub struct Pages {
    free: Vec<usize>,
    /// By request.
    held: Vec<Option<usize>>,
}

impl Pages {
    /// The pages of this range, for a queue of so many descriptors.
    pub fn new(pages: Range<usize>, descriptors: u16) -> Self {
        Self { free: pages.rev().collect(), held: alloc::vec![None; usize::from(descriptors)] }
    }

    /// A page that nothing uses; it stays so until a request has it.
    pub fn next(&self) -> Option<usize> {
        self.free.last().copied()
    }

    /// How many pages nothing uses.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Gives the page that is next to a request.
    pub fn give(&mut self, request: u16) {
        self.held[usize::from(request)] = self.free.pop();
    }

    /// Takes back a request's page, which is the next one now.
    pub fn take(&mut self, request: u16) -> Option<usize> {
        let page = self.held.get_mut(usize::from(request))?.take()?;
        self.free.push(page);
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_lies_behind_its_header() {
        assert_eq!(received(12 + 14), Ok(Some(12..26)));
        assert_eq!(received(12 + 1514), Ok(Some(12..1526)));
        assert_eq!((received(12), received(25)), (Ok(None), Ok(None)), "too short to be a frame");
        for written in [0, 11, 1527, 4096, u32::MAX] {
            assert_eq!(received(written), Err(Problem::Nonsense), "{written}");
        }
    }

    #[test]
    fn each_page_is_one_requests_or_free() {
        let mut pages = Pages::new(3..5, 8);
        assert_eq!(pages.next(), Some(3));
        pages.give(7);
        assert_eq!(pages.next(), Some(4));
        pages.give(0);
        assert_eq!((pages.next(), pages.take(1), pages.take(8)), (None, None, None), "nobody gave those");
        assert_eq!((pages.take(7), pages.take(7), pages.next()), (Some(3), None, Some(3)));
        pages.give(2);
        assert_eq!(pages.free(), 0);
        assert_eq!((pages.take(2), pages.take(0), pages.next(), pages.free()), (Some(3), Some(4), Some(4), 2));
    }
}
