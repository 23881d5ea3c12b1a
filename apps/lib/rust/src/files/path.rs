//! Paths: where a file or a folder is, below the folder that a client was granted.

/// Bytes of a path at most.
pub const PATH_MOST: usize = 1024;
/// Bytes of one part of it at most.
pub const PART_MOST: usize = 255;
/// Parts of a path at most.
pub const PARTS_MOST: usize = 32;

/// A path: parts with `/` between them, none before and none behind. The empty one is the folder that the client was granted.
///
/// A part is UTF-8, has 1 to `PART_MOST` bytes without control characters, and is neither `.` nor `..`: a path leads only down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path<'a>(&'a str);

impl<'a> Path<'a> {
    /// The folder that the client was granted.
    pub const ROOT: Path<'static> = Path("");

    /// The path that a text is; none where it is none.
    pub fn new(text: &'a str) -> Option<Self> {
        let fits = text.len() <= PATH_MOST && text.split('/').all(is_part) && text.split('/').count() <= PARTS_MOST;
        (text.is_empty() || fits).then_some(Self(text))
    }

    /// As `new`, from bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        core::str::from_utf8(bytes).ok().and_then(Self::new)
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it is the folder that the client was granted.
    pub const fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// Its parts, from the outermost folder on.
    pub fn parts(self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The folder that it is in, and its name there; none for the granted folder.
    pub fn split(self) -> Option<(Self, &'a str)> {
        if self.is_root() {
            return None;
        }
        Some(self.0.rsplit_once('/').map_or((Self(""), self.0), |(folder, name)| (Self(folder), name)))
    }

    /// Whether it is the folder `other`, or below it.
    pub fn is_within(self, other: Path<'_>) -> bool {
        other.is_root() || self.0.strip_prefix(other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether a text can be one part of a path.
pub fn is_part(text: &str) -> bool {
    (1..=PART_MOST).contains(&text.len()) && text != "." && text != ".." && !text.contains(|c: char| c == '/' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn a_path_leads_only_down() {
        for text in ["", "a", "a/b", "ä/ö ü", "...", "a.b/.c", "..a"] {
            assert_eq!(Path::new(text).map(Path::as_str), Some(text), "{text}");
        }
        for text in ["/", "/a", "a/", "a//b", ".", "..", "a/..", "a/./b", "../a", "a\0", "a\nb", "\u{7f}", "\u{9b}1m"] {
            assert_eq!(Path::new(text), None, "{text:?}");
        }
        assert_eq!((Path::from_bytes(b"\xff"), Path::from_bytes(b"a\xc3")), (None, None));
    }

    #[test]
    fn paths_and_their_parts_are_bounded() {
        let part = "x".repeat(PART_MOST);
        assert!(Path::new(&part).is_some() && Path::new(&(part + "x")).is_none());
        let parts = std::vec!["x"; PARTS_MOST].join("/");
        assert!(Path::new(&parts).is_some() && Path::new(&(parts + "/x")).is_none());
        let long: String = std::vec!["y".repeat(PART_MOST); 4].join("/");
        assert!(long.len() == PATH_MOST - 1 && Path::new(&long).is_some());
        assert!(Path::new(&(long.clone() + "yy")).is_none() && Path::new(&(long + "/y")).is_none());
    }

    #[test]
    fn a_path_is_taken_apart() {
        let path = Path::new("a/b/c").expect("is one");
        assert_eq!(path.parts().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(path.split().map(|(folder, name)| (folder.as_str(), name)), Some(("a/b", "c")));
        assert_eq!(Path("c").split(), Some((Path::ROOT, "c")));
        assert_eq!((Path::ROOT.split(), Path::ROOT.parts().count()), (None, 0));
    }

    #[test]
    fn what_begins_with_the_same_letters_is_not_within() {
        let within = |path, folder| Path(path).is_within(Path(folder));
        assert!(within("a/b", "a") && within("a", "a") && within("a", "") && within("", ""));
        assert!(!within("ab", "a") && !within("a", "a/b") && !within("", "a"));
    }
}
