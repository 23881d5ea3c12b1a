"""Joining a profile with what it extends: later ones win key by key, `remove` takes away, and nothing forgets its origin.

Gets the profiles' manifests, a target and settings; gives one tree whose values still point into the files that they were
written in, in which no reference to a parameter is left, and all that was replaced or removed on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from composer.chain import Family, chain_of
from composer.contradictions import Layer, contradictions
from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error
from composer.fit import fit
from composer.interfaces import load_interfaces
from composer.model import Models, Profile
from composer.params import Declaration, Parameter, make_parameters, make_settings
from composer.shapes import ParamTable
from composer.spans import Span
from composer.substitute import Substitution
from composer.toml_spans import Node, leaves
from composer.uses import SYSTEM

M0206 = declare("M0206", "a profile removes what is not there")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that was written and does not count: `by` is what took its place, or the item of `remove` that took it away."""

    path: Path
    node: Node
    by: Node
    removed: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """A profile joined with its parents. `ways` has, for each manifest's path, the profiles it came through, the last of
    which is this one; `lost` has every value that another took the place of, or that was removed; `gone` the paths that
    were removed, with the item that says so; `substitution` knows what parameters' values were put where."""

    profile: Profile
    tree: Node
    ways: Mapping[str, tuple[str, ...]]
    substitution: Substitution
    disputed: frozenset[Span] = frozenset()
    """Where profiles say what others contradict and nobody settles."""
    lost: list[Lost] = field(default_factory=list)
    gone: dict[Path, Node] = field(default_factory=dict)
    replaced: dict[int, tuple[Node, ...]] = field(default_factory=dict)
    """By the identity of a value's node: that node, then what it took the place of, the last one first."""

    def notes(self, node: Node, name: str = "") -> tuple[str, ...]:
        """Where each value below `node` was written, if not plainly in this profile's own file."""
        return tuple(note for path, leaf in leaves(node) if (note := self._note(".".join((*filter(None, (name,)), *path)), leaf)))

    def opened(self, node: Node, name: str) -> tuple[str, ...]:
        """Where a table was opened, if not in this profile's own file."""
        way = self.way(node)
        return (f"`{name}` from {file_and_line(node)}{way}",) if way else ()

    def removals(self, *path: str) -> tuple[str, ...]:
        """Who removed what stood at `path`, or part of it, or what it stood in."""
        return tuple(f"`{'.'.join(gone)}` was removed by {file_and_line(item)}{self.way(item)}"
                     for gone, item in self.gone.items() if gone[:len(path)] == path[:len(gone)])

    def is_disputed(self, *path: str) -> bool:
        """Whether others contradict that what stood at `path`, or what it stood in, was removed."""
        return any(item.span in self.disputed for gone, item in self.gone.items() if gone == path[:len(gone)])

    def _note(self, what: str, leaf: Node) -> str | None:
        way, before, made_of = self.way(leaf), self.before(leaf), self.substitution.note(leaf)
        if not way and not before and not made_of:
            return None
        return f"`{what}` from {file_and_line(leaf)}{way}{made_of}{before}"

    def way(self, leaf: Node) -> str:
        """The profiles that a value came through, for a sentence that goes on; nothing where this one says it itself."""
        through = self.ways.get(leaf.span.source.path, ())
        return f" through {', '.join(through)}" if through else ""

    def before(self, leaf: Node) -> str:
        """What a value took the place of, for a sentence that goes on."""
        old = next(iter(self.replaced.get(id(leaf), ())[1:]), None)
        return f", in place of {old.text[:40]} from {file_and_line(old)}" if old else ""


def file_and_line(node: Node) -> str:
    return f"{node.span.source.path}:{node.span.line}"


def merge(models: Models, name: str, target: str | None = None, settings: Mapping[str, str] | None = None) -> tuple[Merged, list[Diagnostic]]:
    """Join the profile `name`, which is known to be sound, with its parents; says what cannot be joined.

    Each profile of the chain counts once, parents before children and left before right; what a profile says for the target
    counts right after what it says for all. Where two that do not extend each other contradict, and nobody settles it,
    that is said.
    """
    said: list[Diagnostic] = []
    ways = chain_of(models.manifests, name)
    chain = [models.manifests[each] for each in ways]
    family = Family({each.name: [parent for parent, _ in each.extends] for each in chain})
    substitution, chosen = _settled(name, chain, target, settings or {}, family, said)
    layers = [Layer(layer.profile, layer.removes, _plain(substitution.apply(layer.tree, said))) for layer in _layers(chain, target)]
    contradicting = list(contradictions([*chosen, *layers], family))
    said.extend(contradicting)
    disputed = frozenset(label.place for each in contradicting for label in each.labels)
    merged = Merged(models.manifests[name], Node({}, models.manifests[name].span), {p.tree.span.source.path: ways[p.name] for p in chain},
                    substitution, disputed)
    tree = merged.tree
    for layer in layers:
        tree = _take_away(tree, layer, merged, said)
        tree = _overlay(tree, layer.tree, (), merged)
    return Merged(merged.profile, tree, merged.ways, substitution, disputed, merged.lost, merged.gone, merged.replaced), said


# What each profile says

def _layers(chain: Iterable[Profile], target: str | None) -> Iterator[Layer]:
    """For each profile what it says for all targets, then what it says for this one."""
    for profile in chain:
        yield Layer(profile, _removes(profile.tree.get("profile", "remove")), _part(profile.tree))
        overlay = profile.tree.get("target", target) if target else None
        if overlay:
            yield Layer(profile, _removes(overlay.get("remove")), _part(overlay))


def _removes(listed: Node | None) -> tuple[Node, ...]:
    return tuple(item for item in (listed.value if listed and isinstance(listed.value, list) else ()) if isinstance(item.value, str))


def _part(tree: Node) -> Node:
    return _with(tree, {key: node for key, node in tree.table.items() if key in SYSTEM})


def _settled(name: str, chain: list[Profile], target: str | None, given: Mapping[str, str], family: Family, said: list[Diagnostic]) -> tuple[Substitution, list[Layer]]:
    """The value of every parameter, and what profiles chose for them, in the order in which it counts."""
    declared = [Declaration(profile.name, key, node) for profile in chain for key, node in _table(profile.tree.get("param")).items()]
    sound = [each for each in declared if not isinstance(fit(each.node, ParamTable), list)]
    faulty = {each.name for each in declared} - {each.name for each in sound}
    parameters: dict[str, Parameter | None] = {**make_parameters(sound, family.ancestors, said), **dict.fromkeys(faulty)}
    layers = [Layer(profile, (), _with(profile.tree, {"set": _with(profile.tree, chosen)})) for profile in chain if (chosen := choices(profile, target))]
    chosen = {key: node for layer in layers for key, node in layer.tree.table["set"].table.items()}
    return Substitution(make_settings(name, parameters, chosen, given, said), parameters), layers


def choices(profile: Profile, target: str | None) -> dict[str, Node]:
    """The values that a profile gives parameters: by a default, by `set`, by `set` for the target; the last one counts."""
    defaults = {key: default for key, node in _table(profile.tree.get("param")).items() if (default := node.get("default"))}
    overlay = profile.tree.get("target", target, "set") if target else None
    return {**defaults, **_table(profile.tree.get("profile", "set")), **_table(overlay)}


def _table(node: Node | None) -> dict[str, Node]:
    return node.table if node else {}


def _plain(tree: Node) -> Node:
    """What a profile says in the one form that can be joined."""
    instances = tree.get("instance")
    if instances is None or not instances.table:
        return tree
    return _with(tree, {**tree.table, "instance": _with(instances, {name: _plain_instance(node) for name, node in instances.table.items()})})


def _plain_instance(node: Node) -> Node:
    """`restart = "always"` says `restart.policy`, and a grant `true` says `{}`."""
    parts = dict(node.table)
    restart, grants = parts.get("restart"), parts.get("grant")
    if restart and isinstance(restart.value, str):
        parts["restart"] = _with(restart, {"policy": restart})
    if grants:
        parts["grant"] = _with(grants, {word: _with(named, {name: _plain_grant(each) for name, each in named.table.items()})
                                        for word, named in grants.table.items()})
    return _with(node, parts) if isinstance(node.value, dict) else node


def _plain_grant(node: Node) -> Node:
    return _with(node, {}) if node.value is True else node


def _with(node: Node, table: dict[str, Node]) -> Node:
    return Node(table, node.span, node.key)


# Laying one over the other

def _overlay(base: Node, change: Node, path: Path, merged: Merged) -> Node:
    """`base` with the keys of `change`; a table keeps the place where it was opened first."""
    kept = _unchosen(base, change, path, merged)
    for key, node in change.table.items():
        old = kept.get(key)
        if old and isinstance(old.value, dict) and isinstance(node.value, dict):
            kept[key] = _overlay(old, node, (*path, key), merged)
            continue
        kept[key] = node
        if old:
            _replace(old, node, (*path, key), merged)
    return _with(base, kept)


def _replace(old: Node, new: Node, path: Path, merged: Merged) -> None:
    """Remember that `new`, or what is below it, stands where `old` stood."""
    _, first = next(leaves(new))
    for below, leaf in leaves(old):
        if not isinstance(leaf.value, dict):
            merged.lost.append(Lost((*path, *below), leaf, first, removed=False))
    merged.replaced[id(first)] = (first, old, *merged.replaced.get(id(old), ())[1:])


def _unchosen(base: Node, change: Node, path: Path, merged: Merged) -> dict[str, Node]:
    """The keys of `base`, without alternatives to what `change` chooses: `gsi` in a child takes the place of `isa`."""
    choices = alternatives(path)
    chosen = [key for key in choices if key in change.table]
    if not chosen:
        return dict(base.table)
    for key, node in base.table.items():
        if key in choices and key not in chosen:
            _replace(node, change.table[chosen[0]], (*path, key), merged)
    return {key: node for key, node in base.table.items() if key not in choices or key in chosen}


def alternatives(path: Path) -> tuple[str, ...]:
    """The keys of which a grant takes one; none for what is no grant."""
    is_grant = len(path) == 5 and (path[0], path[2]) == ("instance", "grant")
    capability = load_interfaces().capabilities.get(path[3]) if is_grant else None
    return capability.one_of if capability else ()


# Taking away

def _take_away(tree: Node, layer: Layer, merged: Merged, said: list[Diagnostic]) -> Node:
    """The tree without what the profile removes; removing twice along a chain is fine, removing nothing is not."""
    for item in layer.removes:
        path = tuple(item.value.split("."))
        old = tree.get(*path) if len(path) > 1 else None
        if old is None and path not in merged.gone:
            said.append(_removes_nothing(layer.profile, tree, path, item))
        if old is not None:
            tree = _without(tree, path)
            merged.lost.extend(Lost((*path, *below), leaf, item, removed=True) for below, leaf in leaves(old) if not isinstance(leaf.value, dict))
        merged.gone[path] = item
    return tree


def _without(node: Node, path: Path) -> Node:
    """A copy without the node at `path`, which is there."""
    head, *rest = path
    table = dict(node.table)
    if rest:
        table[head] = _without(table[head], tuple(rest))
    else:
        del table[head]
    return _with(node, table)


def _removes_nothing(profile: Profile, tree: Node, path: Path, item: Node) -> Diagnostic:
    if not profile.extends and not tree.table:
        return error(M0206, f"`{profile.name}` removes `{item.value}`, but extends nothing", at(item.span),
                     help="`remove` takes away what `extends` brings: leave out what should not be there")
    known = [*(".".join(each) for each in _paths(tree))]
    return error(M0206, f"`{profile.name}` removes `{item.value}`, which is not there", at(item.span, "no parent says this"),
                 help=did_you_mean(item.value, known) or "write a dotted path, like `instance.terminal`")


def _paths(node: Node, path: Path = ()) -> Iterator[Path]:
    """The paths of everything that can be removed."""
    for key, child in node.table.items():
        if path:
            yield (*path, key)
        yield from _paths(child, (*path, key))
