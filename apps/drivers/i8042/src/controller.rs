//! The controller's registers and commands, and how it and what hangs on it are set up (IBM Personal System/2 Hardware Interface
//! Technical Reference, keyboard and auxiliary device controller).

/// The controller's two ports, and time.
pub trait Ports {
    /// What the controller is about.
    fn status(&mut self) -> u8;
    /// The byte that waits.
    fn data(&mut self) -> u8;
    /// A byte for the keyboard, or for a command.
    fn write(&mut self, byte: u8);
    /// A command for the controller.
    fn command(&mut self, byte: u8);
    /// Lets a millisecond pass.
    fn rest(&mut self);
}

/// A byte waits to be read.
pub const FULL: u8 = 1;
/// The controller has not taken what was written.
const BUSY: u8 = 1 << 1;
/// The byte that waits is the mouse's.
pub const FROM_MOUSE: u8 = 1 << 5;
/// What is read where nothing answers.
pub const NOBODY: u8 = 0xff;

const READ_CONFIGURATION: u8 = 0x20;
const WRITE_CONFIGURATION: u8 = 0x60;
const DISABLE_MOUSE: u8 = 0xa7;
const ENABLE_MOUSE: u8 = 0xa8;
const TEST_MOUSE: u8 = 0xa9;
const TEST: u8 = 0xaa;
const TEST_KEYBOARD: u8 = 0xab;
const DISABLE_KEYBOARD: u8 = 0xad;
const ENABLE_KEYBOARD: u8 = 0xae;
const TO_MOUSE: u8 = 0xd4;
const PASSED: u8 = 0x55;
const NO_FAULT: u8 = 0;

// The controller's configuration.
const INTERRUPTS: u8 = 0b11;
const KEYBOARD_OFF: u8 = 1 << 4;
const MOUSE_OFF: u8 = 1 << 5;
const TRANSLATES: u8 = 1 << 6;

// Commands of both devices, and their answers.
const RESET: u8 = 0xff;
const REPORT: u8 = 0xf4;
const SAMPLE_RATE: u8 = 0xf3;
const IDENTIFY: u8 = 0xf2;
const TAKEN: u8 = 0xfa;
const AGAIN: u8 = 0xfe;
const WELL: u8 = 0xaa;
/// Rates that, one after the other, turn the wheel's byte on; and what a mouse that has one then calls itself.
const WITH_WHEEL: [u8; 3] = [200, 100, 80];
const HAS_WHEEL: u8 = 3;

/// Milliseconds that the controller may take, and a device for its own test (the keyboard's takes up to half a second).
const SHORT: u32 = 50;
const LONG: u32 = 1000;
/// How often a command is given again that a device did not understand.
const TRIES: u32 = 3;
/// More bytes do not wait in a controller.
const MOST_WAITING: u32 = 32;

/// What is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// A keyboard that passed its test.
    pub keyboard: bool,
    /// A mouse that did, and whether it has a wheel.
    pub mouse: Option<bool>,
}

/// Why there is no controller to drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing answers.
    Absent,
    /// It does not take or answer a command.
    Silent,
    /// Its own test failed.
    Broken,
}

/// A device behind the controller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Device {
    Keyboard,
    Mouse,
}

/// Sets all of it up, whatever it did before: the controller is tested, each device is reset and tells from here on.
pub fn set_up(ports: &mut impl Ports) -> Result<Found, Problem> {
    if ports.status() == NOBODY {
        return Err(Problem::Absent);
    }
    command(ports, DISABLE_KEYBOARD)?;
    command(ports, DISABLE_MOUSE)?;
    for _ in 0..MOST_WAITING {
        if ports.status() & FULL == 0 {
            break;
        }
        ports.data(); // what came before is nobody's any more
    }
    let before = asked(ports, READ_CONFIGURATION)?;
    let has_mouse = before & MOUSE_OFF != 0; // the bit stands for a line that is there
    configure(ports, before & !INTERRUPTS | TRANSLATES)?;
    if asked(ports, TEST)? != PASSED {
        return Err(Problem::Broken);
    }
    configure(ports, before & !INTERRUPTS | TRANSLATES)?; // the test may have reset it
    let keyboard_line = asked(ports, TEST_KEYBOARD)? == NO_FAULT;
    let mouse_line = has_mouse && asked(ports, TEST_MOUSE)? == NO_FAULT;
    let mut found = Found::default();
    if keyboard_line {
        command(ports, ENABLE_KEYBOARD)?;
        found.keyboard = reset(ports, Device::Keyboard) && told(ports, Device::Keyboard, REPORT);
        if !found.keyboard {
            command(ports, DISABLE_KEYBOARD)?;
        }
    }
    if mouse_line {
        command(ports, ENABLE_MOUSE)?;
        found.mouse = set_up_mouse(ports);
        if found.mouse.is_none() {
            command(ports, DISABLE_MOUSE)?;
        }
    }
    let off = if found.keyboard { 0 } else { KEYBOARD_OFF } | if found.mouse.is_some() { 0 } else { MOUSE_OFF };
    configure(ports, before & !(KEYBOARD_OFF | MOUSE_OFF) | INTERRUPTS | TRANSLATES | off)?;
    Ok(found)
}

/// Whether the mouse that is there has a wheel.
fn set_up_mouse(ports: &mut impl Ports) -> Option<bool> {
    let device = Device::Mouse;
    if !reset(ports, device) || answer(ports, device, SHORT).is_none() {
        return None;
    }
    let asked = WITH_WHEEL.into_iter().all(|rate| told(ports, device, SAMPLE_RATE) && told(ports, device, rate));
    let has_wheel = asked && told(ports, device, IDENTIFY) && answer(ports, device, SHORT) == Some(HAS_WHEEL);
    told(ports, device, REPORT).then_some(has_wheel)
}

/// Whether a device was reset and passed its test.
fn reset(ports: &mut impl Ports, device: Device) -> bool {
    told(ports, device, RESET) && answer(ports, device, LONG) == Some(WELL)
}

/// Whether a device takes a byte.
fn told(ports: &mut impl Ports, device: Device, byte: u8) -> bool {
    for _ in 0..TRIES {
        if device == Device::Mouse && command(ports, TO_MOUSE).is_err() || write(ports, byte).is_err() {
            return false;
        }
        match answer(ports, device, LONG) {
            Some(TAKEN) => return true,
            Some(AGAIN) => {}
            _ => return false,
        }
    }
    false
}

/// The next byte of this device; what the other one says meanwhile is lost.
fn answer(ports: &mut impl Ports, device: Device, patience: u32) -> Option<u8> {
    for _ in 0..=patience {
        while ports.status() & FULL != 0 {
            let mouse = ports.status() & FROM_MOUSE != 0;
            let byte = ports.data();
            if mouse == (device == Device::Mouse) {
                return Some(byte);
            }
        }
        ports.rest();
    }
    None
}

fn configure(ports: &mut impl Ports, configuration: u8) -> Result<(), Problem> {
    command(ports, WRITE_CONFIGURATION)?;
    write(ports, configuration)
}

/// What the controller itself answers to a command.
fn asked(ports: &mut impl Ports, byte: u8) -> Result<u8, Problem> {
    command(ports, byte)?;
    wait(ports, |status| status & FULL != 0)?;
    Ok(ports.data())
}

fn command(ports: &mut impl Ports, byte: u8) -> Result<(), Problem> {
    wait(ports, |status| status & BUSY == 0)?;
    ports.command(byte);
    Ok(())
}

fn write(ports: &mut impl Ports, byte: u8) -> Result<(), Problem> {
    wait(ports, |status| status & BUSY == 0)?;
    ports.write(byte);
    Ok(())
}

fn wait(ports: &mut impl Ports, until: impl Fn(u8) -> bool) -> Result<(), Problem> {
    for _ in 0..=SHORT {
        if until(ports.status()) {
            return Ok(());
        }
        ports.rest();
    }
    Err(Problem::Silent)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    /// A controller with what hangs on it, as far as it is set up here.
    struct Model {
        configuration: u8,
        keyboard: bool,
        /// Whether there is a mouse, and whether it has a wheel.
        mouse: Option<bool>,
        waiting: VecDeque<(u8, bool)>,
        /// The command whose byte comes next.
        command: Option<u8>,
        rates: Vec<u8>,
        parameter: bool,
        reports: (bool, bool),
        rests: u32,
        self_test: u8,
        busy: bool,
    }

    impl Model {
        fn new(keyboard: bool, mouse: Option<bool>) -> Self {
            Self {
                configuration: 0b11, keyboard, mouse, waiting: [(0x1e, false), (0x9e, false)].into(), command: None, rates: Vec::new(), parameter: false,
                reports: (false, false), rests: 0, self_test: PASSED, busy: false,
            }
        }

        fn say(&mut self, byte: u8, mouse: bool) {
            self.waiting.push_back((byte, mouse));
        }

        fn to_device(&mut self, byte: u8, mouse: bool) {
            if if mouse { self.mouse.is_none() } else { !self.keyboard } {
                return;
            }
            self.say(TAKEN, mouse);
            if core::mem::take(&mut self.parameter) {
                self.rates.push(byte);
                return;
            }
            match byte {
                RESET => {
                    self.say(WELL, mouse);
                    if mouse {
                        self.say(0, true);
                        self.rates.clear();
                    }
                }
                SAMPLE_RATE => self.parameter = true,
                IDENTIFY => {
                    let wheel = self.mouse == Some(true) && self.rates.ends_with(&WITH_WHEEL);
                    self.say(if wheel { HAS_WHEEL } else { 0 }, mouse);
                }
                REPORT if mouse => self.reports.1 = true,
                REPORT => self.reports.0 = true,
                _ => {}
            }
        }
    }

    impl Ports for Model {
        fn status(&mut self) -> u8 {
            let busy = if self.busy { BUSY } else { 0 };
            busy | self.waiting.front().map_or(0, |&(_, mouse)| FULL | if mouse { FROM_MOUSE } else { 0 })
        }

        fn data(&mut self) -> u8 {
            self.waiting.pop_front().map_or(0, |(byte, _)| byte)
        }

        fn write(&mut self, byte: u8) {
            match self.command.take() {
                Some(WRITE_CONFIGURATION) => self.configuration = byte,
                Some(TO_MOUSE) => self.to_device(byte, true),
                _ => self.to_device(byte, false),
            }
        }

        fn command(&mut self, byte: u8) {
            match byte {
                READ_CONFIGURATION => self.say(self.configuration, false),
                WRITE_CONFIGURATION | TO_MOUSE => self.command = Some(byte),
                DISABLE_MOUSE if self.mouse.is_some() => self.configuration |= MOUSE_OFF,
                ENABLE_MOUSE => self.configuration &= !MOUSE_OFF,
                DISABLE_KEYBOARD => self.configuration |= KEYBOARD_OFF,
                ENABLE_KEYBOARD => self.configuration &= !KEYBOARD_OFF,
                TEST => self.say(self.self_test, false),
                TEST_MOUSE | TEST_KEYBOARD => self.say(NO_FAULT, false),
                _ => {}
            }
        }

        fn rest(&mut self) {
            self.rests += 1;
        }
    }

    #[test]
    fn what_is_there_is_found_and_tells_from_then_on() {
        for keyboard in [false, true] {
            for mouse in [None, Some(false), Some(true)] {
                let mut it = Model::new(keyboard, mouse);
                assert_eq!(set_up(&mut it), Ok(Found { keyboard, mouse }));
                assert_eq!(it.reports, (keyboard, mouse.is_some()));
                let off = if keyboard { 0 } else { KEYBOARD_OFF } | if mouse.is_some() { 0 } else { MOUSE_OFF };
                assert_eq!(it.configuration, INTERRUPTS | TRANSLATES | off);
                assert!(it.waiting.is_empty(), "what came before is not taken for keys");
            }
        }
    }

    #[test]
    fn what_does_not_answer_ends_soon() {
        struct Nothing(u8, u32);
        impl Ports for Nothing {
            fn status(&mut self) -> u8 {
                self.0
            }
            fn data(&mut self) -> u8 {
                self.0
            }
            fn write(&mut self, _: u8) {}
            fn command(&mut self, _: u8) {}
            fn rest(&mut self) {
                self.1 += 1;
            }
        }
        assert_eq!(set_up(&mut Nothing(NOBODY, 0)), Err(Problem::Absent));
        let mut dead = Nothing(0, 0);
        assert_eq!(set_up(&mut dead), Err(Problem::Silent));
        assert!(dead.1 <= 4 * SHORT);
        assert_eq!(set_up(&mut Nothing(BUSY, 0)), Err(Problem::Silent));
    }

    #[test]
    fn a_controller_that_fails_its_test_is_left_alone() {
        let mut it = Model::new(true, None);
        it.self_test = 0xfc;
        assert_eq!(set_up(&mut it), Err(Problem::Broken));
    }
}
