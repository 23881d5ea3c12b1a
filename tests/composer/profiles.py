"""Profiles for tests, as texts or drawn at random, without files: a graph of them, and an independent way to join one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from composer.edit import shown
from composer.merge import Merged, merge
from composer.model import Models, Profile
from composer.spans import Source, Span
from composer.targets import Target
from composer.toml_spans import Node, leaves, parse

TARGET = "q35"
SPAN = Span(Source("munal.toml", ""), 0, 0)
TARGETS = {TARGET: Target(TARGET, "", "q35", SPAN)}

LEAVES = {
    ("instance", "a", "app"): ["x", "y"],
    ("instance", "a", "limits", "cpu"): ["10 %", "20 %", "30 %"],
    ("instance", "a", "limits", "memory"): ["1 MiB", "2 MiB"],
    ("instance", "a", "grant", "irq", "line"): [False],
    ("instance", "a", "grant", "irq", "line", "isa"): [3, 4],
    ("instance", "a", "grant", "irq", "line", "gsi"): [20],
    ("instance", "a", "grant", "control", "all", "instances"): [["a"], ["a", "b"]],
    ("instance", "a", "restart"): ["never", "always"],
    ("instance", "a", "restart", "limit"): [1, 2],
    ("instance", "b", "app"): ["x", "y"],
    ("kernel", "emergency"): [False],
    ("kernel", "emergency", "port"): [0x3F8, 0x2F8],
}
REMOVABLE = sorted({path[:length] for path in LEAVES for length in range(2, len(path) + 1)})
ALTERNATIVES = {("instance", "a", "grant", "irq", "line", "isa"): "gsi", ("instance", "a", "grant", "irq", "line", "gsi"): "isa"}


@dataclass(frozen=True)
class Said:
    """What a profile says, for all targets or for one."""

    leaves: Mapping[tuple[str, ...], object] = field(default_factory=dict)
    removes: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Drawn:
    extends: tuple[str, ...]
    own: Said
    overlay: Said


def models_of(texts: Mapping[str, str]) -> Models:
    """A workspace without apps from the texts of its profiles."""
    manifests = {}
    for name, text in texts.items():
        tree = parse(Source(f"profiles/{name}.toml", text)).value
        assert tree is not None, text
        extends = tree.get("profile", "extends")
        manifests[name] = Profile(name, tree, tree.span, tuple((item.value, item.span) for item in (extends.value if extends else ())))
    return Models(Path("/nowhere"), "demo", "0.1.0", {}, manifests, None, targets=TARGETS, default_target=TARGET)


def drawn_models(graph: Mapping[str, Drawn]) -> Models:
    """What `models_of` makes of the profiles' texts, without writing and reading them."""
    manifests = {name: _profile_of(name, drawn) for name, drawn in graph.items()}
    return Models(Path("/nowhere"), "demo", "0.1.0", {}, manifests, None, targets=TARGETS, default_target=TARGET)


def _profile_of(name: str, drawn: Drawn) -> Profile:
    span = Span(Source(f"profiles/{name}.toml", ""), 0, 0)
    tables = {("profile", "extends"): list(drawn.extends)}
    for removal, prefix, said in ((("profile", "remove"), (), drawn.own), (("target", TARGET, "remove"), ("target", TARGET), drawn.overlay)):
        tables |= {removal: [".".join(path) for path in said.removes]}
        tables |= {(*prefix, *path): value for path, value in sorted(said.leaves.items())}
    tree = Node({}, span)
    for path, value in tables.items():
        table = tree
        for key in path[:-1]:
            table = table.value.setdefault(key, Node({}, span, span))
        table.value[path[-1]] = _node_of(value, span, span)
    return Profile(name, tree, span, tuple((parent, span) for parent in drawn.extends))


def _node_of(value: object, span: Span, key: Span | None = None) -> Node:
    if isinstance(value, list):
        return Node([_node_of(item, span) for item in value], span, key)
    return Node({} if value == {} else value, span, key)


def joined(texts: Mapping[str, str], name: str, target: str | None = TARGET, **settings: str) -> tuple[Merged, list[str]]:
    """The joined profile and the codes of what was said."""
    return _joined(models_of(texts), name, target, settings)


def joined_graph(graph: Mapping[str, Drawn], name: str, target: str | None = TARGET) -> tuple[Merged, list[str]]:
    """The same for profiles that were drawn."""
    return _joined(drawn_models(graph), name, target, {})


def _joined(models: Models, name: str, target: str | None, settings: Mapping[str, str]) -> tuple[Merged, list[str]]:
    merged, said = merge(models, name, target, settings)
    return merged, sorted(diagnostic.code for diagnostic in said)


def values(merged: Merged) -> dict[tuple[str, ...], object]:
    """Every value of a joined profile by its path; empty tables left out."""
    return {path: leaf.plain() for path, leaf in leaves(merged.tree) if path and not isinstance(leaf.value, dict)}


def settled_words(merged: Merged) -> dict[tuple[str, ...], object]:
    """What a child writes to repeat all that a joined profile says: every value, and every table that is left without keys."""
    return {path: leaf.plain() for path, leaf in leaves(merged.tree) if len(path) > 1}


def text_of(drawn: Drawn) -> str:
    lines = ["[profile]", f"extends = {shown(list(drawn.extends))}", f"remove = {shown(['.'.join(path) for path in drawn.own.removes])}"]
    lines += [f"[target.{TARGET}]", f"remove = {shown(['.'.join(path) for path in drawn.overlay.removes])}"]
    for prefix, said in (((), drawn.own), (("target", TARGET), drawn.overlay)):
        lines += [f"[{'.'.join((*prefix, *path[:-1]))}]\n{path[-1]} = {shown(value)}" if _first(said, path) else f"{path[-1]} = {shown(value)}"
                  for path, value in sorted(said.leaves.items(), key=lambda item: (item[0][:-1], item[0]))]
    return "\n".join(lines) + "\n"


def _first(said: Said, path: tuple[str, ...]) -> bool:
    """Whether this is the first value of its table in the order of `text_of`."""
    return path == min(each for each in said.leaves if each[:-1] == path[:-1])


@st.composite
def _said(draw: st.DrawFn) -> Said:
    chosen: dict[tuple[str, ...], object] = {}
    for path in draw(st.lists(st.sampled_from(sorted(LEAVES)), max_size=4, unique=True)):
        clashes = any(path[: len(other)] == other or other[: len(path)] == path or ALTERNATIVES.get(path) == other[-1] for other in chosen)
        if not clashes:
            chosen[path] = draw(st.sampled_from(LEAVES[path]))
    return Said(chosen, tuple(draw(st.lists(st.sampled_from(REMOVABLE), max_size=1))))


@st.composite
def graphs(draw: st.DrawFn, most: int = 5, removes: bool = True) -> dict[str, Drawn]:
    """Profiles p0, p1, ... of which each may extend some that come after it."""
    count = draw(st.integers(1, most))
    made = {}
    for k in range(count):
        extends = tuple(f"p{n}" for n in draw(st.lists(st.integers(k + 1, count - 1), max_size=3, unique=True))) if k + 1 < count else ()
        own, overlay = draw(_said()), draw(st.one_of(st.just(Said()), _said()))
        if not removes:
            own, overlay = Said(own.leaves), Said(overlay.leaves)
        made[f"p{k}"] = Drawn(extends, own, overlay)
    return made


# Joining in another way: a flat mapping of paths, no trees

def reference_chain(graph: Mapping[str, Drawn], name: str) -> list[str]:
    order: list[str] = []

    def visit(each: str) -> None:
        for parent in graph[each].extends:
            if parent not in order:
                visit(parent)
        if each not in order:
            order.append(each)

    visit(name)
    return order


def reference_join(graph: Mapping[str, Drawn], name: str, with_target: bool = True) -> tuple[dict[tuple[str, ...], object], int]:
    """Every value by its path, and how many removals remove nothing."""
    flat: dict[tuple[str, ...], object] = {}
    tables: set[tuple[str, ...]] = set()
    gone: set[tuple[str, ...]] = set()
    idle = 0
    for each in reference_chain(graph, name):
        for said in (graph[each].own, *((graph[each].overlay,) if with_target else ())):
            for path in said.removes:
                here = [other for other in (*flat, *tables) if other[: len(path)] == path]
                idle += not here and path not in gone
                gone.add(path)
                _drop(flat, tables, path)
            for path, value in said.leaves.items():
                _put(flat, tables, path, value)
    return flat, idle


def _drop(flat: dict[tuple[str, ...], object], tables: set[tuple[str, ...]], path: tuple[str, ...]) -> None:
    for other in [other for other in flat if other[: len(path)] == path]:
        del flat[other]
    tables -= {other for other in tables if other[: len(path)] == path}


def _put(flat: dict[tuple[str, ...], object], tables: set[tuple[str, ...]], path: tuple[str, ...], value: object) -> None:
    if path[-1] == "restart":
        path = (*path, "policy")
    _drop(flat, tables, path)
    if path in ALTERNATIVES:
        _drop(flat, tables, (*path[:-1], ALTERNATIVES[path]))
    for length in range(1, len(path)):
        flat.pop(path[:length], None)
        tables.add(path[:length])
    flat[path] = value
