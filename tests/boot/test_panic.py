"""A kernel that panics says where, with names, and halts or resets; `munal run` ends with a status of its own.

The panic is real: QEMU strikes the processor with a non-maskable interrupt, which the kernel does not expect.
"""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path

import pytest

from composer.guest import started
from composer.qemu import Machine
from composer.run import PANICKED, RunOptions, Session

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

BANNER = re.compile(r"^munal \S+: ", re.MULTILINE)


class Struck(Session):
    """A session as `munal run` has it; once the kernel has said its first line, the machine is struck, and left at its second."""

    said: Path
    struck = False
    while_idle = False

    def strike(self, state: str, registers: str = "") -> None:
        """Strike the processor once QEMU says that it is in this state."""
        if state in registers:
            self.guest.qmp.execute("inject-nmi")
        else:
            self.guest.ask("info registers", partial(self.strike, state))

    def _from_guest(self) -> bool:
        goes_on = super()._from_guest()
        banners = len(BANNER.findall(self.said.read_text(errors="replace")))
        if banners and not self.struck:
            self.struck = True
            self.strike("HLT=1" if self.while_idle else "HLT=")
        self.keys.leave |= banners > 1
        return goes_on


@pytest.fixture
def strike(image, tmp_path):
    """`strike(profile)` boots it and strikes it; gives the exit status and all that the machine said."""

    def run(profile: str, while_idle: bool) -> tuple[int | None, str]:
        said = tmp_path / "said"
        with open(said, "wb") as output, open("/dev/null", "rb") as nothing, started(image(profile), Machine()) as guest:
            options = RunOptions(headless=True, timeout=100, input=nothing.fileno(), output=output.fileno())
            session = Struck(guest, options, is_terminal=False, deadline=time.monotonic() + 100, may_fall_back=False)
            session.said, session.while_idle = said, while_idle
            status = session.status(session.serve())
        return status, said.read_text(errors="replace").replace("\r", "")

    return run


def test_a_panic_while_wasm_runs_names_its_functions_and_halts(strike, capsys):
    status, said = strike("struck", while_idle=False)
    assert status == PANICKED
    words = said[said.index("kernel panic: non-maskable interrupt at 0x"):]
    assert re.search(r"^  at src/cpu/idt\.rs:\d+, while (spinner|com1|the supervisor) ran$", words, re.MULTILINE)
    assert re.search(r"^ +rip [0-9a-f]{16} +rflags [0-9a-f]{16}", words, re.MULTILINE) and " r15 " in words and " cr2 " in words
    assert re.search(r"^ +\d+: 0x[0-9a-f]+ \S+ of app/(spinner|uart16550), \+0x[0-9a-f]+$", words, re.MULTILINE)
    assert words.endswith("\nthe machine is halted\n")
    assert "the kernel panicked" in capsys.readouterr().err


def test_a_panic_while_nothing_runs_names_the_kernel_and_may_reset_the_machine(strike):
    status, said = strike("resetting", while_idle=True)
    assert status == 0 and len(BANNER.findall(said)) == 2
    words = said[said.index("kernel panic: "):said.index("the machine is reset\n")]
    assert "while the boot thread ran" in words
    assert re.search(r"^ +0: kernel\+0x[0-9a-f]+ munal_kernel::", words, re.MULTILINE)
    assert re.search(r"^ +\d+: kernel\+0x[0-9a-f]+ munal_kernel::thread::run \+0x", words, re.MULTILINE)
