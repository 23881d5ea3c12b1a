use super::*;
extern crate std;
use hadris_io::ErrorKind;
use std::vec::Vec;

const SECTORS: u64 = 1003;

/// A disk whose sectors begin with what they hold, which notes the writes and flushes that it gets.
struct Noted {
    bytes: Vec<u8>,
    notes: Rc<RefCell<Notes>>,
}

#[derive(Default)]
struct Notes {
    reads: usize,
    /// First sectors and lengths; a flush has none.
    writes: Vec<(u64, u64)>,
    fails: bool,
}

impl ErrorType for Noted {
    type Error = core::convert::Infallible;
}

impl BlockDevice for Noted {
    fn block_size(&self) -> BlockSize {
        BlockSize::new(512).expect("is not zero")
    }

    fn block_count(&self) -> u64 {
        SECTORS
    }

    fn writable(&self) -> bool {
        true
    }

    fn read_blocks(&mut self, first: BlockIndex, buf: &mut [u8]) -> Result<(), Error<Self::Error>> {
        self.notes.borrow_mut().reads += 1;
        let at = first.get() as usize * SECTOR;
        buf.copy_from_slice(self.bytes.get(at..at + buf.len()).ok_or(ErrorKind::InvalidInput)?);
        Ok(())
    }

    fn write_blocks(&mut self, first: BlockIndex, buf: &[u8]) -> Result<(), Error<Self::Error>> {
        let mut notes = self.notes.borrow_mut();
        if notes.fails {
            return Err(ErrorKind::Io.into());
        }
        notes.writes.push((first.get(), sectors(buf)));
        let at = first.get() as usize * SECTOR;
        self.bytes.get_mut(at..at + buf.len()).ok_or(ErrorKind::InvalidInput)?.copy_from_slice(buf);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error<Self::Error>> {
        self.notes.borrow_mut().writes.push((0, 0));
        Ok(())
    }
}

fn disk() -> (Sectors<Noted>, Rc<RefCell<Notes>>) {
    let notes = Rc::new(RefCell::new(Notes::default()));
    (Sectors::new(Noted { bytes: std::vec![0; SECTORS as usize * SECTOR], notes: notes.clone() }), notes)
}

fn write(disk: &mut Sectors<Noted>, first: u64, count: usize, what: u8) {
    disk.write_blocks(BlockIndex::new(first), &std::vec![what; count * SECTOR]).expect("writes");
}

fn read(disk: &mut Sectors<Noted>, first: u64, count: usize) -> Vec<u8> {
    let mut bytes = std::vec![0xff; count * SECTOR];
    disk.read_blocks(BlockIndex::new(first), &mut bytes).expect("reads");
    bytes.iter().step_by(SECTOR).copied().collect()
}

#[test]
fn neighbours_are_written_together_and_nothing_overtakes() {
    let (mut disk, notes) = disk();
    for (first, count) in [(10, 1), (11, 2), (9, 1), (10, 1), (500, 1), (12, 1), (13, 100), (113, 1)] {
        write(&mut disk, first, count, 1);
    }
    disk.settle().expect("settles");
    assert_eq!(notes.borrow().writes, [(9, 4), (500, 1), (12, 1), (13, 100), (113, 1)]);
}

#[test]
fn a_flush_comes_after_what_was_held_back() {
    let (mut disk, notes) = disk();
    write(&mut disk, 7, 1, 1);
    assert_eq!(notes.borrow().writes, []);
    disk.flush().expect("flushes");
    disk.flush().expect("flushes");
    assert_eq!(notes.borrow().writes, [(7, 1), (0, 0), (0, 0)]);
}

#[test]
fn what_was_read_is_not_read_again_and_pages_are_bounded() {
    let (mut disk, notes) = disk();
    (0..8).for_each(|sector| drop(read(&mut disk, sector, 1)));
    assert_eq!(notes.borrow().reads, 1);
    (0..SECTORS).for_each(|sector| drop(read(&mut disk, sector, 1)));
    assert_eq!(notes.borrow().reads, SECTORS.div_ceil(PAGE) as usize);
    assert_eq!(disk.0.borrow().pages.len(), PAGES);
    read(&mut disk, 0, 1);
    assert_eq!(notes.borrow().reads, SECTORS.div_ceil(PAGE) as usize + 1, "the first page was used first");
}

#[test]
fn what_leaves_the_disk_is_an_error() {
    let (mut disk, _) = disk();
    for (first, count) in [(SECTORS, 1), (SECTORS - 1, 2), (SECTORS - 1, 20), (SECTORS + 100, 1)] {
        assert!(disk.read_blocks(BlockIndex::new(first), &mut std::vec![0; count * SECTOR]).is_err(), "{first} {count}");
    }
}

#[test]
fn what_could_not_be_written_is_held_until_it_can() {
    let (mut disk, notes) = disk();
    write(&mut disk, 3, 1, 9);
    notes.borrow_mut().fails = true;
    assert!(disk.settle().is_err() && disk.flush().is_err());
    notes.borrow_mut().fails = false;
    disk.flush().expect("flushes");
    assert_eq!(notes.borrow().writes, [(3, 1), (0, 0)]);
}

#[test]
fn what_a_disk_took_in_part_is_read_anew() {
    let (mut disk, notes) = disk();
    read(&mut disk, 0, 8);
    read(&mut disk, 200, 1);
    notes.borrow_mut().fails = true;
    assert!(disk.write_blocks(BlockIndex::new(7), &[1; 100 * SECTOR]).is_err());
    let before = notes.borrow().reads;
    read(&mut disk, 0, 8);
    read(&mut disk, 200, 1);
    assert_eq!(notes.borrow().reads, before + 1);
}

/// Against plain memory, with as many kinds of overlap as chance finds.
#[test]
fn reads_see_what_was_written_last() {
    let (mut disk, _) = disk();
    let mut model = std::vec![0u8; SECTORS as usize];
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for step in 0..20_000u64 {
        let near = random(40) + if random(4) == 0 { random(SECTORS - 40) } else { 0 };
        let count = (1 + if random(10) == 0 { random(120) } else { random(6) }).min(SECTORS - near);
        let range = near as usize..(near + count) as usize;
        match random(8) {
            0..4 => assert_eq!(read(&mut disk, near, count as usize), model[range]),
            7 => disk.settle().expect("settles"),
            _ => {
                write(&mut disk, near, count as usize, step as u8);
                model[range].fill(step as u8);
            }
        }
    }
    disk.flush().expect("flushes");
    let at_rest: Vec<u8> = disk.0.borrow().disk.bytes.iter().step_by(SECTOR).copied().collect();
    assert_eq!(at_rest, model);
}
