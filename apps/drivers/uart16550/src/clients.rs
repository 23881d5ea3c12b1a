//! Who speaks and reads: the stream `messages`, where it is granted, and the connections of the stream `serial`.

use crate::{Error, events, stream, stream_server};
use alloc::vec::Vec;
use uart16550::input::{Input, Taken};
use uart16550::output::{Output, Sources};

const MESSAGES: stream::messages = stream::messages;
const SERIAL: stream_server::serial = stream_server::serial;

/// The sources of output: `messages` first, then the connections in their order.
pub struct Clients {
    messages: usize,
    connections: usize,
    /// Sources that only read.
    silent: Vec<bool>,
}

impl Clients {
    pub fn new() -> Self {
        let (messages, connections) = (MESSAGES.granted() as usize, SERIAL.count() as usize);
        Self { messages, connections, silent: alloc::vec![false; messages + connections] }
    }

    pub fn connections(&self) -> usize {
        self.connections
    }

    pub fn sources(&self) -> usize {
        self.messages + self.connections
    }

    /// Gives `input` to those who read it.
    pub fn hand_out(&self, input: &mut Input) {
        input.hand_out(|connection, bytes| {
            let Some(connection) = there(connection) else { return Taken::Never };
            match SERIAL.try_write(connection, bytes) {
                Ok(count) => Taken::Bytes(count as usize),
                Err(Error::Closed) => Taken::Ended,
                Err(Error::Refused) => Taken::Never,
                Err(_) => Taken::Bytes(0),
            }
        });
    }

    /// What to wait for: each source's handle with the events that matter now. `room`: its output could be taken.
    pub fn wanted<'a>(&'a self, input: &'a Input, output: &'a Output, room: bool) -> impl Iterator<Item = (u32, u16)> + 'a {
        (0..self.sources()).filter_map(move |source| {
            let mut wanted = 0;
            if room && !self.silent[source] && output.listens_to(source) {
                wanted |= events::READABLE;
            }
            if source >= self.messages && input.waiting(source - self.messages) > 0 {
                wanted |= events::WRITABLE | events::CLOSED;
            }
            (wanted != 0).then(|| (self.handle(source), wanted))
        })
    }

    fn handle(&self, source: usize) -> u32 {
        if source < self.messages { MESSAGES.handle() } else { SERIAL.handle((source - self.messages) as u32) }
    }
}

/// The connection, if there is one of that number: compared right where it is used, `munal proof` proves that no other is.
#[inline(always)]
fn there(connection: usize) -> Option<u32> {
    let connection = connection as u32;
    (connection < SERIAL.count()).then_some(connection)
}

impl Sources for Clients {
    fn peek(&mut self, source: usize, buffer: &mut [u8]) -> usize {
        if self.silent[source] {
            return 0;
        }
        let seen = match source.checked_sub(self.messages) {
            None => MESSAGES.peek(buffer),
            Some(connection) => there(connection).ok_or(Error::Refused).and_then(|connection| SERIAL.peek(connection, buffer)),
        };
        self.silent[source] = matches!(seen, Err(Error::Refused));
        seen.unwrap_or(0) as usize
    }

    fn skip(&mut self, source: usize, count: usize) {
        let _ = match source.checked_sub(self.messages) {
            None => MESSAGES.skip(count as u32),
            Some(connection) => there(connection).ok_or(Error::Refused).and_then(|connection| SERIAL.skip(connection, count as u32)),
        };
    }
}
