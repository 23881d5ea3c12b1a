//! What is asked and answered: ARP (RFC 826), and echoes of ICMP over IPv4 (RFC 791 and 792) over Ethernet.

use munal::ethernet::{Address, SHORTEST};

/// This station and its router, where QEMU's network for users has them.
pub const ME: [u8; 4] = [10, 0, 2, 15];
pub const ROUTER: [u8; 4] = [10, 0, 2, 2];

/// Bytes before what is echoed: headers of Ethernet, IP and ICMP.
pub const HEADERS: usize = SHORTEST + IP + ICMP;
/// Bytes of a question by ARP.
pub const ARP: usize = SHORTEST + 28;

const IP: usize = 20;
const ICMP: usize = 8;
const TYPE_ARP: [u8; 2] = [0x08, 0x06];
const TYPE_IP: [u8; 2] = [0x08, 0x00];
/// Ethernet, IPv4, addresses of 6 and of 4 bytes.
const OF_IP: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ECHO: u8 = 8;
const ECHOED: u8 = 0;
const PROTOCOL: u8 = 1;
const IDENTITY: [u8; 2] = [0x4d, 0x75];

/// Asks who has the router's address.
pub fn question(frame: &mut [u8; ARP], from: Address) {
    let parts: [&[u8]; 9] = [&Address::EVERYBODY.0, &from.0, &TYPE_ARP, &OF_IP, &[0, REQUEST], &from.0, &ME, &[0; 6], &ROUTER];
    let mut rest = &mut frame[..];
    for part in parts {
        let (now, later) = rest.split_at_mut(part.len());
        now.copy_from_slice(part);
        rest = later;
    }
}

/// The router's address, where this frame tells it.
pub fn answer(frame: &[u8]) -> Option<Address> {
    let [body, sender, address] = [frame.get(12..22)?, frame.get(22..28)?, frame.get(28..32)?];
    let is_one = body[..2] == TYPE_ARP && body[2..8] == OF_IP && body[8..] == [0, REPLY] && address == ROUTER;
    is_one.then(|| Address(sender.try_into().unwrap_or_default()))
}

/// Asks for an echo of so many bytes, which follow from the number; answers the frame's length.
pub fn echo(frame: &mut [u8], to: Address, from: Address, number: u16, length: usize) -> usize {
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&from.0);
    frame[12..14].copy_from_slice(&TYPE_IP);
    let (ip, icmp) = frame[SHORTEST..HEADERS + length].split_at_mut(IP);
    ip.fill(0);
    (ip[0], ip[8], ip[9]) = (0x45, 64, PROTOCOL);
    ip[2..4].copy_from_slice(&((IP + ICMP + length) as u16).to_be_bytes());
    ip[12..16].copy_from_slice(&ME);
    ip[16..].copy_from_slice(&ROUTER);
    let sum = checksum(ip).to_be_bytes();
    ip[10..12].copy_from_slice(&sum);
    icmp[..4].copy_from_slice(&[ECHO, 0, 0, 0]);
    icmp[4..6].copy_from_slice(&IDENTITY);
    icmp[6..8].copy_from_slice(&number.to_be_bytes());
    (0..).zip(&mut icmp[ICMP..]).for_each(|(place, byte)| *byte = content(number, place));
    let sum = checksum(icmp).to_be_bytes();
    icmp[2..4].copy_from_slice(&sum);
    HEADERS + length
}

/// What a frame is to one who waits for echoes.
#[derive(Debug, PartialEq, Eq)]
pub enum Echo<'a> {
    /// Of this number, and of these bytes.
    Of(u16, &'a [u8]),
    /// An echo that is damaged.
    Wrong,
    /// Something else.
    Other,
}

/// The echo in a frame.
pub fn echoed<'a>(frame: &'a [u8], me: Address) -> Echo<'a> {
    let is_other = frame.len() < HEADERS || frame[12..14] != TYPE_IP || frame[SHORTEST + 9] != PROTOCOL;
    if is_other || frame[HEADERS - ICMP] != ECHOED || frame[HEADERS - 4..HEADERS - 2] != IDENTITY {
        return Echo::Other;
    }
    let total = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let Some(packet) = frame[SHORTEST..].get(..total).filter(|packet| packet.len() >= IP + ICMP) else { return Echo::Wrong };
    let (ip, icmp) = packet.split_at(IP);
    let whole = checksum(ip) == 0 && checksum(icmp) == 0 && ip[12..16] == ROUTER && ip[16..] == ME && frame[..6] == me.0;
    if whole { Echo::Of(u16::from_be_bytes([icmp[6], icmp[7]]), &icmp[ICMP..]) } else { Echo::Wrong }
}

/// Whether these bytes are what was to be echoed under this number.
pub fn is_content(bytes: &[u8], number: u16) -> bool {
    (0..).zip(bytes).all(|(place, &byte)| byte == content(number, place))
}

fn content(number: u16, place: usize) -> u8 {
    (usize::from(number) + 7 * place) as u8
}

/// The Internet checksum (RFC 1071): nought over what has a right one in it.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(folded + (folded >> 16)) as u16
}
