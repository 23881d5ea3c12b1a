"""A difference between two systems as text for a person and as plain values for a program.

Gets a Diff; gives lines or JSON's types, and prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

from composer.badge import UNLIMITED
from composer.questions.diff import Change, Diff, Module
from composer.questions.authority import UNLIMITED_MS
from composer.table import POLICIES, PRIORITIES
from composer.units import format_duration, format_share, format_size

ACCESS = {"r": "read", "w": "write", "rw": "read and write"}
ORDER = ("port", "mmio", "irq", "dma", "device", "framebuffer", "pci", "acpi", "emergency", "stream", "channel", "service", "files", "share", "carries", "control", "audit",
         "serves", "clock", "wall", "random", "log", "memory", "cpu", "priority", "cpu time", "handles", "restart", "restarts", "backoff",
         "capacity", "depth", "largest", "room")
"""Kinds from what matters most to who reviews a change."""
_LIMITS = {
    "memory": ("memory", format_size), "cpu": ("CPU", format_share), "capacity": ("capacity of", format_size),
    "priority": ("priority", PRIORITIES.__getitem__), "cpu time": ("CPU time of a life", lambda ms: "no end" if ms >= UNLIMITED_MS else format_duration(ms)),
    "handles": ("handles", str), "depth": ("messages held of", str), "largest": ("largest message of", format_size),
    "room": ("room below", lambda size: "no limit" if size >= UNLIMITED else format_size(size)),
    "restart": ("restart", POLICIES.__getitem__), "restarts": ("restarts", str), "backoff": ("wait before a restart", format_duration),
}
_NOTHING = {"restart": POLICIES[0], "priority": PRIORITIES[0]}
"""What the least of a limit is called, where that is not none."""
_PHRASES = {
    "control": "start, stop and restart {}", "service": "ask {}", "channel": "exchange messages with {}", "share": "send on its {}",
    "carries": "move handles of a {}", "random": "draw random bytes", "log": "write its log", "clock": "read the clock, sleep",
    "wall": "read the time of day",
    "audit": "see what all instances do and may do", "acpi": "read the firmware's ACPI tables", "pci": "see all PCI functions", "framebuffer": "paint the firmware's picture",
    "emergency": "write last words at port {}",
}


def to_text(found: Diff) -> str:
    """All that differs, by topic; says so where nothing does. Ends with a line end."""
    lines = [f"{found.a} -> {found.b}"]
    if found.empty:
        return f"{lines[0]}\nnothing differs: the same grants, the same limits, the same code\n"
    lines += _topic("instances", (*(f"+ {name}" for name in found.added), *(f"- {name}" for name in found.removed)))
    lines += _topic("gained", _changes(found.gained))
    lines += _topic("lost", _changes(found.lost))
    if not found.gained and not found.lost:
        lines += ["", "nothing gained, nothing lost: only code differs"]
    lines += _topic("modules", _modules(found.modules))
    lines += _topic("bytes", _sizes(found))
    if found.abi:
        lines += ["", "they are for kernels with different interfaces"]
    return "".join(f"{line}\n" for line in lines)


def to_data(found: Diff) -> dict[str, Any]:
    """Ranges are [first, count]; limits are in bytes, permille and milliseconds."""
    return {
        "a": found.a, "b": found.b, "same": found.empty,
        "instances": {"added": list(found.added), "removed": list(found.removed)},
        "gained": [_change_data(change) for change in found.gained],
        "lost": [_change_data(change) for change in found.lost],
        "modules": [{"name": m.name, "before": _code_data(m.before), "after": _code_data(m.after)} for m in found.modules],
        "sizes": {part: {"before": before, "after": after} for part, (before, after) in found.sizes.items()},
        "abi_differs": found.abi,
    }


def phrase(change: Change) -> str:
    """What came or went, without who: `port 0x3fe..0x3ff: read and write, 8 bits`. A wider access is told by its first port."""
    if change.is_limit:
        return _limit(change)
    if change.kind in _PHRASES:
        return _PHRASES[change.kind].format(change.object or change.numbers)
    if change.kind == "device":
        return f"command {'' if len(change.numbers) == 1 else f'{len(change.numbers)} of '}{change.object}"
    if change.kind == "irq":
        number = ", ".join(str(n.base) if n.length == 1 else f"{n.base} to {n.end - 1}" for n in change.numbers.ranges)
        return f"irq {'ISA' if change.object == 'isa' else change.object} {number}"
    if change.widths:
        widths = " and ".join(map(str, change.widths))
        return f"{change.kind} {change.numbers}: {ACCESS[change.access]}, {widths} bits"
    times = f", {len(change.numbers)} connections" if len(change.numbers) > 1 else ""
    access = f": {ACCESS[change.access]}" if change.access else ""
    return f"{change.kind} {change.object}{access}{times}".replace("  ", " ")


def _limit(change: Change) -> str:
    word, form = _LIMITS[change.kind]
    name = f"{word} {change.object}".rstrip()
    nothing = _NOTHING.get(change.kind, "none")
    before, after = (nothing if value is None else form(value) for value in (change.before, change.after))
    return f"{name}: {before} -> {after}"


def _changes(changes: Iterable[Change]) -> Iterator[str]:
    """Under each instance's name what came or went, what it reaches before how much of it."""
    by_instance: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_instance[change.instance].append(change)
    wide = max(map(len, by_instance), default=0)
    for instance, its in by_instance.items():
        names = chain((instance,), repeat(""))
        yield from (f"{name:{wide}}  {phrase(change)}" for name, change in zip(names, sorted(its, key=_place), strict=False))


def _place(change: Change) -> tuple[int, Change]:
    return (ORDER.index(change.kind) if change.kind in ORDER else len(ORDER), change)


def _modules(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        if module.before is None:
            yield f"+ {module.name}  {_bytes(module.after)}"
        elif module.after is None:
            yield f"- {module.name}  {_bytes(module.before)}"
        else:
            yield f"~ {module.name}  {_bytes(module.before)} -> {_bytes(module.after)}, sha256 {module.before[0][:12]} -> {module.after[0][:12]}"


def _bytes(code: tuple[str, int] | None) -> str:
    return f"{code[1]:,}" if code else "0"


def _sizes(found: Diff) -> Iterator[str]:
    wide = max(map(len, found.sizes), default=0)
    for part, (before, after) in found.sizes.items():
        share = f", {100 * (after - before) / before:+.1f} %" if before else ""
        yield f"  {part:{wide}}  {before:,} -> {after:,}  ({after - before:+,}{share})"


def _topic(title: str, lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _change_data(change: Change) -> dict[str, Any]:
    data: dict[str, Any] = {"instance": change.instance, "kind": change.kind, "object": change.object, "text": phrase(change)}
    if change.is_limit:
        return {**data, "before": change.before, "after": change.after}
    return {**data, "access": change.access, "widths": list(change.widths),
            "ranges": [[each.base, each.length] for each in change.numbers.ranges]}


def _code_data(code: tuple[str, int] | None) -> dict[str, Any] | None:
    return {"sha256": code[0], "size": code[1]} if code else None
