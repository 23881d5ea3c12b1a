//! What runs here, for those who were granted to ask.
use super::{Answer, require, store, store_part};
use crate::{cpu::time, dispatch::{self, Error}, entropy, memory::{accounts, frames, linear}, sip::{Call, Lent, Outcome}, stages, state::{self, Status}, thread};
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
    require(call, handle, &[HandleKind::Audit])?;
    let (free, total) = frames::count();
    let times = thread::times();
    let ((clock, ppm), (sources, seeds), stages) = (time::quality(), entropy::state(), stages::all());
    let message = state::with(|state| map(&[
        ("name", Value::Text(&state.table.name)),
        ("version", Value::Text(&state.table.release)),
        ("profile", Value::Text(&state.table.profile)),
        ("digest", Value::Bytes(&state.digest)),
        ("uptime", Value::Number(times.now)),
        ("memory_total", Value::Number(total)),
        ("memory_free", Value::Number(free)),
        ("memory_heap", Value::Number(accounts::heap())),
        ("memories", Value::Number(linear::count() as u64)),
        ("instances", Value::Number(state.lives.len() as u64)),
        ("idle", Value::Number(times.idle)),
        ("cpu", Value::Number(times.instances)),
        ("kernel_cpu", Value::Number(times.kernel)),
        ("kernel", Value::Text(env!("CARGO_PKG_VERSION"))),
        ("clock", Value::Text(&clock)),
        ("clock_ppm", Value::Number(ppm)),
        ("entropy", Value::Text(&sources)),
        ("entropy_seeds", Value::Number(seeds)),
        ("boot", Value::Counts(&stages)),
    ]));
    store(call, buffer, &message)
}

pub fn audit_instance(call: &mut Call<'_, '_>, handle: u32, index: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let index = index as usize;
    let (activity, now) = (thread::activity(index), time::now());
    let memory = accounts::with(accounts::of_thread(index), |account| *account);
    let message = state::with(|state| {
        let (instance, life) = (&state.table.instances[index], &state.lives[index]);
        let kind = match instance.kind {
            Kind::Driver => "driver",
            Kind::Service => "service",
            Kind::Program => "program",
        };
        let errors: Vec<_> = dispatch::ERRORS.iter().map(|&(name, number)| (name, life.errors.count(number))).filter(|&(_, count)| count > 0).collect();
        let mut entries = alloc::vec![
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
            ("priority", Value::Text(words::priority(instance.priority))),
            ("share", Value::Number(u64::from(instance.cpu_permille))),
            ("period", Value::Number(1000 * u64::from(instance.period_us))),
            ("throttled", Value::Number(activity.usage.throttled)),
            ("wakeups", Value::Number(activity.usage.wakeups)),
            ("switches", Value::Number(activity.switches)),
            ("sent", Value::Number(life.sent)),
            ("received", Value::Number(life.received)),
            ("handles", Value::Number(state.exchange.count(index) as u64)),
            ("handles_limit", Value::Number(u64::from(instance.handle_limit))),
            ("up", Value::Number(if life.status == Status::Running { now.saturating_sub(life.began) } else { 0 })),
        ];
        if let Some(at) = state.starts_at(index) {
            entries.push(("starts_in", Value::Number(at.saturating_sub(now))));
        }
        map(&entries)
    });
    store(call, buffer, &message)
}

pub fn audit_grants(call: &mut Call<'_, '_>, handle: u32, index: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let text = state::with(|state| words::grants(&state.table, index as usize).to_string());
    store_part(call, buffer, offset, text.as_bytes())
}

pub fn audit_log(call: &mut Call<'_, '_>, handle: u32, index: u32, offset: u32, buffer: Lent) -> Outcome<Answer> {
    require(call, handle, &[HandleKind::Audit])?;
    if !exists(index) {
        return Ok(Err(Error::NotFound));
    }
    let text = state::with(|state| state.lives[index as usize].log.text());
    store_part(call, buffer, offset, &text)
}
