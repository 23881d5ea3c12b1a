"""Reads the kernel: a static, position-independent ELF for x86-64, as far as an image is made from it.

Gets the file's bytes and trusts none of them; gives segments, relocations, entry and the ABI text. What an image cannot
carry faithfully is an `ElfError` that says what to change (ELF-64 object file format; System V ABI, AMD64 supplement).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

PAGE = 4096
MAX_SEGMENTS = 64
MAX_SECTIONS = 4096
MAX_MEMORY = 1 << 30
"""Bytes that a kernel may span in memory; PE addresses are 32 bits wide, and no kernel of ours comes near."""

ABI_SECTION = b".munal.abi"
SYMBOLS, STRINGS = b".symtab", b".strtab"
SYMBOL = struct.Struct("<IBBHQQ")
STT_NOTYPE, STT_FUNC, STB_GLOBAL = 0, 2, 1
LONGEST_SYMBOL = 1 << 16
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
DYNAMIC = struct.Struct("<qQ")
RELA = struct.Struct("<QQq")

ET_DYN, EM_X86_64 = 3, 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_TLS = 1, 2, 3, 7
PF_X, PF_W = 1, 2
SHT_NOBITS, SHF_COMPRESSED = 8, 0x800
DT_NULL, DT_RELA, DT_RELASZ, DT_RELAENT = 0, 7, 8, 9
R_X86_64_NONE, R_X86_64_RELATIVE = 0, 8
REFUSED_TAGS = {
    1: "DT_NEEDED (a shared library)", 17: "DT_REL", 23: "DT_JMPREL (lazy binding)", 36: "DT_RELR (packed relocations)",
}


class ElfError(ValueError):
    """The kernel's file is not what an image can be made from; the message is a full sentence."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that are loaded at `address`: `data`, then zeros up to `size`."""

    address: int
    size: int
    data: bytes = field(repr=False)
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Relocation:
    """The eight bytes at `address` hold the load address plus `addend`."""

    address: int
    addend: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name as the linker knows it; its size in bytes is 0 where it is not told."""

    name: str
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Kernel:
    """Segments in the order of their addresses, no two of which share a page; functions as the file's symbols name them."""

    entry: int
    segments: tuple[Segment, ...]
    relocations: tuple[Relocation, ...]
    abi: bytes | None
    functions: tuple[Function, ...] = ()


def read_kernel(elf: bytes) -> Kernel:
    """Read and check a kernel. Raises ElfError for everything that the image would not carry faithfully."""
    file = _File(elf)
    file.require_kernel()
    headers = tuple(file.program_headers())
    segments = tuple(sorted((file.segment(h) for h in headers if h.kind == PT_LOAD), key=lambda s: s.address))
    _require_loadable(headers, segments)
    relocations = tuple(_relocations(file, headers, segments))
    if not any(s.executable and s.address <= file.entry < s.end for s in segments):
        raise ElfError(f"the kernel's entry {file.entry:#x} lies in no executable segment")
    return Kernel(file.entry, segments, relocations, file.section(ABI_SECTION), tuple(_functions(file, segments)))


@dataclass(frozen=True, slots=True)
class _Header:
    """A program header, as written: `offset` and `file_size` are within the file."""

    kind: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


class _File:
    """The file with its header read; every access is bounded by the file's length."""

    def __init__(self, elf: bytes) -> None:
        self.elf = elf
        (self.ident, self.type, self.machine, _, self.entry, self.programs, self.sections, _, _, self.program_size,
         self.program_count, self.section_size, self.section_count, self.names) = HEADER.unpack(self.take(0, HEADER.size))

    def take(self, offset: int, length: int) -> bytes:
        if offset + length > len(self.elf):
            raise ElfError(f"the kernel's file ends before {length} bytes at offset {offset:#x}")
        return self.elf[offset:offset + length]

    def require_kernel(self) -> None:
        if self.ident[:4] != b"\x7fELF" or self.ident[4:6] != b"\x02\x01":
            raise ElfError("the kernel's file is no 64-bit little-endian ELF")
        if self.machine != EM_X86_64:
            raise ElfError(f"the kernel is for machine {self.machine}, not for x86-64 ({EM_X86_64})")
        if self.type != ET_DYN:
            raise ElfError("the kernel is not position-independent: link it with -pie")
        if self.program_size != PROGRAM.size or not 0 < self.program_count <= MAX_SEGMENTS:
            raise ElfError(f"the kernel has {self.program_count} program headers of {self.program_size} bytes")

    def program_headers(self) -> Iterator[_Header]:
        table = self.take(self.programs, PROGRAM.size * self.program_count)
        for kind, flags, offset, address, _, file_size, memory_size, alignment in PROGRAM.iter_unpack(table):
            yield _Header(kind, flags, offset, address, file_size, memory_size, alignment)

    def segment(self, header: _Header) -> Segment:
        if header.file_size > header.memory_size or header.address + header.memory_size >= 1 << 64:
            raise ElfError(f"the kernel's segment at {header.address:#x} is longer in the file than in memory")
        if header.alignment > PAGE:
            raise ElfError(f"the kernel's segment at {header.address:#x} is aligned to {header.alignment:#x}, "
                           f"but firmware aligns an image to {PAGE:#x} and no further")
        data = self.take(header.offset, header.file_size)
        return Segment(header.address, header.memory_size, data, bool(header.flags & PF_W), bool(header.flags & PF_X))

    def section(self, name: bytes) -> bytes | None:
        """The content of the one section `name`, or None."""
        if self.section_count == 0:
            return None
        if self.section_size != SECTION.size or self.section_count > MAX_SECTIONS or self.names >= self.section_count:
            raise ElfError(f"the kernel has {self.section_count} section headers of {self.section_size} bytes")
        headers = list(SECTION.iter_unpack(self.take(self.sections, SECTION.size * self.section_count)))
        names = self.take(*headers[self.names][4:6])
        found = [h for h in headers if names[h[0]:h[0] + len(name) + 1] == name + b"\0"]
        if not found:
            return None
        if len(found) > 1 or found[0][1] == SHT_NOBITS or found[0][2] & SHF_COMPRESSED:
            raise ElfError(f"the kernel's section {name.decode()} must be there once, with its bytes as they are")
        return self.take(*found[0][4:6])


def function_symbols(elf: bytes) -> tuple[Function, ...]:
    """The functions that a file's symbol table names, whatever its sections are for. Raises ElfError."""
    return tuple(function for function, kind in _symbols(_File(elf)) if kind == STT_FUNC)


def _functions(file: _File, segments: tuple[Segment, ...]) -> Iterator[Function]:
    """What the symbol table names in executable segments: functions, and labels of assembly. A stripped kernel has none."""
    for function, _ in _symbols(file):
        if any(s.executable and s.address <= function.address < s.end for s in segments):
            yield function


def _symbols(file: _File) -> Iterator[tuple[Function, int]]:
    """Functions and global labels, each with its type (ELF-64 object file format, section 6)."""
    table, names = file.section(SYMBOLS), file.section(STRINGS)
    if table is None or names is None:
        return
    for name, info, _, _, address, size in SYMBOL.iter_unpack(table[:len(table) // SYMBOL.size * SYMBOL.size]):
        kind, label = info & 0xF, info & 0xF == STT_NOTYPE and info >> 4 == STB_GLOBAL
        end = names.find(b"\0", name)
        if (kind == STT_FUNC or label) and name < end <= name + LONGEST_SYMBOL:
            yield Function(names[name:end].decode(errors="replace"), address, size), kind


def _require_loadable(headers: tuple[_Header, ...], segments: tuple[Segment, ...]) -> None:
    """Refuse what firmware would load otherwise than the linker meant."""
    for header in headers:
        if header.kind in (PT_INTERP, PT_TLS):
            what = "asks for a dynamic linker" if header.kind == PT_INTERP else "has thread-local storage"
            raise ElfError(f"the kernel {what}, and nothing in a machine's firmware provides that")
    if not segments:
        raise ElfError("the kernel has nothing to load")
    if segments[-1].end - segments[0].address > MAX_MEMORY:
        raise ElfError(f"the kernel spans more than {MAX_MEMORY >> 20} MiB of memory")
    for segment in segments:
        if segment.writable and segment.executable:
            raise ElfError(f"the kernel's segment at {segment.address:#x} is both writable and executable")
    for one, other in pairwise(segments):
        if (one.end - 1) // PAGE >= other.address // PAGE:
            raise ElfError(f"the kernel's segments at {one.address:#x} and {other.address:#x} share a page: "
                           "link it with -z separate-loadable-segments")


def _dynamic(file: _File, headers: tuple[_Header, ...]) -> dict[int, int]:
    found: dict[int, int] = {}
    for header in headers:
        if header.kind == PT_DYNAMIC:
            table = file.take(header.offset, header.file_size // DYNAMIC.size * DYNAMIC.size)
            for tag, value in DYNAMIC.iter_unpack(table):
                if tag == DT_NULL:
                    break
                found[tag] = value
    return found


def _relocations(file: _File, headers: tuple[_Header, ...], segments: tuple[Segment, ...]) -> Iterator[Relocation]:
    dynamic = _dynamic(file, headers)
    for tag, name in REFUSED_TAGS.items():
        if tag in dynamic:
            raise ElfError(f"the kernel's dynamic section has {name}: only relocations of type RELATIVE can be kept")
    if not dynamic.get(DT_RELASZ):
        return
    size = dynamic[DT_RELASZ]
    if dynamic.get(DT_RELAENT) != RELA.size or size % RELA.size or DT_RELA not in dynamic:
        raise ElfError("the kernel's relocations are not an array of entries of 24 bytes")
    for address, info, addend in RELA.iter_unpack(_loaded(segments, dynamic[DT_RELA], size)):
        kind = info & 0xFFFF_FFFF
        if kind == R_X86_64_NONE:
            continue
        if kind != R_X86_64_RELATIVE or info >> 32:
            raise ElfError(f"the kernel's relocation at {address:#x} is of type {kind}, not RELATIVE ({R_X86_64_RELATIVE})")
        _loaded(segments, address, 8)
        yield Relocation(address, addend)


def _loaded(segments: tuple[Segment, ...], address: int, length: int) -> bytes:
    """The file's bytes that are loaded at [address, address + length)."""
    for segment in segments:
        start = address - segment.address
        if start >= 0 and start + length <= len(segment.data):
            return segment.data[start:start + length]
    raise ElfError(f"the kernel refers to {length} bytes at {address:#x}, which no segment loads from the file")
