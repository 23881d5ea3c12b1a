"""Parameters: what profiles declare, and which value each has in one variant, from its default, a profile's `set` or -D.

Gets the declarations of a chain of profiles and the values that were chosen; gives a setting for each parameter, or what is
wrong with it, with the places of both the value and the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from composer import references, units
from composer.diagnostics import Diagnostic, Label, at, declare, did_you_mean, error, words
from composer.fit import describe
from composer.shapes import check_name
from composer.toml_spans import Node
from composer.units import M0106, Complaint

M0120 = declare("M0120", "a parameter whose declaration makes no sense")
M0221 = declare("M0221", "a parameter that no profile declares")
M0222 = declare("M0222", "a parameter without a value")
M0223 = declare("M0223", "a value that does not fit its parameter")
M0224 = declare("M0224", "a parameter that is declared again in another way")

LONGEST_TEXT = 200

_INTEGER = re.compile(r"[+-]?[0-9](?:_?[0-9])*|0x[0-9a-fA-F](?:_?[0-9a-fA-F])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """A parameter's type. `read` gives a manifest's value in the form that can be compared, or raises Complaint; `parse` makes
    that of a text after -D; `show` is the text again. `textual` ones are texts in manifests, and `words` may stand within
    longer ones."""

    expected: str
    example: str
    read: Callable[[object], Any]
    parse: Callable[[str], Any]
    show: Callable[[Any], str] = str
    ordered: bool = False
    textual: bool = True
    words: bool = False


def _integer(written: object) -> int:
    if type(written) is not int:
        raise Complaint(M0106, "expected an integer")
    return written


def _boolean(written: object) -> bool:
    if not isinstance(written, bool):
        raise Complaint(M0106, "expected `true` or `false`")
    return written


def _text(written: object) -> str:
    if not isinstance(written, str) or len(written) > LONGEST_TEXT or not written.isprintable():
        raise Complaint(M0106, f"expected a printable string of at most {LONGEST_TEXT} characters")
    return written


def _instance(written: object) -> str:
    return check_name(_text(written))


def _parsed_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > 80:
        raise Complaint(M0106, "expected an integer")
    return int(text, 0 if text[:2].lower() in ("0x", "0o", "0b") else 10)


def _parsed_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Complaint(M0106, "expected `true` or `false`")
    return text == "true"


KINDS: dict[str, Kind] = {
    "integer": Kind("an integer", "0x3f8", _integer, _parsed_integer, ordered=True, textual=False),
    "boolean": Kind("`true` or `false`", "true", _boolean, _parsed_boolean, lambda value: "true" if value else "false", textual=False),
    "string": Kind("a string", "text", _text, _text, words=True),
    "choice": Kind("one of its choices", "text", _text, _text, words=True),
    "instance": Kind("the name of an instance", "com1", _instance, _instance, words=True),
    "size": Kind("a size", '"256 KiB"', units.parse_size, units.parse_size, units.format_size, ordered=True),
    "duration": Kind("a duration", '"100 ms"', units.parse_duration, units.parse_duration, units.format_duration, ordered=True),
    "share": Kind("a share", '"20 %"', units.parse_share, units.parse_share, units.format_share, ordered=True),
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One profile's `[param.<name>]`."""

    profile: str
    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a parameter's values: `key` is min, max or choices, `value` what stands there in the form that compares."""

    key: str
    value: Any
    node: Node
    profile: str

    def admits(self, value: Any) -> bool:
        if self.key == "choices":
            return value in self.value
        return value >= self.value if self.key == "min" else value <= self.value

    def within(self, other: Bound) -> bool:
        """Whether this admits no more than the other bound of the same key."""
        return set(self.value) <= set(other.value) if self.key == "choices" else other.admits(self.value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What all declarations of one name come to. `node` is the first one, `type_node` says its type."""

    name: str
    kind: Kind
    node: Node
    type_node: Node
    bounds: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter's value in one variant. `value` is as manifests have it, `text` as -D takes it; `written` is where it stands,
    None for one that `given`, the text after -D, says."""

    parameter: Parameter
    value: Any
    text: str
    written: Node | None
    given: str | None = None

    @property
    def name(self) -> str:
        return self.parameter.name

    @property
    def shown(self) -> str:
        """The value as the person wrote it."""
        return self.given if self.given is not None or self.written is None else self.written.text

    @property
    def origin(self) -> str:
        """Who says so: `-D port=1`, or the file and line."""
        return f"-D {self.name}={self.given}" if self.written is None else f"{self.written.span.source.path}:{self.written.span.line}"


def make_parameters(declared: Sequence[Declaration], ancestors: Callable[[str], Collection[str]], said: list[Diagnostic]) -> dict[str, Parameter | None]:
    """Every declared parameter of a chain, whose profiles come parents first; None where its declarations make no sense."""
    by_name: dict[str, list[Declaration]] = {}
    for each in declared:
        by_name.setdefault(each.name, []).append(each)
    return {name: _parameter(name, parts, ancestors, said) for name, parts in by_name.items()}


def _parameter(name: str, parts: list[Declaration], ancestors: Callable[[str], Collection[str]], said: list[Diagnostic]) -> Parameter | None:
    before = len(said)
    types = [node for part in parts if (node := part.node.get("type"))]
    if not types:
        said.append(error(M0120, f"the parameter `{name}` has no type", at(parts[0].node.place), help=f"add `type`: one of {words(list(KINDS))}"))
        return None
    said.extend(_other_type(name, types[0], other) for other in types[1:] if other.value != types[0].value)
    kind = KINDS[types[0].value]
    bounds = [bound for part in parts for bound in _bounds(part, types[0].value, said)]
    if types[0].value == "choice" and not any(bound.key == "choices" for bound in bounds):
        said.append(error(M0120, f"the parameter `{name}` is a choice without choices", at(types[0].span), help='add them, like `choices = ["low", "high"]`'))
    said.extend(_wider(name, new, old) for k, new in enumerate(bounds) for old in bounds[:k]
                if new.key == old.key and old.profile in ancestors(new.profile) and not new.within(old))
    return Parameter(name, kind, parts[0].node, types[0], tuple(bounds)) if len(said) == before else None


def _bounds(part: Declaration, type_: str, said: list[Diagnostic]) -> list[Bound]:
    kind, made = KINDS[type_], []
    for key in ("min", "max", "choices"):
        node = part.node.get(key)
        if node is None:
            continue
        if type_ == "boolean" or (key != "choices" and not kind.ordered):
            said.append(error(M0120, f"`{key}` means nothing for `{part.name}`, which is {_a(type_)}", at(node.place), help="drop it"))
            continue
        try:
            value = tuple(kind.read(item.value) for item in node.value) if key == "choices" else kind.read(node.value)
        except Complaint as complaint:
            said.append(error(M0120, f"`{key}` of `{part.name}` is not {kind.expected}", at(node.span, complaint.message), help=complaint.help))
            continue
        made.append(Bound(key, value, node, part.profile))
    ends = {bound.key: bound for bound in made}
    if "min" in ends and "max" in ends and ends["min"].value > ends["max"].value:
        said.append(error(M0120, f"`{part.name}` can have no value: its `min` is above its `max`", at(ends["min"].node.span), at(ends["max"].node.span)))
    return made


def _a(type_: str) -> str:
    return f"{'an' if type_[0] in 'aeiou' else 'a'} {type_}"


def _other_type(name: str, first: Node, second: Node) -> Diagnostic:
    return error(M0224, f"`{name}` is declared as {_a(second.value)} here and as {_a(first.value)} there", at(second.span, "this is the second"),
                 at(first.span, "the first is here"), help="a parameter keeps its type: give the new one another name")


def _wider(name: str, new: Bound, old: Bound) -> Diagnostic:
    return error(M0224, f"`{name}` cannot be widened: a profile may only narrow what it extends", at(new.node.span, "wider than what it extends"),
                 at(old.node.span, f"`{old.profile}` says this"), help=f"drop this `{new.key}`, or widen it in `{old.profile}`")


def make_settings(profile: str, parameters: Mapping[str, Parameter | None], chosen: Mapping[str, Node], given: Mapping[str, str],
                  said: list[Diagnostic]) -> dict[str, Setting]:
    """The value of each parameter that has a fitting one: from `given`, else from what profiles say."""
    known = sorted(parameters)
    for name, node in chosen.items():
        if name not in parameters:
            said.append(error(M0221, f"a value is set for `{name}`, which no profile here declares", at(node.place),
                              help=did_you_mean(name, known) or f"declare it: `[param.{name}]`"))
    for name, text in given.items():
        if name not in parameters:
            said.append(error(M0221, f"`-D {name}={text}` sets a parameter that `{profile}` does not have",
                              help=did_you_mean(name, known) or (f"it has {words(known)}" if known else f"`{profile}` has no parameters")))
    made = {}
    for name, parameter in parameters.items():
        setting = _setting(parameter, chosen.get(name), given.get(name), said) if parameter else None
        if setting:
            made[name] = setting
    return made


def _setting(parameter: Parameter, node: Node | None, given: str | None, said: list[Diagnostic]) -> Setting | None:
    if given is None and node is None:
        said.append(error(M0222, f"the parameter `{parameter.name}` has no value", at(parameter.node.place, "declared without a default"),
                          help=f"give it one with `-D {parameter.name}=…`, or in the profile: `set = {{ {parameter.name} = … }}`"))
        return None
    # A default that does not fit is said even where -D would hide it; a reference in its place has been said.
    written = _fitting(parameter, node, None, said) if node and not references.is_open(node) else None
    return _fitting(parameter, None, given, said) if given is not None else written


def _fitting(parameter: Parameter, node: Node | None, given: str | None, said: list[Diagnostic]) -> Setting | None:
    kind = parameter.kind
    what = f"`-D {parameter.name}={given}`" if node is None else f"`{parameter.name}`"
    here = [at(node.span)] if node else []
    try:
        value = kind.read(node.value) if node else kind.parse(given or "")
    except Complaint as complaint:
        found = f", found {describe(node)}" if node else ""
        example = kind.example if node else f"-D {parameter.name}={kind.example.strip(chr(34))}" if parameter.type_node.value != "choice" else None
        said.append(error(M0223, f"{what} is not {kind.expected}{found}", *here, at(parameter.type_node.span, "its type is declared here"),
                          help=complaint.help or (f"write one like `{example}`" if example else None)))
        return None
    broken = next((bound for bound in parameter.bounds if not bound.admits(value)), None)
    if broken:
        said.append(_out_of_bounds(parameter, what, kind.show(value), broken, here))
        return None
    text = kind.show(value)
    return Setting(parameter, text if kind.textual else value, text, node, given)


def _out_of_bounds(parameter: Parameter, what: str, value: str, bound: Bound, here: list[Label]) -> Diagnostic:
    if bound.key == "choices":
        choices = [parameter.kind.show(each) for each in bound.value]
        return error(M0223, f"{what} is none of the choices", *here, at(bound.node.span, f"`{parameter.name}` is one of these"), help=did_you_mean(value, choices))
    side = "at least" if bound.key == "min" else "at most"
    return error(M0223, f"{what} is out of bounds", *here, at(bound.node.span, f"`{parameter.name}` is {side} this"))
