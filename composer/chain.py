"""Which profiles count for one, in which order, and who of them extends whom.

Gets the profiles' manifests; gives names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from composer.model import Profile


def chain_of(manifests: Mapping[str, Profile], name: str) -> dict[str, tuple[str, ...]]:
    """The profiles that count for `name`, in that order, itself last: for each one what it came through.

    Each counts once, parents before children and left before right.
    """
    chain: dict[str, tuple[str, ...]] = {}
    started = {name}
    work: list[tuple[str, tuple[str, ...], Iterator[str]]] = [(name, (), _parents(manifests, name))]
    while work:
        child, way, parents = work[-1]
        parent = next(parents, None)
        if parent is None:
            chain[child] = way
            work.pop()
        elif parent not in started:
            started.add(parent)
            work.append((parent, (child, *way), _parents(manifests, parent)))
    return chain


def _parents(manifests: Mapping[str, Profile], name: str) -> Iterator[str]:
    return (parent for parent, _ in manifests[name].extends)


class Family:
    """Who extends whom in a chain: `parents` has each profile after those that it extends."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self.parents = parents
        self.ancestors = cache(self._ancestors)

    @property
    def has_siblings(self) -> bool:
        """Whether there may be two of which neither extends the other."""
        return any(len(parents) > 1 for parents in self.parents.values())

    def _ancestors(self, name: str) -> Collection[str]:
        """All that `name` extends, itself left out."""
        found: dict[str, None] = dict.fromkeys(self.parents[name])
        work = list(found)
        while work:
            new = [parent for parent in self.parents[work.pop()] if parent not in found]
            found.update(dict.fromkeys(new))
            work += new
        return found.keys()

    def strangers(self, one: str, other: str) -> bool:
        """Whether neither of two different profiles extends the other."""
        return one != other and one not in self.ancestors(other) and other not in self.ancestors(one)

    def joined_by(self, one: str, other: str) -> str:
        """The first profile that extends both."""
        return next(name for name in self.parents if {one, other} <= {*self.ancestors(name)})
