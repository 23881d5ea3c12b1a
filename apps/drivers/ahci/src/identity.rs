//! What a disk says of itself (ATA8-ACS, section 7.16.7): its words, and whether the driver can use it.

use core::fmt;

/// Bytes of what IDENTIFY DEVICE answers.
pub const LENGTH: usize = 512;

/// A disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// How long it is, in sectors of 512 bytes.
    pub sectors: u64,
    /// What its maker calls it.
    pub model: Model,
}

/// Up to 40 characters that are printed, without the blanks behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model([u8; 40]);

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or("").trim_end())
    }
}

/// Why the driver cannot use a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no ATA device.
    NoDisk,
    /// It does not move data by DMA, to sectors of 48-bit addresses.
    Old,
    /// Its logical sectors have so many bytes.
    Sector(u64),
    /// It has no sectors.
    Empty,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::NoDisk => f.write_str("is no disk, though it says that it is one"),
            Unfit::Old => f.write_str("has no DMA with 48-bit addresses, and this driver nothing else"),
            Unfit::Sector(bytes) => write!(f, "has sectors of {bytes} bytes, and this driver takes none but those of 512"),
            Unfit::Empty => f.write_str("has no sectors"),
        }
    }
}

impl Identity {
    /// What the answer to IDENTIFY DEVICE says. Errors: why the driver cannot use the disk.
    pub fn of(answer: &[u8; LENGTH]) -> Result<Self, Unfit> {
        let word = |number: usize| u16::from_le_bytes([answer[2 * number], answer[2 * number + 1]]);
        let number = |first: usize, words: usize| (0..words).fold(0, |sum, at| sum | u64::from(word(first + at)) << (16 * at));
        let says = |at: usize, bits: u16| word(at) & (0xc000 | bits) == 0x4000 | bits; // words that say of themselves that they are valid
        let sector = if says(106, 1 << 12) { 2 * number(117, 2) } else { 512 };
        let sectors = number(100, 3);
        match () {
            () if word(0) & 1 << 15 != 0 => Err(Unfit::NoDisk),
            () if word(49) & 0x300 != 0x300 || !says(83, 1 << 10 | 1 << 13) => Err(Unfit::Old), // DMA, LBA; 48-bit addresses, FLUSH CACHE EXT
            () if sector != 512 => Err(Unfit::Sector(sector)),
            () if sectors == 0 => Err(Unfit::Empty),
            () => Ok(Self { sectors, model: model(answer) }),
        }
    }
}

/// Words 27 to 46, the first character of each in its upper half.
fn model(answer: &[u8; LENGTH]) -> Model {
    let mut model = [b' '; 40];
    for (place, pair) in model.chunks_exact_mut(2).zip(answer[54..94].chunks_exact(2)) {
        place.copy_from_slice(&[printed(pair[1]), printed(pair[0])]);
    }
    Model(model)
}

fn printed(byte: u8) -> u8 {
    if byte == b' ' || byte.is_ascii_graphic() { byte } else { b'?' }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate alloc;

    use super::*;
    use alloc::string::ToString;

    /// What a disk of so many sectors answers that has all that is needed.
    pub fn answer(sectors: u64) -> [u8; LENGTH] {
        let mut answer = [0; LENGTH];
        answer[54..94].fill(b' ');
        answer[54..58].copy_from_slice(b"iDks");
        for (number, word) in [(49, 0x300), (83, 0x6400), (100, sectors as u16), (101, (sectors >> 16) as u16), (102, (sectors >> 32) as u16)] {
            put(&mut answer, number, word);
        }
        answer
    }

    fn put(answer: &mut [u8; LENGTH], number: usize, word: u16) {
        answer[2 * number..][..2].copy_from_slice(&word.to_le_bytes());
    }

    fn changed(words: &[(usize, u16)]) -> Result<Identity, Unfit> {
        let mut answer = answer(0x1234_5678_9abc);
        words.iter().for_each(|&(number, word)| put(&mut answer, number, word));
        Identity::of(&answer)
    }

    #[test]
    fn a_disk_says_how_long_it_is_and_its_name() {
        let identity = changed(&[]).unwrap();
        assert_eq!((identity.sectors, identity.model.to_string().as_str()), (0x1234_5678_9abc, "Disk"));
        assert_eq!(changed(&[(103, 7)]).unwrap().sectors, 0x1234_5678_9abc, "addresses have 48 bits");
        assert_eq!(changed(&[(27, 0x1b07)]).unwrap().model.to_string(), "??sk");
    }

    #[test]
    fn what_the_driver_cannot_use() {
        assert_eq!(changed(&[(0, 0x8580)]), Err(Unfit::NoDisk));
        for old in [(49, 0x200), (49, 0x100), (83, 0x4400), (83, 0x6000), (83, 0x2400), (83, 0xffff)] {
            assert_eq!(changed(&[old]), Err(Unfit::Old), "{old:x?}");
        }
        assert_eq!(changed(&[(100, 0), (101, 0), (102, 0)]), Err(Unfit::Empty));
    }

    #[test]
    fn sectors_have_512_bytes_or_are_refused() {
        assert_eq!(changed(&[(106, 0x5000), (117, 2048), (118, 0)]), Err(Unfit::Sector(4096)));
        assert_eq!(changed(&[(106, 0x5000), (117, 0xffff), (118, 0xffff)]), Err(Unfit::Sector(0x1_ffff_fffe)));
        assert!(changed(&[(106, 0x5000), (117, 256), (118, 0)]).is_ok());
        assert!(changed(&[(106, 0x6003), (117, 2048)]).is_ok(), "longer physical sectors only");
        assert!(changed(&[(106, 0x1000), (117, 2048)]).is_ok(), "the word does not say that it is valid");
    }
}
