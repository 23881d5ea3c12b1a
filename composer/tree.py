"""What is in a folder, as one digest: files are read again only when their status changed.

The index of a workspace remembers size, times, inode and SHA-256 of every file it saw, so that an unchanged tree costs one
`stat` a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from composer import cache
from composer.recall import SETTLED_NS, look

BUILD_FOLDERS = frozenset(("target", "build", "node_modules", "__pycache__"))


class Index:
    """The digests of one workspace's files. `save` keeps what was learned; `looked` is the status of all that was looked at,
    files and folders, as it was before they were read; None for what was not there."""

    def __init__(self, root: Path) -> None:
        self.path = cache.root() / "index" / f"{cache.digest(str(root))[:32]}.json"
        self._changed = False
        self.looked: dict[str, os.stat_result | None] = {}
        self._files, self._notes = _load(self.path)

    def file(self, path: Path | str, stat: os.stat_result | None = None) -> str:
        """SHA-256 of a file, in hex; "" where there is no such file."""
        name = os.fspath(path)
        stat = self._look(name, stat)
        if stat is None:
            return ""
        try:
            status = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            known = self._files.get(name)
            if known is not None and known[:4] == status:
                return str(known[4])
            started = time.time_ns()
            with open(name, "rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""
        if stat.st_ctime_ns < started - SETTLED_NS:
            self._files[name] = [*status, sha]
            self._changed = True
        return sha

    def folder(self, folder: Path, without: frozenset[str] = frozenset()) -> str:
        """A digest of all files below `folder`: their names and content. Skips what is hidden, what tools build there, and
        the files that `without` names, relative to `folder`."""
        parts: list[str] = []
        start = len(os.fspath(folder)) + 1
        for path, stat in self._walk(os.fspath(folder)):
            if path[start:] not in without:
                parts += (path[start:], self.file(path, stat))
        return cache.digest(*parts)

    def note(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gave for this key once; only JSON's types. For what is read out of files whose digest is in `key`."""
        if key not in self._notes:
            self._notes[key] = make()
            self._changed = True
        return self._notes[key]

    def save(self) -> None:
        if self._changed:
            self._files = {name: known for name, known in self._files.items() if os.path.exists(name)}
            text = json.dumps({"files": self._files, "notes": self._notes}, separators=(",", ":"))
            cache.write_if_changed(self.path, text.encode())
            self._changed = False

    def _look(self, name: str, stat: os.stat_result | None = None) -> os.stat_result | None:
        """The status of `name`, noted as it was at first: what changes later counts as changed."""
        stat = stat or look(name)
        self.looked.setdefault(name, stat)
        return stat

    def _walk(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """Files below `folder`, in the order of their names. A link to a folder is not followed: it may lead in a circle."""
        self._look(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError:
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in BUILD_FOLDERS:
                    yield from self._walk(entry.path)
            elif entry.is_file():
                yield entry.path, entry.stat()
            else:
                self._look(entry.path)


def _load(path: Path) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    try:
        read = json.loads(path.read_bytes())
        return dict(read["files"]), dict(read["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}, {}
