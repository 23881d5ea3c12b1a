"""References to parameters in manifests: `"${console-port}"` is a parameter's value, `$${` the text `${`.

Gets trees of nodes; gives the names that they refer to, what is wrong with how that is written, and trees with values in
place of references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.diagnostics import Diagnostic, at, declare, error
from composer.spans import Span
from composer.toml_spans import Node

M0118 = declare("M0118", "a reference to a parameter that is not spelled as one")
M0119 = declare("M0119", "a reference to a parameter where none can stand")

_MARK = re.compile(r"\$\$\{|\$\{(?:([a-z][a-z0-9-]*)\})?")
"""The text `${`, or a reference; without a name, one that is not spelled as it should be."""


def names(text: str) -> tuple[str, ...]:
    """The parameters that a text refers to, in its order."""
    return tuple(found[1] for found in _MARK.finditer(text) if found[1])


def whole(text: str) -> str | None:
    """The parameter that the whole text refers to; None where something else stands beside it."""
    found = _MARK.fullmatch(text)
    return found[1] if found else None


def has_marks(text: str) -> bool:
    """Whether a text is other than it reads: it holds a reference, or a `$${`."""
    return "${" in text


def is_open(node: Node) -> bool:
    """Whether what stands here is not what it reads, so that only a variant's settings tell."""
    return isinstance(node.value, str) and has_marks(node.value)


def is_misspelt(text: str) -> bool:
    """Whether something in a text starts like a reference and is none."""
    return any(found[0] == "${" for found in _MARK.finditer(text))


def without_marks(text: str, values: dict[str, str]) -> str:
    """The text with values in place of references, and `${` for `$${`. Raises KeyError for a name without value."""
    return _MARK.sub(lambda found: values[found[1]] if found[1] else "${" if found[0] == "$${" else found[0], text)


def escaped(text: str) -> str:
    """A text that stands for itself where references are looked for."""
    return text.replace("${", "$${")


def place(node: Node, name: str) -> Span:
    """Where in a value its reference to `name` stands."""
    start = node.text.find(f"${{{name}}}")
    return node.span if start < 0 else Span(node.span.source, node.span.start + start, node.span.start + start + len(name) + 3)


def texts(node: Node) -> Iterator[Node]:
    """Every text below `node` that holds a mark; keys are no values."""
    if isinstance(node.value, str):
        if has_marks(node.value):
            yield node
        return
    inner = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    for child in inner:
        yield from texts(child)


def misspelt(node: Node) -> Iterator[Diagnostic]:
    """What is wrong with references below `node`: how they are spelled, and those that stand in keys."""
    for text in texts(node):
        if is_misspelt(text.value):
            yield error(M0118, "this is no reference to a parameter", at(text.span),
                        help="write a name in braces, like `${console-port}`; for the text `${` itself write `$${`")
    yield from _in_keys(node)


def _in_keys(node: Node) -> Iterator[Diagnostic]:
    for key, child in node.table.items():
        if has_marks(key):
            yield error(M0119, "a reference cannot stand in a key", at(child.place),
                        help="parameters stand for values: write the key itself, and let a target or another profile change it")
        yield from _in_keys(child)


def forbidden(node: Node, why: str) -> Iterator[Diagnostic]:
    """For a part of a manifest whose values are always plain."""
    for text in texts(node):
        if names(text.value):
            yield error(M0119, "a reference cannot stand here", at(text.span, why), help="references stand for values in `kernel` and `instance`")
