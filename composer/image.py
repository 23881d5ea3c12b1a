"""Reads an image back: what the composer wrote into a PE file, taken from the file alone, whoever made it.

Gets any bytes; gives what they hold and whether their digests match, or a diagnostic that says where they stop being an
image of ours (docs/formats.md, "The image"). Nothing is believed before it is checked, and no bytes make this raise.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from composer import pe
from composer.diagnostics import Diagnostic, declare, error
from composer.link import HEADER, LAYOUT_VERSION, MAGIC
from composer.result import Result
from composer.symbols import SECTION as SYMBOLS
from composer.table_fit import TableFault, fitting

M0510 = declare("M0510", "a file is no image of ours")
M0511 = declare("M0511", "an image is damaged where it describes itself")
M0512 = declare("M0512", "a digest in an image does not match what it is of")

SYSTEM, ORIGIN = ".munal", ".origin"
LARGEST_RECORD = 1 << 20
"""Bytes of an origin record; those of ours have some hundred."""

AGAIN = "the file was damaged or changed after it was built: build it again, or copy it again"
NOT_OURS = "images are what `munal build` writes: `build/PROFILE.efi`"
_SUBSYSTEM = 21
"""The place of the subsystem among the fields of `pe.OPTIONAL_HEADER`."""

_SECTION_NAME = re.compile(rb"[\x21-\x7e]{1,8}")


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the file: `address` and `size` are in memory, `offset` and `file_size` in the file, in bytes."""

    name: str
    address: int
    size: int
    offset: int
    file_size: int
    use: int


@dataclass(frozen=True, slots=True)
class ImageView:
    """An image, read. `table` is as `table.decode` names it, `modules` is machine code by name, `parts` are bytes in the
    file by what they are for, `origin` is the record of what it was made of, None where it has none."""

    data: bytes = field(repr=False)
    sha256: str
    table: dict[str, Any] = field(repr=False)
    table_bytes: bytes = field(repr=False)
    modules: dict[str, bytes] = field(repr=False)
    sections: tuple[Section, ...]
    parts: dict[str, int]
    origin: dict[str, Any] | None

    @property
    def table_sha256(self) -> str:
        """Of the table's bytes, as the image's header has it and audit shows it."""
        return hashlib.sha256(self.table_bytes).hexdigest()

    def section(self, name: str) -> bytes | None:
        """The file's bytes of a section, without what only fills up."""
        return next((_content(self.data, s) for s in self.sections if s.name == name), None)


class _Broken(Exception):
    """Reading stops here."""

    def __init__(self, code: str, message: str, help: str = AGAIN) -> None:
        self.diagnostic = error(code, message, help=help)


def read_image(data: bytes) -> Result[ImageView]:
    """Read an image. A value may come with errors: where a digest does not match, or the record of the origin is damaged, all
    else can still be shown."""
    try:
        return _read(data)
    except _Broken as broken:
        return Result(None, (broken.diagnostic,))


def _read(data: bytes) -> Result[ImageView]:
    sections = _sections_of(data)
    payload = _system(data, sections)
    start, table_bytes, expected = _table_bytes(payload)
    try:
        table = fitting(table_bytes, start)
    except TableFault as fault:
        raise _Broken(M0511, f"the image's system table cannot be read: {fault}") from fault
    said = list(_digests(payload, table, table_bytes, expected))
    origin, faults = _origin(data, sections)
    modules = {m["name"]: payload[m["offset"]:m["offset"] + m["length"]] for m in table["modules"]}
    view = ImageView(data, hashlib.sha256(data).hexdigest(), table, table_bytes, modules, sections,
                     _parts(data, sections, modules, table_bytes), origin)
    return Result(view, (*said, *faults))


def _sections_of(data: bytes) -> tuple[Section, ...]:
    """The sections of a PE32+ file for x86-64 firmware, every one inside of the file."""
    headers = _headers(data)
    sections = tuple(_section(data, place) for place in headers)
    end, place = pe.FIRST_ADDRESS, headers.stop
    for each in sections:
        _require(each.address >= end and each.address % pe.MEMORY_ALIGNMENT == 0, f"the file's section `{each.name}` lies where it must not")
        _require(each.offset + each.file_size <= len(data), f"the file ends before its section `{each.name}` does: it was cut off")
        _require(each.file_size == 0 or each.offset >= place, f"the file's section `{each.name}` shares its bytes with what is before it")
        end, place = each.address + each.size, max(place, each.offset + each.file_size)
    names = [each.name for each in sections]
    for name in (SYSTEM, ORIGIN):
        _require(names.count(name) <= 1, f"the file has more than one section `{name}`")
    return sections


def _headers(data: bytes) -> range:
    """Where the section headers stand (Microsoft PE format, sections 2 to 4)."""
    _require(data[:2] == b"MZ", "the file is no PE file: it does not start with `MZ`", NOT_OURS)
    _require(len(data) >= pe.DOS_HEADER.size, "the file ends in its first header: it was cut off")
    start = pe.DOS_HEADER.unpack_from(data)[1]
    _require(start + pe.FILE_HEADER.size + pe.OPTIONAL_HEADER.size <= len(data), "the file ends in its headers: it was cut off")
    signature, machine, count, _, _, _, optional, _ = pe.FILE_HEADER.unpack_from(data, start)
    _require(signature == b"PE\0\0", "the file is no PE file: its header has another signature", NOT_OURS)
    _require(machine == pe.AMD64, f"the file is for machine {machine:#x}, not for x86-64 ({pe.AMD64:#x})", NOT_OURS)
    fields = pe.OPTIONAL_HEADER.unpack_from(data, start + pe.FILE_HEADER.size)
    _require((fields[0], fields[_SUBSYSTEM]) == (pe.PE32_PLUS, pe.EFI_APPLICATION), "the file is no UEFI application", NOT_OURS)
    first = start + pe.FILE_HEADER.size + optional
    end = first + count * pe.SECTION_HEADER.size
    _require(optional >= pe.OPTIONAL_HEADER.size and end <= min(len(data), pe.FIRST_ADDRESS), "the file ends in its headers: it was cut off")
    return range(first, end, pe.SECTION_HEADER.size)


def _section(data: bytes, place: int) -> Section:
    name, size, address, file_size, offset, *_, use = pe.SECTION_HEADER.unpack_from(data, place)
    plain = name.rstrip(b"\0")
    _require(_SECTION_NAME.fullmatch(plain) is not None, "the file has a section without a readable name", NOT_OURS)
    return Section(plain.decode(), address, size, offset, file_size, use)


def _content(data: bytes, section: Section) -> bytes:
    return data[section.offset:section.offset + min(section.size, section.file_size)]


def _system(data: bytes, sections: tuple[Section, ...]) -> bytes:
    found = next((s for s in sections if s.name == SYSTEM), None)
    if found is None:
        raise _Broken(M0510, f"the file is a PE file, but none of ours: it has no section `{SYSTEM}`", NOT_OURS)
    payload = _content(data, found)
    if len(payload) < HEADER.size or not payload.startswith(MAGIC):
        raise _Broken(M0511, f"the image's section `{SYSTEM}` does not start as it must")
    return payload


def _table_bytes(payload: bytes) -> tuple[int, bytes, bytes]:
    """Where the system table starts, itself, and the digest that the section's header has of it."""
    _, version, _, start, length, expected = HEADER.unpack_from(payload)
    if version != LAYOUT_VERSION:
        raise _Broken(M0511, f"the image's section `{SYSTEM}` has layout {version}, and this composer reads layout {LAYOUT_VERSION}",
                      "use the composer that the image was built with")
    if start < HEADER.size or start + length > len(payload):
        raise _Broken(M0511, "the image's system table lies outside of the image")
    return start, payload[start:start + length], expected


def _digests(payload: bytes, table: dict[str, Any], table_bytes: bytes, expected: bytes) -> list[Diagnostic]:
    """One diagnostic for each thing that is not what its digest says, and for a header that contradicts the table."""
    said = []
    found = hashlib.sha256(table_bytes).digest()
    if found != expected:
        said.append(_differs("the system table", expected.hex(), found.hex()))
    for module in table["modules"]:
        digest = hashlib.sha256(payload[module["offset"]:module["offset"] + module["length"]]).hexdigest()
        if digest != module["sha256"]:
            said.append(_differs(f"module `{module['name']}`", module["sha256"], digest))
    port = HEADER.unpack_from(payload)[2]
    if port != (table["emergency_port"] or 0):
        said.append(error(M0511, f"the image's header names {port:#x} as emergency port, and its system table "
                                 f"{table['emergency_port'] or 'none'}", help=AGAIN))
    return said


def _differs(what: str, expected: str, found: str) -> Diagnostic:
    return error(M0512, f"{what} is not what was composed: its SHA-256 differs", help=AGAIN,
                 notes=(f"the image says  {expected}", f"its bytes have  {found}"))


def _origin(data: bytes, sections: tuple[Section, ...]) -> tuple[dict[str, Any] | None, tuple[Diagnostic, ...]]:
    from composer.origin import read_record

    found = next((s for s in sections if s.name == ORIGIN), None)
    if found is None:
        return None, ()
    content = _content(data, found)
    try:
        return read_record(content), ()
    except ValueError as fault:
        return None, (error(M0511, f"the record of the image's origin cannot be read: {fault}", help=AGAIN),)


def _parts(data: bytes, sections: tuple[Section, ...], modules: dict[str, bytes], table: bytes) -> dict[str, int]:
    """As `link` counts them: together they are the file's length."""
    apps = sum(len(code) for name, code in modules.items() if name.startswith("app/"))
    glue = sum(map(len, modules.values())) - apps
    origin = sum(min(s.size, s.file_size) for s in sections if s.name == ORIGIN)
    symbols = sum(min(s.size, s.file_size) for s in sections if s.name == SYMBOLS)
    kernel = sum(s.file_size for s in sections if s.name not in (SYSTEM, ORIGIN, SYMBOLS))
    parts = {"kernel": kernel, "apps": apps, "glue": glue, "table": len(table), **({"symbols": symbols} if symbols else {}),
             **({"origin": origin} if origin else {})}
    return {**parts, "headers and padding": len(data) - sum(parts.values())}


def _require(holds: bool, message: str, help: str = AGAIN) -> None:
    if not holds:
        raise _Broken(M0510, message, help)
