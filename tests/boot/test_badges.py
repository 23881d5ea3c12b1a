"""A provider of files reads whose grant each request is made by: with two clients, after its restart, and where a handle was sent on.

The same in the booted kernel and in the simulator. What is told is what the composer put into the system table.
"""

from __future__ import annotations

import pytest

from composer.badge import Badge
from composer.system import Access

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

NOT_FOUND, RESTARTED, BAD_HANDLE = -7, -8, -10
WRITE, SHARE, SERVICE = 2, 4, 64

FIRST = Badge("first", "/home/notes", Access.BOTH, 1 << 20).encode()
SECOND = Badge("second", "/", Access.READ).encode()

TOLD = {
    "first": {
        "before": NOT_FOUND.to_bytes(4, "little", signed=True), "short": len(FIRST).to_bytes(4, "little") + FIRST[:4],
        "first": FIRST, "first ends": RESTARTED, "first again": FIRST, "by a handle": FIRST,
    },
    "second": {
        "second": SECOND, "given": FIRST, "given ends": RESTARTED, "given again": FIRST, "second again": SECOND,
        "what": WRITE | SHARE | SERVICE, "closed": BAD_HANDLE,
    },
}
"""What each client says of each subject, in order; their source tells what they ask."""

GRANTED = {
    "first": "files home: asks badger.files, read and write /home/notes, at most 1 MiB, may be shared",
    "second": "files home: asks badger.files, read /, may be shared",
}


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_a_provider_is_told_whose_grant_a_request_is_made_by(machine, command):
    console = machine("badges", command)
    console.expect(r"^munal> ")
    while not any(line.startswith("closed") for line in console.ask("log second")):
        pass
    for instance, answers in TOLD.items():
        lines = [line for line in console.ask(f"log {instance}") if not line.startswith("[")]  # the kernel speaks on the same line
        assert lines == [f"{subject} {told.hex() if isinstance(told, bytes) else told}" for subject, told in answers.items()]
        assert GRANTED[instance] in console.ask(f"grants {instance}")
