//! A disk that nobody wrote to yet becomes one with a FAT volume, without partitions, as a card for a camera is.

use crate::find::Missing;
use crate::sectors::Sectors;
use alloc::vec;
use hadris_fat::sync::format;
use hadris_fat::{FatOptions, VolumeLabel};
use hadris_fs::DateTime;
use hadris_storage::BlockIndex;
use hadris_storage::sync::BlockDevice;
use munal::block::SECTOR;

/// Sectors at a disk's start that file systems and partition tables have their marks in, and at its end: the second copy of a GUID
/// partition table is there (UEFI specification 2.10, section 5.3.1).
const HEAD: u64 = 256;
const TAIL: u64 = 34;

/// What a volume that is made here is called.
const LABEL: &str = "MUNAL";

/// Makes a volume of the whole disk, where the disk may be written and its start and its end are zeros; whether it did.
pub fn make_where_blank<D: BlockDevice>(sectors: &Sectors<D>, now: DateTime) -> Result<bool, Missing> {
    if !sectors.writable() || !is_blank(sectors)? {
        return Ok(false);
    }
    let label = VolumeLabel::new(LABEL).map_err(|error| Missing::Damaged(alloc::format!("{error}")))?;
    let options = FatOptions::new().with_label(label).with_time(now);
    format(&mut sectors.clone(), &options).map_err(|error| Missing::of(&error))?;
    Ok(true)
}

fn is_blank<D: BlockDevice>(sectors: &Sectors<D>) -> Result<bool, Missing> {
    let end = sectors.block_count();
    Ok(end > HEAD + TAIL && is_zeros(sectors, 0, HEAD)? && is_zeros(sectors, end - TAIL, TAIL)?)
}

fn is_zeros<D: BlockDevice>(sectors: &Sectors<D>, first: u64, count: u64) -> Result<bool, Missing> {
    let mut bytes = vec![0; count as usize * SECTOR];
    sectors.clone().read_blocks(BlockIndex::new(first), &mut bytes).map_err(|error| Missing::of(&error))?;
    Ok(bytes.iter().all(|byte| *byte == 0))
}
