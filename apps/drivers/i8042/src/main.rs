//! A PS/2 keyboard and mouse: each byte of theirs interrupts; what they mean goes to each client of their streams.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use i8042::controller::{FROM_MOUSE, FULL, Ports, Problem, set_up};
use i8042::keyboard::Keyboard;
use i8042::mouse::Mouse;
use i8042::outbox::Outbox;
use munal::FOREVER;
use munal::input::{Event, KEY};
use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const DATA: port::data = port::data;
const CONTROL: port::control = port::control;
const KEYBOARD_LINE: irq::keyboard = irq::keyboard;
const MOUSE_LINE: irq::mouse = irq::mouse;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;
const KEYBOARD_CLIENTS: stream_server::keyboard = stream_server::keyboard;
const MOUSE_CLIENTS: stream_server::mouse = stream_server::mouse;

/// The only register of each of the two ports.
const REGISTER: u16 = 0;
/// Bytes that are taken before clients' streams are looked at again.
const BYTES_AT_ONCE: u32 = 256;

/// The controller of this machine.
struct Machine;

impl Ports for Machine {
    fn status(&mut self) -> u8 {
        CONTROL.read8(REGISTER)
    }

    fn data(&mut self) -> u8 {
        DATA.read8(REGISTER)
    }

    fn write(&mut self, byte: u8) {
        DATA.write8(REGISTER, byte);
    }

    fn command(&mut self, byte: u8) {
        CONTROL.write8(REGISTER, byte);
    }

    fn rest(&mut self) {
        CLOCK.sleep(CLOCK.now() + MILLISECOND);
    }
}

fn run() -> Result<(), Error> {
    let found = match set_up(&mut Machine) {
        Ok(found) => found,
        Err(problem) => {
            let at = CONTROL.base();
            match problem {
                Problem::Absent => munal::log!(LOG, "no keyboard controller answers at {at:#x}"),
                Problem::Silent => munal::log!(LOG, "the keyboard controller at {at:#x} does not take commands"),
                Problem::Broken => munal::log!(LOG, "the keyboard controller at {at:#x} fails its own test"),
            }
            return Ok(());
        }
    };
    let mouse = match found.mouse {
        None => "no mouse",
        Some(false) => "a mouse",
        Some(true) => "a mouse with a wheel",
    };
    munal::log!(LOG, "{}, {mouse}", if found.keyboard { "a keyboard" } else { "no keyboard" });
    Driver::new(found.mouse == Some(true)).serve()
}

struct Driver {
    keyboard: Keyboard,
    mouse: Mouse,
    keyboard_clients: Vec<Outbox>,
    mouse_clients: Vec<Outbox>,
}

impl Driver {
    fn new(has_wheel: bool) -> Self {
        let outboxes = |count: u32| (0..count).map(|_| Outbox::default()).collect();
        Self {
            keyboard: Keyboard::default(),
            mouse: Mouse::new(has_wheel),
            keyboard_clients: outboxes(KEYBOARD_CLIENTS.count()),
            mouse_clients: outboxes(MOUSE_CLIENTS.count()),
        }
    }

    fn serve(mut self) -> Result<(), Error> {
        let mut polls = Vec::new();
        loop {
            let finished = self.take();
            self.flush();
            polls.clear();
            polls.push(Poll::new(KEYBOARD_LINE.handle(), events::READABLE));
            polls.push(Poll::new(MOUSE_LINE.handle(), events::READABLE));
            let waiting = |clients: &[Outbox]| (0..).zip(clients).filter(|(_, outbox)| outbox.is_waiting()).map(|(number, _)| number).collect::<Vec<u32>>();
            polls.extend(waiting(&self.keyboard_clients).into_iter().map(|number| Poll::new(KEYBOARD_CLIENTS.handle(number), events::WRITABLE)));
            polls.extend(waiting(&self.mouse_clients).into_iter().map(|number| Poll::new(MOUSE_CLIENTS.handle(number), events::WRITABLE)));
            match sip::wait(&mut polls, if finished { FOREVER } else { 0 }) {
                Ok(_) | Err(Error::TimedOut) => {}
                Err(why) => return Err(why),
            }
            if polls[0].is(events::READABLE) {
                let _ = KEYBOARD_LINE.wait(0);
                KEYBOARD_LINE.acknowledge();
            }
            if polls[1].is(events::READABLE) {
                let _ = MOUSE_LINE.wait(0);
                MOUSE_LINE.acknowledge();
            }
        }
    }

    /// Takes the bytes that wait, whoever's interrupt told of them; false where some may be left.
    fn take(&mut self) -> bool {
        for _ in 0..BYTES_AT_ONCE {
            let status = CONTROL.read8(REGISTER);
            if status & FULL == 0 {
                return true;
            }
            let byte = DATA.read8(REGISTER);
            if status & FROM_MOUSE != 0 {
                let clients = &mut self.mouse_clients;
                self.mouse.take(byte, &mut |event| tell_mouse(clients, event));
            } else if let Some(stroke) = self.keyboard.take(byte) {
                tell_keyboard(&mut self.keyboard_clients, Event { kind: KEY, code: stroke.key, value: stroke.value });
                tell_keyboard(&mut self.keyboard_clients, Event::END);
            }
        }
        false
    }

    fn flush(&mut self) {
        for (number, outbox) in (0..).zip(&mut self.keyboard_clients) {
            outbox.flush(|bytes| to_keyboard_client(number, bytes));
        }
        for (number, outbox) in (0..).zip(&mut self.mouse_clients) {
            outbox.flush(|bytes| to_mouse_client(number, bytes));
        }
    }
}

fn tell_keyboard(clients: &mut [Outbox], event: Event) {
    for (number, outbox) in (0..).zip(clients) {
        outbox.put(event, |bytes| to_keyboard_client(number, bytes));
    }
}

fn tell_mouse(clients: &mut [Outbox], event: Event) {
    for (number, outbox) in (0..).zip(clients) {
        outbox.put(event, |bytes| to_mouse_client(number, bytes));
    }
}

// The comparison is what proves that each write is to a connection that is there.

fn to_keyboard_client(number: u32, bytes: &[u8]) -> usize {
    if number < KEYBOARD_CLIENTS.count() { taken(KEYBOARD_CLIENTS.try_write(number, bytes), bytes) } else { bytes.len() }
}

fn to_mouse_client(number: u32, bytes: &[u8]) -> usize {
    if number < MOUSE_CLIENTS.count() { taken(MOUSE_CLIENTS.try_write(number, bytes), bytes) } else { bytes.len() }
}

/// How many bytes a client is rid of: all, where nobody is there to take them.
fn taken(answer: Result<u32, Error>, bytes: &[u8]) -> usize {
    match answer {
        Ok(count) => count as usize,
        Err(Error::WouldBlock) => 0,
        Err(_) => bytes.len(),
    }
}
