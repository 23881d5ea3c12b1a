"""Apps' sources to wasm: by cargo, by `zig cc`, from WebAssembly text, from a prebuilt file, or by the app's own command.

Gets apps; gives one wasm file an app, in the cache, under a key of all that went into it. Where nothing changed, nothing
runs. What comes out is not looked at here: that is `inspect`'s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from composer import cache
from composer.interfaces import Interfaces
from composer.system import App
from composer.tools import ToolFailure
from composer.tree import Index

FORMAT = "6"
"""Counts up when this module builds the same source in another way."""

STACK_BYTES = 32 * 1024
"""The stack in linear memory: LLVM's 1 MiB would not fit in most apps' memory."""

MANIFEST = frozenset(("app.toml",))
"""No input of a build by itself: what bindings take from it is part of the key."""


class Given:
    """What the keys of all apps of one call share."""

    def __init__(self, root: Path, interfaces: Interfaces) -> None:
        self.index, self.interfaces = Index(root), repr(interfaces)

    @cached_property
    def rust(self) -> str:
        from composer import toolchain

        return toolchain.require_rust(kernel=False).identity("wasm-ld")


@dataclass(frozen=True, slots=True)
class Order:
    """One app to build, and the key of its wasm."""

    app: App
    key: str


def build_apps(apps: Sequence[App], root: Path, interfaces: Interfaces) -> dict[str, Path]:
    """The wasm file of each app, by the app's name. Raises ToolFailure where a compiler is missing or refuses the source."""
    given = Given(root, interfaces)
    index = given.index
    orders = [Order(app, _key(app, given)) for app in apps]
    built = {order.app.name: cache.entry("wasm", order.key) for order in orders}
    stale = [order for order in orders if built[order.app.name] is None]
    if stale:
        for order, content in _build(stale, root, index, interfaces):
            built[order.app.name] = cache.store("wasm", order.key, content)
    index.save()
    return {name: path for name, path in built.items() if path is not None}


def _build(orders: list[Order], root: Path, index: Index, interfaces: Interfaces) -> list[tuple[Order, bytes]]:
    from composer import app_builders

    forms: dict[str, list[Order]] = {}
    for order in orders:
        forms.setdefault(order.app.build.form, []).append(order)
    made: list[tuple[Order, bytes]] = []
    for form, some in forms.items():
        wasm = app_builders.BUILDERS[form]([order.app for order in some], root, index, interfaces)
        made += [(order, wasm[order.app.name]) for order in some]
    return made


def _key(app: App, given: Given) -> str:
    return cache.digest(FORMAT, app.name, app.build.form, *app.build.inputs, *_INPUTS[app.build.form](app, given))


def _cargo_inputs(app: App, given: Given) -> list[str]:
    from composer.crates import find_crate

    index = given.index
    crate = find_crate(inside(app, app.build.inputs[0]), index)
    shared = [index.file(crate.workspace / name) for name in ("Cargo.toml", "Cargo.lock", ".cargo/config.toml")]
    folders = [part for f in crate.folders for part in (os.path.relpath(f, crate.workspace), index.folder(f, MANIFEST))]
    return [given.rust, *_bound(app, given), *shared, *folders]


def _c_inputs(app: App, given: Given) -> list[str]:
    from composer import toolchain

    return [given.index.file(toolchain.C_LOCK), *_bound(app, given), given.index.folder(app.folder, MANIFEST)]


def _file_inputs(app: App, given: Given) -> list[str]:
    return [given.index.file(inside(app, app.build.inputs[0]))]


def _command_inputs(app: App, given: Given) -> list[str]:
    output = os.path.normpath(app.build.output or "")
    return [*_bound(app, given), output, given.index.folder(app.folder, frozenset((output,)))]


_INPUTS = {"cargo": _cargo_inputs, "c": _c_inputs, "wat": _file_inputs, "wasm": _file_inputs, "command": _command_inputs}


def _bound(app: App, given: Given) -> list[str]:
    """All that the app's bindings are made of: rendering them to see whether they changed would cost 70 ms."""
    here = Path(__file__).resolve().parent
    makers = [given.index.file(here / name) for name in ("bindings.py", "templates/bindings.rs.j2", "templates/bindings.h.j2")]
    needs = repr([(n.capability, n.name, n.optional, _plain(n.fields)) for n in app.needs])
    provides = repr([(p.capability, p.name, _plain(p.fields)) for p in app.provides])
    return [*makers, given.interfaces, needs, provides]


def _plain(fields: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted(fields.items(), key=lambda item: item[0])


def inside(app: App, name: str) -> Path:
    """A path in the app's folder. Raises ToolFailure where it leads out of it, also through a link."""
    path = Path(os.path.normpath(app.folder / name))
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(app.folder))
    if real != home and home not in real.parents:
        raise ToolFailure("build", f"`{name}` of app `{app.name}` lies outside of its folder")
    return path
