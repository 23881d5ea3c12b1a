"""Joining a profile with what it extends: later ones win key by key, `remove` takes away, and nothing forgets its origin.

Gets the profiles' manifests; gives one tree whose values still point into the files that they were written in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error
from composer.interfaces import load_interfaces
from composer.model import Models, Profile
from composer.toml_spans import Node, leaves

M0206 = declare("M0206", "a profile removes what is not there")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A profile joined with its parents. `ways` has, for each manifest's path, the profiles it came through, the last of
    which is this one; `replaced` each changed value with the one whose place it took, by the identity of its node."""

    profile: Profile
    tree: Node
    ways: Mapping[str, tuple[str, ...]]
    replaced: dict[int, tuple[Node, Node]] = field(default_factory=dict)

    def notes(self, node: Node, name: str = "") -> tuple[str, ...]:
        """Where each value below `node` was written, if not plainly in this profile's own file."""
        return tuple(note for path, leaf in leaves(node) if (note := self._note(".".join((*filter(None, (name,)), *path)), leaf)))

    def _note(self, what: str, leaf: Node) -> str | None:
        way, (_, before) = self.ways.get(leaf.span.source.path, ()), self.replaced.get(id(leaf), (leaf, None))
        if not way and not before:
            return None
        through = f" through {', '.join(way)}" if way else ""
        instead = f", in place of {before.text[:40]} from {_file_and_line(before)}" if before else ""
        return f"`{what}` from {_file_and_line(leaf)}{through}{instead}"


def merge(models: Models, name: str) -> tuple[Merged, list[Diagnostic]]:
    """Join the profile `name`, which is known to be sound, with its parents; says where one removes nothing.

    Each profile of the chain counts once, parents before children and left before right: where two parents share one,
    what the first of them changed is not undone by the second.
    """
    said: list[Diagnostic] = []
    ways = _ways(models.manifests, name)
    merged = Merged(models.manifests[name], Node({}, models.manifests[name].span), {models.manifests[n].tree.span.source.path: way for n, way in ways.items()})
    tree, gone = merged.tree, set[Path]()
    for profile in (models.manifests[each] for each in ways):
        tree = _take_away(tree, profile, gone, said)
        tree = _overlay(tree, _own(profile), (), merged.replaced)
    return Merged(merged.profile, tree, merged.ways, merged.replaced), said


def _ways(manifests: Mapping[str, Profile], name: str) -> dict[str, tuple[str, ...]]:
    """The chain in the order in which it counts, the profile itself last: for each one what it came through."""
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


def _own(profile: Profile) -> Node:
    """What a profile says about the system, in the one form that can be joined."""
    said = {key: node for key, node in profile.tree.table.items() if key in ("kernel", "instance")}
    if "instance" in said:
        said["instance"] = _with(said["instance"], {name: _plain_instance(node) for name, node in said["instance"].table.items()})
    return _with(profile.tree, said)


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


def _overlay(base: Node, change: Node, path: Path, replaced: dict[int, tuple[Node, Node]]) -> Node:
    """`base` with the keys of `change`; a table keeps the place where it was opened first."""
    kept = _unchosen(base, change, path)
    for key, node in change.table.items():
        old = kept.get(key)
        if old and isinstance(old.value, dict) and isinstance(node.value, dict):
            kept[key] = _overlay(old, node, (*path, key), replaced)
            continue
        kept[key] = node
        if old and not isinstance(old.value, dict):
            replaced[id(node)] = (node, old)
    return _with(base, kept)


def _unchosen(base: Node, change: Node, path: Path) -> dict[str, Node]:
    """The keys of `base`, without alternatives to what `change` chooses: `gsi` in a child takes the place of `isa`."""
    is_grant = len(path) == 5 and (path[0], path[2]) == ("instance", "grant")
    capability = load_interfaces().capabilities.get(path[3]) if is_grant else None
    choices = capability.one_of if capability else ()
    chosen = [key for key in choices if key in change.table]
    return {key: node for key, node in base.table.items() if not chosen or key not in choices or key in chosen}


def _take_away(tree: Node, profile: Profile, gone: set[Path], said: list[Diagnostic]) -> Node:
    """The tree without what the profile removes; removing twice along a chain is fine, removing nothing is not."""
    listed = profile.tree.get("profile", "remove")
    for item in listed.value if listed and isinstance(listed.value, list) else []:
        if not isinstance(item.value, str):
            continue
        path = tuple(item.value.split("."))
        less = _without(tree, path) if len(path) > 1 else None
        if less is None and path not in gone:
            said.append(_removes_nothing(profile, tree, path, item))
        gone.add(path)
        tree = less or tree
    return tree


def _without(node: Node, path: Path) -> Node | None:
    """A copy without the node at `path`; None where there is none."""
    head, *rest = path
    if head not in node.table:
        return None
    table = dict(node.table)
    inner = _without(table[head], tuple(rest)) if rest else None
    if rest and inner is None:
        return None
    if inner is None:
        del table[head]
    else:
        table[head] = inner
    return _with(node, table)


def _removes_nothing(profile: Profile, tree: Node, path: Path, item: Node) -> Diagnostic:
    if not profile.extends:
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


def _file_and_line(node: Node) -> str:
    return f"{node.span.source.path}:{node.span.line}"
