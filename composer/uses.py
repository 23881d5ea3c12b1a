"""How a workspace's profiles use parameters, whatever values those get: references that are spelled wrong, stand where none
can, or are missing altogether.

Gets profiles' manifests as written; gives diagnostics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from composer import references
from composer.chain import chain_of
from composer.diagnostics import Diagnostic, at, declare, warning
from composer.toml_spans import Node

if TYPE_CHECKING:
    from composer.model import Profile

M0225 = declare("M0225", "a parameter that changes nothing")

SYSTEM = ("kernel", "instance")
"""The tables of a profile that say what a system is, and so may refer to parameters; the others say how it is put together."""


def parts(tree: Node) -> list[Node]:
    """The tables that hold what a profile says of a system: its own, and those for one target."""
    overlays = tree.get("target")
    return [tree, *(overlays.table.values() if overlays else ())]


def misplaced_references(tree: Node) -> Iterator[Diagnostic]:
    """What is wrong with the references of one manifest."""
    overlays = parts(tree)[1:]
    for node in (node for part in parts(tree) for key in SYSTEM if (node := part.get(key))):
        yield from references.misspelt(node)
    plain = (tree.get("param"), tree.get("profile"), *(overlay.get(key) for overlay in overlays for key in ("set", "remove")))
    for node in plain:
        if node:
            yield from references.forbidden(node, "what is written here is taken as it is")


def used_names(tree: Node) -> set[str]:
    """The parameters that one manifest refers to, for whichever target."""
    if not references.has_marks(tree.span.source.text):
        return set()
    nodes = (node for part in parts(tree) for key in SYSTEM if (node := part.get(key)))
    return {name for node in nodes for text in references.texts(node) for name in references.names(text.value)}


def unused_parameters(manifests: Mapping[str, Profile]) -> Iterator[Diagnostic]:
    """Yield one warning for each declared parameter that nothing refers to, in any profile for which the declaration counts."""
    declared = [(profile.name, name, node) for profile in manifests.values() if (params := profile.tree.get("param"))
                for name, node in params.table.items()]
    if not declared:
        return
    used = {name: used_names(profile.tree) for name, profile in manifests.items()}
    chains = [chain_of(manifests, name) for name in manifests]
    for profile, name, node in declared:
        if not any(profile in chain and any(name in used[each] for each in chain) for chain in chains):
            yield warning(M0225, f"nothing uses the parameter `{name}`", at(node.place),
                          help=f"write `${{{name}}}` where its value should stand, or drop it")
