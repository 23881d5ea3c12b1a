"""Workspaces to measure: a copy of the repository's with four variants, one with very many manifests, one with a large module.

Each gets the folder to make and how much of it; gives the folder. What is generated is the same every time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.composer.wasm.encode import module, name, section, uleb, vector

REPOSITORY = Path(__file__).resolve().parents[2]
KEPT = ("console", "minimal")
"""For the two targets of the workspace they are the four variants that are measured, whatever else the repository has."""

GENERATED = '[workspace]\nname = "generated"\nversion = "1.0.0"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\n'
INSTANCES = 8
FUNCTION_BYTES = 1024


def copy_workspace(to: Path) -> Path:
    """The manifests and apps of this repository, to be changed at will, with four variants."""
    to.mkdir()
    shutil.copy(REPOSITORY / "munal.toml", to)
    shutil.copytree(REPOSITORY / "apps", to / "apps", ignore=shutil.ignore_patterns("target", "__pycache__"))
    (to / "profiles").mkdir()
    for profile in KEPT:
        shutil.copy(REPOSITORY / "profiles" / f"{profile}.toml", to / "profiles")
    return to


def big_workspace(to: Path, apps: int, profiles: int) -> Path:
    """Every app has its own small module; each profile runs some of them, and the odd ones change the profile before."""
    _write(to / "munal.toml", GENERATED)
    for number in range(apps):
        _app(to, f"app-{number}", _module([b"\0\x41" + uleb(number % 64) + b"\x1a\x0b"]))
    for number in range(profiles):
        first = [f'[instance.i{k}]\napp = "app-{(number * INSTANCES + k) % apps}"\n' for k in range(INSTANCES)]
        changed = [f'extends = ["profile-{number - 1}"]\n', f'[instance.i0]\nlimits = {{ cpu = "{number % 90 + 10} %" }}\n']
        _write(to / f"profiles/profile-{number}.toml", "[profile]\n" + "".join(changed if number % 2 else first))
    return to


def heavy_workspace(to: Path, megabytes: int) -> Path:
    """One program whose code is that large and calls nothing of the system's."""
    _write(to / "munal.toml", GENERATED)
    body = b"\0" + b"\x41\0\x1a" * (FUNCTION_BYTES // 3) + b"\x0b"
    _app(to, "heavy", _module([body] * (megabytes * 1_000_000 // len(body))))
    _write(to / "profiles/main.toml", '[profile]\n[instance.heavy]\napp = "heavy"\n')
    return to


def _app(to: Path, called: str, wasm: bytes) -> None:
    _write(to / "apps" / called / "app.toml", f'[app]\nname = "{called}"\nkind = "program"\nbuild.wasm = "{called}.wasm"\n')
    (to / "apps" / called / f"{called}.wasm").write_bytes(wasm)


def _module(bodies: list[bytes]) -> bytes:
    """Functions () -> () of these bodies, a page of memory, and the first of the functions as the entry."""
    exports = vector(name("memory") + b"\x02\0", name("_start") + b"\0\0")
    return module(section(1, vector(b"\x60\0\0")), section(3, vector(*[b"\0"] * len(bodies))), section(5, vector(b"\0\1")),
                  section(7, exports), section(10, vector(*[uleb(len(body)) + body for body in bodies])))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
