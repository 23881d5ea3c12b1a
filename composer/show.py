"""What a stage gave, as plain values for JSON: `munal build --until STAGE --format json`.

Gets the value of any stage; gives dicts, lists, text and numbers. A span becomes `file:line:column`, a path is relative to
the workspace, bytes become their length and digest, and what is described in full elsewhere becomes its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from composer.layout import HandleKind
from composer.load import Document
from composer.output import Built
from composer.pipeline import Compiled, Generated, Inspected
from composer.spans import Span, WasmPlace
from composer.system import App, Instance, System, Wire
from composer.toml_spans import Node


def to_data(value: Any, root: Path) -> Any:
    """The value with JSON's types alone; `root` is the workspace's folder. Raises TypeError for what no stage gives."""
    return _plain(value, root)


def _plain(value: Any, root: Path) -> Any:
    for kind, show in _SHOWN.items():
        if isinstance(value, kind):
            return show(value, root)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, root) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, root) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item, root) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value, root)
    raise TypeError(f"nothing is known of how to show a {type(value).__name__}")


def _fields(value: Any, root: Path, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {f.name: _plain(getattr(value, f.name), root) for f in fields(value) if f.name not in without}


def _path(path: Path, root: Path) -> str:
    """Relative to the workspace where it lies there; of what lies in the cache, the name alone."""
    if not path.is_absolute():
        return path.as_posix()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _bytes(value: bytes, root: Path) -> dict[str, Any]:
    return {"length": len(value), "sha256": hashlib.sha256(value).hexdigest()}


def _node(node: Node, root: Path) -> Any:
    return _toml(node.plain())


def _toml(value: Any) -> Any:
    """TOML has dates, and JSON has none."""
    if isinstance(value, dict):
        return {key: _toml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_toml(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _instance(instance: Instance, root: Path) -> dict[str, Any]:
    grants = [{"capability": g.need.capability, "need": g.need.name, "value": _plain(g.value, root), "at": str(g.span),
               "notes": list(g.notes)} for g in instance.grants]
    return {**_fields(instance, root, ("app", "grants")), "app": instance.app.name, "grants": grants}


def _wire(wire: Wire, root: Path) -> dict[str, Any]:
    provide = f"{wire.server}.{wire.provide.name}" if wire.provide else "kernel.log"
    return {"capability": wire.capability, "client": wire.client, "need": wire.need.name, "from": provide, "at": str(wire.span)}


def _system(system: System, root: Path) -> dict[str, Any]:
    return {**_fields(system, root), "apps": {app.name: _plain(app, root) for app in system.apps}}


def _inspected(value: Inspected, root: Path) -> dict[str, Any]:
    return {"profile": value.system.profile, "facts": _plain(value.facts, root)}


def _generated(value: Generated, root: Path) -> dict[str, Any]:
    return {"profile": value.system.profile, "layout": _plain(value.layout, root), "glue": dict(value.glue)}


def _compiled(value: Compiled, root: Path) -> dict[str, Any]:
    return {"profile": value.generated.system.profile, "modules": _plain(value.modules, root)}


_SHOWN: dict[type, Callable[[Any, Path], Any]] = {
    Span: lambda span, root: str(span),
    WasmPlace: lambda place, root: str(place),
    Path: _path,
    bytes: _bytes,
    Node: _node,
    Document: lambda document, root: {"path": document.source.path, "content": _node(document.tree, root)},
    HandleKind: lambda kind, root: kind.name.lower().replace("_", " "),
    Enum: lambda value, root: value.value,
    App: lambda app, root: _fields(app, root),
    Instance: _instance,
    Wire: _wire,
    System: _system,
    Inspected: _inspected,
    Generated: _generated,
    Compiled: _compiled,
    Built: lambda built, root: _fields(built, root),
}
"""Who is shown otherwise than by its fields; the first that fits counts."""
