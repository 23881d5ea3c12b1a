//! A named service: requests wait in order, one is answered at a time, and every client gets exactly one answer.
//!
//! No bytes are here: a request stays where its client has it until the server takes it.
use alloc::{collections::VecDeque, vec, vec::Vec};

/// The most bytes of a request or a reply.
pub const LARGEST: usize = 1 << 20;

/// Why a request stays without its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The server ended while it held the request.
    Restarted,
    /// The server has ended and will not come back.
    Closed,
}

/// Each client waits for its answer, so each has at most one request here: the queue is bounded by the clients.
#[derive(Debug, Default)]
pub struct Service {
    queue: VecDeque<usize>,
    serving: Option<usize>,
    /// By client, what its request is made by.
    badges: Vec<Option<u32>>,
}

impl Service {
    /// A service that up to `clients` may ask without its allocating again.
    pub fn new(clients: usize) -> Self {
        Self { queue: VecDeque::with_capacity(clients), serving: None, badges: vec![None; clients] }
    }

    /// A request of `client`, below the number of clients; `badge` is that of the handle that it asks by, where that has one:
    /// its index in the table.
    pub fn ask(&mut self, client: usize, badge: Option<u32>) {
        self.badges[client] = badge;
        self.queue.push_back(client);
    }

    pub fn has_request(&self) -> bool {
        self.serving.is_none() && !self.queue.is_empty()
    }

    /// Takes the next request, unless one is still without its reply; gives whose it is.
    pub fn receive(&mut self) -> Option<usize> {
        if self.serving.is_some() {
            return None;
        }
        self.serving = self.queue.pop_front();
        self.serving
    }

    /// Ends the request being served; answers whose it was, none where nothing was received or its client has gone.
    pub fn reply(&mut self) -> Option<usize> {
        self.serving.take()
    }

    /// Whose request is being served.
    pub fn serving(&self) -> Option<usize> {
        self.serving
    }

    /// The badge of the request being served, where it has one. None where nothing was received that wants its reply.
    pub fn badge(&self) -> Option<Option<u32>> {
        self.serving.map(|client| self.badges[client])
    }

    /// Whose requests wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.queue.iter().copied()
    }

    /// The client has ended, or waits no longer: nobody wants its answer.
    pub fn forget(&mut self, client: usize) {
        self.queue.retain(|&other| other != client);
        if self.serving == Some(client) {
            self.serving = None;
        }
    }

    /// The server has ended. Answers who must be told what: the one being served, and where it is final all others.
    pub fn server_ended(&mut self, for_good: bool) -> Vec<(usize, Lost)> {
        let lost = if for_good { Lost::Closed } else { Lost::Restarted };
        let mut told: Vec<(usize, Lost)> = self.serving.take().map(|client| (client, lost)).into_iter().collect();
        if for_good {
            told.extend(self.queue.drain(..).map(|client| (client, Lost::Closed)));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_one_by_one_in_order() {
        let mut service = Service::new(3);
        service.ask(1, None);
        service.ask(2, None);
        assert_eq!((service.receive(), service.serving()), (Some(1), Some(1)));
        assert_eq!(service.receive(), None);
        assert_eq!(service.reply(), Some(1));
        assert_eq!(service.reply(), None);
        assert_eq!(service.receive(), Some(2));
    }

    #[test]
    fn a_server_that_restarts_keeps_those_who_still_wait_in_line() {
        let mut service = Service::new(4);
        (1..4).for_each(|client| service.ask(client, None));
        service.receive();
        assert_eq!(service.server_ended(false), [(1, Lost::Restarted)]);
        assert_eq!(service.waiting().collect::<Vec<_>>(), [2, 3]);
        service.receive();
        assert_eq!(service.server_ended(true), [(2, Lost::Closed), (3, Lost::Closed)]);
    }

    #[test]
    fn a_client_that_ended_gets_no_answer() {
        let mut service = Service::new(3);
        service.ask(1, None);
        service.ask(2, None);
        service.receive();
        service.forget(1);
        service.forget(2);
        assert_eq!((service.reply(), service.has_request()), (None, false));
    }

    #[test]
    fn a_badge_is_that_of_the_request_that_wants_its_reply() {
        let mut service = Service::new(3);
        service.ask(1, Some(7));
        service.ask(2, Some(8));
        assert_eq!(service.badge(), None);
        service.receive();
        assert_eq!(service.badge(), Some(Some(7)));
        service.server_ended(false);
        assert_eq!(service.badge(), None);
        service.receive();
        assert_eq!(service.badge(), Some(Some(8)));
        service.forget(2);
        assert_eq!(service.badge(), None);
        service.ask(2, Some(9)); // by another handle than before
        service.ask(1, None);
        service.receive();
        assert_eq!(service.badge(), Some(Some(9)));
        service.reply();
        service.receive();
        assert_eq!(service.badge(), Some(None));
    }

    #[test]
    fn a_client_that_gave_up_and_asks_again_does_not_get_the_first_answer() {
        let mut service = Service::new(2);
        service.ask(1, None);
        assert_eq!(service.receive(), Some(1));
        service.forget(1);
        service.ask(1, None);
        assert_eq!(service.reply(), None);
        assert_eq!(service.receive(), Some(1));
        assert_eq!(service.reply(), Some(1));
    }
}
