"""Device models that begin with others: one tree of nodes from several files, in which each part still knows where it was written.

Gets the documents that load read; gives each model's document whole. What begins a model is a model by itself: its regions, its tables and
the steps of its reset come first, in their order, and a part of it is replaced only where the other says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, words
from composer.device_model import M0122, M0123
from composer.graph import circles, reaching
from composer.load import Document, begins_of, model_path
from composer.toml_spans import Node

M0124 = declare("M0124", "models of devices begin with each other in a circle")

PARTS = ("region", "table")
"""What of a model has names."""

Documents = Mapping[str, Document | None]


def whole_models(read: Documents) -> tuple[dict[str, Document], list[Diagnostic]]:
    """Every model that can be joined, by its path, and what keeps the others from it. One that begins with what could not be read, or
    stands in a circle or begins with it, is left out."""
    begins = {path: node for path, document in read.items() if document and (node := begins_of(document))}
    edges = {path: [other] for path, node in begins.items() if (other := model_path(node))}
    inside: set[str] = set()
    said = [_replaces_nothing(node) for document in read.values() if document and (node := document.tree.get("model", "replaces"))
            and node.value and not document.tree.get("model", "begins")]
    for circle in circles(edges):
        inside |= {*circle}
        said.append(_circle(circle, begins))
    lost = reaching(edges, inside | {path for path in {*read, *(other for others in edges.values() for other in others)} if read.get(path) is None})
    made: dict[str, Document] = {}
    for path in sorted(read.keys() - lost, key=lambda path: len(_way(path, edges))):
        document, base = read[path], edges.get(path)
        assert document is not None, "what was not read is lost"
        made[path] = replace(document, tree=_joined(made[base[0]].tree, document.tree, said)) if base else document
    return made, said


def _replaces_nothing(node: Node) -> Diagnostic:
    return error(M0123, "this model begins with no other, and has nothing to replace", at(node.span), help="take `replaces` out, or say by `begins` what comes first")


def _way(path: str, edges: Mapping[str, list[str]]) -> list[str]:
    """The models that one begins with, itself first; there is no circle on the way."""
    way = [path]
    while base := edges.get(way[-1]):
        way += base
    return way


def _circle(circle: list[str], begins: Mapping[str, Node]) -> Diagnostic:
    first, *others = [at(begins[path].span, f"`{path}` begins with `{after}`") for path, after in zip(circle, circle[1:] + circle[:1], strict=True)]
    message = f"`{circle[0]}` begins with itself" if not others else f"{words(circle)} begin with each other"
    return error(M0124, message, first, *others, help="a model begins with one that stands by itself: take one `begins` out")


def _joined(base: Node, own: Node, said: list[Diagnostic]) -> Node:
    """The whole tree of a model that begins with `base`."""
    replaced = _replaced(base, own, said)
    parts = {key: _parts(key, base.get(key), own.get(key), replaced, said) for key in (*PARTS, "reset")}
    return Node({**own.table, **{key: part for key, part in parts.items() if part}}, own.span, own.key)


def _replaced(base: Node, own: Node, said: list[Diagnostic]) -> set[str]:
    """What the model says that it replaces, as `table.descriptors`."""
    listed = own.get("model", "replaces")
    items = [item for item in (listed.value if listed and isinstance(listed.value, list) else ()) if isinstance(item.value, str)]
    there, here = [*_names(base)], [*_names(own)]
    for item in items:
        if item.value not in there:
            said.append(error(M0123, f"what this model begins with has no `{item.value[:96]}`", at(item.span, "this cannot be replaced"),
                              help=did_you_mean(item.value, there) or f"it has {words(there)}"))
        elif item.value not in here:
            said.append(error(M0123, f"this model has no `{item.value}` to put in its place", at(item.span, "this is replaced by nothing"),
                              help=f"write `[{item.value}]` with all its keys, or take it out of `replaces`"))
    return {item.value for item in items}


def _names(tree: Node) -> Iterator[str]:
    for key in PARTS:
        named = tree.get(key)
        yield from (f"{key}.{name}" for name in (named.table if named else {}))


def _parts(key: str, base: Node | None, own: Node | None, replaced: set[str], said: list[Diagnostic]) -> Node | None:
    """The regions, the tables or the steps of both; one that is replaced keeps its place, so that its number stays."""
    if base is None or own is None:
        return own or base
    if isinstance(base.value, list) and isinstance(own.value, list):
        return Node([*base.value, *own.value], own.span, own.key)
    if not isinstance(base.value, dict) or not isinstance(own.value, dict):
        return own
    twice = [name for name in own.table if name in base.table and f"{key}.{name}" not in replaced]
    for name in twice:
        said.append(error(M0122, f"two {key}s are called `{name}`", at(own.table[name].place, "this is one"),
                          at(base.table[name].place, "the other is in what this model begins with"),
                          help=f'rename this one, or say that it takes the other\'s place: `replaces = ["{key}.{name}"]` below `begins`'))
    return Node({**base.table, **{name: node for name, node in own.table.items() if name not in twice}}, own.span, own.key)
