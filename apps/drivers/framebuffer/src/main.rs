//! The firmware's picture as a screen: what clients draw is put into it, and nothing else. It has the one mode that the firmware chose.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use ::framebuffer::{Picture, painter::Painter};
use munal::FOREVER;
use munal::display::{MOST, Mode, Request, Status, next_number};

munal::bindings!();
munal::main!(run);

const PICTURE: framebuffer::picture = framebuffer::picture;
const CLIENTS: service_server::display = service_server::display;
const MODES: stream_server::modes = stream_server::modes;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

const BLACK: u32 = 0;

fn run() -> Result<(), Error> {
    let mut told = [0; Picture::LENGTH];
    match PICTURE.info(&mut told) {
        Ok(_) => {}
        Err(Error::NotFound) => {
            munal::log!(LOG, "the firmware set up no picture that is memory");
            return Ok(());
        }
        Err(why) => return Err(why),
    }
    let Some(picture) = Picture::decode(&told) else {
        munal::log!(LOG, "the firmware's picture has pixels of a form that no display has");
        return Ok(());
    };
    Screen::start(picture)?.serve()
}

struct Screen {
    mode: Mode,
    painter: Painter,
}

impl Screen {
    /// Begins with a black picture, and tells the clients.
    fn start(picture: Picture) -> Result<Self, Error> {
        let mode = picture.mode(next_number(0, CLOCK.now()));
        let mut painter = Painter::new(picture);
        painter.fill(mode.all(), BLACK, put)?;
        munal::log!(LOG, "a screen of {} x {} with {} bits a pixel", mode.width, mode.height, picture.format.bytes() * 8);
        (0..MODES.count()).for_each(tell);
        Ok(Self { mode, painter })
    }

    fn serve(mut self) -> Result<(), Error> {
        let mut buffer = vec![0; MOST];
        loop {
            let length = CLIENTS.receive(&mut buffer, FOREVER)? as usize;
            let status = self.answer(buffer.get(..length).unwrap_or(&[]))?;
            match CLIENTS.reply(&status.reply(&self.mode)) {
                Ok(_) | Err(Error::NotFound) => {} // not found: who asked has ended
                Err(why) => return Err(why),
            }
        }
    }

    /// Does what a client asks for.
    fn answer(&mut self, asked: &[u8]) -> Result<Status, Error> {
        match self.mode.understand(asked) {
            Ok((Request::Present { to, .. }, pixels)) => self.painter.present(to, pixels, put)?,
            Ok((Request::Fill { to, colour, .. }, _)) => self.painter.fill(to, colour, put)?,
            Ok((Request::Mode, _)) => {}
            Err(why_not) => return Ok(why_not),
        }
        Ok(Status::Done)
    }
}

fn put(offset: u32, bytes: &[u8]) -> Result<(), Error> {
    PICTURE.write(offset, bytes).map(|_| ())
}

/// Tells a client that the mode is another one; one that has no room for that has something to read.
fn tell(client: u32) {
    if client < MODES.count() {
        let _ = MODES.try_write(client, &[0]);
    }
}
