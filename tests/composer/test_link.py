"""Linked images: the kernel's segments where they belong, the section `.munal` as docs/formats.md draws it."""

import hashlib
import json
import struct

import cbor2
import pefile
import pytest

from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.link import link
from tests.composer.elves import EXECUTE, READ, WRITE, Elf, Part
from tests.composer.systems import driver_and_client

INTERFACES = load_interfaces()
MODULES = {"glue/hello": b"g" * 10, "app/uart": b"u" * 4096, "app/talker": b"t" * 4097, "glue/com1": b"c"}


def linked(kernel=None, modules=MODULES):
    made = driver_and_client()
    return link((kernel or Elf()).build(), made, make_layout(made), modules, INTERFACES)


def section(read, name):
    return next(s for s in read.sections if s.Name.rstrip(b"\0") == name)


@pytest.fixture(scope="module")
def image():
    return linked().value


@pytest.fixture(scope="module")
def read(image):
    return pefile.PE(data=image.data)


def test_the_section_munal_starts_with_its_header(image, read):
    payload = section(read, b".munal").get_data()
    magic, version, port, offset, length, digest = struct.unpack_from("<8sIIQQ32s", payload)
    assert (magic, version, port) == (b"MUNALSYS", 1, 0x3F8)
    assert offset % 4096 == 0
    assert payload[offset:offset + length] == image.table
    assert digest == hashlib.sha256(image.table).digest()
    assert not any(payload[64:4096])


def test_every_module_is_where_the_table_says(image, read):
    payload = section(read, b".munal").get_data()
    listed = cbor2.loads(image.table)[6]
    assert [m[0] for m in listed] == sorted(MODULES)
    assert [m[1] for m in listed] == [4096, 12288, 16384, 20480]
    for module in listed:
        code = payload[module[1]:module[1] + module[2]]
        assert code == MODULES[module[0]] and hashlib.sha256(code).digest() == module[3]


def test_the_image_has_these_sections_and_rights(read):
    found = {s.Name.rstrip(b"\0").decode(): (s.IMAGE_SCN_MEM_READ, s.IMAGE_SCN_MEM_WRITE, s.IMAGE_SCN_MEM_EXECUTE) for s in read.sections}
    assert found == {".rodata": (True, False, False), ".text": (True, False, True), ".data": (True, True, False),
                     ".reloc": (True, False, False), ".munal": (True, False, False)}
    assert read.verify_checksum()


def test_pointers_are_moved_with_the_image_and_listed(read):
    """The kernel's address 0 lies at 0x1000 in the image, so does what its pointers hold."""
    assert struct.unpack("<QQ", read.get_data(0x3010, 16)) == (0x2004, 0x1040)
    found = [e.rva for block in read.DIRECTORY_ENTRY_BASERELOC for e in block.entries if e.type]
    assert found == [0x3010, 0x3018]
    assert read.OPTIONAL_HEADER.AddressOfEntryPoint == 0x2004
    assert read.get_data(0x2004, 3) == b"\x31\xc0\xc3"


def test_an_address_the_firmware_chooses_moves_every_pointer(image):
    moved = pefile.PE(data=image.data)
    moved.relocate_image(0x4000_0000)
    assert struct.unpack("<QQ", moved.get_data(0x3010, 16)) == (0x4000_2004, 0x4000_1040)


def test_a_kernel_that_does_not_start_at_zero_follows_the_headers_too():
    parts = [Part(0x201000, b"\x90" * 8, READ | EXECUTE), Part(0x202008, bytes(8), READ | WRITE)]
    read = pefile.PE(data=linked(Elf(relocations=[], parts=parts, entry=0x201001)).value.data)
    assert [s.VirtualAddress for s in read.sections] == [0x1000, 0x2000, 0x3000]
    assert read.OPTIONAL_HEADER.AddressOfEntryPoint == 0x1001


def test_two_segments_of_one_kind_are_two_sections():
    parts = [Part(0x1000, b"\x90" * 8, READ | EXECUTE), Part(0x2000, b"one", READ | WRITE), Part(0x3000, b"two", READ | WRITE)]
    read = pefile.PE(data=linked(Elf(relocations=[], parts=parts, entry=0x1000)).value.data)
    assert [s.Name.rstrip(b"\0") for s in read.sections] == [b".text", b".data", b".data2", b".munal"]


def test_the_parts_add_up_to_the_file(image):
    assert sum(image.parts.values()) == len(image.data)
    assert image.parts["apps"] == 8193 and image.parts["glue"] == 11 and min(image.parts.values()) > 0


def test_the_same_input_gives_the_same_bytes():
    assert linked().value.data == linked(modules=dict(reversed(MODULES.items()))).value.data


def test_a_kernel_without_abi_is_refused():
    result = linked(Elf(abi=None))
    assert result.value is None and [d.code for d in result.diagnostics] == ["M0401"]
    assert "`.munal.abi`" in result.diagnostics[0].message and result.diagnostics[0].help


def changed(change):
    abi = json.loads(INTERFACES.abi)
    change(abi)
    return json.dumps(abi, sort_keys=True, separators=(",", ":")).encode()


DIFFERENCES = {
    "`raw.port_in8` is missing in the kernel": lambda abi: abi["raw"].pop("port_in8"),
    "`raw.port_in64` is in the kernel alone": lambda abi: abi["raw"].update(port_in64={"params": [], "result": None}),
    "`errors.closed` is -9 in the kernel and -2 in the interfaces": lambda abi: abi["errors"].update(closed=-9),
    "`version` is 2 in the kernel and 1 in the interfaces": lambda abi: abi.update(version=2),
    '`raw.sip_yield` is {"params": ["u32"], "result": null} in the kernel': lambda abi: abi["raw"]["sip_yield"].update(params=["u32"]),
    "`events` is None in the kernel": lambda abi: abi.pop("events"),
}


@pytest.mark.parametrize("says", DIFFERENCES)
def test_another_abi_is_refused_by_naming_what_differs(says):
    result = linked(Elf(abi=changed(DIFFERENCES[says])))
    assert result.value is None and len(result.diagnostics) == 1
    assert len(result.diagnostics[0].notes) == 1 and result.diagnostics[0].notes[0].startswith(says)


@pytest.mark.parametrize("abi", [b"", b"\xff\xfe", b"[]", b"7", b'"text"'])
def test_an_abi_that_is_no_object_is_refused(abi):
    result = linked(Elf(abi=abi))
    assert [d.code for d in result.diagnostics] == ["M0401"] and "no JSON object" in result.diagnostics[0].notes[0]


def test_an_abi_that_differs_in_its_bytes_alone_is_refused():
    result = linked(Elf(abi=INTERFACES.abi + b"\n"))
    assert "differ in their bytes" in result.diagnostics[0].notes[0]


def test_a_kernel_that_an_image_cannot_carry_is_refused():
    result = linked(Elf(machine=183))
    assert result.value is None
    assert [(d.code, d.message) for d in result.diagnostics] == [("M0402", "the kernel is for machine 183, not for x86-64 (62)")]
