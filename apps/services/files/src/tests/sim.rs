//! A disk that loses what was not flushed, in any order; and clients of a store, as they ask it.

use crate::medium::{Blocks, Fault, Medium};
use crate::server;
use crate::store::Store;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use munal::files::client::Client;
use munal::files::{Badge, MOST, Path};
use spin::Mutex;

pub const SECTOR: usize = 512;
const CACHE: usize = 256 << 10;

/// Numbers that look like chance and come again (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

type Sectors = BTreeMap<u64, [u8; SECTOR]>;

#[derive(Debug, Default)]
struct State {
    lasting: Sectors,
    /// What was written since the last flush, in order.
    pending: Vec<(u64, [u8; SECTOR])>,
    /// How many more writes there are before the power goes; none where it stays.
    left: Option<u64>,
    writes: u64,
}

/// A disk whose power can go.
#[derive(Clone, Debug)]
pub struct Disk {
    capacity: u64,
    state: Arc<Mutex<State>>,
}

impl Disk {
    pub fn new(capacity: u64) -> Self {
        Self { capacity, state: Arc::default() }
    }

    /// Has the power go after so many more writes.
    pub fn end_after(&self, writes: u64) {
        self.state.lock().left = Some(writes);
    }

    pub fn writes(&self) -> u64 {
        self.state.lock().writes
    }

    /// The disk when the power is back: of what was not flushed, any sectors are there.
    pub fn after_loss(&self, chance: &mut Chance) -> Self {
        let state = self.state.lock();
        let mut lasting = state.lasting.clone();
        let kept = chance.below(5); // of four: none, some or all
        for (sector, bytes) in &state.pending {
            if chance.below(4) < kept {
                lasting.insert(*sector, *bytes);
            }
        }
        Self { capacity: self.capacity, state: Arc::new(Mutex::new(State { lasting, ..State::default() })) }
    }

    /// The disk with other bytes at a place, whether they were flushed or not.
    pub fn damage(&self, offset: u64, bytes: &[u8]) {
        let left = self.state.lock().left.take();
        self.write(offset, bytes, true).and_then(|()| self.flush()).unwrap();
        self.state.lock().left = left;
    }
}

impl State {
    fn sector(&self, number: u64) -> [u8; SECTOR] {
        let pending = self.pending.iter().rev().find(|(sector, _)| *sector == number).map(|(_, bytes)| *bytes);
        pending.or_else(|| self.lasting.get(&number).copied()).unwrap_or([0; SECTOR])
    }

    fn is_on(&self) -> Result<(), Fault> {
        if self.left == Some(0) { Err(Fault::Gone) } else { Ok(()) }
    }
}

impl Blocks for Disk {
    fn capacity(&self) -> Option<u64> {
        Some(self.capacity)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Fault> {
        assert!(offset + bytes.len() as u64 <= self.capacity);
        let state = self.state.lock();
        state.is_on()?;
        // What was written last is what is read: a copy of all that is touched, with the pending on top.
        let (first, last) = (offset / SECTOR as u64, (offset + bytes.len() as u64).div_ceil(SECTOR as u64));
        let mut whole = vec![0; (last - first) as usize * SECTOR];
        let mut put = |number: u64, sector: &[u8; SECTOR]| {
            if (first..last).contains(&number) {
                whole[(number - first) as usize * SECTOR..][..SECTOR].copy_from_slice(sector);
            }
        };
        state.lasting.range(first..last).for_each(|(number, sector)| put(*number, sector));
        state.pending.iter().for_each(|(number, sector)| put(*number, sector));
        bytes.copy_from_slice(&whole[(offset - first * SECTOR as u64) as usize..][..bytes.len()]);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8], _last: bool) -> Result<(), Fault> {
        assert!(offset + bytes.len() as u64 <= self.capacity);
        let mut state = self.state.lock();
        state.is_on()?;
        state.left = state.left.map(|left| left - 1);
        state.writes += 1;
        let mut at = 0;
        while at < bytes.len() {
            let place = offset + at as u64;
            let (number, within) = (place / SECTOR as u64, (place % SECTOR as u64) as usize);
            let part = (SECTOR - within).min(bytes.len() - at);
            let mut sector = if part == SECTOR { [0; SECTOR] } else { state.sector(number) };
            sector[within..within + part].copy_from_slice(&bytes[at..at + part]);
            state.pending.push((number, sector));
            at += part;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), Fault> {
        let mut state = self.state.lock();
        state.is_on()?;
        let pending = core::mem::take(&mut state.pending);
        state.lasting.extend(pending);
        Ok(())
    }
}

/// What may open a store.
pub fn open<B: Blocks>(blocks: B, life: u64) -> Store<B> {
    let medium = Medium::open(blocks).expect("takes it");
    Store::open(medium, CACHE, life, 1).expect("opens")
}

/// A client with all rights, from the outermost folder on.
pub const ALL: Badge<'static> = Badge { instance: "test", root: Path::ROOT, writes: true, quota: u64::MAX };

/// A client of a store that others use, too.
pub fn client<'a, B: Blocks>(store: &'a RefCell<Store<B>>, badge: Badge<'a>) -> Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + 'a> {
    client_with_room(store, badge, MOST)
}

/// A client whose requests and replies have less room.
pub fn client_with_room<'a, B: Blocks>(
    store: &'a RefCell<Store<B>>, badge: Badge<'a>, room: usize,
) -> Client<impl FnMut(&[u8], &mut [u8]) -> Option<usize> + 'a> {
    let mut whole = vec![0; MOST];
    let ask = move |request: &[u8], reply: &mut [u8]| {
        let length = server::answer(&mut store.borrow_mut(), Some(badge), request, 7, &mut whole);
        reply[..length].copy_from_slice(&whole[..length]);
        Some(length)
    };
    Client::new(ask, room)
}

pub fn path(text: &str) -> Path<'_> {
    Path::new(text).expect("is one")
}
