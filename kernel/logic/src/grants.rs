//! What the system table grants, asked before every access to a port or to device memory.
use crate::table::{MmioGrant, PortGrant};

/// The sorted port grants of one SIP.
#[derive(Debug, Clone, Default)]
pub struct Ports {
    grants: alloc::vec::Vec<PortGrant>,
}

impl Ports {
    pub fn new(grants: &[PortGrant]) -> Self {
        Self { grants: grants.to_vec() }
    }

    /// Whether one grant covers all `bytes` ports from `port` on, with this access (`READ` or `WRITE`) at this width.
    ///
    /// `bytes` is 1, 2 or 4: the width of the access (Intel SDM volume 1, section 19.3).
    pub fn allow(&self, port: u16, bytes: u8, access: u8) -> bool {
        let (start, end) = (u32::from(port), u32::from(port) + u32::from(bytes));
        self.grants.iter().any(|grant| {
            let base = u32::from(grant.base);
            base <= start && end <= base + grant.length && grant.access & access == access && grant.widths & bytes != 0
        })
    }
}

/// The device memory of one SIP.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    grants: alloc::vec::Vec<MmioGrant>,
}

impl Registers {
    pub fn new(grants: &[MmioGrant]) -> Self {
        Self { grants: grants.to_vec() }
    }

    /// Whether one grant covers all `bytes` bytes from `address` on, with this access at this width: 1, 2, 4 or 8 bytes.
    pub fn allow(&self, address: u64, bytes: u8, access: u8) -> bool {
        let Some(end) = address.checked_add(u64::from(bytes)) else { return false };
        self.grants.iter().any(|grant| {
            grant.base <= address && end <= grant.base + grant.length && grant.access & access == access && grant.widths & bytes != 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{READ, WRITE};

    fn registers(base: u64, length: u64, access: u8, widths: u8) -> Registers {
        Registers::new(&[MmioGrant { need: "regs".into(), base, length, access, widths }])
    }

    #[test]
    fn exactly_the_granted_bytes_are_allowed() {
        let registers = registers(0xfed0_0008, 0x10, READ | WRITE, 1 | 2 | 4 | 8);
        for bytes in [1u8, 2, 4, 8] {
            for address in 0xfed0_0000u64..0xfed0_0020 {
                let inside = address >= 0xfed0_0008 && address + u64::from(bytes) <= 0xfed0_0018;
                assert_eq!(registers.allow(address, bytes, READ), inside, "{address:#x} {bytes}");
            }
        }
        assert!(!registers.allow(u64::MAX, 8, READ) && !registers.allow(u64::MAX - 7, 8, READ));
    }

    #[test]
    fn device_memory_is_granted_by_access_and_width() {
        let registers = registers(0x1000, 8, WRITE, 8);
        assert!(registers.allow(0x1000, 8, WRITE));
        assert!(!registers.allow(0x1000, 8, READ));
        assert!(!registers.allow(0x1000, 4, WRITE));
        assert!(!Registers::default().allow(0x1000, 8, WRITE));
    }

    fn ports(base: u16, length: u32, access: u8, widths: u8) -> Ports {
        Ports::new(&[PortGrant { need: "regs".into(), base, length, access, widths }])
    }

    #[test]
    fn exactly_the_granted_ports_are_allowed() {
        let ports = ports(0x3f8, 8, READ | WRITE, 1);
        for port in 0..=u16::MAX {
            assert_eq!(ports.allow(port, 1, READ), (0x3f8..0x400).contains(&port), "{port:#x}");
        }
    }

    #[test]
    fn a_wide_access_must_lie_inside_whole() {
        let ports = ports(0xfffc, 4, READ | WRITE, 1 | 2 | 4);
        assert!(ports.allow(0xfffc, 4, WRITE));
        assert!(ports.allow(0xfffe, 2, WRITE));
        assert!(!ports.allow(0xfffd, 4, WRITE));
        assert!(!ports.allow(0xffff, 2, WRITE));
    }

    #[test]
    fn access_and_width_are_granted_one_by_one() {
        let ports = ports(0x60, 4, READ, 2);
        assert!(ports.allow(0x60, 2, READ));
        assert!(!ports.allow(0x60, 2, WRITE));
        assert!(!ports.allow(0x60, 1, READ));
        assert!(!ports.allow(0x60, 4, READ));
    }
}
