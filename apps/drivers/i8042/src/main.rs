//! A PS/2 keyboard and mouse: each byte of theirs interrupts; what they mean goes to each client of their streams.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use i8042::controller::{FROM_MOUSE, FULL, NOBODY, Ports, Problem, set_up};
use i8042::keyboard::Keyboard;
use i8042::mouse::Mouse;
use munal::input::clients::Clients;
use munal::input::{Event, KEY};
use munal::patience::LOOK;
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
    keyboard_clients: Clients,
    mouse_clients: Clients,
}

impl Driver {
    fn new(has_wheel: bool) -> Self {
        Self {
            keyboard: Keyboard::default(),
            mouse: Mouse::new(has_wheel),
            keyboard_clients: Clients::new(KEYBOARD_CLIENTS.count(), to_keyboard_client),
            mouse_clients: Clients::new(MOUSE_CLIENTS.count(), to_mouse_client),
        }
    }

    fn serve(mut self) -> Result<(), Error> {
        let mut polls = Vec::new();
        loop {
            let finished = match self.take() {
                Ok(finished) => finished,
                Err(Gone) => {
                    munal::log!(LOG, "the keyboard controller at {:#x} answers nothing any more", CONTROL.base());
                    return Ok(());
                }
            };
            self.keyboard_clients.flush();
            self.mouse_clients.flush();
            polls.clear();
            polls.push(Poll::new(KEYBOARD_LINE.handle(), events::READABLE));
            polls.push(Poll::new(MOUSE_LINE.handle(), events::READABLE));
            polls.extend(self.keyboard_clients.waiting().map(|number| Poll::new(KEYBOARD_CLIENTS.handle(number), events::WRITABLE)));
            polls.extend(self.mouse_clients.waiting().map(|number| Poll::new(MOUSE_CLIENTS.handle(number), events::WRITABLE)));
            match sip::wait(&mut polls, if finished { LOOK } else { 0 }) {
                Ok(_) | Err(Error::TimedOut) => {} // an interrupt may be lost, and none comes after it while its byte waits
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
    fn take(&mut self) -> Result<bool, Gone> {
        for _ in 0..BYTES_AT_ONCE {
            let status = CONTROL.read8(REGISTER);
            if status & FULL == 0 {
                return Ok(true);
            }
            if status == NOBODY {
                return Err(Gone);
            }
            let byte = DATA.read8(REGISTER);
            if status & FROM_MOUSE != 0 {
                let clients = &mut self.mouse_clients;
                self.mouse.take(byte, &mut |event| clients.tell(event));
            } else if let Some(stroke) = self.keyboard.take(byte) {
                self.keyboard_clients.tell(Event { kind: KEY, code: stroke.key, value: stroke.value });
                self.keyboard_clients.tell(Event::END);
            }
        }
        Ok(false)
    }
}

/// Nothing answers any more.
struct Gone;

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
