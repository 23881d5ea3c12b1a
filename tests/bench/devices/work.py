"""What is measured: requests to a disk, questions over a network, keys; each beside the same by Linux's driver of the same device."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.devices import keys
from tests.bench.devices.keys import Pressed
from tests.bench.kernel.calls import require_done
from tests.bench.kernel.guests import Engine, Machine, Question, Turns, in_turns, passed_of, summed_up
from tests.bench.kernel.rows import Goal, Row, alone, faster, slower

LINUX = "on Linux"
AT_LEAST, AT_MOST = Goal(">=", 1), Goal("<=", 1)
MB = 1e6


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of `size` bytes to a disk, each when the one before was answered; `operations` of them are a sample."""

    name: str
    title: str
    size: int
    operations: int


SMALL, LARGE = 4096, 65536
REQUESTS = (
    Requests("read-65536", "reads of 64 KiB in order", LARGE, 64),
    Requests("read-4096", "reads of 4 KiB in order", SMALL, 256),
    Requests("random-4096", "reads of 4 KiB anywhere", SMALL, 256),
    Requests("write-65536", "writes of 64 KiB in order", LARGE, 64),
    Requests("write-4096", "writes of 4 KiB in order", SMALL, 256),
    Requests("flush-4096", "writes of 4 KiB, each with a flush", SMALL, 128),
)
DISKS = {"virtio": ("virtio disk", "virtio_blk"), "sata": ("SATA disk", "ahci")}
"""What guests call a disk, what people do, and Linux's driver of it."""
QUESTIONS = 128
KEYBOARDS = {"ps2": "PS/2", "virtio-keyboard": "virtio"}
"""What guests call a keyboard, and what people do."""


def disk_rows(ours: Engine, theirs: Engine, turns: int, samples: int) -> Iterator[Row]:
    """Megabytes a second of each disk. Raises ToolFailure where a request was not done."""
    for disk, (title, driver) in DISKS.items():
        for each in REQUESTS:
            measured = _beside(ours, theirs, f"{disk}/{each.name}", each.operations, turns, samples)
            yield faster(f"{title}, {each.title}", "MB/s", measured, 1, f"{driver} {LINUX}, O_DIRECT", AT_LEAST, each.size / MB)


def network_row(ours: Engine, theirs: Engine, turns: int, samples: int) -> Row:
    """Frames there and back a second through virtio-net. Raises ToolFailure where one was not answered."""
    measured = _beside(ours, theirs, "network", QUESTIONS, turns, samples)
    return faster("network, questions and answers", "1/s", measured, 1, f"virtio_net {LINUX}, AF_PACKET", AT_LEAST)


def keyboard_row(ours: Pressed, theirs: Pressed, name: str, turns: int, count: int) -> Row:
    """From QEMU's monitor to a program in the guest, the median of `count` keys in each turn. Raises ToolFailure where one is lost."""
    measured = keys.in_turns([ours, theirs], turns, count)
    return slower(f"a key, {KEYBOARDS[name]}", measured, 1, f"evdev {LINUX}", AT_MOST, "us", 1000)


def monitor_row(machine: Machine, turns: int, count: int) -> Row:
    """What of a key's way is QEMU's monitor and no guest: to where keys are handed over, and as far back again."""
    medians = [statistics.median(keys.monitor_times(machine, count)) / 1000 for _ in range(turns)]
    return alone("a question to QEMU's monitor alone", "us", summed_up(medians))


def _beside(ours: Engine, theirs: Engine, name: str, operations: int, turns: int, samples: int) -> Turns:
    questions = ((ours, name, operations), (theirs, name, operations))
    return require_done(questions, in_turns([Question(*question) for question in questions], turns, samples, passed_of))
