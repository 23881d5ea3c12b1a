"""Runs a system without QEMU and without the kernel: the same wasm and glue under wasmtime on this computer, a thread a SIP,
with simulated devices at the ports of a PC. The serial line is on the terminal, as with `run`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from composer.simulate.faults import Plan

if TYPE_CHECKING:
    from composer.system import System


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """`timeout` is in seconds; `rtc` is the clock at the start, `YYYY-MM-DDTHH:MM:SS` in UTC, or None for the time of day;
    `input` and `output` are file descriptors. With `reboot` false, a reset ends the run. `plan`: what the machine has, and what is
    to go wrong."""

    timeout: float | None = None
    rtc: str | None = None
    reboot: bool = True
    input: int = 0
    output: int = 1
    plan: Plan = Plan()


def simulate(system: System, wasm: Mapping[str, Path], glue: Mapping[str, str], options: SimulateOptions) -> int:
    """Run a system until it powers off or the person leaves; answers the exit status, as `run` does.

    `wasm` has each app's file by the app's name, `glue` each instance's WAT by the instance's name. Raises ToolFailure where
    wasmtime takes one of them for no module.
    """
    from composer.simulate.host import Host
    from composer.terminal import Ended, ending_signals

    try:
        with ending_signals():
            return Host(_Boot(system, wasm, glue, options.plan), options).run()
    except Ended as ended:
        return ended.status


class _Boot:
    """Makes a fresh kernel on a fresh machine each time it is called: the simulation's power button."""

    def __init__(self, system: System, wasm: Mapping[str, Path], glue: Mapping[str, str], plan: Plan) -> None:
        from composer import table
        from composer.interfaces import load_interfaces
        from composer.layout import make_layout
        from composer.simulate import engine, raw
        from composer.wasm.plain_names import with_plain_names

        self.system, self.interfaces, self.layout = system, load_interfaces(), make_layout(system)
        self.plan = plan
        raw.require_complete(self.interfaces)
        self.engine = engine.new_engine()
        self.linked = engine.Linked(self.engine, self.interfaces.raw)
        binaries = {name: with_plain_names(Path(path).read_bytes()) for name, path in wasm.items()}
        self.apps = {name: self._module(f"app `{name}`", binary) for name, binary in binaries.items()}
        self.glue = {name: self._module(f"the glue of `{name}`", text) for name, text in glue.items()}
        contents = {table.app_module(n): b for n, b in binaries.items()} | {table.glue_module(n): t.encode() for n, t in glue.items()}
        modules = [table.Module(name, 0, len(c), hashlib.sha256(c).digest()) for name, c in contents.items()]
        self.table = table.encode(system, self.layout, modules, self.interfaces)

    def __call__(self, machine: object) -> object:
        from composer.simulate.kernel import Kernel

        return Kernel(self.system, self.layout, self.interfaces, machine, self.linked, self.apps, self.glue, self.table, self.plan)

    def _module(self, what: str, source: bytes | str) -> object:
        import wasmtime

        from composer.simulate import engine
        from composer.tools import ToolFailure

        try:
            return engine.compile_module(self.engine, source)
        except wasmtime.WasmtimeError as error:
            raise ToolFailure("wasmtime", f"{what} does not compile", str(error)) from error
