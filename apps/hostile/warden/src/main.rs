//! Watches its wards, hands out the cases of those that have some, listens to the neighbour, and in the end says how it went.
//!
//! Its wards are the instances that its own grants let it control; what it says of them is what audit says of them.
#![no_std]
#![no_main]

extern crate alloc;

mod ask;
mod console;
mod dealer;
mod neighbour;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use dealer::Dealer;
use munal::audit::Instance;
use munal::time::{MILLISECOND, SECOND};
use neighbour::Neighbour;
use warden::grants;
use warden::judge::{Verdict, Ward};

munal::bindings!();
munal::main!(run);

const CLOCK: clock::time = clock::time;
const CASES: service_server::cases = service_server::cases;

/// From one look at all instances to the next.
const LOOK: u64 = 50 * MILLISECOND;
/// How long a case may take before its client is looked at.
const GLANCE: u64 = 2 * MILLISECOND;
/// The neighbour keeps at least as many deadlines, however soon all are contained.
const DEADLINES: u32 = 1000;
/// Of so many misses it is said at once who ran; of more, the neighbour's log tells.
const TOLD_AT_ONCE: u32 = 8;
/// Who is not contained by then is not contained.
const LONGEST: u64 = 90 * SECOND;

/// All that is watched. Instances are known by their index in audit.
struct Watch {
    wards: BTreeMap<u32, Ward>,
    dealer: Option<Dealer>,
    neighbour: Neighbour,
    /// How often it was said who ran when the neighbour was late.
    told: u32,
    /// The processor time of each instance at the last look, for who took it when the neighbour was late.
    seen: Vec<u64>,
}

fn run() -> Result<(), String> {
    let mut watch = Watch::start()?;
    console::say(&format!("munal hostile: {} wards and a neighbour\n", watch.wards.len()))?;
    let mut next_look = CLOCK.now();
    while !watch.is_over() {
        if CLOCK.now() >= next_look {
            watch.look()?;
            next_look = CLOCK.now() + LOOK;
        }
        watch.wait(next_look)?;
    }
    watch.neighbour.end()?;
    let well = watch.tell()?;
    console::end(well)
}

impl Watch {
    fn start() -> Result<Self, String> {
        let all = ask::all()?;
        let own = all.iter().position(|it| it.app == env!("CARGO_PKG_NAME")).ok_or("audit does not know the warden")?;
        let names = grants::controlled(&ask::grants(own as u32)?);
        let mut wards = BTreeMap::new();
        let mut dealer = None;
        for (index, it) in (0u32..).zip(&all).filter(|(_, it)| names.contains(&it.name)) {
            let words = ask::grants(index)?;
            let has_cases = grants::asks(&words, &format!("{}.cases", all[own].name));
            if has_cases {
                dealer = Some(Dealer::new(index, &it.name));
            }
            wards.insert(index, Ward { share: grants::share(&words).into(), has_cases, ..Ward::default() });
        }
        Ok(Self { wards, dealer, neighbour: Neighbour::default(), told: 0, seen: Vec::new() })
    }

    /// Looks at everyone.
    fn look(&mut self) -> Result<(), String> {
        let all = ask::all()?;
        let missed = self.neighbour.listen()?;
        if let Some(deadline) = missed.filter(|_| self.told < TOLD_AT_ONCE) {
            self.told += 1;
            console::say(&format!("neighbour: missed {deadline}{}\n", self.who_ran(&all)))?;
        }
        self.seen = all.iter().map(|it| it.cpu).collect();
        for (index, it) in (0u32..).zip(all) {
            if let Some(ward) = self.wards.get_mut(&index) {
                ward.look(it);
            }
        }
        if let Some(dealer) = &mut self.dealer {
            let ward = self.wards.get_mut(&dealer.index).ok_or("who takes cases is no ward")?;
            ward.cases = dealer.result();
        }
        Ok(())
    }

    /// Waits for a request for a case, or until the next look is due.
    fn wait(&mut self, next_look: u64) -> Result<(), String> {
        let now = CLOCK.now();
        let until = if self.dealer.as_ref().is_some_and(Dealer::is_open) { next_look.min(now + GLANCE) } else { next_look };
        let mut polls = [Poll::new(CASES.handle(), events::READABLE)];
        match (sip::wait(&mut polls, until.saturating_sub(now) as i64), &mut self.dealer) {
            (Ok(_), Some(dealer)) => dealer.deal(),
            (Err(Error::TimedOut), Some(dealer)) => dealer.glance(),
            (Ok(_) | Err(Error::TimedOut), None) => Ok(()),
            (Err(why), _) => Err(format!("waiting: {why}")),
        }
    }

    /// Whether there is nothing more to wait for: everyone is contained or has escaped, or the time is over.
    fn is_over(&self) -> bool {
        let settled = self.wards.values().all(|ward| ward.verdict() != Verdict::Free);
        CLOCK.now() > LONGEST || (settled && self.neighbour.deadlines() >= DEADLINES)
    }

    /// Says how it stands with each; answers whether all is well.
    fn tell(&self) -> Result<bool, String> {
        let mut well = !self.wards.is_empty();
        for ward in self.wards.values() {
            let words = match ward.verdict() {
                Verdict::Contained(what) => format!("contained by {what}"),
                Verdict::Free => format!("NOT contained: nothing stopped it in {} s", LONGEST / SECOND),
                Verdict::Escaped(how) => format!("NOT contained: {how}"),
            };
            well &= words.starts_with("contained");
            console::say(&format!("hostile {}: {words}\n", ward.latest.name))?;
        }
        console::say(&self.neighbour.words())?;
        Ok(well && self.neighbour.is_well(DEADLINES))
    }

    /// Who ran since the last look, and for how long.
    fn who_ran(&self, all: &[Instance]) -> String {
        let ran = all.iter().zip(&self.seen).filter(|(it, before)| it.cpu > **before);
        let words: Vec<String> = ran.map(|(it, before)| format!("{} {} us", it.name, (it.cpu - before) / 1000)).collect();
        if words.is_empty() { String::new() } else { format!("; since the last look ran {}", words.join(", ")) }
    }
}
