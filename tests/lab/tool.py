"""The program in tests/tools/lab, built by cargo for this machine: it writes the modules that the lab runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from composer import cache
from composer.cargo import Cargo
from composer.toolchain import require_rust
from composer.tree import Index

FOLDER = Path(__file__).resolve().parents[1] / "tools" / "lab"
BINARY = "munal-lab"


def program() -> Path:
    """The built program, kept by the content of its source."""
    rust = require_rust(kernel=False)
    index = Index(FOLDER)
    key = cache.digest("1", rust.identity("cc"), index.folder(FOLDER))
    index.save()
    found = cache.entry("lab-tool", key)
    if found is None:
        with cache.work("lab-tool") as area:
            cargo = Cargo(rust, area, FOLDER / "Cargo.toml", "building the lab's tool", words=())
            cargo.build()
            found = cache.store("lab-tool", key, cargo.target / "release" / BINARY)
    return found


def digest() -> str:
    """Changes whenever the program may write other modules."""
    return program().name


def run(*words: str | Path) -> None:
    """Run the program; what it says of a failure is part of the exception."""
    done = subprocess.run([_executable(), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def _executable() -> Path:
    """Objects in the cache are files without the right to be executed: they get it where they lie."""
    found = program()
    found.chmod(0o755)
    return found
