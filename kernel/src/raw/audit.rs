//! What runs here, for those who were granted to ask.
use super::{Answer, require, store, store_part};
use crate::{cpu::time, dispatch::{self, Error}, memory::{accounts, frames, linear}, sip::{Call, Lent, Outcome}, state, thread};
use alloc::{string::ToString, vec::Vec};
use minicbor::Encoder;
use munal_logic::{table::{HandleKind, Kind}, words};

fn exists(index: u32) -> bool {
    state::with(|state| (index as usize) < state.lives.len())
}

enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Bytes(&'a [u8]),
    /// A map of names and counts.
    Counts(&'a [(&'static str, u64)]),
}

/// A CBOR map with text keys (RFC 8949).
fn map(entries: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let written = (|| {
        encoder.map(entries.len() as u64)?;
        for (key, value) in entries {
            encoder.str(key)?;
            match value {
                Value::Text(text) => encoder.str(text)?,
                Value::Number(number) => encoder.u64(*number)?,
                Value::Bytes(bytes) => encoder.bytes(bytes)?,
                Value::Counts(counts) => {
                    encoder.map(counts.len() as u64)?;
                    counts.iter().try_for_each(|(name, count)| encoder.str(name)?.u64(*count).map(|_| ()))?;
                    &mut encoder
                }
            };
        }
        Ok::<(), minicbor::encode::Error<core::convert::Infallible>>(())
    })();
    written.expect("a vector takes all that is written");
    encoder.into_writer()
}

pub fn audit_system(call: &mut Call<'_, '_>, handle: u32, buffer: Lent) -> Outcome<Answer> {
    require(call.index(), handle, &[HandleKind::Audit])?;
    let (free, total) = frames::count();
    let (idle, now) = (thread::idle(), time::now());
    let message = state::with(|state| map(&[
        ("name", Value::Text(&state.table.name)),
        ("version", Value::Text(&state.table.release)),
        ("profile", Value::Text(&state.table.profile)),
        ("digest", Value::Bytes(&state.digest)),
        ("uptime", Value::Number(now)),
        ("memory_total", Value::Number(total)),
        ("memory_free", Value::Number(free)),
        ("memory_heap", Value::Number(accounts::heap())),
        ("memories", Value::Number(linear::count() as u64)),
        ("instances", Value::Number(state.lives.len() as u64)),
        ("idle", Value::Number(idle)),
    ]));
    store(call, buffer, &message)
}

pub fn audit_instance(call: &mut Call<'_, '_>, handle: u32, index: u32, buffer: Lent) -> Outcome<Answer> {
    require(call.index(), handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let index = index as usize;
    let activity = thread::activity(index);
    let memory = accounts::with(accounts::of_thread(index), |account| *account);
    let message = state::with(|state| {
        let (instance, life) = (&state.table.instances[index], &state.lives[index]);
        let kind = match instance.kind {
            Kind::Driver => "driver",
            Kind::Service => "service",
            Kind::Program => "program",
        };
        let errors: Vec<_> = dispatch::ERRORS.iter().map(|&(name, number)| (name, life.errors.count(number))).filter(|&(_, count)| count > 0).collect();
        map(&[
            ("name", Value::Text(&instance.name)),
            ("app", Value::Text(&instance.app)),
            ("kind", Value::Text(kind)),
            ("state", Value::Text(state.word(index, activity.word))),
            ("cpu", Value::Number(activity.usage.cpu)),
            ("memory", Value::Number(memory.used())),
            ("memory_peak", Value::Number(memory.peak())),
            ("memory_limit", Value::Number(instance.memory)),
            ("restarts", Value::Number(u64::from(life.restarts))),
            ("error", Value::Text(&life.error)),
            ("errors", Value::Counts(&errors)),
            ("memory_refused", Value::Number(life.memory_refused)),
            ("log_dropped", Value::Number(life.log.start())),
        ])
    });
    store(call, buffer, &message)
}

pub fn audit_grants(call: &mut Call<'_, '_>, handle: u32, index: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call.index(), handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let text = state::with(|state| words::grants(&state.table, index as usize).to_string());
    store_part(call, buffer, offset, text.as_bytes())
}

pub fn audit_log(call: &mut Call<'_, '_>, handle: u32, index: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call.index(), handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let text = state::with(|state| state.lives[index as usize].log.text());
    store_part(call, buffer, offset, &text)
}
