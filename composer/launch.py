"""What `run`, `simulate` and `test` do: see that what they need is here, compose, and hand over.

Each gives the exit status of what it started.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from composer import pipeline, report
from composer.diagnostics import did_you_mean, words
from composer.result import Result
from composer.variant import Variant

if TYPE_CHECKING:
    from composer.gdb import Prepared
    from composer.peripherals import Wanted
    from composer.simulate.faults import Plan
    from composer.system import System

REFUSED = 1
CHECKOUT = Path(__file__).resolve().parent.parent


def run(root: Path, variant: Variant, *, headless: bool, timeout: float | None, accel: str, firmware: bool,
        memory_mib: int, locked: bool = False, gdb: int | None = None, without: Sequence[str] = (),
        disks: Path | None = None) -> int:
    """Build the image of a profile and boot it in QEMU; the status is the machine's, 1 for a system that was refused. It waits
    for gdb at the port `gdb`, where one is given; the machine lacks the devices of the instances `without`, and its disks are in the
    folder `disks`."""
    from composer import packages, peripherals
    from composer import run as machine
    from composer.output import FOLDER

    packages.require_virtual_machine()
    built = pipeline.compose(root, variant, locked=locked)
    if report.refused(built):
        return REFUSED
    made = built.value
    devices = peripherals.Peripherals(made.devices, made.machine, _left_out(made.devices, without))
    options = machine.RunOptions(headless=headless, accel=accel, timeout=timeout, firmware=firmware, machine=made.machine, debug_exit=made.debug_exit,
                                 counts_instructions=made.counts_instructions, memory_mib=memory_mib,
                                 peripherals=tuple(devices.arguments(disks or root / FOLDER / "disks")), boot_device=devices.boot_device,
                                 random=devices.has(peripherals.RANDOM), picture=devices.has(peripherals.DISPLAY),
                                 operator=devices.operated, seat=devices.seat,
                                 gdb=_debugged(made.image, gdb) if gdb is not None else None)
    return machine.run(options.gdb.image if options.gdb else made.image, options)


def _left_out(devices: Sequence[Wanted], without: Sequence[str]) -> frozenset[str]:
    """The instances whose devices are not to be there. Raises UsageError where one of them drives none."""
    import click

    known = {each.instance for each in devices}
    for name in without:
        if name not in known:
            advice = did_you_mean(name, sorted(known)) or (f"those that are: {words(sorted(known))}" if known else "it grants none")
            raise click.UsageError(f"no device of the profile is driven by `{name}`: {advice}")
    return frozenset(without)


def _debugged(image: Path, port: int) -> Prepared:
    """The copy of the image that waits for gdb, with its symbols beside it."""
    from composer.elf import read_kernel
    from composer.gdb import prepare
    from composer.kernel_build import build_kernel
    from composer.link import shift

    kernel = build_kernel().read_bytes()
    return prepare(image, kernel, shift(read_kernel(kernel)), port)


def simulate(root: Path, variant: Variant, *, timeout: float | None, locked: bool = False, faults: Path | None = None,
             without: Sequence[str] = (), disks: Path | None = None) -> int:
    """Run a profile's wasm and glue on this machine, with simulated devices but those of the instances `without`; what the script
    `faults` says goes wrong. Disks are kept in the folder `disks`, or nowhere."""
    from composer.peripherals import wanted

    generated = pipeline.compose(root, variant, pipeline.Stage.GENERATE, locked=locked)
    plan = generated.then(lambda made: _plan(made.system, faults))
    if report.refused(plan):
        return REFUSED
    from composer import simulate as simulator

    made = generated.value
    _left_out(wanted(made.system), without)
    options = simulator.SimulateOptions(timeout=timeout, plan=replace(plan.value, without=tuple(without), disks=disks))
    return simulator.simulate(made.system, made.wasm, made.glue, options)


def _plan(system: System, faults: Path | None) -> Result[Plan]:
    """What happens to the machine."""
    from composer.simulate.faults import Plan

    if faults is None:
        return Result(Plan())
    from composer.fault_script import read_script

    return read_script(faults, system)


def test(arguments: Sequence[str]) -> int:
    """Run the tests with pytest, in as many processes as there are processors; does not come back.

    Everything that any test needs is installed first, so that no test does it at a time when others wait for it.
    """
    from composer import fat, gdb, packages, toolchain

    packages.require_virtual_machine()
    fat.require_mtools()
    fat.require_checker()
    gdb.require_gdb()
    toolchain.require_rust(kernel=True)
    toolchain.require_rust(kernel=False)
    toolchain.require_zig()
    parallel = [] if _chooses_processes(arguments) else ["-n", str(len(os.sched_getaffinity(0))), "--dist", "loadgroup"]
    os.chdir(CHECKOUT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "pytest", *parallel, *arguments])


def bench(subject: str, words: Sequence[str]) -> int:
    """Run a benchmark with its options; does not come back."""
    os.environ["PYTHONPATH"] = str(CHECKOUT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", f"tests.bench.bench_{subject}", *words])


def _chooses_processes(arguments: Sequence[str]) -> bool:
    """Whether pytest was told how to run in parallel, or runs in a way that cannot."""
    own = ("-n", "--numprocesses", "--pdb", "--trace", "--collect-only", "--co", "-p")
    return any(word.startswith(own) for word in arguments)
