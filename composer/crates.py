"""Which folders a Rust crate is built from: its own and those of its path dependencies, all the way.

Gets a crate's folder; gives its workspace and its folders. Read from Cargo.toml without running cargo, which takes 100 ms.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer.tools import ToolFailure
from composer.tree import Index

DEPENDENCIES = ("dependencies", "build-dependencies")


@dataclass(frozen=True, slots=True)
class Crate:
    """`workspace` is the folder of the Cargo.toml that holds [workspace], the crate's own where there is none."""

    folder: Path
    workspace: Path
    folders: tuple[Path, ...]


def find_crate(folder: Path, index: Index) -> Crate:
    """The crate in `folder`. Raises ToolFailure where there is no readable Cargo.toml."""
    workspace = _workspace(folder, index)
    folders: dict[Path, None] = {}
    open_ = [folder]
    while open_:
        next_ = open_.pop()
        if next_ not in folders:
            folders[next_] = None
            open_ += _path_dependencies(next_, workspace if next_ == folder else _workspace(next_, index), index)
    return Crate(folder, workspace, tuple(sorted(folders)))


def _workspace(folder: Path, index: Index) -> Path:
    for parent in (folder, *folder.parents):
        manifest = parent / "Cargo.toml"
        if (sha := index.file(manifest)) and index.note(f"workspace {sha}", lambda m=manifest: "workspace" in _read(m)):
            return parent
    return folder


def _path_dependencies(folder: Path, workspace: Path, index: Index) -> list[Path]:
    shas = [index.file(f / "Cargo.toml") for f in (folder, workspace)]
    if not shas[0]:
        raise ToolFailure("cargo", f"there is no Cargo.toml in {folder}")
    key = f"paths {shas[0]} {shas[1]} {os.path.relpath(folder, workspace)}"
    found = index.note(key, lambda: sorted(set(_paths(folder, workspace))))
    return [Path(os.path.normpath(folder / path)) for path in found]


def _paths(folder: Path, workspace: Path) -> Iterator[str]:
    """The path dependencies in a Cargo.toml, relative to its folder."""
    shared = _table(_table(_read(workspace / "Cargo.toml"), "workspace"), "dependencies")
    inherited = os.path.relpath(workspace, folder)
    for table in _dependency_tables(_read(folder / "Cargo.toml")):
        for name, value in table.items():
            if not isinstance(value, dict):
                continue
            if isinstance(value.get("path"), str):
                yield os.path.normpath(value["path"])
            elif value.get("workspace") is True and isinstance(path := _table(shared, name).get("path"), str):
                yield os.path.normpath(os.path.join(inherited, path))


def _dependency_tables(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    targets = _table(manifest, "target")
    for place in (manifest, *(_table(targets, name) for name in targets)):
        for kind in DEPENDENCIES:
            yield _table(place, kind)


def _table(table: dict[str, Any], name: str) -> dict[str, Any]:
    value = table.get(name)
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ToolFailure("cargo", f"cannot read {path}: {error}") from error
