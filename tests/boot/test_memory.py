"""What the kernel promises of memory (docs/memory.md), seen from outside: by QEMU's monitor, and by programs at the edges."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from itertools import pairwise

import pytest

from composer.interfaces import WASM_PAGE, load_interfaces
from tests.boot.monitor import PAGE, Mapping, Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
QUOTA = load_interfaces().quota
STACK = QUOTA.wasm_stack + QUOTA.kernel_stack
EDGE = 3084 * KIB
"""What the instance `page-by-page` may use: a page less than 42 pages of wasm's want, and too little only where their tables count."""
STACKS = range(0x2080_0000_0000, 0x2100_0000_0000)
"""Where threads have their stacks, and linear memories their slots: kernel/src/memory/mod.rs."""
MEMORIES = range(0x2100_0000_0000, 0x4100_0000_0000)
STRIDE = 8 * GIB
TRAP = "wasm trap: out of bounds memory access"
LONG = int(os.environ.get("MUNAL_LIVES", "0"))
"""How many lives are to be counted, where someone wants more than a run of all tests has time for."""


def test_memory_ends_where_it_ends_and_nothing_is_writable_and_executable(image, tmp_path):
    line = tmp_path / "gdb"
    extra = ("-chardev", f"socket,id=gdb,path={line},server=on,wait=off", "-gdb", "chardev:gdb")
    with watched(image("edges"), memory_mib=6 * 1024, extra=extra) as machine:
        machine.expect("profile edges")
        check_mappings(machine.mappings())
        said = lines_of(machine, 11)
        check_edges(said)
        check_mappings(mappings := machine.mappings())
        check_processor(machine.monitor("info registers"))
        check_own_stacks(mappings)
        run_into_a_guard(machine, str(line))


def lines_of(machine: Watched, count: int) -> dict[str, str]:
    """What the kernel's log says of `count` instances, by name."""
    said: dict[str, str] = {}
    while len(said) < count:
        found = machine.expect(r"^\[ *[\d.]+\] ([\w-]+): (.*)\n")
        said[found[1]] = found[2].removesuffix("; stays ended")
    return said


def check_edges(said: dict[str, str]) -> None:
    """Each byte that is memory can be used, none beside it, and the quota is exact."""
    for name in ("one-byte-past", "the-next-byte", "the-last-of-4-gib", "in-the-guard", "past-the-guard"):
        assert said[name] == TRAP, name
    assert said["the-last-word"] == "left with code 100"
    assert QUOTA.used(42 * WASM_PAGE) == EDGE + PAGE and said["page-by-page"] == "left with code 41"
    assert said["all-at-once"] == "left with code 200"
    check_elements(int(said["elements"].removeprefix("left with code ")))
    ends = sorted((said["whole-1"], said["whole-2"]))
    assert ends[0] == "left with code 77"
    assert re.fullmatch(r"the machine has \d+ bytes left, too few for a memory of 4294967296", ends[1])


def check_elements(thousands: int) -> None:
    """A table grows, a thousand elements at a time, until it could not double beside its old elements: what the quota has beside all
    else is then four to five times of what they take, as the room that it has already is one to two."""
    room = 2 * MIB - QUOTA.used(WASM_PAGE)
    element = load_interfaces().table_element
    assert room // (5 * element) - 1000 <= thousands * 1000 <= (room + QUOTA.runtime) // (4 * element) + 1000


def check_mappings(mappings: list[Mapping]) -> None:
    """No page, and no frame behind pages, is writable and executable; what must not be there is not."""
    assert mappings
    assert not [each for each in mappings if each.writable and each.executable]
    executable = {frame for each in mappings if each.executable for frame in frames(each)}
    assert len(executable) > 100
    assert not [each for each in mappings if each.writable and not executable.isdisjoint(frames(each))]
    assert min(each.address for each in mappings) >= PAGE
    check_stacks([each for each in mappings if each.address in STACKS])
    check_memories([each for each in mappings if each.address in MEMORIES])


def frames(mapping: Mapping) -> range:
    return range(mapping.frame, mapping.frame + mapping.size, PAGE)


def check_stacks(mappings: list[Mapping]) -> None:
    """Each stack is whole, and ends in a page that is not there."""
    assert mappings
    pages = sorted(each.address for each in mappings)
    ends = [index for index, (one, other) in enumerate(pairwise(pages), 1) if other != one + PAGE]
    stacks = [pages[start:end] for start, end in pairwise([0, *ends, len(pages)])]
    assert {len(stack) * PAGE for stack in stacks} == {STACK}
    assert STACKS.start not in pages and all(each.writable and not each.executable for each in mappings)


def check_memories(mappings: list[Mapping]) -> None:
    """A memory lies in the 4 GiB of its slot that begin 1 GiB behind the slot's start."""
    assert all(GIB <= (each.address - MEMORIES.start) % STRIDE < 5 * GIB for each in mappings)
    assert all(each.writable and not each.executable for each in mappings)


def check_processor(registers: str) -> None:
    """CR0.WP binds the kernel, too, and EFER.NXE lets pages be no code (Intel SDM volume 3, sections 2.5 and 2.2.1)."""
    cr0, efer = (int(re.search(rf"{name}=([0-9a-f]+)", registers)[1], 16) for name in ("CR0", "EFER"))
    assert cr0 & 1 << 16 and efer & 1 << 11


def check_own_stacks(mappings: list[Mapping]) -> None:
    """The kernel's image has its stacks, three of 16 KiB and one of 512 KiB, each between pages that are not there."""
    image = sorted(each.address for each in mappings if each.executable and each.address < MEMORIES.start >> 4)
    around = range(image[0] - 8 * MIB, image[-1] + 8 * MIB, PAGE)
    there = {page for each in mappings if each.size == PAGE or each.address in around for page in each.pages()}
    missing = [page for page in around if page not in there]
    apart = [other - one for one, other in pairwise(missing)]
    assert apart.count(16 * KIB + PAGE) >= 3 and apart.count(512 * KIB + PAGE) >= 1


def run_into_a_guard(machine: Watched, path: str) -> None:
    """Set the stack pointer into a guard by gdb's protocol (GDB manual, appendix E), and let an interrupt come."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        RSP = 7
        for packet in ("qXfer:features:read:target.xml:0,ffb", "?", f"P{RSP:x}={(STACKS.start + 2048).to_bytes(8, 'little').hex()}"):
            assert ask_gdb(connection, packet)
        send_gdb(connection, "c")
        machine.send("x")
        machine.expect("kernel panic: end of a thread's stack")


def ask_gdb(connection: socket.socket, packet: str) -> str:
    """Send a packet; give the answer's text."""
    send_gdb(connection, packet)
    received = b""
    while not re.search(rb"\$[^#]*#..", received):
        received += connection.recv(4096)
    connection.sendall(b"+")
    return re.search(rb"\$([^#]*)#", received)[1].decode()


def send_gdb(connection: socket.socket, packet: str) -> None:
    connection.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())


def test_lives_leave_memory_flat_however_they_end(image):
    lives = LONG or 4 * 996
    with watched(image("reaped")) as machine:
        told = list(rounds(machine, lives))
        start, end = told[len(told) // 2], told[-1]  # what is kept for good is there after half of them
        assert end == start, told
        machine.monitor("nmi")
        machine.expect("kernel panic: non-maskable interrupt")


def rounds(machine: Watched, lives: int) -> Iterable[tuple[int, int, int]]:
    """Bytes free, bytes of heap and memories, after each round until so many lives are over."""
    while True:
        found = machine.expect(r"^after (\d+) lives: (\d+) bytes free, (\d+) of heap, (\d+) memories, ")
        yield int(found[2]), int(found[3]), int(found[4])
        if int(found[1]) >= lives:
            return
