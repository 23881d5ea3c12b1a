"""What the kernel's benchmark prints: one row a comparison, as a table for people and as JSON for programs.

Values are medians over all turns. `ratio` is value to peer_value, too, but within each turn, before the median is taken. A spread
is the middle half of all turns, as a part of the median: a difference that is smaller says nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from composer.tools import ToolFailure
from tests.bench.figures import columns
from tests.bench.kernel.guests import Taken, Turns


@dataclass(frozen=True, slots=True)
class Goal:
    """`relation` is `<=` or `>=`; `of` is `ratio` or `value`."""

    relation: str
    bound: float
    of: str = "ratio"

    def met(self, number: float) -> bool:
        return number <= self.bound if self.relation == "<=" else number >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. Without a peer, or where it cannot be had (`peer` then says why), `peer_value` and `ratio` are None.
    `spread` is the ratio's, or the value's without one."""

    name: str
    value: float
    unit: str
    spread: float = 0.0
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    before: float | None = None

    @property
    def met(self) -> bool | None:
        """None without a goal, and where it cannot be judged."""
        judged = self.value if self.goal and self.goal.of == "value" else self.ratio
        return self.goal.met(judged) if self.goal and judged is not None else None

    @property
    def change(self) -> float | None:
        """How many times as much it is as in the run compared with: of the ratio where there is a peer, else of the value."""
        now = self.value if self.ratio is None else self.ratio
        return now / self.before if self.before else None

    def as_json(self) -> dict[str, object]:
        goal = f"{self.goal.of} {self.goal.relation} {self.goal.bound:g}" if self.goal else None
        return {"name": self.name, "value": self.value, "unit": self.unit, "peer": self.peer, "peer_value": self.peer_value,
                "ratio": self.ratio, "goal": goal, "met": self.met, "spread": self.spread,
                **({"change": self.change} if self.before else {})}

    @property
    def cells(self) -> tuple[str, ...]:
        unit = f" {self.unit}" if self.goal and self.goal.of == "value" else ""
        goal = f"{self.goal.relation} {self.goal.bound:g}{unit}" if self.goal else ""
        theirs = _number(self.peer_value) if self.peer_value is not None else ""
        ratio = _number(self.ratio) if self.ratio is not None else ""
        change = "" if self.change is None else "within noise" if abs(self.change - 1) <= self.spread else f"x {self.change:.2f}"
        return (self.name, _number(self.value), self.unit, theirs, ratio, f"{self.spread:.0%}",
                goal, {None: "", True: "yes", False: "NO"}[self.met], self.peer, change)


HEADINGS = ("what", "here", "unit", "peer's", "ratio", "+-", "goal", "met", "peer", "change")


def alone(name: str, unit: str, taken: Taken, goal: Goal | None = None) -> Row:
    """A row without a peer."""
    return Row(name, taken.value, unit, taken.spread, goal=goal)


def slower(name: str, turns: Turns, number: int, peer: str, goal: Goal | None = None, unit: str = "ns", size: float = 1) -> Row:
    """The first of the turns' times beside the one of `number`, in units of `size` nanoseconds: less is better."""
    ours, theirs, ratio = turns.of(0), turns.of(number), turns.ratio(0, number)
    return Row(name, ours.value / size, unit, ratio.spread, peer, theirs.value / size, ratio.value, goal)


def faster(name: str, unit: str, turns: Turns, number: int, peer: str, goal: Goal | None = None, amount: float = 1) -> Row:
    """The first of the turns' speeds beside the one of `number`, an operation counting as `amount` units: more is better."""
    ours, theirs, ratio = turns.of(0), turns.of(number), turns.ratio(number, 0)
    return Row(name, amount * 1e9 / ours.value, unit, ratio.spread, peer, amount * 1e9 / theirs.value, ratio.value, goal)


def together(name: str, rows: Sequence[Row], goal: Goal | None = None) -> Row:
    """The geometric mean of rows that have the same unit and peer."""
    return Row(name, _mean([row.value for row in rows]), rows[0].unit, math.hypot(*(row.spread for row in rows)) / len(rows), rows[0].peer,
               _mean([row.peer_value for row in rows if row.peer_value]), _mean([row.ratio for row in rows if row.ratio]), goal)


def _mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def against(rows: Sequence[Row], earlier: str, subject: str = "kernel") -> list[Row]:
    """The rows with what they were in an earlier run, which is JSON that `data` made. Raises ToolFailure where it is not."""
    try:
        known = {(row["name"], row["peer"]): row["ratio"] or row["value"] for row in json.loads(earlier)["rows"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise ToolFailure("bench", f"the file to compare with is no output of `munal bench {subject} --format json`") from problem
    return [replace(row, before=known.get((row.name, row.peer))) for row in rows]


def data(rows: Sequence[Row], notes: Mapping[str, object]) -> str:
    """The rows as JSON, and what was compared."""
    return json.dumps({"rows": [row.as_json() for row in rows], "notes": notes}, indent=2)


def table(rows: Sequence[Row]) -> str:
    """The rows in columns; the last only where they are compared with an earlier run."""
    shown = len(HEADINGS) if any(row.before for row in rows) else len(HEADINGS) - 1
    return columns([HEADINGS[:shown], *(row.cells[:shown] for row in rows)])


def _number(value: float) -> str:
    """Four digits are as many as are true."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
