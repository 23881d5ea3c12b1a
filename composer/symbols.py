"""The kernel's symbol table in the image: which function an address of the kernel lies in, for the words of a panic.

Gets the functions that the kernel's ELF names; gives the bytes of the section `.symbols` (docs/formats.md, "The image").
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from composer.elf import Function
from composer.wasm.names import readable

SECTION = ".symbols"
MAGIC = b"MUNALSYM"
HEADER = struct.Struct("<8sI")
ENTRY = struct.Struct("<II")
LONGEST = 80
"""Characters of one name; a panic writes one a line."""


def symbol_table(functions: Iterable[Function], shift: int) -> bytes:
    """The section for functions whose addresses move by `shift` on their way into the image; empty where there are none.

    Of several at one address the longest counts. A function that has a size ends there: what follows and is no other's has no name.
    """
    known = sorted(functions, key=lambda f: (f.size, f.name))
    places = {f.address + shift: readable(f.name)[:LONGEST] for f in known}
    for function in known:
        if function.size:
            places.setdefault(function.address + function.size + shift, "")
    return _encoded(places) if any(places.values()) else b""


def _encoded(places: dict[int, str]) -> bytes:
    names, offsets = bytearray(), {}
    for name in sorted(set(places.values())):
        offsets[name] = len(names)
        names += name.encode() + b"\0"
    entries = b"".join(ENTRY.pack(address, offsets[name]) for address, name in sorted(places.items()))
    return HEADER.pack(MAGIC, len(places)) + entries + bytes(names)
