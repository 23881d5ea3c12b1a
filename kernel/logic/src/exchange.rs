//! Who holds which end of what joins instances, and the messages that move handles between them.
//!
//! An end is open while its own instance lives on, while another holds a handle of it, or while a message carries one that
//! somebody can still receive. Channels may carry each other's ends in a circle: `collect` drops what nobody can reach, so
//! that nothing in flight stays for ever. All is bounded by the table: no stream, channel or service is made at run time.
use crate::{
    channel::{Carried, MOST_CARRIED, Queue},
    handles::Handles,
    table::{HandleKind, Held, READ, SHARE, Table, WRITE},
};
use alloc::vec::Vec;

/// What joins two instances and has an end at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    Stream,
    Channel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Server,
    Client,
}

impl Side {
    pub fn other(self) -> Self {
        if self == Side::Server { Side::Client } else { Side::Server }
    }
}

/// One end of a stream or a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub joint: Joint,
    pub object: usize,
    pub side: Side,
}

impl End {
    /// The end that a handle stands for, where it stands for one.
    pub fn of(held: &Held) -> Option<Self> {
        let (joint, side) = match held.kind {
            HandleKind::StreamServer => (Joint::Stream, Side::Server),
            HandleKind::StreamClient => (Joint::Stream, Side::Client),
            HandleKind::ChannelServer => (Joint::Channel, Side::Server),
            HandleKind::ChannelClient => (Joint::Channel, Side::Client),
            _ => return None,
        };
        Some(Self { joint, object: held.object, side })
    }

    pub fn peer(self) -> Self {
        Self { side: self.side.other(), ..self }
    }
}

/// Why something was not done; the interfaces' errors of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Refused,
    Closed,
    WouldBlock,
    Invalid,
    TooLarge,
    TooMany,
    BadHandle,
}

/// The bit of a channel's `carries` that a handle of this kind needs; 0 for kinds that never move.
pub fn carrying(kind: HandleKind) -> u8 {
    match kind {
        HandleKind::StreamClient | HandleKind::StreamServer => 1,
        HandleKind::ChannelClient | HandleKind::ChannelServer => 2,
        HandleKind::ServiceClient | HandleKind::ServiceBadged => 4,
        _ => 0,
    }
}

#[derive(Debug)]
struct Holders {
    /// The instance that the table gave this end.
    owner: usize,
    /// Instances with a handle of it, one entry a handle.
    held: Vec<usize>,
    /// Messages in flight that carry it, one a handle.
    flying: usize,
}

#[derive(Debug)]
struct Channel {
    /// What the server and the client are to receive.
    inbox: [Queue; 2],
    carries: u8,
}

#[derive(Debug)]
pub struct Exchange {
    /// The server's and the client's end of each stream, then of each channel.
    ends: Vec<Holders>,
    streams: usize,
    channels: Vec<Channel>,
    handles: Vec<Handles>,
}

/// What tells whether an instance runs, or will run again.
pub type LivesOn<'a> = &'a dyn Fn(usize) -> bool;

impl Exchange {
    /// All that a table's streams and channels join, with nothing in flight and nothing held beyond the table.
    pub fn new(table: &Table) -> Self {
        Self::charged(table, |_| ())
    }

    /// As `new`; `whose` is told for which instance the next is made, none for all.
    pub fn charged(table: &Table, mut whose: impl FnMut(Option<usize>)) -> Self {
        let mut made = Self { ends: Vec::new(), streams: table.streams.len(), channels: Vec::new(), handles: Vec::new() };
        table.streams.iter().for_each(|stream| made.join(stream.server, stream.client));
        for channel in &table.channels {
            made.join(channel.server, channel.client);
            whose(Some(channel.server));
            let inbox = [(); 2].map(|()| Queue::new(channel.depth, channel.largest));
            whose(None);
            made.channels.push(Channel { inbox, carries: channel.carries });
        }
        for (index, instance) in table.instances.iter().enumerate() {
            whose(Some(index));
            let handles = Handles::new(instance.handle_limit as usize);
            whose(None);
            made.handles.push(handles);
        }
        made
    }

    fn join(&mut self, server: usize, client: usize) {
        self.ends.extend([server, client].map(|owner| Holders { owner, held: Vec::new(), flying: 0 }));
    }

    fn place(&self, end: End) -> usize {
        let object = if end.joint == Joint::Stream { end.object } else { self.streams + end.object };
        2 * object + end.side as usize
    }

    fn at(&self, end: End) -> &Holders {
        &self.ends[self.place(end)]
    }

    fn at_mut(&mut self, end: End) -> &mut Holders {
        let place = self.place(end);
        &mut self.ends[place]
    }

    /// What `number` stands for in `instance`, where it stands for anything.
    pub fn held(&self, instance: usize, number: u32) -> Option<Held> {
        self.handles[instance].get(number)
    }

    /// How many handles `instance` holds beyond those of the table.
    pub fn count(&self, instance: usize) -> usize {
        self.handles[instance].len()
    }

    /// Whether anyone is, or may yet be, at this end.
    pub fn is_open(&self, end: End, lives_on: LivesOn<'_>) -> bool {
        self.at(end).flying > 0 || self.is_rooted(end, lives_on)
    }

    /// Whether an instance is at this end, or will be again.
    fn is_rooted(&self, end: End, lives_on: LivesOn<'_>) -> bool {
        let holders = self.at(end);
        !holders.held.is_empty() || lives_on(holders.owner)
    }

    /// The instances that are at this end: the table's, then those with a handle of it, once for each.
    pub fn holders(&self, end: End) -> impl Iterator<Item = usize> + '_ {
        let holders = self.at(end);
        core::iter::once(holders.owner).chain(holders.held.iter().copied())
    }

    /// One more handle of what `held` stands for, with `rights` at most its own. Errors: Refused where it may not be shared
    /// or has not all of `rights`; TooMany.
    pub fn duplicate(&mut self, instance: usize, held: Held, rights: u8) -> Result<u32, Fault> {
        if carrying(held.kind) == 0 || held.rights & SHARE == 0 || rights & !held.rights != 0 {
            return Err(Fault::Refused);
        }
        self.take_in(instance, Held { rights, ..held }).ok_or(Fault::TooMany)
    }

    fn take_in(&mut self, instance: usize, held: Held) -> Option<u32> {
        let number = self.handles[instance].insert(held)?;
        if let Some(end) = End::of(&held) {
            self.at_mut(end).held.push(instance);
        }
        Some(number)
    }

    fn give_up(&mut self, instance: usize, held: &Held) {
        let Some(end) = End::of(held) else { return };
        let list = &mut self.at_mut(end).held;
        if let Some(place) = list.iter().position(|&holder| holder == instance) {
            list.swap_remove(place);
        }
    }

    /// Closes a handle. Gives the ends at which nobody is any more. Errors: BadHandle.
    pub fn close(&mut self, instance: usize, number: u32, lives_on: LivesOn<'_>) -> Result<Vec<End>, Fault> {
        let held = self.handles[instance].remove(number).ok_or(Fault::BadHandle)?;
        self.give_up(instance, &held);
        let Some(end) = End::of(&held).filter(|&end| !self.is_rooted(end, lives_on)) else { return Ok(Vec::new()) };
        let mut closed = self.collect(lives_on);
        closed.extend((!closed.contains(&end) && !self.is_open(end, lives_on)).then_some(end));
        Ok(closed)
    }

    /// Closes all handles of an instance that ended. Gives the ends at which nobody is any more: of these, and its own.
    pub fn ended(&mut self, instance: usize, lives_on: LivesOn<'_>) -> Vec<End> {
        let mut touched: Vec<End> = self.ends_of(instance);
        while let Some(held) = self.handles[instance].pop() {
            self.give_up(instance, &held);
            touched.extend(End::of(&held).filter(|end| !touched.contains(end)));
        }
        let mut closed = self.collect(lives_on);
        closed.extend(touched.into_iter().filter(|&end| !self.is_open(end, lives_on)));
        closed
    }

    fn ends_of(&self, instance: usize) -> Vec<End> {
        (0..self.ends.len()).filter(|&place| self.ends[place].owner == instance).map(|place| self.end(place)).collect()
    }

    fn end(&self, place: usize) -> End {
        let side = if place % 2 == 0 { Side::Server } else { Side::Client };
        match (place / 2).checked_sub(self.streams) {
            Some(object) => End { joint: Joint::Channel, object, side },
            None => End { joint: Joint::Stream, object: place / 2, side },
        }
    }

    /// Sends a message of `bytes` and the handles `numbers`, which move: `instance` holds them no longer.
    ///
    /// Errors, and nothing happened: TooLarge, Invalid (more than eight handles), BadHandle (not held, twice the same, or
    /// without the right to be shared), Refused (a kind that the channel does not carry, or no right to write), Closed, WouldBlock.
    pub fn send(
        &mut self, instance: usize, held: &Held, bytes: &[u8], numbers: impl ExactSizeIterator<Item = u32> + Clone, lives_on: LivesOn<'_>,
    ) -> Result<Vec<End>, Fault> {
        let Some(end) = End::of(held).filter(|_| held.rights & WRITE != 0) else { return Err(Fault::Refused) };
        if bytes.len() > self.channels[end.object].inbox[0].largest() {
            return Err(Fault::TooLarge);
        }
        let carried = self.carried(instance, numbers.clone(), self.channels[end.object].carries)?;
        if !self.is_open(end.peer(), lives_on) {
            return Err(Fault::Closed);
        }
        if !self.channels[end.object].inbox[end.peer().side as usize].push(bytes, carried) {
            return Err(Fault::WouldBlock);
        }
        for number in numbers {
            self.handles[instance].remove(number);
        }
        let mut loose = false;
        for moved in carried.iter() {
            self.give_up(instance, &moved);
            if let Some(end) = End::of(&moved) {
                self.at_mut(end).flying += 1;
                loose |= !self.is_rooted(end, lives_on);
            }
        }
        Ok(if loose { self.collect(lives_on) } else { Vec::new() })
    }

    fn carried(&self, instance: usize, numbers: impl ExactSizeIterator<Item = u32> + Clone, carries: u8) -> Result<Carried, Fault> {
        let mut carried = Carried::default();
        if numbers.len() > MOST_CARRIED {
            return Err(Fault::Invalid);
        }
        for (place, number) in numbers.clone().enumerate() {
            let held = self.handles[instance].get(number).filter(|held| held.rights & SHARE != 0).ok_or(Fault::BadHandle)?;
            if numbers.clone().take(place).any(|earlier| earlier == number) {
                return Err(Fault::BadHandle);
            }
            if carrying(held.kind) & carries == 0 {
                return Err(Fault::Refused);
            }
            carried.push(held);
        }
        Ok(carried)
    }

    /// Receives the next message: its bytes go to `store`, its handles become `instance`'s, their numbers go to `place`, at
    /// most `slots` of them; those beyond are closed. Gives its length, and the ends at which nobody is any more.
    ///
    /// Errors, and nothing happened: Refused (no right to read), Closed, WouldBlock, TooMany.
    pub fn receive(
        &mut self, instance: usize, held: &Held, slots: usize, store: impl FnOnce(&[u8]), mut place: impl FnMut(u32), lives_on: LivesOn<'_>,
    ) -> Result<(usize, Vec<End>), Fault> {
        let Some(end) = End::of(held).filter(|_| held.rights & READ != 0) else { return Err(Fault::Refused) };
        let inbox = &mut self.channels[end.object].inbox[end.side as usize];
        let Some((bytes, carried)) = inbox.front() else {
            return Err(if self.is_open(end.peer(), lives_on) { Fault::WouldBlock } else { Fault::Closed });
        };
        let carried = *carried;
        if carried.len().min(slots) > self.handles[instance].room() {
            return Err(Fault::TooMany);
        }
        let length = bytes.len();
        store(bytes);
        inbox.pop();
        let mut closed = Vec::new();
        for (slot, moved) in carried.iter().enumerate() {
            if slot < slots {
                self.take_in(instance, moved).into_iter().for_each(&mut place);
            }
            self.land(&moved, lives_on, &mut closed);
        }
        if carried.len() > slots {
            closed.extend(self.collect(lives_on));
        }
        Ok((length, closed))
    }

    /// A message that carried this is no longer in flight.
    fn land(&mut self, moved: &Held, lives_on: &dyn Fn(usize) -> bool, closed: &mut Vec<End>) {
        let Some(end) = End::of(moved) else { return };
        self.at_mut(end).flying -= 1;
        if !self.is_open(end, lives_on) {
            closed.push(end);
        }
    }

    pub fn has_message(&self, end: End) -> bool {
        !self.channels[end.object].inbox[end.side as usize].is_empty()
    }

    /// Whether what this end sends finds room.
    pub fn has_room(&self, end: End) -> bool {
        !self.channels[end.object].inbox[end.peer().side as usize].is_full()
    }

    /// Drops every message that nobody can receive, and so the handles in it. Gives the ends at which then nobody is.
    ///
    /// Reached is an end with a holder, and what the messages carry that wait at an end that is reached. Time is
    /// proportional to the ends and to the handles in flight, both bounded by the table.
    pub fn collect(&mut self, lives_on: LivesOn<'_>) -> Vec<End> {
        let mut reached: Vec<bool> = self.ends.iter().map(|holders| !holders.held.is_empty() || lives_on(holders.owner)).collect();
        let mut found: Vec<usize> = (2 * self.streams..self.ends.len()).filter(|&place| reached[place]).collect();
        while let Some(place) = found.pop() {
            for held in self.channels[place / 2 - self.streams].inbox[place % 2].carried() {
                let Some(end) = End::of(&held) else { continue };
                let next = self.place(end);
                if !core::mem::replace(&mut reached[next], true) && end.joint == Joint::Channel {
                    found.push(next);
                }
            }
        }
        let mut closed = Vec::new();
        for place in (2 * self.streams..self.ends.len()).filter(|&place| !reached[place]) {
            while let Some(carried) = self.channels[place / 2 - self.streams].inbox[place % 2].pop() {
                carried.iter().for_each(|moved| self.land(&moved, lives_on, &mut closed));
            }
        }
        closed
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
