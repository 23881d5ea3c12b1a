"""The reader of the kernel's file: what it gives of a sound one, and the sentence it has for each unsound one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import elf
from composer.elf import ElfError, Relocation, read_kernel
from composer.interfaces import load_interfaces
from tests.composer.elves import EXECUTE, READ, WRITE, Elf, Part


def test_a_sound_kernel_is_read():
    kernel = read_kernel(Elf().build())
    assert kernel.entry == 0x1004
    assert [(s.address, s.size, s.writable, s.executable) for s in kernel.segments] == [
        (0, 0x100, False, False), (0x1000, 7, False, True), (0x2010, 0x5000, True, False)]
    assert kernel.relocations == (Relocation(0x2010, 0x1004), Relocation(0x2018, 0x40))
    assert kernel.abi == load_interfaces().abi


def test_segments_come_in_the_order_of_their_addresses():
    shuffled = Elf()
    shuffled.parts = shuffled.parts[::-1]
    assert read_kernel(shuffled.build()) == read_kernel(Elf().build())


def test_a_kernel_without_relocations_or_abi_is_read():
    kernel = read_kernel(Elf(relocations=[], abi=None).build())
    assert (kernel.relocations, kernel.abi) == ((), None)


def test_an_empty_relocation_entry_is_passed_over():
    assert read_kernel(Elf(relocations=[(0, elf.R_X86_64_NONE, 0), (0x2010, 8, 1)]).build()).relocations == (Relocation(0x2010, 1),)


CODE = Part(0x1000, b"\x90" * 8, READ | EXECUTE)
UNSOUND = {
    "no 64-bit little-endian ELF": Elf(ident=b"MZ\0\0\x02\x01"),
    "little-endian": Elf(ident=b"\x7fELF\x02\x02"),
    "for machine 183": Elf(machine=183),
    "link it with -pie": Elf(type=2),
    "of type 1, not RELATIVE": Elf(relocations=[(0x2010, 1, 0)]),
    "of type 8, not": Elf(relocations=[(0x2010, 8 | 5 << 32, 0)]),
    "refers to 8 bytes at 0x2020": Elf(relocations=[(0x2020, 8, 0)]),
    "refers to 8 bytes at 0x9000": Elf(relocations=[(0x9000, 8, 0)]),
    "refers to 48 bytes at 0x80000000": Elf(dynamic={elf.DT_RELA: 0x80000000}),
    "entries of 24 bytes": Elf(dynamic={elf.DT_RELAENT: 16}),
    "array of entries": Elf(dynamic={elf.DT_RELASZ: 25}),
    "DT_NEEDED": Elf(dynamic={1: 1}),
    "DT_REL:": Elf(dynamic={17: 1}),
    "DT_JMPREL": Elf(dynamic={23: 1}),
    "DT_RELR": Elf(dynamic={36: 1}),
    "both writable and executable": Elf(relocations=[], parts=[Part(0x1000, b"\x90" * 8, READ | WRITE | EXECUTE)]),
    "segments at 0x1000 and 0x1008 share a page": Elf(relocations=[], parts=[CODE, Part(0x1008, b"x", READ)]),
    "segments at 0x1000 and 0x2fff share a page": Elf(relocations=[], parts=[
        Part(0x1000, CODE.data, CODE.flags, size=0x1001 + 0xFFF), Part(0x2FFF, b"x", READ)]),
    "lies in no executable segment": Elf(entry=0x40),
    "no executable segment": Elf(entry=0x1007),
    "asks for a dynamic linker": Elf(extra=[Part(0, b"ld.so\0", READ, kind=elf.PT_INTERP)]),
    "thread-local storage": Elf(extra=[Part(0, b"", READ, kind=elf.PT_TLS)]),
    "aligned to 0x200000": Elf(relocations=[], parts=[Part(0x1000, b"\x90" * 8, READ | EXECUTE, alignment=0x200000)]),
    "longer in the file than in memory": Elf(relocations=[], parts=[Part(0x1000, b"\x90" * 8, READ | EXECUTE, size=7)]),
    "ends before 8 bytes at offset 0xffffff": Elf(relocations=[], parts=[Part(0x1000, b"\x90" * 8, READ | EXECUTE, offset=0xFFFFFF)]),
    "more than 1024 MiB": Elf(relocations=[], parts=[CODE, Part(0x2000, b"", READ, size=elf.MAX_MEMORY)]),
    "nothing to load": Elf(relocations=[], parts=[Part(0, b"", READ, kind=4)]),
    "with its bytes as they are": Elf(section_flags=elf.SHF_COMPRESSED),
}


@pytest.mark.parametrize("says", UNSOUND)
def test_each_fault_is_refused_in_a_sentence(says):
    with pytest.raises(ElfError, match=says.replace("(", r"\(")):
        read_kernel(UNSOUND[says].build())


def test_segments_that_only_touch_a_page_boundary_are_fine():
    parts = [Part(0x1000, b"\x90" * 8, READ | EXECUTE, size=0x1000), Part(0x2000, b"x", READ)]
    assert len(read_kernel(Elf(relocations=[], parts=parts).build()).segments) == 2


@pytest.mark.parametrize("length", [0, 1, 63, 64, 200, 500])
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(ElfError):
        read_kernel(Elf().build()[:length])


@settings(max_examples=400)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=12), st.integers(0, 4000))
def test_no_file_makes_it_fail_otherwise(changes, cut):
    """Whatever bytes come in, a kernel or an ElfError comes out."""
    file = bytearray(Elf(abi=b"{}").build())
    for place, value in changes:
        file[place % len(file)] = value
    try:
        kernel = read_kernel(bytes(file[:cut] if cut < 400 else file))
    except ElfError:
        return
    assert all(len(s.data) <= s.size for s in kernel.segments)
