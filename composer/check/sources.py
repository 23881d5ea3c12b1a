"""Rules about what apps are built from: it is there, and it lies in the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composer.diagnostics import Diagnostic, at, did_you_mean, error, rule
from composer.load import M0114, leaves_workspace
from composer.system import App, System


@rule("M0116", "an app is built from a file that is not there")
def check_sources_exist(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What a command reads and leaves is its own matter, except that it stays in the workspace."""
    for app in system.apps:
        for path in (app.build.output,) if app.build.output else app.build.inputs:
            yield from _check_path(system, app, path)


def _check_path(system: System, app: App, path: str) -> Iterator[Diagnostic]:
    wanted = app.folder / path / "Cargo.toml" if app.build.form == "cargo" else app.folder / path
    if leaves_workspace(system.root, wanted):
        yield error(M0114, f"`{app.name}` is built from `{path}`, which lies outside of the workspace", at(app.build.span),
                    help="what an image is made of lies in the workspace: copy it")
    elif app.build.form != "command" and not os.path.isfile(wanted):
        is_cargo = app.build.form == "cargo"
        what = f"no `Cargo.toml` in `{path}`" if is_cargo else f"no file `{path}`"
        advice = "name the folder of a Rust package, relative to the app's" if is_cargo else did_you_mean(wanted.name, _names(wanted.parent))
        yield error("M0116", f"`{app.name}` cannot be built: there is {what}", at(app.build.span), help=advice)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
