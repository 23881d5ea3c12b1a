//! Back to work after a command that failed (section 6.2.2.1): the port stops, forgets, and starts; where its disk still wants something, the
//! link begins anew (section 10.4.2).

use crate::port::{LINK, Port, STEP};
use crate::registers::{BUSY, COMRESET, CR, PX_CMD, PX_IS, PX_SCTL, PX_SERR, PX_TFD, READY, ST};
use crate::{Fault, Hba};

/// How many looks a port takes to stop: half a second.
const STOP: u32 = 50;

impl<H: Hba> Port<'_, H> {
    /// Makes the port take commands again. Errors: it does not.
    pub(crate) fn recover(&self) -> Result<(), Fault> {
        self.stop()?;
        if self.read(PX_TFD) & BUSY != 0 {
            self.begin_anew()?;
        }
        self.write(PX_SERR, u32::MAX);
        self.write(PX_IS, u32::MAX);
        self.write(PX_CMD, READY | ST);
        Ok(())
    }

    fn stop(&self) -> Result<(), Fault> {
        self.write(PX_CMD, READY);
        for _ in 0..STOP {
            if self.read(PX_CMD) & CR == 0 {
                return Ok(());
            }
            self.hba.sleep(STEP);
        }
        Err(Fault::Stuck(self.number))
    }

    /// Resets the link, which the disk takes for a reset, and waits until it takes commands.
    fn begin_anew(&self) -> Result<(), Fault> {
        self.write(PX_SCTL, COMRESET);
        self.hba.sleep(STEP); // a millisecond at least
        self.write(PX_SCTL, 0);
        for _ in 0..LINK {
            if self.is_linked() {
                return self.becomes_ready();
            }
            self.hba.sleep(STEP);
        }
        Err(Fault::Unplugged(self.number))
    }
}
