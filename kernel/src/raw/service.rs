//! Request and reply.
use super::{Answer, irq::deadline, require, store};
use crate::{cpu::time, dispatch::Error, sip::{Call, Lent, Outcome}, state, thread};
use munal_logic::{service::{Answer as Told, LARGEST}, table::HandleKind};

pub fn service_call(call: &mut Call<'_, '_>, handle: u32, request: Lent, reply: Lent) -> Outcome<Answer> {
    let index = call.index();
    let handle = require(index, handle, &[HandleKind::ServiceClient])?;
    call.bytes(reply)?; // a reply that could not be stored is noticed before anything is asked
    let request = call.bytes(request)?;
    if request.len() > LARGEST {
        return Ok(Err(Error::TooLarge));
    }
    let server = state::with(|state| {
        let server = state.table.services[handle.object].server;
        state.lives_on(server).then(|| {
            state.lives[index].answer = None;
            state.services[handle.object].ask(index, request.to_vec());
            server
        })
    });
    let Some(server) = server else { return Ok(Err(Error::Closed)) };
    thread::lend(index, server);
    let answer = wait_for_answer(index, server);
    thread::take_back(index);
    match answer? {
        Told::Restarted => Ok(Err(Error::Restarted)),
        Told::Closed => Ok(Err(Error::Closed)),
        Told::Reply(bytes) => store(call, reply, &bytes),
    }
}

fn wait_for_answer(index: usize, server: usize) -> Outcome<Told> {
    thread::hand_over(server, None)?;
    loop {
        match state::with(|state| state.lives[index].answer.take()) {
            None => thread::block(None)?,
            Some(answer) => return Ok(answer),
        }
    }
}

pub fn service_receive(call: &mut Call<'_, '_>, handle: u32, buffer: Lent, timeout: i64) -> Outcome<Answer> {
    let handle = require(call.index(), handle, &[HandleKind::ServiceServer])?;
    call.bytes(buffer)?; // before a request is taken that could not be stored
    if state::with(|state| state.services[handle.object].is_serving()) {
        return Ok(Err(Error::Invalid)); // the request received last still wants its reply
    }
    let deadline = deadline(timeout);
    loop {
        match state::with(|state| state.services[handle.object].receive()) {
            Some(request) => return store(call, buffer, &request),
            None if deadline.is_some_and(|at| at <= time::now()) => return Ok(Err(Error::TimedOut)),
            None => thread::block(deadline)?,
        }
    }
}

pub fn service_reply(call: &mut Call<'_, '_>, handle: u32, reply: Lent) -> Outcome<Answer> {
    let handle = require(call.index(), handle, &[HandleKind::ServiceServer])?;
    let reply = call.bytes(reply)?;
    if reply.len() > LARGEST {
        return Ok(Err(Error::TooLarge));
    }
    let client = state::with(|state| {
        let client = state.services[handle.object].reply();
        client.inspect(|&client| state.lives[client].answer = Some(Told::Reply(reply.to_vec())))
    });
    if let Some(client) = client {
        thread::take_back(client); // from here on the server is as urgent as itself, or its next client
        thread::wake(client);
    }
    Ok(if client.is_some() { Ok(0) } else { Err(Error::NotFound) })
}

/// Whether a request waits to be received.
pub fn has_request(object: usize) -> bool {
    state::with(|state| state.services[object].has_request())
}
