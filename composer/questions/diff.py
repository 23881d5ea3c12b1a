"""What one system may do and another may not: grants gained and lost, limits, instances, code and sizes.

Gets two systems as their tables, modules and sizes, each from a profile or out of an image; gives every difference once, as
a value. A gain is any number of a right's set that the first has not: `authority.py` says what those numbers are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.questions.authority import Authority, Right, authority, including
from composer.questions.numbers import Numbers

LIMITS = ("memory", "cpu", "priority", "cpu time", "handles", "capacity", "depth", "largest", "room", "restart", "restarts", "backoff")
"""Rights that are told by how far they reach, before and after."""
GATES = ("gained", "lost", "any")


@dataclass(frozen=True, slots=True)
class Side:
    """One of two systems that are compared. `modules` are (SHA-256, bytes) of machine code by name; `parts` are bytes of the
    image by purpose, of which some are not known where no image was made."""

    name: str
    table: Mapping[str, Any]
    modules: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One right of which more, or less, is allowed than before. `numbers` are those that came or went; for limits `before`
    and `after` say how far it reached (bytes, permille, milliseconds, or a policy's rank), None where it was not there."""

    instance: str
    kind: str
    object: str
    access: str
    widths: tuple[int, ...]
    numbers: Numbers
    before: int | None = None
    after: int | None = None

    @property
    def is_limit(self) -> bool:
        return self.kind in LIMITS


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """One module that differs: (SHA-256, bytes) before and after, None on the side that has it not."""

    name: str
    before: tuple[str, int] | None
    after: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Diff:
    """What B has and A has not, and the other way round. `sizes` has bytes by part where both sides know them and they differ."""

    a: str
    b: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    gained: tuple[Change, ...] = ()
    lost: tuple[Change, ...] = ()
    modules: tuple[Module, ...] = ()
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    abi: bool = False
    """Whether they were composed for kernels with different interfaces."""

    @property
    def empty(self) -> bool:
        """Nothing differs in what is allowed or in what runs."""
        return not (self.added or self.removed or self.gained or self.lost or self.modules or self.sizes or self.abi)

    def fails(self, gate: str | None) -> bool:
        """Whether a gate of `GATES` is shut on this difference; there is none for None."""
        return {None: False, "gained": bool(self.gained), "lost": bool(self.lost), "any": not self.empty}[gate]


def diff(a: Side, b: Side) -> Diff:
    """Compare two systems; `diff(b, a)` is the same with both sides changed over."""
    before, after = authority(a.table), authority(b.table)
    had, has = ({i["name"] for i in side.table["instances"]} for side in (a, b))
    return Diff(
        a.name, b.name, tuple(sorted(has - had)), tuple(sorted(had - has)),
        gained=tuple(_more(before, after, swapped=False)), lost=tuple(_more(after, before, swapped=True)),
        modules=tuple(_modules(a.modules, b.modules)),
        sizes={part: (a.parts[part], b.parts[part]) for part in a.parts if part in b.parts and a.parts[part] != b.parts[part]},
        abi=a.table["abi"] != b.table["abi"],
    )


def _more(less: Authority, more: Authority, swapped: bool) -> Iterator[Change]:
    """What `more` allows beyond `less`; with `swapped`, that was before, and went."""
    beyond = {right: rest for right, held in more.items() if (rest := _rest(right, held, less))}
    for right, numbers in beyond.items():
        if right.kind in LIMITS:
            reach = (_reach(right, less), _reach(right, more))
            before, after = reversed(reach) if swapped else reach
            yield Change(right.instance, right.kind, right.object, "", (), numbers, before, after)
    plain = {right: numbers for right, numbers in beyond.items() if right.kind not in LIMITS}
    yield from sorted(joined(plain))


def _rest(right: Right, held: Numbers, less: Authority) -> Numbers:
    """What is held of a right that `less` does not allow by it, nor by a right that includes it."""
    for each in including(right):
        held -= less.get(each, Numbers())
    return held


def _reach(right: Right, held: Authority) -> int | None:
    """How far a limit goes: a wait is the longer the less it allows, and counts from its shortest."""
    numbers = held.get(right)
    if numbers is None:
        return None
    return numbers.ranges[0].base if right.kind == "backoff" else numbers.ranges[-1].end


def joined(beyond: Authority) -> Iterator[Change]:
    """Rights as changes: reads and writes of the same numbers as one change, and widths that share both."""
    accesses: dict[Right, dict[str, Numbers]] = defaultdict(dict)
    for right, numbers in beyond.items():
        accesses[Right(right.instance, right.kind, right.object, "", right.width)][right.access] = numbers
    widths: dict[tuple[Right, str, Numbers], list[int]] = defaultdict(list)
    for right, parts in accesses.items():
        for access, numbers in _by_access(parts):
            widths[Right(right.instance, right.kind, right.object), access, numbers].append(right.width)
    for (right, access, numbers), found in widths.items():
        yield Change(right.instance, right.kind, right.object, access, tuple(width for width in sorted(found) if width), numbers)


def _by_access(parts: Mapping[str, Numbers]) -> Iterator[tuple[str, Numbers]]:
    both = parts.get("r", Numbers()) & parts.get("w", Numbers())
    if both:
        yield "rw", both
    for access, numbers in parts.items():
        if rest := numbers - both:
            yield access, rest


def _modules(a: Mapping[str, tuple[str, int]], b: Mapping[str, tuple[str, int]]) -> Iterator[Module]:
    for name in sorted({*a, *b}):
        if a.get(name, ("",))[0] != b.get(name, ("",))[0]:
            yield Module(name, a.get(name), b.get(name))
