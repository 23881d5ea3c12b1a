"""A new driver's files: enough for it to be checked, simulated and booted, and to be gone on from (docs/drivers.md).

Gets a workspace's folder and what is wanted; gives the files, by their paths in the workspace, and writes them. What is there already
is never touched.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from composer import cache
from composer.bindings import RUST_KEYWORDS
from composer.device import parse_match
from composer.load import APP, Loaded, leaves_workspace, load
from composer.result import Result
from composer.shapes import check_name
from composer.template import make_environment
from composer.tools import ToolFailure
from composer.units import Complaint

KINDS = ("driver",)
CONSOLE = ("uart16550", "shell")
"""The apps by which the new profile shows its driver's log, where the workspace has them."""
BESIDE = ("com1", *CONSOLE)
"""Names of instances that are beside the driver in its profile."""
SOURCES = {"rust": {"Cargo.toml": "Cargo.toml", "src/main.rs": "main.rs"}, "c": {"{name}.c": "driver.c"}, "wat": {"{name}.wat": "driver.wat"}}
"""The files of each language, and their templates."""
NOT_FOR_CRATES = RUST_KEYWORDS | {"alloc", "build", "core", "deps", "examples", "incremental", "proc-macro", "std", "test"}
"""What Rust or cargo keep for themselves."""
_CRATES_OWN = re.compile(r'^name = "([^"]+)"$', re.MULTILINE)


class Unfit(ValueError):
    """What is wanted cannot be made; says why, and what to do, in words for a person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A driver: `device` is what a need for one matches."""

    name: str
    language: str
    device: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that are to be made, by path from the workspace on: those of the app's folder, and the profile."""

    folder: str
    app: Mapping[str, str]
    profile: str
    text: str

    @property
    def files(self) -> tuple[str, ...]:
        return (*(f"{self.folder}/{name}" for name in self.app), self.profile)


def plan(root: Path, wanted: Wanted) -> Result[Plan]:
    """The files of a driver; no value where the workspace cannot be read. Raises Unfit."""
    _check(wanted)
    loaded = load(root)
    if loaded.value is None:
        return Result(None, loaded.diagnostics)
    found = loaded.value
    names = {node.value for document in found.apps if (node := document.tree.get("app", "name")) and isinstance(node.value, str)}
    if wanted.name in names:
        raise Unfit(f"there is an app `{wanted.name}` already: choose another name")
    folder, profile = _folder(found, wanted.name), _profile(found, wanted.name)
    for path in (folder, profile):
        if os.path.lexists(found.root / path):
            raise Unfit(f"`{path}` is there already: choose another name, or take it away first")
        if leaves_workspace(found.root, found.root / path):
            raise Unfit(f"`{path}` is behind a link that leads out of the workspace: what an image is made of lies in the workspace")
    if wanted.language == "rust":
        _check_crate(found.root, folder, wanted.name)
    values = {"name": wanted.name, "language": wanted.language, "device": wanted.device.lower(), "console": names.issuperset(CONSOLE)}
    templates = {"app.toml": "app.toml", "device.toml": "device.toml", **SOURCES[wanted.language]}
    environment = make_environment(__file__)
    app = {name.format(name=wanted.name): environment.get_template(f"new/{template}.j2").render(values) for name, template in templates.items()}
    return Result(Plan(folder, app, profile, environment.get_template("new/profile.toml.j2").render(values)))


def write(root: Path, made: Plan) -> None:
    """Write the files: the app's folder appears when it is whole. Raises ToolFailure where that cannot be."""
    folder = root / made.folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
            whole = Path(temporary, "app")
            for name, text in made.app.items():
                (whole / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).write_text(text)
            whole.rename(folder)
    except OSError as error:
        raise ToolFailure("files", f"cannot write {made.folder}: {error.strerror}") from error
    cache.write_output(root / made.profile, made.text.encode())


def _check(wanted: Wanted) -> None:
    try:
        check_name(wanted.name)
    except Complaint as problem:
        near = re.sub(r"[^a-z0-9]+", "-", wanted.name.lower()).strip("-0123456789")[:32]
        meant = f"; did you mean `{near}`?" if near and near != "kernel" and near != wanted.name else ""
        raise Unfit(f"{problem.message}: {problem.help}{meant}") from problem
    if wanted.name in BESIDE:
        raise Unfit(f"`{wanted.name}` stands beside the driver in its profile: choose another name")
    if parse_match(wanted.device) is None:
        raise Unfit(f"`{wanted.device}` is no device: write its vendor's and its own number in hexadecimal, like 1234:11e8, or its class, like 01:06")


def _patterns(found: Loaded, key: str) -> Iterator[str]:
    listed = found.workspace.tree.get("workspace", key)
    for node in listed.value if listed and isinstance(listed.value, list) else ():
        if isinstance(node.value, str):
            yield "/".join(part for part in node.value.split("/") if part not in ("", "."))


def _folder(found: Loaded, name: str) -> str:
    """Where the workspace's patterns find a driver: among drivers, where they have a place of their own."""
    places = [place for pattern in _patterns(found, "apps") if (place := _place(pattern, name, ""))]
    drivers = [place for place in places if place.split("/")[-2:-1] == ["drivers"]]
    if not places:
        raise Unfit('no pattern of the workspace finds a new app: add one like "apps/*" to `apps` in munal.toml')
    return (drivers or places)[0]


def _profile(found: Loaded, name: str) -> str:
    places = [place for pattern in _patterns(found, "profiles") if (place := _place(pattern, name, ".toml"))]
    if not places:
        raise Unfit('no pattern of the workspace finds a new profile: add one like "profiles/*.toml" to `profiles` in munal.toml')
    return places[0]


def _place(pattern: str, name: str, ending: str) -> str | None:
    """The path of that name which a pattern finds, where only its last part leaves anything open."""
    folder, _, last = pattern.rpartition("/")
    fits = not re.search(r"[*?\[]", folder) and ".." not in folder.split("/") and fnmatchcase(f"{name}{ending}", last) and re.search(r"[*?\[]", last)
    return f"{folder}/{name}{ending}".lstrip("/") if fits else None


def _check_crate(root: Path, folder: str, name: str) -> None:
    """That a crate in the folder finds the guest library. Raises Unfit."""
    above = next((parent for parent in (root / folder).parents if (parent / "Cargo.toml").is_file() and (parent == root or root in parent.parents)), None)
    if above is None or "munal" not in _dependencies(above / "Cargo.toml"):
        raise Unfit(f"a driver in Rust is a crate of a Cargo workspace that has the library `munal`, and there is none around {folder}: choose --language c or wat")
    lock = above / "Cargo.lock"
    taken = _CRATES_OWN.findall(lock.read_text()) if lock.is_file() else []
    if name in NOT_FOR_CRATES or name in taken:
        raise Unfit(f"no crate here can be called `{name}`: {'another one is' if name in taken else 'Rust keeps that name'}; choose another name")


def _dependencies(manifest: Path) -> Mapping[str, object]:
    try:
        workspace = tomllib.loads(manifest.read_text()).get("workspace")
    except (OSError, ValueError):
        return {}
    found = workspace.get("dependencies") if isinstance(workspace, dict) else None
    return found if isinstance(found, dict) else {}
