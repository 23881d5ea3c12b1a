//! A virtio display: its clients draw into a picture in the driver's memory, of which the device takes and shows what they drew. The
//! screen has the size of its window, and gets a new picture when that changes.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::{vec, vec::Vec};
use core::{fmt, ops::Range};
use munal::FOREVER;
use munal::display::{MOST, Mode, PIXEL, Rectangle, Request as Asked, Status, next_number};
use munal::patience::{LOOK, Patience};
use virtio::{Fault, Memory, OWN, PAGE, Part, Queue, Waking};
use virtio_gpu::{PAGES, picture, request};
use virtio_gpu::request::{ANSWER, BACKING, COMMAND, Request};

munal::bindings!();
munal::main!(run);
virtio::card!(device::card);

const CARD: device::card = device::card;
const CLIENTS: service_server::display = service_server::display;
const MODES: stream_server::modes = stream_server::modes;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

/// The queue of requests, and how many descriptors of it are used: two a request.
const CONTROL: u16 = 0;
const DESCRIPTORS: u16 = 16;
/// The model's tables of requests, and the first of one's bytes by the driver's address.
const COMMANDS: u8 = 8;
const BACKINGS: u8 = 9;
const COMMANDS_AT: u64 = (COMMANDS as u64 + 1) << 32;
const BACKINGS_AT: u64 = (BACKINGS as u64 + 1) << 32;

/// What happened, and where it is said that it is known (section 5.7.4).
const EVENTS_READ: u32 = 0;
const EVENTS_CLEAR: u32 = 4;
const DISPLAY: u32 = 1;

/// The mode of a screen that is off.
const USUAL: (u32, u32) = (1024, 768);

/// Looks one after the other that find that the screen changed, before the device is given up: between two of them it was asked how.
const CHANGES: u32 = 100;

fn run() -> Result<(), Error> {
    let mut screen = match Screen::start() {
        Ok(screen) => screen,
        Err(why) => {
            munal::log!(LOG, "{why}");
            return Ok(());
        }
    };
    let mut buffer = vec![0; MOST];
    let mut polls = [Poll::new(CARD.handle(), events::READABLE), Poll::new(CLIENTS.handle(), events::READABLE)];
    loop {
        if let Err(why) = screen.keep_up() {
            munal::log!(LOG, "{why}");
            return Ok(());
        }
        match sip::wait(&mut polls, LOOK) {
            Ok(_) | Err(Error::TimedOut) => {} // a change may have come without an interrupt
            Err(why) => return Err(why),
        }
        if polls[0].is(events::READABLE) {
            let _ = CARD.wait(0); // the count starts anew
        }
        if polls[1].is(events::READABLE) {
            let length = CLIENTS.receive(&mut buffer, FOREVER)? as usize;
            let answered = screen.answer(buffer.get(..length).unwrap_or(&[]));
            let status = *answered.as_ref().unwrap_or(&Status::Failed);
            match CLIENTS.reply(&status.reply(&screen.mode)) {
                Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
                Err(why) => return Err(why),
            }
            if let Err(why) = answered {
                munal::log!(LOG, "{why}");
                return Ok(());
            }
        }
    }
}

/// Why the driver ends.
enum Trouble {
    Device(Fault),
    /// What the device was asked for, and the number that it answered.
    Answer(&'static str, u32),
    /// It tells of changes without end.
    Changes,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Device(fault)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Device(fault) => fault.fmt(f),
            Trouble::Answer(what, number) => write!(f, "the device was asked {what}, and answered {number:#x}: it is left alone"),
            Trouble::Changes => f.write_str("the device says without end that its screen changed: it is left alone"),
        }
    }
}

struct Screen {
    queue: Queue,
    waking: Waking,
    /// A page of answers.
    answers: Memory,
    picture: Memory,
    /// The device's number of the picture, 1 or 2; none is there yet where it is 0.
    number: u32,
    mode: Mode,
    /// Looks one after the other that found a change.
    changes: u32,
}

impl Screen {
    fn start() -> Result<Self, Trouble> {
        virtio::begin(&CARD, 0, 0)?;
        let queue = Queue::new(&CARD, CONTROL, DESCRIPTORS)?;
        virtio::go(&CARD);
        let mode = Mode { number: 0, width: 0, height: 0, stride: 0 };
        let mut screen = Self { queue, waking: Waking::of(&CARD), answers: Memory::new(1), picture: Memory::new(PAGES), number: 0, mode, changes: 0 };
        let size = screen.size()?.unwrap_or(USUAL);
        screen.change(size)?;
        Ok(screen)
    }

    /// Does what happened to the screen ask for: a new mode, where its window has another size.
    fn keep_up(&mut self) -> Result<(), Trouble> {
        self.waking.hush(&CARD);
        self.waking.for_nothing(&CARD)?;
        CARD.acknowledge();
        if CARD.read32(OWN, EVENTS_READ) & DISPLAY == 0 {
            self.changes = 0;
            return Ok(());
        }
        self.changes += 1;
        if self.changes > CHANGES {
            return Err(Trouble::Changes);
        }
        CARD.write32(OWN, EVENTS_CLEAR, DISPLAY); // before it is asked: what happens after that is an event of its own
        match self.size()? {
            Some(size) if size != (self.mode.width, self.mode.height) => self.change(size),
            _ => Ok(()),
        }
    }

    /// How large the window is; none where the screen is off.
    fn size(&mut self) -> Result<Option<(u32, u32)>, Trouble> {
        self.perform(&[Request::DisplayInfo])?;
        Ok(request::size(&self.answers.page(0)[answer(0)]))
    }

    /// Shows a new picture of this size, all black, and tells the clients.
    fn change(&mut self, (width, height): (u32, u32)) -> Result<(), Trouble> {
        self.mode = Mode { number: next_number(self.mode.number, CLOCK.now()), width, height, stride: width * PIXEL as u32 };
        let (all, before) = (self.mode.all(), self.number);
        let bytes = all.bytes() as usize;
        self.picture.all()[..bytes].fill(0);
        self.number = if before == 1 { 2 } else { 1 };
        let memory = request::backing(self.number, (0..bytes.div_ceil(PAGE)).map(|page| self.picture.address(page)));
        CARD.write_table(BACKINGS, 0, &memory).map_err(|_| Fault::Refused)?;
        let number = self.number;
        let requests = [
            Request::Create(number, all), Request::Attach(number), Request::Transfer(number, all, 0), Request::Show(number, all),
            Request::Flush(number, all), Request::Forget(before),
        ];
        self.perform(&requests[..if before == 0 { 5 } else { 6 }])?;
        munal::log!(LOG, "a screen of {width} x {height}");
        (0..MODES.count()).for_each(tell);
        Ok(())
    }

    /// Does what a client asks for.
    fn answer(&mut self, asked: &[u8]) -> Result<Status, Trouble> {
        let (request, pixels) = match self.mode.understand(asked) {
            Ok(understood) => understood,
            Err(why_not) => return Ok(why_not),
        };
        let to = match request {
            Asked::Mode => return Ok(Status::Done),
            Asked::Present { to, .. } => {
                picture::put(self.picture.all(), &self.mode, to, pixels);
                to
            }
            Asked::Fill { to, colour, .. } => {
                picture::fill(self.picture.all(), &self.mode, to, colour);
                to
            }
        };
        self.show(to)?;
        Ok(Status::Done)
    }

    /// Has the device take a part of the picture, and show it.
    fn show(&mut self, part: Rectangle) -> Result<(), Trouble> {
        self.perform(&[Request::Transfer(self.number, part, picture::offset(&self.mode, part)), Request::Flush(self.number, part)])
    }

    /// Has the device do all this, and waits until it did.
    fn perform(&mut self, requests: &[Request]) -> Result<(), Trouble> {
        for (place, request) in requests.iter().enumerate() {
            let (address, length) = match request {
                Request::Attach(_) => (BACKINGS_AT, BACKING),
                _ => {
                    let offset = place * COMMAND;
                    CARD.write_table(COMMANDS, offset as u32, &request.encode()).map_err(|_| Fault::Refused)?;
                    (COMMANDS_AT + offset as u64, COMMAND)
                }
            };
            let answer = answer(place);
            self.answers.page(0)[answer.clone()].fill(0);
            let answer = Part { address: self.answers.address(0) + answer.start as u64, length: ANSWER as u32, written: true };
            self.queue.give(&CARD, &[Part { address, length: length as u32, written: false }, answer])?.ok_or(Fault::Refused)?;
        }
        self.queue.ring(&CARD);
        self.wait()?;
        let answers = self.answers.page(0);
        requests.iter().enumerate().try_for_each(|(place, request)| {
            request.is_done(&answers[answer(place)]).map_err(|number| Trouble::Answer(request.name(), number))
        })
    }

    /// Waits until the device has nothing to do.
    fn wait(&mut self) -> Result<(), Trouble> {
        let mut patience = Patience::new();
        loop {
            while self.queue.take()?.is_some() {
                patience.renew();
            }
            if self.queue.waiting() == 0 {
                return Ok(());
            }
            let woken = CARD.wait(LOOK).is_ok();
            if !woken {
                self.waking.for_nothing(&CARD)?;
            }
            self.waking.hush(&CARD);
            CARD.acknowledge();
            if patience.is_over(woken) {
                return Err(Fault::Silent.into()); // what it was given is its own until it is reset
            }
        }
    }
}

/// Tells a client that the mode is another one; one that has no room for that has something to read.
fn tell(client: u32) {
    if client < MODES.count() {
        let _ = MODES.try_write(client, &[0]);
    }
}

/// Where the answer to a request is in the page of answers.
const fn answer(place: usize) -> Range<usize> {
    const APART: usize = 512;
    place * APART..place * APART + ANSWER
}
