//! One line of its log a factorial of the first round, one for what is no number to ask for, then one for
//! each hundred that were right.
#![no_std]
#![no_main]

use munal::time::MILLISECOND;

munal::bindings!();
munal::main!(run);

const FACTORIAL: service::factorial = service::factorial;
const CLOCK: clock::time = clock::time;
const LOG: log::log = log::log;

const MOST: u32 = 12;
/// How many there are to a line.
const SOME: u32 = 100;

fn run() -> Result<(), Error> {
    for n in 0..=MOST {
        munal::log!(LOG, "{n}! = {}", ask(n)?);
    }
    for wrong in [&(MOST + 1).to_le_bytes()[..], &[0; 5], &[]] {
        let length = FACTORIAL.call(wrong, &mut [0; 4])?;
        munal::log!(LOG, "{length} bytes for {wrong:?}");
    }
    let mut asked = 0u32;
    loop {
        let n = asked % (MOST + 1);
        match ask(n) {
            Ok(found) if found == (1..=n).product() => asked += 1,
            Ok(found) => munal::log!(LOG, "{n}! is not {found}"),
            Err(Error::Restarted) => {} // it was at work on this one
            Err(why) => return Err(why),
        }
        if asked % SOME == 0 {
            munal::log!(LOG, "asked {asked}");
        }
        CLOCK.sleep(CLOCK.now() + MILLISECOND);
    }
}

fn ask(n: u32) -> Result<u32, Error> {
    let mut reply = [0; 4];
    FACTORIAL.call(&n.to_le_bytes(), &mut reply)?;
    Ok(u32::from_le_bytes(reply))
}
