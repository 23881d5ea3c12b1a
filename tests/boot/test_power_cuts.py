"""What was synced to files outlives losses of power: QEMU killed in the midst of writing, and writes that a disk lost.

A QEMU that is killed loses nothing that it was told, since this computer has it. What a disk loses is taken from a log of all that it
was told: whatever it was told since the last flush may be missing, sector by sector.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from composer.cargo import OUR_OWN, OUR_OWN_PREFIXES
from composer.toolchain import require_rust
from tests.boot.monitor import Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.xdist_group("boot")]

DISK_BYTES = 64 << 20
FILES = 6
"""How many files the chronicler has; step n writes the file n modulo this (tests/boot/extra/apps/programs/chronicler)."""
KILLS = 3
MANY_KILLS = int(os.environ.get("MUNAL_POWER_CUTS", "20"))
LOSSES = 200


def blank(path: Path) -> Path:
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    return path


def attached(disk: Path) -> tuple[str, ...]:
    return ("-drive", f"if=none,id=disk,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=disk")


def logged(disk: Path, log: Path) -> tuple[str, ...]:
    """The same, with all that the disk is told written down (`blklogwrites` of QEMU's block-core.json)."""
    nodes = (f"driver=file,filename={disk},node-name=data", f"driver=file,filename={log},node-name=record",
             "driver=blklogwrites,node-name=disk,file=data,log=record,log-sector-size=512")
    return (*(word for node in nodes for word in ("-blockdev", node)), "-device", "virtio-blk-pci,drive=disk")


def has_all(found: list[int], step: int) -> bool:
    """Whether what is found has all that was there after a step."""
    return all(found[each % FILES] >= each for each in range(max(1, step - FILES + 1), step + 1))


def cut_again_and_again(image: Path, disk: Path, times: int, chance: random.Random) -> int:
    """Kill a machine while it writes, so many times; gives the last step that was synced."""
    synced = 0
    for cut in range(times):
        with watched(image, extra=attached(disk)) as it:
            check(it, synced, f"after cut {cut}")
            for _ in range(chance.randrange(1, 12)):
                synced = int(it.expect(r"^synced (\d+)\n")[1])
            for _ in range(chance.randrange(40)):
                it.monitor("info status")  # the machine goes on meanwhile, for as long as chance has it
            it.guest.kill()
            synced = max([synced, *(int(step) for step in re.findall(r"^synced (\d+)\n", it.heard, re.MULTILINE))])
    return synced


def check(it: Watched, synced: int, when: str) -> None:
    """See that what the chronicler finds is whole, and has all that was synced."""
    found = it.expect(r"^(found|torn) (.*)\n")
    assert found[1] == "found", f"{when}, file {found[2]} is torn"
    steps = [int(step) for step in found[2].strip("[]").split(", ")]
    assert has_all(steps, synced), f"{when}, step {synced} was synced, and {steps} is there"


def test_what_was_synced_is_there_after_each_kill(image, tmp_path):
    disk = blank(tmp_path / "files.disk")
    synced = cut_again_and_again(image("chronicle"), disk, KILLS, random.Random(1))
    with watched(image("chronicle"), extra=attached(disk)) as it:
        check(it, synced, "in the end")


@pytest.mark.slow
def test_what_was_synced_is_there_after_many_kills(image, tmp_path):
    disk = blank(tmp_path / "files.disk")
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    synced = cut_again_and_again(image("chronicle"), disk, MANY_KILLS, random.Random(seed))
    with watched(image("chronicle"), extra=attached(disk)) as it:
        check(it, synced, "in the end")


@pytest.mark.slow
def test_what_was_synced_is_there_whatever_the_disk_lost(workspace, image, tmp_path):
    disk, log, marks = blank(tmp_path / "files.disk"), tmp_path / "log", []
    log.touch()
    with watched(image("chronicle"), extra=logged(disk, log)) as it:
        it.expect(r"^found \[0(, 0)*\]\n")
        while len(marks) < 25:
            marks.append((int(it.expect(r"^synced (\d+)\n")[1]), log.stat().st_size))
        it.guest.kill()
    synced = tmp_path / "synced"
    synced.write_text("".join(f"{step} {size}\n" for step, size in marks))
    said = replayed(workspace, log, synced, tmp_path / "target")
    assert re.search(rf"{LOSSES} losses among \d+ writes of a disk, \d+ sectors lost, steps up to \d+ synced: all there", said), said


def replayed(workspace: Path, log: Path, synced: Path, target: Path) -> str:
    """Have the store's own code look at disks that lost something of what a log has; gives what it says."""
    rust = require_rust(kernel=False)
    env = {k: v for k, v in os.environ.items() if k not in OUR_OWN and not k.startswith(OUR_OWN_PREFIXES)}
    env |= {"RUSTC": str(rust.rustc), "CHRONICLE_LOG": str(log), "CHRONICLE_SYNCED": str(synced), "CHRONICLE_CUTS": str(LOSSES)}
    command = [rust.cargo, "test", "--manifest-path", workspace / "apps" / "Cargo.toml", "-p", "chronicler", "--lib", "--target-dir", target,
               "--", "--show-output"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
