"""Small kernels made by hand: ELF files with chosen segments, relocations and ABI, sound unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

from composer import elf
from composer.interfaces import load_interfaces

READ, EXECUTE, WRITE = 4, elf.PF_X, elf.PF_W


@dataclass
class Part:
    """A program header and its bytes; `offset` is filled in where it is None."""

    address: int
    data: bytes
    flags: int
    size: int | None = None
    kind: int = elf.PT_LOAD
    alignment: int = elf.PAGE
    offset: int | None = None


@dataclass
class Elf:
    """Three segments: constants with the relocations at 0, code at 0x1000, data with two pointers at 0x2010."""

    relocations: list[tuple[int, int, int]] = field(default_factory=lambda: [(0x2010, 8, 0x1004), (0x2018, 8, 0x40)])
    abi: bytes | None = field(default_factory=lambda: load_interfaces().abi)
    entry: int = 0x1004
    machine: int = elf.EM_X86_64
    type: int = elf.ET_DYN
    ident: bytes = b"\x7fELF\x02\x01\x01"
    dynamic: dict[int, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    extra: list[Part] = field(default_factory=list)
    section_flags: int = 0

    def __post_init__(self) -> None:
        if not self.parts:
            code = b"\xcc\xcc\xcc\xcc\x31\xc0\xc3"
            self.parts = [Part(0, self._rela().ljust(0x100, b"\x11"), READ), Part(0x1000, code, READ | EXECUTE),
                          Part(0x2010, bytes(16) + b"data", READ | WRITE, size=0x5000)]

    def _rela(self) -> bytes:
        return b"".join(elf.RELA.pack(*r) for r in self.relocations)

    def build(self) -> bytes:
        dynamic = {elf.DT_RELA: 0, elf.DT_RELASZ: len(self._rela()), elf.DT_RELAENT: 24, **self.dynamic}
        table = b"".join(elf.DYNAMIC.pack(*entry) for entry in dynamic.items()) + elf.DYNAMIC.pack(0, 0)
        parts = [*self.parts, *self.extra, Part(0x2010, table, READ, kind=elf.PT_DYNAMIC)]
        start = elf.HEADER.size + elf.PROGRAM.size * len(parts)
        headers, body = b"", b""
        for part in parts:
            offset = start + len(body) if part.offset is None else part.offset
            size = len(part.data) if part.size is None else part.size
            headers += elf.PROGRAM.pack(part.kind, part.flags, offset, part.address, part.address, len(part.data), size, part.alignment)
            body += part.data
        names = b"\0.shstrtab\0" + elf.ABI_SECTION + b"\0"
        names_at = start + len(body)
        abi_at = names_at + len(names)
        body += names + (self.abi or b"")
        sections = [elf.SECTION.pack(*(0,) * 10), elf.SECTION.pack(1, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)]
        if self.abi is not None:
            sections.append(elf.SECTION.pack(11, 1, self.section_flags, 0, abi_at, len(self.abi), 0, 0, 1, 0))
        head = elf.HEADER.pack(self.ident, self.type, self.machine, 1, self.entry, elf.HEADER.size, start + len(body), 0,
                               elf.HEADER.size, elf.PROGRAM.size, len(parts), elf.SECTION.size, len(sections), 1)
        return head + headers + body + b"".join(sections)
