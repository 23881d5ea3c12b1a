"""Joins the kernel, the machine code of every SIP and the system table to one image that firmware starts.

Gets the kernel's ELF and compiled modules; gives the bytes of a PE32+ file (docs/formats.md, "The image"), always the same
for the same input. A kernel that speaks another ABI than the interfaces describe is refused, and told apart in words.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer import pe
from composer.diagnostics import Diagnostic, declare, error
from composer.elf import ElfError, Kernel, Relocation, Segment, read_kernel
from composer.interfaces import Interfaces
from composer.layout import Layout
from composer.result import Result
from composer.symbols import SECTION as SYMBOLS
from composer.symbols import symbol_table
from composer.system import System
from composer.table import Module, encode

OTHER_ABI = declare("M0401", "the kernel speaks another ABI than the interfaces describe")
NO_KERNEL = declare("M0402", "the kernel's file cannot become an image")

MAGIC = b"MUNALSYS"
LAYOUT_VERSION = 1
HEADER = struct.Struct("<8sIIQQ32s")
POINTER = struct.Struct("<Q")
REBUILD = "build the kernel from the same source tree as the composer"


@dataclass(frozen=True, slots=True)
class Image:
    """A linked image. `parts` are bytes in the file by what they are for; together they are the file's length."""

    data: bytes = field(repr=False)
    table: bytes = field(repr=False)
    modules: tuple[Module, ...]
    parts: dict[str, int]


def link(kernel_elf: bytes, system: System, layout: Layout, modules: Mapping[str, bytes], interfaces: Interfaces,
         origin: bytes = b"") -> Result[Image]:
    """Link one image. `modules` are machine code by name, `app/<app>` and `glue/<instance>`; `origin` is the record of what
    it is made of, for which there is no section where it is empty.

    Refuses, with M0401 or M0402, a kernel that the image could not carry or that would not understand its glue.
    """
    return open_kernel(kernel_elf, interfaces).then(assemble, system, layout, modules, interfaces, origin)


def open_kernel(kernel_elf: bytes, interfaces: Interfaces) -> Result[Kernel]:
    """The kernel, if an image can be made of it and it understands what the interfaces describe."""
    try:
        kernel = read_kernel(kernel_elf)
    except ElfError as fault:
        return Result(None, (error(NO_KERNEL, str(fault), help=REBUILD),))
    refused = tuple(check_abi(kernel.abi, interfaces))
    return Result(None if refused else kernel, refused)


def assemble(kernel: Kernel, system: System, layout: Layout, modules: Mapping[str, bytes], interfaces: Interfaces,
             origin: bytes = b"") -> Result[Image]:
    """The image of a kernel that was read and understands the interfaces; what `link` does last."""
    placed = _places(modules)
    table = encode(system, layout, placed, interfaces)
    payload = _payload(system, placed, modules, table)
    sections = _sections(kernel, payload, origin)
    return Result(Image(pe.write(kernel.entry + shift(kernel), sections), table, placed, _parts(sections, modules, table, origin)))


def check_abi(found: bytes | None, interfaces: Interfaces) -> Iterator[Diagnostic]:
    """Yield one diagnostic that names everything in which the kernel's ABI differs from the interfaces."""
    if found is None:
        yield error(OTHER_ABI, "the kernel does not say which ABI it was built with: it has no section `.munal.abi`", help=REBUILD)
    elif found != interfaces.abi:
        notes = tuple(_differences(_parsed(found), _parsed(interfaces.abi)))
        yield error(OTHER_ABI, "the kernel was built with another ABI than the interfaces describe", help=REBUILD,
                    notes=notes or ("the two texts mean the same but differ in their bytes",))


def _parsed(abi: bytes) -> Any:
    try:
        return json.loads(abi)
    except ValueError:
        return None


def _differences(kernel: Any, ours: dict[str, Any]) -> Iterator[str]:
    """One sentence for each thing that one side has and the other has not, or has otherwise."""
    if not isinstance(kernel, dict):
        yield "the kernel's section `.munal.abi` holds no JSON object"
        return
    for part in sorted({*kernel, *ours}):
        theirs, wanted = kernel.get(part), ours.get(part)
        if not isinstance(theirs, dict) or not isinstance(wanted, dict):
            if theirs != wanted:
                yield f"`{part}` is {theirs} in the kernel and {wanted} in the interfaces"
            continue
        for name in sorted({*theirs, *wanted}):
            if name not in theirs:
                yield f"`{part}.{name}` is missing in the kernel"
            elif name not in wanted:
                yield f"`{part}.{name}` is in the kernel alone"
            elif theirs[name] != wanted[name]:
                yield f"`{part}.{name}` is {_text(theirs[name])} in the kernel and {_text(wanted[name])} in the interfaces"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def _places(modules: Mapping[str, bytes]) -> tuple[Module, ...]:
    """Where each module lies in the section: in the order of their names, each on a page of its own."""
    placed, offset = [], pe.aligned(HEADER.size, pe.MEMORY_ALIGNMENT)
    for name in sorted(modules):
        code = modules[name]
        placed.append(Module(name, offset, len(code), hashlib.sha256(code).digest()))
        offset = pe.aligned(offset + len(code), pe.MEMORY_ALIGNMENT)
    return tuple(placed)


def _payload(system: System, placed: tuple[Module, ...], modules: Mapping[str, bytes], table: bytes) -> bytes:
    """The content of the section `.munal`."""
    end = max((m.offset + m.length for m in placed), default=HEADER.size)
    body = bytearray(pe.aligned(end, pe.MEMORY_ALIGNMENT))
    for module in placed:
        body[module.offset:module.offset + module.length] = modules[module.name]
    return seal(system.emergency_port, body, table)


def seal(emergency_port: int | None, body: bytes | bytearray, table: bytes) -> bytes:
    """The content of the section `.munal`: `body`, which begins with room for the header, then what the header proves."""
    header = HEADER.pack(MAGIC, LAYOUT_VERSION, emergency_port or 0, len(body), len(table), hashlib.sha256(table).digest())
    return header + bytes(body[HEADER.size:]) + table


def write_image(kernel: Kernel, payload: bytes) -> bytes:
    """The file of a kernel with this content of the section `.munal`, and no record of its origin."""
    return pe.write(kernel.entry + shift(kernel), _sections(kernel, payload, b""))


def shift(kernel: Kernel) -> int:
    """What is added to the kernel's addresses, so that its first page follows the image's headers."""
    return pe.FIRST_ADDRESS - kernel.segments[0].address // pe.MEMORY_ALIGNMENT * pe.MEMORY_ALIGNMENT


def _sections(kernel: Kernel, payload: bytes, origin: bytes) -> list[pe.Section]:
    moved = shift(kernel)
    relocations = pe.relocation_data(r.address + moved for r in kernel.relocations)
    sections = _kernel_sections(kernel, moved)
    if relocations:
        sections.append(pe.Section(".reloc", pe.next_address(sections), len(relocations), relocations, pe.Use.RELOCATIONS))
    for name, content in ((".munal", payload), (SYMBOLS, symbol_table(kernel.functions, moved)), (".origin", origin)):
        if content:
            sections.append(pe.Section(name, pe.next_address(sections), len(content), content, pe.Use.CONSTANTS))
    return sections


def _kernel_sections(kernel: Kernel, shift: int) -> list[pe.Section]:
    """One section a segment, from the start of its first page on: two of one kind are told apart by a number."""
    sections: list[pe.Section] = []
    taken: dict[str, int] = {}
    for segment in kernel.segments:
        name, use = _name_and_use(segment)
        number = taken[name] = taken.get(name, 0) + 1
        before = segment.address % pe.MEMORY_ALIGNMENT
        data = (bytes(before) + _relocated(segment, kernel.relocations, shift)).rstrip(b"\0")
        sections.append(pe.Section(name if number == 1 else f"{name[:6]}{number}", segment.address - before + shift,
                                   before + segment.size, data, use))
    return sections


def _name_and_use(segment: Segment) -> tuple[str, pe.Use]:
    if segment.executable:
        return ".text", pe.Use.CODE
    return (".data", pe.Use.DATA) if segment.writable else (".rodata", pe.Use.CONSTANTS)


def _relocated(segment: Segment, relocations: tuple[Relocation, ...], shift: int) -> bytes:
    """The segment's bytes with every pointer as it is in an image loaded at address 0."""
    data = bytearray(segment.data)
    for relocation in relocations:
        place = relocation.address - segment.address
        if 0 <= place <= len(data) - POINTER.size:
            POINTER.pack_into(data, place, relocation.addend + shift & 0xFFFF_FFFF_FFFF_FFFF)
    return bytes(data)


def _parts(sections: list[pe.Section], modules: Mapping[str, bytes], table: bytes, origin: bytes) -> dict[str, int]:
    """Bytes in the file by purpose; what no purpose claims is padding and headers."""
    apps = sum(len(code) for name, code in modules.items() if name.startswith("app/"))
    glue = sum(map(len, modules.values())) - apps
    kernel = sum(s.file_size for s in sections if s.name not in (".munal", ".origin", SYMBOLS))
    symbols = sum(len(s.data) for s in sections if s.name == SYMBOLS)
    parts = {"kernel": kernel, "apps": apps, "glue": glue, "table": len(table), **({"symbols": symbols} if symbols else {}),
             **({"origin": len(origin)} if origin else {})}
    return {**parts, "headers and padding": pe.headers_size(len(sections)) + sum(s.file_size for s in sections) - sum(parts.values())}
