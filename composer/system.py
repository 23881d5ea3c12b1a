"""The resolved system: one flat, frozen value that holds what a profile decides, each part knowing where it was written.

Made by resolve.py from models; read by check, generate, table, simulate and run. Nothing past resolve sees a raw value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from composer.device import ANY, slot_number
from composer.spans import Span

DEFAULT_MACHINE = "q35"


class Kind(StrEnum):
    DRIVER = "driver"
    SERVICE = "service"
    PROGRAM = "program"


class Priority(StrEnum):
    """Who goes first where several want the processor: strict between them, fair within one."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """The system table's number: the greater goes first."""
        return list(Priority).index(self)


SHARE = 4
"""The right to duplicate a handle and to send it on, beside the bits of Access."""

MOST_QUEUED = 4 << 20
"""The most bytes of messages that one direction of a channel may hold."""

SHARED = ("stream", "channel", "service")
"""Capabilities whose handles messages can carry, in the order of their bits in the system table."""

CARRIED_AS = {"files": "service"}
"""Capabilities whose handles are of another's kind to who receives them."""


class Access(StrEnum):
    """What a need asks for, or a function costs."""

    READ = "r"
    WRITE = "w"
    BOTH = "rw"

    @property
    def bits(self) -> int:
        return {"r": 1, "w": 2, "rw": 3}[self.value]

    def allows(self, other: Access) -> bool:
        return other.bits & ~self.bits == 0


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """The half-open range [base, base + length) of ports, bytes, lines or pages."""

    base: int
    length: int

    @property
    def end(self) -> int:
        return self.base + self.length

    def __and__(self, other: Range) -> Range | None:
        base, end = max(self.base, other.base), min(self.end, other.end)
        return Range(base, end - base) if base < end else None

    def __str__(self) -> str:
        last = self.end - 1
        return f"{self.base:#x}" if self.length == 1 else f"{self.base:#x}..{last:#x}"


@dataclass(frozen=True, slots=True)
class Build:
    """How an app's wasm is made: `form` is cargo, c, wat, wasm or command; `inputs` are the words after it, paths relative
    to the app's folder; `output` is the wasm file that a command leaves there, None for the other forms."""

    form: str
    inputs: tuple[str, ...]
    span: Span
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What an app asks for. `fields` holds the checked values of the capability's need table, defaults filled in."""

    capability: str
    name: str
    optional: bool
    fields: dict[str, Any]
    span: Span
    spans: dict[str, Span] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The wasm module whose functions this need imports."""
        return f"munal:{self.capability}/{self.name}"


@dataclass(frozen=True, slots=True)
class Provide:
    """What an app offers to others: `capability` is stream or service."""

    capability: str
    name: str
    fields: dict[str, Any]
    span: Span
    spans: dict[str, Span] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return f"munal:{self.capability}-server/{self.name}"


@dataclass(frozen=True, slots=True)
class App:
    """One `app.toml`. `folder` is absolute; `path` is the manifest's, relative to the workspace."""

    name: str
    kind: Kind
    summary: str
    folder: Path
    path: str
    build: Build
    needs: tuple[Need, ...]
    provides: tuple[Provide, ...]
    memory: int
    span: Span

    @property
    def fields(self) -> Iterator[dict[str, Any]]:
        """What each of its needs and provides says."""
        return (party.fields for party in (*self.needs, *self.provides))

    def need(self, capability: str, name: str) -> Need | None:
        return next((n for n in self.needs if (n.capability, n.name) == (capability, name)), None)

    def provide(self, capability: str, name: str) -> Provide | None:
        return next((p for p in self.provides if (p.capability, p.name) == (capability, name)), None)


@dataclass(frozen=True, slots=True)
class Grant:
    """The decision on one need of one instance: `value` holds the grant's checked fields (port, mmio: base; irq: isa or gsi;
    device: slot and skip; stream, service: from; control: instances), {} for capabilities without any, None where it was not granted."""

    need: Need
    value: dict[str, Any] | None
    span: Span
    spans: dict[str, Span] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def granted(self) -> bool:
        return self.value is not None

    @property
    def ports(self) -> Range | None:
        """The ports that this grant holds, where it grants ports."""
        return self.window if self.need.capability == "port" else None

    @property
    def memory(self) -> Range | None:
        """The bytes of device memory that this grant holds, where it grants device memory."""
        return self.window if self.need.capability == "mmio" else None

    @property
    def slot(self) -> int | None:
        """The number of the PCI function that this grants by its place; None where the kernel finds one, and for other grants."""
        return slot_number(self.value.get("slot", ANY)) if self.value and self.need.capability == "device" else None

    @property
    def window(self) -> Range | None:
        """What offsets of this grant reach, where its functions take any: `length` ports or bytes from `base` on."""
        if self.value is None or "base" not in self.value or "length" not in self.need.fields:
            return None
        return Range(self.value["base"], self.need.fields["length"])


@dataclass(frozen=True, slots=True)
class Restart:
    """never, on-failure or always; waits `backoff_ms`, doubled each time, and gives up after `limit` restarts."""

    policy: str = "on-failure"
    backoff_ms: int = 100
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an instance may use beside memory and its CPU share: `period_ms` is that over which the share counts, `cpu_time_ms`
    the CPU time of one life, None without an end; `handles` how many it may hold beyond those that it is wired with."""

    priority: Priority = Priority.NORMAL
    period_ms: int = 50
    cpu_time_ms: int | None = None
    handles: int = 64


class OnPanic(StrEnum):
    """What the machine does after the last words of a kernel that cannot go on."""

    HALT = "halt"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Demand:
    """Where a profile demands that each operation of an instance is proved, `proof = "required"`, and how that came here."""

    span: Span
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    name: str
    app: App
    grants: tuple[Grant, ...]
    memory: int
    cpu_permille: int
    restart: Restart
    span: Span
    notes: tuple[str, ...] = ()
    """How its app and its memory limit came here."""
    proof: Demand | None = None
    """None where what is not proved may be checked at run time."""
    memory_span: Span | None = None
    """Where the profile limits the memory; None where it leaves that to the app."""
    bounds: Bounds = Bounds()

    def grant(self, capability: str, name: str) -> Grant | None:
        return next((g for g in self.grants if (g.need.capability, g.need.name) == (capability, name)), None)


@dataclass(frozen=True, slots=True)
class Wire:
    """One client's need joined to what another instance provides. `server` is None for the kernel's own `kernel.log`."""

    capability: str
    client: str
    need: Need
    server: str | None
    provide: Provide | None
    span: Span


@dataclass(frozen=True, slots=True)
class System:
    """A profile, resolved. `instances` are in the order of their names, which is the order of the system table."""

    name: str
    version: str
    profile: str
    root: Path
    instances: tuple[Instance, ...]
    wires: tuple[Wire, ...]
    emergency_port: int | None
    span: Span
    emergency_span: Span | None = None
    lost: frozenset[str] = frozenset()
    """Names of instances that faults kept out, so that nobody calls them unknown; empty in a system without errors."""
    target: str | None = None
    """The machine that this is composed for, where the workspace tells machines apart."""
    settings: tuple[tuple[str, str], ...] = ()
    """Every parameter's value as `-D` takes it, in the order of the parameters' names."""
    machine: str = DEFAULT_MACHINE
    """QEMU's name of the machine that `munal run` boots this on."""
    counts_instructions: bool = False
    """Whether time passes on that machine, where it is emulated, with each instruction that it executes."""
    named: str = ""
    emergency_notes: tuple[str, ...] = ()
    """How the emergency writer's port came here."""
    panic: OnPanic = OnPanic.HALT

    @property
    def variant(self) -> str:
        """What the image's file is called: the profile, with its target where that is not the workspace's default."""
        return self.named or self.profile

    def instance(self, name: str) -> Instance | None:
        return next((i for i in self.instances if i.name == name), None)

    def index(self, name: str) -> int:
        return next(k for k, i in enumerate(self.instances) if i.name == name)

    @property
    def apps(self) -> tuple[App, ...]:
        return tuple({i.app.name: i.app for i in self.instances}.values())

    def connections(self, server: str, provide: Provide) -> tuple[Wire, ...]:
        """The wires that end at what `server` provides, in the order of their connection numbers."""
        return tuple(w for w in self.wires if w.server == server and w.provide is provide)
