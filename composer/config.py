"""A system written out: every value that a variant comes to, with where it was written and what it took the place of.

Gets a joined profile and its system; gives values in the order in which a manifest has them, and from those a profile in
TOML that extends nothing and comes to the same system, or plain data for JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer import references, units
from composer.edit import Hex, dotted, shown
from composer.merge import Merged, file_and_line
from composer.resolve import Joined
from composer.shapes import WHOLE_CPU
from composer.system import Grant, Instance, Need, System
from composer.toml_spans import Node, leaves

WIDEST = 56
"""Up to this column, the comments of a table stand below each other."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the system. `text` is what stands for it in TOML; `origin` says where it is from, in words; `at` is the file
    and line, None for what nobody wrote; `through` are the profiles that it came through, `settings` the parameters that it
    was made of with who set them, `replaced` what was written before, the last one first."""

    path: tuple[str, ...]
    value: Any
    text: str
    origin: str
    at: str | None = None
    through: tuple[str, ...] = ()
    settings: tuple[tuple[str, str, str], ...] = ()
    replaced: tuple[tuple[Any, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Expanded:
    """A system and all its values. `removed` are the paths that profiles took away, each with the place that says so."""

    system: System
    summary: str
    targets: tuple[str, ...]
    values: tuple[Value, ...]
    parameters: tuple[Value, ...]
    removed: tuple[tuple[str, str], ...]


def expand(joined: Joined, system: System) -> Expanded:
    """Write out a system that was resolved without errors."""
    merged = joined.merged
    summary = merged.profile.tree.get("profile", "summary")
    values = (*_kernel(merged), *(value for instance in system.instances for value in _instance(merged, instance)))
    settings = sorted(merged.substitution.settings.values(), key=lambda setting: setting.name)
    parameters = tuple(Value((s.name,), s.value, s.shown, s.origin) for s in settings)
    removed = tuple((".".join(path), file_and_line(item)) for path, item in merged.gone.items() if merged.tree.get(*path) is None)
    return Expanded(system, str(summary.value) if summary else "", (joined.target.name,) if joined.target else (), values, parameters, removed)


# Values

def _kernel(merged: Merged) -> Iterator[Value]:
    kernel = merged.tree.get("kernel")
    found = list(_written(merged, kernel, ("kernel",))) if kernel else []
    yield from found or [Value(("kernel", "emergency"), False, "false", "default of kernel.emergency")]


def _instance(merged: Merged, instance: Instance) -> Iterator[Value]:
    here = ("instance", instance.name)
    node = merged.tree.get(*here)
    assert node is not None
    if instance.proof and not node.get("proof"):
        place = f"{instance.proof.span.source.path}:{instance.proof.span.line}"
        yield Value((*here, "proof"), "required", '"required"', f"{place}, for all instances", place)
    first = [key for key in node.table if key not in ("grant", "limits", "restart")]
    for key in sorted(first, key=lambda key: key != "app"):
        yield from _written(merged, node.table[key], (*here, key))
    for grant in instance.grants:
        yield from _grant(merged, node, grant, (*here, "grant", grant.need.capability, grant.need.name))
    yield from _or_default(merged, node, here, ("limits", "memory"), units.format_size(instance.memory), instance.app.path)
    yield from _or_default(merged, node, here, ("limits", "cpu"), units.format_share(instance.cpu_permille or WHOLE_CPU))
    yield from _or_default(merged, node, here, ("limits", "period"), units.format_duration(instance.bounds.period_ms))
    if instance.bounds.cpu_time_ms is not None:
        yield from _or_default(merged, node, here, ("limits", "cpu_time"), units.format_duration(instance.bounds.cpu_time_ms))
    yield from _or_default(merged, node, here, ("limits", "handles"), instance.bounds.handles)
    if not node.get("priority"):
        yield Value((*here, "priority"), instance.bounds.priority.value, shown(instance.bounds.priority.value), "default of priority")
    yield from _or_default(merged, node, here, ("restart", "policy"), instance.restart.policy)
    yield from _or_default(merged, node, here, ("restart", "backoff"), units.format_duration(instance.restart.backoff_ms))
    yield from _or_default(merged, node, here, ("restart", "limit"), instance.restart.limit)


def _or_default(merged: Merged, node: Node, here: tuple[str, ...], path: tuple[str, str], default: Any, by: str | None = None) -> Iterator[Value]:
    leaf = node.get(*path)
    if leaf:
        yield from _written(merged, leaf, (*here, *path))
    else:
        yield Value((*here, *path), default, shown(default), f"default of {by or '.'.join(path)}")


def _grant(merged: Merged, node: Node, grant: Grant, path: tuple[str, ...]) -> Iterator[Value]:
    decision = node.get("grant", grant.need.capability, grant.need.name)
    if decision is None:
        yield _undecided(grant, path)
        return
    # A table that is written empty is one of defaults alone, each of them a value of its own.
    if decision.table or not grant.value:
        yield from _written(merged, decision, path)
    for key, value in (grant.value or {}).items():
        if key not in decision.table:
            plain = list(value) if isinstance(value, tuple) else value
            yield Value((*path, key), plain, shown(plain), f"default of {grant.need.capability}.{key}")


def _undecided(grant: Grant, path: tuple[str, ...]) -> Value:
    """For a need of which no profile says anything."""
    if grant.granted:
        return Value(path, {}, "{}", f"implied by {_line(grant.need)}")
    return Value(path, False, "false", f"{'optional' if grant.need.optional else 'needed'} in {_line(grant.need)}, not granted")


def _line(need: Need) -> str:
    return f"{need.span.source.path}:{need.span.line}"


def _written(merged: Merged, node: Node, path: tuple[str, ...]) -> Iterator[Value]:
    """The values that a person wrote at a path and below it."""
    for below, leaf in leaves(node):
        settings = tuple((s.name, s.shown, s.origin) for s in merged.substitution.settings_of(leaf))
        origin = f"{file_and_line(leaf)}{merged.way(leaf)}{merged.substitution.note(leaf)}{merged.before(leaf)}"
        replaced = tuple((old.plain(), file_and_line(old)) for old in merged.replaced.get(id(leaf), ())[1:])
        yield Value((*path, *below), leaf.plain(), _text(merged, leaf), origin, file_and_line(leaf),
                    merged.ways.get(leaf.span.source.path, ()), settings, replaced)


def _text(merged: Merged, leaf: Node) -> str:
    """As the person wrote it, where that can stand on a line of its own and nothing in it was a reference."""
    plain, settings = leaf.plain(), merged.substitution.settings_of(leaf)
    if type(plain) is int and len(settings) == 1 and settings[0].shown.lower().startswith("0x"):
        return shown(Hex(plain))
    if id(leaf) in merged.substitution.uses or "\n" in leaf.text or isinstance(plain, (dict, list)):
        return shown(_escaped(plain))
    return leaf.text


def _escaped(plain: Any) -> Any:
    """What is printed is a profile again, in which `${` would be a reference."""
    if isinstance(plain, list):
        return [_escaped(item) for item in plain]
    return references.escaped(plain) if isinstance(plain, str) else plain


# Forms

def to_toml(expanded: Expanded) -> str:
    """A profile that comes to the same system by itself, each value with its origin as a comment."""
    system = expanded.system
    lines = [f"# `{system.variant}` as it is composed: every value, and where it is from."]
    lines += [f"# With {value.path[0]} = {value.text}, by {value.origin}." for value in expanded.parameters]
    lines += [f"# Without {path}, removed by {place}." for path, place in expanded.removed]
    lines += ["", "[profile]", f"summary = {shown(expanded.summary)}"]
    lines += ['clock = "instructions"'] if system.counts_instructions else []
    lines += [f"targets = {shown(list(expanded.targets))}"] if expanded.targets else []
    tables: dict[tuple[str, ...], list[Value]] = {}
    for value in expanded.values:
        tables.setdefault(value.path[: 1 if value.path[0] == "kernel" else 2], []).append(value)
    for path, values in tables.items():
        lines += ["", f"[{dotted(path)}]", *_lines(path, values)]
    return "\n".join(lines) + "\n"


def _lines(table: tuple[str, ...], values: list[Value]) -> Iterator[str]:
    pairs = [(f"{dotted(value.path[len(table) :])} = {value.text}", value.origin) for value in values]
    wide = max((len(pair) for pair, _ in pairs if len(pair) <= WIDEST), default=0)
    yield from (f"{pair:{wide}}  # {_one_line(origin)}" for pair, origin in pairs)


def _one_line(text: str) -> str:
    """What may stand in a comment (TOML 1.0, comments: no control characters but tabs)."""
    from composer.render import escape

    return escape(text)


def to_data(expanded: Expanded) -> dict[str, Any]:
    """The same for JSON."""
    system = expanded.system
    return {
        "profile": system.profile, "target": system.target, "summary": expanded.summary,
        "parameters": {value.path[0]: {"value": value.value, "origin": value.origin} for value in expanded.parameters},
        "removed": [{"path": path, "at": place} for path, place in expanded.removed],
        "values": [_value_data(value) for value in expanded.values],
    }


def _value_data(value: Value) -> dict[str, Any]:
    return {
        "path": list(value.path), "value": value.value, "origin": value.origin, "at": value.at, "through": list(value.through),
        "settings": [{"name": name, "value": text, "by": by} for name, text, by in value.settings],
        "replaced": [{"value": old, "at": place} for old, place in value.replaced],
    }
