//! Output of several sources on one line: each speaks until its line ends, then it is the next one's turn.
//!
//! A source that stops in the middle of a line, as a prompt does, keeps the turn for a moment. If another has something to
//! say after that, its unfinished line is ended; when all are quiet again, that line is shown once more, to be gone on with.
//! A line that grows beyond `LINE` bytes is not waited for: nobody can keep the others silent.
//!
//! A byte stays with its source until the device has it: a driver that is ended takes none with it, and the one that is started in
//! its place goes on where it stopped.

use crate::{queue::Queue, wire::Wire};
use alloc::vec::Vec;

/// How long a source may pause in its line, in nanoseconds, before another may speak.
pub const PATIENCE: u64 = 20 * munal::time::MILLISECOND;
/// The longest unfinished line that is shown once more.
const LINE: usize = 256;
/// Bytes that are looked at at once.
const PART: usize = 64;

/// Where output comes from.
pub trait Sources {
    /// Copies the first bytes that `source` has to say into `buffer`; answers how many, 0 where it is silent.
    fn peek(&mut self, source: usize, buffer: &mut [u8]) -> usize;
    /// Takes the first `count` bytes away from `source`: the device has them.
    fn skip(&mut self, source: usize, count: usize);
}

#[derive(Default)]
struct Source {
    /// Seen at the source, or to be shown once more; not yet said.
    fresh: Queue<LINE>,
    /// How many bytes at the start of `fresh` are to be shown once more: the source is rid of them.
    again: usize,
    /// Bytes that were seen at the source and that it still has.
    owed: usize,
    /// Said since the last end of line; more than `LINE` bytes cannot be shown once more.
    line: Queue<LINE>,
    overlong: bool,
    /// `line` is no longer what the terminal's last line shows.
    interrupted: bool,
}

/// Decides what is sent next.
pub struct Output {
    sources: Vec<Source>,
    speaker: usize,
    /// What the speaker said last was no end of line.
    mid_line: bool,
    /// The byte sent last, to send CR before LF once only.
    last: u8,
    /// Since when the speaker has been silent while others want to speak, or an unfinished line waits to be shown.
    silent_since: Option<u64>,
}

impl Output {
    /// Output of sources 0 to `count`, the first of which speaks first.
    pub fn new(count: usize) -> Self {
        let sources = core::iter::repeat_with(Source::default).take(count).collect();
        Self { sources, speaker: count.saturating_sub(1), mid_line: false, last: 0, silent_since: None }
    }

    /// Moves what is to be sent now into `wire`, as much as fits, at the monotonic time `now`.
    pub fn fill<const N: usize>(&mut self, from: &mut impl Sources, wire: &mut Wire<N>, now: u64) {
        while wire.room() >= 2 && self.choose_speaker(from, wire, now) {
            self.say(wire);
        }
    }

    /// The device has `count` more bytes of `source`.
    pub fn confirm(&mut self, source: usize, count: usize, from: &mut impl Sources) {
        from.skip(source, count);
        self.sources[source].owed -= count;
    }

    /// Whether a byte of `source` should wake the driver: not while another one's pause is waited for.
    pub fn listens_to(&self, source: usize) -> bool {
        let others_wait = self.silent_since.is_some() && self.mid_line;
        self.sources[source].fresh.is_empty() && (source == self.speaker || !others_wait)
    }

    /// Whether nothing can be said before a source or time does something.
    pub fn is_idle(&self) -> bool {
        self.deadline().is_some() || self.sources.iter().all(|source| source.fresh.is_empty())
    }

    /// When `fill` should be called although no source said anything.
    pub fn deadline(&self) -> Option<u64> {
        self.silent_since.map(|since| since + PATIENCE)
    }

    /// Makes the source that may speak now the speaker; false where none may.
    fn choose_speaker<const N: usize>(&mut self, from: &mut impl Sources, wire: &mut Wire<N>, now: u64) -> bool {
        let overlong = self.mid_line && self.sources[self.speaker].overlong;
        if self.mid_line && !overlong && self.has_more(self.speaker, from) {
            self.silent_since = None;
            return true;
        }
        let Some(next) = self.next_with_more(from) else { return self.show_interrupted(now) };
        if self.mid_line && next != self.speaker {
            if !overlong && !self.waited_enough(now) {
                return false;
            }
            self.interrupt(wire);
        }
        if !self.mid_line {
            self.turn_to(next);
        }
        true
    }

    /// The first source after the speaker that has something to say, the speaker itself last.
    fn next_with_more(&mut self, from: &mut impl Sources) -> Option<usize> {
        let (speaker, count) = (self.speaker, self.sources.len());
        (1..=count).map(|step| (speaker + step) % count).find(|&source| self.has_more(source, from))
    }

    fn has_more(&mut self, source: usize, from: &mut impl Sources) -> bool {
        let it = &mut self.sources[source];
        if it.fresh.is_empty() && it.owed == 0 {
            it.fresh.refill(|buffer| from.peek(source, &mut buffer[..PART]));
            it.owed = it.fresh.len();
        }
        !it.fresh.is_empty()
    }

    /// All are silent: an unfinished line that another one interrupted is shown once more, after a moment.
    fn show_interrupted(&mut self, now: u64) -> bool {
        let waiting = self.sources.iter().position(|source| source.interrupted);
        let Some(source) = waiting.filter(|_| !self.mid_line) else {
            self.silent_since = None;
            return false;
        };
        let waited = self.waited_enough(now);
        if waited {
            self.turn_to(source);
        }
        waited && !self.sources[source].fresh.is_empty()
    }

    fn waited_enough(&mut self, now: u64) -> bool {
        let since = *self.silent_since.get_or_insert(now);
        now.saturating_sub(since) >= PATIENCE
    }

    /// Ends the speaker's unfinished line, so that another can start one.
    fn interrupt<const N: usize>(&mut self, wire: &mut Wire<N>) {
        self.send(b'\n', None, wire);
        self.sources[self.speaker].interrupted = true;
        self.mid_line = false;
    }

    /// Gives `source` the turn. If its line was interrupted, it says that line first.
    fn turn_to(&mut self, source: usize) {
        self.speaker = source;
        self.silent_since = None;
        let it = &mut self.sources[source];
        if core::mem::take(&mut it.interrupted) && !core::mem::take(&mut it.overlong) {
            it.prepend_line();
        }
        it.line.clear();
    }

    /// Says the speaker's fresh bytes, up to an end of line or as much as fits.
    fn say<const N: usize>(&mut self, wire: &mut Wire<N>) {
        while wire.room() >= 2 {
            let Some((byte, owed)) = self.sources[self.speaker].next() else { return };
            self.send(byte, owed.then_some(self.speaker), wire);
            self.sources[self.speaker].remember(byte);
            self.mid_line = byte != b'\n';
            if !self.mid_line {
                return;
            }
        }
    }

    /// Puts a byte on the wire: LF as CR LF. The caller made sure that both fit.
    fn send<const N: usize>(&mut self, byte: u8, owner: Option<usize>, wire: &mut Wire<N>) {
        if byte == b'\n' && self.last != b'\r' {
            wire.push(b'\r', None);
        }
        wire.push(byte, owner);
        self.last = byte;
    }
}

impl Source {
    /// The next byte to say, and whether the source still has it.
    fn next(&mut self) -> Option<(u8, bool)> {
        let byte = self.fresh.pop()?;
        let owed = self.again == 0;
        self.again = self.again.saturating_sub(1);
        Some((byte, owed))
    }

    fn remember(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line.clear();
            self.overlong = false;
        } else if !self.line.push(byte) {
            self.overlong = true;
        }
    }

    /// Puts the unfinished line before what is fresh, if both fit.
    fn prepend_line(&mut self) {
        let mut both = self.line.clone();
        if self.fresh.iter().all(|byte| both.push(byte)) {
            self.again += self.line.len();
            self.fresh = both;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use alloc::collections::VecDeque;
    use std::string::String;

    struct Said(Vec<VecDeque<u8>>);

    impl Sources for Said {
        fn peek(&mut self, source: usize, buffer: &mut [u8]) -> usize {
            buffer.iter_mut().zip(&self.0[source]).map(|(slot, byte)| *slot = *byte).count()
        }

        fn skip(&mut self, source: usize, count: usize) {
            self.0[source].drain(..count);
        }
    }

    struct Line {
        output: Output,
        said: Said,
        now: u64,
    }

    impl Line {
        fn with(sources: usize) -> Self {
            let said = Said(std::vec![VecDeque::new(); sources]);
            Self { output: Output::new(sources), said, now: 1_000 }
        }

        fn say(&mut self, source: usize, text: &str) -> &mut Self {
            self.said.0[source].extend(text.as_bytes());
            self
        }

        /// Lets as much time pass as the output asks for.
        fn wait(&mut self) -> &mut Self {
            self.now = self.output.deadline().expect("a deadline");
            self
        }

        fn sent(&mut self) -> String {
            self.sent_through::<8>()
        }

        fn sent_through<const N: usize>(&mut self) -> String {
            let (mut wire, mut sent) = (Wire::<N>::new(), Vec::new());
            loop {
                self.output.fill(&mut self.said, &mut wire, self.now);
                if wire.is_empty() {
                    return String::from_utf8(sent).unwrap();
                }
                sent.extend(core::iter::from_fn(|| self.device_takes_one(&mut wire)));
            }
        }

        fn device_takes_one<const N: usize>(&mut self, wire: &mut Wire<N>) -> Option<u8> {
            let (byte, owner) = wire.pop()?;
            owner.into_iter().for_each(|source| self.output.confirm(source, 1, &mut self.said));
            Some(byte)
        }
    }

    #[test]
    fn lines_take_turns_and_end_in_cr_lf() {
        let mut line = Line::with(2);
        line.say(0, "one\ntwo\n").say(1, "uno\r\ndos\n");
        assert_eq!(line.sent(), "one\r\nuno\r\ntwo\r\ndos\r\n");
    }

    #[test]
    fn a_line_is_not_cut_by_another_that_is_faster() {
        let mut line = Line::with(2);
        assert_eq!(line.say(0, "half, ").sent(), "half, ");
        assert_eq!(line.say(1, "other\n").sent(), "");
        assert!(line.output.listens_to(0) && !line.output.listens_to(1));
        assert_eq!(line.say(0, "whole\n").sent(), "whole\r\nother\r\n");
        assert_eq!(line.output.deadline(), None);
    }

    #[test]
    fn a_prompt_is_sent_at_once_and_shown_again_after_it_was_interrupted() {
        let mut line = Line::with(2);
        assert_eq!(line.say(0, "$ ca").sent(), "$ ca");
        assert_eq!(line.output.deadline(), None);
        assert_eq!(line.say(1, "news\n").sent(), "");
        assert_eq!(line.wait().sent(), "\r\nnews\r\n");
        assert_eq!(line.wait().sent(), "$ ca");
        assert_eq!(line.output.deadline(), None);
        assert_eq!(line.say(0, "t\n").sent(), "t\r\n");
    }

    #[test]
    fn an_interrupted_line_goes_on_with_what_its_source_says_next() {
        let mut line = Line::with(2);
        line.say(0, "abc").sent();
        line.say(1, "news\n").sent();
        line.wait().sent();
        assert_eq!(line.say(0, "def\n").sent(), "abcdef\r\n");
        assert_eq!(line.output.deadline(), None);
    }

    #[test]
    fn many_lines_are_not_parted_by_the_prompt() {
        let mut line = Line::with(2);
        line.say(0, "$ ").sent();
        line.say(1, "a\nb\nc\n").sent();
        assert_eq!(line.wait().sent(), "\r\na\r\nb\r\nc\r\n");
        assert_eq!(line.wait().sent(), "$ ");
    }

    #[test]
    fn a_source_that_never_ends_its_line_cannot_silence_others() {
        let mut line = Line::with(2);
        line.say(0, &"x".repeat(10 * LINE)).say(1, "help\n");
        let sent = line.sent_through::<64>();
        let at = sent.find("\r\nhelp\r\n").expect("the other's line");
        assert!(at <= 2 * LINE, "{at}");
        assert_eq!(sent.matches('x').count(), 10 * LINE);
    }

    #[test]
    fn an_overlong_line_is_not_shown_again() {
        let mut line = Line::with(2);
        line.say(0, &"x".repeat(LINE + 1)).sent();
        assert_eq!(line.say(1, "news\n").sent(), "\r\nnews\r\n");
        assert_eq!(line.wait().sent(), "");
        assert_eq!(line.say(0, "y\n").sent(), "y\r\n");
    }

    #[test]
    fn nothing_is_lost_whatever_the_turns() {
        let mut line = Line::with(3);
        let mut sent = String::new();
        for step in 0..500usize {
            let text = std::format!("<{step}>{}", if step % 3 == 0 { "\n" } else { "" });
            line.say(step % 3, &text);
            line.now += (step as u64 % 5) * PATIENCE / 3;
            sent += &line.sent();
        }
        for _ in 0..10 {
            line.now += PATIENCE;
            sent += &line.sent();
        }
        for step in 0..500 {
            assert!(sent.contains(&std::format!("<{step}>")), "{step}");
        }
    }

    #[test]
    fn a_driver_that_is_ended_takes_nothing_with_it() {
        let mut sent = String::new();
        let mut line = Line::with(2);
        let text: String = (0..200).map(|n| std::format!("<{n}>{}", if n % 7 == 0 { "\n" } else { "" })).collect();
        line.say(1, &text);
        for life in 0..10_000 {
            line.output = Output::new(2);
            let mut wire = Wire::<8>::new();
            for _ in 0..life % 4 {
                line.output.fill(&mut line.said, &mut wire, line.now);
                sent.extend((0..life % 6).filter_map(|_| line.device_takes_one(&mut wire)).map(char::from));
            }
        }
        assert_eq!(sent.replace('\r', ""), text);
    }

    #[test]
    fn a_line_that_is_shown_once_more_is_taken_from_its_source_once() {
        let mut line = Line::with(2);
        line.say(0, "$ ").sent();
        line.say(1, "news\n").sent();
        line.wait().sent();
        line.wait().sent();
        line.say(0, "cat\n").sent();
        assert!(line.said.0.iter().all(VecDeque::is_empty) && line.output.sources.iter().all(|source| source.owed == 0 && source.again == 0));
    }

    #[test]
    fn without_sources_there_is_nothing_to_say() {
        let mut line = Line::with(0);
        assert_eq!((line.sent(), line.output.deadline()), (String::new(), None));
    }
}
