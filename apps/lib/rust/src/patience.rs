//! How long a driver waits for its device. An interrupt may be lost, so that a device is looked at now and then though none came; and it
//! may have ended, so that looking at it ends, too.

/// Nanoseconds after which a driver looks at its device though that did not interrupt.
pub const LOOK: i64 = 1_000_000_000;
/// How often it looks in vain before the device is given up.
const LOOKS: u32 = 30;
/// As many interrupts for nothing wear patience as one look in vain.
const INTERRUPTS: u32 = 10_000;

/// What is left of a driver's patience with a device that has something to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    worn: u32,
}

impl Patience {
    /// All of it.
    pub const fn new() -> Self {
        Self { worn: 0 }
    }

    /// The device did something, or has nothing to do.
    pub const fn renew(&mut self) {
        self.worn = 0;
    }

    /// The device has something to do and did nothing of it, though it was waited for: until something woke the driver, or for as long as
    /// `LOOK`. Answers whether it is to be given up.
    pub const fn is_over(&mut self, woken: bool) -> bool {
        self.worn = self.worn.saturating_add(if woken { 1 } else { INTERRUPTS });
        self.worn >= LOOKS * INTERRUPTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_for_half_a_minute() {
        let mut patience = Patience::new();
        for _ in 0..3 {
            assert!((1..LOOKS).all(|_| !patience.is_over(false)));
            patience.renew();
        }
        assert_eq!((1..=LOOKS).map(|_| patience.is_over(false)).position(|over| over), Some(LOOKS as usize - 1));
        assert!(patience.is_over(true), "what is over stays so");
    }

    #[test]
    fn interrupts_for_nothing_come_to_an_end_too() {
        let mut patience = Patience::new();
        let over = (1..=u32::MAX).find(|_| patience.is_over(true));
        assert_eq!(over, Some(LOOKS * INTERRUPTS));
    }
}
