"""Profiles that say different things about the same, where neither extends the other and nobody settles it.

Gets what each profile of a chain says, in the order in which it counts; gives diagnostics with both places. Which of the
two would win is only a matter of the order in which they are named: that is no decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer.chain import Family
from composer.diagnostics import Diagnostic, at, declare, error
from composer.interfaces import load_interfaces
from composer.toml_spans import Node, leaves

if TYPE_CHECKING:
    from composer.model import Profile

M0227 = declare("M0227", "profiles that contradict each other")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """What one profile says, for all targets or for one: what it takes away, and then what it lays over the rest."""

    profile: Profile
    removes: tuple[Node, ...]
    tree: Node


@dataclass(slots=True, eq=False)
class _Word:
    """One thing said: a value at a path, or that what is there goes. `settlers` are the words of profiles that extend the
    speaker and take its place."""

    path: Path
    profile: str
    node: Node
    removes: bool
    settlers: list[_Word] = field(default_factory=list)

    @property
    def opens(self) -> bool:
        """A table without keys: it only says that the table is there."""
        return not self.removes and isinstance(self.node.value, dict)

    @property
    def plain(self) -> str:
        return repr(self.node.plain())


def contradictions(layers: Sequence[Layer], family: Family) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each pair of words that contradict each other and that nobody settles."""
    if not family.has_siblings:
        return
    pairs = list(_pairs(_words(layers)))
    for earlier, later in pairs:
        if _settles(later, earlier, family):
            earlier.settlers.append(later)
    for earlier, later in pairs:
        if _differ(earlier, later) and family.strangers(earlier.profile, later.profile) and not _is_settled(earlier, later, family):
            yield _contradiction(earlier, later, family)


def _words(layers: Sequence[Layer]) -> list[_Word]:
    """Everything that is said, in its order."""
    said: list[_Word] = []
    for layer in layers:
        said += (_Word(tuple(item.value.split(".")), layer.profile.name, item, removes=True) for item in layer.removes)
        said += (_Word(path, layer.profile.name, leaf, removes=False) for path, leaf in leaves(layer.tree) if path)
    return said


def _pairs(said: list[_Word]) -> Iterator[tuple[_Word, _Word]]:
    """Every two words about the same thing, the earlier one first: one path is the other's beginning, or both are alternatives."""
    at_path: dict[Path, list[int]] = {}
    for k, word in enumerate(said):
        at_path.setdefault(word.path, []).append(k)
    for path, here in at_path.items():
        yield from ((said[a], said[b]) for n, a in enumerate(here) for b in here[n + 1 :])
        for other in (*(path[:length] for length in range(1, len(path))), *_alternatives(path)):
            for a in at_path.get(other, ()):
                yield from ((said[min(a, b)], said[max(a, b)]) for b in here)


def _alternatives(path: Path) -> Iterator[Path]:
    """The paths of alternatives that come before this one in its interface, so that each pair is seen once."""
    if len(path) == 6 and (path[0], path[2]) == ("instance", "grant"):
        capability = load_interfaces().capabilities.get(path[3])
        choices = capability.one_of if capability else ()
        if path[5] in choices:
            yield from ((*path[:5], other) for other in choices[: choices.index(path[5])])


def _settles(later: _Word, earlier: _Word, family: Family) -> bool:
    """Whether the later word takes the place of the earlier one by right: its profile extends the other's."""
    if earlier.profile not in family.ancestors(later.profile) and (earlier.profile != later.profile or earlier.removes):
        return False
    if later.removes:
        return earlier.path[: len(later.path)] == later.path
    return not earlier.removes and (later.path == earlier.path or not later.opens) and not (earlier.opens and later.path != earlier.path)


def _is_settled(one: _Word, other: _Word, family: Family) -> bool:
    """Whether a contradiction of two strangers is none any more: one of the words has been taken back before the two met, or
    who extends both takes the place of each, so that neither of them counts in either order."""
    for word, stranger in ((one, other), (other, one)):
        if any(stranger.profile not in family.ancestors(settler.profile) for settler in word.settlers):
            return True
    if one.settlers and other.settlers:
        return True
    value, removal = (other, one) if one.removes else (one, other)
    deep = len(removal.path) > len(value.path)
    return removal.removes and any(not settler.removes and (deep or len(settler.path) <= len(value.path)) for settler in value.settlers)


def _differ(earlier: _Word, later: _Word) -> bool:
    if earlier.removes and later.removes:
        return False
    if earlier.removes or later.removes:
        removal, value = (earlier, later) if earlier.removes else (later, earlier)
        return value.path[: len(removal.path)] == removal.path or (removal.path[: len(value.path)] == value.path and not value.opens)
    if earlier.path == later.path:
        return earlier.plain != later.plain
    if len(earlier.path) == len(later.path):
        return True
    return not min(earlier, later, key=lambda word: len(word.path)).opens


def _contradiction(earlier: _Word, later: _Word, family: Family) -> Diagnostic:
    joining = family.joined_by(earlier.profile, later.profile)
    return error(
        M0227, f"`{earlier.profile}` and `{later.profile}` contradict each other, and `{joining}` extends both", at(later.node.span, _claim(later)),
        at(earlier.node.span, _claim(earlier)), help=f"settle it in `{joining}`: {_settlement(earlier, later)}",
    )


def _claim(word: _Word) -> str:
    return f"`{word.profile}` removes it" if word.removes else f"`{word.profile}` says this"


def _settlement(earlier: _Word, later: _Word) -> str:
    if later.path[0] == "set":
        return f"write `set = {{ {later.path[1]} = … }}` in its `[profile]`"
    removal = next((word for word in (earlier, later) if word.removes), None)
    if removal:
        return f'remove `{".".join(removal.path)}` there too, or write there what it should be'
    return f"write there what `{'.'.join(min(earlier.path, later.path, key=len))}` is"
