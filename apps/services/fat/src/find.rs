//! Where on a disk its FAT volume is: the disk itself, or the first partition with one, by a GUID partition table (UEFI specification
//! 2.10, chapter 5) or the older one of the PC; and what state it is in.

use crate::blank::make_where_blank;
use crate::sectors::Sectors;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::ControlFlow;
use hadris_fat::sync::{FatFs, check};
use hadris_fat::{CacheOptions, Detail, FatKind};
use hadris_fs::{Finding, MountOptions, Severity};
use hadris_io::{Error, ErrorKind};
use hadris_storage::Partition;
use hadris_storage::sync::BlockDevice;
use munal::block::SECTOR;

/// The most partitions that are looked at.
const MOST_PARTITIONS: usize = 128;
/// Places in long chains of clusters that are remembered.
const POSITIONS: usize = 256;
/// Bytes that a check works in: a bit for each of half a million clusters, then it goes round again.
const SCRATCH: usize = 65 << 10;
/// The most faults of a volume that are told one by one.
const MOST_TOLD: usize = 4;

/// A volume, as the library has it.
pub type Fat<D> = FatFs<Partition<Sectors<D>>>;

/// A volume that was found.
pub struct Found<D> {
    /// The volume.
    pub fat: Fat<D>,
    /// The partition that it is, from 1 on in the table's order; none where it is the whole disk.
    pub partition: Option<usize>,
    /// Whether it was made now, because the disk was blank.
    pub is_new: bool,
    /// What a check found, which is made where the volume was in use when power went. FAT12 has no mark of that, and is checked always;
    /// where it is well, nothing is said.
    pub checked: Option<Checked>,
}

/// What a check of a volume found.
#[derive(Default)]
pub struct Checked {
    /// The first faults, for a person.
    pub told: Vec<String>,
    /// How many there are.
    pub faults: usize,
    /// Whether one of them makes it dangerous to write: what is written next could be another file's.
    pub dangerous: bool,
}

/// Why there is no volume.
#[derive(Debug)]
pub enum Missing {
    /// The disk could not be read.
    Disk(String),
    /// There is one that cannot be used.
    Damaged(String),
    /// There is none.
    None,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(why) => write!(f, "cannot read the disk: {why}"),
            Self::Damaged(why) => write!(f, "the disk's FAT volume cannot be used: {why}"),
            Self::None => f.write_str("no FAT volume is on the disk, nor in a partition of it"),
        }
    }
}

impl Missing {
    /// What an error of the library means.
    pub(crate) fn of<E: fmt::Display>(error: &Error<E>) -> Self {
        match error.kind() {
            ErrorKind::Io => Self::Disk(error.to_string()),
            ErrorKind::NotRecognized => Self::None,
            _ => Self::Damaged(error.to_string()),
        }
    }
}

impl<D> Found<D> {
    /// In a few words which volume it is, for a person.
    pub fn describe(&self) -> String
    where
        D: BlockDevice,
    {
        let kind = match self.fat.info().kind() {
            FatKind::Fat12 => "FAT12",
            FatKind::Fat16 => "FAT16",
            FatKind::Fat32 => "FAT32",
            _ => "FAT",
        };
        let place = self.partition.map_or_else(|| "the whole disk".to_string(), |number| alloc::format!("partition {number}"));
        let access = if self.is_new { ", made now" } else if self.fat.is_read_only() { ", to read" } else { "" };
        alloc::format!("{kind}, {place}, {} MiB{access}", self.fat.info().data_end() >> 20)
    }
}

/// Finds the volume and mounts it; on a blank disk it is made. One that was in use when power went is checked; it is mounted to read where writing is dangerous.
pub fn find<D: BlockDevice>(sectors: &Sectors<D>, options: &MountOptions) -> Result<Found<D>, Missing> {
    let mut is_new = false;
    let place = match find_place(sectors, options) {
        Err(Missing::None) if make_where_blank(sectors, options.clock().now())? => {
            is_new = true;
            find_place(sectors, options)
        }
        place => place,
    };
    let (mut fat, device, partition) = place?;
    let is_marked = fat.was_dirty();
    let has_no_mark = fat.info().kind() == FatKind::Fat12;
    let checked = if is_marked || has_no_mark { Some(check_volume(device.clone())?) } else { None };
    let checked = checked.filter(|checked| is_marked || checked.faults > 0);
    match &checked {
        Some(checked) if checked.dangerous => fat = mount(device, &options.clone().read_only())?,
        Some(checked) if checked.faults == 0 && !fat.is_read_only() => fat.mark_clean().map_err(|error| Missing::of(&error))?,
        _ => {}
    }
    Ok(Found { fat: fat.with_cache(CacheOptions::new().with_blocks(0).with_chain_positions(POSITIONS)), partition, is_new, checked })
}

type Place<D> = (Fat<D>, Partition<Sectors<D>>, Option<usize>);

fn find_place<D: BlockDevice>(sectors: &Sectors<D>, options: &MountOptions) -> Result<Place<D>, Missing> {
    let whole = Partition::new(sectors.clone(), 0, sectors.block_count().saturating_mul(SECTOR as u64));
    let mut worst = match mount(whole.clone(), options) {
        Ok(fat) => return Ok((fat, whole, None)),
        Err(why @ Missing::Disk(_)) => return Err(why),
        Err(why) => why,
    };
    for (number, device) in (1..).zip(partitions(sectors)?) {
        match mount(device.clone(), options) {
            Ok(fat) => return Ok((fat, device, Some(number))),
            Err(why @ Missing::Disk(_)) => return Err(why),
            Err(Missing::None) => {}
            Err(why) => worst = why,
        }
    }
    Err(worst)
}

/// The partitions that lie on the disk; none where it has no table, or one that is none.
fn partitions<D: BlockDevice>(sectors: &Sectors<D>) -> Result<Vec<Partition<Sectors<D>>>, Missing> {
    let mut found = Vec::new();
    let scanned = hadris_part::sync::scan(&mut sectors.clone(), |partition| {
        found.extend(hadris_part::sync::open(sectors.clone(), &partition));
        if found.len() < MOST_PARTITIONS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    match scanned {
        Err(error) if error.kind() == ErrorKind::Io => Err(Missing::Disk(error.to_string())),
        _ => Ok(found),
    }
}

fn mount<D: BlockDevice>(device: Partition<Sectors<D>>, options: &MountOptions) -> Result<Fat<D>, Missing> {
    FatFs::mount(device, options.clone()).map_err(|error| Missing::of(error.error()))
}

fn check_volume<D: BlockDevice>(mut device: Partition<Sectors<D>>) -> Result<Checked, Missing> {
    let mut checked = Checked::default();
    check(&mut device, &mut vec![0; SCRATCH], |finding| checked.note(finding)).map_err(|error| Missing::of(&error))?;
    Ok(checked)
}

impl Checked {
    fn note(&mut self, finding: &Finding<'_>) {
        if finding.severity() == Severity::Notice {
            return; // that it was in use is known, and the number of free clusters is no more than a hint
        }
        self.faults += 1;
        self.dangerous |= !is_harmless(finding);
        if self.told.len() < MOST_TOLD {
            self.told.push(finding.to_string());
        }
    }
}

/// Whether nothing is lost by writing on: room is wasted, or a file is shorter than it says.
fn is_harmless(finding: &Finding<'_>) -> bool {
    use Detail::{FatCopiesDiffer, FreeCount, FsInfo, LostClusters, OrphanLfn, SizeMismatch};
    matches!(Detail::from_code(finding.detail()), Some(FatCopiesDiffer | FreeCount | FsInfo | LostClusters | OrphanLfn | SizeMismatch))
}
