//! A named service: requests wait in order, one is answered at a time, and every client gets exactly one answer.
use alloc::{collections::VecDeque, vec::Vec};

/// The most bytes of a request or a reply.
pub const LARGEST: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Reply(Vec<u8>),
    /// The server ended while it held the request.
    Restarted,
    /// The server has ended and will not come back.
    Closed,
}

#[derive(Debug)]
struct Request {
    client: usize,
    bytes: Vec<u8>,
}

/// Each client waits for its answer, so each has at most one request here: the queue is bounded by the clients.
#[derive(Debug, Default)]
pub struct Service {
    queue: VecDeque<Request>,
    serving: Option<usize>,
}

impl Service {
    pub fn ask(&mut self, client: usize, bytes: Vec<u8>) {
        self.queue.push_back(Request { client, bytes });
    }

    pub fn has_request(&self) -> bool {
        self.serving.is_none() && !self.queue.is_empty()
    }

    /// Takes the next request, unless one is still without its reply.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        if self.serving.is_some() {
            return None;
        }
        let request = self.queue.pop_front()?;
        self.serving = Some(request.client);
        Some(request.bytes)
    }

    /// Ends the request being served; answers whose it was, none where nothing was received or its client has gone.
    pub fn reply(&mut self) -> Option<usize> {
        self.serving.take()
    }

    pub fn is_serving(&self) -> bool {
        self.serving.is_some()
    }

    /// The client has ended: nobody waits for its answer.
    pub fn forget(&mut self, client: usize) {
        self.queue.retain(|request| request.client != client);
        if self.serving == Some(client) {
            self.serving = None;
        }
    }

    /// The server has ended. Answers who must be told what: the one being served, and where it is final all others.
    pub fn server_ended(&mut self, for_good: bool) -> Vec<(usize, Answer)> {
        let answer = if for_good { Answer::Closed } else { Answer::Restarted };
        let mut told: Vec<(usize, Answer)> = self.serving.take().map(|client| (client, answer)).into_iter().collect();
        if for_good {
            told.extend(self.queue.drain(..).map(|request| (request.client, Answer::Closed)));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_one_by_one_in_order() {
        let mut service = Service::default();
        service.ask(1, b"a".to_vec());
        service.ask(2, b"b".to_vec());
        assert_eq!(service.receive(), Some(b"a".to_vec()));
        assert_eq!(service.receive(), None);
        assert_eq!(service.reply(), Some(1));
        assert_eq!(service.reply(), None);
        assert_eq!(service.receive(), Some(b"b".to_vec()));
    }

    #[test]
    fn a_server_that_restarts_keeps_those_who_still_wait_in_line() {
        let mut service = Service::default();
        (1..4).for_each(|client| service.ask(client, Vec::new()));
        service.receive();
        assert_eq!(service.server_ended(false), [(1, Answer::Restarted)]);
        service.receive();
        assert_eq!(service.server_ended(true), [(2, Answer::Closed), (3, Answer::Closed)]);
    }

    #[test]
    fn a_client_that_ended_gets_no_answer() {
        let mut service = Service::default();
        service.ask(1, Vec::new());
        service.ask(2, Vec::new());
        service.receive();
        service.forget(1);
        service.forget(2);
        assert_eq!((service.reply(), service.has_request()), (None, false));
    }
}
