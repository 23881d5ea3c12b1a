"""Grants in words, as the kernel's audit says them (kernel/logic/src/words.rs): for `inspect` and for the simulator alike.

Gets the system table as `table.decode` names it; gives lines for a person. Nothing is looked up elsewhere: what is said of an
image is what the kernel in it obeys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composer import device
from composer.layout import OBJECTS

UNITS = ((30, "GiB"), (20, "MiB"), (10, "KiB"))
ACCESS_WORDS = {"r": "read", "w": "write", "rw": "read and write"}
POLICY_WORDS = {"on-failure": "on failure", "always": "always"}
WINDOWS = {"port": "ports", "mmio": "mmio"}
"""Capabilities that grant a range of addresses, and the key of their grants."""

Table = dict[str, Any]


def grants(table: Table, instance: Table) -> list[str]:
    """What an instance may do, one grant a line."""
    return [*_windows(instance), *(_handle(table, handle) for handle in instance["handles"]), f"memory: at most {size(instance['memory'])}",
            _cpu(instance), f"handles: at most {instance['handle_limit']} beyond these", _restart(instance)]


def asked(table: Table, handle: Table) -> int | None:
    """The number of the service that a handle asks; None where it asks none."""
    if handle["kind"] == "service badged":
        return table["badges"][handle["object"]]["service"]
    return handle["object"] if handle["kind"] == "service client" else None


def size(count: int) -> str:
    """A size in the largest binary unit that divides it."""
    unit = next(((count >> shift, word) for shift, word in UNITS if count >= 1 << shift and count % (1 << shift) == 0), (count, "bytes"))
    return f"{unit[0]} {unit[1]}"


def _windows(instance: Table) -> Iterator[str]:
    for capability, key in WINDOWS.items():
        for grant in instance.get(key, ()):
            widths = " and ".join(map(str, grant["widths"]))
            yield f"{capability} {grant['need']}: {_range(grant['base'], grant['length'])}, {_access(grant['access'])}, {widths} bits"


def _range(base: int, length: int) -> str:
    return f"{base:#x}" if length == 1 else f"{base:#x}..{base + length - 1:#x}"


def _access(letters: str) -> str:
    return ACCESS_WORDS.get(letters, "neither read nor write")


def _handle(table: Table, handle: Table) -> str:
    return f"{_unshared(table, handle)}{', may be shared' if 's' in handle['rights'] else ''}"


def _unshared(table: Table, handle: Table) -> str:
    kind, name, number, rights = handle["kind"], handle["name"], handle["object"], _access(handle["rights"].removesuffix("s"))
    if kind in ("stream client", "stream server"):
        stream = table["streams"][number]
        said = f"{rights} {stream['name']}" if kind == "stream client" else f"serves {table['instances'][stream['client']]['name']}, {rights}"
        return f"stream {name}: {said}"
    if kind in ("channel client", "channel server"):
        channel = table["channels"][number]
        said = channel["name"] if kind == "channel client" else f"serves {table['instances'][channel['client']]['name']}"
        return f"channel {name}: {said}"
    if kind == "service client":
        return f"service {name}: asks {table['services'][number]['name']}"
    if kind == "service badged":
        badge = table["badges"][number]
        return f"{badge['capability']} {name}: asks {table['services'][badge['service']]['name']}, {badge['words']}"
    if kind == "device":
        return f"device {name}: {device.words(table['devices'][number])}"
    if kind == "clock" and number == OBJECTS["wall"]:
        return f"wall {name}: read"
    if kind == "control":
        return f"control {name}: {_controlled(table, handle['instances'])}"
    return _PLAIN[kind].format(name=name, number=number)


_PLAIN = {
    "irq isa": "irq {name}: ISA {number}", "irq global": "irq {name}: global system interrupt {number}", "service server": "service {name}: answers",
    "log": "log {name}: write", "clock": "clock {name}: read, sleep", "audit": "audit {name}: read", "acpi": "acpi {name}: read",
    "kernel log": "stream {name}: read kernel.log", "random": "random {name}: read", "pci": "pci {name}: read", "framebuffer": "framebuffer {name}: write",
}
"""Handles that need no more than their name and number to be told of."""


def _controlled(table: Table, indexes: list[int]) -> str:
    instances = table["instances"]
    return "all instances" if len(indexes) == len(instances) else ", ".join(instances[index]["name"] for index in indexes)


def _cpu(instance: Table) -> str:
    time = f", at most {instance['cpu_time_ms']} ms a life" if instance["cpu_time_ms"] else ""
    return f"cpu: at most {instance['cpu_permille'] / 10:g} % of each {instance['period_us'] / 1000:g} ms{time}, priority {instance['priority']}"


def _restart(instance: Table) -> str:
    if instance["restart"] == "never":
        return "restart: never"
    return f"restart: {POLICY_WORDS[instance['restart']]}, at most {instance['restart_limit']} times, after {instance['backoff_ms']} ms"
