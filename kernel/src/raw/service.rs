//! Request and reply. The client waits anyway, so its request is copied straight to where the server wants it, and the
//! reply straight to where the client wants it: one copy each, however large.
use super::{Answer, find, irq::deadline};
use crate::{cpu::time, dispatch::Error, loan::Loan, party::{self, Over, Told, Waiting}, sip::{Call, Lent, Outcome}, state::{self, State}, thread};
use munal_logic::{service::{LARGEST, Lost, Request}, table::{HandleKind, Held, WRITE}};

const CLIENT: &[HandleKind] = &[HandleKind::ServiceClient, HandleKind::ServiceBadged];
const SERVER: &[HandleKind] = &[HandleKind::ServiceServer];

/// An answer as the interfaces have it.
fn answered(told: Told) -> Answer {
    told.map(|count| count as u32)
}

pub fn service_call(call: &mut Call<'_, '_>, handle: u32, request: Lent, reply: Lent) -> Outcome<Answer> {
    service_call_within(call, handle, request, reply, -1)
}

pub fn service_call_within(call: &mut Call<'_, '_>, handle: u32, request: Lent, reply: Lent, timeout: i64) -> Outcome<Answer> {
    let index = call.index();
    let held = match find(call, handle, CLIENT, WRITE)? {
        Ok(held) => held,
        Err(error) => return Ok(Err(error)),
    };
    let (request, reply) = (Loan::of(call, request)?, Loan::of(call, reply)?);
    if request.length() > LARGEST {
        return Ok(Err(Error::TooLarge));
    }
    let asked = state::with(|state| {
        let (service, badge) = state.asked(&held);
        let server = state.table.services[service].server;
        if server == index {
            return Err(Error::Invalid); // it would wait for itself
        }
        if !state.lives_on(server) {
            return Err(Error::Closed);
        }
        state.services[service].ask(Request { client: index, badge });
        state.stir_server(server);
        // SAFETY: the request is this thread's own, which runs; the server's loan is checked there.
        Ok((service, server, unsafe { state.hand_in(service, server, request) }))
    });
    let (service, server, handed) = match asked {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(error)),
    };
    thread::lend(index, server);
    let over = party::lend(index, Waiting::Asks(service), request, reply, deadline(timeout), handed.then_some(server));
    thread::take_back(index);
    if !matches!(over, Ok(Over::Told(_))) {
        state::with(|state| state.services[service].forget(index));
    }
    Ok(match over? {
        Over::Told(told) => answered(told),
        Over::Late => Err(Error::TimedOut),
    })
}

pub fn service_receive(call: &mut Call<'_, '_>, handle: u32, buffer: Lent, timeout: i64) -> Outcome<Answer> {
    let service = super::require(call, handle, SERVER)?.object;
    if state::with(|state| state.services[service].serving().is_some()) {
        call.bytes(buffer)?;
        return Ok(Err(Error::Invalid)); // the request received last still wants its reply
    }
    receive(call, service, buffer, timeout, None)
}

pub fn service_badge(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    let service = super::require(call, handle, SERVER)?.object;
    let buffer = call.bytes(buffer)?;
    Ok(state::with(|state| {
        let request = state.services[service].serving().ok_or(Error::NotFound)?;
        let badge: &[u8] = request.badge.map_or(&[], |number| &state.table.badges[number as usize].bytes);
        let count = buffer.len().min(badge.len());
        buffer[..count].copy_from_slice(&badge[..count]);
        Ok(badge.len() as u32)
    }))
}

pub fn service_reply(call: &mut Call<'_, '_>, handle: u32, reply: Lent) -> Outcome<Answer> {
    let service = super::require(call, handle, SERVER)?.object;
    let reply = call.bytes(reply)?;
    if reply.len() > LARGEST {
        return Ok(Err(Error::TooLarge));
    }
    let client = state::with(|state| state.finish(service, reply));
    client.into_iter().for_each(thread::wake);
    Ok(client.map(|_| 0).ok_or(Error::NotFound))
}

pub fn service_reply_and_receive(call: &mut Call<'_, '_>, handle: u32, reply: Lent, buffer: Lent, timeout: i64) -> Outcome<Answer> {
    let service = super::require(call, handle, SERVER)?.object;
    call.bytes(buffer)?; // before a reply is given that could not be followed
    let reply = call.bytes(reply)?;
    if reply.len() > LARGEST {
        return Ok(Err(Error::TooLarge));
    }
    let client = state::with(|state| state.finish(service, reply));
    receive(call, service, buffer, timeout, client)
}

/// Takes the next request or waits for it; `client` has its reply, and is to run.
fn receive(call: &mut Call<'_, '_>, service: usize, buffer: Lent, timeout: i64, client: Option<usize>) -> Outcome<Answer> {
    let index = call.index();
    let into = Loan::of(call, buffer)?;
    // SAFETY: the buffer is this thread's own, which runs.
    if let Some(length) = state::with(|state| unsafe { state.take(service, into) }) {
        client.into_iter().for_each(thread::wake);
        return Ok(Ok(length as u32));
    }
    let deadline = deadline(timeout);
    if deadline.is_some_and(|at| at <= time::now()) {
        client.into_iter().for_each(thread::wake);
        return Ok(Err(Error::TimedOut));
    }
    Ok(match party::lend(index, Waiting::Serves(service), Loan::NONE, into, deadline, client)? {
        Over::Told(told) => answered(told),
        Over::Late => Err(Error::TimedOut),
    })
}

impl State {
    /// The service that a client's handle stands for, and the badge that it has.
    pub fn asked(&self, held: &Held) -> (usize, Option<u32>) {
        match held.kind {
            HandleKind::ServiceBadged => (self.table.badges[held.object].service, Some(held.object as u32)),
            _ => (held.object, None),
        }
    }

    /// Hands the request of a client that just asked to a server that waits for it, where no other is before it.
    ///
    /// # Safety
    /// `request` is the memory of the SIP whose thread runs.
    unsafe fn hand_in(&mut self, service: usize, server: usize, request: Loan) -> bool {
        if self.parties[server].waiting != Waiting::Serves(service) || self.services[service].receive().is_none() {
            return false;
        }
        // A server that waits for requests has taken all that were there: this one is the only.
        // SAFETY: the server is inside `lend`, since it waits for this; the caller promises for the request.
        unsafe { self.parties[server].into.copy_from(request) };
        self.parties[server].tell(Ok(request.length()));
        true
    }

    /// Takes the next request into `buffer`; gives its length, of which at most the buffer's was stored.
    ///
    /// # Safety
    /// `buffer` is the memory of the SIP whose thread runs.
    unsafe fn take(&mut self, service: usize, buffer: Loan) -> Option<usize> {
        let client = self.services[service].receive()?;
        let request = self.parties[client].out;
        // SAFETY: a client whose request waits is inside `lend`, and forgotten before it leaves it: see `service_call`.
        unsafe { buffer.copy_from(request) };
        Some(request.length())
    }

    /// Gives the client that is served its reply; answers who that is.
    fn finish(&mut self, service: usize, reply: &[u8]) -> Option<usize> {
        let client = self.services[service].reply()?;
        // SAFETY: a client that is served is inside `lend`, and forgotten before it leaves it: see `service_call`.
        unsafe { self.parties[client].into.store(reply) };
        self.parties[client].tell(Ok(reply.len()));
        thread::take_back(client); // from here on the server is as urgent as itself, or its next client
        Some(client)
    }

    /// The server's life is over: tells the clients that get no reply, and wakes them.
    pub fn desert(&mut self, service: usize, for_good: bool) {
        for (client, lost) in self.services[service].server_ended(for_good) {
            let error = if lost == Lost::Closed { Error::Closed } else { Error::Restarted };
            self.parties[client].tell(Err(error));
            thread::wake(client);
        }
    }
}

/// Whether a request waits to be received.
pub fn has_request(object: usize) -> bool {
    state::with(|state| state.services[object].has_request())
}
