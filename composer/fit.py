"""Fitting a tree of nodes into a shape: pydantic judges, and what it says becomes diagnostics with places and advice.

Gets a node and a model class; gives the model, or what is wrong, at the key or value that is.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from composer.diagnostics import Diagnostic, Label, at, declare, did_you_mean, error, words
from composer.references import is_open
from composer.shapes import M0111, Shape
from composer.toml_spans import Node
from composer.units import M0106, M0107, Complaint

M0105 = declare("M0105", "a key that no manifest has")
M0109 = declare("M0109", "a key is missing")
M0115 = declare("M0115", "not exactly one of several keys")

S = TypeVar("S", bound=Shape)
Loc = tuple[int | str, ...]

_EXPECTED = {
    "int_type": "an integer", "string_type": "a string", "bool_type": "`true` or `false`", "list_type": "an array",
    "dict_type": "a table", "model_type": "a table", "model_attributes_type": "a table",
}


_WHATEVER_IT_IS = ("extra_forbidden", "missing", "dict_type", "model_type", "model_attributes_type", "list_type")
"""What is wrong whichever value a parameter has: those are no tables and no arrays."""


def fit(node: Node, shape: type[S], name: str = "", *, references: bool = False) -> S | list[Diagnostic]:
    """The model of a node, or every reason why it is none. `name` is the dotted path of the node in its manifest.

    With `references`, parameters have no values yet: what only their values can tell is no reason.
    """
    try:
        return shape.model_validate(node.plain())
    except ValidationError as found:
        problems = found.errors(include_url=False)
        sure = [p for p in problems if not (references and _is_open(_follow(node, p["loc"]), p))]
        return [_diagnostic(node, shape, name, problem) for problem in sure if not _is_misspelt(problem, problems)]


def _is_open(node: Node, problem: Any) -> bool:
    """Whether a problem may go away once parameters have their values."""
    items = node.value if isinstance(node.value, list) else [node]
    return problem["type"] not in _WHATEVER_IT_IS and any(is_open(item) for item in items)


def _is_misspelt(missing: Any, problems: list[Any]) -> bool:
    """A key is missing because another one is written in its place, which is said of that one."""
    if missing["type"] != "missing":
        return False
    *table, key = missing["loc"]
    others = [str(p["loc"][-1]) for p in problems if p["type"] == "extra_forbidden" and list(p["loc"][:-1]) == table]
    return any(did_you_mean(other, [str(key)]) for other in others)


def fit_name(check: Callable[[str], str], name: str, label: Label) -> Iterator[Diagnostic]:
    """What is wrong with a name that is written as a key."""
    try:
        check(name)
    except Complaint as complaint:
        yield error(complaint.code, complaint.message, label, help=complaint.help)


def unknown_key(key: str, node: Node, known: list[str], help: str | None = None) -> Diagnostic:
    return error(M0105, f"there is no key `{key}` here", at(node.place),
                 help=help or did_you_mean(key, known) or (f"the keys here are {words(known)}" if known else "this table has no keys"))


def missing_key(key: str, table: Node, what: str = "", notes: tuple[str, ...] = ()) -> Diagnostic:
    """`table` lacks `key`; pointed at is the table's header, or the whole of an inline table."""
    return error(M0109, f"{what or 'this table'} has no `{key}`", at(table.span, f"`{key}` is missing here"), notes=notes)


def describe(node: Node) -> str:
    """What stands there, for "found ..."."""
    value, text = node.value, node.text if len(node.text) <= 40 else f"{node.text[:40]}…"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    kinds = ((bool, "the boolean"), (int, "the integer"), (float, "the float"), (str, "the string"),
             (datetime.date, "the date"), (datetime.time, "the time"))
    kind = next((words for type_, words in kinds if isinstance(value, type_)), "the value")
    return f"{kind} {text}"


def _diagnostic(root: Node, shape: type[Shape], path: str, problem: Any) -> Diagnostic:
    loc: Loc = problem["loc"]
    node, kind, context = _follow(root, loc), problem["type"], problem.get("ctx", {})
    name = next((str(part) for part in reversed(loc) if isinstance(part, str)), path)
    if kind == "value_error":
        return _complaint(name, node, context["error"])
    if kind == "extra_forbidden":
        return _unknown(shape, loc, node)
    if kind == "missing":
        return _missing(root, path, loc)
    if kind in ("greater_than_equal", "less_than_equal"):
        return _out_of_range(name, node, context)
    if kind == "literal_error":
        return _no_choice(name, node, context["expected"])
    if kind in ("too_short", "too_long"):
        bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return error(M0107, f"`{name}` takes {bound} values", at(node.span, f"these are {len(node.value)}"))
    return error(M0106, f"expected {_EXPECTED.get(kind, 'another value')} for `{name}`, found {describe(node)}", at(node.span))


def _complaint(name: str, node: Node, complaint: ValueError) -> Diagnostic:
    if not isinstance(complaint, Complaint):
        return error(M0106, f"`{name}` cannot be {describe(node)}", at(node.span))
    found = f" for `{name}`, found {describe(node)}" if complaint.message.startswith("expected ") else ""
    return error(complaint.code, complaint.message + found, at(node.span), help=complaint.help)


def _unknown(shape: type[Shape], loc: Loc, node: Node) -> Diagnostic:
    key, around = str(loc[-1]), _shape_at(shape, loc[:-1])
    known = list(around.model_fields) if around else []
    deeper = next((name for name in known if key in _columns_of(around, name)), None)
    return unknown_key(key, node, known, f"`{key}` belongs to `{deeper}`" if deeper and not did_you_mean(key, known) else None)


def _missing(root: Node, path: str, loc: Loc) -> Diagnostic:
    table = _follow(root, loc[:-1])
    what = ".".join(str(part) for part in (*filter(None, (path,)), *loc[:-1]))
    return missing_key(str(loc[-1]), table, f"`{what}`" if what else "this manifest")


def _out_of_range(name: str, node: Node, context: dict[str, Any]) -> Diagnostic:
    bound = context.get("ge", context.get("le"))
    text = f"{bound:#x}" if node.text.lower().startswith("0x") else str(bound)
    side = "at least" if "ge" in context else "at most"
    return error(M0107, f"`{name}` is {describe(node).removeprefix('the integer ')}, but {side} {text} is possible", at(node.span))


def _no_choice(name: str, node: Node, expected: str) -> Diagnostic:
    choices = expected.replace("'", "`")
    known = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if not isinstance(node.value, str):
        return error(M0106, f"expected {choices} for `{name}`, found {describe(node)}", at(node.span))
    return error(M0111, f"`{name}` cannot be `{node.value[:40]}`", at(node.span, f"expected {choices}"), help=did_you_mean(node.value, known))


def _follow(node: Node, loc: Loc) -> Node:
    """The node at a location of pydantic's, or the deepest one on the way."""
    for part in loc:
        inner = node.value
        if isinstance(inner, dict) and part in inner or isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            node = inner[part]
        else:
            break
    return node


def _shape_at(shape: type[Shape], loc: Loc) -> type[BaseModel] | None:
    """The model that judges the table at a location; keys of a dict of models are passed through."""
    found: type[BaseModel] | None = shape
    through_key = False
    for part in loc:
        if through_key:
            through_key = False
            continue
        field = found.model_fields.get(str(part)) if found else None
        annotation = field.annotation if field else None
        found = _model_in(annotation)
        through_key = getattr(annotation, "__origin__", None) is dict
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


def _columns_of(shape: type[BaseModel] | None, name: str) -> list[str]:
    inner = _model_in(shape.model_fields[name].annotation) if shape else None
    return list(inner.model_fields) if inner else []
