"""An image with one bit changed, in its header or in the system table: it does not boot, and says why.

The firmware's shell starts one changed image after the other, in one machine whose time follows its instructions: the kernel
gives a person ten seconds to read each reason, which pass at once there. That no bit at all escapes is tested with the kernel's
own reader on the host (kernel/logic/src/image.rs).
"""

from __future__ import annotations

import hashlib
import random
import re
import select

import pytest

from composer.guest import Guest, started
from composer.interfaces import load_interfaces
from composer.qemu import Machine
from tests.boot.machine import SILENCE, Listener
from tests.boot.test_refusal import FILE_ALIGNMENT, MAGIC

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

SEED = 6
QUICK = 9
"""About half a microsecond for each instruction: the firmware's waits are short."""
TABLE_AT, TABLE_LENGTH, DIGEST = slice(16, 24), slice(24, 32), slice(32, 64)
HEADER_PAGE = 4096
DIFFERS, LEAVES, MORE = "its SHA-256 differs", "the system table leaves the image", "has more in its header than this kernel reads"
REASONS = (
    (range(8), ("does not start with its magic",)),
    (range(8, 12), ("has a layout that this kernel does not read",)),
    (range(12, 14), ("names another emergency port than the system table",)),
    (range(14, 16), ("the emergency port is no port",)),
    (range(16, 32), (DIFFERS, LEAVES, MORE)),
    (range(32, 64), (DIFFERS,)),
    (range(64, HEADER_PAGE), (MORE,)),
)
"""What a changed bit of each part of the header makes the kernel say. A table that seems to lie elsewhere is found out by
whatever it meets there first."""
IN_HEADER, IN_TABLE = 4, 12
"""How many bits of each of these parts, and of the table, are changed."""


def section_of(image: bytes) -> int:
    """Where the section .munal starts in the file."""
    return next(found.start() for found in re.finditer(MAGIC, image) if found.start() % FILE_ALIGNMENT == 0)


def table_of(section: bytes) -> range:
    """Where the table lies in the section."""
    start, length = (int.from_bytes(section[part], "little") for part in (TABLE_AT, TABLE_LENGTH))
    return range(start, start + length)


def changes(section: bytes) -> list[tuple[int, int, tuple[str, ...]]]:
    """Bytes and bits to change, with what the kernel may say of each: the same in each run."""
    chance = random.Random(SEED)
    chosen = [(byte, 1 << chance.randrange(8), words) for part, words in REASONS for byte in chance.sample(part, min(IN_HEADER, len(part)))]
    return chosen + [(byte, 1 << chance.randrange(8), (DIFFERS,)) for byte in chance.sample(table_of(section), IN_TABLE)]


def heard(guest: Guest, last: str) -> str:
    """All that the machine says, the firmware included, up to these words."""
    said = ""
    while last not in said:
        ready, _, _ = select.select([guest.serial], [], [], SILENCE)
        data = guest.serial.recv(4096) if ready else b""
        assert data, said[-3000:]
        said += data.decode(errors="replace")
    return said


def test_one_changed_bit_is_told_and_nothing_boots(image, tmp_path):
    whole = image("minimal").read_bytes()
    at = section_of(whole)
    chosen = changes(whole[at:])
    lines = ["@echo -off", "fs0:"]
    for number, (byte, bit, _) in enumerate(chosen):
        changed = bytearray(whole)
        changed[at + byte] ^= bit
        (tmp_path / f"{number}.efi").write_bytes(changed)
        lines += [f"echo changed image {number}:", f"{number}.efi"]
    (tmp_path / "startup.nsh").write_bytes("\r\n".join([*lines, "echo that was all", ""]).encode())
    with started(tmp_path, Machine(counted=True, instruction_shift=QUICK)) as guest:
        said = heard(guest, "that was all")
    said = said[said.index("changed image 0:"):]
    told = re.split(r"changed image \d+:", said)[1:]
    assert len(told) == len(chosen)
    for (byte, bit, words), text in zip(chosen, told, strict=True):
        reason = re.search(r"munal: this image does not boot: ([^\r\n]*)", text)
        assert reason and any(word in reason[1] for word in words), f"bit {bit:#x} of byte {byte}: {text}"
        assert "Hello" not in text


def test_a_table_for_other_interfaces_is_told(image, tmp_path):
    """One bit of the ABI's digest in the table, with the table's own digest made anew: the kernel compares it with its own."""
    changed = bytearray(image("minimal").read_bytes())
    at = section_of(changed)
    table = table_of(changed[at:])
    start, end = at + table.start, at + table.stop
    digest = changed.index(load_interfaces().digest, start, end)
    changed[digest] ^= 1
    changed[at + DIGEST.start:at + DIGEST.stop] = hashlib.sha256(changed[start:end]).digest()
    path = tmp_path / "changed.efi"
    path.write_bytes(changed)
    with started(path, Machine()) as guest:
        listener = Listener(guest)
        listener.expect("kernel panic: .*other interfaces")
