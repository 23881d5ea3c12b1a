"""Bounded reading of bytes that may lie: every count and length is held against what is left before it is used.

Gets bytes and the part of them that may be read; gives numbers and names, or a WasmError at a file offset.
"""

from __future__ import annotations


class WasmError(Exception):
    """Why bytes are no wasm binary that this system can run.

    `offset` counts bytes from the start of the file. `feature` names what a valid binary uses and the kernel lacks,
    and is None where the binary is broken.
    """

    def __init__(self, message: str, offset: int, feature: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.feature = feature


class Cursor:
    """A position in `data` that never passes `end`; `what` names the part for messages."""

    __slots__ = ("data", "end", "pos", "what")

    def __init__(self, data: bytes, pos: int, end: int, what: str) -> None:
        self.data = data
        self.pos = pos
        self.end = end
        self.what = what

    @property
    def left(self) -> int:
        return self.end - self.pos

    def fail(self, message: str, at: int | None = None) -> WasmError:
        """The error to raise, `at` an offset other than the current one where given."""
        return WasmError(message, self.pos if at is None else at)

    def ended(self) -> WasmError:
        return WasmError(f"{self.what} ends in the middle of a value", self.end)

    def part(self, length: int, what: str) -> Cursor:
        """The next `length` bytes as a cursor of their own, and step over them."""
        if length > self.left:
            raise self.fail(_too_long(what, length, self.left))
        start = self.pos
        self.pos += length
        return Cursor(self.data, start, self.pos, what)

    def byte(self) -> int:
        if self.pos >= self.end:
            raise self.ended()
        self.pos += 1
        return self.data[self.pos - 1]

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise self.ended()
        self.pos += length
        return self.data[self.pos - length:self.pos]

    def u32(self) -> int:
        """An unsigned LEB128 number of at most 32 bits (wasm specification 2.0, section 5.2.2)."""
        pos = self.pos
        if pos < self.end and self.data[pos] < 0x80:
            self.pos = pos + 1
            return self.data[pos]
        return self._unsigned(32)

    def u64(self) -> int:
        return self._unsigned(64)

    def s32(self) -> int:
        return self._signed(32)

    def s33(self) -> int:
        return self._signed(33)

    def s64(self) -> int:
        return self._signed(64)

    def _unsigned(self, bits: int) -> int:
        start = self.pos
        value, _, _ = self._leb128(bits)
        if value >> bits:
            raise self.fail(f"a number is larger than {bits} bits hold", start)
        return value

    def _signed(self, bits: int) -> int:
        start = self.pos
        value, shift, last = self._leb128(bits)
        if last & 0x40:
            value -= 1 << shift
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise self.fail(f"a number is larger than {bits} bits hold", start)
        return value

    def _leb128(self, bits: int) -> tuple[int, int, int]:
        """The bits of a number of at most `bits`, how many were given, and the last byte (LEB128, specification 5.2.2)."""
        start, value, shift = self.pos, 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value, shift, byte
            if shift >= bits:
                raise self.fail(f"a number is longer than {bits} bits can need", start)

    def count(self, what: str, least: int = 1) -> int:
        """How many entries follow, each of at least `least` bytes: never more than the bytes that are left can hold."""
        start = self.pos
        count = self.u32()
        if count * least > self.left:
            raise self.fail(f"{self.what} says it holds {count} {what}, but has only {_bytes(self.left)} left", start)
        return count

    def name(self, what: str) -> str:
        """A length and that many bytes of UTF-8."""
        start = self.pos
        length = self.u32()
        if length > self.left:
            raise self.fail(_too_long(what, length, self.left), start)
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as fault:
            raise self.fail(f"{what} is not UTF-8", self.pos - length + fault.start) from None

    def must_end(self) -> None:
        """Raise where bytes are left over."""
        if self.pos != self.end:
            raise self.fail(f"{self.what} has {_bytes(self.left)} left over")


def _too_long(what: str, length: int, left: int) -> str:
    return f"{what} says it is {_bytes(length)} long, but {left} {'is' if left == 1 else 'are'} left"


def _bytes(number: int) -> str:
    return f"{number} byte{'' if number == 1 else 's'}"
