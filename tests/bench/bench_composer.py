"""How long the composer takes and how small its smallest image is: `python -m tests.bench.bench_composer [--cold]`.

Works on a copy of the repository's workspace, with the machine's own cache, so that it shows what a person waits for.
With --cold everything is built once more with an empty cache, which takes minutes. Peers run in the same minute.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.figures import Figure, machine, seconds, table

REPOSITORY = Path(__file__).resolve().parents[2]
MUNAL = REPOSITORY / "munal"
PROFILE, PROFILE_FILE = "minimal", "profiles/minimal.toml"
BASE = "base = 0x3f8"
INTERPRETER, NOTHING_TO_BUILD = "starting Python", "cargo with nothing to build"


def main(arguments: list[str]) -> None:
    before = machine()
    with tempfile.TemporaryDirectory(prefix="munal-bench-") as folder:
        copy = copy_workspace(Path(folder, "workspace"))
        figures = [*composer_figures(copy, Path(folder))]
        if "--cold" in arguments:
            figures += cold_figures(copy, Path(folder))
    print(f"{table(figures)}\n{before}")


def copy_workspace(to: Path) -> Path:
    """The manifests and apps of this repository, to be changed at will."""
    to.mkdir()
    shutil.copy(REPOSITORY / "munal.toml", to)
    for name in ("apps", "profiles"):
        shutil.copytree(REPOSITORY / name, to / name, ignore=shutil.ignore_patterns("target", "__pycache__"))
    return to


def composer_figures(copy: Path, folder: Path) -> Iterator[Figure]:
    start = seconds([sys.executable, "-c", "pass"])
    cargo = cargo_with_nothing_to_build(folder)
    build, check = ([MUNAL, word, PROFILE, "-C", copy] for word in ("build", "check"))
    seconds(build, runs=2)
    yield Figure("check, nothing changed", seconds(check), "s", 0.2, INTERPRETER, start)
    yield Figure("check of every profile, nothing changed", seconds([*check[:2], "-C", copy]), "s", 0.3, INTERPRETER, start)
    yield Figure("build, nothing changed", seconds(build), "s", 0.2, *cargo)
    yield Figure("check, one line of a manifest changed", seconds(check, before=move_port(copy)), "s", None, INTERPRETER, start)
    yield Figure("build, one line of a manifest changed", seconds(build, before=move_port(copy)), "s", 1.0, *cargo)
    (copy / PROFILE_FILE).write_text((REPOSITORY / PROFILE_FILE).read_text())
    seconds(build, runs=1)
    yield Figure("smallest image that prints from a driver", (copy / f"build/{PROFILE}.efi").stat().st_size / 1e6, "MB", 1.5)


def cold_figures(copy: Path, folder: Path) -> Iterator[Figure]:
    """The first build ever, without what set-up installs: its environment is linked into the new cache."""
    from composer import cache

    empty = folder / "cache"
    empty.mkdir()
    for kept in ("python", "zig"):
        if (cache.root() / kept).exists():
            (empty / kept).symlink_to(cache.root() / kept)
    shutil.rmtree(copy / "build", ignore_errors=True)
    env = {**os.environ, "MUNAL_CACHE": str(empty)}
    yield Figure("build, empty cache, kernel included", seconds([MUNAL, "build", PROFILE, "-C", copy], runs=1, env=env), "s")


def move_port(copy: Path) -> Callable[[int], None]:
    """Change one line of the profile before each run: a base that no earlier run has compiled glue for."""
    profile, text = copy / PROFILE_FILE, (REPOSITORY / PROFILE_FILE).read_text()
    if BASE not in text:
        sys.exit(f"{PROFILE_FILE} has no line with `{BASE}` any more")
    bases = random.SystemRandom().sample(range(0x1000, 0xF000, 8), 64)

    def change(number: int) -> None:
        profile.write_text(text.replace(BASE, f"base = {bases[number]:#x}"))

    return change


def cargo_with_nothing_to_build(folder: Path) -> tuple[str, float | None]:
    """What a build tool of the same machine takes to find that nothing changed, in a crate without dependencies."""
    from composer import toolchain

    rust = toolchain.find_rust(kernel=False)
    if rust is None:
        return "", None
    crate = folder / "crate"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "peer"\nversion = "0.1.0"\nedition = "2021"\n')
    (crate / "src/lib.rs").write_text("pub fn nothing() {}\n")
    command = [rust.cargo, "build", "--offline", "--quiet"]
    env = {**os.environ, "RUSTC": str(rust.rustc)}
    seconds(command, runs=1, env=env, cwd=crate)
    return NOTHING_TO_BUILD, seconds(command, env=env, cwd=crate)


if __name__ == "__main__":
    main(sys.argv[1:])
