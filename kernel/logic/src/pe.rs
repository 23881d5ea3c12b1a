//! The sections of a PE32+ image in memory (Microsoft PE format, sections 2 to 4): the kernel reads its own.
/// A section: its name without the padding, where it lies from the image's start, and what its pages may be used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    pub name: &'a [u8],
    pub start: usize,
    pub length: usize,
    pub writable: bool,
    pub executable: bool,
}

const EXECUTE: u32 = 0x2000_0000;
const WRITE: u32 = 0x8000_0000;
const HEADER: usize = 40;

fn number(image: &[u8], at: usize, count: usize) -> Option<usize> {
    let bytes = image.get(at..at.checked_add(count)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

/// The sections that `image`'s headers list; none where the headers are damaged. A section that leaves the image ends the list.
pub fn sections(image: &[u8]) -> impl Iterator<Item = Section<'_>> {
    let (first, count) = table(image).unwrap_or((0, 0));
    (0..count).map_while(move |index| section(image, first + index * HEADER))
}

/// Where the section with this name lies in the image.
pub fn find(image: &[u8], name: &[u8]) -> Option<core::ops::Range<usize>> {
    sections(image).find(|section| section.name == name).map(|section| section.start..section.start + section.length)
}

/// Where the section headers begin, and how many they are.
fn table(image: &[u8]) -> Option<(usize, usize)> {
    let header = number(image, 0x3c, 4)?;
    let signature = image.get(header..header.checked_add(4)?)?;
    let (count, optional) = (number(image, header + 6, 2)?, number(image, header + 20, 2)?);
    (signature == b"PE\0\0").then_some((header + 24 + optional, count))
}

fn section(image: &[u8], at: usize) -> Option<Section<'_>> {
    let name = image.get(at..at + 8)?;
    let name = &name[..name.iter().position(|&byte| byte == 0).unwrap_or(8)];
    let (length, start, flags) = (number(image, at + 8, 4)?, number(image, at + 12, 4)?, number(image, at + 36, 4)? as u32);
    image.get(start..start.checked_add(length)?)?;
    Some(Section { name, start, length, writable: flags & WRITE != 0, executable: flags & EXECUTE != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    fn image(start: u32, length: u32) -> Vec<u8> {
        let mut made = vec![0; 0x2000];
        made[0x3c] = 64;
        made[64..68].copy_from_slice(b"PE\0\0");
        made[70] = 1;
        made[84] = 240;
        let at = 64 + 24 + 240;
        made[at..at + 6].copy_from_slice(b".munal");
        made[at + 8..at + 12].copy_from_slice(&length.to_le_bytes());
        made[at + 12..at + 16].copy_from_slice(&start.to_le_bytes());
        made[at + 36..at + 40].copy_from_slice(&0x4000_0040u32.to_le_bytes());
        made
    }

    #[test]
    fn a_section_is_found_with_its_rights() {
        let made = image(0x1000, 0x1000);
        assert_eq!(sections(&made).collect::<Vec<_>>(), [Section { name: b".munal", start: 0x1000, length: 0x1000, writable: false, executable: false }]);
        assert_eq!(find(&made, b".munal"), Some(0x1000..0x2000));
        assert_eq!(find(&made, b".muna"), None);
    }

    #[test]
    fn a_section_that_leaves_the_image_is_none() {
        assert_eq!(sections(&image(0x1000, 0x1001)).count(), 0);
        assert_eq!(sections(&image(u32::MAX, u32::MAX)).count(), 0);
        assert_eq!(sections(&[0; 64]).count(), 0);
    }
}
