"""Images as others read them: each one written is parsed by pefile, and compared with what was meant."""

import pefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import pe
from composer.pe import Section, Use


def sections(*, code=b"\x90" * 100, data=b"d" * 513, zeros=0x3000):
    return [Section(".text", 0x1000, len(code), code, Use.CODE), Section(".rodata", 0x2000, 4, b"r", Use.CONSTANTS),
            Section(".data", 0x3000, len(data) + zeros, data, Use.DATA)]


def with_relocations(addresses):
    made = sections()
    table = pe.relocation_data(addresses)
    return [*made, Section(".reloc", pe.next_address(made), len(table), table, Use.RELOCATIONS)]


def parsed(file):
    return pefile.PE(data=file)


def complaints(read):
    """What pefile finds odd, apart from files of mostly one byte, which made-up sections are."""
    return [w for w in read.get_warnings() if "makes up" not in w]


def test_headers_say_what_firmware_asks_for():
    read = parsed(pe.write(0x1010, with_relocations([0x3000])))
    optional = read.OPTIONAL_HEADER
    assert complaints(read) == []
    assert read.FILE_HEADER.Machine == pefile.MACHINE_TYPE["IMAGE_FILE_MACHINE_AMD64"]
    assert optional.Magic == pefile.OPTIONAL_HEADER_MAGIC_PE_PLUS
    assert optional.Subsystem == pefile.SUBSYSTEM_TYPE["IMAGE_SUBSYSTEM_EFI_APPLICATION"]
    assert optional.AddressOfEntryPoint == 0x1010
    assert (optional.SectionAlignment, optional.FileAlignment) == (4096, 512)
    assert optional.IMAGE_DLLCHARACTERISTICS_NX_COMPAT and optional.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
    assert read.FILE_HEADER.TimeDateStamp == 0
    assert optional.SizeOfImage == 0x8000


def test_sections_are_aligned_and_none_is_writable_and_executable():
    read = parsed(pe.write(0x1000, with_relocations([0x3000, 0x3008])))
    rights = {}
    for section in read.sections:
        assert section.VirtualAddress % 4096 == section.PointerToRawData % 512 == section.SizeOfRawData % 512 == 0
        rights[section.Name.rstrip(b"\0")] = (section.IMAGE_SCN_MEM_WRITE, section.IMAGE_SCN_MEM_EXECUTE)
    assert rights == {b".text": (False, True), b".rodata": (False, False), b".data": (True, False), b".reloc": (False, False)}


def test_what_is_zero_takes_no_room_in_the_file():
    read = parsed(pe.write(0x1000, sections(data=b"", zeros=0x100000)))
    assert (read.sections[2].SizeOfRawData, read.sections[2].PointerToRawData) == (0, 0)
    assert read.sections[2].Misc_VirtualSize == 0x100000


def test_sections_hold_their_bytes():
    read = parsed(pe.write(0x1000, sections()))
    assert read.get_data(0x1000, 100) == b"\x90" * 100
    assert read.get_data(0x3000, 514) == b"d" * 513 + b"\0"


@given(st.sets(st.integers(0x1000, 0x61F8), max_size=60))
def test_base_relocations_are_those_asked_for(addresses):
    made = sections()
    table = pe.relocation_data(addresses)
    found = []
    if table:
        made.append(Section(".reloc", pe.next_address(made), len(table), table, Use.RELOCATIONS))
        read = parsed(pe.write(0x1000, made))
        for block in read.parse_relocations_directory(made[-1].address, len(table)):
            assert block.struct.SizeOfBlock % 4 == 0
            found += [e.rva for e in block.entries if e.type == pefile.RELOCATION_TYPE["IMAGE_REL_BASED_DIR64"]]
    assert found == sorted(addresses)


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 600))
def test_the_checksum_is_that_of_other_tools(code, zeros):
    file = pe.write(0x1000, sections(code=b"\x90" + code, data=bytes(zeros)))
    read = parsed(file)
    assert read.OPTIONAL_HEADER.CheckSum == read.generate_checksum()
    assert read.verify_checksum()


def test_the_same_sections_give_the_same_bytes():
    assert pe.write(0x1000, with_relocations([0x3000])) == pe.write(0x1000, with_relocations([0x3000]))


UNSOUND = {
    "overlap": [sections()[0], Section(".rodata", 0x1000, 4, b"", Use.CONSTANTS)],
    "out of order": sections()[::-1],
    "cannot lie at 0x1010": [Section(".text", 0x1010, 4, b"", Use.CODE)],
    "cannot lie at 0x0": [Section(".text", 0, 4, b"", Use.CODE)],
    "section .text has 5 bytes for 4": [Section(".text", 0x1000, 4, b"12345", Use.CODE)],
    "section .ninechars": [Section(".ninechars", 0x1000, 4, b"", Use.CODE)],
    "lies in no code": [Section(".data", 0x1000, 4, b"", Use.DATA)],
    "do not fit in the headers": [Section(".text", 0x1000 * (k + 1), 4, b"", Use.CODE) for k in range(200)],
}


@pytest.mark.parametrize("says", UNSOUND)
def test_what_firmware_would_load_otherwise_is_not_written(says):
    with pytest.raises(ValueError, match=says):
        pe.write(0x1000, UNSOUND[says])


@pytest.mark.parametrize("use", Use)
def test_no_use_is_both_writable_and_executable(use):
    assert not (use & 0x8000_0000 and use & 0x2000_0000)
