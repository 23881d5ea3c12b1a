//! A named service: requests wait in order, one is answered at a time, and every client gets exactly one answer.
//!
//! No bytes are here: a request stays where its client has it until the server takes it.
use alloc::{collections::VecDeque, vec::Vec};

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

/// Who asks, and the badge of the handle that it asks by, where that has one: its index in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub client: usize,
    pub badge: Option<u32>,
}

/// Each client waits for its answer, so each has at most one request here: the queue is bounded by the clients.
#[derive(Debug, Default)]
pub struct Service {
    queue: VecDeque<Request>,
    serving: Option<Request>,
}

impl Service {
    /// A service that up to `clients` may ask without its allocating again.
    pub fn new(clients: usize) -> Self {
        Self { queue: VecDeque::with_capacity(clients), serving: None }
    }

    pub fn ask(&mut self, request: Request) {
        self.queue.push_back(request);
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
        self.serving.map(|request| request.client)
    }

    /// Ends the request being served; answers whose it was, none where nothing was received or its client has gone.
    pub fn reply(&mut self) -> Option<usize> {
        self.serving.take().map(|request| request.client)
    }

    /// The request being served: received, and without its reply.
    pub fn serving(&self) -> Option<Request> {
        self.serving
    }

    /// Whose requests wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.queue.iter().map(|request| request.client)
    }

    /// The client has ended, or waits no longer: nobody wants its answer.
    pub fn forget(&mut self, client: usize) {
        self.queue.retain(|other| other.client != client);
        self.serving = self.serving.filter(|request| request.client != client);
    }

    /// The server has ended. Answers who must be told what: the one being served, and where it is final all others.
    pub fn server_ended(&mut self, for_good: bool) -> Vec<(usize, Lost)> {
        let lost = if for_good { Lost::Closed } else { Lost::Restarted };
        let mut told: Vec<(usize, Lost)> = self.serving.take().map(|request| (request.client, lost)).into_iter().collect();
        if for_good {
            told.extend(self.queue.drain(..).map(|request| (request.client, Lost::Closed)));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(client: usize) -> Request {
        Request { client, badge: None }
    }

    #[test]
    fn requests_are_answered_one_by_one_in_order() {
        let mut service = Service::new(2);
        service.ask(by(1));
        service.ask(by(2));
        assert_eq!((service.receive(), service.serving()), (Some(1), Some(by(1))));
        assert_eq!(service.receive(), None);
        assert_eq!(service.reply(), Some(1));
        assert_eq!(service.reply(), None);
        assert_eq!(service.receive(), Some(2));
    }

    #[test]
    fn a_server_that_restarts_keeps_those_who_still_wait_in_line() {
        let mut service = Service::new(3);
        (1..4).for_each(|client| service.ask(by(client)));
        service.receive();
        assert_eq!(service.server_ended(false), [(1, Lost::Restarted)]);
        assert_eq!(service.waiting().collect::<Vec<_>>(), [2, 3]);
        service.receive();
        assert_eq!(service.server_ended(true), [(2, Lost::Closed), (3, Lost::Closed)]);
    }

    #[test]
    fn a_client_that_ended_gets_no_answer() {
        let mut service = Service::new(2);
        service.ask(by(1));
        service.ask(by(2));
        service.receive();
        service.forget(1);
        service.forget(2);
        assert_eq!((service.reply(), service.has_request()), (None, false));
    }

    #[test]
    fn a_badge_is_that_of_the_request_that_wants_its_reply() {
        let mut service = Service::new(2);
        let told = |service: &Service| service.serving().map(|request| request.badge);
        service.ask(Request { client: 1, badge: Some(7) });
        service.ask(Request { client: 2, badge: Some(8) });
        assert_eq!(told(&service), None);
        service.receive();
        assert_eq!(told(&service), Some(Some(7)));
        service.server_ended(false);
        assert_eq!(told(&service), None);
        service.receive();
        assert_eq!(told(&service), Some(Some(8)));
        service.forget(2);
        assert_eq!(told(&service), None);
        service.ask(Request { client: 2, badge: Some(9) }); // by another handle than before
        service.ask(by(1));
        service.receive();
        assert_eq!(told(&service), Some(Some(9)));
        service.reply();
        service.receive();
        assert_eq!(told(&service), Some(None));
    }

    #[test]
    fn a_client_that_gave_up_and_asks_again_does_not_get_the_first_answer() {
        let mut service = Service::new(1);
        service.ask(by(1));
        assert_eq!(service.receive(), Some(1));
        service.forget(1);
        service.ask(by(1));
        assert_eq!(service.reply(), None);
        assert_eq!(service.receive(), Some(1));
        assert_eq!(service.reply(), Some(1));
    }
}
