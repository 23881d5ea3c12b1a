"""What is to go wrong in a simulated machine, and what people do there: plain values, and how a card asks whether its turn has come.

Nothing here depends on the time of day or on chance: the same script does the same each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the device that an instance drives: after `after` occasions on which all is right, on `times` of them, or on all
    that follow where that is None. What `number` is, depends on the kind."""

    instance: str
    kind: str
    after: int = 0
    times: int | None = 1
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person does to an input device: events `(type, code, value)` as Linux numbers them, so many milliseconds after power-on."""

    instance: str
    at: int
    events: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a machine has, and what happens to it. `without` are instances whose devices it lacks; disks that nothing is kept on have
    no folder."""

    faults: tuple[Fault, ...] = ()
    typed: tuple[Typed, ...] = ()
    without: tuple[str, ...] = ()
    disks: Path | None = None

    def scripts(self) -> Mapping[str, Script]:
        """The faults of each instance's device, none of which has happened yet."""
        return {name: Script(f for f in self.faults if f.instance == name) for name in {f.instance for f in self.faults}}


@dataclass(slots=True)
class _Counted:
    fault: Fault
    seen: int = 0


class Script:
    """The faults of one device, and how many occasions for each there were."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._by_kind: dict[str, list[_Counted]] = {}
        for fault in faults:
            self._by_kind.setdefault(fault.kind, []).append(_Counted(fault))

    def due(self, kind: str) -> Fault | None:
        """An occasion for a fault of this kind has come: the fault, where it is to happen."""
        found = None
        for each in self._by_kind.get(kind, ()):
            fault, before = each.fault, each.seen
            each.seen += 1
            if fault.after <= before and (fault.times is None or before < fault.after + fault.times):
                found = fault
        return found

    def number(self, kind: str, otherwise: int) -> int | None:
        """As `due`, but gives the fault's number, or `otherwise` where it has none; None where it does not happen."""
        fault = self.due(kind)
        return None if fault is None else otherwise if fault.number is None else fault.number
