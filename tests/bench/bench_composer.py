"""How long the composer takes and how small its smallest image is: `munal bench`, or `python -m tests.bench.bench_composer`.

Works on copies of the repository's workspace and on generated ones, with the machine's own cache, so that it shows what a
person waits for. Peers run in the same minute, in turns. With --cold, everything is built once more with an empty cache.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import peers
from tests.bench.figures import Figure, Job, Taken, data, in_turns, machine, table, take, timed
from tests.bench.workspaces import REPOSITORY, big_workspace, copy_workspace, heavy_workspace

MUNAL = REPOSITORY / "munal"
PROFILE, PROFILE_FILE = "minimal", "profiles/minimal.toml"
BASE = "base = 0x3f8"
APP_FILE, SUMMARY = "apps/programs/hello/app.toml", 'summary = "Greets'
RUST_FILE, GREETING = "apps/programs/hello/src/main.rs", 'b"Hello from'
APPS, PROFILES, MODULE_MB = 200, 50, 10
CHECK_GOAL, UNCHANGED_GOAL, CHANGED_GOAL, IMAGE_GOAL = 0.3, 0.1, 0.5, 1.5
"""Of DESIGN.md's figures, in seconds and MB."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="munal bench composer", description=__doc__)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--cold", action="store_true")
    chosen = parser.parse_args(arguments)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="munal-bench-") as name:
        folder = Path(name)
        against = [peers.mkosi(folder), peers.osbuild(folder)]
        cargo = peers.cargo(folder)
        figures = [*variant_figures(folder, against), *change_figures(folder, cargo), *size_figures(folder)]
        if chosen.cold:
            figures += cold_figures(folder)
    notes = [f"{peer.name}: {peer.says}" for peer in (*against, cargo)]
    notes += [f"all by Python {sys.version.split()[0]}, medians of runs in turns; {before}"]
    print(data(figures, notes) if chosen.format == "json" else "\n".join([table(figures), "", *notes]))


def variant_figures(folder: Path, against: list[peers.Peer]) -> Iterator[Figure]:
    """Checking four variants: where nothing changed, and where a line did, so that all four are checked anew."""
    same, copy = copy_workspace(folder / "variants"), copy_workspace(folder / "changed variants")
    again, anew = ([MUNAL, "check", "-C", workspace] for workspace in (same, copy))
    take(again, runs=2)
    jobs = [Job(again), Job(anew, before=change_line(copy, PROFILE_FILE, BASE, _port)), *(peer.job for peer in against if peer.job)]
    unchanged, changed, *theirs = in_turns(jobs)
    measured = dict(zip((peer.name for peer in against if peer.job), theirs, strict=True))
    for name, taken in (("four variants checked, nothing changed", unchanged), ("four variants checked, one line changed", changed)):
        for peer in against:
            yield timed(name, taken, CHECK_GOAL, peer.name if peer.job else f"none: {peer.says}", measured.get(peer.name))


def change_figures(folder: Path, cargo: peers.Peer) -> Iterator[Figure]:
    """One profile, checked and built: unchanged, and after a line of it, of an app's manifest and of an app's Rust changed."""
    copy = copy_workspace(folder / "changes")
    check, build = ([MUNAL, word, PROFILE, "-C", copy] for word in ("check", "build"))
    for command in (build, build, check, check):
        take(command, runs=1)
    peer = [cargo.job] if cargo.job else []
    same_check, same_build, *theirs = in_turns([Job(check), Job(build), *peer])
    beside = (cargo.name if peer else f"none: {cargo.says}", theirs[0] if theirs else None)
    yield timed("check, nothing changed", same_check, UNCHANGED_GOAL, *beside)
    yield timed("build, nothing changed", same_build, UNCHANGED_GOAL, *beside)
    yield Figure("smallest image that prints from a driver", (copy / f"build/{PROFILE}.efi").stat().st_size / 1e6, "MB", IMAGE_GOAL)
    for what, file, line, to in (("a profile", PROFILE_FILE, BASE, _port), ("an app.toml", APP_FILE, SUMMARY, _summary)):
        change = change_line(copy, file, line, to)
        yield timed(f"check, one line of {what} changed", take(check, before=change), CHANGED_GOAL)
        yield timed(f"build, one line of {what} changed", take(build, before=change), CHANGED_GOAL)
        shutil.copy(REPOSITORY / file, copy / file)
    yield timed("build, one line of an app's Rust changed", take(build, runs=3, before=change_line(copy, RUST_FILE, GREETING, _greeting)))


def size_figures(folder: Path) -> Iterator[Figure]:
    """What grows: many manifests, and a large module that can reach no hardware. Each with nothing known of it yet."""
    big = big_workspace(folder / "big", APPS, PROFILES)
    yield timed(f"first check of {APPS} apps and {PROFILES} profiles", _first(folder, big, 3))
    heavy = heavy_workspace(folder / "heavy", MODULE_MB)
    yield timed(f"first check of a module of {MODULE_MB} MB without hardware", _first(folder, heavy, 3))


def cold_figures(folder: Path) -> Iterator[Figure]:
    copy = copy_workspace(folder / "cold")
    command = [MUNAL, "build", PROFILE, "-C", copy]
    yield timed("first build ever, kernel included", take(command, runs=1, env=empty_cache(folder / "cold cache")))


def _first(folder: Path, workspace: Path, runs: int) -> Taken:
    """Checks of a workspace, each with an empty cache."""
    env = empty_cache(folder / f"cache of {workspace.name}")

    def forget(number: int) -> None:
        for kept in Path(env["MUNAL_CACHE"]).iterdir():
            if not kept.is_symlink():
                shutil.rmtree(kept) if kept.is_dir() else kept.unlink()

    return take([MUNAL, "check", "-C", workspace], runs=runs, before=forget, env=env)


def empty_cache(folder: Path) -> Mapping[str, str]:
    """An environment whose cache knows nothing yet; what set-up installs is linked into it."""
    from composer import cache

    folder.mkdir()
    for kept in ("python", "zig"):
        if (cache.root() / kept).exists():
            (folder / kept).symlink_to(cache.root() / kept)
    return {**os.environ, "MUNAL_CACHE": str(folder)}


def change_line(copy: Path, file: str, line: str, to: Callable[[int], str]) -> Callable[[int], None]:
    """Change one line of a file before each run, each time to what no earlier run has seen."""
    text = (REPOSITORY / file).read_text()
    if line not in text:
        sys.exit(f"{file} has no line with `{line}` any more")
    numbers = random.SystemRandom().sample(range(5000), 64)

    def change(number: int) -> None:
        (copy / file).write_text(text.replace(line, to(numbers[number])))

    return change


def _port(number: int) -> str:
    return f"base = {0x1000 + 8 * number:#x}"


def _summary(number: int) -> str:
    return f'summary = "{number} times: greets'


def _greeting(number: int) -> str:
    return f'b"{number} times hello from'


if __name__ == "__main__":
    main(sys.argv[1:])
