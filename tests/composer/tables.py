"""System tables in the form that `table.decode` gives, made by hand and by hypothesis, for tests of what compares them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("alpha", "beta", "gamma")


def instance(name: str, *, ports: Any = (), handles: Any = (), **changed: Any) -> dict[str, Any]:
    return {"name": name, "app": name, "kind": "program", "module": 0, "glue": 1, "memory": 65536, "cpu_permille": 1000, "restart": "on-failure",
            "backoff_ms": 100, "restart_limit": 10, "ports": list(ports), "handles": list(handles), **changed}


def port(base: int, length: int, access: str = "rw", widths: tuple[int, ...] = (8,)) -> dict[str, Any]:
    return {"need": "regs", "base": base, "length": length, "access": access, "widths": list(widths)}


def handle(kind: str, number: int = 0, rights: str = "rw", name: str = "it", instances: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"name": name, "kind": kind, "object": number, "rights": rights, "instances": list(instances)}


def table(*instances: dict[str, Any], streams: Any = (), services: Any = (), emergency_port: int | None = None) -> dict[str, Any]:
    return {"layout": 1, "name": "made", "version": "1", "profile": "made", "abi": "00", "emergency_port": emergency_port, "modules": [],
            "instances": list(instances), "streams": list(streams), "services": list(services)}


_ACCESS = st.sampled_from(("r", "w", "rw"))
_PORTS = st.lists(
    st.builds(port, st.integers(0, 24), st.integers(1, 8), _ACCESS, st.sets(st.sampled_from((8, 16, 32)), min_size=1).map(sorted)), max_size=3,
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Small tables whose instances share names often enough that two of them have something in common."""
    names = sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1)))
    count = len(names)
    index = st.integers(0, count - 1)
    streams = draw(st.lists(st.fixed_dictionaries({"name": st.sampled_from(("a.x", "a.y")), "server": index, "client": index,
                                                   "capacity": st.sampled_from((64, 128))}), max_size=3))
    services = [{"name": f"{name}.time", "server": k} for k, name in enumerate(names)]
    kinds = [st.builds(handle, st.sampled_from(("irq isa", "irq global")), st.integers(0, 3)),
             st.builds(handle, st.sampled_from(("log", "clock", "audit", "acpi"))),
             st.builds(handle, st.just("kernel log"), st.just(0), st.sampled_from(("", "r"))),
             st.builds(handle, st.just("service client"), index),
             st.builds(handle, st.just("control"), instances=st.sets(index, min_size=1).map(sorted))]
    if streams:
        kinds.append(st.builds(handle, st.sampled_from(("stream client", "stream server")), st.integers(0, len(streams) - 1), _ACCESS))
    limits = {"memory": st.sampled_from((64, 128)), "cpu_permille": st.sampled_from((100, 1000)), "restart_limit": st.integers(0, 2),
              "restart": st.sampled_from(("never", "on-failure", "always")), "backoff_ms": st.sampled_from((10, 100))}
    made = [instance(name, ports=draw(_PORTS), handles=draw(st.lists(st.one_of(kinds), max_size=4)), **draw(st.fixed_dictionaries(limits)))
            for name in names]
    return table(*made, streams=streams, services=services, emergency_port=draw(st.sampled_from((None, 0x3F8))))
