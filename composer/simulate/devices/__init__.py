"""Simulated devices: one file each, registered by the ports or the addresses it answers. A new device adds a file and nothing else.

A device gets reads and writes with the offset into its own, under the machine's lock, and never blocks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from composer.simulate.machine import Machine

REGISTERED: list[tuple[int, int, type[Device]]] = []
IN_MEMORY: list[tuple[int, int, type[Device]]] = []


class Device:
    """One device of the simulated machine; answers nothing unless its class says what. `FAULTS` is what it can do wrong, in words."""

    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def read(self, offset: int, width: int) -> int:
        """A read of `width` bits at `offset` ports or bytes from the device's first; all ones where nothing answers."""
        return (1 << width) - 1

    def write(self, offset: int, width: int, value: int) -> None:
        """A write; ignored where nothing listens."""

    def next_tick(self) -> float | None:
        """When it must see the time again, in `time.monotonic` seconds; None where it need not."""
        return None

    def tick(self) -> None:
        """Time has passed."""


def device(base: int, length: int) -> Callable[[type[Any]], type[Any]]:
    """Put a device at the ports [base, base + length)."""

    def register(made: type[Any]) -> type[Any]:
        REGISTERED.append((base, length, made))
        return made

    return register


def memory_device(base: int, length: int) -> Callable[[type[Any]], type[Any]]:
    """Put a device at the physical addresses [base, base + length)."""

    def register(made: type[Any]) -> type[Any]:
        IN_MEMORY.append((base, length, made))
        return made

    return register


def all_devices() -> list[tuple[int, int, type[Device]]]:
    """Every device of this folder at ports, with them."""
    _import_devices()
    return REGISTERED


def all_memory_devices() -> list[tuple[int, int, type[Device]]]:
    """Every device of this folder in memory, with its addresses."""
    _import_devices()
    return IN_MEMORY


def _import_devices() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
