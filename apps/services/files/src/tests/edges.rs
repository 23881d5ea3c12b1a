//! A disk's sectors around what is written stay as they were, wherever that begins and ends.

use crate::disk::Disk;
use crate::medium::Blocks;
use alloc::vec;
use alloc::vec::Vec;
use munal::block::{HEADER, Info, REPLY, Request, SECTOR, Status};

/// Sectors of the disk, and of one request to it.
const SECTORS: usize = 8;
const MOST: u32 = 3;
static BYTES: spin::Mutex<Vec<u8>> = spin::Mutex::new(Vec::new());

fn ask(request: &[u8], reply: &mut [u8]) -> Option<usize> {
    let info = Info { sectors: SECTORS as u64, most: MOST, read_only: false };
    let what = Request::decode(request)?;
    assert_eq!(info.judge(what, request.len() - HEADER), Status::Done);
    let range = |sector: u64, count: u32| sector as usize * SECTOR..(sector as usize + count as usize) * SECTOR;
    let mut bytes = BYTES.lock();
    let answer = match what {
        Request::Info => info.encode().to_vec(),
        Request::Read { sector, count } => bytes[range(sector, count)].to_vec(),
        Request::Write { sector, count } => {
            bytes[range(sector, count)].copy_from_slice(&request[HEADER..]);
            Vec::new()
        }
        Request::Flush => Vec::new(),
    };
    reply[..REPLY].copy_from_slice(&Status::Done.encode());
    reply[REPLY..REPLY + answer.len()].copy_from_slice(&answer);
    Some(REPLY + answer.len())
}

#[test]
fn what_lies_around_what_is_written_stays() {
    let mut model: Vec<u8> = (0..SECTORS * SECTOR).map(|at| (at % 251) as u8).collect();
    *BYTES.lock() = model.clone();
    let disk = Disk::open(ask).expect("answers");
    assert_eq!((disk.capacity(), disk.is_read_only()), (Some(model.len() as u64), false));
    let edges = [0, 1, SECTOR - 1, SECTOR, SECTOR + 1, 3 * SECTOR - 1, 3 * SECTOR, 3 * SECTOR + 1, 5 * SECTOR + 7, 8 * SECTOR];
    for (number, (&start, &end)) in edges.iter().flat_map(|start| edges.iter().map(move |end| (start, end))).filter(|(start, end)| start < end).enumerate() {
        let data: Vec<u8> = (start..end).map(|at| (at * 7 + number) as u8).collect();
        model[start..end].copy_from_slice(&data);
        disk.write(start as u64, &data, true).expect("writes");
        assert_eq!(*BYTES.lock(), model, "{start}..{end}");
        let mut found = vec![0; end - start];
        disk.read(start as u64, &mut found).expect("reads");
        assert_eq!(found, data);
    }
    disk.flush().expect("flushes");
}
