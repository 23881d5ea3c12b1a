"""The content cache: what was built once from the same bytes is not built again, on this machine, in any clone.

An entry is a kind and a key made by `digest`. `refs/<kind>/<key>` names, by its SHA-256, the object that holds the content;
what is read back is compared with that name, so an entry is whole, or it is not there. Folders under `work/` are what
tools like cargo keep between runs. Whatever was not used for 30 days goes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from composer import recall
from composer.tools import ToolFailure

KEEP_DAYS = 30
DAY = 24 * 60 * 60
LEFT_SECONDS = 60 * 60
"""A file under a temporary name that is older than this has been left by a run that was killed."""
_TEMPORARY = ".new-"

Content = bytes | Path | Callable[[BinaryIO], object]
"""What to store: bytes, a file to copy, or a function that writes to the file it is given."""


def root() -> Path:
    """The folder of all that is kept here."""
    return Path(recall.cache_root())


def digest(*parts: str | bytes) -> str:
    """A key made of all parts; ("ab", "c") and ("a", "bc") have different ones."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.hexdigest()


def read(kind: str, key: str) -> bytes | None:
    """The content of an entry, or None where there is none, or one that is damaged."""
    found = _verified(kind, key)
    return found[1] if found else None


def entry(kind: str, key: str) -> Path | None:
    """The file of an entry, its content verified just now; read-only for the caller. None as with `read`."""
    found = _verified(kind, key)
    return found[0] if found else None


def store(kind: str, key: str, content: Content) -> Path:
    """Keep `content` under `kind` and `key`; gives the file that holds it.

    Atomic: two that store the same entry at once leave one of the two, whole. Raises ToolFailure where it cannot be
    written, as on a full disk; then nothing is left behind.
    """
    with _clean_errors():
        folder = root() / "objects"
        folder.mkdir(parents=True, exist_ok=True)
        with _temporary(folder) as temporary:
            sha = _write(temporary, content)
            target = folder / sha
            os.replace(temporary, target)
        _replace_text(_ref(kind, key), sha)
    prune_sometimes()
    return target


@contextmanager
def work(name: str) -> Iterator[Path]:
    """A folder that a tool keeps between runs, held by one run at a time; other processes wait for their turn."""
    import fcntl

    with _clean_errors():
        folder = root() / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / ".lock", "ab")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            from composer import progress

            with progress.task("waiting for another build"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(OSError):
            os.utime(folder / ".lock")
        yield folder


def write_if_changed(path: Path, content: bytes) -> None:
    """Give `path` this content and leave its time alone where it has it already, so that tools see no change."""
    with suppress(OSError):
        if path.read_bytes() == content:
            return
    with _clean_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_bytes(path, content)


def write_output(path: Path, content: bytes) -> None:
    """Write what a person asked for: under a temporary name first, then renamed. Raises ToolFailure where it cannot."""
    with _clean_errors(path, refused="choose a place that can be written", full="make room"):
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_leftovers(path.parent)
        _replace_bytes(path, content)


def prune_sometimes(now: float | None = None) -> None:
    """Once a day, when something is stored: drop what was not used for KEEP_DAYS. Costs one `stat` at other times."""
    now = time.time() if now is None else now
    stamp = root() / ".pruned"
    with suppress(OSError):
        if now - stamp.stat().st_mtime < DAY:
            return
    with suppress(OSError):
        stamp.touch()
        os.utime(stamp, (now, now))
        prune(now)


def prune(now: float) -> None:
    """Drop entries and working folders not used for KEEP_DAYS, then the objects that no entry names any more."""
    limit = now - KEEP_DAYS * DAY
    wanted = set()
    for ref in _files(root() / "refs"):
        with suppress(OSError):
            if ref.stat().st_mtime < limit:
                ref.unlink()
            else:
                wanted.add(ref.read_text())
    # Objects younger than a day may wait for their entry to be written by another process.
    for thing in _files(root() / "objects"):
        with suppress(OSError):
            if thing.name not in wanted and thing.stat().st_mtime < now - DAY:
                thing.unlink()
    for folder in ("index", recall.FOLDER):
        for file in _files(root() / folder):
            with suppress(OSError):
                if file.stat().st_mtime < limit:
                    file.unlink()
    for lock in (root() / "work").glob("*/.lock"):
        with suppress(OSError):
            if lock.stat().st_mtime < limit:
                shutil.rmtree(lock.parent, ignore_errors=True)


def clean(everything: bool = False) -> int:
    """Empty the cache; with `everything` also what set-up installed there. Gives the number of bytes freed.

    The environment that runs this very process can go: what it needs is loaded.
    """
    folders = ["refs", "objects", "work", "index", recall.FOLDER]
    freed = 0
    for folder in root().iterdir() if root().is_dir() else ():
        if everything or folder.name in folders:
            freed += _size(folder)
            _remove(folder)
    return freed


def _verified(kind: str, key: str) -> tuple[Path, bytes] | None:
    ref = _ref(kind, key)
    try:
        sha = ref.read_text()
        path = root() / "objects" / sha
        content = path.read_bytes()
    except (OSError, ValueError):
        return None
    if hashlib.sha256(content).hexdigest() != sha:
        with suppress(OSError):
            path.unlink()
        return None
    _mark_used(ref)
    return path, content


def _mark_used(path: Path) -> None:
    """The time of a ref is the day of its last use; written at most once a day."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > DAY:
            os.utime(path)


def _ref(kind: str, key: str) -> Path:
    return root() / "refs" / kind / key


def _write(path: Path, content: Content) -> str:
    """Write `content` to `path`; gives the SHA-256 of what is there then."""
    if isinstance(content, bytes):
        path.write_bytes(content)
        return hashlib.sha256(content).hexdigest()
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        with open(path, "wb") as out:
            content(out)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace_bytes(path, text.encode())


def _replace_bytes(path: Path, content: bytes) -> None:
    with _temporary(path.parent) as temporary:
        temporary.write_bytes(content)
        os.replace(temporary, path)


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A name in `folder` that no other process uses; whatever is still there in the end goes."""
    path = folder / f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _drop_leftovers(folder: Path) -> None:
    """Drop what runs that were killed have left under temporary names; what is young may be another's who is still writing."""
    limit = time.time() - LEFT_SECONDS
    for path in folder.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):
            if path.stat().st_mtime < limit:
                path.unlink()


@contextmanager
def _clean_errors(path: Path | None = None, refused: str = "set MUNAL_CACHE to a folder that can be written",
                  full: str = "make room, or empty the cache with `munal clean`") -> Iterator[None]:
    """Say what the system refused as a person would: which file, why, and what helps. `path` is what is to be written, where that is one file."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            helps = full
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            helps = refused
        else:
            helps = "look at that file"
        where = path or error.filename2 or error.filename or root()
        raise ToolFailure("files", f"cannot write {where}: {error.strerror}; {helps}") from error


def _files(folder: Path) -> Iterator[Path]:
    for base, _, names in os.walk(folder):
        for name in names:
            yield Path(base, name)


def _size(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    total = 0
    for file in _files(path):
        with suppress(OSError):
            total += file.lstat().st_size
    return total


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
