"""Writes an ELF file that holds nothing but names of functions: what gdb loads for machine code that is in no file.

Gets functions by their place in a section `.text`; gives the file's bytes (ELF-64 object file format, sections 3 and 6).
"""

from __future__ import annotations

from collections.abc import Mapping

from composer.elf import EM_X86_64, HEADER, PROGRAM, SECTION, SHT_NOBITS, STT_FUNC, SYMBOL

ET_EXEC, SHT_SYMTAB, SHT_STRTAB, ALLOCATED, CODE = 2, 2, 3, 2, 4
IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
TEXT, SYMBOLS, STRINGS = 1, 2, 3
"""Numbers of the sections."""
NAMES = b"\0.text\0.symtab\0.strtab\0"


def symbol_file(functions: Mapping[tuple[int, int], str]) -> bytes:
    """The file for functions by their offset in `.text` and their size, in bytes."""
    strings, symbols = bytearray(NAMES), bytearray(SYMBOL.size)
    for (offset, size), name in sorted(functions.items()):
        symbols += SYMBOL.pack(len(strings), STT_FUNC, 0, TEXT, offset, size)
        strings += name.encode() + b"\0"
    length = max((offset + size for offset, size in functions), default=0)
    sections = [
        SECTION.pack(*[0] * 10),
        _section(b".text", SHT_NOBITS, ALLOCATED | CODE, HEADER.size, length, alignment=16),
        _section(b".symtab", SHT_SYMTAB, 0, HEADER.size, len(symbols), STRINGS, len(symbols) // SYMBOL.size, 8, SYMBOL.size),
        _section(b".strtab", SHT_STRTAB, 0, HEADER.size + len(symbols), len(strings)),
    ]
    header = HEADER.pack(IDENT, ET_EXEC, EM_X86_64, 1, 0, 0, HEADER.size + len(symbols) + len(strings), 0, HEADER.size, PROGRAM.size, 0,
                         SECTION.size, len(sections), STRINGS)
    return header + bytes(symbols) + bytes(strings) + b"".join(sections)


def _section(name: bytes, kind: int, flags: int, offset: int, size: int, link: int = 0, info: int = 0, alignment: int = 1,
             entry: int = 0) -> bytes:
    return SECTION.pack(NAMES.index(name + b"\0"), kind, flags, 0, offset, size, link, info, alignment, entry)
