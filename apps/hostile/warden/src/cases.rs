//! The test cases of one client: which one is next, and what became of those that it was given.
//!
//! A case is answered (a count, or an error that the interface names), or its client ends, which takes a sentence of the
//! kernel's, or it waits, and is ended from outside.

use alloc::format;
use alloc::string::String;
use munal::cases::Request;

/// How it stands with one client's cases.
#[derive(Debug, Default)]
pub struct Cases {
    total: Option<u32>,
    next: u32,
    /// The case that was given and has not come back.
    open: Option<u32>,
    /// It was ended from outside, because it waited.
    cut_short: bool,
    /// It left by itself, with success.
    left: bool,
    answered: u32,
    ended: u32,
    waited: u32,
    fault: Option<String>,
}

impl Cases {
    /// The client's request; `error` is why its last life ended, as audit has it, `lowest` the lowest error number that there
    /// is. Answers the next case; none when all are done.
    pub fn request(&mut self, request: Request, error: &str, lowest: i32) -> Option<u32> {
        match (request, self.open.take()) {
            (Request::Started(total), open) => {
                self.total = Some(total);
                if let Some(case) = open {
                    self.came_to_an_end(case, error);
                }
            }
            (Request::Answered(answer), Some(case)) => self.came_back(case, answer, lowest),
            (Request::Answered(_), None) => self.note_fault("an answer came for no case".into()),
        }
        (self.cut_short, self.left) = (false, false);
        self.open = (self.next < self.total.unwrap_or(0)).then_some(self.next);
        self.next += u32::from(self.open.is_some());
        self.open
    }

    /// The case that the client has not come back from, if any.
    pub fn open(&self) -> Option<u32> {
        self.open
    }

    /// The client waits in its case, and will be ended.
    pub fn cut_short(&mut self) {
        self.cut_short = true;
    }

    /// The client left by itself, with success: so its case had it do.
    pub fn left(&mut self) {
        self.left = true;
    }

    /// All cases in words, or what is wrong; none while there are more.
    pub fn result(&self) -> Option<Result<String, String>> {
        if let Some(fault) = &self.fault {
            return Some(Err(fault.clone()));
        }
        let done = self.open.is_none() && self.total.is_some_and(|total| total > 0 && self.next == total);
        done.then(|| {
            let Self { next, answered, ended, waited, .. } = self;
            Ok(format!("{next} cases: {answered} answered as defined, {ended} ended it alone, {waited} ended from outside"))
        })
    }

    fn came_back(&mut self, case: u32, answer: i32, lowest: i32) {
        self.answered += 1;
        if answer < lowest {
            self.note_fault(format!("case {case} answered {answer}, which is no error"));
        }
    }

    fn came_to_an_end(&mut self, case: u32, error: &str) {
        if self.cut_short {
            self.waited += 1;
        } else {
            self.ended += 1;
            if error.is_empty() && !self.left {
                self.note_fault(format!("case {case} ended it without a word"));
            }
        }
    }

    fn note_fault(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Request::{Answered, Started};

    #[test]
    fn each_case_is_given_once_and_told_apart() {
        let mut cases = Cases::default();
        assert_eq!(cases.request(Started(5), "", -10), Some(0));
        assert_eq!(cases.request(Answered(-10), "", -10), Some(1));
        assert_eq!(cases.request(Started(5), "left its memory", -10), Some(2));
        cases.cut_short();
        assert_eq!(cases.request(Started(5), "", -10), Some(3));
        cases.left();
        assert_eq!(cases.request(Started(5), "", -10), Some(4));
        assert_eq!(cases.result(), None);
        assert_eq!(cases.request(Answered(70_000), "", -10), None);
        assert_eq!(cases.result(), Some(Ok("5 cases: 2 answered as defined, 2 ended it alone, 1 ended from outside".into())));
    }

    #[test]
    fn faults_are_told() {
        for (requests, words) in [
            (&[(Started(2), ""), (Answered(-11), "")][..], "case 0 answered -11, which is no error"),
            (&[(Started(2), ""), (Started(2), "")], "case 0 ended it without a word"),
            (&[(Answered(0), "")], "an answer came for no case"),
        ] {
            let mut cases = Cases::default();
            requests.iter().for_each(|&(request, error)| {
                cases.request(request, error, -10);
            });
            assert_eq!(cases.result(), Some(Err(words.into())));
        }
    }

    #[test]
    fn nobody_is_done_before_the_first_case() {
        assert_eq!(Cases::default().result(), None);
        let mut none = Cases::default();
        none.request(Started(0), "", -10);
        assert_eq!(none.result(), None);
    }
}
