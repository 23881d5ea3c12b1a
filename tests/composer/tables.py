"""System tables in the form that `table.decode` gives, made by hand and at random, for tests of what compares them."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

NAMES = ("alpha", "beta", "gamma")
ACCESS, WIDTHS = ("r", "w", "rw"), (8, 16, 32)


def instance(name: str, *, ports: Any = (), handles: Any = (), **changed: Any) -> dict[str, Any]:
    return {"name": name, "app": name, "kind": "program", "module": 0, "glue": 1, "memory": 65536, "cpu_permille": 1000, "restart": "on-failure",
            "backoff_ms": 100, "restart_limit": 10, "ports": list(ports), "handles": list(handles), "mmio": [], "priority": "normal", "period_us": 50_000,
            "cpu_time_ms": 0, "handle_limit": 64, **changed}


def port(base: int, length: int, access: str = "rw", widths: tuple[int, ...] = (8,)) -> dict[str, Any]:
    return {"need": "regs", "base": base, "length": length, "access": access, "widths": list(widths)}


def handle(kind: str, number: int = 0, rights: str = "rw", name: str = "it", instances: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"name": name, "kind": kind, "object": number, "rights": rights, "instances": list(instances)}


def table(*instances: dict[str, Any], streams: Any = (), services: Any = (), badges: Any = (), emergency_port: int | None = None) -> dict[str, Any]:
    return {"layout": 1, "name": "made", "version": "1", "profile": "made", "abi": "00", "emergency_port": emergency_port, "modules": [],
            "instances": list(instances), "streams": list(streams), "services": list(services), "channels": [], "panic": "halt", "devices": [], "badges": list(badges)}


def tables() -> st.SearchStrategy[dict[str, Any]]:
    """Small tables whose instances share names often enough that two of them have something in common."""
    return st.integers(0, 1 << 48).map(lambda seed: random_table(Random(seed)))


def random_table(chance: Random) -> dict[str, Any]:
    names = sorted(chance.sample(NAMES, chance.randint(1, len(NAMES))))
    streams = [{"name": chance.choice(("a.x", "a.y")), "server": _index(chance, names), "client": _index(chance, names),
                "capacity": chance.choice((64, 128))} for _ in range(chance.randint(0, 3))]
    services = [{"name": f"{name}.time", "server": k} for k, name in enumerate(names)]
    made = [_random_instance(chance, name, names, len(streams)) for name in names]
    return table(*made, streams=streams, services=services, emergency_port=chance.choice((None, 0x3F8)))


def _random_instance(chance: Random, name: str, names: list[str], streams: int) -> dict[str, Any]:
    ports, windows = ([port(chance.randint(0, 24), chance.randint(1, 8), chance.choice(ACCESS), tuple(sorted(chance.sample(WIDTHS, chance.randint(1, 3)))))
                       for _ in range(chance.randint(0, most))] for most in (3, 1))
    handles = [_random_handle(chance, names, streams) for _ in range(chance.randint(0, 4))]
    return instance(name, ports=ports, handles=handles, mmio=windows, memory=chance.choice((64, 128)), cpu_permille=chance.choice((100, 1000)),
                    restart=chance.choice(("never", "on-failure", "always")), restart_limit=chance.randint(0, 2), backoff_ms=chance.choice((10, 100)))


def _random_handle(chance: Random, names: list[str], streams: int) -> dict[str, Any]:
    kind = chance.choice(("irq isa", "irq global", "log", "clock", "audit", "acpi", "kernel log", "service client", "control", "stream client", "stream server"))
    if kind in ("stream client", "stream server"):
        return handle(kind, chance.randrange(streams), chance.choice(ACCESS)) if streams else handle("log")
    if kind == "control":
        return handle(kind, instances=tuple(sorted(chance.sample(range(len(names)), chance.randint(1, len(names))))))
    number = _index(chance, names) if kind == "service client" else chance.randint(0, 3)
    return handle(kind, number, chance.choice(("", "r")) if kind == "kernel log" else "rw")


def _index(chance: Random, names: list[str]) -> int:
    return chance.randrange(len(names))
