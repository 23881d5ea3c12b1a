//! The exchange against a slow model: random operations, after each of which both tell the same.
use super::*;
use alloc::{collections::{BTreeMap, BTreeSet, VecDeque}, vec};

const INSTANCES: usize = 4;
const LIMIT: usize = 6;
const DEPTH: usize = 3;
const LARGEST: usize = 8;
/// Streams by server and client, and channels by server, client and what they carry.
const STREAMS: [(usize, usize); 2] = [(0, 1), (2, 3)];
const CHANNELS: [(usize, usize, u8); 4] = [(0, 1, 7), (0, 1, 7), (1, 2, 7), (2, 3, 1)];

fn exchange() -> Exchange {
    let mut made = Exchange { ends: Vec::new(), streams: STREAMS.len(), channels: Vec::new(), handles: Vec::new() };
    STREAMS.iter().for_each(|&(server, client)| made.join(server, client));
    for (server, client, carries) in CHANNELS {
        made.join(server, client);
        made.channels.push(Channel { inbox: [Queue::new(DEPTH, LARGEST), Queue::new(DEPTH, LARGEST)], carries });
    }
    made.handles = (0..INSTANCES).map(|_| Handles::new(LIMIT)).collect();
    made
}

/// What an instance holds by the table: both ends that are its own, and a service that all may ask.
fn of_the_table(instance: usize) -> Vec<Held> {
    let joints = STREAMS.iter().map(|&(s, c)| (s, c, HandleKind::StreamServer, HandleKind::StreamClient)).enumerate()
        .chain(CHANNELS.iter().map(|&(s, c, _)| (s, c, HandleKind::ChannelServer, HandleKind::ChannelClient)).enumerate());
    let ends = joints.flat_map(|(object, (s, c, server, client))| [(s, server, object), (c, client, object)]);
    let mut held: Vec<Held> = ends.filter(|&(owner, ..)| owner == instance).map(|(_, kind, object)| Held { kind, object, rights: READ | WRITE | SHARE }).collect();
    held.push(Held { kind: HandleKind::ServiceClient, object: 0, rights: READ | WRITE | SHARE });
    held.push(Held { kind: HandleKind::Audit, object: 0, rights: READ | WRITE | SHARE });
    held
}

type Message = (Vec<u8>, Vec<Held>);

#[derive(Clone)]
struct Model {
    alive: [bool; INSTANCES],
    handles: [BTreeMap<u32, Held>; INSTANCES],
    /// By channel and the side that receives.
    queues: Vec<[VecDeque<Message>; 2]>,
}

type Node = (bool, usize, usize);

fn node(held: &Held) -> Option<Node> {
    End::of(held).map(|end| (end.joint == Joint::Channel, end.object, end.side as usize))
}

fn owner((channel, object, side): Node) -> usize {
    let (server, client) = if channel { (CHANNELS[object].0, CHANNELS[object].1) } else { STREAMS[object] };
    [server, client][side]
}

impl Model {
    /// Every end that somebody is at, or can get at by receiving: by definition, as a fixed point.
    fn reached(&self) -> BTreeSet<Node> {
        let all = (0..STREAMS.len()).map(|k| (false, k)).chain((0..CHANNELS.len()).map(|k| (true, k)));
        let mut reached: BTreeSet<Node> = all.flat_map(|(channel, k)| [(channel, k, 0), (channel, k, 1)]).filter(|&n| self.alive[owner(n)]).collect();
        reached.extend(self.handles.iter().flat_map(|held| held.values().filter_map(node)));
        loop {
            let more: Vec<Node> = reached.iter().filter(|n| n.0).flat_map(|n| self.queues[n.1][n.2].iter().flat_map(|m| m.1.iter().filter_map(node))).collect();
            let before = reached.len();
            reached.extend(more);
            if reached.len() == before {
                return reached;
            }
        }
    }

    fn purge(&mut self) {
        let reached = self.reached();
        for (object, queues) in self.queues.iter_mut().enumerate() {
            for (side, queue) in queues.iter_mut().enumerate() {
                if !reached.contains(&(true, object, side)) {
                    queue.clear();
                }
            }
        }
    }

    fn send(&self, instance: usize, held: &Held, bytes: &[u8], numbers: &[u32]) -> Result<Vec<Held>, Fault> {
        let n = node(held).filter(|n| n.0).unwrap();
        if held.rights & WRITE == 0 {
            return Err(Fault::Refused);
        }
        if bytes.len() > LARGEST {
            return Err(Fault::TooLarge);
        }
        if numbers.len() > 8 {
            return Err(Fault::Invalid);
        }
        let mut moved = Vec::new();
        for (k, number) in numbers.iter().enumerate() {
            let held = self.handles[instance].get(number).filter(|held| held.rights & SHARE != 0 && !numbers[..k].contains(number)).ok_or(Fault::BadHandle)?;
            if carrying(held.kind) & CHANNELS[n.1].2 == 0 {
                return Err(Fault::Refused);
            }
            moved.push(*held);
        }
        if !self.reached().contains(&(true, n.1, 1 - n.2)) {
            return Err(Fault::Closed);
        }
        if self.queues[n.1][1 - n.2].len() == DEPTH { Err(Fault::WouldBlock) } else { Ok(moved) }
    }
}

struct Random(u64);

impl Random {
    /// Below `limit`, by xorshift (Marsaglia 2003).
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

struct Pair {
    model: Model,
    real: Exchange,
    random: Random,
}

impl Pair {
    fn any_number(&mut self, instance: usize) -> u32 {
        let known: Vec<u32> = self.model.handles[instance].keys().copied().collect();
        if known.is_empty() || self.random.below(8) == 0 { crate::handles::DYNAMIC | self.random.below(1 << 14) as u32 } else { known[self.random.below(known.len())] }
    }

    fn any_held(&mut self, instance: usize) -> Held {
        let mut all = of_the_table(instance);
        all.extend(self.model.handles[instance].values());
        all[self.random.below(all.len())]
    }

    fn step(&mut self) {
        let instance = self.random.below(INSTANCES);
        match self.random.below(20) {
            0 => self.end(instance),
            1 => self.model.alive[instance] = true,
            2..5 if self.model.alive[instance] => self.close(instance),
            5..9 if self.model.alive[instance] => self.duplicate(instance),
            9..15 if self.model.alive[instance] => self.send(instance),
            15.. if self.model.alive[instance] => self.receive(instance),
            _ => {}
        }
    }

    fn end(&mut self, instance: usize) {
        self.model.alive[instance] = false;
        self.model.handles[instance].clear();
        let alive = self.model.alive;
        self.real.ended(instance, &|k| alive[k]);
    }

    fn close(&mut self, instance: usize) {
        let number = self.any_number(instance);
        let alive = self.model.alive;
        let known = self.model.handles[instance].remove(&number).is_some();
        assert_eq!(self.real.close(instance, number, &|k| alive[k]).is_ok(), known);
    }

    fn duplicate(&mut self, instance: usize) {
        let (held, rights) = (self.any_held(instance), self.random.below(8) as u8);
        let allowed = held.rights & SHARE != 0 && rights & !held.rights == 0 && held.kind != HandleKind::Audit;
        let wanted = if !allowed { Err(Fault::Refused) } else if self.model.handles[instance].len() == LIMIT { Err(Fault::TooMany) } else { Ok(()) };
        let made = self.real.duplicate(instance, held, rights);
        assert_eq!(made.map(|_| ()), wanted);
        if let Ok(number) = made {
            assert!(self.model.handles[instance].insert(number, Held { rights, ..held }).is_none(), "a number twice");
        }
    }

    fn channel(&mut self, instance: usize) -> Option<Held> {
        let held = self.any_held(instance);
        node(&held).filter(|n| n.0).map(|_| held)
    }

    fn send(&mut self, instance: usize) {
        let Some(held) = self.channel(instance) else { return };
        let bytes = vec![self.random.below(256) as u8; self.random.below(LARGEST + 2)];
        let count = if self.random.below(30) == 0 { 9 } else { self.random.below(3) };
        let numbers: Vec<u32> = (0..count).map(|_| self.any_number(instance)).collect();
        let alive = self.model.alive;
        let wanted = self.model.send(instance, &held, &bytes, &numbers);
        let done = self.real.send(instance, &held, &bytes, numbers.iter().copied(), &|k| alive[k]);
        assert_eq!(done.map(|_| ()), wanted.clone().map(|_| ()));
        let Ok(moved) = wanted else { return };
        numbers.iter().for_each(|number| assert!(self.model.handles[instance].remove(number).is_some()));
        let n = node(&held).unwrap();
        self.model.queues[n.1][1 - n.2].push_back((bytes, moved));
    }

    fn receive(&mut self, instance: usize) {
        let Some(held) = self.channel(instance) else { return };
        let (n, slots) = (node(&held).unwrap(), self.random.below(4));
        let room = LIMIT - self.model.handles[instance].len();
        let wanted = match self.model.queues[n.1][n.2].front().cloned() {
            _ if held.rights & READ == 0 => Err(Fault::Refused),
            None if self.model.reached().contains(&(true, n.1, 1 - n.2)) => Err(Fault::WouldBlock),
            None => Err(Fault::Closed),
            Some(message) if message.1.len().min(slots) > room => Err(Fault::TooMany),
            Some(message) => Ok(message),
        };
        let (mut stored, mut placed) = (Vec::new(), Vec::new());
        let alive = self.model.alive;
        let done = self.real.receive(instance, &held, slots, |bytes| stored.extend_from_slice(bytes), |number| placed.push(number), &|k| alive[k]);
        assert_eq!(done.map(|(length, _)| length), wanted.clone().map(|(bytes, _)| bytes.len()));
        let Ok((bytes, moved)) = wanted else { return };
        assert_eq!((stored, placed.len()), (bytes, moved.len().min(slots)));
        self.model.queues[n.1][n.2].pop_front();
        self.model.handles[instance].extend(placed.into_iter().zip(moved));
    }

    fn compare(&mut self) {
        self.model.purge();
        let (alive, reached) = (self.model.alive, self.model.reached());
        for place in 0..self.real.ends.len() {
            let end = self.real.end(place);
            let node = (end.joint == Joint::Channel, end.object, end.side as usize);
            assert_eq!(self.real.is_open(end, &|k| alive[k]), reached.contains(&node), "{end:?}");
            let flying = self.model.queues.iter().flatten().flatten().flat_map(|m| &m.1).filter(|h| self::node(h) == Some(node)).count();
            assert_eq!(self.real.ends[place].flying, flying, "{end:?}");
        }
        for (instance, handles) in self.model.handles.iter().enumerate() {
            assert_eq!(self.real.count(instance), handles.len());
            handles.iter().for_each(|(&number, &held)| assert_eq!(self.real.held(instance, number), Some(held)));
        }
        for (real, model) in self.real.channels.iter().zip(&self.model.queues) {
            for side in 0..2 {
                let inside: Vec<Held> = model[side].iter().flat_map(|m| m.1.clone()).collect();
                assert_eq!(real.inbox[side].carried().collect::<Vec<_>>(), inside);
            }
        }
    }
}

#[test]
fn the_exchange_does_as_its_model() {
    for seed in 1..40 {
        let model = Model { alive: [true; INSTANCES], handles: Default::default(), queues: vec![Default::default(); CHANNELS.len()] };
        let mut pair = Pair { model, real: exchange(), random: Random(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(seed)) };
        for _ in 0..2000 {
            pair.step();
            pair.compare();
        }
    }
}

/// Two channels whose messages hold each other's ends, and nobody else: both are dropped when the instances are gone.
#[test]
fn channels_that_carry_each_others_ends_do_not_leak() {
    let mut exchange = exchange();
    let end = |object| Held { kind: HandleKind::ChannelClient, object, rights: READ | WRITE | SHARE };
    let all = |_: usize| true;
    for (over, carried) in [(0, 1), (1, 0)] {
        let number = exchange.duplicate(1, end(carried), READ | WRITE | SHARE).unwrap();
        let back = Held { kind: HandleKind::ChannelServer, ..end(over) };
        let other = exchange.duplicate(0, Held { kind: HandleKind::ChannelServer, ..end(carried) }, READ | WRITE | SHARE).unwrap();
        exchange.send(1, &end(over), b"up", [number].into_iter(), &all).unwrap();
        exchange.send(0, &back, b"down", [other].into_iter(), &all).unwrap();
    }
    let gone = |k: usize| k > 1;
    let one = exchange.ended(0, &|k| k != 0);
    assert!(one.iter().all(|end| end.joint == Joint::Stream), "messages that the other can still receive hold the ends open: {one:?}");
    let closed = exchange.ended(1, &gone);
    assert!(exchange.ends.iter().all(|end| end.flying == 0));
    let channels: BTreeSet<(usize, usize)> = closed.iter().filter(|end| end.joint == Joint::Channel).map(|end| (end.object, end.side as usize)).collect();
    assert_eq!(channels, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]));
    assert!((0..4).all(|object| !exchange.has_message(End { joint: Joint::Channel, object, side: Side::Client })));
}
