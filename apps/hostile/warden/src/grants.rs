//! What the warden reads in the words of grants, as audit gives them: a line each, like `control wards: loop, grow`.

use alloc::string::String;
use alloc::vec::Vec;

/// The instances that a line of `control` names.
pub fn controlled(grants: &str) -> Vec<String> {
    after(grants, "control ").map(|names| names.split(", ").map(String::from).collect()).unwrap_or_default()
}

/// Whether there is a line that asks the service `name`, given as `instance.service`.
pub fn asks(grants: &str, name: &str) -> bool {
    grants.lines().any(|line| line.starts_with("service ") && line.ends_with(name) && line[..line.len() - name.len()].ends_with(": asks "))
}

/// The share of the processor.
pub fn share(grants: &str) -> &str {
    after(grants, "cpu").unwrap_or("not told")
}

/// What follows the colon in the first line that starts with `words`.
fn after<'a>(grants: &'a str, words: &str) -> Option<&'a str> {
    grants.lines().find(|line| line.starts_with(words))?.split_once(": ").map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTS: &str = "service cases: asks warden.cases\ncontrol wards: loop, log-flood\nmemory: at most 64 KiB\ncpu: at most 20 %\n";

    #[test]
    fn lines_are_found() {
        assert_eq!(controlled(GRANTS), ["loop", "log-flood"]);
        assert_eq!(share(GRANTS), "at most 20 %");
        assert!(asks(GRANTS, "warden.cases"));
    }

    #[test]
    fn other_lines_are_not_taken_for_them() {
        assert!(controlled("log log: write\n").is_empty());
        assert!(!asks(GRANTS, "den.cases") && !asks(GRANTS, "warden.case"));
    }
}
