"""Packages of Debian's that a benchmark compares with: downloaded and unpacked into the cache once, never installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from composer import cache
from composer.tools import ToolFailure

WAIT = 300


def unpacked(name: str, meta: str, keep: Callable[[Path, Path], None]) -> Path:
    """The cache's folder `name`: what `keep(files, folder)` took into it from the files of the kernel that the package `meta` depends
    on. Raises ToolFailure where this is no Debian, or its mirror cannot be reached."""
    folder = cache.root() / "peers" / name
    if folder.is_dir():
        return folder
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise ToolFailure("bench", "Linux is fetched as a Debian package, and this is no Debian")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work, new = (folder.with_name(f".{name}-{part}-{os.getpid()}") for part in ("work", "new"))
    work.mkdir()
    new.mkdir()
    try:
        _download(meta, work)
        _run(["dpkg-deb", "-x", str(next(work.glob("*.deb"))), str(work / "files")], work)
        keep(work / "files", new)
        new.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(new, ignore_errors=True)
    return folder


def kernel_of(folder: Path) -> Path:
    """The kernel that was kept in `boot`. Raises ToolFailure where there is none."""
    found = sorted(folder.glob("boot/vmlinuz-*"))
    if not found:
        raise ToolFailure("bench", f"there is no kernel in {folder}: remove that folder to have it fetched again")
    return found[-1]


def _download(meta: str, folder: Path) -> None:
    try:
        _run(["apt-get", "download", "-q", _package(meta, folder)], folder)
    except ToolFailure:  # a new machine may have no lists of packages yet
        _run([*([] if os.geteuid() == 0 else ["sudo", "-n"]), "apt-get", "update", "-q"], folder)
        _run(["apt-get", "download", "-q", _package(meta, folder)], folder)


def _package(meta: str, folder: Path) -> str:
    found = re.search(r"^\s*Depends: (linux-image-\S+)", _run(["apt-cache", "depends", meta], folder), re.MULTILINE)
    if not found:
        raise ToolFailure("bench", f"no kernel in Debian's package {meta}: try `apt-get update`")
    return found[1]


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ToolFailure("bench", f"Linux could not be fetched: {problem}") from problem
    if done.returncode != 0:
        raise ToolFailure("bench", f"`{' '.join(command)}` failed: is Debian's mirror in reach?", done.stderr)
    return done.stdout
