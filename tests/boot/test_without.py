"""Each device is removed in turn: the machine boots to its prompt, that device's driver says one clear line and ends, and nobody else
minds. And one image, never changed, works on machines that have no device in common but what makes them PCs."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable

import pytest

from tests.boot.machine import PATIENCE, Machine
from tests.boot.test_devices import DEVICES, absent_without, checked, expected

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

MISSING = "this machine has no such device"
SAYS = {
    "ahci": (r"a disk of 64 MiB at port 0: .+", "none of the controller's 6 ports has a disk"),
    "disk": (r"a disk of 64 MiB", MISSING),
    "display": (r"a screen of \d+ x \d+", MISSING),
    "e1000": (r"52:54:00:[\da-f:]{8}, rings of \d+ and \d+", MISSING),
    "factorial": (r"version \d+\.\d+", MISSING),
    "framebuffer": (r"a screen of \d+ x \d+ with 32 bits a pixel", "the firmware set up no picture that is memory"),
    "keyboard": (r"QEMU Virtio Keyboard: a keyboard", MISSING),
    "mouse": (r"QEMU Virtio Mouse: a mouse with a wheel", MISSING),
    "net": (r"52:54:00:[\da-f:]{8}, queues of \d+ and \d+", MISSING),
    "ps2": (r"a keyboard, a mouse with a wheel", "no keyboard controller answers at 0x64"),
    "rng": (r"an entropy device with a queue of \d+", MISSING),
    "tablet": (r"QEMU Virtio Tablet: a tablet with a wheel", MISSING),
}
"""What each driver of the profile `drivers` says of its device, and where it has none."""
NEEDING = {"disk": ["store"], "ps2": ["input-events"]}
"""Who has nothing to do without a driver, and ends as well."""

VIRTIO = {"disk", "display", "keyboard", "mouse", "net", "rng", "tablet"}
OLD = {"ahci", "e1000", "framebuffer", "ps2"}


def until(done: Callable[[], object]) -> None:
    """Ask until it is so."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end


def logged(console: Machine, name: str) -> list[str]:
    """The lines of an instance's log; the kernel's come in between."""
    return [line for line in console.ask(f"log {name}") if line and not line.startswith("[")]


def ended(console: Machine) -> list[str]:
    """The names of the instances that are not there any more."""
    return sorted(line.split()[0] for line in console.ask("ps") if " ended " in f"{line} ")


@pytest.mark.parametrize("name", SAYS)
def test_the_machine_boots_to_its_prompt_without_it(machine, tmp_path, name):
    console = machine("drivers", "run", "--without", name, "--disks", str(tmp_path))
    console.expect("^munal> ")
    for each, (present, absent) in SAYS.items():
        until(lambda each=each: logged(console, each))
        lines = logged(console, each)
        assert lines == [absent] if each == name else re.fullmatch(present, lines[0]), (each, lines)
    gone = sorted([name, *NEEDING.get(name, [])])
    until(lambda: len(ended(console)) >= len(gone))
    assert ended(console) == gone


def test_one_image_works_on_virtio_alone_and_on_what_pcs_had_before(workspace, image, tmp_path):
    path = image("devices")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    assert VIRTIO | OLD | {"factorial", "files", "pci"} == set(DEVICES), "what is neither of one kind nor of the other"
    for lacks in (OLD | {"factorial"}, VIRTIO | {"factorial"}):
        words = [word for name in sorted(lacks) for word in ("--without", name)]
        status, lines, said = checked(workspace, tmp_path, "devices", *words)
        assert status == 0 and expected(lines, dict.fromkeys(absent_without(*lacks), "absent")), (lines, said)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before
