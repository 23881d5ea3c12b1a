"""Boots small systems of WAT apps in the simulator, so that a test reads as what a SIP does and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from composer import table
from composer.generate import render_all
from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.simulate import SimulateOptions, engine, simulate
from composer.simulate.kernel import Kernel
from composer.simulate.machine import Machine
from composer.simulate.sip import Sip
from composer.system import System

LONGEST = 60.0
"""Seconds after which a test that waits has failed."""


@dataclass
class Booted:
    """A running simulation whose kernel a test may look into."""

    kernel: Kernel

    def sip(self, name: str) -> Sip:
        return next(s for s in self.kernel.sips if s.name == name)

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds; the kernel tells when anything changed."""
        with self.kernel.changed:
            assert self.kernel.changed.wait_for(holds, LONGEST), "it never came to that"

    def status(self) -> int:
        """The status that the guest's debug exit gave."""
        self.until(lambda: self.kernel.machine.ended)
        return self.kernel.machine.ended[1]

    def log(self, name: str) -> str:
        return bytes(self.sip(name).log.bytes).decode()


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNAL_CACHE", str(shared_cache))


@pytest.fixture
def boot() -> Iterator[Callable[..., Booted]]:
    """`boot(system, {app: WAT}, glue={instance: WAT to use instead of what is rendered})`."""
    running: list[Kernel] = []

    def start(system: System, apps: dict[str, str], glue: dict[str, str] | None = None) -> Booted:
        interfaces, layout = load_interfaces(), make_layout(system)
        texts = render_all(system, layout, interfaces) | (glue or {})
        on = engine.new_engine()
        modules = [{n: engine.compile_module(on, t) for n, t in each.items()} for each in (apps, texts)]
        listed = [table.Module(name, 0, 0, bytes(32)) for name in (*map(table.app_module, apps), *map(table.glue_module, texts))]
        encoded = table.encode(system, layout, listed, interfaces)
        kernel = Kernel(system, layout, interfaces, Machine(), engine.Linked(on, interfaces.raw), *modules, encoded)
        running.append(kernel)
        kernel.start()
        return Booted(kernel)

    yield start
    for kernel in running:
        kernel.stop()
        kernel.machine.close()
        assert kernel.machine.fault is None
        assert not any(sip.thread.is_alive() for sip in kernel.sips), "a thread outlived its simulation"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, bytes]]:
    """`run(system, {app: WAT}, typed=...)` simulates as the command does; gives the exit status and what was printed."""

    def go(system: System, apps: dict[str, str], typed: bytes = b"", **options: Any) -> tuple[int, bytes]:
        wasm = {name: tmp_path / f"{name}.wasm" for name in apps}
        for name, text in apps.items():
            wasm[name].write_bytes(wasmtime.wat2wasm(text))
        glue = render_all(system, make_layout(system), load_interfaces())
        (tmp_path / "typed").write_bytes(typed)
        with open(tmp_path / "typed", "rb") as source, open(tmp_path / "printed", "wb") as printed:
            made = SimulateOptions(**{"timeout": LONGEST, "input": source.fileno(), "output": printed.fileno(), **options})
            status = simulate(system, wasm, glue, made)
        return status, (tmp_path / "printed").read_bytes()

    return go


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


