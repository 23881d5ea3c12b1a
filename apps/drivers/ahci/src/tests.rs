//! A port finds its disk, has it work, and goes on after what can go wrong.

extern crate alloc;

use crate::Fault;
use crate::command::Command;
use crate::fake::{At, Fake, THERE, Then};
use crate::identity::{Unfit, tests::answer};
use crate::port::{Outcome, Port, first};
use crate::registers::{ASKS, GHC, LIST, MOVES, PI, PX_CMD, PX_IE, PX_TFD, ST, of};
use alloc::{string::ToString, vec::Vec};

const SECOND: i64 = 1_000_000_000;
const CD: At = At { signature: 0xeb14_0101, ..THERE };
const READ: Command = Command::Read { sector: 5, count: 9 };
const PAGES: [(u64, u32); 2] = [(0x1000, 4096), (0x7000, 512)];

fn found(at: &[(usize, At)]) -> Result<u32, Fault> {
    first(&Fake::new(at)).map(|port| port.number)
}

/// The outcomes of reads that end as told, one after the other.
fn outcomes(fake: &Fake, count: usize) -> Result<Vec<Outcome>, Fault> {
    let port = first(fake)?;
    (0..count).map(|_| port.carry_out(READ, PAGES.into_iter())).collect()
}

fn ends(then: Then) -> (Result<Vec<Outcome>, Fault>, Fake) {
    let fake = Fake::scripted(&[(2, THERE)], &[then]);
    (outcomes(&fake, 2), fake)
}

#[test]
fn the_first_port_with_a_disk_is_taken() {
    assert_eq!((found(&[(0, THERE), (3, THERE)]), found(&[(3, THERE), (5, THERE)]), found(&[(5, THERE)])), (Ok(0), Ok(3), Ok(5)));
    assert_eq!((found(&[(0, CD), (1, THERE)]), found(&[(1, CD)])), (Ok(1), Err(Fault::NoDisk(6))), "what is no disk is left alone");
    let fake = Fake::new(&[(0, THERE), (4, THERE)]);
    fake.set(PI, 0xffff_ffd0);
    assert_eq!(first(&fake).map(|port| port.number), Ok(4), "a port that is not there has no disk");
}

#[test]
fn which_port_it_is_does_not_depend_on_who_is_faster() {
    let slow = At { link: SECOND / 2, ready: 20 * SECOND, ..THERE };
    assert_eq!(found(&[(1, slow), (2, THERE)]), Ok(1));
}

#[test]
fn a_controller_without_disks_is_given_up_after_a_second() {
    let fake = Fake::new(&[]);
    assert_eq!((first(&fake).err(), fake.slept.get()), (Some(Fault::NoDisk(6)), SECOND));
    assert_eq!(found(&[(0, At { link: 2 * SECOND, ..THERE })]), Err(Fault::NoDisk(6)));
}

#[test]
fn a_disk_that_never_takes_commands_is_left_alone() {
    let fake = Fake::new(&[(0, At { ready: 60 * SECOND, ..THERE })]);
    assert_eq!((first(&fake).err(), fake.slept.get()), (Some(Fault::Silent(0)), 30 * SECOND));
}

#[test]
fn a_command_is_put_where_the_controller_looks_for_it() {
    let fake = Fake::new(&[(2, THERE)]);
    assert_eq!(outcomes(&fake, 1), Ok([Outcome::Done].to_vec()));
    let tables = fake.tables.borrow();
    assert_eq!(tables[usize::from(MOVES)][..20], READ.fis());
    assert_eq!(tables[usize::from(MOVES)][0x80..0x90], [0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x0f, 0, 0]);
    assert_eq!(tables[usize::from(MOVES)][0x90..0xa0], [0, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x01, 0, 0]);
    assert_eq!(tables[usize::from(LIST)][..4], [5, 0, 2, 0]);
    assert_eq!(tables[usize::from(LIST)][8..16], (3u64 << 32).to_le_bytes());
    assert_eq!((fake.get(GHC), fake.get(of(2, PX_IE)) != 0, fake.get(of(1, PX_IE))), (0x8000_0002, true, 0));
}

#[test]
fn a_flush_has_no_data() {
    let fake = Fake::new(&[(2, THERE)]);
    let port = first(&fake).ok().unwrap();
    assert_eq!(port.carry_out(Command::Flush, [].into_iter()), Ok(Outcome::Done));
    let tables = fake.tables.borrow();
    assert_eq!((tables[usize::from(ASKS)][2], &tables[usize::from(LIST)][..4]), (0xea, &[5, 0, 0, 0][..]));
}

#[test]
fn a_disk_says_what_it_is() {
    let identity = |then: &[Then], words| {
        let fake = Fake::scripted(&[(0, THERE)], then);
        let named = first(&fake).and_then(|port: Port<'_, Fake>| port.identity(0x1000, || words));
        named.map(|identity| identity.sectors)
    };
    assert_eq!((identity(&[], answer(99)), identity(&[], answer(0))), (Ok(99), Err(Fault::Unfit(0, Unfit::Empty))));
    assert_eq!(identity(&[Then::Fails], answer(99)), Err(Fault::Nameless(0)));
    assert_eq!(identity(&[Then::Short(256)], answer(99)), Err(Fault::Nameless(0)), "half an answer is none");
}

#[test]
fn after_an_error_the_next_command_goes_well() {
    for (then, begun) in [(Then::Fails, 0), (Then::FailsBusy, 1), (Then::EndsWrong, 0), (Then::Short(512), 0), (Then::Short(4608), 0)] {
        let (outcomes, fake) = ends(then);
        assert_eq!(outcomes, Ok([Outcome::Failed, Outcome::Done].to_vec()), "{then:?}");
        assert_eq!((fake.begun.get(), fake.get(of(2, PX_CMD)) & ST), (begun, ST), "{then:?}");
    }
}

#[test]
fn what_does_not_come_back_is_left_alone() {
    let (outcomes, fake) = ends(Then::Silence);
    assert_eq!((outcomes, fake.slept.get()), (Err(Fault::Silent(2)), SECOND + 30 * SECOND), "the first for the ports before it");
    assert_eq!(ends(Then::Unplugged).0, Err(Fault::Unplugged(2)));
    assert_eq!(ends(Then::Gone).0, Err(Fault::Gone));
}

#[test]
fn a_port_that_never_stops_is_left_alone() {
    let fake = Fake::scripted(&[(2, THERE)], &[Then::Fails]);
    fake.runs_on.set(true);
    assert_eq!(outcomes(&fake, 1), Err(Fault::Stuck(2)));
}

#[test]
fn an_interrupt_that_is_lost_costs_a_second() {
    let fake = Fake::new(&[(2, THERE)]);
    let port = first(&fake).ok().unwrap();
    let before = fake.slept.get();
    fake.lose_interrupts();
    assert_eq!((port.carry_out(READ, PAGES.into_iter()), fake.slept.get() - before), (Ok(Outcome::Done), SECOND));
}

#[test]
fn what_the_kernel_refuses_is_not_asked_for() {
    let fake = Fake::new(&[(2, THERE)]);
    let port = first(&fake).ok().unwrap();
    fake.refuse();
    assert_eq!(port.carry_out(READ, PAGES.into_iter()), Err(Fault::Refused));
    assert_eq!(fake.get(of(2, PX_TFD)), 0x50, "nothing was begun");
}

#[test]
fn each_fault_is_one_clear_line() {
    assert_eq!(Fault::NoDisk(6).to_string(), "none of the controller's 6 ports has a disk");
    assert_eq!(Fault::Unfit(1, Unfit::Sector(4096)).to_string(), "the disk at port 1 has sectors of 4096 bytes, and this driver takes none but those of 512");
}
