"""Device memory on a machine: a real device's registers are reached, and what is none is refused at boot, whoever allows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from composer.guest import started
from composer.interfaces import load_interfaces
from composer.kernel_build import build_kernel
from composer.link import link
from composer.pipeline import Stage, compose
from composer.qemu import Machine
from composer.system import System
from tests.boot.machine import Listener

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

TIMER = 0xFED0_0000
QEMUS_FREQUENCY = 100_000_000
on_both = pytest.mark.parametrize("command", ["run", "simulate"])


@on_both
def test_the_event_timers_counter_runs_at_the_rate_that_it_says(machine, command):
    console = machine("test", command)
    console.expect("^munal> ")
    until = [line for line in console.ask("ps") if line.startswith("hpet ")]
    assert until
    said = console.ask("log hpet")
    while not any("ticks in" in line for line in said):
        said = console.ask("log hpet")
    assert f"3 timers and a counter of 64 bits, {QEMUS_FREQUENCY} Hz" in said
    measured = int(re.search(r"ticks in \d+ us, (\d+) Hz", "\n".join(said))[1])
    assert abs(measured - QEMUS_FREQUENCY) < QEMUS_FREQUENCY / 4
    assert f"mmio regs: {TIMER:#x}..{TIMER + 0xF7:#x}, read and write, 32 bits" in console.ask("grants hpet")


@pytest.fixture
def booted(workspace: Path, tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    """`booted(base)` boots the peeker with glue that reaches the event timer, and a table that grants it `base`."""
    compiled = compose(workspace, "peeked", Stage.COMPILE).value
    generated = compiled.generated

    def granted(base: int) -> System:
        peeker = generated.system.instance("peeker")
        grants = tuple(replace(g, value={"base": base}) if g.need.capability == "mmio" else g for g in peeker.grants)
        changed = replace(peeker, grants=grants)
        return replace(generated.system, instances=tuple(changed if i is peeker else i for i in generated.system.instances))

    with ExitStack() as machines:

        def boot(table_at: int) -> Listener:
            image = link(build_kernel().read_bytes(), granted(table_at), generated.layout, compiled.modules, load_interfaces())
            path = tmp_path / "peeked.efi"
            path.write_bytes(image.value.data)
            return Listener(machines.enter_context(started(path, Machine())))

        yield boot


def test_an_offset_that_is_computed_is_stopped_by_glue(booted):
    listener = booted(TIMER)
    listener.expect(r"peeker: wasm trap: .*unreachable.*; stays ended")
    listener.expect("^munal> ")
    listener.guest.serial.sendall(b"log peeker\n")
    listener.expect("reading offset 4")
    listener.expect("reading offset 8")
    listener.expect("munal:mmio/regs#read32")


def test_an_address_that_only_glue_allows_is_refused(booted):
    listener = booted(TIMER + 0x1000)
    listener.expect(rf"peeker: was refused to read 32 bits of device memory at {TIMER:#x}; stays ended")
    listener.expect("^munal> ")


@pytest.mark.parametrize(("base", "what"), [
    (0x10_0000, "memory"), (0x1000_0000, "memory"), (0xB000_0000, "PCI's configuration space"), (0xBFFF_FFF8, "PCI's configuration space"),
], ids=["low memory", "high memory", "configuration space", "its end"])
def test_what_is_no_device_of_ones_own_is_refused_at_boot(booted, base, what):
    refused = f"kernel panic: device memory `regs` of `peeker`, {base:#x}..{base + 7:#x}, cannot be granted on this machine: {what} is at 0x"
    assert booted(base).line().startswith(refused)


@pytest.mark.parametrize(("base", "says"), [
    (0xFEC0_0000, "reaches what the kernel keeps"), (0xFFF_FFFF_FFFC, "leaves the addresses that this kernel maps"),
])
def test_a_table_that_grants_what_composers_never_do_is_refused(booted, base, says):
    assert booted(base).line() == f"kernel panic: device memory `regs` of `peeker` {says}"
