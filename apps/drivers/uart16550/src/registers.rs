//! The registers of the PC16550D and their bits, by the names of its data sheet (National Semiconductor, 1995, table II).

/// Receiver buffer, when read.
pub const RBR: u16 = 0;
/// Transmitter holding register, when written.
pub const THR: u16 = 0;
/// Divisor latch, least significant byte, while DLAB is set.
pub const DLL: u16 = 0;
/// Interrupt enable.
pub const IER: u16 = 1;
/// Divisor latch, most significant byte, while DLAB is set.
pub const DLM: u16 = 1;
/// Interrupt identification, when read.
pub const IIR: u16 = 2;
/// FIFO control, when written.
pub const FCR: u16 = 2;
/// Line control.
pub const LCR: u16 = 3;
/// Modem control.
pub const MCR: u16 = 4;
/// Line status.
pub const LSR: u16 = 5;
/// Modem status.
pub const MSR: u16 = 6;

/// IER: received data available, and in FIFO mode its timeout.
pub const IER_ERBFI: u8 = 1 << 0;
/// IER: transmitter holding register empty.
pub const IER_ETBEI: u8 = 1 << 1;
/// IER: receiver line status.
pub const IER_ELSI: u8 = 1 << 2;

/// IIR: which interrupt is pending; bit 0 is set where none is.
pub const IIR_ID: u8 = 0x0f;
/// IIR: no interrupt is pending.
pub const IIR_NONE: u8 = 1 << 0;
/// IIR: modem status.
pub const IIR_MODEM_STATUS: u8 = 0x0;
/// IIR: transmitter holding register empty.
pub const IIR_THR_EMPTY: u8 = 0x2;
/// IIR: received data available.
pub const IIR_DATA: u8 = 0x4;
/// IIR: receiver line status.
pub const IIR_LINE_STATUS: u8 = 0x6;
/// IIR: bytes are in the FIFO, below its trigger level, for four bytes' time.
pub const IIR_TIMEOUT: u8 = 0xc;
/// IIR: both bits are set where FIFOs work and are on.
pub const IIR_FIFOS: u8 = 0xc0;

/// FCR: turn the FIFOs on.
pub const FCR_ENABLE: u8 = 1 << 0;
/// FCR: interrupt at 8 received bytes, which leaves time for 8 more.
pub const FCR_TRIGGER_8: u8 = 0x80;

/// LCR: eight data bits, no parity, one stop bit.
pub const LCR_8N1: u8 = 0x03;
/// LCR: the divisor latch is at offsets 0 and 1.
pub const LCR_DLAB: u8 = 1 << 7;

/// MCR: data terminal ready.
pub const MCR_DTR: u8 = 1 << 0;
/// MCR: request to send.
pub const MCR_RTS: u8 = 1 << 1;
/// MCR: output 1.
pub const MCR_OUT1: u8 = 1 << 2;
/// MCR: output 2, which a PC's board takes as the switch of this port's interrupt.
pub const MCR_OUT2: u8 = 1 << 3;
/// MCR: loopback.
pub const MCR_LOOP: u8 = 1 << 4;

/// LSR: data ready.
pub const LSR_DR: u8 = 1 << 0;
/// LSR: overrun error.
pub const LSR_OE: u8 = 1 << 1;
/// LSR: parity error.
pub const LSR_PE: u8 = 1 << 2;
/// LSR: framing error.
pub const LSR_FE: u8 = 1 << 3;
/// LSR: break interrupt.
pub const LSR_BI: u8 = 1 << 4;
/// LSR: transmitter holding register empty, in FIFO mode the whole FIFO.
pub const LSR_THRE: u8 = 1 << 5;
/// LSR: transmitter empty, its shift register included.
pub const LSR_TEMT: u8 = 1 << 6;

/// MSR: clear to send; in loopback, RTS.
pub const MSR_CTS: u8 = 1 << 4;
/// MSR: data set ready; in loopback, DTR.
pub const MSR_DSR: u8 = 1 << 5;
/// MSR: ring indicator; in loopback, OUT1.
pub const MSR_RI: u8 = 1 << 6;
/// MSR: data carrier detect; in loopback, OUT2.
pub const MSR_DCD: u8 = 1 << 7;
/// MSR: the modem's lines.
pub const MSR_LINES: u8 = MSR_CTS | MSR_DSR | MSR_RI | MSR_DCD;

/// Bytes that each FIFO holds.
pub const FIFO_DEPTH: usize = 16;
/// The divisor for 115,200 baud from the PC's clock of 1.8432 MHz.
pub const DIVISOR_115200: u16 = 1;
