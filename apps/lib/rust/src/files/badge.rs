//! What a provider of `files` is told with each request: whose grant it is made by, and what that allows (docs/formats.md).

use super::Path;

/// The version of the format, and bytes before its texts.
const VERSION: u8 = 1;
const HEADER: usize = 16;
/// Bits of the access.
const READ: u8 = 1;
const BOTH: u8 = 3;

/// The most bytes of a badge.
pub const BADGE_MOST: usize = 2048;

/// A grant of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge<'a> {
    /// Which instance is granted it.
    pub instance: &'a str,
    /// The folder that its paths begin at, from the root of what the provider keeps.
    pub root: Path<'a>,
    /// Whether it may change what is there.
    pub writes: bool,
    /// The most bytes below the folder for the instance to write; `u64::MAX` for no limit.
    pub quota: u64,
}

impl<'a> Badge<'a> {
    /// The badge that these bytes are; none where they are none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&[VERSION, access @ (READ | BOTH), a, b, c, d, 0, 0, quota @ ..], texts) = bytes.split_first_chunk::<HEADER>()? else {
            return None;
        };
        let (name, path) = texts.split_at_checked(usize::from(u16::from_le_bytes([a, b])))?;
        let path = path.strip_prefix(b"/").filter(|rest| rest.len() + 1 == usize::from(u16::from_le_bytes([c, d])))?;
        let (instance, root) = (core::str::from_utf8(name).ok()?, Path::from_bytes(path)?);
        Some(Self { instance, root, writes: access == BOTH, quota: u64::from_le_bytes(quota) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn bytes(access: u8, name: &str, path: &str) -> Vec<u8> {
        let mut bytes = std::vec![VERSION, access];
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend((path.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(77u64.to_le_bytes());
        bytes.extend(name.bytes().chain(path.bytes()));
        bytes
    }

    #[test]
    fn a_badge_is_read_as_the_composer_writes_it() {
        let bytes = bytes(3, "shell", "/home/notes");
        let badge = Badge::decode(&bytes).expect("is one");
        assert_eq!((badge.instance, badge.root.as_str(), badge.writes, badge.quota), ("shell", "home/notes", true, 77));
        for length in 0..bytes.len() {
            assert_eq!(Badge::decode(&bytes[..length]), None, "cut to {length}");
        }
    }

    #[test]
    fn all_of_it_is_the_empty_path_and_reading_is_less_than_both() {
        let bytes = bytes(1, "a", "/");
        assert_eq!(Badge::decode(&bytes).map(|badge| (badge.root, badge.writes)), Some((Path::ROOT, false)));
    }

    #[test]
    fn what_is_none_is_none() {
        for (access, path) in [(0, "/"), (2, "/"), (4, "/"), (3, ""), (3, "a"), (3, "/.."), (3, "//")] {
            assert_eq!(Badge::decode(&bytes(access, "a", path)), None, "{access} {path}");
        }
        let mut later = bytes(3, "a", "/");
        later[0] = 2;
        assert_eq!(Badge::decode(&later), None);
    }
}
