//! Where commands find files: `/disk/notes/a` is `notes/a` of what is granted as `disk`.

use alloc::string::String;
use alloc::vec::Vec;
use munal::files::Path;

/// A path of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of what is granted, and the path there, with a slash between them.
    text: String,
    /// Bytes of the name.
    mount: usize,
}

impl Place {
    /// The place that a word names; slashes before it, behind it and next to each other are one too many. None where there can be none,
    /// and for `/`, which is where places are.
    pub fn new(word: &str) -> Option<Self> {
        let parts: Vec<&str> = word.split('/').filter(|part| !part.is_empty()).collect();
        let place = Self { text: parts.join("/"), mount: parts.first()?.len() };
        Path::new(place.rest()).is_some().then_some(place)
    }

    /// The name of what is granted.
    pub fn mount(&self) -> &str {
        &self.text[..self.mount]
    }

    /// Where it is there.
    pub fn path(&self) -> Path<'_> {
        Path::new(self.rest()).unwrap_or(Path::ROOT)
    }

    /// The place of what has the same name as `other`, within this folder; as it is where the other has none.
    pub fn with_name_of(self, other: &Place) -> Option<Self> {
        match other.path().split() {
            Some((_, name)) => Self::new(&[&self.text, "/", name].concat()),
            None => Some(self),
        }
    }

    fn rest(&self) -> &str {
        self.text[self.mount..].trim_start_matches('/')
    }
}

/// Where what a command says goes instead of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection<'a> {
    /// The file.
    pub to: &'a str,
    /// Whether it goes behind what is there.
    pub behind: bool,
}

impl<'a> Redirection<'a> {
    /// Words without the `> FILE` at their end, and that; none where there is a `>` and not one file.
    pub fn split<'w>(words: &'w [&'a str]) -> Option<(&'w [&'a str], Option<Self>)> {
        let Some(at) = words.iter().position(|word| word.starts_with('>')) else { return Some((words, None)) };
        let (before, last) = words.split_at(at);
        let (to, behind) = match last {
            [">", to] => (*to, false),
            [">>", to] => (*to, true),
            [joined] => joined.strip_prefix(">>").map(|to| (to, true)).or_else(|| Some((joined.strip_prefix('>')?, false)))?,
            _ => return None,
        };
        (!to.is_empty() && !to.starts_with('>')).then_some((before, Some(Self { to, behind })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_grant_and_a_path() {
        for (word, mount, path) in [("/disk/a/b", "disk", "a/b"), ("disk", "disk", ""), ("//ram///x/", "ram", "x"), ("/disk/", "disk", "")] {
            let place = Place::new(word).expect("is one");
            assert_eq!((place.mount(), place.path().as_str()), (mount, path), "{word}");
        }
        for word in ["", "/", "/disk/..", "/disk/a/./b", "/disk/\u{1b}"] {
            assert_eq!(Place::new(word), None, "{word}");
        }
    }

    #[test]
    fn what_goes_into_a_folder_keeps_its_name() {
        let file = Place::new("/ram/x/name").expect("is one");
        let into = |word: &str| Place::new(word).and_then(|folder| folder.with_name_of(&file));
        assert_eq!((into("/disk/f"), into("/disk/")), (Place::new("/disk/f/name"), Place::new("/disk/name")));
        assert_eq!(file.clone().with_name_of(&Place::new("/disk").expect("is one")), Some(file));
    }

    #[test]
    fn what_is_said_goes_to_the_one_file_behind_an_arrow() {
        let split = |line: &'static str| {
            let words: alloc::vec::Vec<&str> = line.split(' ').collect();
            Redirection::split(&words).map(|(before, to)| (before.join(" "), to.map(|it| (it.to, it.behind))))
        };
        assert_eq!(split("a b"), Some(("a b".into(), None)));
        assert_eq!(split("a b > f"), Some(("a b".into(), Some(("f", false)))));
        assert_eq!(split("a >> f"), Some(("a".into(), Some(("f", true)))));
        assert_eq!(split("a >>f"), Some(("a".into(), Some(("f", true)))));
        assert_eq!(split(">f"), Some(("".into(), Some(("f", false)))));
        for line in ["a >", "a > f g", "a >> > f", "a >>>f", "a > >f"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
