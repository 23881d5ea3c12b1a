//! Starting and ending the instances that the caller was given control of, and learning how they ended.
use super::{Answer, irq::deadline, require, store};
use crate::{control::{self, Control}, cpu::time, dispatch::Error, sip::{Call, Lent, Outcome}, state, thread};
use alloc::vec::Vec;
use minicbor::Encoder;
use munal_logic::{restart::End, table::HandleKind};

/// The instance called `name`, if the caller may control it.
fn find(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Result<usize, Error>> {
    let caller = call.index();
    require(call, handle, &[HandleKind::Control])?;
    let name = call.bytes(name)?;
    let Some(index) = state::with(|state| state.find(name)) else { return Ok(Err(Error::NotFound)) };
    let allowed = state::with(|state| state.table.instances[caller].handles[handle as usize].instances.contains(&index));
    Ok(if allowed { Ok(index) } else { Err(Error::Refused) })
}

/// Orders it, and waits until it is done; answers how many lives are over by then.
fn carry_out(call: &mut Call<'_, '_>, handle: u32, name: Lent, wanted: Control) -> Outcome<Answer> {
    let index = match find(call, handle, name)? {
        Ok(index) => index,
        Err(why) => return Ok(Err(why)),
    };
    let order = control::order(index, wanted);
    while !control::is_done(&order) {
        control::watch(index, call.index());
        thread::block(None)?;
    }
    Ok(Ok(control::lives_over(index)))
}

pub fn control_start(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    carry_out(call, handle, name, Control::Start)
}

pub fn control_stop(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    carry_out(call, handle, name, Control::Stop)
}

pub fn control_restart(call: &mut Call<'_, '_>, handle: u32, name: Lent) -> Outcome<Answer> {
    carry_out(call, handle, name, Control::Restart)
}

pub fn control_wait(call: &mut Call<'_, '_>, handle: u32, name: Lent, over: u32, timeout: i64) -> Outcome<Answer> {
    let index = match find(call, handle, name)? {
        Ok(index) => index,
        Err(why) => return Ok(Err(why)),
    };
    let deadline = deadline(timeout);
    while !control::has_ended_since(index, over) {
        if deadline.is_some_and(|at| at <= time::now()) {
            return Ok(Err(Error::TimedOut));
        }
        control::watch(index, call.index());
        thread::block(deadline)?;
    }
    Ok(Ok(control::lives_over(index)))
}

pub fn control_status(call: &mut Call<'_, '_>, handle: u32, name: Lent, buffer: Lent) -> Outcome<Answer> {
    match find(call, handle, name)? {
        Ok(index) => store(call, buffer, &status(index)),
        Err(why) => Ok(Err(why)),
    }
}

/// How it stands with an instance, as a CBOR map (RFC 8949).
fn status(index: usize) -> Vec<u8> {
    let activity = thread::activity(index).word;
    let (word, over, end, error, wait) = state::with(|state| {
        let life = &state.lives[index];
        let wait = state.starts_at(index).map(|at| at.saturating_sub(time::now()));
        (state.word(index, activity), control::ends(life.over), life.end.map_or("", End::word), life.error.clone(), wait)
    });
    let mut encoder = Encoder::new(Vec::new());
    let written = (|| {
        encoder.map(4 + u64::from(wait.is_some()))?.str("state")?.str(word)?.str("over")?.u32(over)?;
        encoder.str("end")?.str(end)?.str("error")?.str(&error)?;
        if let Some(wait) = wait {
            encoder.str("starts_in")?.u64(wait)?;
        }
        Ok::<(), minicbor::encode::Error<core::convert::Infallible>>(())
    })();
    written.expect("a vector takes all that is written");
    encoder.into_writer()
}
