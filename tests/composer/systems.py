"""Resolved systems made by hand, for tests of the stages after resolve: no TOML, no files.

`driver_and_client()` is the smallest system with a port, an interrupt and a stream; the other makers are its parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composer.device import Length, Match, Model, Pointer, Region, Rules, Step, Table, Written
from composer.spans import Source, Span
from composer.system import Access, App, Bounds, Build, Grant, Instance, Kind, Need, OnPanic, Provide, Restart, System, Wire

SOURCE = Source("profiles/made.toml", "made = 'by hand'\nsecond = 2\n")
SPAN = Span(SOURCE, 0, 4)
CARD = Model("devices/card.toml", "A card", (Region("common", 0, None, 64, Rules(((0, 16),))),),
             (Table("ring", 16, 16, Rules((), (), (Pointer(0, 1, 0, False, 0, Length(8, 4, 0xFFFF_FFFF, 0), 1, Written(12, 1, 1)),))),),
             (Step(0, 4, 1, 0, None),))
NEED_DEFAULTS: dict[str, dict[str, Any]] = {
    "port": {"length": 8, "access": Access.BOTH, "widths": (8,)},
    "mmio": {"length": 0x400, "access": Access.BOTH, "widths": (32,)},
    "stream": {"access": Access.BOTH, "protocol": "bytes"},
    "service": {"protocol": "time"},
    "files": {"access": Access.READ, "reads_suffice": False, "share": False},
    "channel": {"protocol": "jobs", "largest": 4096, "carries": ("stream",)},
    "device": {"matches": (Match(0, 0x1044_1AF4, 0xFFFF_FFFF),), "model": CARD},
}
PROVIDE_DEFAULTS: dict[str, dict[str, Any]] = {
    "stream": {"protocol": "bytes", "capacity": 4096},
    "service": {"protocol": "time"},
    "files": {},
    "channel": {"protocol": "jobs", "largest": 4096, "carries": ("stream",), "depth": 16},
}


def need(capability: str, name: str, *, optional: bool = False, span: Span = SPAN, **fields: Any) -> Need:
    return Need(capability, name, optional, {**NEED_DEFAULTS.get(capability, {}), **fields}, span)


def provide(capability: str, name: str, **fields: Any) -> Provide:
    return Provide(capability, name, {**PROVIDE_DEFAULTS[capability], **fields}, SPAN)


def app(name: str, *parts: Need | Provide, kind: Kind = Kind.PROGRAM) -> App:
    needs = tuple(p for p in parts if isinstance(p, Need))
    provides = tuple(p for p in parts if isinstance(p, Provide))
    return App(name, kind, "made by hand", Path("apps") / name, f"apps/{name}/app.toml", Build("wat", (f"{name}.wat",), SPAN),
               needs, provides, 1 << 20, SPAN)


def instance(name: str, of: App, cpu_permille: int = 1000, restart: Restart = Restart(), bounds: Bounds = Bounds(),
             **grants: dict[str, Any] | None) -> Instance:
    """An instance of `of`; `grants` are by the name of the need, and a need without one is not granted."""
    values = [(n, grants.get(n.name.replace("-", "_"))) for n in of.needs]
    made = tuple(Grant(n, value, SPAN, dict.fromkeys(value or (), SPAN)) for n, value in values)
    return Instance(name, of, made, of.memory, cpu_permille, restart, SPAN, bounds=bounds)


def system(*instances: Instance, wires: tuple[Wire, ...] = (), profile: str = "made", emergency_port: int | None = None,
           panic: OnPanic = OnPanic.HALT) -> System:
    ordered = tuple(sorted(instances, key=lambda i: i.name))
    return System("munal", "0.1.0", profile, Path("."), ordered, wires, emergency_port, SPAN, panic=panic)


def wire(client: Instance, need_name: str, server: Instance | None, provide_name: str = "") -> Wire:
    wanted = next(n for n in client.app.needs if n.name == need_name)
    offered = server.app.provide(wanted.capability, provide_name) if server else None
    return Wire(wanted.capability, client.name, wanted, server.name if server else None, offered, SPAN)


UART = app("uart", need("port", "regs"), need("irq", "line"), provide("stream", "serial"), kind=Kind.DRIVER)
TALKER = app("talker", need("stream", "console", access=Access.WRITE))


def driver_and_client() -> System:
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"isa": 4})
    hello = instance("hello", TALKER, console={"from": "com1.serial"})
    return system(com1, hello, wires=(wire(hello, "console", com1, "serial"),), emergency_port=0x3F8)
