"""Sets of numbers as ranges: what a grant covers, exactly, however large it is.

Gets ranges; gives sets in one normal form, so that equal sets are equal values, with the operations that comparing needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from composer.system import Range


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of integers; `ranges` are ascending, not empty, and neither overlap nor touch."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Numbers:
        """The union of ranges in any order; O(n log n)."""
        joined: list[Range] = []
        for each in sorted(each for each in ranges if each.length > 0):
            if joined and each.base <= joined[-1].end:
                last = joined.pop()
                each = Range(last.base, max(last.end, each.end) - last.base)
            joined.append(each)
        return cls(tuple(joined))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(each.length for each in self.ranges)

    def __contains__(self, number: int) -> bool:
        return any(each.base <= number < each.end for each in self.ranges)

    def __or__(self, other: Numbers) -> Numbers:
        return Numbers.of((*self.ranges, *other.ranges))

    def __and__(self, other: Numbers) -> Numbers:
        return Numbers.of(common for a in self.ranges for b in other.ranges if (common := a & b))

    def __sub__(self, other: Numbers) -> Numbers:
        return Numbers.of(_without(self.ranges, other.ranges))

    def __str__(self) -> str:
        return ", ".join(map(str, self.ranges))


def _without(ranges: tuple[Range, ...], gone: tuple[Range, ...]) -> Iterator[Range]:
    """What is left of each range after every other one has cut its part out; both are ascending."""
    for each in ranges:
        base = each.base
        for cut in gone:
            if cut.end <= base or cut.base >= each.end:
                continue
            yield Range(base, cut.base - base)
            base = cut.end
        yield Range(base, each.end - base)
